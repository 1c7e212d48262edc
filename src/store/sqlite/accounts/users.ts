/** Accounts: their fields, their standing and their password. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';
import { patched, sinceSeen } from '../../seen.ts';
import type { Store } from '../../store.ts';
import type { NetworkParts } from '../guessing.ts';
import type { Records } from '../records.ts';
import type { SessionParts } from '../sessions.ts';
import type { AccountParts } from './account-parts.ts';
import { userColumns, userInsertion, userOf } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function userWrites(db: DatabaseSync, noting: Records, parts: SessionParts & NetworkParts & AccountParts) {
  const insertUser = userInsertion(db);
  const readUser = db.prepare(`SELECT ${userColumns} FROM users AS u WHERE u.id = ?`);
  // One who was only invited cannot sign in, and is no other admin yet.
  const otherAdmin = db.prepare(`
    SELECT 1 FROM users WHERE id <> ? AND active = 1 AND (sealed_password <> '' OR passkeys > 0) AND EXISTS
      (SELECT 1 FROM json_each(users.privileges) WHERE value = ?) LIMIT 1`);
  const update = db.prepare(`
    UPDATE users SET email = ?, display_name = ?, groups = ?, privileges = ?, active = ?, disabled_by = ?, credential_generation = ?
    WHERE id = ?`);
  const remove = db.prepare('DELETE FROM users WHERE id = ?');
  const forgetRequests = db.prepare('DELETE FROM idempotent_requests WHERE owner = ?');
  const rehash = db.prepare('UPDATE users SET sealed_password = ? WHERE id = ? AND credential_generation = ?');
  const mayStay = db.prepare(`
    SELECT digest FROM sessions WHERE id = ? AND user_id = ? AND credential_generation = ? AND parent_id IS NULL AND ends_at > ?`);
  const keepSession = db.prepare(`
    UPDATE sessions SET digest = ?, authenticated_at = ?, credential_generation = ?, reauthentication_failures = 0 WHERE id = ?`);

  const find = (id: UserId): UserRow | undefined => {
    const row = readUser.get(id);
    return row === undefined ? undefined : userOf(row);
  };

  /** `last`: without them nobody who can sign in is admin. */
  const standingOf = ({ id, active, privileges }: UserRow, adminPrivilege: string): 'last' | 'any' =>
    active && privileges.includes(adminPrivilege) && otherAdmin.get(id, adminPrivilege) === undefined ? 'last' : 'any';

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

    updateUser({ userId, patch, from, adminPrivilege, audit }: Argument<'updateUser'>): Outcome<'updateUser'> {
      const before = find(userId);
      if (before === undefined) return { kind: 'unknown' };
      if (sinceSeen(before, from) === 'changed') return { kind: 'changed-meanwhile' };
      const user = patched(before, patch);
      const staysAdmin = user.active && user.privileges.includes(adminPrivilege);
      if (!staysAdmin && standingOf(before, adminPrivilege) === 'last') return { kind: 'last-admin' };
      const { email, displayName, groups, privileges, active, disabledBy, credentialGeneration } = user;
      update.run(
        email,
        displayName,
        JSON.stringify(groups),
        JSON.stringify(privileges),
        active ? 1 : 0,
        disabledBy,
        credentialGeneration,
        userId,
      );
      if (before.active && !active) {
        parts.endAllBut(userId, null);
        parts.forgetPending(userId, null);
        parts.forgetDevicesBut(userId, null);
        parts.forgetNetworks(userId);
      }
      noting.userChanged(userId);
      for (const event of audit) noting.audit(event);
      return { kind: 'updated', user };
    },

    /** What hangs on the account goes by its foreign keys; answers to its requests have none. */
    deleteUser({ userId, adminPrivilege, audit }: Argument<'deleteUser'>): Outcome<'deleteUser'> {
      const user = find(userId);
      if (user === undefined) return { kind: 'unknown' };
      if (standingOf(user, adminPrivilege) === 'last') return { kind: 'last-admin' };
      // First, while whoever did it still has a name, also when it was his own account.
      noting.audit(audit);
      remove.run(userId);
      forgetRequests.run(userId);
      noting.userChanged(userId);
      return { kind: 'deleted' };
    },

    /** A session that was ended meanwhile decides nothing any more: its change is superseded like one under an old password. */
    changePassword(change: Argument<'changePassword'>): Outcome<'changePassword'> {
      const { userId, fromGeneration, keep, keepDevice, keepNetwork } = change;
      const staying = mayStay.get(keep.id, userId, fromGeneration, keep.authenticatedAt);
      if (staying === undefined) return { kind: 'superseded' };
      if (parts.setPassword(change).kind === 'superseded') return { kind: 'superseded' };
      parts.endOthers(userId, keep.id);
      keepSession.run(keep.digest, keep.authenticatedAt, fromGeneration + 1, keep.id);
      parts.forgetPending(userId, keep.id);
      parts.forgetDevicesBut(userId, keepDevice);
      parts.forgetNetworks(userId);
      parts.keepNetwork(userId, keepNetwork);
      noting.notice(change.notice);
      noting.sessionsChanged([staying['digest'] as Digest]);
      noting.userChanged(userId);
      noting.audit(change.audit);
      return { kind: 'changed' };
    },

    rehashPassword({ userId, generation, sealedPassword }: Argument<'rehashPassword'>): void {
      if (rehash.run(sealedPassword, userId, generation).changes > 0) noting.userChanged(userId);
    },
  };
}
