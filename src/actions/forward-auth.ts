/**
 * Answers a reverse proxy's question: may this request pass, and who is it? (2-http-api, 6.) The walk itself is the
 * guard's; here the question is read and the answer is shaped for the proxy that asked.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { ApplicationGate, Guard } from '../guard.ts';
import type { Admission } from '../guard/admission.ts';
import { type ActingPrincipal, hasPrivilege, type Principal } from '../principal/principal.ts';
import type { Arrival } from '../request/arrival.ts';
import { expireCookie } from '../request/cookie.ts';
import type { CookieSlot } from '../request/credential.ts';
import type { Incoming } from '../request/incoming.ts';
import { askerOf } from '../request/navigation.ts';
import { type Original, originalOf } from '../request/original.ts';
import { parseScope, scopeLimits } from '../request/tokens/scope.ts';
import type { InstallationState } from '../store/rows.ts';
import type { MaybePromise, Origin, Scope } from '../types.ts';
import type { Redirect } from './call.ts';
import { type HandOverParts, leadToAccount, leadToSignIn } from './hand-over.ts';

export interface ForwardAuthParts {
  readonly guard: Guard;
  readonly handOver: HandOverParts;
  readonly openness: ApplicationGate['openness'];
  /** Cookies that may hold a session for that host; of one kind only when one is named. */
  readonly slotsFor: (origin: Origin | null, kind: string | null) => readonly CookieSlot[];
  readonly kindNames: readonly string[];
}

export type ForwardAnswer =
  | {
      readonly kind: 'verdict';
      readonly refusal: Refusal;
      readonly family: Original['family'];
      /** Who was refused for want of a privilege, and on which host: that is written down. */
      readonly denied?: DeniedOnHost;
    }
  | {
      readonly kind: 'passed';
      readonly principal: Principal;
      /** Header names and values in turn that belong on every answer to this credential. */
      readonly headers: readonly string[];
    }
  | Redirect;

interface DeniedOnHost {
  readonly principal: ActingPrincipal;
  /** Empty when the proxy named none. */
  readonly host: Origin | '';
}

interface Question {
  readonly kind: 'question';
  /** Any of them will do. */
  readonly scopes: readonly Scope[];
  readonly privilege: string | null;
  readonly sessionKind: string | null;
  readonly optional: boolean;
  readonly redirect: boolean;
}

/** Most proxies ask without a query; that question is read once. */
const plain: Question = {
  kind: 'question',
  scopes: [],
  privilege: null,
  sessionKind: null,
  optional: false,
  redirect: false,
};

export function forwardAuth(
  parts: ForwardAuthParts,
  incoming: Incoming,
  arrival: Arrival,
  state: InstallationState,
): MaybePromise<ForwardAnswer> {
  const original = originalOf(incoming, arrival);
  if (original.kind === 'malformed') {
    return {
      kind: 'verdict',
      family: original.family,
      refusal: refuse(original.family === 'nginx' ? 'forbidden' : 'invalid_request', { detail: original.detail }),
    };
  }
  const mark = incoming.target.indexOf('?');
  const question = mark === -1 ? plain : readQuestion(parts, new URLSearchParams(incoming.target.slice(mark + 1)));
  if (question.kind === 'refused') return { kind: 'verdict', family: original.family, refusal: question };
  const admission = parts.guard.admitToApplication({
    client: arrival.client,
    headers: incoming.headers,
    method: original.method,
    target: original.path,
    scopes: question.scopes,
    exchange: original.exchange,
    origin: original.origin,
    ownOrigin: original.origin ?? arrival.origin,
    slots: parts.slotsFor(original.origin, question.sessionKind),
    state,
    openness: parts.openness,
  });
  return admission instanceof Promise
    ? admission.then((settled) => answer(parts, incoming, original, question, settled))
    : answer(parts, incoming, original, question, admission);
}

