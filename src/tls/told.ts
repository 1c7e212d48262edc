/** Writes down what happened to certificates by itself, in the order it did; what cannot be written waits. */
import type { Recorder } from '../record/recorder.ts';
import { oneAtATime } from '../store/one-at-a-time.ts';
import type { Store } from '../store/store.ts';
import type { Certificates } from './contract.ts';

export function certificatesTold(parts: {
  readonly certificates: Pick<Certificates, 'untold'>;
  readonly store: Pick<Store, 'appendAudit'>;
  readonly recorder: Pick<Recorder, 'event'>;
}): () => Promise<void> {
  const { certificates, store, recorder } = parts;
  return oneAtATime(async () => {
    for (;;) {
      const [next] = certificates.untold;
      if (next === undefined) return;
      const { event, fingerprint, result } = next;
      await store.appendAudit(
        recorder.event({
          event,
          actor: '',
          address: '',
          way: 'none',
          target: fingerprint,
          ...(result === '' ? {} : { result }),
        }),
      );
      // The oldest may have given way meanwhile.
      if (certificates.untold[0] === next) certificates.untold.shift();
    }
  });
}
