/**
 * Step 2: may it be tried now? One limiter for every secret that can be guessed: what a try is charged with says
 * `charges` in `limits.ts`. A unit is taken before the secret is looked at and given back when it was right, so that
 * parallel guesses cannot pass a limit together; when only units in flight fill it, a try waits for them.
 */
import { isIPv4 } from 'node:net';
import { networkOf } from '../request/address.ts';
import type { LimitRow, LimitsWritten } from '../store/rows.ts';
import type { Address, Clock, Millis, UserId } from '../types.ts';
import { counterTable, type CounterTable, sharedKey } from './counters.ts';
import {
  charges,
  type GuessableWay,
  holderLimit,
  nameFromNetwork,
  nameFromStrangers,
  narrowNetwork,
  signInWindow,
  widerNetworks,
} from './limits.ts';
import { budget, type CountingRule, doublingPause, forgiving, minuteAndDay, sliding } from './rules.ts';

/** Who tries, as far as limits are concerned. */
export type Standing =
  /** Shows a known device or a living session, named by something that is no secret: pays from a budget of its own. */
  | { readonly kind: 'holder'; readonly holder: string }
  /** That user signed in from there before. */
  | { readonly kind: 'known-network' }
  | { readonly kind: 'stranger'; readonly network: 'seen-before' | 'never-seen' };

/** Whose secret is tried. */
export type Subject =
  | { readonly kind: 'nobody' }
  | { readonly kind: 'user'; readonly userId: UserId }
  /** Counted like an account, so that no limit tells the two apart. `pseudonym`: keyed, never what was typed. */
  | { readonly kind: 'unknown'; readonly pseudonym: string };

export interface Try {
  readonly way: GuessableWay;
  readonly address: Address;
  readonly standing: Standing;
  readonly subject: Subject;
}

export interface Limited {
  readonly kind: 'limited';
  readonly retryAfterSeconds: number;
}

export interface Permit {
  readonly kind: 'taken';
  /**
   * `failed` keeps the unit, `given-back` frees it, `succeeded` also ends this one's failures in a row. Called exactly
   * once; gives what is to be written down, so that counters survive a restart.
   */
  readonly settle: (result: 'failed' | 'given-back' | 'succeeded') => LimitsWritten;
}

export interface Block {
  readonly kind: 'network' | 'name' | 'name-from-network' | 'holder';
  /** Networks in CIDR form; empty where the block is not about one. */
  readonly network: string;
  readonly userId: UserId | null;
  readonly until: Millis;
}

/** What to lift: everything that keeps a user or a network out, or all there is. */
export type Lifting =
  | { readonly kind: 'user'; readonly userId: UserId }
  | { readonly kind: 'address'; readonly address: Address }
  | { readonly kind: 'network'; readonly network: string }
  | { readonly kind: 'all' };

export interface Limiter {
  take(attempt: Try): Promise<Limited | Permit>;
  /** Whether a try would be refused now, whoever it is for; takes nothing. */
  standing(attempt: Pick<Try, 'way' | 'address' | 'standing'>): Limited | { readonly kind: 'open' };
  /** Who is limited now; names that are no account's are nobody. */
  blocks(): readonly Block[];
  lift(lifting: Lifting): { readonly lifted: number; readonly written: LimitsWritten };
}

interface Place {
  readonly table: CounterTable;
  readonly key: string;
}

/** Tries that wait for those in flight under one counter; more are refused at once. */
const mostWaiting = 256;

const nothingWritten: LimitsWritten = { put: [], drop: [] };

