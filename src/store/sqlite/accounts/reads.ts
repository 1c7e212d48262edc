/** What is read of accounts and of all that hangs on them; as the other reads, one statement each (`../reads.ts`). */
import type { DatabaseSync } from 'node:sqlite';
import type { Seq } from '../../../types.ts';
import {
  type ChallengeRow,
  type EnrolmentRow,
  type LinkRow,
  type NoticeRow,
  noticesShown,
  type PasskeyRow,
} from '../../rows.ts';
import type { Factors, Store } from '../../store.ts';
import { list, type Row, userColumns, userOf } from './user-rows.ts';

type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;
type ReadName =
  | 'userByName'
  | 'userById'
  | 'users'
  | 'usersOfRealm'
  | 'challenge'
  | 'factorsOf'
  | 'recoveryCode'
  | 'enrolment'
  | 'passkeyById'
  | 'link'
  | 'notices';

export type AccountReads = { readonly [K in ReadName]: (...given: Parameters<Store[K]>) => Outcome<K> };

const passkeyColumns = `
  p.id AS id, p.user_id AS userId, p.rp_id AS rpId, p.public_key AS publicKey, p.counter AS counter, p.transports AS transports,
  p.name AS name, p.device_type AS deviceType, p.backed_up AS backedUp, p.created_at AS createdAt, p.used_at AS usedAt,
  p.flagged_at AS flaggedAt`;
const challengeColumns = `
  c.digest AS digest, c.user_id AS userId, c.credential_generation AS credentialGeneration, c.kind AS kind, c.transport AS transport,
  c.binding AS binding, c.address AS address, c.came_from AS cameFrom, c.expires_at AS expiresAt`;
const linkColumns = `
  l.digest AS digest, l.user_id AS userId, l.purpose AS purpose, l.credential_generation AS credentialGeneration, l.expires_at AS expiresAt`;

const noFactors: Factors = {
  totpAddedAt: null,
  strangersFailures: 0,
  knownNetworkFailures: 0,
  passkeys: [],
  recoveryCodes: 0,
};

