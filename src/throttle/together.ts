/**
 * Steps over the counts that all nodes share. What this process knows is brought there first whenever they are reached
 * anew, and again when it had to count for itself: whoever empties them, or cuts a node off, is forgiven nothing, and
 * what was lifted meanwhile stays lifted.
 */
import type { Random } from '../crypto/random.ts';
import type { LimitRow } from '../store/rows.ts';
import type { CellGroup, Cells, SharedCells } from '../store/shared-cells.ts';
import type { Clock } from '../types.ts';
import { sharedKey } from './counters.ts';
import { moved, nameOf, type Place, type Places, stateOf } from './places.ts';
import { type CounterState, mergedStates } from './rules.ts';
import { bring, cellOf } from './shared-counts.ts';

export interface Together {
  readonly cells: SharedCells;
  readonly random: Random;
  /** What is written down, by whichever node. */
  readonly remembered: () => Promise<readonly LimitRow[]>;
}

/** How often a step is tried again over cells that are begun anew meanwhile, before each counts for itself. */
const mostFillings = 3;
/** How long tries wait for a filling, all of them together; then they are counted here and brought there behind it. */
const patienceMs = 1000;
/** Until a filling that failed is tried again, unless the cells are reached anew. */
const restMs = 1000;
/** Places brought, or emptied, at once. */
const mostAtOnce = 256;
/** Places noted that are to be emptied; beyond them everything there is begun anew. */
const mostEnded = 4096;
/** Places noted that were counted here alone; beyond them the oldest waits for the next whole filling. */
const mostOwed = 65_536;

export interface Steps {
  readonly step: <T>(
    places: readonly Place[],
    decide: (cells: Cells) => T,
  ) => Promise<{ readonly kind: 'away' } | { readonly kind: 'done'; readonly value: T }>;
  /** These had to be counted here alone. */
  readonly countedHere: (places: readonly Place[]) => void;
  /** A success ended these here alone. */
  readonly endedHere: (places: readonly Place[]) => void;
  /** An operator ended these: they are emptied there now, or before anything else once that can be done. */
  readonly lift: (places: readonly Place[]) => Promise<void>;
}

const alone: Steps = {
  step: () => Promise.resolve({ kind: 'away' }),
  countedHere: () => undefined,
  endedHere: () => undefined,
  lift: () => Promise.resolve(),
};

