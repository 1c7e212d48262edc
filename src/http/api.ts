/**
 * The API wing: rows of the route table. The order of checks is the contract's (2-http-api, 2): path and method, size
 * and type, credential, CSRF, need, body, step-up, action.
 */
import { type Call, circumstancesOf, type Outcome, type SignedInCall, whence } from '../actions/call.ts';
import { newName, type Random } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { Admitted, Gate, Guard } from '../guard.ts';
import { judgeStepUp, type StepUpRules } from '../policy/step-up.ts';
import type { UserPrincipal } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import type { Recorder } from '../record/recorder.ts';
import type { Arrival } from '../request/arrival.ts';
import { expireCookie } from '../request/cookie.ts';
import type { CookieSlot } from '../request/credential.ts';
import { type Incoming, pathOf, queryOf } from '../request/incoming.ts';
import type { Scheme } from '../request/origin.ts';
import type { Clock, Origin } from '../types.ts';
import type { Memory } from '../verify/memory.ts';
import { json, problem, setCookies, text, type Written } from './answer.ts';
import { checkBodyHeaders, readBody } from './body.ts';
import { notMine, type Wing } from './handler.ts';
import { type Route, type RouteMatch, routeFinder } from './route.ts';
import type { StepUpBody } from './schemas.ts';

export interface ApiParts {
  readonly routes: readonly Route[];
  readonly guard: Guard;
  readonly prover: Prover;
  readonly memory: Memory;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly stepUp: StepUpRules;
  /** Session cookies of the console, best first. */
  readonly slots: (scheme: Scheme) => readonly CookieSlot[];
  readonly consoleOrigin: () => Origin;
}

/** A request that the guard let through, on its way to its action. */
interface AdmittedRequest {
  readonly incoming: Incoming;
  readonly arrival: Arrival;
  readonly route: Route;
  readonly params: Call['params'];
  readonly admission: Admitted;
  readonly arrivedAt: number;
  /** Body of a route that takes forms, read before the guard looked for a CSRF field. */
  readonly form: unknown;
}

interface Confirmed {
  readonly kind: 'confirmed';
}

const stillThere: Confirmed = { kind: 'confirmed' };

export function apiWing(parts: ApiParts): Wing {
  const find = routeFinder(parts.routes);

  const answer = async (
    incoming: Incoming,
    arrival: Arrival,
    match: Exclude<RouteMatch, { kind: 'no-path' }>,
  ): Promise<Written> => {
    const arrivedAt = parts.clock.monotonic();
    const requestId = newName(parts.random);
    if (match.kind === 'no-method')
      return problem(refuse('method_not_allowed'), { requestId, more: ['allow', match.allow.join(', ')] });
    const { route, params } = match;
    const acceptable = checkBodyHeaders(incoming, route.form);
    // What was refused unread may still be on the connection.
    if (acceptable.kind === 'refused') return { ...problem(acceptable, { requestId }), close: true };
    if (route.works === 'with-accounts') {
      const state = await parts.memory.state();
      if (state === 'fresh' || state === 'declined') return problem(refuse('not_configured'), { requestId });
    }
    const formBody = route.form === 'json-or-form' ? await readBody(incoming) : undefined;
    if (formBody?.kind === 'refused') return { ...problem(formBody, { requestId }), close: true };
    const admission = await parts.guard.admit(incoming, gateOf(route, arrival, formBody?.value));
    const deadCookies = admission.deadCookies.map((name) => expireCookie(name));
    if (admission.kind === 'refused') {
      if (admission.denied !== undefined) await noteDenial({ incoming, arrival }, admission.denied);
      return problem({ ...admission, cookies: deadCookies }, { requestId });
    }
    const outcome = await act({ incoming, arrival, route, params, admission, arrivedAt, form: formBody?.value });
    const { principal } = admission;
    if (outcome.kind === 'refused' && outcome.code === 'forbidden' && principal.kind === 'user')
      await noteDenial({ incoming, arrival }, principal);
    return render(outcome, requestId, deadCookies);
  };

  /** Written before it is told; a row of the table that asks for less and is refused more by its action counts as well. */
  const noteDenial = (asked: Pick<Call, 'incoming' | 'arrival'>, { user, session }: UserPrincipal): Promise<void> =>
    parts.recorder.denied({
      ...whence(asked),
      actor: user.row.id,
      holder: session.id,
      way: 'session',
      target: pathOf(asked.incoming.target),
    });

  const gateOf = (route: Route, arrival: Arrival, form: unknown): Gate => ({
    client: arrival.client,
    locality: arrival.locality,
    need: route.need,
    slots: parts.slots(arrival.scheme),
    own: [parts.consoleOrigin(), arrival.origin],
    csrfField: csrfFieldOf(form),
  });

  const act = async (admitted: AdmittedRequest): Promise<Outcome> => {
    const { incoming, route, admission } = admitted;
    let body = admitted.form;
    if (route.form === 'json') {
      const read = await readBody(incoming);
      if (read.kind === 'refused') return read;
      body = read.value;
    }
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
    if (call.principal.kind !== 'user') return refuse('unauthorized');
    const signedIn: SignedInCall = { ...call, principal: call.principal };
    const confirmed = route.stepUp === 'fresh' ? await confirm(signedIn) : stillThere;
    return confirmed.kind === 'refused' ? confirmed : route.action(signedIn);
  };

  /** A password or a passkey in the body is checked whenever it is given; without either the window must be open. */
  const confirm = async (call: SignedInCall): Promise<Refusal | Confirmed> => {
    const { principal } = call;
    const { password, totp_code, totp_token, passkey } = call.body as StepUpBody;
    if (password === undefined && passkey === undefined) {
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
    return match.kind === 'no-path' ? notMine : answer(incoming, arrival, match);
  };
}

function render(outcome: Outcome, requestId: string, deadCookies: readonly string[]): Written {
  switch (outcome.kind) {
    case 'refused': {
      const answer = problem({ ...outcome, cookies: [...deadCookies, ...(outcome.cookies ?? [])] }, { requestId });
      // The rest of a body that was too large may go on for ever: it is not read.
      return outcome.code === 'payload_too_large' || outcome.connection === 'close'
        ? { ...answer, close: true }
        : answer;
    }
    case 'done':
      return json(outcome.status, outcome.fields, [
        ...setCookies([...deadCookies, ...(outcome.cookies ?? [])]),
        ...(outcome.headers ?? []),
      ]);
    case 'export':
      return text(outcome.contentType, outcome.text, [...setCookies(deadCookies), ...outcome.headers]);
    case 'document': {
      const answer = json(200, {});
      return { ...answer, body: JSON.stringify(outcome.value) };
    }
  }
}

function csrfFieldOf(form: unknown): string | undefined {
  if (typeof form !== 'object' || form === null || !('csrf' in form)) return undefined;
  return typeof form.csrf === 'string' ? form.csrf : undefined;
}
