/** The store of an installation whose server does not run, for commands that work without it. */
import { existsSync } from 'node:fs';
import type { Settings } from '../config/schema.ts';
import { systemRandom } from '../crypto/random.ts';
import { findRootKey, readRootKey, rootKeysAt } from '../crypto/key-files/root-key.ts';
import { livingKeyring, type LivingKeyring } from '../crypto/ring/living-keyring.ts';
import type { Log } from '../record/recorder.ts';
import { systemClock } from '../setup.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Store } from '../store/store.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';
import { databaseFileOf, openStore } from './open-store.ts';

export type StoppedStore =
  | { readonly kind: 'unreadable'; readonly code: ExitCode; readonly why: string }
  /** Whoever opened it closes it. */
  | {
      readonly kind: 'open';
      readonly store: Store;
      readonly keyring: LivingKeyring;
      readonly cells: SharedCells | undefined;
    };

/** A folder without a database is not made into one. */
export async function openStoppedStore(settings: Settings): Promise<StoppedStore> {
  if (settings.database === null && !existsSync(databaseFileOf(settings)))
    return { kind: 'unreadable', code: exitCodes.unavailable, why: `there is no database in ${settings.data}.` };
  const key = readRootKey(settings.rootKeyFile);
  if (key.kind !== 'read') {
    const why =
      key.kind === 'absent'
        ? `the root key ${settings.rootKeyFile} is missing: nothing in the database can be believed without it.`
        : `the root key ${settings.rootKeyFile} cannot be used: ${key.why}.`;
    return { kind: 'unreadable', code: exitCodes.fault, why };
  }
  const opening = await openStore({ settings, log: silent, as: 'command' });
  if (opening.kind === 'refused') return { kind: 'unreadable', code: opening.code, why: opening.why };
  const { store, cells } = opening;
  const of = await store.installation();
  const found = of.kind === 'empty' ? key : findRootKey(settings.rootKeyFile, of.installation);
  const ring = livingKeyring({
    rows: await store.keys(),
    root: found.kind === 'read' ? found.root : key.root,
    read: () => store.keys(),
    roots: () => rootKeysAt(settings.rootKeyFile),
    clock: systemClock,
    random: systemRandom,
    onStanding: () => undefined,
  });
  if (ring.kind === 'damaged') {
    await store.close();
    return { kind: 'unreadable', code: exitCodes.fault, why: `the key ring is damaged: ${ring.why}.` };
  }
  return { kind: 'open', store, keyring: ring.keyring, cells };
}

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };
