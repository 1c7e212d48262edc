/**
 * Tells the store of every request under way that somebody is still at it (3-rules, Idempotency). One timer of this process,
 * which runs only while there is something to tell, and keeps nobody from ending.
 */
import type { Log } from '../../record/recorder.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis } from '../../types.ts';

/** How long whoever is at it is taken for alive without a word. */
export const leaseMs = 15_000;
const renewEveryMs = 5000;

export interface Leases {
  /** From now on that holder is at something. */
  hold(holder: string): void;
  /** Whatever came of it: nothing of it is renewed any more. */
  letGo(holder: string): void;
}

export function leases(parts: {
  readonly store: Pick<Store, 'renewIdempotent'>;
  readonly clock: Clock;
  readonly log: Log;
}): Leases {
  const { store, clock, log } = parts;
  const held = new Set<string>();
  let timer: NodeJS.Timeout | undefined;

  const renew = (): void => {
    const at = clock.now();
    const leaseUntil = (at + leaseMs) as Millis;
    for (const holder of held)
      void store.renewIdempotent({ holder, at, leaseUntil }).catch((fault: unknown) => {
        log.warn({ err: fault }, 'an idempotent request under way could not be renewed');
      });
  };

  return {
    hold: (holder) => {
      held.add(holder);
      timer ??= setInterval(renew, renewEveryMs).unref();
    },
    letGo: (holder) => {
      held.delete(holder);
      if (held.size > 0) return;
      clearInterval(timer);
      timer = undefined;
    },
  };
}