function answer(
  parts: ForwardAuthParts,
  incoming: Incoming,
  original: Original,
  question: Question,
  admission: Admission,
): ForwardAnswer {
  if (admission.kind === 'refused') {
    const navigates =
      question.redirect && original.family !== 'nginx' && askerOf(original.method, incoming.headers) === 'navigation';
    if (admission.duty !== undefined && navigates) return leadToAccount(parts.handOver);
    if (admission.code !== 'unauthorized' && admission.code !== 'session_expired')
      return { kind: 'verdict', family: original.family, refusal: admission, ...denied(original, admission.denied) };
    // Doing without a session does not do without what else was asked.
    const asksMore = question.scopes.length > 0 || question.privilege !== null || question.sessionKind !== null;
    if (question.optional && !asksMore) {
      return { kind: 'passed', principal: { kind: 'anonymous' }, headers: [] };
    }
    const { origin } = original;
    if (navigates && origin !== null && parts.handOver.protectedOrigins().has(origin))
      return leadToSignIn(parts.handOver, incoming.headers, origin, original.path || '/');
    const cookies = admission.deadCookies.map((name) => expireCookie(name));
    const refusal =
      admission.code === 'unauthorized' && question.sessionKind !== null ? noSession(question.sessionKind) : admission;
    return { kind: 'verdict', family: original.family, refusal: { ...refusal, cookies } };
  }
  const { principal } = admission;
  const headers = admission.headers();
  if (!('user' in principal)) return { kind: 'passed', principal, headers };
  // A bearer token is its session, whatever kind was asked for; cookies were picked by kind already. API tokens are of none.
  if (question.sessionKind !== null && (principal.kind !== 'user' || principal.session.kind !== question.sessionKind)) {
    return { kind: 'verdict', family: original.family, refusal: { ...noSession(question.sessionKind), headers } };
  }
  if (question.privilege !== null && !hasPrivilege(principal.user.row, question.privilege)) {
    return {
      kind: 'verdict',
      family: original.family,
      refusal: refuse('forbidden', { detail: `This needs the privilege "${question.privilege}".`, headers }),
      ...denied(original, principal),
    };
  }
  return { kind: 'passed', principal, headers };
}

/** The host alone: what applications put into their paths may be a secret. */
function denied(
  original: { readonly origin: Origin | null },
  principal: ActingPrincipal | undefined,
): { readonly denied?: DeniedOnHost } {
  return principal === undefined ? {} : { denied: { principal, host: original.origin ?? '' } };
}

const once: ReadonlySet<string> = new Set(['privilege', 'kind', 'optional', 'redirect']);

/** A question that cannot be read whole is not answered: a rule that was misspelt must not be a rule that is not there. */
function readQuestion(parts: ForwardAuthParts, query: URLSearchParams): Question | Refusal {
  for (const name of new Set(query.keys())) {
    if (name !== 'scope' && !once.has(name))
      return refuse('invalid_request', { detail: `There is no "${name.slice(0, 40)}" to ask for.` });
    if (name !== 'scope' && query.getAll(name).length > 1)
      return refuse('invalid_request', { detail: `"${name}" can be asked for once.` });
  }
  // Scopes narrow what a token may do; a person's session has none to narrow (docs/decisions/0008).
  const scopes: Scope[] = [];
  for (const text of query.getAll('scope')) {
    const form = parseScope(text);
    if (form.kind === 'malformed') return refuse('invalid_request', { detail: 'That is no scope.' });
    scopes.push(form.scope);
    if (scopes.length > scopeLimits.perToken)
      return refuse('invalid_request', { detail: `At most ${scopeLimits.perToken} scopes can be asked for.` });
  }
  const sessionKind = query.get('kind');
  if (sessionKind !== null && !parts.kindNames.includes(sessionKind))
    return refuse('invalid_request', { detail: 'There is no such kind of session.' });
  for (const flag of ['optional', 'redirect']) {
    const value = query.get(flag);
    if (value !== null && value !== '1' && value !== '0')
      return refuse('invalid_request', { detail: `"${flag}" is 1 or 0.` });
  }
  return {
    kind: 'question',
    scopes,
    privilege: query.get('privilege'),
    sessionKind,
    optional: query.get('optional') === '1',
    redirect: query.get('redirect') === '1',
  };
}

function noSession(kind: string): Refusal {
  return refuse('unauthorized', { detail: `There is no "${kind}" session.` });
}
