/**
 * How failures are counted: each rule reads and moves a short list of numbers, so that hundreds of thousands of counters
 * fit in little memory and can be written down as they are. Times are monotonic milliseconds. Pure.
 */
import { minuteMs, dayMs } from './limits.ts';

/** Numbers of one counter, in the order its rule knows; empty before the first failure. */
export type CounterState = readonly number[];

export interface CountingRule {
  /** Numbers a state has at most; of two that end at the same time the one that is greater, from its first number on, knows more. */
  readonly width: number;
  /** Milliseconds until a failure is let through again; 0 when one is now. */
  blockedMs(state: CounterState, now: number): number;
  /** Failures let through at once, while nothing is blocked. */
  room(state: CounterState, now: number): number;
  /** The state after one more failure. */
  fail(state: CounterState, now: number): CounterState;
  /** Milliseconds until nothing is left to remember. */
  lastsMs(state: CounterState, now: number): number;
  /** What two that counted apart know together: it lets nothing through that one of them would not. */
  merge(one: CounterState, other: CounterState, now: number): CounterState;
  /** Places in the state that are times, and how far ahead of now any of them can lie. */
  readonly times: { readonly places: readonly number[]; readonly aheadMs: number };
}

/** The same; nothing is known where a state is empty. */
export function mergedStates(rule: CountingRule, one: CounterState, other: CounterState, now: number): CounterState {
  if (one.length === 0) return other;
  return other.length === 0 ? one : rule.merge(one, other, now);
}

type Window = readonly [count: number, ends: number];

/** One that has passed counts for nothing. */
function mergedWindow(one: Window, other: Window, now: number): Window {
  if (now >= one[1]) return other;
  return now >= other[1] ? one : [Math.max(one[0], other[0]), Math.max(one[1], other[1])];
}

/** So many failures a minute and a day; each window begins with its first failure. State: day, its end, minute, its end. */
export function minuteAndDay({ perMinute, perDay }: { perMinute: number; perDay: number }): CountingRule {
  const counted = (state: CounterState, now: number) => {
    const [day = 0, dayEnds = 0, minute = 0, minuteEnds = 0] = state;
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
      return [day + 1, day === 0 ? now + dayMs : dayEnds, minute + 1, minute === 0 ? now + minuteMs : minuteEnds];
    },
    lastsMs: ([, dayEnds = 0, , minuteEnds = 0], now) => Math.max(0, minuteEnds - now, dayEnds - now),
    merge: (one, other, now) => {
      const [day = 0, dayEnds = 0, minute = 0, minuteEnds = 0] = one;
      const [otherDay = 0, otherDayEnds = 0, otherMinute = 0, otherMinuteEnds = 0] = other;
      return [
        ...mergedWindow([day, dayEnds], [otherDay, otherDayEnds], now),
        ...mergedWindow([minute, minuteEnds], [otherMinute, otherMinuteEnds], now),
      ];
    },
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
    // The newest of both, the second newest of both, and so on: one failure that both know of stays one.
    merge: (one, other, now) => {
      const [here, there] = [within(one, now).toReversed(), within(other, now).toReversed()];
      const longer = here.length >= there.length ? here : there;
      return longer.map((_, at) => Math.max(here[at] ?? 0, there[at] ?? 0)).toReversed();
    },
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
    merge: (one, other, now) => {
      if (inARow(one, now) === 0) return other;
      return inARow(other, now) === 0 ? one : one.map((value, at) => Math.max(value, other[at] ?? 0));
    },
    times: { places: [1, 2], aheadMs: longestMs },
  };
}

/** At most so many, one of which is forgiven every so often. State: count, when the next is forgiven. */
export function forgiving({ most, forgivenEveryMs }: { most: number; forgivenEveryMs: number }): CountingRule {
  const left = ([count = 0, next = 0]: CounterState, now: number) => {
    const forgiven = now < next ? 0 : 1 + Math.floor((now - next) / forgivenEveryMs);
    return { count: Math.max(0, count - forgiven), next: next + forgiven * forgivenEveryMs };
  };
  const lastsMs = (state: CounterState, now: number): number => {
    const { count, next } = left(state, now);
    return count === 0 ? 0 : (count - 1) * forgivenEveryMs + next - now;
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
    lastsMs,
    // All that it says is when the last of it is forgiven.
    merge: (one, other, now) => (lastsMs(one, now) >= lastsMs(other, now) ? one : other),
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
    merge: ([count = 0, ends = 0], [otherCount = 0, otherEnds = 0], now) =>
      mergedWindow([count, ends], [otherCount, otherEnds], now),
    times: { places: [1], aheadMs: ms },
  };
}

/** One after the other; nothing is remembered. */
export const inTurn: CountingRule = {
  width: 0,
  blockedMs: () => 0,
  room: () => 1,
  fail: () => [],
  lastsMs: () => 0,
  merge: () => [],
  times: { places: [], aheadMs: 0 },
};
