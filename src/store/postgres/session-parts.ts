/**
 * The pieces that operations on sessions and devices are made of. A session is a row, or lies with the volatile ones; every
 * piece looks in both places. "Live" is `ends_at > now`, defined by the schema.
 */
import type { Digest, Millis, SessionId, UserId } from '../../types.ts';
import type { DeviceRow, SessionRow } from '../rows.ts';
import type { VolatileLookup, VolatileSessions } from '../volatile-sessions.ts';
import type { Work } from './work.ts';
import { markEnded, raiseEpoch, raiseEpochAround, standingAt } from './volatile.ts';

/** Longest that any session lasts. */
const yearMs = 366 * 86_400_000;
/** A mark stays a day longer than what it speaks of: so far back a clock may be set. */
const dayMs = 86_400_000;

/** The session that stays when a password changes, as it is from then on. */
interface Kept {
  readonly id: SessionId;
  readonly userId: UserId;
  readonly fromGeneration: number;
  readonly generation: number;
  readonly digest: Digest;
  readonly authenticatedAt: Millis;
}

/** The session that stays when factors change. */
export interface Remaining {
  readonly id: SessionId;
  /** What a volatile one was written under; null for a row. */
  readonly writtenUnder: number | null;
}

/** Pieces that operations of other subjects are made of as well. Each is called under the user's lock. */
export interface SessionParts {
  insert(work: Work, session: SessionRow): Promise<void>;
  /** Keeps the device, or notes that a known one was used. */
  keepDevice(work: Work, device: DeviceRow): Promise<void>;
  /** A volatile session under a new digest; the old one is dead. */
  replace(
    work: Work,
    session: SessionRow,
    by: Pick<SessionRow, 'digest' | 'authenticatedAt'> & Partial<Pick<SessionRow, 'credentialGeneration'>>,
  ): Promise<void>;
  /**
   * Ends one of the user's and those made from it, wherever it lies; one that is out of reach is over all the same.
   * `shown`: the caller holds it under that digest, so there is one even if the place it lay in has lost it.
   */
  end(work: Work, id: SessionId, userId: UserId, shown?: Digest): Promise<{ readonly kind: 'unknown' | 'ended' }>;
  /** Ends all of a user but `except` and those made from it. The caller notes one change for the user. */
  endAllBut(work: Work, userId: UserId, except: SessionId | null): Promise<void>;
  /** Ends all of a user but this very one; what was made from it ends too. The caller notes one change for the user. */
  endOthers(work: Work, userId: UserId, keep: SessionId): Promise<void>;
  /** Gives its former digest. */
  renewKept(
    work: Work,
    kept: Kept,
  ): Promise<{ readonly kind: 'gone' } | { readonly kind: 'renewed'; readonly digest: Digest }>;
  /** Whether a session may outlast a change of factors: it is live, and no `app` session. Changes nothing. */
  mayStay(
    work: Work,
    asked: { readonly id: SessionId; readonly userId: UserId; readonly generation: number; readonly at: Millis },
  ): Promise<{ readonly kind: 'gone' } | { readonly kind: 'stays'; readonly remaining: Remaining }>;
  /** Ends all of a user but that one, which goes on under the new generation and its own digest. The caller notes one change for the user. */
  carryOver(work: Work, userId: UserId, remaining: Remaining, generation: number): Promise<void>;
  /** Tickets, challenges and links of the user, and what is on its way for another session than `keep`. */
  forgetPending(work: Work, userId: UserId, keep: SessionId | null): Promise<void>;
  forgetDevicesBut(work: Work, userId: UserId, keep: Digest | null): Promise<void>;
}

