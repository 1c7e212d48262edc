/** Looks into a data folder from outside, on a copy: the folder stays as it is, and SQLite recovers what a crash left. */
import assert from 'node:assert/strict';
import { cp, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { linkHash } from '../../src/store/audit-chain.ts';
import type { AuditRow } from '../../src/store/rows.ts';
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

/** The audit log's chain, from its first row to its head: numbered without gaps, each hash from the one before it. */
export function assertChain(db: DatabaseSync): void {
  const head = db.prepare('SELECT chain, number, hash FROM audit_head').get() ?? assert.fail('no head');
  const rows = db.prepare('SELECT *, actor_name AS actorName FROM audit ORDER BY number').all();
  let hash = '';
  for (const [at, row] of rows.entries()) {
    assert.equal(row['number'], at + 1, 'a gap in the audit log');
    hash = linkHash(String(head['chain']), hash, row as unknown as AuditRow);
    assert.equal(row['hash'], hash, `the hash of line ${at + 1}`);
  }
  assert.deepEqual([rows.length, hash], [head['number'], head['hash']], 'the head of the chain');
}
