/**
 * Counts that all nodes share: the same rules as in one process, over cells. A unit that is never settled, since its node
 * is gone, counts as a failure once it can no longer be under way.
 */
import { digest } from '../crypto/digest.ts';
import type { Cells } from '../store/shared-cells.ts';
import { nameOf, type Place } from './places.ts';
import { type CounterState, mergedStates } from './rules.ts';

interface Unit {
  readonly name: string;
  readonly lapsesAt: number;
}

interface Count {
  readonly state: CounterState;
  readonly units: readonly Unit[];
}

/** Longer than any try takes, its time in the queue included. */
const underWayMs = 60_000;

/** Made of a fixed length and alphabet, whatever it is about. */
export function cellOf(place: Place): string {
  return digest(nameOf(place));
}

function read(cells: Cells, place: Place): Count {
  const text = cells.get(cellOf(place));
  if (text === '') return { state: [], units: [] };
  const { state, units } = JSON.parse(text) as Count;
  const { rule } = place.table;
  return {
    state: units
      .filter(({ lapsesAt }) => lapsesAt <= cells.now)
      .reduce((failed: CounterState, { lapsesAt }) => rule.fail(failed, lapsesAt), state),
    units: units.filter(({ lapsesAt }) => lapsesAt > cells.now),
  };
}

function write(cells: Cells, place: Place, { state, units }: Count): void {
  const lasts = Math.max(
    place.table.rule.lastsMs(state, cells.now),
    ...units.map(({ lapsesAt }) => lapsesAt - cells.now + underWayMs),
  );
  cells.put(cellOf(place), JSON.stringify({ state, units }), lasts);
}

/** Milliseconds until a try is let through; 0 when one is now. */
export function blockedMs(cells: Cells, places: readonly Place[]): number {
  return Math.max(0, ...places.map((place) => place.table.rule.blockedMs(read(cells, place).state, cells.now)));
}

export type SharedTaking =
  | { readonly kind: 'blocked'; readonly ms: number }
  /** Only units under way fill it. `under`: which they are. */
  | { readonly kind: 'full'; readonly place: Place; readonly under: string }
  | { readonly kind: 'taken' };

export function take(cells: Cells, places: readonly Place[], unit: string): SharedTaking {
  const ms = blockedMs(cells, places);
  if (ms > 0) return { kind: 'blocked', ms };
  const counts = places.map((place) => ({ place, count: read(cells, place) }));
  const full = counts.find(({ place, count }) => count.units.length >= place.table.rule.room(count.state, cells.now));
  if (full !== undefined)
    return { kind: 'full', place: full.place, under: full.count.units.map(({ name }) => name).join(' ') };
  for (const { place, count } of counts)
    write(cells, place, {
      state: count.state,
      units: [...count.units, { name: unit, lapsesAt: cells.now + underWayMs }],
    });
  return { kind: 'taken' };
}

/** Gives what each place holds from then on, by the cells' clock. */
export function settle(
  cells: Cells,
  places: readonly Place[],
  unit: string,
  outcomeAt: (place: Place) => 'failed' | 'given-back' | 'cleared',
): { readonly now: number; readonly states: readonly CounterState[] } {
  const states = places.map((place) => {
    const count = read(cells, place);
    const outcome = outcomeAt(place);
    const cleared = outcome === 'cleared' ? [] : count.state;
    const state = outcome === 'failed' ? place.table.rule.fail(count.state, cells.now) : cleared;
    write(cells, place, { state, units: count.units.filter(({ name }) => name !== unit) });
    return state;
  });
  return { now: cells.now, states };
}

/** What is known of that place elsewhere, by the cells' clock: from then on the cell knows it as well. */
export function bring(cells: Cells, place: Place, known: CounterState): void {
  const { state, units } = read(cells, place);
  const together = mergedStates(place.table.rule, state, known, cells.now);
  if (together.length !== state.length || together.some((value, at) => value !== state[at]))
    write(cells, place, { state: together, units });
}

/** It had to give way to another at one node; where it is blocked, or tried at, by what all nodes count, it stays. */
export function giveWay(cells: Cells, place: Place): 'stays' | 'gone' {
  const { state, units } = read(cells, place);
  if (units.length > 0 || place.table.rule.blockedMs(state, cells.now) > 0) return 'stays';
  cells.put(cellOf(place), '', 0);
  return 'gone';
}
