/**
 * Reads: each one statement, and so one moment in time. Tables of one row are asked for by their key: else the planner takes
 * them for large, and prepares for a great deal of work.
 */
import type { KeyRow } from '../../crypto/keyring.ts';
import { keyReads } from './keys.ts';
import type { Digest, Seq } from '../../types.ts';
import type { AttemptRow, Change, ChangeSubject, DeviceRow, Installation, SessionRow, UserRow } from '../rows.ts';
import type { SessionLookup, Store } from '../store.ts';
import type { VolatileSessions } from '../volatile-sessions.ts';
import { accountReads } from './accounts/reads.ts';
import { userColumns, userOf } from './accounts/user-rows.ts';
import { auditReads } from './audit.ts';
import type { Database, Row } from './server/database.ts';
import { guessingReads } from './guessing.ts';
import type { News } from './server/news.ts';
import { signedTicketReads } from './tokens/signed-tickets.ts';
import { tokenReads } from './tokens/reads.ts';
import { endsAt, groundColumns, marksOf, outOfReach, standing, standingOnes } from './volatile.ts';

type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

const sessionColumns = `
  s.id, s.digest, s.user_id AS "userId", s.kind, s.transport, s.credential_generation AS "credentialGeneration",
  s.boot_id AS "bootId", s.parent_id AS "parentId", s.origin, s.created_at AS "createdAt", s.last_seen_at AS "lastSeenAt",
  s.idle_ms AS "idleMs", s.expires_at AS "expiresAt", s.authenticated_at AS "authenticatedAt", s.address, s.user_agent AS "userAgent"`;
const deviceColumns =
  'digest, user_id AS "userId", created_at AS "createdAt", used_at AS "usedAt", expires_at AS "expiresAt"';

