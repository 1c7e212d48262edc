/**
 * How failures are counted: each rule reads and moves a short list of numbers, so that hundreds of thousands of counters
 * fit in little memory and can be written down as they are. Times are monotonic milliseconds. Pure.
 */
import { minuteMs, dayMs } from './limits.ts';

/** Numbers of one counter, in the order its rule knows; empty before the first failure. */
export type CounterState = readonly number[];

export interface CountingRule {
  /** Numbers a state has at most. */
  readonly width: number;
  /** Milliseconds until a failure is let through again; 0 when one is now. */
  blockedMs(state: CounterState, now: number): number;
  /** Failures let through at once, while nothing is blocked. */
  room(state: CounterState, now: number): number;
  /** The state after one more failure. */
  fail(state: CounterState, now: number): CounterState;
  /** Milliseconds until nothing is left to remember. */
  lastsMs(state: CounterState, now: number): number;
  /** Places in the state that are times, and how far ahead of now any of them can lie. */
  readonly times: { readonly places: readonly number[]; readonly aheadMs: number };
}

/** So many failures a minute and a day; each window begins with its first failure. State: minute, its end, day, its end. */
export function minuteAndDay({ perMinute, perDay }: { perMinute: number; perDay: number }): CountingRule {
  const counted = (state: CounterState, now: number) => {
    const [minute = 0, minuteEnds = 0, day = 0, dayEnds = 0] = state;
    return { minute: now < minuteEnds ? minute : 0, minuteEnds, day: now < dayEnds ? day : 0, dayEnds };
  };
  return {
    width: 4,
    blockedMs: (state, now) => {
      const { minute, minuteEnds, day, dayEnds } = counted(state, now);
      if (day >= perDay) return dayEnds - now;
      return minute >= perMinute ? minuteEnds - now : 0;
    },
    room: (state, now) => {
      const { minute, day } = counted(state, now);
      return Math.min(perMinute - minute, perDay - day);
    },
    fail: (state, now) => {
      const { minute, minuteEnds, day, dayEnds } = counted(state, now);
      return [minute + 1, minute === 0 ? now + minuteMs : minuteEnds, day + 1, day === 0 ? now + dayMs : dayEnds];
    },
    lastsMs: ([, minuteEnds = 0, , dayEnds = 0], now) => Math.max(0, minuteEnds - now, dayEnds - now),
    times: { places: [1, 3], aheadMs: dayMs },
  };
}

/** At most so many within any stretch of time. State: when each happened, oldest first. */
export function sliding({ most, ms }: { most: number; ms: number }): CountingRule {
  const within = (state: CounterState, now: number): readonly number[] =>
    state.filter((at) => now - at < ms).slice(-most);
  return {
    width: most,
    blockedMs: (state, now) => {
      const times = within(state, now);
      return times.length >= most ? (times[0] ?? now) + ms - now : 0;
    },
    room: (state, now) => most - within(state, now).length,
    fail: (state, now) => [...within(state, now).slice(1 - most), now],
    lastsMs: (state, now) => Math.max(0, (state.at(-1) ?? now - ms) + ms - now),
    times: { places: Array.from({ length: most }, (_, place) => place), aheadMs: 0 },
  };
}

/** Some failures in a row for nothing, then a pause after each, doubling. State: in a row, pause's end, last failure. */
export function doublingPause(rule: {
  free: number;
  firstMs: number;
  longestMs: number;
  forgottenAfterMs: number;
}): CountingRule {
  const { free, firstMs, longestMs, forgottenAfterMs } = rule;
  const inARow = ([count = 0, , last = 0]: CounterState, now: number): number =>
    now - last < forgottenAfterMs ? count : 0;
  return {
    width: 3,
    blockedMs: ([, until = 0], now) => Math.max(0, until - now),
    room: (state, now) => Math.max(1, free + 1 - inARow(state, now)),
    fail: (state, now) => {
      const count = inARow(state, now) + 1;
      const pause = count > free ? Math.min(longestMs, firstMs * 2 ** (count - free - 1)) : 0;
      return [count, now + pause, now];
    },
    lastsMs: ([count = 0, , last = 0], now) => (count === 0 ? 0 : Math.max(0, last + forgottenAfterMs - now)),
    times: { places: [1, 2], aheadMs: longestMs },
  };
}

/** At most so many, one of which is forgiven every so often. State: count, when the next is forgiven. */
export function forgiving({ most, forgivenEveryMs }: { most: number; forgivenEveryMs: number }): CountingRule {
  const left = ([count = 0, next = 0]: CounterState, now: number) => {
    const forgiven = now < next ? 0 : 1 + Math.floor((now - next) / forgivenEveryMs);
    return { count: Math.max(0, count - forgiven), next: next + forgiven * forgivenEveryMs };
  };
  return {
    width: 2,
    blockedMs: (state, now) => {
      const { count, next } = left(state, now);
      return count >= most ? (count - most) * forgivenEveryMs + next - now : 0;
    },
    room: (state, now) => most - left(state, now).count,
    fail: (state, now) => {
      const { count, next } = left(state, now);
      return [count + 1, count === 0 ? now + forgivenEveryMs : next];
    },
    lastsMs: (state, now) => {
      const { count, next } = left(state, now);
      return count === 0 ? 0 : (count - 1) * forgivenEveryMs + next - now;
    },
    times: { places: [1], aheadMs: forgivenEveryMs },
  };
}

/** So many per stretch of time, which begins with the first. State: count, end. */
export function budget({ most, ms }: { most: number; ms: number }): CountingRule {
  const spent = ([count = 0, ends = 0]: CounterState, now: number): number => (now < ends ? count : 0);
  return {
    width: 2,
    blockedMs: (state, now) => (spent(state, now) >= most ? (state[1] ?? now) - now : 0),
    room: (state, now) => most - spent(state, now),
    fail: (state, now) => {
      const before = spent(state, now);
      return [before + 1, before === 0 ? now + ms : (state[1] ?? now + ms)];
    },
    lastsMs: ([, ends = 0], now) => Math.max(0, ends - now),
    times: { places: [1], aheadMs: ms },
  };
}
