/** How many ask a directory at once, and how long others wait: a directory that hangs takes no more than that of ours. */

export type Turn =
  | { readonly kind: 'crowded' }
  | { readonly kind: 'turn'; /** Once, when it is over. */ readonly end: () => void };

interface Waiter {
  readonly begin: () => void;
  readonly timer: NodeJS.Timeout;
}

export function turns(limits: {
  readonly atOnce: number;
  readonly waiting: number;
  readonly waitMs: number;
}): () => Promise<Turn> {
  const queue = new Set<Waiter>();
  let running = 0;
  const turn: Turn = {
    kind: 'turn',
    end: () => {
      running -= 1;
      const [next] = queue;
      if (next === undefined) return;
      queue.delete(next);
      clearTimeout(next.timer);
      next.begin();
    },
  };
  return () => {
    if (running < limits.atOnce) {
      running += 1;
      return Promise.resolve(turn);
    }
    if (queue.size >= limits.waiting) return Promise.resolve({ kind: 'crowded' });
    return new Promise((resolve) => {
      const waiter: Waiter = {
        begin: () => {
          running += 1;
          resolve(turn);
        },
        timer: setTimeout(() => {
          queue.delete(waiter);
          resolve({ kind: 'crowded' });
        }, limits.waitMs),
      };
      queue.add(waiter);
    });
  };
}
