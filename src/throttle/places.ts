/** Where a try is counted: the tables of counters, and which of them a try is charged in. */
import { isIPv4 } from 'node:net';
import { networkOf } from '../request/address.ts';
import type { LimitRow } from '../store/rows.ts';
import type { Address, Clock, Millis, UserId } from '../types.ts';
import { counterTable, type CounterTable } from './counters.ts';
import {
  charges,
  type GuessableWay,
  holderLimit,
  nameFromNetwork,
  nameFromStrangers,
  narrowNetwork,
  signInWindow,
  totpFromNetwork,
  widerNetworks,
} from './limits.ts';
import {
  budget,
  type CounterState,
  type CountingRule,
  doublingPause,
  forgiving,
  inTurn,
  minuteAndDay,
  sliding,
} from './rules.ts';

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
  /**
   * Counted like an account, so that no limit tells the two apart. `pseudonym`: keyed, never what was typed; `others`: the same
   * name under keys that came before or come next, so that nothing is forgotten when they rotate.
   */
  | { readonly kind: 'unknown'; readonly pseudonym: string; readonly others?: readonly string[] };

export interface Try {
  readonly way: GuessableWay;
  readonly address: Address;
  readonly standing: Standing;
  readonly subject: Subject;
}

export interface Block {
  readonly kind: 'network' | 'name' | 'name-from-network' | 'totp-from-network' | 'holder';
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

export interface Place {
  readonly table: CounterTable;
  readonly key: string;
}

/** By which a place is known outside this process. */
export function nameOf({ table, key }: Place): string {
  return `${table.name} ${key}`;
}

export interface Places {
  readonly tables: readonly CounterTable[];
  /** Everything a try is counted in. */
  of(attempt: Try): readonly Place[];
  /** Of the name a place is known by; undefined for one of another version. */
  named(name: string): Place | undefined;
  isAbout(lifting: Lifting, place: Place): 'meant' | 'other';
  /** Who is kept out where that place is blocked; `nobody`: it is about no account and no network. */
  about(place: Place): Omit<Block, 'until'> | 'nobody';
  /** The owner's success ends what the owner's own device or network has failed, and nothing that strangers have. */
  readonly endedBySuccess: ReadonlySet<CounterTable>;
}

export function places(): Places {
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
  const endless = Number.POSITIVE_INFINITY;
  const pauses = counterTable({ name: 'totp-from-network', rule: doublingPause(totpFromNetwork), most: endless });
  // What locks TOTP is counted in the store: each try sees what the one before it came to.
  const turns = counterTable({ name: 'totp-turn', rule: inTurn, most: endless });
  const networks: readonly CounterTable[] = [narrow, signIns, ...wider.map((each) => each.tables)].flatMap((each) => [
    each.v4,
    each.v6,
  ]);
  const tables: readonly CounterTable[] = [
    ...networks,
    ...[strangers, pairs].flatMap((each) => [each.user, each.unknown]),
    holders,
    pauses,
    turns,
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
    const ids = subject.kind === 'user' ? [subject.userId] : [subject.pseudonym, ...(subject.others ?? [])];
    return ids.flatMap((id) => [
      { table: strangers[subject.kind], key: id },
      { table: pairs[subject.kind], key: `${id} ${network}` },
    ]);
  };

  return {
    tables,
    endedBySuccess: new Set([holders, pairs.user]),

    of: ({ way, address, standing, subject }) => {
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
          case 'totp':
            if (subject.kind !== 'user') return [];
            // Strangers are not waited for where the account is known, nor paused for there.
            if (standing.kind === 'known-network') return [{ table: turns, key: `${subject.userId} known` }];
            return [
              { table: pauses, key: `${subject.userId} ${network}` },
              { table: turns, key: subject.userId },
            ];
          case 'holder':
            throw new TypeError(`Cannot limit ${way}: nobody holds a session or device`);
        }
      });
    },

    named: (name) => {
      const space = name.indexOf(' ');
      const table = tables.find((each) => each.name === name.slice(0, space));
      return table && { table, key: name.slice(space + 1) };
    },

    isAbout: (lifting, { table, key }) => {
      const meant = (is: unknown): 'meant' | 'other' => (is === true ? 'meant' : 'other');
      switch (lifting.kind) {
        case 'all':
          return 'meant';
        case 'user':
          return meant(
            [strangers.user, pairs.user, holders, pauses].includes(table) && key.split(' ')[0] === lifting.userId,
          );
        case 'network':
          return meant(key === lifting.network);
        case 'address': {
          const around = networksOf(lifting.address, { kind: 'stranger', network: 'never-seen' });
          return meant(around.some((each) => each.key === key));
        }
      }
    },

    about: ({ table, key }) => {
      if (networks.includes(table)) return { kind: 'network', network: key, userId: null };
      const [first = '', second = ''] = key.split(' ');
      const userId = first as UserId;
      if (table === strangers.user) return { kind: 'name', network: '', userId };
      if (table === pairs.user) return { kind: 'name-from-network', network: second, userId };
      if (table === pauses) return { kind: 'totp-from-network', network: second, userId };
      return table === holders ? { kind: 'holder', network: '', userId } : 'nobody';
    },
  };
}

/** Monotonic times mean nothing to another process: written as wall-clock ones. Where nothing is remembered there is no row. */
export function rowsOf(all: readonly Place[], clock: Clock): readonly LimitRow[] {
  const now = clock.monotonic();
  return all.flatMap((place) => {
    const { table, key } = place;
    const state = table.state(key);
    const lastsMs = table.rule.lastsMs(state, now);
    if (lastsMs <= 0) return [];
    return {
      key: nameOf(place),
      state: JSON.stringify(moved(table.rule, state, clock.now() - now).map(Math.round)),
      endsAt: Math.ceil(clock.now() + lastsMs) as Millis,
    };
  });
}

/** A state with its times told by another clock, that much ahead. */
export function moved(rule: CountingRule, state: CounterState, aheadMs: number): number[] {
  return state.map((value, at) => (rule.times.places.includes(at) ? value + aheadMs : value));
}

/**
 * The state that was written down, with the times of a clock that shows `now`; undefined when it is no state of that rule.
 * A time that lies further ahead than the rule could have put it is a clock that was moved: nobody is shut out by that.
 */
export function stateOf(rule: CountingRule, row: LimitRow, wallNow: Millis, now: number): CounterState | undefined {
  const state: unknown = JSON.parse(row.state);
  if (!Array.isArray(state) || !state.every((each) => typeof each === 'number')) return undefined;
  const { places: times, aheadMs } = rule.times;
  return moved(rule, state, now - wallNow).map((value, at) =>
    times.includes(at) ? Math.min(value, now + aheadMs) : value,
  );
}
