/** The store of an installation whose server does not run, for commands that work without it. */
import { existsSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { type Keyring, openKeyring } from '../crypto/keyring.ts';
import { systemRandom } from '../crypto/random.ts';
import { readRootKey } from '../crypto/root-key.ts';
import { checkBeforeOpening } from '../open-installation.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export type StoppedStore =
  | { readonly kind: 'unreadable'; readonly code: ExitCode; readonly why: string }
  /** Whoever opened it closes it. */
  | { readonly kind: 'open'; readonly store: Store; readonly keyring: Keyring };

/** A folder without a database is not made into one. */
export async function openStoppedStore(settings: Settings): Promise<StoppedStore> {
  const path = join(settings.data, 'sallyport.db');
  if (!existsSync(path))
    return { kind: 'unreadable', code: exitCodes.unavailable, why: `there is no database in ${settings.data}.` };
  const fit = checkBeforeOpening({ databaseFile: path, rootKeyFile: settings.rootKeyFile });
  if (fit.kind === 'refused') return { kind: 'unreadable', code: exitCodes.fault, why: fit.why };
  const key = readRootKey(settings.rootKeyFile);
  if (key.kind !== 'read') {
    const why = `the root key ${settings.rootKeyFile} is missing: nothing in the database can be believed without it.`;
    return { kind: 'unreadable', code: exitCodes.fault, why };
  }
  const opening = await openSqliteStore({ path, ownerPath: join(settings.data, 'owner.lock') });
  if (opening.kind !== 'opened') {
    const code = opening.kind === 'locked' ? exitCodes.unavailable : exitCodes.fault;
    return { kind: 'unreadable', code, why: opening.detail };
  }
  const { store } = opening;
  const ring = openKeyring(await store.keys(), key.root, systemRandom);
  if (ring.kind === 'damaged') {
    await store.close();
    return { kind: 'unreadable', code: exitCodes.fault, why: `the key ring is damaged: ${ring.why}.` };
  }
  return { kind: 'open', store, keyring: ring.keyring };
}
