/**
 * The wing of protected hosts: `/.sallyport/` is ours, everything else is the application's once the guard has said who
 * it is (2-http-api, 6; 3-rules, Proxied requests).
 */
import { byOf, type Call, type Redirect } from '../../actions/call.ts';
import {
  callback,
  callbackPath,
  type HandOverParts,
  leadToAccount,
  leadToSignIn,
  signedOut,
  signOutOfApplication,
  signOutPath,
} from '../../actions/hand-over.ts';
import { newName, newSecret, type Random } from '../../crypto/random.ts';
import { problems, refuse, type Refusal } from '../../errors.ts';
import type { ApplicationGate, Guard } from '../../guard.ts';
import type { Admission } from '../../guard/admission.ts';
import { judgeProvenance } from '../../policy/csrf.ts';
import { identityHeaders } from '../../principal/identity.ts';
import type { Arrival } from '../../request/arrival.ts';
import { expireCookie } from '../../request/cookie.ts';
import type { CookieSlot } from '../../request/credential.ts';
import { type Incoming, pathOf, queryOf } from '../../request/incoming.ts';
import { askerOf } from '../../request/navigation.ts';
import { holderOf, type PathTicketPrincipal } from '../../principal/principal.ts';
import type { InstallationState } from '../../store/rows.ts';
import type { Clock, MaybePromise, Origin } from '../../types.ts';
import type { Memory } from '../../verify/known/contract.ts';
import type { Use } from '../../verify/session.ts';
import { type Forward, problem, redirect, refusalHeaders, setCookies, type Written } from '../answer.ts';
import type { Dialects } from '../dialects/dialect.ts';
import { notMine, type Wing } from '../handler.ts';
import { plainPage } from './plain-page.ts';

export interface ApplicationParts {
  readonly guard: Guard;
  readonly memory: Memory;
  readonly handOver: HandOverParts;
  readonly clock: Clock;
  readonly random: Random;
  readonly openness: ApplicationGate['openness'];
  readonly slotsFor: (origin: Origin) => readonly CookieSlot[];
  readonly consoleOrigin: () => Origin;
  readonly dialects: Dialects;
}

/** `/.sallyport/` on a protected host: what the hand-over needs, and nothing else. */
export function handOverWing(parts: ApplicationParts): Wing {
  const refused = (refusal: Refusal, incoming: Incoming): Written => refusalFor(parts, refusal, incoming);

  const admit = async (incoming: Incoming, arrival: Arrival, state: InstallationState): Promise<Admission> =>
    parts.guard.admitToApplication({
      client: arrival.client,
      headers: incoming.headers,
      method: 'GET',
      target: '',
      scopes: [],
      origin: arrival.origin,
      ownOrigin: arrival.origin,
      slots: parts.slotsFor(arrival.origin),
      state,
      openness: 'closed',
      reach: 'always',
    });

  const serve = async (incoming: Incoming, arrival: Arrival, path: string): Promise<Written> => {
    const state = await parts.memory.state();
    if (state === 'fresh') return refused(refuse('not_configured'), incoming);
    const call: Call = {
      incoming,
      arrival,
      query: queryOf(incoming.target),
      principal: { kind: 'anonymous' },
      arrivedAt: parts.clock.monotonic(),
      token: '',
      params: {},
      body: undefined,
    };
    if (path === callbackPath) {
      if (incoming.method !== 'GET') return notAllowed(parts.random, 'GET');
      const result = await callback(parts.handOver, call);
      return result.kind === 'refused' ? refused(result, incoming) : written(result);
    }
    if (path !== signOutPath) return refused(refuse('not_found'), incoming);
    switch (incoming.method) {
      case 'GET':
        return plainPage(
          {
            status: 200,
            title: 'Sign out?',
            text: 'This ends your session here and in the other applications of this browser.',
            next: { kind: 'form', label: 'Sign out', target: signOutPath, leadsTo: parts.consoleOrigin() },
          },
          newSecret(parts.random),
        );
      case 'POST': {
        const provenance = judgeProvenance(incoming.headers, [arrival.origin]);
        if (provenance.kind === 'refused') return refused(provenance, incoming);
        const admission = await admit(incoming, arrival, state);
        return written(
          admission.kind === 'admitted' && admission.principal.kind === 'user'
            ? await signOutOfApplication(parts.handOver, call, admission.principal)
            : signedOut(parts.handOver, call),
        );
      }
      default:
        return notAllowed(parts.random, 'GET, POST');
    }
  };

  return (incoming, arrival, path) => (path.startsWith('/.sallyport/') ? serve(incoming, arrival, path) : notMine);
}

