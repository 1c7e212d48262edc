/**
 * The sessions, tokens, users and installation this process knows (3-rules, The hot path): a known token is answered from here without touching the
 * store. Every change in the store reaches `apply` before it is acknowledged (own writes) or with the next read
 * (other nodes); answers are given only while the last completed read is young.
 *
 * An entry remembers the change number read before its look-up; if a change for it arrived meanwhile, it is not kept.
 */
import type { Change, UserRow } from '../store/rows.ts';
import { oneAtATime } from '../store/one-at-a-time.ts';
import type { Store } from '../store/store.ts';
import type { Clock, MaybePromise, Seq, UserId } from '../types.ts';
import {
  generationOf,
  type Held,
  heldSession,
  heldTicket,
  heldToken,
  heldUser,
  type KnownSession,
  knownSession,
  type KnownTicket,
  type KnownToken,
  knownToken,
  type KnownUser,
} from './holders.ts';
import type { Memory } from './known/contract.ts';
import { knownEntries, knownNothing, knownSignIns, mostEntries, oldestOut } from './known/known-entries.ts';
import { installationMemory, type KnownInstallation } from './known/known-installation.ts';
import { anyBoot, recentChanges } from './known/recent-changes.ts';

const stale = { kind: 'stale' } as const;
const notKnown = { kind: 'not-known' } as const;
const unknown = { kind: 'unknown' } as const;

/** Own changes that are applied before they are read; when there are more they are applied again. */
const mostAhead = 4096;

