/** A row of `users`: how it is read, locked, and how one is added. */
import type { UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';
import type { Row } from '../server/database.ts';
import type { Work } from '../work.ts';

/** Of `users AS u`. */
export const userColumns = `
  u.id AS u_id, u.username AS u_username, u.display_name AS u_display_name, u.email AS u_email, u.privileges AS u_privileges,
  u.groups AS u_groups, u.active AS u_active, u.sealed_password AS u_sealed_password, u.sealed_totp AS u_sealed_totp,
  u.passkeys AS u_passkeys, u.password_length AS u_password_length, u.password_standing AS u_password_standing,
  u.credential_generation AS generation, u.realm AS u_realm, u.disabled_by AS u_disabled_by, u.ticket_generation AS u_ticket_generation,
  u.created_at AS u_created_at`;

export function userOf(row: Row): UserRow {
  return {
    id: row['u_id'],
    username: row['u_username'],
    displayName: row['u_display_name'],
    email: row['u_email'],
    privileges: row['u_privileges'],
    groups: row['u_groups'],
    active: row['u_active'],
    sealedPassword: row['u_sealed_password'],
    sealedTotp: row['u_sealed_totp'],
    passkeys: row['u_passkeys'],
    passwordLength: row['u_password_length'],
    passwordStanding: row['u_password_standing'],
    credentialGeneration: row['generation'],
    realm: row['u_realm'],
    disabledBy: row['u_disabled_by'],
    ticketGeneration: row['u_ticket_generation'],
    createdAt: row['u_created_at'],
  } as UserRow;
}

/** In any case: the same letters, small. */
export function fold(text: string): string {
  return text.toLowerCase();
}

/** What a search looks at, a line each. */
export function searchedText({ username, displayName, email }: UserRow): string {
  return fold([username, displayName, email].join('\n'));
}

/** Adds an account, unless its name is taken. It has no passkeys yet. */
export async function insertUser(work: Work, user: UserRow): Promise<{ readonly kind: 'name-taken' | 'created' }> {
  const inserted = await work.run(
    `INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, sealed_totp, totp_added_at,
      password_length, password_standing, credential_generation, created_at, searched, realm, disabled_by, ticket_generation)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, CASE WHEN $9 = '' THEN NULL ELSE $13::bigint END, $10, $11, $12, $13, $14, $15, $16, $17)
    ON CONFLICT (username) DO NOTHING`,
    [
      user.id,
      user.username,
      user.displayName,
      user.email,
      user.privileges,
      user.groups,
      user.active,
      user.sealedPassword,
      user.sealedTotp,
      user.passwordLength,
      user.passwordStanding,
      user.credentialGeneration,
      user.createdAt,
      searchedText(user),
      user.realm,
      user.disabledBy,
      user.ticketGeneration,
    ],
  );
  return inserted === 0 ? { kind: 'name-taken' } : { kind: 'created' };
}

export type Locked = { readonly kind: 'unknown' } | { readonly kind: 'locked'; readonly user: UserRow };

/**
 * Everything done to one user's sessions, tickets, factors and devices happens one after another, whatever node asks for
 * it: each such operation takes this lock first.
 */
export async function lockUser(work: Work, id: UserId): Promise<Locked> {
  const [row] = await work.rows(`SELECT ${userColumns} FROM users AS u WHERE u.id = $1 FOR NO KEY UPDATE`, [id]);
  return row === undefined ? { kind: 'unknown' } : { kind: 'locked', user: userOf(row) };
}

/** The same, of a user that is active and of that generation. */
export async function lockInForce(work: Work, id: UserId, generation: number): Promise<Locked> {
  const locked = await lockUser(work, id);
  if (locked.kind === 'unknown') return locked;
  const { active, credentialGeneration } = locked.user;
  return active && credentialGeneration === generation ? locked : { kind: 'unknown' };
}
