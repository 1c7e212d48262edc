/**
 * API tokens: made within a cap, changed, given another secret, revoked. Changes go by the digests they are looked up with.
 * One is made under its owner's lock, and changed under that of its own row.
 */
import type { Digest, TokenId, UserId } from '../../../types.ts';
import type { TokenRow, TokenUse } from '../../rows.ts';
import { tokenSinceSeen } from '../../seen.ts';
import type { Store } from '../../store.ts';
import { lockUser } from '../accounts/user-rows.ts';
import type { Work } from '../work.ts';
import { digestsOf, tokenColumns, tokenOf } from './token-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

async function lockToken(work: Work, id: TokenId, owner: UserId | null): Promise<TokenRow | undefined> {
  const [row] = await work.rows(
    `SELECT ${tokenColumns} FROM tokens AS t WHERE t.id = $1 AND ($2::text IS NULL OR t.user_id = $2) FOR UPDATE`,
    [id, owner],
  );
  return row === undefined ? undefined : tokenOf(row);
}

/** Counted together: one statement touches a row once. */
function byToken(uses: readonly TokenUse[]): readonly TokenUse[] {
  const each = new Map<TokenId, TokenUse>();
  for (const use of uses) {
    const other = each.get(use.id) ?? { ...use, count: 0 };
    const latest = use.lastUsedAt > other.lastUsedAt ? use : other;
    each.set(use.id, { ...latest, count: other.count + use.count });
  }
  return [...each.values()];
}

export const tokenWrites = {
  async createToken(
    work: Work,
    { token, cap, fromGeneration, audit }: Argument<'createToken'>,
  ): Promise<Outcome<'createToken'>> {
    const { userId, previous } = token;
    const locked = await lockUser(work, userId);
    if (locked.kind === 'unknown' || !locked.user.active) return { kind: 'superseded' };
    if (fromGeneration !== null && locked.user.credentialGeneration !== fromGeneration) return { kind: 'superseded' };
    const [there] = await work.rows('SELECT count(*) AS count FROM tokens WHERE user_id = $1', [userId]);
    if (Number(there?.['count']) >= cap) return { kind: 'too-many' };
    await work.run(
      `INSERT INTO tokens (id, user_id, digest, previous_digest, previous_until, name, prefix, scopes, addresses, per_minute,
        per_hour, active, created_at, expires_at, last_used_at, last_used_address, use_count)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)`,
      [
        token.id,
        userId,
        token.digest,
        previous?.digest ?? null,
        previous?.until ?? null,
        token.name,
        token.prefix,
        token.scopes,
        token.addresses,
        token.perMinute,
        token.perHour,
        token.active,
        token.createdAt,
        token.expiresAt,
        token.lastUsedAt,
        token.lastUsedAddress,
        token.useCount,
      ],
    );
    work.sessionsChanged(digestsOf(token));
    work.audit(audit);
    return { kind: 'created' };
  },

  async updateToken(
    work: Work,
    { id, owner, patch, from, audit }: Argument<'updateToken'>,
  ): Promise<Outcome<'updateToken'>> {
    const before = await lockToken(work, id, owner);
    if (before === undefined) return { kind: 'unknown' };
    if (tokenSinceSeen(before, from) === 'changed') return { kind: 'changed-meanwhile' };
    const token = { ...before, ...patch };
    await work.run(
      `UPDATE tokens SET name = $2, active = $3, scopes = $4, addresses = $5, per_minute = $6, per_hour = $7,
        previous_digest = $8, previous_until = $9 WHERE id = $1`,
      [
        id,
        token.name,
        token.active,
        token.scopes,
        token.addresses,
        token.perMinute,
        token.perHour,
        token.previous?.digest ?? null,
        token.previous?.until ?? null,
      ],
    );
    work.sessionsChanged(digestsOf(before));
    work.audit(audit);
    return { kind: 'updated', token };
  },

  async rotateToken(work: Work, rotation: Argument<'rotateToken'>): Promise<Outcome<'rotateToken'>> {
    const { id, owner, fromDigest, digest, prefix, previousUntil, audit } = rotation;
    const before = await lockToken(work, id, owner);
    if (before === undefined) return { kind: 'unknown' };
    if (before.digest !== fromDigest) return { kind: 'changed-meanwhile' };
    const previous = previousUntil === null ? null : { digest: fromDigest, until: previousUntil };
    await work.run(
      'UPDATE tokens SET digest = $2, prefix = $3, previous_digest = $4, previous_until = $5 WHERE id = $1',
      [id, digest, prefix, previous?.digest ?? null, previous?.until ?? null],
    );
    work.sessionsChanged([digest, ...digestsOf(before)]);
    work.audit(audit);
    return { kind: 'rotated', token: { ...before, digest, prefix, previous } };
  },

  async deleteToken(work: Work, { id, owner, audit }: Argument<'deleteToken'>): Promise<Outcome<'deleteToken'>> {
    const token = await lockToken(work, id, owner);
    if (token === undefined) return { kind: 'unknown' };
    await work.run('DELETE FROM tokens WHERE id = $1', [id]);
    work.sessionsChanged(digestsOf(token));
    work.audit(audit);
    return { kind: 'deleted' };
  },

  /** In the order of their ids, as every node takes them. */
  async noteTokenUses(work: Work, given: readonly TokenUse[]): Promise<void> {
    const uses = byToken(given);
    const ids = uses.map(({ id }) => id);
    await work.run('SELECT 1 FROM tokens WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE', [ids]);
    await work.run(
      `UPDATE tokens SET use_count = use_count + each.count, last_used_at = GREATEST(last_used_at, each.at),
        last_used_address = CASE WHEN last_used_at IS NULL OR last_used_at < each.at THEN each.address ELSE last_used_address END
      FROM unnest($1::text[], $2::bigint[], $3::text[], $4::bigint[]) AS each (id, at, address, count)
      WHERE tokens.id = each.id`,
      [
        ids,
        uses.map(({ lastUsedAt }) => lastUsedAt),
        uses.map(({ address }) => address),
        uses.map(({ count }) => count),
      ],
    );
  },
};

/** Those whose end is past, `limit` at most; what another node has in hand is passed over. Tells how many. */
export async function sweepTokens(work: Work, endedBy: number, limit: number): Promise<number> {
  const rows = await work.rows(
    `DELETE FROM tokens WHERE ctid = ANY (ARRAY(SELECT ctid FROM tokens WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))
    RETURNING digest, previous_digest AS previous`,
    [endedBy, limit],
  );
  const digests = rows.flatMap(({ digest, previous }) => (previous === null ? [digest] : [digest, previous]));
  work.sessionsChanged(digests as Digest[]);
  return rows.length;
}
