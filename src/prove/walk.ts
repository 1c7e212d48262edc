/**
 * The walk of a secret that somebody typed, once its name and itself are typed values:
 *
 *   throttle (a unit is taken) → verify → record → settle
 *
 * A unit is taken before the secret is looked at and given back when it was right; refusals leave at a whole second after
 * arrival (3-rules, Guessing).
 */
import type { HashTurn, Lane } from '../crypto/hash-queue.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { UserPrincipal } from '../principal/principal.ts';
import type { Recorder } from '../record/recorder.ts';
import { networkOf } from '../request/address.ts';
import type { DeviceRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Hold } from '../throttle/hold.ts';
import type { Limited, Limiter } from '../throttle/limiter.ts';
import { deviceFailures, narrowNetwork, reauthenticationFailures } from '../throttle/limits.ts';
import type { Try } from '../throttle/places.ts';
import type { Address, Circumstances, UserId } from '../types.ts';

/** A refusal on the way out, and what is written down about it. */
export interface Failure {
  readonly refusal: Refusal;
  readonly userId: UserId | null;
  readonly cause: string;
  /** `repeated`: that very secret was wrong from there before, and costs nothing again. */
  readonly charge: 'charged' | 'repeated';
}

export type Verdict<T> =
  | { readonly kind: 'failed'; readonly failure: Failure }
  | { readonly kind: 'turned-away'; readonly refusal: Refusal }
  /** `given-back`: right, and not all that is needed, so that nothing is forgiven for it. */
  | { readonly kind: 'proven'; readonly proven: T; readonly unit: 'succeeded' | 'given-back' };

/** What the realm would have said, nobody knows: no unit is charged for it. */
export const realmIsAway = {
  kind: 'turned-away',
  refusal: refuse('unavailable', {
    detail: 'The directory that knows this account cannot be asked right now. Try again in a moment.',
    cause: 'realm-away',
    retryAfterSeconds: 5,
  }),
} as const;

export const queueIsFull = { kind: 'turned-away', refusal: refuse('busy', { retryAfterSeconds: 1 }) } as const;

/** Too many are held already: there is no room for another to wait in. */
export const crowded: Refusal = refuse('rate_limited', { retryAfterSeconds: 1, cause: 'crowded', connection: 'close' });

export interface WalkParts {
  readonly store: Store;
  readonly limiter: Limiter;
  readonly hold: Hold;
  readonly recorder: Recorder;
}

export interface Walk {
  <T>(
    attempt: Try,
    circumstances: Circumstances,
    verify: () => Promise<Verdict<T>>,
    note: (failure: Failure) => Promise<void>,
  ): Promise<Refusal | T>;
}

export function walker({ store, limiter, hold, recorder }: WalkParts): Walk {
  return async <T>(
    attempt: Try,
    circumstances: Circumstances,
    verify: () => Promise<Verdict<T>>,
    note: (failure: Failure) => Promise<void>,
  ): Promise<Refusal | T> => {
    const permit = await limiter.take(attempt);
    if (permit.kind === 'limited') {
      recorder.limited(attempt, permit.retryAfterSeconds);
      return limited(permit);
    }
    let verdict: Verdict<T>;
    try {
      verdict = await verify();
    } catch (fault) {
      await permit.settle('given-back');
      throw fault;
    }
    switch (verdict.kind) {
      case 'turned-away':
        await permit.settle('given-back');
        return verdict.refusal;
      case 'proven': {
        const { put, drop } = await permit.settle(verdict.unit);
        if (put.length + drop.length > 0) await store.writeLimits({ put, drop });
        return verdict.proven;
      }
      case 'failed': {
        const { failure } = verdict;
        const written = await permit.settle(failure.charge === 'charged' ? 'failed' : 'given-back');
        await Promise.all([note(failure), store.writeLimits(written)]);
        const held = await hold.untilWholeSecond(circumstances.arrivedAt);
        return held.kind === 'crowded' ? crowded : failure.refusal;
      }
    }
  };
}

/** Lane and network of a hash. */
export function turnFor(lane: Lane, address: Address): HashTurn {
  return { lane, network: networkOf(address, narrowNetwork.bits) };
}

/** A wrong secret from a known device: too many in all end it. */
export async function countDevice(
  { store, recorder }: Pick<WalkParts, 'store' | 'recorder'>,
  device: DeviceRow | null,
  { address, peer }: Circumstances,
): Promise<void> {
  if (device === null) return;
  await store.countDeviceFailure({
    digest: device.digest,
    limit: deviceFailures,
    audit: recorder.event({
      event: 'device-forgotten',
      actor: '',
      address,
      peer,
      way: 'password',
      target: device.userId,
      result: 'too-many-wrong-passwords',
    }),
  });
}

/** A wrong proof of whoever is signed in: so many in a row end the session, before the answer. */
export async function countReauthentication(
  { store, recorder }: Pick<WalkParts, 'store' | 'recorder'>,
  { user, session }: UserPrincipal,
  { address, peer }: Circumstances,
): Promise<void> {
  await store.countReauthenticationFailure({
    id: session.id,
    userId: user.row.id,
    digest: session.digest,
    limit: reauthenticationFailures,
    audit: recorder.event({
      event: 'session-ended',
      actor: user.row.id,
      address,
      peer,
      way: 'password',
      target: session.id,
      result: 'too-many-wrong-passwords',
    }),
  });
}

export function limited({ retryAfterSeconds }: Limited): Refusal {
  return refuse('rate_limited', { retryAfterSeconds, cause: 'limited' });
}

export function noted({ userId, cause }: Pick<Failure, 'userId' | 'cause'>, { address, peer }: Circumstances) {
  return { userId, cause, target: userId ?? '', address, peer };
}
