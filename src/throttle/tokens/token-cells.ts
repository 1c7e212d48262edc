/** One token's cell: both windows as all nodes charge them, by the cells' clock. */
import type { Cells } from '../../store/shared-cells.ts';
import {
  count,
  counted,
  freeInMs,
  giveBack,
  hourWindow,
  minuteWindow,
  moveTo,
  newestLeavesInMs,
  noCounts,
  oldestLeavesInMs,
  type TokenCounts,
  type Window,
} from './token-windows.ts';

export interface Allowed {
  readonly perMinute: number;
  readonly perHour: number;
}

/** When it was charged, and in which cell: one that was forgotten and begun again is another. */
export interface Charge {
  readonly begun: number;
  readonly at: number;
}

interface WindowLeft {
  readonly remaining: number;
  readonly oldestLeavesMs: number;
}

export interface Grant {
  readonly charge: Charge;
  readonly units: number;
  /** Until both windows have room; 0 when they had. */
  readonly freeMs: number;
  /** Until the charge leaves the minute. */
  readonly voidMs: number;
  readonly minute: WindowLeft;
  readonly hour: WindowLeft;
}

/** Nothing stays in the minute for longer. */
const longestMs = minuteWindow.ms + minuteWindow.bucketMs;

interface Cell {
  readonly begun: number;
  readonly counts: TokenCounts;
  /** `ahead`: their clock went back since it was written; then it has to be written, or it would stay there. */
  readonly written: 'ahead' | 'before';
}

function read(cells: Cells, cell: string): Cell {
  const counts = noCounts();
  const text = cells.get(cell);
  if (text === '') {
    moveTo(counts, cells.now);
    return { begun: cells.now, counts, written: 'before' };
  }
  const known = JSON.parse(text) as { readonly begun: number; readonly counts: readonly number[] };
  counts.set(known.counts);
  const written = newestLeavesInMs(counts, minuteWindow, cells.now) > longestMs ? 'ahead' : 'before';
  moveTo(counts, cells.now);
  return { begun: known.begun, counts, written };
}

/** At most `want` units, as both windows have room for; `back` was charged and never used. */
export function grant(
  cells: Cells,
  cell: string,
  asked: {
    readonly allowed: Allowed;
    readonly want: number;
    readonly back: { readonly charge: Charge; readonly units: number } | null;
  },
): Grant {
  const { allowed, want, back } = asked;
  const { now } = cells;
  const { begun, counts, written } = read(cells, cell);
  const returned = back?.charge.begun === begun ? back : null;
  if (returned !== null) giveBack(counts, returned.charge.at, returned.units);
  const left = (window: Window, limit: number): number => Math.max(0, limit - counted(counts, window));
  const units = Math.min(want, left(minuteWindow, allowed.perMinute), left(hourWindow, allowed.perHour));
  const freeMs = Math.max(
    freeInMs(counts, minuteWindow, allowed.perMinute, now),
    freeInMs(counts, hourWindow, allowed.perHour, now),
  );
  count(counts, units);
  if (units + (returned?.units ?? 0) > 0 || written === 'ahead')
    cells.put(cell, JSON.stringify({ begun, counts: [...counts] }), newestLeavesInMs(counts, hourWindow, now));
  const windowLeft = (window: Window, limit: number): WindowLeft => ({
    remaining: left(window, limit),
    oldestLeavesMs: oldestLeavesInMs(counts, window, now),
  });
  return {
    charge: { begun, at: now },
    units,
    freeMs,
    voidMs: newestLeavesInMs(counts, minuteWindow, now),
    minute: windowLeft(minuteWindow, allowed.perMinute),
    hour: windowLeft(hourWindow, allowed.perHour),
  };
}
