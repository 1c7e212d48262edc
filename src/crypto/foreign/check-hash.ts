/**
 * Checks of hashes that others made (3-rules, Passwords): one at a time, because one may need more memory than a slot of
 * the hash queue stands for, and still each in such a slot, because it takes a core. Who comes next is the queue's rule.
 */
import type { Clock } from '../../types.ts';
import { type HashQueue, hashQueue, type HashTurn } from '../hash-queue.ts';
import type { ForeignHash } from './foreign-hash.ts';
import { type HashThread, hashThread } from './hash-thread.ts';

export type ForeignCheck =
  | { readonly kind: 'busy' }
  | { readonly kind: 'match' }
  | { readonly kind: 'mismatch' }
  /** Stopped after 2 s: nobody knows whether it would have matched. */
  | { readonly kind: 'too-slow' };

export interface ForeignHashes {
  readonly check: (hash: ForeignHash, password: string, turn: HashTurn) => Promise<ForeignCheck>;
  readonly stop: () => void;
}

export function foreignHashes(parts: {
  readonly queue: HashQueue;
  readonly places: number;
  readonly clock: Pick<Clock, 'monotonic'>;
  /** Another one only in tests. */
  readonly thread?: HashThread;
}): ForeignHashes {
  const { queue, places, clock, thread = hashThread() } = parts;
  const oneAtATime = { places, memoryBytes: 1, bytesPerHash: 1, cores: 1 };
  const line = hashQueue(oneAtATime, () => 'idle', clock);

  return {
    check: async (hash, password, turn) => {
      const first = await line.run(turn, async () => {
        // A thread that was ended in the middle is waited for without a slot: others hash meanwhile.
        await thread.idle();
        return queue.run(turn, () => thread.ask({ hash, password }));
      });
      if (first.kind === 'busy') return first;
      if (first.value.kind === 'busy') return first.value;
      const answer = first.value.value;
      // The server ends: whoever asks again asks another one.
      return answer.kind === 'stopped' ? { kind: 'busy' } : answer;
    },
    stop: () => thread.stop(),
  };
}
