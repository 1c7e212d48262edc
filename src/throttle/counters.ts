/**
 * Counters by key, in a bounded table: the one that failed longest ago and is not blocked gives way, and when all of them
 * are blocked, newcomers share one counter rather than go unlimited (3-rules, Guessing).
 */
import type { CounterState, CountingRule } from './rules.ts';

export interface Counter {
  readonly table: CounterTable;
  readonly key: string;
  readonly state: CounterState;
  /** Tries under way, each of which may turn out a failure. */
  inFlight: number;
  /** Tries that wait for one of those to settle. */
  waiting: (() => void)[] | null;
}

export interface CounterTable {
  readonly name: string;
  readonly rule: CountingRule;
  /** The counter of that key; a blank one is not kept before `keep`. */
  at(key: string, now: number): Counter;
  /** Holds a counter that somebody is about to be counted in. Tells the key that had to give way. */
  keep(
    counter: Counter,
    now: number,
  ): { readonly kind: 'had-room' } | { readonly kind: 'gave-way'; readonly key: string };
  /** One more failure. */
  fail(counter: Counter, now: number): void;
  /** Nothing is counted there any more. */
  clear(counter: Counter): void;
  /** Drops the counter when there is nothing to remember. */
  release(counter: Counter, now: number): void;
  /** Takes a state that was written down. */
  restore(key: string, state: CounterState): void;
  all(): Iterable<Counter>;
}

/** Looked at per newcomer for one that can give way: a flood costs constant time each. */
const lookedAt = 64;

/** Key of the counter that all newcomers share when nobody can give way. */
export const sharedKey = '*';

export function counterTable(parts: {
  readonly name: string;
  readonly rule: CountingRule;
  /** Infinity: never gives way, where the keys themselves are bounded. */
  readonly most: number;
}): CounterTable {
  const { name, rule, most } = parts;
  /** In the order of their last failures. */
  const counters = new Map<string, Counter>();

  const toTheEnd = (counter: Counter): void => {
    counters.delete(counter.key);
    counters.set(counter.key, counter);
  };

  /** Those that cannot give way go to the end, so that whoever asks next looks at others. */
  const givingWay = (now: number): Counter | 'nobody' => {
    for (let looked = 0; looked < lookedAt; looked += 1) {
      const [oldest] = counters.values();
      if (oldest === undefined) return 'nobody';
      const free = oldest.inFlight === 0 && oldest.waiting === null && oldest.key !== sharedKey;
      if (free && rule.blockedMs(oldest.state, now) <= 0) return oldest;
      toTheEnd(oldest);
    }
    return 'nobody';
  };

  const blank = (key: string): Counter => ({ table, key, state: [], inFlight: 0, waiting: null });

  const table: CounterTable = {
    name,
    rule,
    at: (key, now) => {
      const known = counters.get(key);
      if (known !== undefined) return known;
      if (counters.size < most || givingWay(now) !== 'nobody') return blank(key);
      return counters.get(sharedKey) ?? blank(sharedKey);
    },
    keep: (counter, now) => {
      if (counters.get(counter.key) === counter) return { kind: 'had-room' };
      const leaving = counter.key !== sharedKey && counters.size >= most ? givingWay(now) : 'nobody';
      counters.set(counter.key, counter);
      if (leaving === 'nobody') return { kind: 'had-room' };
      counters.delete(leaving.key);
      return { kind: 'gave-way', key: leaving.key };
    },
    fail: (counter, now) => {
      rule.fail(counter.state, now);
      toTheEnd(counter);
    },
    clear: (counter) => void counter.state.splice(0),
    release: (counter, now) => {
      if (counter.inFlight > 0 || counter.waiting !== null || rule.lastsMs(counter.state, now) > 0) return;
      if (counters.get(counter.key) === counter) counters.delete(counter.key);
    },
    restore: (key, state) => {
      const counter = blank(key);
      counter.state.push(...state);
      counters.set(key, counter);
    },
    all: () => counters.values(),
  };
  return table;
}
