/** The store of an installation whose server does not run, for commands that work without it. */
import { lstatSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import type { Store } from '../store/store.ts';
import { type ExitCode, exitCodes } from './exit-codes.ts';

export type Used =
  | { readonly kind: 'refused'; readonly code: ExitCode; readonly why: string }
  | { readonly kind: 'used'; readonly code: ExitCode };

/** Opens the store, hands it over, and closes it again. A folder without a database is not made into one. */
export async function useStoppedStore(settings: Settings, use: (store: Store) => Promise<ExitCode>): Promise<Used> {
  const path = join(settings.data, 'sallyport.db');
  if (lstatSync(path, { throwIfNoEntry: false }) === undefined)
    return { kind: 'refused', code: exitCodes.unavailable, why: `there is no installation in ${settings.data}.` };
  const opened = await openSqliteStore({ path, ownerPath: join(settings.data, 'owner.lock') });
  if (opened.kind !== 'opened') {
    const code = opened.kind === 'locked' ? exitCodes.unavailable : exitCodes.fault;
    return { kind: 'refused', code, why: opened.detail };
  }
  try {
    return { kind: 'used', code: await use(opened.store) };
  } finally {
    await opened.store.close();
  }
}
