/** What outlives a restart of the limits on guessing: counters, networks a user is known in, wrong secrets of a device. */
import type { DatabaseSync } from 'node:sqlite';
import type { UserId } from '../../types.ts';
import type { LimitRow, LimitsWritten, NetworkUse } from '../rows.ts';
import type { Store } from '../store.ts';
import type { Records } from './records.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Pieces that operations of other subjects are made of as well. */
export interface NetworkParts {
  /** Keeps the network, or notes its use; of one user the one used longest ago gives way. */
  keepNetwork(userId: UserId, use: NetworkUse): void;
  forgetNetworks(userId: UserId): void;
}

export function networkParts(db: DatabaseSync): NetworkParts {
  const upsert = db.prepare(`
    INSERT INTO known_networks (user_id, network, used_at) VALUES (?, ?, ?)
    ON CONFLICT (user_id, network) DO UPDATE SET used_at = max(used_at, excluded.used_at)`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM known_networks WHERE user_id = ?1 AND network IN
      (SELECT network FROM known_networks WHERE user_id = ?1 ORDER BY network = ?2 DESC, used_at DESC LIMIT -1 OFFSET ?3)`);
  const forget = db.prepare('DELETE FROM known_networks WHERE user_id = ?');
  return {
    keepNetwork: (userId, { network, at, cap }) => {
      upsert.run(userId, network, at);
      dropBeyondCap.run(userId, network, cap);
    },
    forgetNetworks: (userId) => void forget.run(userId),
  };
}

export function guessingWrites(db: DatabaseSync, noting: Records, parts: NetworkParts) {
  const user = db.prepare('SELECT 1 FROM users WHERE id = ?');
  const put = db.prepare(`
    INSERT INTO limits (key, state, ends_at) VALUES (?, ?, ?)
    ON CONFLICT (key) DO UPDATE SET state = excluded.state, ends_at = excluded.ends_at`);
  const drop = db.prepare('DELETE FROM limits WHERE key = ?');
  const countFailure = db.prepare('UPDATE devices SET failures = failures + 1 WHERE digest = ? RETURNING failures');
  const forgetDevice = db.prepare('DELETE FROM devices WHERE digest = ?');

  return {
    writeLimits(written: LimitsWritten): void {
      for (const key of written.drop) drop.run(key);
      for (const { key, state, endsAt } of written.put) put.run(key, state, endsAt);
    },

    noteAccepted({ userId, network, attempt, audit }: Argument<'noteAccepted'>): void {
      if (user.get(userId) === undefined) return;
      parts.keepNetwork(userId, network);
      noting.attempt(attempt);
      noting.audit(audit);
    },

    /** The audit event tells of the end, so it is written only then. */
    countDeviceFailure({ digest, limit, audit }: Argument<'countDeviceFailure'>): Outcome<'countDeviceFailure'> {
      const counted = countFailure.get(digest);
      if (counted === undefined) return { kind: 'ended' };
      if (Number(counted['failures']) < limit) return { kind: 'counted' };
      forgetDevice.run(digest);
      noting.audit(audit);
      return { kind: 'ended' };
    },
  };
}

export function guessingReads(db: DatabaseSync) {
  const limits = db.prepare('SELECT key, state, ends_at AS endsAt FROM limits WHERE ends_at > ?');
  const known = db.prepare(`
    SELECT max(user_id = ?) AS own FROM known_networks WHERE network = ? AND used_at > ? HAVING count(*) > 0`);
  return {
    limits: (at: Argument<'limits'>): readonly LimitRow[] =>
      limits.all(at).map((row) => ({ ...row }) as unknown as LimitRow),
    networkStanding: ({ userId, network, since }: Argument<'networkStanding'>): Outcome<'networkStanding'> => {
      const row = known.get(userId ?? '', network, since);
      if (row === undefined) return { kind: 'never-seen' };
      return { kind: row['own'] === 1 ? 'known' : 'seen-before' };
    },
  };
}
