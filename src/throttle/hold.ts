/**
 * Refusals of passwords and codes leave at a whole second after arrival, so that their time tells nothing
 * (3-rules, Guessing). A bounded number is held; beyond it callers refuse at once.
 */
import type { Clock } from '../types.ts';

export interface Hold {
  untilWholeSecond(arrivedAt: number): Promise<{ readonly kind: 'crowded' } | { readonly kind: 'held' }>;
}

const mostHeld = 512;

/** `wait` resolves after that many milliseconds; passed in with the clock. */
export function hold(clock: Clock, wait: (ms: number) => Promise<void>): Hold {
  let held = 0;
  return {
    untilWholeSecond: async (arrivedAt) => {
      if (held >= mostHeld) return { kind: 'crowded' };
      held += 1;
      try {
        const spent = Math.max(0, clock.monotonic() - arrivedAt);
        await wait(Math.max(1, Math.ceil(spent / 1000)) * 1000 - spent);
        return { kind: 'held' };
      } finally {
        held -= 1;
      }
    },
  };
}
