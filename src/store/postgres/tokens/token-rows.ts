/** A row of `tokens`: how it is read. */
import type { Digest } from '../../../types.ts';
import type { TokenRow } from '../../rows.ts';
import type { Row } from '../server/database.ts';

/** Of `tokens AS t`. */
export const tokenColumns = `
  t.id AS t_id, t.user_id AS t_user_id, t.digest AS t_digest, t.previous_digest AS t_previous_digest,
  t.previous_until AS t_previous_until, t.name AS t_name, t.prefix AS t_prefix, t.scopes AS t_scopes,
  t.addresses AS t_addresses, t.per_minute AS t_per_minute, t.per_hour AS t_per_hour, t.active AS t_active,
  t.created_at AS t_created_at, t.expires_at AS t_expires_at, t.last_used_at AS t_last_used_at,
  t.last_used_address AS t_last_used_address, t.use_count AS t_use_count`;

export function tokenOf(row: Row): TokenRow {
  const digest = row['t_previous_digest'];
  return {
    id: row['t_id'],
    userId: row['t_user_id'],
    digest: row['t_digest'],
    previous: digest === null ? null : { digest, until: row['t_previous_until'] },
    name: row['t_name'],
    prefix: row['t_prefix'],
    scopes: row['t_scopes'],
    addresses: row['t_addresses'],
    perMinute: row['t_per_minute'],
    perHour: row['t_per_hour'],
    active: row['t_active'],
    createdAt: row['t_created_at'],
    expiresAt: row['t_expires_at'],
    lastUsedAt: row['t_last_used_at'],
    lastUsedAddress: row['t_last_used_address'],
    useCount: row['t_use_count'],
  } as TokenRow;
}

/** What it may be held in memory under: its own, and that of the secret before it. */
export function digestsOf({ digest, previous }: Pick<TokenRow, 'digest' | 'previous'>): readonly Digest[] {
  return previous === null ? [digest] : [digest, previous.digest];
}
