/**
 * Step 3 for session tokens: is it genuine, and does it still live? Answers at once for known sessions, from the store
 * otherwise. Idle and absolute ends are the server's; a cookie's own expiry means nothing (3-rules, Sessions).
 */
import { digest } from '../crypto/digest.ts';
import type { SessionRow, Transport } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Digest, MaybePromise, Millis, Secret, SessionId } from '../types.ts';
import type { KnownSession, Memory, SessionHolder } from './memory.ts';

export type SessionProof =
  | {
      readonly kind: 'rejected';
      readonly cause: 'unknown' | 'expired' | 'idle' | 'superseded' | 'other-boot' | 'other-kind';
    }
  | SessionHolder;

/** `counts` keeps a session from being idle; `looks` only asks how it stands. */
export type Use = 'counts' | 'looks';

export interface SessionVerifier {
  /** `sessionKind` undefined takes any kind: a bearer token is its session. Throws when the store cannot answer. */
  verify(token: Secret, transport: Transport, sessionKind: string | undefined, use: Use): MaybePromise<SessionProof>;
  /** Writes uses that memory still holds; called before closing. */
  flush(): Promise<void>;
}

/** `lastSeenAt` is written at most this often per session. */
const writeEveryMs = 60_000;

export function sessionVerifier(parts: {
  memory: Memory;
  store: Pick<Store, 'touchSessions'>;
  clock: Clock;
  bootId: string;
  /** Some session was seen to be over by its time: resolves when it stays over, also when the clock is set back. */
  over: () => Promise<void>;
  onFault: (fault: unknown) => void;
}): SessionVerifier {
  const { memory, store, clock, bootId } = parts;
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
    transport: Transport,
    sessionKind: string | undefined,
    now: Millis,
    use: Use,
  ): SessionProof => {
    const { session, user } = known.holder;
    if (session.transport !== transport || (sessionKind !== undefined && session.kind !== sessionKind)) {
      return { kind: 'rejected', cause: 'other-kind' };
    }
    if (session.bootId !== '' && session.bootId !== bootId) return { kind: 'rejected', cause: 'other-boot' };
    if (!user.row.active || user.row.credentialGeneration !== session.credentialGeneration)
      return { kind: 'rejected', cause: 'superseded' };
    if (use === 'counts') noteUse(known, now);
    return known.holder;
  };

  const timeOf = (session: SessionRow, lastSeenAt: Millis, now: Millis): 'expired' | 'idle' | 'in-time' => {
    if (now >= session.expiresAt) return 'expired';
    return now - lastSeenAt >= session.idleMs ? 'idle' : 'in-time';
  };

  /** What memory says, if it may say anything: `undefined` sends the question to the store. */
  const fromMemory = (
    key: Digest,
    transport: Transport,
    sessionKind: string | undefined,
    use: Use,
  ): SessionProof | 'stale' | undefined => {
    const recalled = memory.recall(key);
    switch (recalled.kind) {
      case 'stale':
        return 'stale';
      case 'not-known':
        return undefined;
      case 'known': {
        const now = clock.now();
        if (timeOf(recalled.holder.session, recalled.lastSeenAt, now) === 'in-time')
          return judge(recalled, transport, sessionKind, now, use);
        memory.forget(key);
        return undefined;
      }
    }
  };

  const fromStore = async (
    key: Digest,
    transport: Transport,
    sessionKind: string | undefined,
    use: Use,
  ): Promise<SessionProof> => {
    const loaded = await memory.load(key);
    if (loaded.kind === 'unknown') return { kind: 'rejected', cause: 'unknown' };
    const now = clock.now();
    const time = timeOf(loaded.holder.session, loaded.lastSeenAt, now);
    if (time === 'in-time') return judge(loaded, transport, sessionKind, now, use);
    memory.forget(key);
    // Before anybody is told: a clock that is set back in between must not bring it back.
    await parts.over();
    return { kind: 'rejected', cause: time };
  };

  return {
    verify: (token, transport, sessionKind, use) => {
      const key = digest(token);
      const known = fromMemory(key, transport, sessionKind, use);
      if (known === undefined) return fromStore(key, transport, sessionKind, use);
      if (known !== 'stale') return known;
      return memory.refresh().then(() => {
        const fresh = fromMemory(key, transport, sessionKind, use);
        if (fresh === 'stale') throw new Error('Cannot judge a session: changes could not be read in time');
        return fresh ?? fromStore(key, transport, sessionKind, use);
      });
    },
    flush: write,
  };
}
