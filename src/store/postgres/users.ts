/** Accounts: whatever raises a generation or alters what may be cached of a user. */
import type { UserId } from '../../types.ts';
import type { UserRow } from '../rows.ts';
import type { Store } from '../store.ts';
import { forgetNetworks, keepNetwork } from './guessing.ts';
import type { Work } from './work.ts';
import type { SessionParts } from './session-parts.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Adds an account, unless its name is taken. */
export async function insertUser(work: Work, user: UserRow): Promise<{ readonly kind: 'name-taken' | 'created' }> {
  const inserted = await work.run(
    `INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, credential_generation, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10) ON CONFLICT (username) DO NOTHING`,
    [
      user.id,
      user.username,
      user.displayName,
      user.email,
      user.privileges,
      user.groups,
      user.active,
      user.sealedPassword,
      user.credentialGeneration,
      user.createdAt,
    ],
  );
  return inserted === 0 ? { kind: 'name-taken' } : { kind: 'created' };
}

/**
 * Everything done to one user's sessions, tickets and devices happens one after another, whatever node asks for it: each
 * such operation takes this lock first.
 */
export async function lockUser(
  work: Work,
  id: UserId,
): Promise<
  { readonly kind: 'unknown' } | { readonly kind: 'locked'; readonly active: boolean; readonly generation: number }
> {
  const [row] = await work.rows(
    'SELECT active, credential_generation AS generation FROM users WHERE id = $1 FOR NO KEY UPDATE',
    [id],
  );
  return row === undefined
    ? { kind: 'unknown' }
    : { kind: 'locked', active: row['active'] === true, generation: Number(row['generation']) };
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

    async setUserActive(
      work: Work,
      { userId, active, audit }: Argument<'setUserActive'>,
    ): Promise<Outcome<'setUserActive'>> {
      const set = await work.run(
        `UPDATE users SET active = $2, credential_generation = credential_generation + CASE WHEN $2 THEN 0 ELSE 1 END
        WHERE id = $1`,
        [userId, active],
      );
      if (set === 0) return { kind: 'unknown' };
      if (!active) {
        await parts.endAllBut(work, userId, null);
        await parts.forgetTickets(work, userId);
        await parts.forgetDevicesBut(work, userId, null);
        await forgetNetworks(work, userId);
      }
      work.userChanged(userId);
      work.audit(audit);
      return { kind: 'set' };
    },

    async setPrivileges(
      work: Work,
      { userId, privileges, audit }: Argument<'setPrivileges'>,
    ): Promise<Outcome<'setPrivileges'>> {
      const set = await work.run('UPDATE users SET privileges = $2 WHERE id = $1', [userId, privileges]);
      if (set === 0) return { kind: 'unknown' };
      work.userChanged(userId);
      work.audit(audit);
      return { kind: 'set' };
    },

    /** A session that was ended meanwhile decides nothing any more: its change is superseded like one under an old password. */
    async changePassword(work: Work, change: Argument<'changePassword'>): Promise<Outcome<'changePassword'>> {
      const { userId, fromGeneration, sealedPassword, keep, keepDevice, keepNetwork: network, audit } = change;
      const user = await lockUser(work, userId);
      if (user.kind === 'unknown' || !user.active || user.generation !== fromGeneration) return { kind: 'superseded' };
      const generation = fromGeneration + 1;
      const renewed = await parts.renewKept(work, { userId, fromGeneration, generation, ...keep });
      if (renewed.kind === 'gone') return { kind: 'superseded' };
      await work.run('UPDATE users SET sealed_password = $2, credential_generation = $3 WHERE id = $1', [
        userId,
        sealedPassword,
        generation,
      ]);
      await parts.endOthers(work, userId, keep.id);
      await parts.forgetTickets(work, userId);
      await parts.forgetDevicesBut(work, userId, keepDevice);
      await forgetNetworks(work, userId);
      await keepNetwork(work, userId, network);
      work.sessionsChanged([renewed.digest]);
      work.userChanged(userId);
      work.audit(audit);
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
