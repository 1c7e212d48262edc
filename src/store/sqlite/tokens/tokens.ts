/** API tokens: made within a cap, changed, given another secret, revoked. Changes go by the digests they are looked up with. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, TokenId, UserId } from '../../../types.ts';
import type { TokenRow, TokenUse } from '../../rows.ts';
import { tokenSinceSeen } from '../../seen.ts';
import type { Store } from '../../store.ts';
import type { Records } from '../records.ts';
import { digestsOf, tokenColumns, tokenOf } from './token-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function tokenWrites(db: DatabaseSync, noting: Records) {
  const allowed = db.prepare(
    'SELECT 1 FROM users WHERE id = ?1 AND active = 1 AND (?2 IS NULL OR credential_generation = ?2)',
  );
  const count = db.prepare('SELECT count(*) AS count FROM tokens WHERE user_id = ?');
  const insert = db.prepare(`
    INSERT INTO tokens (id, user_id, digest, previous_digest, previous_until, name, prefix, scopes, addresses, per_minute, per_hour,
      active, created_at, expires_at, last_used_at, last_used_address, use_count)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const read = db.prepare(`
    SELECT ${tokenColumns} FROM tokens AS t WHERE t.id = ?1 AND (?2 IS NULL OR t.user_id = ?2)`);
  const update = db.prepare(`
    UPDATE tokens SET name = ?, active = ?, scopes = ?, addresses = ?, per_minute = ?, per_hour = ? WHERE id = ?`);
  const replaceSecret = db.prepare(
    'UPDATE tokens SET digest = ?, prefix = ?, previous_digest = ?, previous_until = ? WHERE id = ?',
  );
  const dropPrevious = db.prepare('UPDATE tokens SET previous_digest = NULL, previous_until = NULL WHERE id = ?');
  const drop = db.prepare('DELETE FROM tokens WHERE id = ?');
  const noteUse = db.prepare(`
    UPDATE tokens SET use_count = use_count + :count, last_used_at = max(coalesce(last_used_at, :at), :at),
      last_used_address = CASE WHEN last_used_at IS NULL OR last_used_at < :at THEN :address ELSE last_used_address END
    WHERE id = :id`);

  const find = (id: TokenId, owner: UserId | null): TokenRow | undefined => {
    const row = read.get(id, owner);
    return row === undefined ? undefined : tokenOf(row);
  };

  return {
    createToken({ token, cap, fromGeneration, audit }: Argument<'createToken'>): Outcome<'createToken'> {
      if (allowed.get(token.userId, fromGeneration) === undefined) return { kind: 'superseded' };
      if (Number(count.get(token.userId)?.['count']) >= cap) return { kind: 'too-many' };
      insert.run(
        token.id,
        token.userId,
        token.digest,
        token.previous?.digest ?? null,
        token.previous?.until ?? null,
        token.name,
        token.prefix,
        JSON.stringify(token.scopes),
        JSON.stringify(token.addresses),
        token.perMinute,
        token.perHour,
        token.active ? 1 : 0,
        token.createdAt,
        token.expiresAt,
        token.lastUsedAt,
        token.lastUsedAddress,
        token.useCount,
      );
      noting.sessionsChanged(digestsOf(token));
      noting.audit(audit);
      return { kind: 'created' };
    },

    updateToken({ id, owner, patch, from, audit }: Argument<'updateToken'>): Outcome<'updateToken'> {
      const before = find(id, owner);
      if (before === undefined) return { kind: 'unknown' };
      if (tokenSinceSeen(before, from) === 'changed') return { kind: 'changed-meanwhile' };
      const token = { ...before, ...patch };
      const { name, active, scopes, addresses, perMinute, perHour } = token;
      update.run(name, active ? 1 : 0, JSON.stringify(scopes), JSON.stringify(addresses), perMinute, perHour, id);
      if (token.previous === null && before.previous !== null) dropPrevious.run(id);
      noting.sessionsChanged(digestsOf(before));
      noting.audit(audit);
      return { kind: 'updated', token };
    },

    rotateToken(rotation: Argument<'rotateToken'>): Outcome<'rotateToken'> {
      const { id, owner, fromDigest, digest, prefix, previousUntil, audit } = rotation;
      const before = find(id, owner);
      if (before === undefined) return { kind: 'unknown' };
      if (before.digest !== fromDigest) return { kind: 'changed-meanwhile' };
      const previous = previousUntil === null ? null : { digest: fromDigest, until: previousUntil };
      replaceSecret.run(digest, prefix, previous?.digest ?? null, previous?.until ?? null, id);
      noting.sessionsChanged([digest, ...digestsOf(before)]);
      noting.audit(audit);
      return { kind: 'rotated', token: { ...before, digest, prefix, previous } };
    },

    deleteToken({ id, owner, audit }: Argument<'deleteToken'>): Outcome<'deleteToken'> {
      const token = find(id, owner);
      if (token === undefined) return { kind: 'unknown' };
      drop.run(id);
      noting.sessionsChanged(digestsOf(token));
      noting.audit(audit);
      return { kind: 'deleted' };
    },

    noteTokenUses(uses: readonly TokenUse[]): void {
      for (const { id, lastUsedAt: at, address, count } of uses) noteUse.run({ id, at, address, count });
    },
  };
}

/** Those whose end is past, `limit` at most, the oldest first. Tells how many. */
export function tokenSweep(db: DatabaseSync, noting: Records): (endedBy: number, limit: number) => number {
  const dropEnded = db.prepare(`
    DELETE FROM tokens WHERE place IN (SELECT place FROM tokens WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
    RETURNING digest, previous_digest AS previous`);
  return (endedBy, limit) => {
    const rows = dropEnded.all(endedBy, limit);
    const digests = rows.flatMap(({ digest, previous }) => (previous === null ? [digest] : [digest, previous]));
    noting.sessionsChanged(digests as Digest[]);
    return rows.length;
  };
}
