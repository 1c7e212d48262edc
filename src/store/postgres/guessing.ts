/** What outlives a restart of the limits on guessing: counters, networks a user is known in, wrong secrets of a device. */
import type { UserId } from '../../types.ts';
import type { LimitRow, LimitsWritten, NetworkUse } from '../rows.ts';
import type { Store } from '../store.ts';
import { lockUser } from './accounts/user-rows.ts';
import { countAttempt } from './records.ts';
import type { Database } from './server/database.ts';
import type { Work } from './work.ts';

/** Further than clocks of nodes are apart, and much less than any window lasts. */
const sameEndMs = 2000;

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Keeps the network, or notes its use; of one user the one used longest ago gives way. */
export async function keepNetwork(work: Work, userId: UserId, { network, at, cap }: NetworkUse): Promise<void> {
  await work.run(
    `INSERT INTO known_networks (user_id, network, used_at) VALUES ($1, $2, $3)
    ON CONFLICT (user_id, network) DO UPDATE SET used_at = GREATEST(known_networks.used_at, excluded.used_at)`,
    [userId, network, at],
  );
  await work.run(
    `DELETE FROM known_networks WHERE user_id = $1 AND network IN (SELECT network FROM known_networks
      WHERE user_id = $1 ORDER BY network = $2 DESC, used_at DESC OFFSET $3)`,
    [userId, network, cap],
  );
}

export async function forgetNetworks(work: Work, userId: UserId): Promise<void> {
  await work.run('DELETE FROM known_networks WHERE user_id = $1', [userId]);
}

export const guessingWrites = {
  /**
   * In the order of their keys, as every node takes them. A state that lasts less long than what is there came late. The
   * same window ends a little sooner or later by each node's clock: of two that end together the one that counts more
   * stays, which the limiter's states tell when they are compared number by number. Windows that two nodes began apart
   * cannot be told from a newer one: the later one stays, and each node has its own in memory until they count together.
   */
  async writeLimits(work: Work, { put, drop, lifted }: LimitsWritten): Promise<void> {
    if (lifted !== undefined) work.changed({ kind: 'limits', lifted });
    if (drop.length > 0) await work.run('DELETE FROM limits WHERE key = ANY ($1)', [drop]);
    const sorted = put.toSorted((a, b) => (a.key < b.key ? -1 : 1));
    if (sorted.length === 0) return;
    await work.run(
      `INSERT INTO limits (key, state, ends_at) SELECT * FROM unnest($1::text[], $2::text[], $3::bigint[])
      ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at
      WHERE excluded.ends_at > limits.ends_at + $4
        OR (excluded.ends_at >= limits.ends_at - $4 AND excluded.state::jsonb >= limits.state::jsonb)`,
      [sorted.map(({ key }) => key), sorted.map(({ state }) => state), sorted.map(({ endsAt }) => endsAt), sameEndMs],
    );
  },

  async noteAccepted(work: Work, { userId, network, attempt, audit }: Argument<'noteAccepted'>): Promise<void> {
    if ((await lockUser(work, userId)).kind === 'unknown') return;
    await keepNetwork(work, userId, network);
    await countAttempt(work, attempt);
    work.audit(audit);
  },

  /** The audit event tells of the end, so it is written only then. */
  async countDeviceFailure(
    work: Work,
    { digest, limit, audit }: Argument<'countDeviceFailure'>,
  ): Promise<Outcome<'countDeviceFailure'>> {
    const [counted] = await work.rows(
      'UPDATE devices SET failures = failures + 1 WHERE digest = $1 RETURNING failures',
      [digest],
    );
    if (counted === undefined) return { kind: 'ended' };
    if (Number(counted['failures']) < limit) return { kind: 'counted' };
    await work.run('DELETE FROM devices WHERE digest = $1', [digest]);
    work.audit(audit);
    return { kind: 'ended' };
  },
};

export function guessingReads(db: Database) {
  return {
    limits: async (at: Argument<'limits'>): Promise<readonly LimitRow[]> =>
      (await db.rows('SELECT key, state, ends_at AS "endsAt" FROM limits WHERE ends_at > $1', [
        at,
      ])) as unknown as readonly LimitRow[],
    networkStanding: async ({
      userId,
      network,
      since,
    }: Argument<'networkStanding'>): Promise<Outcome<'networkStanding'>> => {
      const [row] = await db.rows(
        'SELECT bool_or(user_id = $1) AS own FROM known_networks WHERE network = $2 AND used_at > $3',
        [userId ?? '', network, since],
      );
      const own = row?.['own'] ?? null;
      if (own === null) return { kind: 'never-seen' };
      return { kind: own === true ? 'known' : 'seen-before' };
    },
  };
}
