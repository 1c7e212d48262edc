/**
 * Step 3 for session tokens: is it genuine, and does it still live? Answers at once for known sessions, from the store
 * otherwise. Idle and absolute ends are the server's; a cookie's own expiry means nothing (3-rules, Sessions).
 */
import { digest } from '../crypto/digest.ts';
import type { Client } from '../request/address.ts';
import type { SessionRow, Transport } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Limited } from '../throttle/limiter.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Clock, Digest, MaybePromise, Millis, Secret, SessionId, SessionKind } from '../types.ts';
import type { KnownSession, SessionHolder } from './holders.ts';
import type { Memory } from './known/contract.ts';

export type SessionProof =
  /** So many that do not exist were shown from there that the store is not asked about another. */
  | Limited
  | {
      readonly kind: 'rejected';
      readonly cause: 'unknown' | 'expired' | 'idle' | 'superseded' | 'other-boot' | 'other-kind';
    }
  | SessionHolder;

/**
 * `counts`: a request. `goes-on`: one that is under way and moves, which keeps its session from being idle. `looks` only
 * asks how it stands.
 */
export type Use = 'counts' | 'goes-on' | 'looks';

/** How a token came. */
export interface Shown {
  /** Undefined: any. */
  readonly transport: Transport | undefined;
  /** Undefined takes any kind: a bearer token is its session. */
  readonly sessionKind: string | undefined;
  readonly use: Use;
  /** Asked for only when the store has to be. */
  readonly client: () => Client;
}

export interface SessionVerifier {
  /** Throws when the store cannot answer. */
  verify(token: Secret, shown: Shown): MaybePromise<SessionProof>;
  /** The same, for whoever knows it by its digest. */
  verifyDigest(key: Digest, shown: Shown): MaybePromise<SessionProof>;
  /** Writes uses that memory still holds; called before closing. */
  flush(): Promise<void>;
}

/** `lastSeenAt` is written at most this often per session. */
const writeEveryMs = 60_000;

export function sessionVerifier(parts: {
  memory: Memory;
  store: Pick<Store, 'touchSessions'>;
  kinds: ReadonlyMap<string, SessionKind>;
  clock: Clock;
  /** Some session was seen to be over by its time: resolves when it stays over, also when the clock is set back. */
  over: () => Promise<void>;
  unknown: UnknownSecrets;
  onFault: (fault: unknown) => void;
}): SessionVerifier {
  const { memory, store, clock } = parts;
  /** Uses not yet on disk, newest per session; several requests of one tick are written together. */
  let unwritten = new Map<SessionId, Millis>();

  const write = async (): Promise<void> => {
    const touches = [...unwritten].map(([id, lastSeenAt]) => ({ id, lastSeenAt }));
    unwritten = new Map();
    if (touches.length > 0) await store.touchSessions(touches);
  };

  const noteUse = (known: KnownSession, now: Millis): void => {
    known.lastSeenAt = now;
    // Never so late that the row is idle while the person is not.
    if (now - known.writtenAt < Math.min(writeEveryMs, known.holder.session.idleMs / 2)) return;
    known.writtenAt = now;
    if (unwritten.size === 0) setImmediate(() => void write().catch(parts.onFault));
    unwritten.set(known.holder.session.id, now);
    const parent = known.holder.session.parentId;
    if (parent !== null) unwritten.set(parent, now);
  };

  /** Everything but its time, which only a fresh read may decide. */
  const judge = (
    known: KnownSession,
    { transport, sessionKind, use }: Shown,
    now: Millis,
  ): Exclude<SessionProof, Limited> => {
    const { session, user } = known.holder;
    const travels = transport === undefined || session.transport === transport;
    if (!travels || (sessionKind !== undefined && session.kind !== sessionKind)) {
      return { kind: 'rejected', cause: 'other-kind' };
    }
    if (!user.row.active || user.row.credentialGeneration !== session.credentialGeneration)
      return { kind: 'rejected', cause: 'superseded' };
    if (use !== 'looks') noteUse(known, now);
    return known.holder;
  };

  const timeOf = (session: SessionRow, lastSeenAt: Millis, now: Millis): 'expired' | 'idle' | 'in-time' => {
    if (now >= session.expiresAt) return 'expired';
    return now - lastSeenAt >= session.idleMs ? 'idle' : 'in-time';
  };

  /** What memory says, if it may say anything: `undefined` sends the question to the store. */
  const fromMemory = (key: Digest, shown: Shown): SessionProof | 'stale' | undefined => {
    const recalled = memory.recall(key);
    switch (recalled.kind) {
      case 'stale':
        return 'stale';
      case 'not-known':
        return undefined;
      case 'known': {
        const now = clock.now();
        if (timeOf(recalled.holder.session, recalled.lastSeenAt, now) === 'in-time') return judge(recalled, shown, now);
        memory.forget(key);
        return undefined;
      }
    }
  };

  /** A boot that is unknown here may be over, or have begun after the last read. */
  const bootStanding = async ({ bootId }: SessionRow): Promise<'over' | 'goes-on'> => {
    if ((await memory.installation()).bootId === bootId) return 'goes-on';
    await memory.refresh();
    return (await memory.installation()).bootId === bootId ? 'goes-on' : 'over';
  };

  const fromStore = async (key: Digest, shown: Shown): Promise<SessionProof> => {
    const standing = parts.unknown.standing(shown.client().address);
    if (standing.kind === 'limited') return standing;
    // A cookie of a durable kind does not wait for the place where the others are kept.
    const durable = shown.sessionKind !== undefined && parts.kinds.get(shown.sessionKind)?.durable === true;
    const charge = (): void => parts.unknown.charge(shown.client().address);
    let loaded: Awaited<ReturnType<Memory['load']>>;
    try {
      loaded = await memory.load(key, durable ? 'durable' : undefined);
    } catch (fault) {
      // Asking was not free either, and nobody can say that it exists.
      charge();
      throw fault;
    }
    if (loaded.kind === 'unknown') {
      charge();
      return { kind: 'rejected', cause: 'unknown' };
    }
    const { session } = loaded.holder;
    // Of those in memory this was seen when they were looked up; a change of the installation sends them here again.
    if (session.bootId !== '' && (await bootStanding(session)) === 'over') {
      memory.forget(key);
      return { kind: 'rejected', cause: 'other-boot' };
    }
    const now = clock.now();
    const time = timeOf(session, loaded.lastSeenAt, now);
    if (time === 'in-time') return judge(loaded, shown, now);
    memory.forget(key);
    // Before anybody is told: a clock that is set back in between must not bring it back.
    await parts.over();
    return { kind: 'rejected', cause: time };
  };

  const verifyDigest = (key: Digest, shown: Shown): MaybePromise<SessionProof> => {
    const known = fromMemory(key, shown);
    if (known === undefined) return fromStore(key, shown);
    if (known !== 'stale') return known;
    return memory.refresh().then(() => {
      const fresh = fromMemory(key, shown);
      if (fresh === 'stale') throw new Error('Cannot judge a session: changes could not be read in time');
      return fresh ?? fromStore(key, shown);
    });
  };

  return {
    verify: (token, shown) => verifyDigest(digest(token), shown),
    verifyDigest,
    flush: write,
  };
}
