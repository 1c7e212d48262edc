/**
 * Sessions that do not outlive the installation's run, kept where nothing is durable. Such a place can be away, be emptied,
 * or come back with what it held an hour ago: so it only keeps them. Whether one is over is decided by the database
 * (`postgres/volatile.ts`), in the same transaction as everything else that an operation changes.
 */
import type { Digest, Millis, SessionId, UserId } from '../types.ts';
import type { SessionRow } from './rows.ts';

export interface VolatileSession {
  readonly session: SessionRow;
  /** Number of the user's volatile sessions it belongs to; an earlier one than the user's is over. */
  readonly epoch: number;
}

export type VolatileLookup =
  | { readonly kind: 'unknown' }
  | { readonly kind: 'away' }
  | { readonly kind: 'found'; readonly found: VolatileSession };

export interface VolatileSessions {
  /**
   * Until it ends by its time. `nowhere`: there is no such place, and somebody else must keep it. `away`: the same, but
   * it may be kept here as well: an answer was lost.
   */
  keep(kept: VolatileSession): Promise<{ readonly kind: 'nowhere' | 'away' | 'kept' }>;
  byDigest(digest: Digest): Promise<VolatileLookup>;
  byId(id: SessionId): Promise<VolatileLookup>;
  /** Those of a user that are out of reach are left out. */
  ofUser(userId: UserId): Promise<readonly VolatileSession[]>;
  /** Moves forward only, and revives none. */
  touch(touches: readonly { readonly id: SessionId; readonly lastSeenAt: Millis }[]): Promise<void>;
  /** Wrong re-authentications in a row, this one included. */
  countFailure(
    digest: Digest,
  ): Promise<
    { readonly kind: 'unknown' } | { readonly kind: 'away' } | { readonly kind: 'counted'; readonly failures: number }
  >;
  /** From now on the one under that digest is found by the id; until then by the digest it was kept under first. */
  point(id: SessionId, digest: Digest): Promise<void>;
  /** Tidies up after what is over already. */
  drop(digests: readonly Digest[]): Promise<void>;
  /** How many have not ended at `at`. */
  live(at: Millis): Promise<number>;
}

/** Where there is no such place every session is a row. */
export const noVolatileSessions: VolatileSessions = {
  keep: () => Promise.resolve({ kind: 'nowhere' }),
  byDigest: () => Promise.resolve({ kind: 'unknown' }),
  byId: () => Promise.resolve({ kind: 'unknown' }),
  ofUser: () => Promise.resolve([]),
  touch: () => Promise.resolve(),
  countFailure: () => Promise.resolve({ kind: 'unknown' }),
  point: () => Promise.resolve(),
  drop: () => Promise.resolve(),
  live: () => Promise.resolve(0),
};
