/** A row of `users`: how it is read, and how one is added. */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { UserRow } from '../../rows.ts';

export type Row = Record<string, SQLOutputValue>;

/** Of `users AS u`. */
export const userColumns = `
  u.id AS u_id, u.username AS username, u.display_name AS displayName, u.email AS email, u.privileges AS privileges, u.groups AS groups,
  u.active AS active, u.sealed_password AS sealedPassword, u.sealed_totp AS u_sealedTotp, u.passkeys AS passkeys,
  u.password_length AS passwordLength, u.password_standing AS passwordStanding,
  u.credential_generation AS u_generation, u.realm AS u_realm, u.disabled_by AS u_disabledBy, u.ticket_generation AS u_ticketGeneration,
  u.created_at AS u_createdAt`;

export function userOf(row: Row): UserRow {
  return {
    id: row['u_id'],
    username: row['username'],
    displayName: row['displayName'],
    email: row['email'],
    privileges: list(row['privileges']),
    groups: list(row['groups']),
    active: row['active'] === 1,
    sealedPassword: row['sealedPassword'],
    sealedTotp: row['u_sealedTotp'],
    passkeys: row['passkeys'],
    passwordLength: row['passwordLength'],
    passwordStanding: row['passwordStanding'],
    credentialGeneration: row['u_generation'],
    realm: row['u_realm'],
    disabledBy: row['u_disabledBy'],
    ticketGeneration: row['u_ticketGeneration'],
    createdAt: row['u_createdAt'],
  } as UserRow;
}

export function list(text: SQLOutputValue | undefined): readonly string[] {
  return text === '[]' ? [] : (JSON.parse(String(text)) as readonly string[]);
}

/** Adds an account, unless its name is taken. It has no passkeys yet. */
export function userInsertion(db: DatabaseSync): (user: UserRow) => { readonly kind: 'name-taken' | 'created' } {
  const insert = db.prepare(`
    INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, sealed_totp, totp_added_at,
      password_length, password_standing, credential_generation, realm, disabled_by, ticket_generation, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING`);
  return (user) => {
    const { id, username, displayName, email, sealedPassword, sealedTotp, createdAt } = user;
    const inserted = insert.run(
      id,
      username,
      displayName,
      email,
      JSON.stringify(user.privileges),
      JSON.stringify(user.groups),
      user.active ? 1 : 0,
      sealedPassword,
      sealedTotp,
      sealedTotp === '' ? null : createdAt,
      user.passwordLength,
      user.passwordStanding,
      user.credentialGeneration,
      user.realm,
      user.disabledBy,
      user.ticketGeneration,
      createdAt,
    );
    return inserted.changes === 0 ? { kind: 'name-taken' } : { kind: 'created' };
  };
}
