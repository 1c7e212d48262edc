/**
 * The API wing: rows of the route table. The order of checks is the contract's (2-http-api, 2): path and method, size
 * and type, credential, CSRF, need, body, step-up, idempotency, action.
 */
import { type AdminCall, byOf, type Call, circumstancesOf, type Outcome } from '../actions/call.ts';
import { actByKey } from '../actions/idempotent/by-key.ts';
import type { Idempotent } from '../actions/idempotent/idempotent.ts';
import { reachOf } from '../actions/tokens/tokens.ts';
import { newName, type Random } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { Gate, Guard } from '../guard.ts';
import type { Admitted } from '../guard/admission.ts';
import { takesBasic } from '../policy/need.ts';
import { judgeStepUp, type StepUpRules } from '../policy/step-up.ts';
import { type ActingPrincipal, holderOf } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Arrival } from '../request/arrival.ts';
import { expireCookie } from '../request/cookie.ts';
import type { CookieSlot, CredentialReader } from '../request/credential.ts';
import { type Incoming, pathOf, queryOf } from '../request/incoming.ts';
import { promptsOf } from '../request/navigation.ts';
import type { Scheme } from '../request/origin.ts';
import type { Clock, Origin } from '../types.ts';
import type { Memory } from '../verify/known/contract.ts';
import { json, type Written } from './answer.ts';
import { type BodyForm, type BodyReading, checkBodyHeaders, readBody, readCsvBody } from './body.ts';
import { type Dialects, render } from './dialects/dialect.ts';
import { notMine, type Wing } from './handler.ts';
import { type AccountRoute, type Confirm, type Route, type RouteMatch, routeFinder } from './route.ts';
import type { StepUpBody } from './schemas.ts';

export interface ApiParts {
  readonly routes: readonly Route[];
  readonly guard: Guard;
  readonly credentials: CredentialReader;
  readonly prover: Prover;
  readonly memory: Memory;
  readonly recorder: Recorder;
  readonly idempotent: Idempotent;
  readonly clock: Clock;
  readonly random: Random;
  readonly stepUp: StepUpRules;
  /** Session cookies of the console, best first. */
  readonly slots: (scheme: Scheme) => readonly CookieSlot[];
  readonly consoleOrigin: () => Origin;
  /** What `WWW-Authenticate` says of Basic. */
  readonly basicChallenge: string;
  readonly dialects: Dialects;
}

/** A request that the guard let through, on its way to its action. */
interface AdmittedRequest {
  readonly incoming: Incoming;
  readonly arrival: Arrival;
  readonly route: Route;
  readonly params: Call['params'];
  readonly admission: Admitted;
  readonly arrivedAt: number;
  readonly body: unknown;
}

interface Confirmed {
  readonly kind: 'confirmed';
}

const stillThere: Confirmed = { kind: 'confirmed' };
const ready = { kind: 'ready' } as const;

