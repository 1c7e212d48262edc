/** A row of `tokens`: how it is read. */
import type { Digest } from '../../../types.ts';
import type { TokenRow } from '../../rows.ts';
import { list, type Row } from '../accounts/user-rows.ts';

/** Of `tokens AS t`. */
export const tokenColumns = `
  t.id AS t_id, t.user_id AS t_userId, t.digest AS t_digest, t.previous_digest AS t_previousDigest,
  t.previous_until AS t_previousUntil, t.name AS t_name, t.prefix AS t_prefix, t.scopes AS t_scopes, t.addresses AS t_addresses,
  t.per_minute AS t_perMinute, t.per_hour AS t_perHour, t.active AS t_active, t.created_at AS t_createdAt,
  t.expires_at AS t_expiresAt, t.last_used_at AS t_lastUsedAt, t.last_used_address AS t_lastUsedAddress,
  t.use_count AS t_useCount`;

export function tokenOf(row: Row): TokenRow {
  const digest = row['t_previousDigest'];
  return {
    id: row['t_id'],
    userId: row['t_userId'],
    digest: row['t_digest'],
    previous: digest === null ? null : { digest, until: row['t_previousUntil'] },
    name: row['t_name'],
    prefix: row['t_prefix'],
    scopes: list(row['t_scopes']),
    addresses: list(row['t_addresses']),
    perMinute: row['t_perMinute'],
    perHour: row['t_perHour'],
    active: row['t_active'] === 1,
    createdAt: row['t_createdAt'],
    expiresAt: row['t_expiresAt'],
    lastUsedAt: row['t_lastUsedAt'],
    lastUsedAddress: row['t_lastUsedAddress'],
    useCount: row['t_useCount'],
  } as TokenRow;
}

/** What it may be held in memory under: its own, and that of the secret before it. */
export function digestsOf({ digest, previous }: Pick<TokenRow, 'digest' | 'previous'>): readonly Digest[] {
  return previous === null ? [digest] : [digest, previous.digest];
}