export function stepping(
  together: Together | null,
  here: { readonly clock: Clock; readonly places: Places; readonly restore: (row: LimitRow) => void },
): Steps {
  if (together === null) return alone;
  const { cells, remembered } = together;
  const { clock, places } = here;
  const owed = new Map<string, Place>();
  const ended = new Map<string, Place>();
  let everything: 'ended' | 'kept' = 'kept';
  /** What was written down as the filling under way began: this process may have no room for all of it. */
  const written = new Map<string, { readonly place: Place; readonly state: CounterState }>();
  let catchingUp: { readonly done: Promise<void>; readonly late: Promise<void> } | null = null;
  let restUntil = 0;

  const isOwed = (): 'nothing' | 'something' =>
    owed.size + ended.size === 0 && everything === 'kept' ? 'nothing' : 'something';

  /** As they are known here when it is their turn. */
  const groupOf = (some: readonly Place[]): CellGroup => ({
    keys: some.map(cellOf),
    decide: (there) => {
      const now = clock.monotonic();
      for (const place of some) {
        const { table, key } = place;
        const known = mergedStates(table.rule, table.state(key), written.get(nameOf(place))?.state ?? [], now);
        if (known.length > 0) bring(there, place, moved(table.rule, known, there.now - now));
      }
    },
  });

  function* groupsOf(all: readonly Place[]): Generator<CellGroup> {
    for (let at = 0; at < all.length; at += mostAtOnce) yield groupOf(all.slice(at, at + mostAtOnce));
  }

  const drop = async (gone: readonly Place[]): Promise<void> => {
    for (let at = 0; at < gone.length; at += mostAtOnce)
      if ((await cells.drop(gone.slice(at, at + mostAtOnce).map(cellOf))).kind === 'away')
        throw new Error('Cannot empty shared cells: they are away');
  };

  const fillAll = async (counted: ReadonlyMap<string, Place>, over: 'what-is-there' | 'nothing'): Promise<void> => {
    const rows = await remembered();
    const now = clock.monotonic();
    // What a success ended at another node is known here still: of those what is written down counts.
    for (const table of places.endedBySuccess)
      for (const key of table.keys()) {
        const name = nameOf({ table, key });
        if (!counted.has(name) && !owed.has(name)) table.clear(key, now);
      }
    for (const row of rows) {
      const place = places.named(row.key);
      const state = place && stateOf(place.table.rule, row, clock.now(), now);
      if (place === undefined || state === undefined) continue;
      here.restore(row);
      written.set(row.key, { place, state });
    }
    const all = new Map<string, Place>([...written].map(([name, { place }]) => [name, place]));
    for (const table of places.tables)
      for (const key of table.keys()) if (key !== sharedKey) all.set(nameOf({ table, key }), { table, key });
    await cells.fill(over, groupsOf([...all.values()]));
  };

  const catchUp = async (): Promise<void> => {
    const counted = new Map(owed);
    const gone = new Map(ended);
    const begunAnew = everything;
    owed.clear();
    ended.clear();
    everything = 'kept';
    try {
      await drop([...gone.values()]);
      gone.clear();
      const standing = begunAnew === 'ended' ? { kind: 'unfilled' } : await cells.step([], () => undefined);
      if (standing.kind === 'away') throw new Error('Cannot count together: it is away');
      if (standing.kind === 'unfilled') await fillAll(counted, begunAnew === 'ended' ? 'nothing' : 'what-is-there');
      else
        for (const { keys, decide } of groupsOf([...counted.values()]))
          if ((await cells.step(keys, decide)).kind !== 'done')
            throw new Error('Cannot count together: it was emptied');
    } catch (fault) {
      // Still to be done.
      for (const [name, place] of counted) owed.set(name, place);
      for (const [name, place] of gone) ended.set(name, place);
      if (begunAnew === 'ended') everything = 'ended';
      restUntil = clock.monotonic() + restMs;
      throw fault;
    } finally {
      written.clear();
    }
  };

  /** One at a time; whoever waits for it waits for a bounded time, whenever it came. */
  const begin = (): NonNullable<typeof catchingUp> => {
    const { promise: late, resolve } = Promise.withResolvers<void>();
    const timer = setTimeout(resolve, patienceMs);
    // Whether it was done shows the next step.
    const done = catchUp()
      .catch(() => undefined)
      .finally(() => {
        clearTimeout(timer);
        catchingUp = null;
      });
    catchingUp = { done, late };
    return catchingUp;
  };

  cells.onReached(() => {
    restUntil = 0;
    // What is under way was begun over another connection.
    void (catchingUp?.done ?? Promise.resolve()).then(() => catchingUp ?? begin());
  });

  const endLater = (some: readonly Place[], beyond: 'everything' | 'nothing'): void => {
    for (const place of some) {
      if (ended.size < mostEnded) ended.set(nameOf(place), place);
      else if (beyond === 'everything') everything = 'ended';
    }
  };

  const forgetWritten = (some: readonly Place[]): void => some.forEach((place) => written.delete(nameOf(place)));

  return {
    step: async (some, decide) => {
      const keys = some.map(cellOf);
      for (let filled = 0; filled <= mostFillings; filled += 1) {
        if (cells.standing().kind === 'away') return { kind: 'away' };
        if (isOwed() === 'nothing' && catchingUp === null) {
          const outcome = await cells.step(keys, decide);
          if (outcome.kind !== 'unfilled') return outcome;
        }
        if (catchingUp === null && clock.monotonic() < restUntil) return { kind: 'away' };
        const { done, late } = catchingUp ?? begin();
        const waited = await Promise.race([done.then(() => 'done'), late.then(() => 'late')]);
        if (waited === 'late') return { kind: 'away' };
      }
      return { kind: 'away' };
    },

    countedHere: (some) => {
      for (const place of some) {
        const [oldest] = owed.size >= mostOwed ? owed.keys() : [];
        if (oldest !== undefined) owed.delete(oldest);
        if (place.key !== sharedKey) owed.set(nameOf(place), place);
      }
    },

    endedHere: (some) => {
      forgetWritten(some);
      endLater(some, 'nothing');
    },

    lift: async (some) => {
      forgetWritten(some);
      try {
        await drop(some);
      } catch {
        endLater(some, 'everything');
      }
    },
  };
}
