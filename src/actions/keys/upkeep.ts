/**
 * The key ring keeps itself up: rows are read again when they changed, the next key is published before the last one is too
 * old, keys that nothing lives under go, and sealed values follow (3-rules, Keys). Every node does this; of several one is
 * faster, and the others find it done.
 */
import type { LivingKeyring, RingStanding } from '../../crypto/ring/living-keyring.ts';
import type { Log, Recorder } from '../../record/recorder.ts';
import { oneAtATime } from '../../store/one-at-a-time.ts';
import { type Store, StoreFault } from '../../store/store.ts';
import type { Clock, MaybePromise } from '../../types.ts';
import { dueAt } from './ages.ts';
import { byServer } from './by-server.ts';
import { resealing } from './reseal.ts';
import { keyName, nextKey } from './rotate.ts';

export interface KeyUpkeep {
  /** Called every second, and when the installation has changed. Throws when the store cannot be reached. */
  readonly keepUp: () => Promise<void>;
}

export interface KeyUpkeepParts {
  readonly store: Pick<Store, 'addKey' | 'removeKey' | 'sealedElsewhere' | 'reseal'>;
  /** Another object each time the installation has changed. */
  readonly memory: { readonly installation: () => MaybePromise<object> };
  /** The file of the service key follows. */
  readonly keepFile: () => Promise<unknown>;
  readonly keyring: LivingKeyring;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
  readonly log: Log;
}

const lookEveryMs = 60_000;

export function keyUpkeep(parts: KeyUpkeepParts): KeyUpkeep {
  const { store, keyring, recorder, clock } = parts;
  const values = resealing(parts);
  let of: object | undefined;
  let lookedAt = Number.NEGATIVE_INFINITY;

  const readAgain = async (): Promise<void> => {
    const now = await parts.memory.installation();
    if (now === of && keyring.standing().kind === 'whole') return;
    await keyring.refresh();
    of = now;
  };

  const look = async (): Promise<void> => {
    const { add, remove } = dueAt(keyring.rows(), clock.now());
    for (const purpose of add) await nextKey(parts, purpose, 'published', byServer);
    for (const row of remove) {
      const audit = recorder.event({ event: 'key-removed', ...byServer, target: keyName(row) });
      if ((await store.removeKey({ id: row.id, audit })).kind === 'removed') await keyring.refresh();
    }
  };

  return {
    keepUp: oneAtATime(async () => {
      await readAgain();
      if (keyring.standing().kind === 'unopened') return;
      await parts.keepFile();
      try {
        await values.step();
        const now = clock.monotonic();
        if (now - lookedAt < lookEveryMs) return;
        await look();
        lookedAt = now;
      } catch (fault) {
        // Whoever reads the store is told that it cannot be reached; it is tried again.
        if (!(fault instanceof StoreFault)) throw fault;
      }
    }),
  };
}

/** Once each time: the node goes on with what it has, and somebody has to put the key there. */
export function ringTold(path: string, log: Log): (standing: RingStanding) => void {
  return (standing) => {
    if (standing.kind === 'whole') log.info({ path }, 'the root key fits again');
    else
      log.error(
        { path, why: standing.why },
        'the root key was replaced: copy its file from the node where that was done. Until then this node goes on with the keys it has, and would not start again',
      );
  };
}
