/** What is read of accounts and of all that hangs on them; as the other reads, one statement each (`../reads.ts`). */
import type { Seq } from '../../../types.ts';
import {
  type ChallengeRow,
  type EnrolmentRow,
  type LinkRow,
  type NoticeRow,
  noticesShown,
  type PasskeyRow,
  type UserRow,
} from '../../rows.ts';
import type { Factors, NamedUserLookup, Store, UserLookup } from '../../store.ts';
import type { Database, Row } from '../server/database.ts';
import { fold, userColumns, userOf } from './user-rows.ts';

type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

const passkeyColumns = `
  p.id AS "id", p.user_id AS "userId", p.rp_id AS "rpId", p.public_key AS "publicKey", p.counter, p.transports, p.name,
  p.device_type AS "deviceType", p.backed_up AS "backedUp", p.created_at AS "createdAt", p.used_at AS "usedAt",
  p.flagged_at AS "flaggedAt"`;
const challengeColumns = `
  c.digest, c.user_id AS "userId", c.credential_generation AS "credentialGeneration", c.kind, c.transport, c.binding,
  c.address, c.came_from AS "from", c.expires_at AS "expiresAt"`;
const linkColumns = `
  l.digest, l.user_id AS "userId", l.purpose, l.credential_generation AS "credentialGeneration", l.expires_at AS "expiresAt"`;

const noFactors: Factors = {
  totpAddedAt: null,
  strangersFailures: 0,
  knownNetworkFailures: 0,
  passkeys: [],
  recoveryCodes: 0,
};