export function sessionParts(volatile: VolatileSessions): SessionParts {
  const insertRow = async (work: Work, row: SessionRow): Promise<void> => {
    await work.run(
      `INSERT INTO sessions (id, digest, user_id, kind, transport, credential_generation, boot_id, parent_id, origin,
        created_at, last_seen_at, idle_ms, expires_at, authenticated_at, address, user_agent)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)`,
      [
        row.id,
        row.digest,
        row.userId,
        row.kind,
        row.transport,
        row.credentialGeneration,
        row.bootId,
        row.parentId,
        row.origin,
        row.createdAt,
        row.lastSeenAt,
        row.idleMs,
        row.expiresAt,
        row.authenticatedAt,
        row.address,
        row.userAgent,
      ],
    );
  };

  const epochOf = async (work: Work, userId: UserId): Promise<number> => {
    const [row] = await work.rows('SELECT volatile_epoch AS epoch FROM users WHERE id = $1', [userId]);
    return Number(row?.['epoch']);
  };

  const insert = async (work: Work, session: SessionRow): Promise<void> => {
    // What an `app` session was made from may be a row or not; it is a row itself.
    if (session.bootId !== '' && session.parentId === null) {
      const kept = await volatile.keep({ session, epoch: await epochOf(work, session.userId) });
      if (kept.kind === 'kept') return;
      // A row from now on; a copy that came to lie there all the same opens nothing.
      if (kept.kind === 'away') await markEnded(work, session.digest, session.userId, session.expiresAt + dayMs);
    }
    await insertRow(work, session);
  };

  const replace: SessionParts['replace'] = async (work, session, by) => {
    await insert(work, { ...session, ...by });
    await markEnded(work, session.digest, session.userId, session.expiresAt + dayMs);
    // Only once it is done: what is taken back must be found as it was.
    work.after(async () => {
      await volatile.point(session.id, by.digest);
      await volatile.drop([session.digest]);
    });
  };

  const inAYear = async (work: Work): Promise<number> => {
    const [now] = await work.rows('SELECT (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS at');
    return Number(now?.['at']) + yearMs;
  };

  return {
    insert,
    replace,
    keepDevice: async (work, { digest, userId, createdAt, usedAt, expiresAt }) => {
      await work.run(
        `INSERT INTO devices (digest, user_id, created_at, used_at, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (digest) DO UPDATE SET used_at = GREATEST(devices.used_at, excluded.used_at)
        WHERE devices.user_id = excluded.user_id`,
        [digest, userId, createdAt, usedAt, expiresAt],
      );
    },
    end: async (work, id, userId, shown) => {
      // Locked first: a session made from it in the same moment is there by the next statement, or is not made any more.
      const rows = await work.rows('SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2 FOR UPDATE', [id, userId]);
      const lookup: VolatileLookup = rows.length === 0 ? await volatile.byId(id) : { kind: 'unknown' };
      if (lookup.kind === 'found' && lookup.found.session.userId !== userId) return { kind: 'unknown' };
      const ended = await work.rows(
        'DELETE FROM sessions WHERE user_id = $2 AND (id = $1 OR parent_id = $1) RETURNING digest',
        [id, userId],
      );
      await work.run('DELETE FROM one_use_tickets WHERE session_id = $1 AND user_id = $2', [id, userId]);
      work.sessionsChanged(ended.map(({ digest }) => digest as Digest));
      if (rows.length > 0) return { kind: 'ended' };
      // Under which digests nodes have it in memory nobody can say for certain: all that hangs on the user goes from there.
      if (lookup.kind !== 'unknown' || shown !== undefined || ended.length > 0) work.userChanged(userId);
      if (shown !== undefined) {
        await markEnded(work, shown, userId, await inAYear(work));
        work.sessionsChanged([shown]);
      }
      switch (lookup.kind) {
        case 'found': {
          const { digest, expiresAt } = lookup.found.session;
          await markEnded(work, id, userId, expiresAt + dayMs);
          work.sessionsChanged([digest]);
          work.after(() => volatile.drop([digest]));
          return { kind: 'ended' };
        }
        case 'away':
          await markEnded(work, id, userId, await inAYear(work));
          return { kind: 'ended' };
        case 'unknown':
          if (shown === undefined) return { kind: ended.length > 0 ? 'ended' : 'unknown' };
          await markEnded(work, id, userId, await inAYear(work));
          return { kind: 'ended' };
      }
    },
    endAllBut: async (work, userId, except) => {
      await raiseEpoch(work, userId, except);
      await work.run(`DELETE FROM one_use_tickets WHERE user_id = $1 AND session_id IS DISTINCT FROM $2`, [
        userId,
        except,
      ]);
      await work.run(
        `DELETE FROM sessions WHERE user_id = $1 AND id IS DISTINCT FROM $2 AND parent_id IS DISTINCT FROM coalesce($2, '')`,
        [userId, except],
      );
    },
    endOthers: async (work, userId, keep) => {
      await raiseEpochAround(work, userId, keep, null);
      await work.run('DELETE FROM sessions WHERE user_id = $1 AND id <> $2', [userId, keep]);
    },
    mayStay: async (work, { id, userId, generation, at }) => {
      const [row] = await work.rows(
        `SELECT 1 FROM sessions
        WHERE id = $1 AND user_id = $2 AND credential_generation = $3 AND parent_id IS NULL AND ends_at > $4 FOR UPDATE`,
        [id, userId, generation, at],
      );
      if (row !== undefined) return { kind: 'stays', remaining: { id, writtenUnder: null } };
      const lookup = await volatile.byId(id);
      const stands = await standingAt(work, lookup, userId, at);
      if (stands.kind === 'gone' || lookup.kind !== 'found') return { kind: 'gone' };
      return { kind: 'stays', remaining: { id, writtenUnder: lookup.found.session.credentialGeneration } };
    },
    carryOver: async (work, userId, { id, writtenUnder }, generation) => {
      await raiseEpochAround(work, userId, id, writtenUnder);
      await work.run('DELETE FROM sessions WHERE user_id = $1 AND id <> $2', [userId, id]);
      await work.run('UPDATE sessions SET credential_generation = $2 WHERE id = $1', [id, generation]);
    },
    renewKept: async (work, { id, userId, fromGeneration, generation, digest, authenticatedAt }) => {
      const [row] = await work.rows(
        `SELECT digest FROM sessions
        WHERE id = $1 AND user_id = $2 AND credential_generation = $3 AND parent_id IS NULL AND ends_at > $4 FOR UPDATE`,
        [id, userId, fromGeneration, authenticatedAt],
      );
      if (row !== undefined) {
        await work.run(
          `UPDATE sessions SET digest = $2, authenticated_at = $3, credential_generation = $4, reauthentication_failures = 0
          WHERE id = $1`,
          [id, digest, authenticatedAt, generation],
        );
        return { kind: 'renewed', digest: row['digest'] as Digest };
      }
      const stands = await standingAt(work, await volatile.byId(id), userId, authenticatedAt);
      if (stands.kind === 'gone') return stands;
      await replace(work, stands.found.session, { digest, authenticatedAt, credentialGeneration: generation });
      return { kind: 'renewed', digest: stands.found.session.digest };
    },
    forgetPending: async (work, userId, keep) => {
      await work.run('DELETE FROM one_use_tickets WHERE user_id = $1', [userId]);
      await work.run('DELETE FROM path_tickets WHERE user_id = $1', [userId]);
      await work.run('DELETE FROM challenges WHERE user_id = $1', [userId]);
      await work.run('DELETE FROM links WHERE user_id = $1', [userId]);
      await work.run('DELETE FROM enrolments WHERE user_id = $1 AND session_id IS DISTINCT FROM $2', [userId, keep]);
    },
    forgetDevicesBut: async (work, userId, keep) => {
      await work.run('DELETE FROM devices WHERE user_id = $1 AND digest IS DISTINCT FROM $2', [userId, keep]);
    },
  };
}
