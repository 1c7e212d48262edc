/**
 * Steps over the counts that all nodes share. Cells that were emptied are filled first with what this process has counted
 * and what any node has written down: whoever empties them is forgiven nothing.
 */
import type { Random } from '../crypto/random.ts';
import type { LimitRow } from '../store/rows.ts';
import type { Cells, SharedCells } from '../store/shared-cells.ts';
import type { Clock } from '../types.ts';
import { type CounterTable, sharedKey } from './counters.ts';
import { moved, type Place } from './places.ts';
import { cellOf, cellText } from './shared-counts.ts';

export interface Together {
  readonly cells: SharedCells;
  readonly random: Random;
  /** What is written down, by whichever node. */
  readonly remembered: () => Promise<readonly LimitRow[]>;
}

/** How often cells that are emptied meanwhile are filled again, before each counts for itself. */
const mostFillings = 3;

export type Step = <T>(
  places: readonly Place[],
  decide: (cells: Cells) => T,
) => Promise<{ readonly kind: 'away' } | { readonly kind: 'done'; readonly value: T }>;

export function stepping(
  together: Together | null,
  here: {
    readonly clock: Clock;
    readonly tables: readonly CounterTable[];
    readonly restore: (row: LimitRow) => void;
  },
): Step {
  if (together === null) return () => Promise.resolve({ kind: 'away' });
  const { cells, remembered } = together;
  let filling: Promise<void> | null = null;

  const fill = async (): Promise<void> => {
    for (const row of await remembered()) here.restore(row);
    await cells.fill((there) => {
      const now = here.clock.monotonic();
      return here.tables.flatMap((table) =>
        [...table.keys()]
          .filter((key) => key !== sharedKey && table.state(key).length > 0)
          .map((key) => ({
            key: cellOf({ table, key }),
            text: cellText(moved(table.rule, table.state(key), there - now)),
            lastsMs: table.rule.lastsMs(table.state(key), now),
          })),
      );
    });
  };

  return async (places, decide) => {
    const keys = places.map(cellOf);
    for (let filled = 0; filled <= mostFillings; filled += 1) {
      const outcome = await cells.step(keys, decide);
      if (outcome.kind !== 'emptied') return outcome;
      filling ??= fill().finally(() => {
        filling = null;
      });
      try {
        await filling;
      } catch {
        return { kind: 'away' };
      }
    }
    return { kind: 'away' };
  };
}
