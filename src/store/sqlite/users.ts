/** Accounts: whatever raises a generation or alters what may be cached of a user. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest } from '../../types.ts';
import type { Store } from '../store.ts';
import type { UserRow } from '../rows.ts';
import type { Records } from './records.ts';
import type { NetworkParts } from './guessing.ts';
import type { SessionParts } from './sessions.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Adds an account, unless its name is taken. */
export function userInsertion(db: DatabaseSync): (user: UserRow) => { readonly kind: 'name-taken' | 'created' } {
  const insert = db.prepare(`
    INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, credential_generation, created_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?) ON CONFLICT (username) DO NOTHING`);
  return (user) => {
    const {
      id,
      username,
      displayName,
      email,
      privileges,
      groups,
      active,
      sealedPassword,
      credentialGeneration,
      createdAt,
    } = user;
    const inserted = insert.run(
      id,
      username,
      displayName,
      email,
      JSON.stringify(privileges),
      JSON.stringify(groups),
      active ? 1 : 0,
      sealedPassword,
      credentialGeneration,
      createdAt,
    );
    return inserted.changes === 0 ? { kind: 'name-taken' } : { kind: 'created' };
  };
}

export function userWrites(db: DatabaseSync, noting: Records, parts: SessionParts & NetworkParts) {
  const insertUser = userInsertion(db);
  const activate = db.prepare('UPDATE users SET active = 1 WHERE id = ?');
  const disable = db.prepare(
    'UPDATE users SET active = 0, credential_generation = credential_generation + 1 WHERE id = ?',
  );
  const setPrivileges = db.prepare('UPDATE users SET privileges = ? WHERE id = ?');
  const setPassword = db.prepare(`
    UPDATE users SET sealed_password = ?, credential_generation = credential_generation + 1
    WHERE id = ? AND credential_generation = ? AND active = 1`);
  const rehash = db.prepare('UPDATE users SET sealed_password = ? WHERE id = ? AND credential_generation = ?');
  const mayStay = db.prepare(`
    SELECT digest FROM sessions WHERE id = ? AND user_id = ? AND credential_generation = ? AND parent_id IS NULL AND ends_at > ?`);
  const keepSession = db.prepare(`
    UPDATE sessions SET digest = ?, authenticated_at = ?, credential_generation = ?, reauthentication_failures = 0 WHERE id = ?`);

  return {
    /** A new account is in nobody's memory yet: no change. */
    createUser({
      user,
      audit,
    }: {
      readonly user: UserRow;
      readonly audit: Parameters<Store['createUser']>[1];
    }): Outcome<'createUser'> {
      const inserted = insertUser(user);
      if (inserted.kind === 'created') noting.audit(audit);
      return inserted;
    },

    setUserActive({ userId, active, audit }: Argument<'setUserActive'>): Outcome<'setUserActive'> {
      const set = active ? activate.run(userId) : disable.run(userId);
      if (set.changes === 0) return { kind: 'unknown' };
      if (!active) {
        parts.endAllBut(userId, null);
        parts.forgetTickets(userId);
        parts.forgetDevicesBut(userId, null);
        parts.forgetNetworks(userId);
      }
      noting.userChanged(userId);
      noting.audit(audit);
      return { kind: 'set' };
    },

    setPrivileges({ userId, privileges, audit }: Argument<'setPrivileges'>): Outcome<'setPrivileges'> {
      if (setPrivileges.run(JSON.stringify(privileges), userId).changes === 0) return { kind: 'unknown' };
      noting.userChanged(userId);
      noting.audit(audit);
      return { kind: 'set' };
    },

    /** A session that was ended meanwhile decides nothing any more: its change is superseded like one under an old password. */
    changePassword(change: Argument<'changePassword'>): Outcome<'changePassword'> {
      const { userId, fromGeneration, sealedPassword, keep, keepDevice, keepNetwork, audit } = change;
      const staying = mayStay.get(keep.id, userId, fromGeneration, keep.authenticatedAt);
      if (staying === undefined) return { kind: 'superseded' };
      if (setPassword.run(sealedPassword, userId, fromGeneration).changes === 0) return { kind: 'superseded' };
      parts.endOthers(userId, keep.id);
      keepSession.run(keep.digest, keep.authenticatedAt, fromGeneration + 1, keep.id);
      parts.forgetTickets(userId);
      parts.forgetDevicesBut(userId, keepDevice);
      parts.forgetNetworks(userId);
      parts.keepNetwork(userId, keepNetwork);
      noting.sessionsChanged([staying['digest'] as Digest]);
      noting.userChanged(userId);
      noting.audit(audit);
      return { kind: 'changed' };
    },

    rehashPassword({ userId, generation, sealedPassword }: Argument<'rehashPassword'>): void {
      if (rehash.run(sealedPassword, userId, generation).changes > 0) noting.userChanged(userId);
    },
  };
}