export function reads(db: Database, news: Pick<News, 'rows'>, chain: string, volatile: VolatileSessions) {
  /** The last change that was read, and its tag; null where its row was gone by then. */
  let readUpTo: { readonly seq: Seq; readonly tag: string | null } = { seq: -1 as Seq, tag: null };

  /** The database says who that is and whether it still stands, in the moment whose number is remembered with it. */
  const volatileByDigest = async (digest: Digest): Promise<SessionLookup> => {
    const lookup = await volatile.byDigest(digest);
    if (lookup.kind === 'away') throw outOfReach();
    const candidates = lookup.kind === 'found' ? [lookup.found] : [];
    const [row] = await db.rows(
      `SELECT c.seq, ${userColumns}, ${groundColumns} FROM change_counter AS c
      LEFT JOIN users AS u ON u.id = $2 WHERE c.one = 1`,
      [marksOf(candidates), lookup.kind === 'found' ? lookup.found.session.userId : ''],
    );
    if (row === undefined) throw counterGone();
    const seq = row['seq'] as Seq;
    if (lookup.kind === 'unknown' || row['u_id'] === null) return { kind: 'unknown', seq };
    const stands = standing(lookup.found, row);
    return stands.kind === 'over'
      ? { kind: 'unknown', seq }
      : { kind: 'found', session: stands.session, user: userOf(row), seq };
  };

  return {
    ...accountReads(db),
    ...guessingReads(db),
    ...auditReads(db, chain),
    ...tokenReads(db),
    ...signedTicketReads(db),

    installation: async (): Promise<Outcome<'installation'>> => {
      const [row] = await db.rows(
        `SELECT c.seq, i.id, i.state, i.boot_id AS "bootId", i.canary FROM change_counter AS c
        LEFT JOIN installation AS i ON i.one = 1 WHERE c.one = 1`,
      );
      if (row === undefined) throw counterGone();
      const { seq, id, state, bootId, canary } = row;
      if (id === null) return { kind: 'empty' };
      return { kind: 'found', installation: { id, state, bootId, canary } as Installation, seq: seq as Seq };
    },

    setupCode: async (...[digest, at]: Parameters<Store['setupCode']>): Promise<Outcome<'setupCode'>> => {
      const [row] = await db.rows(
        `SELECT i.state IN ('fresh', 'declined') AS open,
          EXISTS (SELECT 1 FROM setup_codes WHERE digest = $1 AND expires_at > $2) AS good
        FROM installation AS i WHERE i.one = 1`,
        [digest, at],
      );
      if (row?.['open'] === false) return { kind: 'already-configured' };
      return { kind: row?.['good'] === true ? 'valid' : 'invalid' };
    },

    sessionByDigest: async (...[digest, which]: Parameters<Store['sessionByDigest']>): Promise<SessionLookup> => {
      const [row] = await db.rows(
        `SELECT c.seq, s.*, ${userColumns} FROM change_counter AS c
        LEFT JOIN (SELECT ${sessionColumns} FROM sessions AS s WHERE s.digest = $1) AS s ON true
        LEFT JOIN users AS u ON u.id = s."userId" WHERE c.one = 1`,
        [digest],
      );
      if (row === undefined) throw counterGone();
      if (row['id'] === null)
        return which === 'durable' ? { kind: 'unknown', seq: row['seq'] as Seq } : volatileByDigest(digest);
      return { kind: 'found', session: sessionOf(row), user: userOf(row), seq: row['seq'] as Seq };
    },

    sessionsOf: async (...[userId, at]: Parameters<Store['sessionsOf']>): Promise<Outcome<'sessionsOf'>> => {
      const rows = await db.rows(
        `SELECT ${sessionColumns} FROM sessions AS s
        JOIN users AS u ON u.id = s.user_id AND u.active AND u.credential_generation = s.credential_generation
        WHERE s.user_id = $1 AND s.ends_at > $2 ORDER BY s.created_at DESC, s.place DESC`,
        [userId, at],
      );
      const others = (await volatile.ofUser(userId)).filter((each) => endsAt(each) > at);
      const standingOthers = await standingOnes({ rows: db.rows }, userId, others);
      return [...rows.map(sessionOf), ...standingOthers.map(({ session }) => session)].sort(
        (a, b) => b.createdAt - a.createdAt,
      );
    },

    liveSessions: async (at: Parameters<Store['liveSessions']>[0]): Promise<number> => {
      const [row] = await db.rows('SELECT count(*) AS count FROM sessions WHERE ends_at > $1', [at]);
      return Number(row?.['count']) + (await volatile.live(at));
    },

    deviceByDigest: async (
      ...[digest, at]: Parameters<Store['deviceByDigest']>
    ): Promise<Outcome<'deviceByDigest'>> => {
      const [row] = await db.rows(`SELECT ${deviceColumns} FROM devices WHERE digest = $1 AND expires_at > $2`, [
        digest,
        at,
      ]);
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', device: row as unknown as DeviceRow };
    },

    devicesOf: async (...[userId, at]: Parameters<Store['devicesOf']>): Promise<Outcome<'devicesOf'>> =>
      (await db.rows(
        `SELECT ${deviceColumns} FROM devices WHERE user_id = $1 AND expires_at > $2 ORDER BY used_at DESC, created_at DESC`,
        [userId, at],
      )) as unknown as readonly DeviceRow[],

    attempts: async (...[{ userId, limit, before }]: Parameters<Store['attempts']>): Promise<Outcome<'attempts'>> => {
      const rows = await db.rows(
        `SELECT id, nullif(user_id, '') AS "userId", address, way, result, first_at AS "firstAt", last_at AS "lastAt", count
        FROM attempts WHERE last_at < $1 AND ($2::text IS NULL OR user_id = $2)
        ORDER BY last_at DESC, id DESC LIMIT $3`,
        [before ?? Number.MAX_SAFE_INTEGER, userId, limit],
      );
      return rows as unknown as readonly AttemptRow[];
    },

    ...keyReads(db),
    keys: async (): Promise<readonly KeyRow[]> =>
      (await db.rows(
        'SELECT id, purpose, sealed, created_at AS "createdAt", used_from AS "usedFrom" FROM keys ORDER BY created_at, id',
      )) as unknown as readonly KeyRow[],

    /** Over the connection that waits for nothing else. The last change that was read comes once more, to be compared. */
    changesSince: async (seq: Seq): Promise<Outcome<'changesSince'>> => {
      const rows = await news.rows(
        `SELECT c.seq AS last, c.kept_after AS "keptAfter", x.seq, x.kind, x.subject, x.tag
        FROM change_counter AS c LEFT JOIN changes AS x ON x.seq >= $1 WHERE c.one = 1 ORDER BY x.seq`,
        [seq],
      );
      if (rows[0] === undefined) throw counterGone();
      const { last, keptAfter } = rows[0] as unknown as { last: Seq; keptAfter: Seq };
      const again = rows.find((row) => row['seq'] === seq);
      const same =
        readUpTo.seq !== seq || readUpTo.tag === null || again === undefined || again['tag'] === readUpTo.tag;
      const newest = rows.at(-1);
      readUpTo = { seq: last, tag: newest?.['seq'] === last ? String(newest['tag']) : null };
      // A reader ahead of the counter has seen another database: before a backup was restored, or before a failover that
      // lost something. Where others have gone on since, that change has another tag.
      if (seq < keptAfter || seq > last || !same) return { kind: 'lost', last };
      return {
        kind: 'changes',
        changes: rows.filter((row) => row['seq'] !== null && row['seq'] !== seq).map(changeOf),
        last,
      };
    },
  };
}

function counterGone(): Error {
  return new Error('the row of the change counter is gone');
}

function sessionOf(row: Row): SessionRow {
  return {
    id: row['id'],
    digest: row['digest'],
    userId: row['userId'],
    kind: row['kind'],
    transport: row['transport'],
    credentialGeneration: row['credentialGeneration'],
    bootId: row['bootId'],
    parentId: row['parentId'],
    origin: row['origin'],
    createdAt: row['createdAt'],
    lastSeenAt: row['lastSeenAt'],
    idleMs: row['idleMs'],
    expiresAt: row['expiresAt'],
    authenticatedAt: row['authenticatedAt'],
    address: row['address'],
    userAgent: row['userAgent'],
  } as SessionRow;
}

function changeOf(row: Row): Change {
  return { seq: row['seq'] as Seq, subject: subjectOf(String(row['kind']), String(row['subject'])) };
}

function subjectOf(kind: string, subject: string): ChangeSubject {
  switch (kind) {
    case 'user':
      return { kind, userId: subject as UserRow['id'] };
    case 'session':
      return { kind, digest: subject as Digest };
    case 'limits':
      return { kind, lifted: subject };
    default:
      return { kind: 'installation' };
  }
}