export function accountReads(db: DatabaseSync): AccountReads {
  db.function('folded', { deterministic: true, directOnly: true }, (text) => fold(String(text)));
  // With the change number of the very state the row was read from, as of a session.
  const userByName = db.prepare(`
    SELECT c.seq AS seq, ${userColumns} FROM change_counter AS c LEFT JOIN users AS u ON u.username = ?`);
  const userById = db.prepare(`SELECT ${userColumns} FROM users AS u WHERE u.id = ?`);
  const users = db.prepare(`
    SELECT ${userColumns} FROM users AS u WHERE u.username > :after
      AND (:part = '' OR instr(folded(u.username || char(10) || u.display_name || char(10) || u.email), :part) > 0)
    ORDER BY u.username LIMIT :limit`);
  const ofRealm = db.prepare(`
    SELECT ${userColumns} FROM users AS u WHERE u.realm = ? AND u.realm <> 'local' AND u.username > ? ORDER BY u.username LIMIT ?`);
  const challenge = db.prepare(`
    SELECT ${challengeColumns}, ${userColumns} FROM challenges AS c
    JOIN users AS u ON u.id = c.user_id AND u.active = 1 AND u.credential_generation = c.credential_generation
    WHERE c.digest = ? AND c.expires_at > ?`);
  const factors = db.prepare(`
    SELECT u.totp_added_at AS totpAddedAt, u.wrong_codes_in_row AS strangersFailures,
      u.wrong_codes_nearby AS knownNetworkFailures,
      (SELECT count(*) FROM recovery_codes AS r WHERE r.user_id = u.id) AS recoveryCodes, ${passkeyColumns}
    FROM users AS u LEFT JOIN passkeys AS p ON p.user_id = u.id WHERE u.id = ? ORDER BY p.place`);
  const recoveryCode = db.prepare('SELECT 1 FROM recovery_codes WHERE user_id = ? AND digest = ?');
  const enrolment = db.prepare(`
    SELECT id, user_id AS userId, session_id AS sessionId, sealed_totp AS sealedTotp, recovery_codes AS recoveryCodes, expires_at AS expiresAt
    FROM enrolments WHERE user_id = ? AND expires_at > ?`);
  const passkeyById = db.prepare(`
    SELECT ${passkeyColumns}, ${userColumns} FROM passkeys AS p JOIN users AS u ON u.id = p.user_id WHERE p.id = ?`);
  const link = db.prepare(`
    SELECT ${linkColumns}, ${userColumns} FROM links AS l
    JOIN users AS u ON u.id = l.user_id AND u.active = 1 AND u.credential_generation = l.credential_generation
    WHERE l.digest = ? AND l.expires_at > ?`);
  const notices = db.prepare(`
    SELECT id, user_id AS userId, kind, at, address, detail FROM notices WHERE user_id = ? AND dismissed = 0
    ORDER BY id DESC LIMIT ?`);

  return {
    userByName: (username) => {
      const row = userByName.get(username);
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      return row['u_id'] === null ? { kind: 'unknown', seq } : { kind: 'found', user: userOf(row), seq };
    },
    userById: (id) => userLookup(userById.get(id)),
    usersOfRealm: ({ realm, after, limit }) => ofRealm.all(realm, after ?? '', limit).map((row) => userOf(row)),
    users: ({ after, limit, matching }) =>
      users.all({ after: after ?? '', part: fold(matching), limit }).map((row) => userOf(row)),
    challenge: (digest, at) => {
      const row = challenge.get(digest, at);
      if (row === undefined) return { kind: 'unknown' };
      return { kind: 'found', challenge: challengeOf(row), user: userOf(row) };
    },
    factorsOf: (userId) => {
      const rows = factors.all(userId);
      const [first] = rows;
      if (first === undefined) return noFactors;
      const { totpAddedAt, strangersFailures, knownNetworkFailures, recoveryCodes } = first;
      return {
        totpAddedAt,
        strangersFailures,
        knownNetworkFailures,
        passkeys: rows.filter((row) => row['id'] !== null).map(passkeyOf),
        recoveryCodes,
      } as Outcome<'factorsOf'>;
    },
    recoveryCode: (userId, digest) => ({ kind: recoveryCode.get(userId, digest) === undefined ? 'unknown' : 'held' }),
    enrolment: (userId, at) => {
      const row = enrolment.get(userId, at);
      if (row === undefined) return { kind: 'none' };
      const recoveryCodes = list(row['recoveryCodes']);
      return { kind: 'found', enrolment: { ...row, recoveryCodes } as unknown as EnrolmentRow };
    },
    passkeyById: (id) => {
      const row = passkeyById.get(id);
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', passkey: passkeyOf(row), user: userOf(row) };
    },
    link: (digest, at) => {
      const row = link.get(digest, at);
      return row === undefined ? { kind: 'invalid' } : { kind: 'valid', link: linkOf(row), user: userOf(row) };
    },
    notices: (userId) => notices.all(userId, noticesShown).map((row) => ({ ...row }) as unknown as NoticeRow),
  };
}

/** In any case: the same letters, small. */
function fold(text: string): string {
  return text.toLowerCase();
}

function userLookup(row: Row | undefined): Outcome<'userById'> {
  return row === undefined ? { kind: 'unknown' } : { kind: 'found', user: userOf(row) };
}

function challengeOf(row: Row): ChallengeRow {
  return {
    digest: row['digest'],
    userId: row['userId'],
    credentialGeneration: row['credentialGeneration'],
    kind: row['kind'],
    transport: row['transport'],
    binding: row['binding'],
    address: row['address'],
    from: row['cameFrom'],
    expiresAt: row['expiresAt'],
  } as ChallengeRow;
}

function passkeyOf(row: Row): PasskeyRow {
  return {
    id: row['id'],
    userId: row['userId'],
    rpId: row['rpId'],
    publicKey: row['publicKey'],
    counter: row['counter'],
    transports: list(row['transports']),
    name: row['name'],
    deviceType: row['deviceType'],
    backedUp: row['backedUp'] === 1,
    createdAt: row['createdAt'],
    usedAt: row['usedAt'],
    flaggedAt: row['flaggedAt'],
  } as PasskeyRow;
}

function linkOf(row: Row): LinkRow {
  return {
    digest: row['digest'],
    userId: row['userId'],
    purpose: row['purpose'],
    credentialGeneration: row['credentialGeneration'],
    expiresAt: row['expiresAt'],
  } as LinkRow;
}
