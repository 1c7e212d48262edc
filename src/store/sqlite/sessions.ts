/** Sessions and known devices: opening within their caps, renewing, ending. "Live" is `ends_at > now`, defined by the schema. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, SessionId, UserId } from '../../types.ts';
import type { DeviceRow, SessionRow } from '../rows.ts';
import type { SessionOpening, Store } from '../store.ts';
import type { NetworkParts } from './guessing.ts';
import type { Records } from './records.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** Pieces that operations of other subjects are made of as well. */
export interface SessionParts {
  insert(session: SessionRow): void;
  /** Keeps the device, or notes that a known one was used. */
  keepDevice(device: DeviceRow): void;
  /** Ends one session and those made from it; tells how many. */
  end(id: SessionId): number;
  /** Ends all of a user but `except` and those made from it. The caller notes one change for the user. */
  endAllBut(userId: UserId, except: SessionId | null): void;
  /** Ends all of a user but this very one; what was made from it ends too. The caller notes one change for the user. */
  endOthers(userId: UserId, keep: SessionId): void;
  /** Tickets, challenges and links of the user, and what is on its way for another session than `keep`. */
  forgetPending(userId: UserId, keep: SessionId | null): void;
  forgetDevicesBut(userId: UserId, keep: Digest | null): void;
}

