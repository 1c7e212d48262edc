/** The service key, and its file for tools of this machine, which follows it: also when another node has put another in its place. */
import type { Keyring } from '../crypto/keyring.ts';
import type { Random } from '../crypto/random.ts';
import {
  keepServiceKeyFile,
  type Keeping,
  sweepServiceKeyFile,
  unusableServiceKeyFile,
} from '../crypto/key-files/service-key-file.ts';
import type { Log } from '../record/recorder.ts';
import type { Store } from '../store/store.ts';
import { type ServiceKeys, serviceKeys } from '../verify/basic/service-key.ts';
import type { Memory } from '../verify/known/contract.ts';

export type ServiceKeysOpening =
  | { readonly kind: 'refused'; readonly why: string }
  | {
      readonly kind: 'opened';
      readonly keys: ServiceKeys;
      /** The file holds the key as it is now, or it is told why not; one that could not be written is tried again. */
      readonly keep: () => Promise<Keeping>;
    };

/** The file holds the key before anybody is answered; one that cannot be trusted refuses the start. */
export async function openServiceKeys(parts: {
  readonly path: string;
  readonly memory: Pick<Memory, 'installation'>;
  readonly store: Pick<Store, 'keys'>;
  readonly keyring: Keyring;
  readonly random: Random;
  readonly log: Log;
}): Promise<ServiceKeysOpening> {
  const { path, memory, store, keyring, random, log } = parts;
  let kept: Keeping = { kind: 'kept' };
  const write = (text: string): Keeping => {
    const before = kept;
    kept = keepServiceKeyFile(path, text, random);
    // Tried again every second, and told once.
    if (kept.kind === 'unusable' && (before.kind === 'kept' || before.why !== kept.why))
      log.error({ path, why: kept.why }, 'the file does not hold the service key');
    return kept;
  };
  const keys = serviceKeys({
    memory,
    store,
    open: (rows) => keyring.serviceKey(rows),
    onKey: ({ text }) => void write(text),
  });
  const keep = async (): Promise<Keeping> => {
    const { text } = await keys.current();
    return kept.kind === 'kept' ? kept : write(text);
  };
  const first = await keep();
  if (first.kind === 'unusable') return { kind: 'refused', why: unusableServiceKeyFile(path, first.why) };
  sweepServiceKeyFile(path);
  return { kind: 'opened', keys, keep };
}