export function apiWing(parts: ApiParts): Wing {
  const find = routeFinder(parts.routes);

  const answer = async (
    incoming: Incoming,
    arrival: Arrival,
    match: Exclude<RouteMatch, { kind: 'no-path' }>,
    path: string,
  ): Promise<Written> => {
    const arrivedAt = parts.clock.monotonic();
    const requestId = newName(parts.random);
    const dialect = parts.dialects(path);
    if (match.kind === 'no-method')
      return dialect.refused(refuse('method_not_allowed'), { requestId, more: ['allow', match.allow.join(', ')] });
    const { route, params } = match;
    const acceptable = checkBodyHeaders(incoming, route.form);
    // What was refused unread may still be on the connection.
    if (acceptable.kind === 'refused') return { ...dialect.refused(acceptable, { requestId }), close: true };
    const readiness = await readinessOf(route, incoming, arrival);
    if (readiness.kind === 'refused') return dialect.refused(readiness, { requestId });
    if (readiness.kind === 'empty') return json(200, { [readiness.list]: [] });
    // Read before the guard looks for a CSRF field.
    const formBody = route.form === 'json-or-form' ? await readBody(incoming) : undefined;
    if (formBody?.kind === 'refused') return { ...dialect.refused(formBody, { requestId }), close: true };
    const gate = gateOf(route, { incoming, arrival, arrivedAt }, formBody?.value);
    const first = await parts.guard.admit(incoming, gate);
    const body = first.kind === 'admitted' ? (formBody ?? (await bodyOf(route.form, incoming))) : formBody;
    const admission =
      first.kind === 'admitted' && body?.kind === 'body' ? await parts.guard.readmit(first, gate) : first;
    const deadCookies = admission.deadCookies.map((name) => expireCookie(name));
    if (admission.kind === 'refused') {
      if (admission.denied !== undefined) await noteDenial({ incoming, arrival }, admission.denied);
      const challenge = challengeOf(route, incoming);
      return dialect.refused({ ...admission, cookies: deadCookies }, { requestId, challenge });
    }
    const outcome =
      body?.kind === 'refused'
        ? body
        : await act({ incoming, arrival, route, params, admission, arrivedAt, body: body?.value });
    const { principal } = admission;
    const acts = 'user' in principal || principal.kind === 'service';
    if (outcome.kind === 'refused' && outcome.code === 'forbidden' && acts)
      await noteDenial({ incoming, arrival }, principal);
    const answered = render(dialect, outcome, { requestId, deadCookies });
    const headers = admission.headers();
    return headers.length === 0 ? answered : { ...answered, headers: [...answered.headers, ...headers] };
  };

  /** Of routes that take Basic, for programs: a browser would ask its user with a window of its own (2-http-api, 2). */
  const challengeOf = ({ need }: Route, { headers }: Incoming): string | undefined =>
    takesBasic(need) === 'no' || promptsOf(headers) === 'prompts' ? undefined : parts.basicChallenge;

  /** Whether there are accounts to answer for (3-rules, Setup states). */
  const readinessOf = async (
    { works }: Route,
    { target, headers }: Incoming,
    { scheme }: Arrival,
  ): Promise<Refusal | { readonly kind: 'ready' } | { readonly kind: 'empty'; readonly list: string }> => {
    if (works === 'always') return ready;
    const state = await parts.memory.state();
    if (state === 'configured') return ready;
    const shown = parts.credentials.own({ target, headers, slots: parts.slots(scheme) });
    if (state === 'off' && (works === 'with-accounts' || shown.kind !== 'none')) return ready;
    return typeof works === 'object' ? { kind: 'empty', list: works.orEmpty } : refuse('not_configured');
  };

  /** Written before it is told; a row of the table that asks for less and is refused more by its action counts as well. */
  const noteDenial = (asked: Pick<Call, 'incoming' | 'arrival'>, principal: ActingPrincipal): Promise<void> =>
    parts.recorder.denied({
      ...byOf({ ...asked, principal }),
      holder: holderOf(principal),
      target: pathOf(asked.incoming.target),
    });

  const gateOf = (
    route: Route,
    { arrival, ...asked }: Pick<Call, 'incoming' | 'arrival' | 'arrivedAt'>,
    form: unknown,
  ): Gate => ({
    client: arrival.client,
    locality: arrival.locality,
    basic: {
      client: arrival.client,
      locality: arrival.locality,
      // Whoever sends Basic has no cookies: a known device is a browser's.
      circumstances: () => circumstancesOf({ arrival, ...asked }, ''),
    },
    need: route.need,
    slots: parts.slots(arrival.scheme),
    ...(route.reads === undefined ? {} : { reads: route.reads }),
    own: [parts.consoleOrigin(), arrival.origin],
    csrfField: csrfFieldOf(form),
  });

  const act = async (admitted: AdmittedRequest): Promise<Outcome> => {
    const { incoming, route, admission, body } = admitted;
    if (route.form !== 'none' && (typeof body !== 'object' || body === null || Array.isArray(body))) {
      return refuse('invalid_request', { detail: 'The body is not a JSON object.' });
    }
    const checked = route.body?.safeParse(body);
    if (checked?.success === false) {
      return refuse('invalid_request', {
        detail: checked.error.issues
          .map((issue) => `${issue.path.join('.')}: ${issue.message}`.slice(0, 200))
          .slice(0, 5)
          .join('; '),
        errors: Object.fromEntries(
          checked.error.issues.slice(0, 5).map(({ path, message }) => [path.join('.'), message.slice(0, 200)]),
        ),
      });
    }
    const call: Call = {
      incoming,
      arrival: admitted.arrival,
      arrivedAt: admitted.arrivedAt,
      params: admitted.params,
      principal: admission.principal,
      token: admission.token,
      query: queryOf(incoming.target),
      body: checked === undefined ? body : checked.data,
    };
    if (route.who === 'anybody') return route.action(call);
    const { principal } = call;
    if (principal.kind === 'anonymous' || principal.kind === 'everybody') return refuse('unauthorized');
    const acting: AdminCall = { ...call, principal };
    let asked: ReturnType<typeof confirm> | undefined;
    // Once: a code that was looked at twice would be spent the second time.
    const confirmOnce = (): ReturnType<typeof confirm> => (asked ??= confirm(acting));
    const wanted = route.stepUp === 'fresh' || (route.stepUp === 'by-content' && proofIn(call.body) === 'given');
    const confirmed = wanted ? await confirmOnce() : stillThere;
    if (confirmed.kind !== 'confirmed')
      return route.who === 'account' ? asking(route, call.body, confirmed) : confirmed;
    const action = (): Promise<Outcome> | Outcome => carryOut(route, acting, confirmOnce);
    if (route.repeats !== 'by-key') return action();
    // Where the need leaves it to the action whose things may be reached.
    const reach = route.who === 'admin' && reachOf(acting) === null ? 'everybody' : 'own';
    return actByKey(parts.idempotent, acting, { body, shown: admission.shown, reach }, action);
  };

  /** The guard saw to it that whoever asks is what the route is for; here that becomes a type. */
  const carryOut = (
    route: Exclude<Route, { who: 'anybody' }>,
    call: AdminCall,
    confirmOnce: Confirm,
  ): Promise<Outcome> | Outcome => {
    const { principal } = call;
    if (route.who === 'admin') return route.action(call, confirmOnce);
    if (principal.kind === 'service') return refuse('forbidden');
    if (route.who === 'account') return route.action({ ...call, principal });
    if (principal.kind === 'token' || principal.kind === 'path-ticket') return refuse('forbidden');
    if (route.who === 'person') return route.action({ ...call, principal });
    if (principal.kind === 'basic') return refuse('forbidden');
    if (route.who === 'leaving') return route.action({ ...call, principal });
    return principal.kind === 'user' ? route.action({ ...call, principal }) : refuse('forbidden');
  };

  /** The one answer that is no error where something is missing: clients of such routes expect it. */
  const asking = ({ asksForCode }: AccountRoute, body: unknown, refusal: Refusal): Outcome =>
    asksForCode === true && refusal.code === 'reauthentication_required' && (body as StepUpBody).password !== undefined
      ? { kind: 'done', status: 200, fields: { success: false, requires_totp: true, ...refusal.fields } }
      : refusal;

  /** A password or a passkey in the body is checked whenever it is given; without either the window must be open. */
  const confirm = async (call: AdminCall): Promise<Refusal | Confirmed> => {
    const { principal } = call;
    // It is nobody's, and whoever can read it may do all of this.
    if (principal.kind === 'service') return stillThere;
    // What a program goes on using is never the person.
    if (principal.kind === 'ticket' || principal.kind === 'path-ticket' || principal.via === 'user-key')
      return refuse('reauthentication_required', { fields: { methods: [] } });
    const { password, totp_code, totp_token, passkey } = call.body as StepUpBody;
    // The password came with this very request.
    if (proofIn(call.body) === 'none' && principal.kind === 'basic') return stillThere;
    // No window stands open for a token: whoever uses it confirms it in the same request, or does not.
    if (proofIn(call.body) === 'none' && principal.kind === 'user') {
      const judged = judgeStepUp(principal.session, parts.stepUp, parts.clock.now());
      if (judged.kind === 'within-window') return stillThere;
    }
    // Where neither was given it says what would do.
    const given = { password, code: totp_code ?? totp_token, passkey };
    const proven = await parts.prover.reauthenticate({ principal, given }, circumstancesOf(call, ''));
    return proven.kind === 'refused' ? proven : stillThere;
  };

  return (incoming, arrival, path) => {
    const match = find(incoming.method, path);
    return match.kind === 'no-path' ? notMine : answer(incoming, arrival, match, path);
  };
}

/** Whether a body holds what a person confirms with; it is checked whenever it does (2-http-api, 4). */
function proofIn(body: unknown): 'given' | 'none' {
  const { password, passkey } = body as StepUpBody;
  return password === undefined && passkey === undefined ? 'none' : 'given';
}

function bodyOf(form: BodyForm, incoming: Incoming): Promise<BodyReading> | undefined {
  if (form === 'none') return undefined;
  return form === 'csv' ? readCsvBody(incoming) : readBody(incoming);
}

function csrfFieldOf(form: unknown): string | undefined {
  if (typeof form !== 'object' || form === null || !('csrf' in form)) return undefined;
  return typeof form.csrf === 'string' ? form.csrf : undefined;
}
