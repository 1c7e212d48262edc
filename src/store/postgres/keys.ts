/**
 * Keys of the ring, and what is sealed under them (3-rules, Keys). Whoever changes them holds the installation's row: of two
 * nodes that have seen the same keys one changes them.
 */
import { sealPrefix } from '../../crypto/seal.ts';
import type { KeyRow } from '../../crypto/keyring.ts';
import type { UserId } from '../../types.ts';
import { judgeKeys, valuesElsewhere } from '../sealed-values.ts';
import type { InstallationState } from '../rows.ts';
import type { KeyUse, SealedKey, Store } from '../store.ts';
import type { Database } from './server/database.ts';
import type { Work } from './work.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Until the transaction ends nobody else changes the installation, its state or its keys. */
export async function lockState(work: Work): Promise<{ readonly state: InstallationState; readonly bootId: string }> {
  const [row] = await work.rows('SELECT state, boot_id AS "bootId" FROM installation FOR UPDATE');
  if (row === undefined) throw new Error('the database holds no installation');
  return row as unknown as { state: InstallationState; bootId: string };
}

export async function insertKey(
  work: Pick<Work, 'run'>,
  { id, purpose, sealed, createdAt, usedFrom }: KeyRow,
): Promise<void> {
  await work.run('INSERT INTO keys (id, purpose, sealed, created_at, used_from) VALUES ($1, $2, $3, $4, $5)', [
    id,
    purpose,
    sealed,
    createdAt,
    usedFrom,
  ]);
}

async function newestOf(work: Work, purpose: unknown): Promise<SealedKey | undefined> {
  const [row] = await work.rows(
    'SELECT id, sealed FROM keys WHERE purpose = $1 ORDER BY created_at DESC, id COLLATE "C" DESC LIMIT 1',
    [purpose],
  );
  return row as unknown as SealedKey | undefined;
}

const sealedUnder = `
  SELECT 1 WHERE EXISTS (SELECT 1 FROM users WHERE starts_with(sealed_password, $1) OR starts_with(sealed_totp, $1))
    OR EXISTS (SELECT 1 FROM enrolments WHERE starts_with(sealed_totp, $1))`;
const signedBy = 'SELECT 1 FROM audit_checkpoints WHERE key_id = $1 LIMIT 1';

async function standingOf(work: Work, id: string, purpose: unknown): Promise<'needed' | 'free'> {
  if (purpose !== 'seal' && purpose !== 'audit') return 'free';
  const found = purpose === 'seal' ? await work.rows(sealedUnder, [sealPrefix(id)]) : await work.rows(signedBy, [id]);
  return found.length > 0 ? 'needed' : 'free';
}

const resealing = {
  password: 'UPDATE users SET sealed_password = $3 WHERE id = $1 AND sealed_password = $2',
  totp: 'UPDATE users SET sealed_totp = $3 WHERE id = $1 AND sealed_totp = $2',
} as const;

