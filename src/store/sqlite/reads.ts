/**
 * Reads: on the main thread, over a connection that cannot write, each one statement (and so one moment in time),
 * prepared once. They answer at once; the promise is only the contract's form.
 */
import type { DatabaseSync, SQLOutputValue } from 'node:sqlite';
import type { KeyRow } from '../../crypto/keyring.ts';
import type { Digest, Seq } from '../../types.ts';
import type { AttemptRow, Change, ChangeSubject, DeviceRow, Installation, SessionRow, UserRow } from '../rows.ts';
import type { Store } from '../store.ts';
import { type AccountReads, accountReads } from './accounts/reads.ts';
import { list } from './accounts/user-rows.ts';
import { type AuditReads, auditReads } from './audit.ts';
import { guessingReads } from './guessing.ts';
import { keyReads } from './keys.ts';
import { signedTicketReads } from './tokens/signed-tickets.ts';
import { type TokenReads, tokenReads } from './tokens/reads.ts';

type Row = Record<string, SQLOutputValue>;
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;
type ReadName =
  | 'installation'
  | 'setupCode'
  | keyof AccountReads
  | 'sessionByDigest'
  | 'sessionsOf'
  | keyof TokenReads
  | 'ticketHolder'
  | 'deviceByDigest'
  | 'devicesOf'
  | 'attempts'
  | keyof AuditReads
  | 'networkStanding'
  | 'limits'
  | 'liveSessions'
  | 'keys'
  | 'keyUses'
  | 'sealedElsewhere'
  | 'changesSince';

/** The contract's reads, before the promise. */
export type Reads = { readonly [K in ReadName]: (...given: Parameters<Store[K]>) => Outcome<K> };

const sessionColumns = `
  s.id AS id, s.digest AS digest, s.user_id AS userId, s.kind AS kind, s.transport AS transport,
  s.credential_generation AS credentialGeneration, s.boot_id AS bootId, s.parent_id AS parentId, s.origin AS origin,
  s.created_at AS createdAt, s.last_seen_at AS lastSeenAt, s.idle_ms AS idleMs, s.expires_at AS expiresAt,
  s.authenticated_at AS authenticatedAt, s.address AS address, s.user_agent AS userAgent`;

