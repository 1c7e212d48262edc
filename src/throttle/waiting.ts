/**
 * Tries that wait for units under way where all nodes count. They look again and again, since nobody tells them of an end;
 * units of a node that is gone stay until they lapse, and are not waited for so long.
 */
import type { Clock } from '../types.ts';
import { cellOf } from './shared-counts.ts';
import type { Place } from './places.ts';

/** Tries that wait for those in flight under one counter; more are refused at once. */
export const mostWaiting = 256;

/** How soon a try looks again. */
const lookAgainMs = 25;
/** So long while none of those it waits for ends. */
const withoutAnEndMs = 3000;
/** So long in all: others may be faster each time. */
const inAllMs = 15_000;

export interface Waiter {
  /** Until it is time to look again at where it was full. `under`: by what. */
  wait(full: {
    readonly place: Place;
    readonly under: string;
  }): Promise<{ readonly kind: 'gave-up' } | { readonly kind: 'look-again' }>;
}

export function sharedQueue(clock: Clock): { join(): Waiter } {
  const waiting = new Map<string, number>();
  return {
    join: () => {
      const began = clock.monotonic();
      let unchangedSince = began;
      let seen = '';
      return {
        wait: async ({ place, under }) => {
          const now = clock.monotonic();
          const cell = cellOf(place);
          const before = waiting.get(cell) ?? 0;
          const where = `${cell} ${under}`;
          if (where !== seen) unchangedSince = now;
          seen = where;
          if (before >= mostWaiting || now - unchangedSince >= withoutAnEndMs || now - began >= inAllMs)
            return { kind: 'gave-up' };
          waiting.set(cell, before + 1);
          await new Promise((resolve) => setTimeout(resolve, lookAgainMs));
          const left = (waiting.get(cell) ?? 1) - 1;
          if (left > 0) waiting.set(cell, left);
          else waiting.delete(cell);
          return { kind: 'look-again' };
        },
      };
    },
  };
}