/** Everything else: the application's, for those who may. */
export function applicationWing(parts: ApplicationParts): Wing {
  const shape = (
    incoming: Incoming,
    arrival: Arrival,
    admission: Admission,
    standing: Forward['standing'],
  ): Forward | Written => {
    if (admission.kind === 'admitted')
      return {
        kind: 'forward',
        arrival,
        identity: identityHeaders(admission.principal),
        headers:
          admission.deadCookies.length === 0
            ? admission.headers()
            : [...admission.headers(), ...setCookies(admission.deadCookies.map((name) => expireCookie(name)))],
        standing,
      };
    const expired = admission.deadCookies.map((name) => expireCookie(name));
    if (admission.duty !== undefined && askerOf(incoming.method, incoming.headers) === 'navigation')
      return written({ ...leadToAccount(parts.handOver), cookies: expired });
    const signInHelps = admission.code === 'unauthorized' || admission.code === 'session_expired';
    if (signInHelps && askerOf(incoming.method, incoming.headers) === 'navigation') {
      const led = leadToSignIn(parts.handOver, incoming.headers, arrival.origin, pathAndQuery(incoming.target));
      return written({ ...led, cookies: [...expired, ...(led.cookies ?? [])] });
    }
    return refusalFor(parts, { ...admission, cookies: expired }, incoming);
  };

  return (incoming, arrival) => {
    const { headers, method } = incoming;
    if (!incoming.target.startsWith('/'))
      return problem(refuse('invalid_request', { detail: 'The request target is not a path.' }), {
        requestId: newName(parts.random),
      });
    // TRACE would read our own headers back to whoever asks; CONNECT is no request to an application.
    if (method === 'TRACE' || method === 'CONNECT') return notAllowed(parts.random, anyMethod);
    const admit = (state: InstallationState, use: Use, ticket?: PathTicketPrincipal): MaybePromise<Admission> =>
      parts.guard.admitToApplication({
        target: incoming.target,
        scopes: [],
        client: arrival.client,
        headers,
        method,
        origin: arrival.origin,
        ownOrigin: arrival.origin,
        slots: parts.slotsFor(arrival.origin),
        state,
        openness: parts.openness,
        use,
        ...(ticket === undefined ? {} : { goesOnFor: ticket }),
      });
    const standing =
      (ticket?: PathTicketPrincipal) =>
      (use: Use): MaybePromise<Admission> => {
        const state = parts.memory.state();
        return state instanceof Promise ? state.then((now) => admit(now, use, ticket)) : admit(state, use, ticket);
      };
    const shaped = (settled: Admission): MaybePromise<Forward | Written> => {
      if (settled.kind === 'admitted') {
        // A ticket is spent by now: what goes on asks for whoever is behind it.
        const { principal } = settled;
        return shape(incoming, arrival, settled, standing(principal.kind === 'path-ticket' ? principal : undefined));
      }
      const refused = shape(incoming, arrival, settled, standing());
      const { denied } = settled;
      if (denied === undefined) return refused;
      // Written before it is told; the host alone, since applications put secrets into their paths.
      return parts.handOver.recorder
        .denied({
          ...byOf({ incoming, arrival, principal: denied }),
          holder: holderOf(denied),
          target: arrival.origin,
        })
        .then(() => refused);
    };
    const admission = standing()('counts');
    return admission instanceof Promise ? admission.then(shaped) : shaped(admission);
  };
}

const anyMethod = 'GET, HEAD, POST, PUT, PATCH, DELETE, OPTIONS';

/** A page for people, a problem answer for programs. */
export function refusalFor(
  parts: Pick<ApplicationParts, 'random' | 'consoleOrigin' | 'dialects'>,
  refusal: Refusal,
  incoming: Pick<Incoming, 'method' | 'target' | 'headers'>,
): Written {
  if (askerOf(incoming.method, incoming.headers) === 'other')
    return parts.dialects(pathOf(incoming.target)).refused(refusal, { requestId: newName(parts.random) });
  const { status, title, detail } = problems[refusal.code];
  return plainPage(
    {
      status,
      title,
      text: refusal.detail ?? detail,
      next: {
        kind: 'link',
        label: refusal.code === 'not_configured' ? 'Set up' : 'Your account',
        target: `${parts.consoleOrigin()}/auth/`,
      },
      cookies: refusal.cookies ?? [],
      headers: refusalHeaders(refusal),
    },
    newSecret(parts.random),
  );
}

/** As it came, if it can be sent back to; else the front page. */
function pathAndQuery(target: string): string {
  return /^\/(?!\/)[\x21-\x7e]*$/.test(target) &&
    !target.includes('\\') &&
    !target.includes('#') &&
    target.length <= 2048
    ? target
    : '/';
}

function written(to: Redirect): Written {
  return redirect(to.location, to.cookies);
}

function notAllowed(random: Random, allow: string): Written {
  return problem(refuse('method_not_allowed'), { requestId: newName(random), more: ['allow', allow] });
}
