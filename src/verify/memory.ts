/**
 * The sessions, users and installation this process knows (3-rules, The hot path): a known token is answered from here without touching the
 * store. Every change in the store reaches `apply` before it is acknowledged (own writes) or with the next read
 * (other nodes); answers are given only while the last completed read is young.
 *
 * An entry remembers the change number read before its look-up; if a change for it arrived meanwhile, it is not kept.
 */
import type { Change, InstallationState, SessionRow, UserRow } from '../store/rows.ts';
import type { SessionLookup, Store } from '../store/store.ts';
import type { Clock, Digest, MaybePromise, Millis, Seq, UserId } from '../types.ts';

/** A user as memory keeps it; `current` turns false the moment the user changes in any way. */
export interface KnownUser {
  readonly row: UserRow;
  current: boolean;
}

/** What a genuine session stands for. Built once per known session and shared by every request that shows it. */
export interface SessionHolder {
  readonly kind: 'user';
  readonly user: KnownUser;
  readonly session: SessionRow;
  readonly via: 'session';
}

/** One known session. `lastSeenAt` moves in memory with each use and is written at most once a minute. */
export interface KnownSession {
  readonly kind: 'known';
  readonly holder: SessionHolder;
  lastSeenAt: Millis;
  writtenAt: Millis;
}

export type Recall = { readonly kind: 'stale' } | { readonly kind: 'not-known' } | KnownSession;

export interface Memory {
  /** Setup state as of now; throws when the store cannot be read. */
  state(): MaybePromise<InstallationState>;
  /** What memory says now. `stale`: changes have not been read for too long; refresh first. */
  recall(digest: Digest): Recall;
  /** Reads changes now; throws when the store cannot be read. */
  refresh(): Promise<void>;
  /** Looks a session up in the store and keeps it when nothing changed meanwhile. */
  load(digest: Digest): Promise<{ readonly kind: 'unknown' } | KnownSession>;
  /** Drops one entry, so that the next use is a fresh read. */
  forget(digest: Digest): void;
  apply(changes: readonly Change[]): void;
  /** From now on sessions that it covers are unknown, whatever the store says. Returns how to lift it. */
  bar(covers: (session: SessionRow) => boolean): () => void;
  readonly size: number;
  /** Since it was made; `readMsAgo`: since changes were last read whole. */
  figures(): {
    readonly sessions: number;
    readonly hits: number;
    readonly misses: number;
    readonly readMsAgo: number;
  };
}

const stale: Recall = { kind: 'stale' };
const notKnown: Recall = { kind: 'not-known' };

/** Entries kept at most; the oldest known gives way. About 600 bytes each. */
const mostEntries = 262_144;

