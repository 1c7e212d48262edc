/** What somebody with the database file in his hands does to the audit log, and what is said about it afterwards. */
import assert from 'node:assert/strict';
import { cpSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { openKeyring, type Keyring } from '../../src/crypto/keyring.ts';
import { systemRandom } from '../../src/crypto/random.ts';
import { readRootKey } from '../../src/crypto/key-files/root-key.ts';
import { auditLog, allLines } from '../../src/record/audit-log.ts';
import { type AuditCheck, auditCheck, type Broken, type Whole } from '../../src/record/verify-audit.ts';
import { linkHash } from '../../src/store/audit-chain.ts';
import type { AuditCheckpoint, AuditRow } from '../../src/store/rows.ts';
import { openSqliteStore } from '../../src/store/sqlite/open.ts';
import type { Millis } from '../../src/types.ts';
import { temporaryFolder } from '../support/server.ts';

/** A folder of its own with the same content, changed; removed when `look` is through. */
export async function tampered<T>(
  data: string,
  change: (db: DatabaseSync, keyring: Keyring) => void,
  look: (copy: string) => Promise<T>,
): Promise<T> {
  const copy = await temporaryFolder();
  try {
    for (const name of ['sallyport.db', 'root.key', 'owner.lock']) cpSync(join(data, name), join(copy, name));
    const db = new DatabaseSync(join(copy, 'sallyport.db'));
    const key = readRootKey(join(copy, 'root.key'));
    assert.ok(key.kind === 'read');
    const rows = db.prepare('SELECT id, purpose, sealed, created_at AS createdAt FROM keys').all();
    const ring = openKeyring(rows as unknown as Parameters<typeof openKeyring>[0], key.root, systemRandom);
    assert.ok(ring.kind === 'opened');
    change(db, ring.keyring);
    db.close();
    return await look(copy);
  } finally {
    rmSync(copy, { recursive: true });
  }
}

/** As `sallyport audit verify` does it, without a process for each. */
export async function verified(
  data: string,
  given: readonly AuditCheckpoint[] = [],
  now = Date.now() as Millis,
): Promise<Broken | Whole> {
  const key = readRootKey(join(data, 'root.key'));
  assert.ok(key.kind === 'read');
  const opening = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
  assert.ok(opening.kind === 'opened');
  const { store } = opening;
  try {
    const ring = openKeyring(await store.keys(), key.root, systemRandom);
    assert.ok(ring.kind === 'opened');
    let check: AuditCheck | undefined;
    for await (const line of allLines(auditLog(store, () => ring.keyring.auditKeys()))) {
      if (line.kind === 'head') check = auditCheck(line, given, now);
      else {
        const taken = check?.take(line);
        if (taken?.kind === 'broken') return taken;
      }
    }
    assert.ok(check);
    return check.end();
  } finally {
    await store.close();
  }
}

/** Computes the chain anew from a line on, head included, as somebody who knows how it is made. */
export function rechain(db: DatabaseSync): void {
  const head = db.prepare('SELECT chain FROM audit_head').get();
  const rows = db
    .prepare('SELECT *, actor_name AS actorName FROM audit WHERE number IS NOT NULL ORDER BY number')
    .all();
  let hash = '';
  let number = Number(rows[0]?.['number'] ?? 1) - 1;
  for (const row of rows) {
    number += 1;
    hash = linkHash(String(head?.['chain']), hash, { ...(row as unknown as AuditRow), number });
    db.prepare('UPDATE audit SET number = ?, hash = ? WHERE id = ?').run(number, hash, row['id'] ?? null);
  }
  db.prepare('UPDATE audit_head SET number = ?, hash = ?').run(number, hash);
}

/** And signs every checkpoint anew, as somebody who has the root key. */
export function resign(db: DatabaseSync, keyring: Keyring): void {
  const key = keyring.auditSigner();
  const last = Number(db.prepare('SELECT number FROM audit_head').get()?.['number']);
  for (const row of db.prepare('SELECT * FROM audit_checkpoints').all()) {
    const number = Number(row['number']);
    if (number > last) {
      db.prepare('DELETE FROM audit_checkpoints WHERE number = ?').run(number);
      continue;
    }
    const hash = String(db.prepare('SELECT hash FROM audit WHERE number = ?').get(number)?.['hash']);
    const parts = [String(row['chain']), String(number), hash, String(row['at']), key.id];
    const signature = key.sign('sallyport audit checkpoint v1', parts);
    db.prepare('UPDATE audit_checkpoints SET hash = ?, key_id = ?, signature = ? WHERE number = ?').run(
      hash,
      key.id,
      signature,
      number,
    );
  }
}