export function limiter(parts: { readonly clock: Clock; readonly remembered: readonly LimitRow[] }): Limiter {
  const { clock } = parts;
  const perFamily = (name: string, rule: CountingRule, most: number) => ({
    v4: counterTable({ name: `${name}-v4`, rule, most }),
    v6: counterTable({ name: `${name}-v6`, rule, most }),
  });
  const narrow = perFamily('narrow', minuteAndDay(narrowNetwork), narrowNetwork.remembered);
  const wider = Object.entries(widerNetworks).map(([name, limit]) => ({
    bits: limit.bits,
    tables: perFamily(name, minuteAndDay(limit), limit.remembered),
  }));
  const signIns = perFamily('sign-in', sliding(signInWindow), signInWindow.remembered);
  // Counters of accounts never give way: there are only as many as accounts, and failures that made them.
  const byName = (name: string, rule: CountingRule, unknown: number) => ({
    user: counterTable({ name, rule, most: Number.POSITIVE_INFINITY }),
    unknown: counterTable({ name: `${name}-unknown`, rule, most: unknown }),
  });
  const strangers = byName('strangers', forgiving(nameFromStrangers), nameFromStrangers.remembered);
  const pairs = byName('name-from-network', doublingPause(nameFromNetwork), nameFromNetwork.remembered);
  const holders = counterTable({ name: 'holder', rule: budget(holderLimit), most: holderLimit.remembered });
  const tables: readonly CounterTable[] = [
    ...[narrow, signIns, ...wider.map((each) => each.tables)].flatMap((each) => [each.v4, each.v6]),
    ...[strangers, pairs].flatMap((each) => [each.user, each.unknown]),
    holders,
  ];

  const networksOf = (address: Address, standing: Standing): readonly Place[] => {
    const family = isIPv4(address) ? 'v4' : 'v6';
    const around = standing.kind === 'stranger' && standing.network === 'never-seen' ? wider : [];
    return [{ bits: narrowNetwork.bits, tables: narrow }, ...around].map((each) => ({
      table: each.tables[family],
      key: networkOf(address, each.bits),
    }));
  };

  const namesOf = (subject: Subject, network: string): readonly Place[] => {
    if (subject.kind === 'nobody') return [];
    const id = subject.kind === 'user' ? subject.userId : subject.pseudonym;
    return [
      { table: strangers[subject.kind], key: id },
      { table: pairs[subject.kind], key: `${id} ${network}` },
    ];
  };

  /** Everything a try is counted in. */
  const placesOf = ({ way, address, standing, subject }: Try): readonly Place[] => {
    if (standing.kind === 'holder') {
      const owner = subject.kind === 'user' ? subject.userId : '';
      return [{ table: holders, key: `${owner} ${standing.holder}` }];
    }
    const network = networkOf(address, narrowNetwork.bits);
    return charges[way].flatMap((count): readonly Place[] => {
      switch (count) {
        case 'networks':
          return networksOf(address, standing);
        case 'sign-in-window':
          return [{ table: signIns[isIPv4(address) ? 'v4' : 'v6'], key: network }];
        case 'name':
          // Whoever comes from a network that user is known in gets through to the check, whatever strangers do.
          return standing.kind === 'known-network' ? [] : namesOf(subject, network);
        case 'holder':
          throw new TypeError(`Cannot limit ${way}: nobody holds a session or device`);
      }
    });
  };

  /** Where each place is counted now: the table may have no room of its own for it. */
  const resolved = (places: readonly Place[]): readonly Place[] => {
    const now = clock.monotonic();
    return places.map(({ table, key }) => ({ table, key: table.resolve(key, now) }));
  };

  const blocked = (places: readonly Place[]): Limited | { readonly kind: 'open' } => {
    const now = clock.monotonic();
    const ms = Math.max(0, ...places.map(({ table, key }) => table.rule.blockedMs(table.state(key), now)));
    return ms > 0 ? { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)) } : { kind: 'open' };
  };

  const rowKey = ({ table, key }: Place): string => `${table.name} ${key}`;

  /** Monotonic times mean nothing to another process: written as wall-clock ones. */
  const rowOf = (place: Place): LimitRow => {
    const { table, key } = place;
    const state = table.state(key);
    const now = clock.monotonic();
    const offset = clock.now() - now;
    const { places } = table.rule.times;
    return {
      key: rowKey(place),
      state: JSON.stringify(state.map((value, at) => (places.includes(at) ? Math.round(value + offset) : value))),
      endsAt: Math.ceil(clock.now() + table.rule.lastsMs(state, now)) as Millis,
    };
  };

  const settle = (
    places: readonly Place[],
    gaveWay: readonly string[],
    result: Parameters<Permit['settle']>[0],
  ): LimitsWritten => {
    const now = clock.monotonic();
    const put: LimitRow[] = [];
    const drop: string[] = [...gaveWay];
    for (const place of places) {
      const { table, key } = place;
      const clears = result === 'succeeded' && table.state(key).length > 0 && endedBySuccess.has(table);
      table.end(key, result === 'failed' ? 'failed' : clears ? 'cleared' : 'given-back', now);
      // What all newcomers share is about nobody, and begins anew with each process.
      if (key === sharedKey) continue;
      if (result === 'failed') put.push(rowOf(place));
      if (clears) drop.push(rowKey(place));
    }
    return put.length + drop.length === 0 ? nothingWritten : { put, drop };
  };

  /** The owner's success ends what the owner's own device or network has failed, and nothing that strangers have. */
  const endedBySuccess: ReadonlySet<CounterTable> = new Set([holders, pairs.user]);

  for (const row of parts.remembered) restore(tables, row, clock);

  return {
    take: async (attempt) => {
      const places = placesOf(attempt);
      for (;;) {
        const counted = resolved(places);
        const standing = blocked(counted);
        if (standing.kind === 'limited') return standing;
        const now = clock.monotonic();
        const full = counted.find(({ table, key }) => table.inFlight(key) >= table.rule.room(table.state(key), now));
        if (full === undefined) {
          const gaveWay = counted.flatMap(({ table, key }) => {
            const begun = table.begin(key, now);
            return begun.kind === 'gave-way' ? [rowKey({ table, key: begun.key })] : [];
          });
          return { kind: 'taken', settle: (result) => settle(counted, gaveWay, result) };
        }
        // Each end wakes all who wait for it: a crowd would cost more than it is worth.
        if (full.table.waiting(full.key) >= mostWaiting) return { kind: 'limited', retryAfterSeconds: 1 };
        await full.table.nextEnd(full.key);
      }
    },

    standing: (attempt) => blocked(resolved(placesOf({ ...attempt, subject: { kind: 'nobody' } }))),

    blocks: () => {
      const now = clock.monotonic();
      const about = (table: CounterTable, read: (key: string) => Pick<Block, 'kind' | 'network' | 'userId'>) =>
        [...table.keys()].flatMap((key): readonly Block[] => {
          const ms = table.rule.blockedMs(table.state(key), now);
          return ms > 0 && key !== sharedKey ? [{ ...read(key), until: Math.ceil(clock.now() + ms) as Millis }] : [];
        });
      const network = (key: string) => ({ kind: 'network', network: key, userId: null }) as const;
      return [
        ...[narrow, signIns, ...wider.map((each) => each.tables)]
          .flatMap((each) => [each.v4, each.v6])
          .flatMap((table) => about(table, network)),
        ...about(strangers.user, (key) => ({ kind: 'name', network: '', userId: key as UserId })),
        ...about(pairs.user, (key) => {
          const [userId = '', from = ''] = key.split(' ');
          return { kind: 'name-from-network', network: from, userId: userId as UserId };
        }),
        ...about(holders, (key) => ({ kind: 'holder', network: '', userId: (key.split(' ')[0] ?? '') as UserId })),
      ];
    },

    lift: (lifting) => {
      const now = clock.monotonic();
      const drop: string[] = [];
      for (const table of tables) {
        for (const key of table.keys()) {
          if (table.state(key).length === 0 || isAbout(lifting, table, key) === 'other') continue;
          table.clear(key, now);
          drop.push(rowKey({ table, key }));
        }
      }
      return { lifted: drop.length, written: { put: [], drop } };
    },
  };

  function isAbout(lifting: Lifting, table: CounterTable, key: string): 'meant' | 'other' {
    switch (lifting.kind) {
      case 'all':
        return 'meant';
      case 'user':
        return [strangers.user, pairs.user, holders].includes(table) && key.split(' ')[0] === lifting.userId
          ? 'meant'
          : 'other';
      case 'network':
        return key === lifting.network ? 'meant' : 'other';
      case 'address':
        return networksOf(lifting.address, { kind: 'stranger', network: 'never-seen' }).some((each) => each.key === key)
          ? 'meant'
          : 'other';
    }
  }
}

/** A time that lies further ahead than the rule could have put it is a clock that was moved: nobody is shut out by that. */
function restore(tables: readonly CounterTable[], row: LimitRow, clock: Clock): void {
  const space = row.key.indexOf(' ');
  const table = tables.find(({ name }) => name === row.key.slice(0, space));
  const state: unknown = JSON.parse(row.state);
  if (table === undefined || !Array.isArray(state) || !state.every((each) => typeof each === 'number')) return;
  const now = clock.monotonic();
  const offset = clock.now() - now;
  const { places, aheadMs } = table.rule.times;
  const times = state.map((value, place) => (places.includes(place) ? Math.min(value - offset, now + aheadMs) : value));
  if (table.rule.lastsMs(times, now) > 0) table.restore(row.key.slice(space + 1), times);
}
