/** Accounts: their fields, their standing and their password. */
import type { UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';
import { patched, sinceSeen } from '../../seen.ts';
import type { Store } from '../../store.ts';
import { forgetNetworks, keepNetwork } from '../guessing.ts';
import { putNotice } from '../records.ts';
import type { SessionParts } from '../session-parts.ts';
import type { Work } from '../work.ts';
import { forgetRequests } from '../writes/idempotent.ts';
import { setPassword } from './account-parts.ts';
import { insertUser, lockInForce, lockUser, searchedText, userColumns, userOf } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/**
 * Locks the user together with everybody who is admin now, in one order: of two who would take each other's privilege at
 * the same moment one waits here, and finds what the other has left.
 */
async function lockAmongAdmins(
  work: Work,
  userId: UserId,
  adminPrivilege: string,
): Promise<
  { readonly kind: 'unknown' } | { readonly kind: 'locked'; readonly user: UserRow; readonly standing: 'last' | 'any' }
> {
  const rows = await work.rows(
    `SELECT ${userColumns} FROM users AS u WHERE u.id = $1 OR (u.active AND $2 = ANY (u.privileges))
    ORDER BY u.id FOR NO KEY UPDATE`,
    [userId, adminPrivilege],
  );
  const users = rows.map(userOf);
  const user = users.find(({ id }) => id === userId);
  if (user === undefined) return { kind: 'unknown' };
  // One who was only invited cannot sign in, and is no other admin yet.
  const others = users.filter((each) => each.id !== userId && (each.sealedPassword !== '' || each.passkeys > 0));
  const isLast = isAdmin(user, adminPrivilege) && others.length === 0;
  return { kind: 'locked', user, standing: isLast ? 'last' : 'any' };
}

function isAdmin({ active, privileges }: UserRow, adminPrivilege: string): boolean {
  return active && privileges.includes(adminPrivilege);
}

export function userWrites(parts: SessionParts) {
  return {
    /** A new account is in nobody's memory yet: no change. */
    async createUser(
      work: Work,
      { user, audit }: { readonly user: UserRow; readonly audit: Parameters<Store['createUser']>[1] },
    ): Promise<Outcome<'createUser'>> {
      const inserted = await insertUser(work, user);
      if (inserted.kind === 'created') work.audit(audit);
      return inserted;
    },

    async updateUser(
      work: Work,
      { userId, patch, from, adminPrivilege, audit }: Argument<'updateUser'>,
    ): Promise<Outcome<'updateUser'>> {
      const mayTakeAdmin = patch.active === false || patch.privileges?.includes(adminPrivilege) === false;
      const locked = mayTakeAdmin
        ? await lockAmongAdmins(work, userId, adminPrivilege)
        : { standing: 'any' as const, ...(await lockUser(work, userId)) };
      if (locked.kind === 'unknown') return { kind: 'unknown' };
      const before = locked.user;
      if (sinceSeen(before, from) === 'changed') return { kind: 'changed-meanwhile' };
      const user = patched(before, patch);
      if (locked.standing === 'last' && !isAdmin(user, adminPrivilege)) return { kind: 'last-admin' };
      await work.run(
        `UPDATE users SET email = $2, display_name = $3, groups = $4, privileges = $5, active = $6, credential_generation = $7,
          searched = $8, disabled_by = $9 WHERE id = $1`,
        [
          userId,
          user.email,
          user.displayName,
          user.groups,
          user.privileges,
          user.active,
          user.credentialGeneration,
          searchedText(user),
          user.disabledBy,
        ],
      );
      if (before.active && !user.active) {
        await parts.endAllBut(work, userId, null);
        await parts.forgetPending(work, userId, null);
        await parts.forgetDevicesBut(work, userId, null);
        await forgetNetworks(work, userId);
      }
      work.userChanged(userId);
      for (const event of audit) work.audit(event);
      return { kind: 'updated', user };
    },

    /** What hangs on the account goes by its foreign keys, and volatile sessions hang on it as well; answers to its requests have none. */
    async deleteUser(
      work: Work,
      { userId, adminPrivilege, audit }: Argument<'deleteUser'>,
    ): Promise<Outcome<'deleteUser'>> {
      const locked = await lockAmongAdmins(work, userId, adminPrivilege);
      if (locked.kind === 'unknown') return { kind: 'unknown' };
      if (locked.standing === 'last') return { kind: 'last-admin' };
      await work.run('DELETE FROM users WHERE id = $1', [userId]);
      await forgetRequests(work, userId);
      work.userChanged(userId);
      work.audit(audit, locked.user);
      return { kind: 'deleted' };
    },

    /** A session that was ended meanwhile decides nothing any more: its change is superseded like one under an old password. */
    async changePassword(work: Work, change: Argument<'changePassword'>): Promise<Outcome<'changePassword'>> {
      const { userId, fromGeneration, keep, keepDevice, keepNetwork: network } = change;
      if ((await lockInForce(work, userId, fromGeneration)).kind === 'unknown') return { kind: 'superseded' };
      const generation = fromGeneration + 1;
      const renewed = await parts.renewKept(work, { userId, fromGeneration, generation, ...keep });
      if (renewed.kind === 'gone') return { kind: 'superseded' };
      await setPassword(work, userId, generation, change);
      await parts.endOthers(work, userId, keep.id);
      await parts.forgetPending(work, userId, keep.id);
      await parts.forgetDevicesBut(work, userId, keepDevice);
      await forgetNetworks(work, userId);
      await keepNetwork(work, userId, network);
      await putNotice(work, change.notice);
      work.sessionsChanged([renewed.digest]);
      work.userChanged(userId);
      work.audit(change.audit);
      return { kind: 'changed' };
    },

    async rehashPassword(
      work: Work,
      { userId, generation, sealedPassword }: Argument<'rehashPassword'>,
    ): Promise<void> {
      const set = await work.run('UPDATE users SET sealed_password = $3 WHERE id = $1 AND credential_generation = $2', [
        userId,
        generation,
        sealedPassword,
      ]);
      if (set > 0) work.userChanged(userId);
    },
  };
}
