/** So much of something per stretch of time and key, counted by this node alone: for what is left undone in silence. */
import type { Clock } from '../types.ts';
import { counterTable } from './counters.ts';
import { budget } from './rules.ts';

export interface OwnBudget {
  /** Counts one more. */
  spend(key: string): 'over' | 'within';
}

export function ownBudget(
  clock: Clock,
  name: string,
  limit: { readonly most: number; readonly ms: number; readonly remembered: number },
): OwnBudget {
  const table = counterTable({ name, rule: budget(limit), most: limit.remembered });
  return {
    spend: (wanted) => {
      const now = clock.monotonic();
      const key = table.resolve(wanted, now);
      if (table.rule.blockedMs(table.state(key), now) > 0) return 'over';
      table.begin(key, now);
      table.end(key, 'failed', now);
      return 'within';
    },
  };
}
