/** Keys of the ring, and what is sealed under them (3-rules, Keys). One thread writes: whatever is looked at stays so. */
import type { DatabaseSync } from 'node:sqlite';
import type { KeyRow } from '../../crypto/keyring.ts';
import { sealPrefix } from '../../crypto/seal.ts';
import type { UserId } from '../../types.ts';
import { judgeKeys, valuesElsewhere } from '../sealed-values.ts';
import type { KeyUse, SealedKey, Store } from '../store.ts';
import type { Records } from './records.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function keyInsertion(db: DatabaseSync): (key: KeyRow) => void {
  const insert = db.prepare('INSERT INTO keys (id, purpose, sealed, created_at, used_from) VALUES (?, ?, ?, ?, ?)');
  return ({ id, purpose, sealed, createdAt, usedFrom }) => void insert.run(id, purpose, sealed, createdAt, usedFrom);
}

export function keyWrites(db: DatabaseSync, noting: Records) {
  const insert = keyInsertion(db);
  const newest = db.prepare('SELECT id, sealed FROM keys WHERE purpose = ? ORDER BY created_at DESC, id DESC LIMIT 1');
  const keysFor = db.prepare('SELECT id, sealed FROM keys WHERE purpose = ?');
  const purposeOf = db.prepare('SELECT purpose FROM keys WHERE id = ?');
  const all = db.prepare('SELECT id, sealed FROM keys');
  const dropKeys = db.prepare('DELETE FROM keys WHERE purpose = ?');
  const dropKey = db.prepare('DELETE FROM keys WHERE id = ?');
  const sealedUnder = [
    db.prepare('SELECT 1 FROM users WHERE substr(sealed_password, 1, ?) = ? LIMIT 1'),
    db.prepare('SELECT 1 FROM users WHERE substr(sealed_totp, 1, ?) = ? LIMIT 1'),
    db.prepare('SELECT 1 FROM enrolments WHERE substr(sealed_totp, 1, ?) = ? LIMIT 1'),
  ];
  const signedBy = db.prepare('SELECT 1 FROM audit_checkpoints WHERE key_id = ? LIMIT 1');
  const resealing = {
    password: db.prepare('UPDATE users SET sealed_password = ? WHERE id = ? AND sealed_password = ?'),
    totp: db.prepare('UPDATE users SET sealed_totp = ? WHERE id = ? AND sealed_totp = ?'),
  };
  const sealKey = db.prepare('UPDATE keys SET sealed = ? WHERE id = ?');
  const putCanary = db.prepare('UPDATE installation SET canary = ? WHERE canary = ?');

  const standingOf = (id: string, purpose: unknown): 'needed' | 'free' => {
    const prefix = sealPrefix(id);
    const needed =
      purpose === 'audit'
        ? signedBy.get(id) !== undefined
        : purpose === 'seal' && sealedUnder.some((look) => look.get(prefix.length, prefix) !== undefined);
    return needed ? 'needed' : 'free';
  };

  return {
    addKey({ key, after, others, audit }: Argument<'addKey'>): Outcome<'addKey'> {
      const there = newest.get(key.purpose);
      if (there?.['id'] !== after?.id || there?.['sealed'] !== after?.sealed) return { kind: 'changed-meanwhile' };
      if (others === 'go') dropKeys.run(key.purpose);
      insert(key);
      noting.changed({ kind: 'installation' });
      for (const event of audit) noting.audit(event);
      return { kind: 'added' };
    },

    replaceKey({ key, from, fromSealed, audit }: Argument<'replaceKey'>): Outcome<'replaceKey'> {
      const [there, ...more] = keysFor.all(key.purpose);
      if (more.length > 0 || (there?.['id'] ?? null) !== from) return { kind: 'changed-meanwhile' };
      if (fromSealed !== undefined && there?.['sealed'] !== fromSealed) return { kind: 'changed-meanwhile' };
      dropKeys.run(key.purpose);
      insert(key);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'replaced' };
    },

    removeKey({ id, audit }: Argument<'removeKey'>): Outcome<'removeKey'> {
      const purpose = purposeOf.get(id)?.['purpose'];
      if (purpose === undefined) return { kind: 'unknown' };
      if (newest.get(purpose)?.['id'] === id) return { kind: 'newest' };
      if (standingOf(id, purpose) === 'needed') return { kind: 'needed' };
      dropKey.run(id);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'removed' };
    },

    reseal({ values, audit }: Argument<'reseal'>): Outcome<'reseal'> {
      const done = values.filter(
        ({ userId, what, sealed, resealed }) => Number(resealing[what].run(resealed, userId, sealed).changes) > 0,
      );
      for (const userId of new Set(done.map((each) => each.userId))) noting.userChanged(userId);
      if (done.length > 0) noting.audit({ ...audit, count: done.length });
      return { resealed: done.length };
    },

    replaceRoot({ from, canary, keys, audit }: Argument<'replaceRoot'>): Outcome<'replaceRoot'> {
      const there = all.all() as unknown as readonly SealedKey[];
      if (judgeKeys(there, keys).kind === 'others') return { kind: 'changed-meanwhile' };
      if (Number(putCanary.run(canary, from).changes) === 0) return { kind: 'changed-meanwhile' };
      for (const { id, sealed } of keys) sealKey.run(sealed, id);
      noting.changed({ kind: 'installation' });
      noting.audit(audit);
      return { kind: 'replaced' };
    },
  };
}

export function keyReads(db: DatabaseSync) {
  // What stands between `v1.` and the next dot.
  const uses = db.prepare(`
    WITH texts (text) AS (SELECT substr(sealed_password, 4) FROM users WHERE sealed_password <> ''
      UNION ALL SELECT substr(sealed_totp, 4) FROM users WHERE sealed_totp <> ''
      UNION ALL SELECT substr(sealed_totp, 4) FROM enrolments WHERE sealed_totp <> ''),
    ids (id) AS (SELECT substr(text, 1, instr(text, '.') - 1) FROM texts UNION ALL SELECT key_id FROM audit_checkpoints)
    SELECT id, count(*) AS count FROM ids GROUP BY id ORDER BY id`);
  const page = db.prepare(
    'SELECT id, sealed_password AS password, sealed_totp AS totp FROM users WHERE id > ? ORDER BY id LIMIT ?',
  );

  return {
    keyUses: (): Outcome<'keyUses'> => uses.all().map((row) => ({ ...row }) as unknown as KeyUse),
    sealedElsewhere: ({ key, after, limit }: Argument<'sealedElsewhere'>): Outcome<'sealedElsewhere'> => {
      const rows = page.all(after, limit) as unknown as readonly { id: UserId; password: string; totp: string }[];
      const next = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
      return { values: rows.flatMap((row) => valuesElsewhere(row, key)), next };
    },
  };
}
