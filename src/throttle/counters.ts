/**
 * Counters by key, in a bounded table: one that failed long ago and is not blocked gives way, and when none can, newcomers
 * share one counter rather than go unlimited (3-rules, Guessing). Numbers lie in one block each, not in objects: a hundred
 * thousand networks cost some megabytes.
 */
import type { CounterState, CountingRule } from './rules.ts';

export type Outcome = 'failed' | 'given-back' | 'cleared';

export interface CounterTable {
  readonly name: string;
  readonly rule: CountingRule;
  /** The key that a try for this key is counted under: itself, or the one that newcomers share. */
  resolve(key: string, now: number): string;
  state(key: string): CounterState;
  /** Tries under way, each of which may turn out a failure. */
  inFlight(key: string): number;
  /** A try begins. Tells the key that had to give way to it. */
  begin(key: string, now: number): { readonly kind: 'had-room' } | { readonly kind: 'gave-way'; readonly key: string };
  /** It has ended, and whoever waits for that looks again. */
  end(key: string, outcome: Outcome, now: number): void;
  /** Tries that wait for one of those to end. */
  waiting(key: string): number;
  /** Resolves when a try under this key ends. */
  nextEnd(key: string): Promise<void>;
  /** Nothing is counted there any more. */
  clear(key: string, now: number): void;
  /** Takes a state that is known from elsewhere, where there is a row or room for one. `failed`: just now, so others give way first. */
  restore(key: string, state: CounterState, use: 'failed' | 'known'): void;
  /** Keys of everything that is remembered. */
  keys(): Iterable<string>;
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
  const { width } = rule;
  const rows = new Map<string, number>();
  const waiting = new Map<string, (() => void)[]>();
  /** Key by row; empty where a row is free. */
  const keys: string[] = [];
  const free: number[] = [];
  let numbers = new Float64Array(0);
  let underWay = new Uint32Array(0);
  /** Failed since the hand came by: another gives way first. */
  let recent = new Uint8Array(0);
  let hand = 0;

  /** Unused numbers are NaN. */
  const read = (row: number): CounterState => {
    const state: number[] = [];
    for (let at = row * width; at < (row + 1) * width; at += 1) {
      const value = numbers[at] ?? Number.NaN;
      if (Number.isNaN(value)) break;
      state.push(value);
    }
    return state;
  };

  const write = (row: number, state: CounterState): void => {
    numbers.fill(Number.NaN, row * width, (row + 1) * width);
    numbers.set(state.slice(0, width), row * width);
  };

  const grow = (): void => {
    const capacity = Math.max(16, underWay.length * 2);
    const grown = new Float64Array(capacity * width);
    grown.set(numbers);
    numbers = grown;
    const under = new Uint32Array(capacity);
    under.set(underWay);
    underWay = under;
    const flags = new Uint8Array(capacity);
    flags.set(recent);
    recent = flags;
  };

  const newRow = (key: string): number => {
    const row = free.pop() ?? keys.length;
    if (row >= underWay.length) grow();
    keys[row] = key;
    rows.set(key, row);
    underWay[row] = 0;
    recent[row] = 0;
    write(row, []);
    return row;
  };

  const drop = (row: number): void => {
    rows.delete(keys[row] ?? '');
    keys[row] = '';
    free.push(row);
  };

  /** The hand goes round; what failed lately is passed over once, unless there is nothing else. */
  const givingWay = (now: number): number | 'nobody' => {
    let second: number | 'nobody' = 'nobody';
    for (let looked = 0; looked < Math.min(lookedAt, keys.length); looked += 1) {
      const row = hand;
      hand = (hand + 1) % keys.length;
      const key = keys[row] ?? '';
      const bound = key === '' || key === sharedKey || underWay[row] !== 0 || waiting.has(key);
      if (bound || rule.blockedMs(read(row), now) > 0) continue;
      if (recent[row] === 0) {
        hand = row;
        return row;
      }
      recent[row] = 0;
      if (second === 'nobody') second = row;
    }
    if (second !== 'nobody') hand = second;
    return second;
  };

  const isFull = (): 'full' | 'has-room' => (rows.size >= most ? 'full' : 'has-room');

  const release = (key: string, row: number, now: number): void => {
    if (underWay[row] === 0 && !waiting.has(key) && rule.lastsMs(read(row), now) <= 0) drop(row);
  };

  return {
    name,
    rule,
    resolve: (key, now) => (rows.has(key) || isFull() === 'has-room' || givingWay(now) !== 'nobody' ? key : sharedKey),
    state: (key) => {
      const row = rows.get(key);
      return row === undefined ? [] : read(row);
    },
    inFlight: (key) => underWay[rows.get(key) ?? -1] ?? 0,
    begin: (key, now) => {
      const known = rows.get(key);
      const leaving = known === undefined && key !== sharedKey && isFull() === 'full' ? givingWay(now) : 'nobody';
      const gone = leaving === 'nobody' ? '' : (keys[leaving] ?? '');
      if (leaving !== 'nobody') drop(leaving);
      const row = known ?? newRow(key);
      underWay[row] = (underWay[row] ?? 0) + 1;
      return gone === '' ? { kind: 'had-room' } : { kind: 'gave-way', key: gone };
    },
    end: (key, outcome, now) => {
      const row = rows.get(key);
      if (row === undefined) throw new Error(`Cannot end a try in ${name}: none is under way`);
      underWay[row] = (underWay[row] ?? 1) - 1;
      if (outcome === 'failed') {
        write(row, rule.fail(read(row), now));
        recent[row] = 1;
      }
      if (outcome === 'cleared') write(row, []);
      const woken = waiting.get(key) ?? [];
      waiting.delete(key);
      for (const wake of woken) wake();
      release(key, row, now);
    },
    waiting: (key) => waiting.get(key)?.length ?? 0,
    nextEnd: (key) =>
      new Promise((resolve) => {
        const others = waiting.get(key);
        if (others === undefined) waiting.set(key, [resolve]);
        else others.push(resolve);
      }),
    clear: (key, now) => {
      const row = rows.get(key);
      if (row === undefined) return;
      write(row, []);
      const woken = waiting.get(key) ?? [];
      waiting.delete(key);
      for (const wake of woken) wake();
      release(key, row, now);
    },
    restore: (key, state, use) => {
      const known = rows.get(key);
      if (known === undefined && isFull() === 'full') return;
      const row = known ?? newRow(key);
      write(row, state);
      if (use === 'failed') recent[row] = 1;
    },
    keys: () => rows.keys(),
  };
}
