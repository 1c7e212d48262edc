/** What this process knows of the installation: its setup state, and the boot that is under way. */
import type { Installation } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { MaybePromise, Seq } from '../../types.ts';

export type KnownInstallation = Pick<Installation, 'state' | 'bootId'>;

export interface InstallationMemory {
  /** As of the last read of changes; throws when the store cannot be read. */
  readonly now: () => MaybePromise<KnownInstallation>;
  /** As it was read last. */
  last(): KnownInstallation;
  /** It changed with that number: what was read before is not believed. */
  changed(seq: Seq): void;
  /** Whatever was known, or is being read, may be another database's. */
  lost(seq: Seq): void;
}

export function installationMemory(
  store: Pick<Store, 'installation'>,
  first: KnownInstallation,
  from: Seq,
  /** Told of the number that each read stood at: the counter had come that far. */
  onSeen: (seq: Seq) => void,
): InstallationMemory {
  let known = first;
  let is: 'current' | 'changed' = 'current';
  let changedAt = from;
  let era = 0;

  const read = async (): Promise<KnownInstallation> => {
    const of = era;
    const found = await store.installation();
    if (found.kind === 'empty') throw new Error('Cannot read the setup state: the installation is gone from the store');
    const { state, bootId } = found.installation;
    if (of === era) onSeen(found.seq);
    const now = { state, bootId };
    if (of === era && found.seq >= changedAt) {
      known = now;
      is = 'current';
    }
    return now;
  };

  return {
    now: () => (is === 'current' ? known : read()),
    last: () => known,
    changed: (seq) => {
      is = 'changed';
      if (seq > changedAt) changedAt = seq;
    },
    lost: (seq) => {
      is = 'changed';
      changedAt = seq;
      era += 1;
    },
  };
}