export const keyWrites = {
  async addKey(work: Work, { key, after, others, audit }: Argument<'addKey'>): Promise<Outcome<'addKey'>> {
    await lockState(work);
    const there = await newestOf(work, key.purpose);
    if (there?.id !== after?.id || there?.sealed !== after?.sealed) return { kind: 'changed-meanwhile' };
    if (others === 'go') await work.run('DELETE FROM keys WHERE purpose = $1', [key.purpose]);
    await insertKey(work, key);
    work.changed({ kind: 'installation' });
    for (const event of audit) work.audit(event);
    return { kind: 'added' };
  },

  async replaceKey(
    work: Work,
    { key, from, fromSealed, audit }: Argument<'replaceKey'>,
  ): Promise<Outcome<'replaceKey'>> {
    await lockState(work);
    const [there, ...more] = await work.rows('SELECT id, sealed FROM keys WHERE purpose = $1', [key.purpose]);
    if (more.length > 0 || (there?.['id'] ?? null) !== from) return { kind: 'changed-meanwhile' };
    if (fromSealed !== undefined && there?.['sealed'] !== fromSealed) return { kind: 'changed-meanwhile' };
    await work.run('DELETE FROM keys WHERE purpose = $1', [key.purpose]);
    await insertKey(work, key);
    work.changed({ kind: 'installation' });
    work.audit(audit);
    return { kind: 'replaced' };
  },

  async removeKey(work: Work, { id, audit }: Argument<'removeKey'>): Promise<Outcome<'removeKey'>> {
    await lockState(work);
    const [row] = await work.rows('SELECT purpose FROM keys WHERE id = $1', [id]);
    if (row === undefined) return { kind: 'unknown' };
    const purpose = row['purpose'];
    if ((await newestOf(work, purpose))?.id === id) return { kind: 'newest' };
    if ((await standingOf(work, id, purpose)) === 'needed') return { kind: 'needed' };
    await work.run('DELETE FROM keys WHERE id = $1', [id]);
    work.changed({ kind: 'installation' });
    work.audit(audit);
    return { kind: 'removed' };
  },

  /** In the order in which everybody else takes more than one account. */
  async reseal(work: Work, { values, audit }: Argument<'reseal'>): Promise<Outcome<'reseal'>> {
    const done = new Set<UserId>();
    let resealed = 0;
    for (const value of values.toSorted((a, b) => (a.userId < b.userId ? -1 : 1))) {
      const set = await work.run(resealing[value.what], [value.userId, value.sealed, value.resealed]);
      if (set === 0) continue;
      resealed += 1;
      done.add(value.userId);
    }
    for (const userId of done) work.userChanged(userId);
    if (resealed > 0) work.audit({ ...audit, count: resealed });
    return { resealed };
  },

  async replaceRoot(work: Work, given: Argument<'replaceRoot'>): Promise<Outcome<'replaceRoot'>> {
    const { from, canary, keys, audit } = given;
    await lockState(work);
    const there = (await work.rows('SELECT id, sealed FROM keys')) as unknown as readonly SealedKey[];
    if (judgeKeys(there, keys).kind === 'others') return { kind: 'changed-meanwhile' };
    const put = await work.run('UPDATE installation SET canary = $1 WHERE canary = $2', [canary, from]);
    if (put === 0) return { kind: 'changed-meanwhile' };
    for (const { id, sealed } of keys) await work.run('UPDATE keys SET sealed = $2 WHERE id = $1', [id, sealed]);
    work.changed({ kind: 'installation' });
    work.audit(audit);
    return { kind: 'replaced' };
  },
};

export function keyReads(db: Database) {
  return {
    keyUses: async (): Promise<Outcome<'keyUses'>> => {
      const rows = await db.rows(
        `WITH ids AS (SELECT split_part(sealed_password, '.', 2) AS id FROM users WHERE sealed_password <> ''
          UNION ALL SELECT split_part(sealed_totp, '.', 2) FROM users WHERE sealed_totp <> ''
          UNION ALL SELECT split_part(sealed_totp, '.', 2) FROM enrolments WHERE sealed_totp <> ''
          UNION ALL SELECT key_id FROM audit_checkpoints)
        SELECT id, count(*) AS count FROM ids GROUP BY id ORDER BY id COLLATE "C"`,
      );
      return rows as unknown as readonly KeyUse[];
    },
    sealedElsewhere: async ({
      key,
      after,
      limit,
    }: Argument<'sealedElsewhere'>): Promise<Outcome<'sealedElsewhere'>> => {
      const rows = (await db.rows(
        `SELECT id, sealed_password AS password, sealed_totp AS totp FROM users WHERE id > $1 ORDER BY id LIMIT $2`,
        [after, limit],
      )) as unknown as readonly { id: UserId; password: string; totp: string }[];
      const next = rows.length === limit ? (rows.at(-1)?.id ?? null) : null;
      return { values: rows.flatMap((row) => valuesElsewhere(row, key)), next };
    },
  };
}
