/**
 * A sliding minute and a sliding hour in one block of numbers: how much was counted in each bucket of time. A bucket leaves
 * only when all of it is older than the window, so that more than the limit passes in no stretch of that length, whenever
 * it begins. Times are milliseconds of any one clock. Pure.
 */
import { hourMs, minuteMs } from '../limits.ts';

export interface Window {
  readonly ms: number;
  readonly bucketMs: number;
  /** Those within the window, and the one that is begun. */
  readonly buckets: number;
  /** Where it lies: the newest bucket's number, the sum, then the counts, each at its number modulo `buckets`. */
  readonly place: number;
}

/** Numbers in front of the counts. */
const heading = 2;

const windowOf = (ms: number, parts: number, place: number): Window => ({
  ms,
  bucketMs: ms / parts,
  buckets: parts + 1,
  place,
});

export const minuteWindow = windowOf(minuteMs, 20, 0);
export const hourWindow = windowOf(hourMs, 30, heading + minuteWindow.buckets);
const windows = [minuteWindow, hourWindow] as const;

export type TokenCounts = Uint32Array;

export function noCounts(): TokenCounts {
  return new Uint32Array(hourWindow.place + heading + hourWindow.buckets);
}

export function counted(counts: TokenCounts, { place }: Window): number {
  return counts[place + 1] ?? 0;
}

const placeOf = ({ place, buckets }: Window, bucket: number): number => place + heading + (bucket % buckets);

function moveOne(counts: TokenCounts, window: Window, now: number): void {
  const { place, buckets, bucketMs } = window;
  const newest = counts[place] ?? 0;
  const bucket = Math.floor(now / bucketMs);
  if (bucket === newest) return;
  const sum = counted(counts, window);
  const first = place + heading;
  if (bucket < newest) {
    // The clock went back: all of it is as of now.
    counts.fill(0, first, first + buckets);
    counts[placeOf(window, bucket)] = sum;
  } else if (bucket - newest >= buckets) {
    counts.fill(0, first, first + buckets);
    counts[place + 1] = 0;
  } else {
    let left = sum;
    for (let entered = newest + 1; entered <= bucket; entered += 1) {
      const at = placeOf(window, entered);
      left -= counts[at] ?? 0;
      counts[at] = 0;
    }
    counts[place + 1] = left;
  }
  counts[place] = bucket;
}

/** What is too old leaves. Everything else here is asked for the time that was moved to last. */
export function moveTo(counts: TokenCounts, now: number): void {
  moveOne(counts, minuteWindow, now);
  moveOne(counts, hourWindow, now);
}

export function count(counts: TokenCounts, units: number): void {
  for (const window of windows) {
    const at = placeOf(window, counts[window.place] ?? 0);
    counts[at] = (counts[at] ?? 0) + units;
    counts[window.place + 1] = counted(counts, window) + units;
  }
}

/** Units counted at that time were not used. */
export function giveBack(counts: TokenCounts, countedAt: number, units: number): void {
  for (const window of windows) {
    const newest = counts[window.place] ?? 0;
    const bucket = Math.floor(countedAt / window.bucketMs);
    if (bucket > newest || newest - bucket >= window.buckets) continue;
    const at = placeOf(window, bucket);
    const there = Math.min(units, counts[at] ?? 0);
    counts[at] = (counts[at] ?? 0) - there;
    counts[window.place + 1] = counted(counts, window) - there;
  }
}

const leavesInMs = ({ buckets, bucketMs }: Window, bucket: number, now: number): number =>
  (bucket + buckets) * bucketMs - now;

const oldestOf = (counts: TokenCounts, { place, buckets }: Window): number =>
  Math.max(0, (counts[place] ?? 0) - buckets + 1);

/** Milliseconds until less than that is counted; 0 when it is. */
export function freeInMs(counts: TokenCounts, window: Window, limit: number, now: number): number {
  let sum = counted(counts, window);
  if (sum < limit) return 0;
  const newest = counts[window.place] ?? 0;
  for (let bucket = oldestOf(counts, window); bucket <= newest; bucket += 1) {
    sum -= counts[placeOf(window, bucket)] ?? 0;
    if (sum < limit) return leavesInMs(window, bucket, now);
  }
  return window.ms;
}

/** Milliseconds until the first of what is counted leaves; 0 where nothing is. */
export function oldestLeavesInMs(counts: TokenCounts, window: Window, now: number): number {
  if (counted(counts, window) === 0) return 0;
  let bucket = oldestOf(counts, window);
  while (counts[placeOf(window, bucket)] === 0) bucket += 1;
  return leavesInMs(window, bucket, now);
}

/** Milliseconds until what is counted now leaves. */
export function newestLeavesInMs(counts: TokenCounts, window: Window, now: number): number {
  return leavesInMs(window, counts[window.place] ?? 0, now);
}
