/** Looks into a data folder from outside, on a copy: the folder stays as it is, and SQLite recovers what a crash left. */
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { temporaryFolder } from './server.ts';

/** Whole, by SQLite's own word; then whatever else the test wants to see. */
export async function withCopy(data: string, look: (db: DatabaseSync) => void = () => undefined): Promise<void> {
  const copy = await temporaryFolder();
  try {
    for (const name of ['sallyport.db', 'sallyport.db-wal'])
      await cp(join(data, name), join(copy, name), { force: true }).catch((fault: NodeJS.ErrnoException) => {
        if (fault.code !== 'ENOENT') throw fault;
      });
    const db = new DatabaseSync(join(copy, 'sallyport.db'));
    assert.deepEqual({ ...db.prepare('PRAGMA integrity_check').get() }, { integrity_check: 'ok' });
    assert.deepEqual(db.prepare('PRAGMA foreign_key_check').all(), []);
    look(db);
    db.close();
  } finally {
    await rm(copy, { recursive: true });
  }
}
