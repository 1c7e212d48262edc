/** What the guard answers with: a refusal, or who it is. */
import { refuse, type Refusal } from '../errors.ts';
import type { Duty } from '../policy/duty.ts';
import type { ActingPrincipal, Principal } from '../principal/principal.ts';
import type { Limited } from '../throttle/limiter.ts';
import type { MaybePromise, Secret } from '../types.ts';

export interface Admitted {
  readonly kind: 'admitted';
  readonly principal: Principal;
  /** Token of the session that decided; empty when none did. CSRF tokens are derived from it. */
  readonly token: Secret | '';
  /** The secret as it was shown, whatever it is of; empty without one. What is kept for whoever shows it is sealed under it. */
  readonly shown: Secret | '';
  /** Cookies of ours that turned out dead, to be expired by the answer. */
  readonly deadCookies: readonly string[];
  /** Header names and values in turn that belong on every answer to this credential; made only for one that is written. */
  readonly headers: () => readonly string[];
}

export interface Rejected extends Refusal {
  readonly deadCookies: readonly string[];
  /** Who was refused for want of a privilege, a scope or the right address: that is written down. */
  readonly denied?: ActingPrincipal;
  /** What has to be done first. */
  readonly duty?: Exclude<Duty, 'none'>;
}

export type Admission = Rejected | Admitted;

export const nothing: readonly string[] = [];
const noHeaders = (): readonly string[] => nothing;

export function admitted(
  principal: Principal,
  token: Secret | '' = '',
  deadCookies = nothing,
  headers = noHeaders,
  shown: Secret | '' = token,
): Admitted {
  return { kind: 'admitted', principal, token, shown, deadCookies, headers };
}

export function rejected(refusal: Refusal, deadCookies: readonly string[] = nothing): Rejected {
  return { ...refusal, deadCookies };
}

/** Refused after it was known who asks: what belongs on every answer to them belongs on this one. */
export function rejectedAs(identity: Admitted, refusal: Refusal): Rejected {
  const { deadCookies } = identity;
  const headers = identity.headers();
  return headers.length === 0 ? { ...refusal, deadCookies } : { ...refusal, deadCookies, headers };
}

/** Nothing is said about the secret: the store was not asked. */
export function tooManyUnknown({ retryAfterSeconds }: Limited): Rejected {
  return rejected(refuse('rate_limited', { retryAfterSeconds, cause: 'unknown-secrets' }));
}

/** Goes on at once when the value is there: the hot path makes no promise. */
export function withValue<T, U>(value: MaybePromise<T>, goOn: (value: T) => MaybePromise<U>): MaybePromise<U> {
  return value instanceof Promise ? value.then(goOn) : goOn(value);
}
