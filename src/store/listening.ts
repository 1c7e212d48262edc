/** Whoever is told of changes before the operation that made them resolves. */
import type { Change } from './rows.ts';

export interface Listening {
  readonly listener: (changes: readonly Change[]) => void;
}

/** A listener that fails may have kept what is no longer true: that ends the process, and does not keep the others from hearing. */
export function tell(listeners: ReadonlySet<Listening>, changes: readonly Change[]): void {
  for (const { listener } of listeners) {
    try {
      listener(changes);
    } catch (fault) {
      queueMicrotask(() => {
        throw fault;
      });
    }
  }
}
