import { storeContract } from './store-contract.ts';
import { mkdtempSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { openSqliteStore } from '../src/store/sqlite/open.ts';
storeContract('sqlite', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-store-'));
  const opened = await openSqliteStore({ path: join(folder, 'sallyport.db'), ownerPath: join(folder, 'owner.lock.db') });
  if (opened.kind !== 'opened') throw new Error(opened.detail);
  const { store } = opened;
  return { store, discard: async () => { await store.close(); rmSync(folder, { recursive: true }); } };
});
