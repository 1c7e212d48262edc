/**
 * Step 2 for those who already hold something of ours, a known device or a living session: a budget of their own, so
 * that strangers on the same network cannot use it up (3-rules, Guessing). Ten wrong ones an hour.
 */
import type { Clock } from '../types.ts';
import { holderFailuresPerHour, hourMs, mostNetworks } from './limits.ts';
import type { Taking } from './network-limiter.ts';

export interface HolderLimiter {
  /** `holder` names the device or session, never its secret. */
  take(holder: string): Taking;
}

interface Budget {
  /** Failures and units in flight. */
  spent: number;
  ends: number;
}

export function holderLimiter(clock: Clock): HolderLimiter {
  const budgets = new Map<string, Budget>();

  const budgetOf = (holder: string, now: number): Budget => {
    const known = budgets.get(holder);
    if (known && now < known.ends) return known;
    const fresh = { spent: 0, ends: now + hourMs };
    budgets.delete(holder);
    budgets.set(holder, fresh);
    for (const oldest of budgets.keys()) {
      if (budgets.size <= mostNetworks) break;
      budgets.delete(oldest);
    }
    return fresh;
  };

  return {
    take: (holder) => {
      const now = clock.monotonic();
      const budget = budgetOf(holder, now);
      if (budget.spent >= holderFailuresPerHour) {
        return { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil((budget.ends - now) / 1000)) };
      }
      budget.spent += 1;
      return {
        kind: 'taken',
        settle: (result) => {
          if (result === 'given-back') budget.spent -= 1;
        },
      };
    },
  };
}