export function sessionParts(db: DatabaseSync, { sessionsChanged }: Records): SessionParts {
  const insert = db.prepare(`
    INSERT INTO sessions (id, digest, user_id, kind, transport, credential_generation, boot_id, parent_id, origin,
      created_at, last_seen_at, idle_ms, expires_at, authenticated_at, address, user_agent)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const upsertDevice = db.prepare(`
    INSERT INTO devices (digest, user_id, created_at, used_at, expires_at) VALUES (?, ?, ?, ?, ?)
    ON CONFLICT (digest) DO UPDATE SET used_at = max(used_at, excluded.used_at) WHERE user_id = excluded.user_id`);
  // Children by name and first: rows that a foreign key takes along are not returned.
  const deleteChildren = db.prepare('DELETE FROM sessions WHERE parent_id = ? RETURNING digest');
  const deleteOne = db.prepare('DELETE FROM sessions WHERE id = ? RETURNING digest');
  const deleteAllBut = db.prepare(`
    DELETE FROM sessions WHERE user_id = ? AND id IS NOT ? AND (parent_id IS NULL OR parent_id IS NOT ?)`);
  const deleteOthers = db.prepare('DELETE FROM sessions WHERE user_id = ? AND id <> ?');
  const deleteTickets = db.prepare('DELETE FROM one_use_tickets WHERE user_id = ?');
  const deletePathTickets = db.prepare('DELETE FROM path_tickets WHERE user_id = ?');
  const deleteChallenges = db.prepare('DELETE FROM challenges WHERE user_id = ?');
  const deleteLinks = db.prepare('DELETE FROM links WHERE user_id = ?');
  const deleteEnrolment = db.prepare('DELETE FROM enrolments WHERE user_id = ? AND session_id IS NOT ?');
  const deleteDevices = db.prepare('DELETE FROM devices WHERE user_id = ? AND digest IS NOT ?');

  return {
    insert: (row) => {
      insert.run(
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
      );
    },
    keepDevice: ({ digest, userId, createdAt, usedAt, expiresAt }) => {
      upsertDevice.run(digest, userId, createdAt, usedAt, expiresAt);
    },
    end: (id) => {
      const digests = [...deleteChildren.all(id), ...deleteOne.all(id)].map(digestOf);
      sessionsChanged(digests);
      return digests.length;
    },
    endAllBut: (userId, except) => {
      deleteAllBut.run(userId, except, except);
    },
    endOthers: (userId, keep) => {
      deleteOthers.run(userId, keep);
    },
    forgetPending: (userId, keep) => {
      deleteTickets.run(userId);
      deletePathTickets.run(userId);
      deleteChallenges.run(userId);
      deleteLinks.run(userId);
      deleteEnrolment.run(userId, keep);
    },
    forgetDevicesBut: (userId, keep) => {
      deleteDevices.run(userId, keep);
    },
  };
}

export function sessionWrites(db: DatabaseSync, noting: Records, parts: SessionParts & NetworkParts) {
  const allowed = db.prepare('SELECT 1 FROM users WHERE id = ? AND active = 1 AND credential_generation = ?');
  const expiredOfKind = db.prepare(
    'SELECT id FROM sessions WHERE user_id = ? AND kind = ? AND transport = ? AND ends_at <= ?',
  );
  const beyondCap = db.prepare(`
    SELECT id FROM sessions WHERE user_id = ? AND kind = ? AND transport = ? ORDER BY created_at DESC, place DESC LIMIT -1 OFFSET ?`);
  const knownDevices = db.prepare(
    'SELECT count(*) AS count, coalesce(max(digest = ?), 0) AS own FROM devices WHERE user_id = ? AND expires_at > ?',
  );
  const dropExpiredDevices = db.prepare('DELETE FROM devices WHERE user_id = ? AND expires_at <= ?');
  const dropDevicesBeyondCap = db.prepare(`
    DELETE FROM devices WHERE digest IN
      (SELECT digest FROM devices WHERE user_id = ? ORDER BY digest = ? DESC, used_at DESC, created_at DESC LIMIT -1 OFFSET ?)`);
  const renew = db.prepare(`
    UPDATE sessions SET digest = ?, authenticated_at = ?, reauthentication_failures = 0
    WHERE id = ? AND digest = ? AND ends_at > ? AND EXISTS
      (SELECT 1 FROM users WHERE users.id = sessions.user_id AND active = 1 AND users.credential_generation = sessions.credential_generation)`);
  const countFailure = db.prepare(`
    UPDATE sessions SET reauthentication_failures = reauthentication_failures + 1 WHERE id = ? RETURNING reauthentication_failures AS failures`);
  const touch = db.prepare(`
    UPDATE sessions SET last_seen_at = ?1 WHERE id = ?2 AND last_seen_at < ?1 AND ends_at > ?1`);
  const ofUser = db.prepare('SELECT 1 FROM sessions WHERE id = ? AND user_id = ?');
  const endTickets = db.prepare('UPDATE users SET ticket_generation = ticket_generation + 1 WHERE id = ?');
  const countLiveBut = db.prepare(`
    SELECT count(*) AS count FROM sessions WHERE user_id = ? AND ends_at > ? AND id IS NOT ? AND (parent_id IS NULL OR parent_id IS NOT ?)`);

  const keepDeviceWithin = (device: DeviceRow, cap: number): void => {
    parts.keepDevice(device);
    dropExpiredDevices.run(device.userId, device.usedAt);
    dropDevicesBeyondCap.run(device.userId, device.digest, cap);
  };

  return {
    openSession(given: SessionOpening): Outcome<'openSession'> {
      const { opening, device, deviceCap, network, attempt, audit, newDevice } = given;
      const { session, cap } = opening;
      const { userId, kind, transport, createdAt } = session;
      if (allowed.get(userId, session.credentialGeneration) === undefined) return { kind: 'superseded' };
      for (const row of expiredOfKind.all(userId, kind, transport, createdAt)) parts.end(idOf(row));
      for (const row of beyondCap.all(userId, kind, transport, Math.max(cap - 1, 0))) parts.end(idOf(row));
      parts.insert(session);
      if (device !== null) {
        const known = knownDevices.get(device.digest, userId, createdAt);
        if (newDevice !== null && Number(known?.['count']) > 0 && known?.['own'] === 0) noting.notice(newDevice);
        keepDeviceWithin(device, deviceCap);
      }
      parts.keepNetwork(userId, network);
      noting.attempt(attempt);
      noting.audit(audit);
      return { kind: 'opened' };
    },

    renewSession({
      id,
      fromDigest,
      digest,
      authenticatedAt,
      audit,
    }: Argument<'renewSession'>): Outcome<'renewSession'> {
      if (renew.run(digest, authenticatedAt, id, fromDigest, authenticatedAt).changes === 0) return { kind: 'gone' };
      noting.sessionsChanged([fromDigest]);
      noting.audit(audit);
      return { kind: 'renewed' };
    },

    /** The audit event tells of the end, so it is written only then. */
    countReauthenticationFailure({
      id,
      limit,
      audit,
    }: Argument<'countReauthenticationFailure'>): Outcome<'countReauthenticationFailure'> {
      const counted = countFailure.get(id);
      if (counted === undefined) return { kind: 'ended' };
      if (Number(counted['failures']) < limit) return { kind: 'counted' };
      parts.end(id);
      noting.audit(audit);
      return { kind: 'ended' };
    },

    touchSessions(touches: Argument<'touchSessions'>): void {
      for (const { id, lastSeenAt } of touches) touch.run(lastSeenAt, id);
    },

    endSession({ id, userId, audit }: Argument<'endSession'>): Outcome<'endSession'> {
      if (ofUser.get(id, userId) === undefined) return { kind: 'unknown' };
      parts.end(id);
      noting.audit(audit);
      return { kind: 'ended' };
    },

    /** One change for the user covers all sessions: what is cached of a session hangs on its user. */
    endSessions({ userId, except, audit }: Argument<'endSessions'>): Outcome<'endSessions'> {
      const ended = Number(countLiveBut.get(userId, audit.at, except, except)?.['count']);
      parts.endAllBut(userId, except);
      endTickets.run(userId);
      noting.userChanged(userId);
      noting.audit(audit);
      return { ended };
    },
  };
}

function idOf(row: Record<string, unknown>): SessionId {
  return row['id'] as SessionId;
}

function digestOf(row: Record<string, unknown>): Digest {
  return row['digest'] as Digest;
}