export function accountReads({ rows }: Pick<Database, 'rows'>) {
  return {
    // With the change number of the very state the row was read from, as of a session.
    userByName: async (...[username]: Parameters<Store['userByName']>): Promise<NamedUserLookup> => {
      const [row] = await rows(
        `SELECT c.seq, ${userColumns} FROM change_counter AS c LEFT JOIN users AS u ON u.username = $1 WHERE c.one = 1`,
        [username],
      );
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      return row['u_id'] === null ? { kind: 'unknown', seq } : { kind: 'found', user: userOf(row), seq };
    },
    userById: async (...[id]: Parameters<Store['userById']>): Promise<UserLookup> =>
      userLookup(await rows(`SELECT ${userColumns} FROM users AS u WHERE u.id = $1`, [id])),

    users: async (...[{ after, limit, matching }]: Parameters<Store['users']>): Promise<readonly UserRow[]> => {
      const found = await rows(
        `SELECT ${userColumns} FROM users AS u WHERE u.username COLLATE "C" > $1 AND ($3 = '' OR position($3 IN
          CASE WHEN u.searched = '' THEN lower(concat_ws(chr(10), u.username, u.display_name, u.email)) ELSE u.searched END) > 0)
        ORDER BY u.username COLLATE "C" LIMIT $2`,
        [after ?? '', limit, fold(matching)],
      );
      return found.map(userOf);
    },

    usersOfRealm: async (
      ...[{ realm, after, limit }]: Parameters<Store['usersOfRealm']>
    ): Promise<readonly UserRow[]> => {
      const found = await rows(
        `SELECT ${userColumns} FROM users AS u WHERE u.realm = $3 AND u.realm <> 'local' AND u.username COLLATE "C" > $1
        ORDER BY u.username COLLATE "C" LIMIT $2`,
        [after ?? '', limit, realm],
      );
      return found.map(userOf);
    },

    challenge: async (...[digest, at]: Parameters<Store['challenge']>): Promise<Outcome<'challenge'>> => {
      const [row] = await rows(
        `SELECT ${challengeColumns}, ${userColumns} FROM challenges AS c
        JOIN users AS u ON u.id = c.user_id AND u.active AND u.credential_generation = c.credential_generation
        WHERE c.digest = $1 AND c.expires_at > $2`,
        [digest, at],
      );
      return row === undefined
        ? { kind: 'unknown' }
        : { kind: 'found', challenge: challengeOf(row), user: userOf(row) };
    },

    factorsOf: async (...[userId]: Parameters<Store['factorsOf']>): Promise<Factors> => {
      const found = await rows(
        `SELECT u.totp_added_at AS "totpAddedAt", u.wrong_codes_in_row AS "strangersFailures",
          u.wrong_codes_nearby AS "knownNetworkFailures",
          (SELECT count(*) FROM recovery_codes AS r WHERE r.user_id = u.id) AS "recoveryCodes", ${passkeyColumns}
        FROM users AS u LEFT JOIN passkeys AS p ON p.user_id = u.id WHERE u.id = $1 ORDER BY p.place`,
        [userId],
      );
      const [first] = found;
      if (first === undefined) return noFactors;
      const counted = first as unknown as Omit<Factors, 'passkeys'>;
      const { totpAddedAt, strangersFailures, knownNetworkFailures, recoveryCodes } = counted;
      const passkeys = found.filter(({ id }) => id !== null).map(passkeyOf);
      return { totpAddedAt, strangersFailures, knownNetworkFailures, passkeys, recoveryCodes };
    },

    recoveryCode: async (...[userId, digest]: Parameters<Store['recoveryCode']>): Promise<Outcome<'recoveryCode'>> => {
      const sql = 'SELECT 1 AS held FROM recovery_codes WHERE user_id = $1 AND digest = $2';
      return { kind: (await rows(sql, [userId, digest])).length === 0 ? 'unknown' : 'held' };
    },

    enrolment: async (...[userId, at]: Parameters<Store['enrolment']>): Promise<Outcome<'enrolment'>> => {
      const [row] = await rows(
        `SELECT id, user_id AS "userId", session_id AS "sessionId", sealed_totp AS "sealedTotp",
          recovery_codes AS "recoveryCodes", expires_at AS "expiresAt"
        FROM enrolments WHERE user_id = $1 AND expires_at > $2`,
        [userId, at],
      );
      return row === undefined ? { kind: 'none' } : { kind: 'found', enrolment: row as unknown as EnrolmentRow };
    },

    passkeyById: async (...[id]: Parameters<Store['passkeyById']>): Promise<Outcome<'passkeyById'>> => {
      const [row] = await rows(
        `SELECT ${passkeyColumns}, ${userColumns} FROM passkeys AS p JOIN users AS u ON u.id = p.user_id WHERE p.id = $1`,
        [id],
      );
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', passkey: passkeyOf(row), user: userOf(row) };
    },

    link: async (...[digest, at]: Parameters<Store['link']>): Promise<Outcome<'link'>> => {
      const [row] = await rows(
        `SELECT ${linkColumns}, ${userColumns} FROM links AS l
        JOIN users AS u ON u.id = l.user_id AND u.active AND u.credential_generation = l.credential_generation
        WHERE l.digest = $1 AND l.expires_at > $2`,
        [digest, at],
      );
      return row === undefined ? { kind: 'invalid' } : { kind: 'valid', link: linkOf(row), user: userOf(row) };
    },

    notices: async (...[userId]: Parameters<Store['notices']>): Promise<Outcome<'notices'>> =>
      (await rows(
        `SELECT id, user_id AS "userId", kind, at, address, detail FROM notices WHERE user_id = $1 AND NOT dismissed
        ORDER BY id DESC LIMIT $2`,
        [userId, noticesShown],
      )) as unknown as readonly NoticeRow[],
  };
}

function userLookup([row]: readonly Row[]): UserLookup {
  return row === undefined ? { kind: 'unknown' } : { kind: 'found', user: userOf(row) };
}

function challengeOf(row: Row): ChallengeRow {
  const { digest, userId, credentialGeneration, kind, transport, binding, address, from, expiresAt } = row;
  return {
    digest,
    userId,
    credentialGeneration,
    kind,
    transport,
    binding,
    address,
    from,
    expiresAt,
  } as ChallengeRow;
}

function passkeyOf(row: Row): PasskeyRow {
  return {
    id: row['id'],
    userId: row['userId'],
    rpId: row['rpId'],
    publicKey: row['publicKey'],
    counter: row['counter'],
    transports: row['transports'],
    name: row['name'],
    deviceType: row['deviceType'],
    backedUp: row['backedUp'],
    createdAt: row['createdAt'],
    usedAt: row['usedAt'],
    flaggedAt: row['flaggedAt'],
  } as PasskeyRow;
}

function linkOf(row: Row): LinkRow {
  const { digest, userId, purpose, credentialGeneration, expiresAt } = row;
  return { digest, userId, purpose, credentialGeneration, expiresAt } as LinkRow;
}