export function reads(db: DatabaseSync): Reads {
  const installation = db.prepare(
    'SELECT c.seq, i.id, i.state, i.boot_id, i.canary FROM change_counter AS c LEFT JOIN installation AS i ON true',
  );
  const setupCode = db.prepare(`
    SELECT i.state IN ('fresh', 'declined') AS open, s.digest FROM installation AS i
    LEFT JOIN setup_code AS s ON s.digest = ? AND s.expires_at > ?`);
  // One statement, so that the change number is that of the very state the row was read from. Values by position and none
  // twice: making objects and strings is most of what a look-up costs.
  const sessionByDigest = db.prepare(`
    SELECT c.seq, s.id, s.user_id, s.kind, s.transport, s.credential_generation, s.boot_id, s.parent_id, s.origin, s.created_at,
      s.last_seen_at, s.idle_ms, s.expires_at, s.authenticated_at, s.address, s.user_agent,
      u.username, u.display_name, u.email, u.privileges, u.groups, u.active, u.sealed_password, u.credential_generation, u.created_at,
      u.sealed_totp, u.passkeys, u.password_length, u.password_standing, u.realm, u.disabled_by, u.ticket_generation
    FROM change_counter AS c LEFT JOIN (sessions AS s JOIN users AS u ON u.id = s.user_id) ON s.digest = ?`);
  sessionByDigest.setReturnArrays(true);
  const sessionsOf = db.prepare(`
    SELECT ${sessionColumns} FROM sessions AS s
    JOIN users AS u ON u.id = s.user_id AND u.active = 1 AND u.credential_generation = s.credential_generation
    WHERE s.user_id = ? AND s.ends_at > ? ORDER BY s.created_at DESC, s.place DESC`);
  const liveSessions = db.prepare('SELECT count(*) AS count FROM sessions WHERE ends_at > ?');
  const deviceByDigest = db.prepare(`
    SELECT digest, user_id AS userId, created_at AS createdAt, used_at AS usedAt, expires_at AS expiresAt
    FROM devices WHERE digest = ? AND expires_at > ?`);
  const devicesOf = db.prepare(`
    SELECT digest, user_id AS userId, created_at AS createdAt, used_at AS usedAt, expires_at AS expiresAt
    FROM devices WHERE user_id = ? AND expires_at > ? ORDER BY used_at DESC, created_at DESC`);
  const attemptColumns = 'id, user_id, address, way, result, first_at, last_at, count';
  const attemptsOfAll = db.prepare(
    `SELECT ${attemptColumns} FROM attempts WHERE last_at < ? ORDER BY last_at DESC, id DESC LIMIT ?`,
  );
  const attemptsOfOne = db.prepare(`
    SELECT ${attemptColumns} FROM attempts WHERE user_id = ? AND last_at < ? ORDER BY last_at DESC, id DESC LIMIT ?`);
  const keys = db.prepare('SELECT id, purpose, sealed, created_at, used_from FROM keys ORDER BY created_at, id');
  const changesSince = db.prepare(`
    SELECT c.seq AS last, c.kept_after AS keptAfter, x.seq AS seq, x.kind AS kind, x.subject AS subject
    FROM change_counter AS c LEFT JOIN changes AS x ON x.seq > ? ORDER BY x.seq`);

  return {
    ...accountReads(db),
    ...guessingReads(db),
    ...tokenReads(db),
    ...signedTicketReads(db),
    ...keyReads(db),
    liveSessions: (at) => Number(liveSessions.get(at)?.['count']),
    installation: () => {
      const row = found(installation.get());
      return row['id'] === null
        ? { kind: 'empty' }
        : { kind: 'found', installation: installationOf(row), seq: row['seq'] as Seq };
    },
    setupCode: (digest, at) => {
      const row = setupCode.get(digest, at);
      if (row?.['open'] === 0) return { kind: 'already-configured' };
      return { kind: (row?.['digest'] ?? null) === null ? 'invalid' : 'valid' };
    },
    sessionByDigest: (digest) => {
      const row = sessionByDigest.get(digest) as unknown as readonly SQLOutputValue[] | undefined;
      if (row === undefined) throw counterGone();
      return row[1] === null ? { kind: 'unknown', seq: row[0] as Seq } : sessionWithUser(digest, row);
    },
    sessionsOf: (userId, at) => sessionsOf.all(userId, at).map(sessionOf),
    devicesOf: (userId, at) => devicesOf.all(userId, at).map((row) => ({ ...row }) as unknown as DeviceRow),
    deviceByDigest: (digest, at) => {
      const row = deviceByDigest.get(digest, at);
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', device: { ...row } as unknown as DeviceRow };
    },
    attempts: ({ userId, limit, before }) => {
      const end = before ?? Number.MAX_SAFE_INTEGER;
      const rows = userId === null ? attemptsOfAll.all(end, limit) : attemptsOfOne.all(userId, end, limit);
      return rows.map(attemptOf);
    },
    ...auditReads(db),
    keys: () => keys.all().map(keyOf),
    changesSince: (seq) => {
      const rows = changesSince.all(seq);
      const { last, keptAfter } = found(rows[0]) as { last: Seq; keptAfter: Seq };
      // A reader ahead of the counter has seen another database, such as the one before a backup was restored.
      if (seq < keptAfter || seq > last) return { kind: 'lost', last };
      return { kind: 'changes', changes: rows.filter((row) => row['seq'] !== null).map(changeOf), last };
    },
  };
}

function found(row: Row | undefined): Row {
  if (row === undefined) throw counterGone();
  return row;
}

function counterGone(): Error {
  return new Error('the row of the change counter is gone');
}

function sessionWithUser(digest: Digest, row: readonly SQLOutputValue[]): Outcome<'sessionByDigest'> {
  const session = {
    id: row[1],
    digest,
    userId: row[2],
    kind: row[3],
    transport: row[4],
    credentialGeneration: row[5],
    bootId: row[6],
    parentId: row[7],
    origin: row[8],
    createdAt: row[9],
    lastSeenAt: row[10],
    idleMs: row[11],
    expiresAt: row[12],
    authenticatedAt: row[13],
    address: row[14],
    userAgent: row[15],
  } as SessionRow;
  const user = {
    id: row[2],
    username: row[16],
    displayName: row[17],
    email: row[18],
    privileges: list(row[19]),
    groups: list(row[20]),
    active: row[21] === 1,
    sealedPassword: row[22],
    sealedTotp: row[25],
    passkeys: row[26],
    passwordLength: row[27],
    passwordStanding: row[28],
    credentialGeneration: row[23],
    realm: row[29],
    disabledBy: row[30],
    ticketGeneration: row[31],
    createdAt: row[24],
  } as UserRow;
  return { kind: 'found', session, user, seq: row[0] as Seq };
}

function installationOf(row: Row): Installation {
  return { id: row['id'], state: row['state'], bootId: row['boot_id'], canary: row['canary'] } as Installation;
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

function attemptOf(row: Row): AttemptRow {
  return {
    id: row['id'],
    userId: row['user_id'] === '' ? null : row['user_id'],
    address: row['address'],
    way: row['way'],
    result: row['result'],
    firstAt: row['first_at'],
    lastAt: row['last_at'],
    count: row['count'],
  } as AttemptRow;
}

function keyOf(row: Row): KeyRow {
  return {
    id: row['id'],
    purpose: row['purpose'],
    sealed: row['sealed'],
    createdAt: row['created_at'],
    usedFrom: row['used_from'],
  } as KeyRow;
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
    default:
      return { kind: 'installation' };
  }
}
