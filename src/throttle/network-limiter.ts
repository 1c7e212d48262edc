/**
 * Step 2: may it be tried now? A unit is taken before the secret is looked at, and given back when it was right, so that
 * parallel guesses cannot pass the limit together. When only units in flight fill a window, a try waits for them.
 * Takes an address and the time, gives a permit; holds counters, touches nothing else.
 */
import { isIPv4 } from 'node:net';
import { networkOf } from '../request/address.ts';
import type { Address, Clock } from '../types.ts';
import { dayMs, minuteMs, mostNetworks, type NetworkLimit, networkLimits } from './limits.ts';

export interface Permit {
  readonly kind: 'taken';
  /** `failed` keeps the unit; `given-back` frees it. Called exactly once. */
  readonly settle: (result: 'failed' | 'given-back') => void;
}

export type Taking = { readonly kind: 'limited'; readonly retryAfterSeconds: number } | Permit;

/** One limiter for every secret that can be guessed: all ways in share its counters. */
export interface NetworkLimiter {
  /** Waits while only units in flight fill a window. */
  take(address: Address): Promise<Taking>;
  /** Whether a try would be refused now; takes nothing. */
  standing(
    address: Address,
  ): { readonly kind: 'limited'; readonly retryAfterSeconds: number } | { readonly kind: 'open' };
  /** Somebody signed in from there: what happens in the wider networks around is no longer its concern. */
  welcome(address: Address): void;
}

/** Failures and units in flight of one network. Windows begin with their first failure. */
interface Counter {
  readonly limit: NetworkLimit;
  readonly waiting: (() => void)[];
  inFlight: number;
  minute: number;
  minuteEnds: number;
  day: number;
  dayEnds: number;
}

export function networkLimiter(clock: Clock): NetworkLimiter {
  const tables = { v4: new Map<string, Counter>(), v6: new Map<string, Counter>() };

  const counterOf = (address: Address, limit: NetworkLimit): Counter => {
    const table = isIPv4(address) ? tables.v4 : tables.v6;
    const network = networkOf(address, limit.bits);
    const known = table.get(network);
    if (known) return known;
    if (table.size >= mostNetworks * networkLimits.length) makeRoom(table);
    // When every network is blocked or busy, newcomers share one counter rather than go unlimited.
    const key = table.size >= mostNetworks * networkLimits.length ? `overflow/${limit.bits.v4}` : network;
    const counter = table.get(key) ?? { limit, waiting: [], inFlight: 0, minute: 0, minuteEnds: 0, day: 0, dayEnds: 0 };
    table.set(key, counter);
    return counter;
  };

  /** Looks at the oldest few only, so that a flood of new networks costs constant time each. */
  const makeRoom = (table: Map<string, Counter>): void => {
    let looked = 0;
    for (const [network, counter] of table) {
      if (counter.inFlight === 0 && blockedForMs(counter, clock.monotonic()) === 0) {
        table.delete(network);
        return;
      }
      looked += 1;
      if (looked === 64) return;
    }
  };

  /** Narrow networks that somebody signed in from, oldest first (3-rules: the wider two are for those never seen so). */
  const welcomed = new Set<string>();

  const limitsFor = (address: Address): readonly NetworkLimit[] => {
    const [narrow, ...wider] = networkLimits;
    if (narrow === undefined) return [];
    return welcomed.has(networkOf(address, narrow.bits)) ? [narrow] : [narrow, ...wider];
  };

  const blocked = (counters: readonly Counter[]): Extract<Taking, { kind: 'limited' }> | undefined => {
    const now = clock.monotonic();
    for (const counter of counters) roll(counter, now);
    const longest = Math.max(...counters.map((counter) => blockedForMs(counter, now)));
    return longest > 0 ? { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(longest / 1000)) } : undefined;
  };

  const take = async (address: Address): Promise<Taking> => {
    const counters = limitsFor(address).map((limit) => counterOf(address, limit));
    for (;;) {
      const limited = blocked(counters);
      if (limited) return limited;
      const full = counters.find((counter) => counter.inFlight >= room(counter));
      if (!full) break;
      await new Promise<void>((resolve) => full.waiting.push(resolve));
    }
    for (const counter of counters) counter.inFlight += 1;
    return { kind: 'taken', settle: (result) => settle(counters, result) };
  };

  const settle = (counters: readonly Counter[], result: 'failed' | 'given-back'): void => {
    const now = clock.monotonic();
    for (const counter of counters) {
      counter.inFlight -= 1;
      if (result === 'failed') {
        roll(counter, now);
        if (counter.minute === 0) counter.minuteEnds = now + minuteMs;
        if (counter.day === 0) counter.dayEnds = now + dayMs;
        counter.minute += 1;
        counter.day += 1;
      }
      for (const wake of counter.waiting.splice(0)) wake();
    }
  };

  return {
    take,
    standing: (address) => blocked(limitsFor(address).map((limit) => counterOf(address, limit))) ?? { kind: 'open' },
    welcome: (address) => {
      const [narrow] = networkLimits;
      if (narrow === undefined) return;
      const network = networkOf(address, narrow.bits);
      welcomed.delete(network);
      welcomed.add(network);
      if (welcomed.size <= mostNetworks) return;
      for (const oldest of welcomed) {
        welcomed.delete(oldest);
        return;
      }
    },
  };
}

function roll(counter: Counter, now: number): void {
  if (now >= counter.minuteEnds) counter.minute = 0;
  if (now >= counter.dayEnds) counter.day = 0;
}

/** Failures still allowed now. */
function room(counter: Counter): number {
  return Math.min(counter.limit.perMinute - counter.minute, counter.limit.perDay - counter.day);
}

function blockedForMs(counter: Counter, now: number): number {
  if (counter.day >= counter.limit.perDay && now < counter.dayEnds) return counter.dayEnds - now;
  if (counter.minute >= counter.limit.perMinute && now < counter.minuteEnds) return counter.minuteEnds - now;
  return 0;
}