export function memory(parts: {
  store: Pick<Store, 'installation' | 'sessionByDigest' | 'changesSince'>;
  clock: Clock;
  staleGraceMs: number;
  /** Change number that `state` was read with. */
  from: Seq;
  state: InstallationState;
}): Memory {
  const { store, clock, staleGraceMs } = parts;
  const sessions = new Map<Digest, KnownSession>();
  const users = new Map<UserId, KnownUser>();
  /** Change numbers of recent changes by subject, to judge look-ups that were under way. */
  const recent = new Map<string, Seq>();
  const bars = new Set<(session: SessionRow) => boolean>();
  let state: { readonly known: InstallationState } | 'changed' = { known: parts.state };
  let stateChangedAt: Seq = parts.from;
  let last: Seq = parts.from;
  let forgottenUpTo: Seq = parts.from;
  let hits = 0;
  let misses = 0;
  let freshUntil = clock.monotonic() + staleGraceMs;

  const forgetEverything = (): void => {
    for (const user of users.values()) user.current = false;
    users.clear();
    sessions.clear();
    recent.clear();
    state = 'changed';
  };

  const apply = (changes: readonly Change[]): void => {
    for (const { seq, subject } of changes) {
      if (seq > last) last = seq;
      switch (subject.kind) {
        case 'installation':
          state = 'changed';
          stateChangedAt = seq;
          break;
        case 'session':
          sessions.delete(subject.digest);
          remember(subject.digest, seq);
          break;
        case 'user': {
          const user = users.get(subject.userId);
          if (user) user.current = false;
          users.delete(subject.userId);
          remember(subject.userId, seq);
          break;
        }
      }
    }
  };

  /** Bounded: when full, every look-up that began before now counts as changed. */
  const remember = (subject: string, seq: Seq): void => {
    if (recent.size >= 4096) {
      recent.clear();
      forgottenUpTo = seq;
    }
    recent.set(subject, seq);
  };

  const changedSince = (seq: Seq, session: SessionRow): boolean =>
    forgottenUpTo > seq || (recent.get(session.digest) ?? 0) > seq || (recent.get(session.userId) ?? 0) > seq;

  const keep = (found: Extract<SessionLookup, { kind: 'found' }>): KnownSession => {
    const known = knownSession(found.session, knownUser(found.user, found.seq));
    if (changedSince(found.seq, found.session)) return known;
    if (sessions.size >= mostEntries) {
      for (const oldest of sessions.keys()) {
        sessions.delete(oldest);
        break;
      }
    }
    sessions.set(found.session.digest, known);
    return known;
  };

  /** One user object for all sessions of the user, unless a change overtook the look-up. */
  const knownUser = (row: UserRow, seq: Seq): KnownUser => {
    const shared = users.get(row.id);
    // A row of another generation was read after a change this process has not heard of yet: neither may stand for the other.
    if (shared?.row.credentialGeneration === row.credentialGeneration) return shared;
    const fresh: KnownUser = { row, current: true };
    if (shared || forgottenUpTo > seq || (recent.get(row.id) ?? 0) > seq) return fresh;
    if (users.size >= mostEntries) {
      for (const [oldest, user] of users) {
        user.current = false;
        users.delete(oldest);
        break;
      }
    }
    users.set(row.id, fresh);
    return fresh;
  };

  const refresh = async (): Promise<void> => {
    const began = clock.monotonic();
    const read = await store.changesSince(last);
    if (read.kind === 'lost') {
      forgetEverything();
      forgottenUpTo = read.last;
      stateChangedAt = read.last;
      last = read.last;
    } else {
      apply(read.changes);
    }
    freshUntil = Math.max(freshUntil, began + staleGraceMs);
  };

  return {
    recall: (digest) => {
      if (clock.monotonic() >= freshUntil) return stale;
      const known = sessions.get(digest);
      if (known === undefined) return notKnown;
      if (known.holder.user.current) {
        hits += 1;
        return known;
      }
      sessions.delete(digest);
      return notKnown;
    },
    state: () => {
      if (state !== 'changed' && clock.monotonic() < freshUntil) return state.known;
      return (async () => {
        if (clock.monotonic() >= freshUntil) await refresh();
        if (state !== 'changed') return state.known;
        const read = await store.installation();
        if (read.kind === 'empty')
          throw new Error('Cannot read the setup state: the installation is gone from the store');
        if (read.seq >= stateChangedAt) state = { known: read.installation.state };
        return read.installation.state;
      })();
    },
    refresh,
    load: async (digest) => {
      misses += 1;
      const found = await store.sessionByDigest(digest);
      if (found.kind === 'unknown') return found;
      for (const covers of bars) if (covers(found.session)) return { kind: 'unknown' };
      return keep(found);
    },
    forget: (digest) => {
      sessions.delete(digest);
    },
    apply,
    bar: (covers) => {
      bars.add(covers);
      for (const [digest, { holder }] of sessions) if (covers(holder.session)) sessions.delete(digest);
      return () => bars.delete(covers);
    },
    figures: () => ({
      sessions: sessions.size,
      hits,
      misses,
      readMsAgo: Math.max(0, clock.monotonic() - (freshUntil - staleGraceMs)),
    }),
    get size() {
      return sessions.size;
    },
  };
}

function knownSession(session: SessionRow, user: KnownUser): KnownSession {
  return {
    kind: 'known',
    holder: { kind: 'user', user, session, via: 'session' },
    lastSeenAt: session.lastSeenAt,
    writtenAt: session.lastSeenAt,
  };
}