export function memory(parts: {
  store: Pick<
    Store,
    'installation' | 'sessionByDigest' | 'tokenByDigest' | 'ticketHolder' | 'userByName' | 'changesSince'
  >;
  clock: Clock;
  staleGraceMs: number;
  /** Change number that `installation` was read with. */
  from: Seq;
  installation: KnownInstallation;
  /** Told of every change once, whoever made it. */
  onChanges?: (changes: readonly Change[]) => void;
}): Memory {
  const { store, clock, staleGraceMs } = parts;
  const sessions = knownEntries<KnownSession>(({ holder }) => heldSession(holder.session));
  const tokens = knownEntries<KnownToken>(({ holder }, digest) => heldToken(holder.token, digest));
  const tickets = knownEntries<KnownTicket>(({ holder }) => heldTicket(holder.ticket));
  const signIns = knownSignIns();
  const nothing = knownNothing();
  const users = new Map<UserId, KnownUser>();
  const oldestUserOut = oldestOut(users);
  const recent = recentChanges(parts.from);
  const bars = new Set<(held: Held) => boolean>();
  /** Own changes that were applied before they were read, and what of: after a failover another one may have that number. */
  const ahead = new Map<Seq, string>();
  const known = installationMemory(store, parts.installation, parts.from, (seq) => {
    seen = Math.max(seen, seq) as Seq;
  });
  /** Every change up to this one was read. */
  let last: Seq = parts.from;
  /** The highest number that was seen in any way. */
  let seen: Seq = parts.from;
  /** Raised when everything is forgotten: what was looked up before is not kept. */
  let era = 0;
  let misses = 0;
  let freshUntil = clock.monotonic() + staleGraceMs;

  const forgetEverything = (): void => {
    for (const user of users.values()) user.current = false;
    users.clear();
    sessions.clear();
    tokens.clear();
    tickets.clear();
    signIns.clear();
    nothing.clear();
    ahead.clear();
    era += 1;
  };

  const take = (changes: readonly Change[]): void => {
    if (changes.length === 0) return;
    for (const { seq, subject } of changes) {
      switch (subject.kind) {
        case 'installation':
          known.changed(seq);
          // Another boot may have begun, and what belongs to the one before is over.
          sessions.forgetThose(({ bootId }) => bootId !== '');
          remember(anyBoot, seq);
          break;
        case 'session':
          sessions.forget(subject.digest);
          tokens.forget(subject.digest);
          tickets.forget(subject.digest);
          signIns.forget(subject.digest);
          nothing.forget(subject.digest);
          remember(subject.digest, seq);
          break;
        case 'user': {
          const user = users.get(subject.userId);
          if (user) user.current = false;
          users.delete(subject.userId);
          remember(subject.userId, seq);
          break;
        }
        case 'limits':
          break;
      }
    }
    parts.onChanges?.(changes);
  };

  /** Changes of others with lower numbers may still be to be read: `last` stays where it is. */
  const apply = (changes: readonly Change[]): void => {
    if (ahead.size >= mostAhead) ahead.clear();
    for (const { seq } of changes) seen = Math.max(seen, seq) as Seq;
    for (const { seq, subject } of changes) if (seq > last) ahead.set(seq, JSON.stringify(subject));
    take(changes);
  };

  /** Bounded: when full, every look-up that began before now counts as changed. */
  const remember = (subject: string, seq: Seq): void => {
    // Own changes may be ahead of what is read.
    recent.remember(subject, seq, Math.max(last, seen) as Seq);
  };

  /** The user that an entry found there hangs on; `kept`: nothing has changed since it was looked up. */
  const judged = (
    held: Held,
    found: { readonly user: UserRow; readonly seq: Seq },
    of: number,
  ): { readonly user: KnownUser; readonly is: 'kept' | 'passing' } => {
    if (of !== era) return { user: { row: found.user, current: true }, is: 'passing' };
    const user = knownUser(found.user, found.seq);
    // Only what hangs on the user that changes are told to: nothing else would hear of the next one.
    const passing = users.get(found.user.id) !== user || recent.sinceOf(found.seq, held) === 'changed';
    return { user, is: passing ? 'passing' : 'kept' };
  };

  const look = async <Found extends { readonly seq: Seq }>(ask: () => Promise<Found>): Promise<[Found, number]> => {
    misses += 1;
    const of = era;
    const found = await ask();
    if (of === era) seen = Math.max(seen, found.seq) as Seq;
    return [found, of];
  };

  const barred = (held: Held): 'barred' | 'free' => {
    for (const covers of bars) if (covers(held)) return 'barred';
    return 'free';
  };

  /** One user object for all sessions of the user, unless a change overtook the look-up. */
  const knownUser = (row: UserRow, seq: Seq): KnownUser => {
    const shared = users.get(row.id);
    if (shared !== undefined && generationOf(shared.row) === generationOf(row)) return shared;
    const fresh: KnownUser = { row, current: true };
    const overtaken = recent.since(seq, row.id) === 'changed';
    // Generations only rise: the lower one was read before a change that the other was read after.
    if (overtaken || (shared !== undefined && generationOf(shared.row) > generationOf(row))) return fresh;
    if (shared !== undefined) shared.current = false;
    else if (users.size >= mostEntries) {
      const oldest = oldestUserOut();
      if (oldest !== undefined) oldest.current = false;
    }
    users.set(row.id, fresh);
    return fresh;
  };

  const readChanges = async (): Promise<void> => {
    const began = clock.monotonic();
    const seenBefore = seen;
    const read = await store.changesSince(last);
    // A counter that stands below what was seen is another one: of a copy that was put back, or after a failover that lost something.
    if (read.kind === 'lost' || read.last < seenBefore) {
      forgetEverything();
      recent.forgetUpTo(read.last);
      known.lost(read.last);
      seen = read.last;
    } else {
      // Before they are taken: what they push out of `recent` counts as changed up to the last of them.
      seen = Math.max(seen, read.last) as Seq;
      take(read.changes.filter(({ seq, subject }) => ahead.get(seq) !== JSON.stringify(subject)));
      for (const seq of ahead.keys()) if (seq <= read.last) ahead.delete(seq);
    }
    last = read.last;
    freshUntil = Math.max(freshUntil, began + staleGraceMs);
  };

  /** One that is under way may have begun too early to see what somebody asks for now: another one follows it. */
  const refresh = oneAtATime(readChanges);

  const installation = (): MaybePromise<KnownInstallation> =>
    clock.monotonic() < freshUntil ? known.now() : refresh().then(known.now);

  return {
    recall: (digest) => (clock.monotonic() >= freshUntil ? stale : (sessions.get(digest) ?? notKnown)),
    recallTicket: (shown) => {
      if (clock.monotonic() >= freshUntil) return stale;
      const known = tickets.get(shown);
      return known?.signIn.current === true ? known : notKnown;
    },
    recallToken: (digest) => {
      if (clock.monotonic() >= freshUntil) return stale;
      return tokens.get(digest) ?? (nothing.has(digest) ? unknown : notKnown);
    },
    state: () => {
      const now = installation();
      return now instanceof Promise ? now.then(({ state }) => state) : now.state;
    },
    installation,
    boot: () => known.last().bootId,
    refresh,
    load: async (digest, which) => {
      const [found, of] = await look(() => store.sessionByDigest(digest, which));
      if (found.kind === 'unknown') return found;
      const held = heldSession(found.session);
      if (barred(held) === 'barred') return { kind: 'unknown' };
      const { user, is } = judged(held, found, of);
      const known = knownSession(found.session, user);
      if (is === 'kept') sessions.keep(held, known);
      return known;
    },
    loadToken: async (digest) => {
      const [found, of] = await look(() => store.tokenByDigest(digest));
      if (found.kind === 'unknown') {
        if (of === era && recent.since(found.seq, digest) === 'same') nothing.keep(digest);
        return found;
      }
      const held = heldToken(found.token, digest);
      if (barred(held) === 'barred') return { kind: 'unknown' };
      const { user, is } = judged(held, found, of);
      const known = knownToken(found.token, user, digest);
      if (is === 'kept') tokens.keep(held, known);
      return known;
    },
    loadTicket: async (ticket) => {
      const [found, of] = await look(() => store.ticketHolder(ticket));
      const held = heldTicket(ticket);
      if (found.kind !== 'found') return { kind: found.kind };
      if (barred(held) === 'barred') return { kind: 'revoked' };
      const { user, is } = judged(held, found, of);
      const overtaken = is === 'passing' || recent.since(found.seq, ticket.serial) === 'changed';
      const signIn = overtaken ? { current: true } : signIns.of(ticket.serial);
      const known: KnownTicket = { kind: 'known', holder: { kind: 'ticket', user, ticket, via: 'ticket' }, signIn };
      if (!overtaken) tickets.keep(held, known);
      return known;
    },
    loadUser: async (username) => {
      const [found, of] = await look(() => store.userByName(username));
      if (found.kind === 'unknown') return found;
      const held = heldUser(found.user.id);
      return barred(held) === 'barred' ? { kind: 'unknown' } : { kind: 'user', ...judged(held, found, of) };
    },
    forget: (digest) => sessions.forget(digest),
    apply,
    bar: (covers) => {
      bars.add(covers);
      for (const [id, user] of users) if (covers(heldUser(id))) user.current = false;
      sessions.forgetThose(covers);
      tokens.forgetThose(covers);
      tickets.forgetThose(covers);
      return () => bars.delete(covers);
    },
    figures: () => ({
      sessions: sessions.size,
      tokens: tokens.size,
      tickets: tickets.size,
      hits: sessions.hits + tokens.hits + tickets.hits,
      misses,
      readMsAgo: Math.max(0, clock.monotonic() - (freshUntil - staleGraceMs)),
    }),
    get size() {
      return sessions.size;
    },
  };
}
