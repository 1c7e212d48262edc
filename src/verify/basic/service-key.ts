/**
 * The service key as it is now (3-rules, Service key): one per installation, sealed in the store, the same on every node. It is
 * read again whenever the installation has changed, so that one that was replaced is dead at once.
 */
import { compareDigests, type Comparison, digest } from '../../crypto/digest.ts';
import type { ServiceKeyOpening } from '../../crypto/keyring.ts';
import type { Store } from '../../store/store.ts';
import type { MaybePromise, Secret } from '../../types.ts';
import type { KnownInstallation } from '../known/known-installation.ts';
import type { Memory } from '../known/contract.ts';

export interface ServiceKey {
  readonly id: string;
  readonly bytes: Uint8Array;
  /** As it stands in the file, and as tools show it. */
  readonly text: Secret;
  /** In constant time. */
  compare(shown: string): Comparison;
}

export interface ServiceKeys {
  /** Throws when the store cannot answer. */
  current(): MaybePromise<ServiceKey>;
}

export function serviceKeys(parts: {
  readonly memory: Pick<Memory, 'installation'>;
  readonly store: Pick<Store, 'keys'>;
  readonly open: (rows: Awaited<ReturnType<Store['keys']>>) => ServiceKeyOpening;
  /** Told of each that was not known before. */
  readonly onKey: (key: ServiceKey) => void;
}): ServiceKeys {
  let known: ServiceKey | undefined;
  /** What it was read under: another one may have another key. */
  let of: KnownInstallation | undefined;
  /** Readings that began, and the last of them that was believed. */
  let begun = 0;
  let believed = 0;

  const read = async (installation: KnownInstallation): Promise<ServiceKey> => {
    begun += 1;
    const turn = begun;
    const opened = parts.open(await parts.store.keys());
    // One that began later has seen what this one may have missed.
    if (turn < believed && known !== undefined) return known;
    if (opened.kind === 'damaged') throw new Error(`Cannot open the service key: ${opened.why}`);
    const key = opened.id === known?.id ? known : serviceKeyOf(opened.id, opened.bytes);
    believed = turn;
    of = installation;
    if (key === known) return key;
    known = key;
    parts.onKey(key);
    return key;
  };

  const under = (installation: KnownInstallation): MaybePromise<ServiceKey> =>
    known !== undefined && installation === of ? known : read(installation);

  return {
    current: () => {
      const installation = parts.memory.installation();
      return installation instanceof Promise ? installation.then(under) : under(installation);
    },
  };
}

export function serviceKeyText(bytes: Uint8Array): Secret {
  return Buffer.from(bytes).toString('base64url') as Secret;
}

function serviceKeyOf(id: string, bytes: Uint8Array): ServiceKey {
  const text = serviceKeyText(bytes);
  const own = digest(text);
  return { id, bytes, text, compare: (shown) => compareDigests(digest(shown), own) };
}
