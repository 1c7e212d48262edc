/**
 * The SQLite engine: one process owns the database, reads on this thread, writes by one writer thread. A file that cannot
 * be believed is refused; it is never made anew and never taken for an empty one (3-rules, Setup states).
 */
import type { DatabaseSync } from 'node:sqlite';
import { type Listening, tell } from '../listening.ts';
import { type Store, StoreFault } from '../store.ts';
import {
  connect,
  inspect,
  inspectLog,
  makeAllPrivate,
  takeOwnership,
  textOf,
  type Trouble,
  troubleOf,
  useWriteAheadLog,
} from './file/database-file.ts';
import { type Migration, shippedMigrations } from '../migrations.ts';
import { migrate, type MigrationOutcome } from './migrate.ts';
import { reads } from './reads.ts';
import { startWriter, type WriterLine } from './writer-line.ts';

export interface SqlitePlace {
  /** The database; its folder must be there and be ours. */
  readonly path: string;
  /** The lock that says whose it is: a file of its own. */
  readonly ownerPath: string;
  /** Nothing can be written any more, until the process starts anew. */
  readonly onDown?: (reason: string) => void;
  /** Those that ship; others only in tests. */
  readonly migrations?: readonly Migration[];
}

export type SqliteOpening =
  | { readonly kind: 'locked' | 'damaged' | 'unreadable' | 'newer-schema'; readonly detail: string }
  | { readonly kind: 'opened'; readonly store: Store };

/** How long `ready` waits for a write: a disk that takes longer cannot serve anybody. */
const proofMs = 5000;

export async function openSqliteStore({
  path,
  ownerPath,
  onDown,
  migrations = shippedMigrations('sqlite'),
}: SqlitePlace): Promise<SqliteOpening> {
  const ownership = takeOwnership(ownerPath);
  if (ownership.kind !== 'owned') return ownership;
  const { release } = ownership;
  try {
    const prepared = prepare(path, migrations);
    if (prepared.kind !== 'current') {
      release();
      return prepared;
    }
    const listeners = new Set<Listening>();
    const writer = await startWriter({ path, onChanges: (changes) => tell(listeners, changes), onDown });
    if (writer.kind !== 'started') {
      release();
      return writer;
    }
    const reader = await openReader(path, writer.line);
    return { kind: 'opened', store: storeOver(reader, writer.line, listeners, release) };
  } catch (fault) {
    release();
    return troubleOf(fault, path);
  }
}

/** Everything that is decided before anything is served, over a connection that is gone afterwards. */
function prepare(path: string, migrations: readonly Migration[]): Trouble | MigrationOutcome {
  const files = makeAllPrivate(path);
  if (files.kind !== 'private') return files;
  let db: DatabaseSync | undefined;
  try {
    const log = inspectLog(path);
    if (log.kind !== 'sound') return log;
    db = connect(path, 'write');
    const content = inspect(db, path);
    if (content.kind !== 'empty' && content.kind !== 'ours') return content;
    const version = content.kind === 'ours' ? content.version : 0;
    // Before the journal mode, which is written into the file: a file that is refused stays as it was.
    if (version > migrations.length) return migrate(db, path, version, migrations);
    useWriteAheadLog(db);
    return migrate(db, path, version, migrations);
  } catch (fault) {
    return troubleOf(fault, path);
  } finally {
    db?.close();
  }
}

async function openReader(path: string, line: WriterLine): Promise<DatabaseSync> {
  try {
    return connect(path, 'read');
  } catch (fault) {
    await line.close();
    throw fault;
  }
}

function storeOver(reader: DatabaseSync, line: WriterLine, listeners: Set<Listening>, release: () => void): Store {
  const read = reads(reader);
  let closed: Promise<void> | null = null;
  let proof: Promise<void> | null = null;

  const answering =
    <Given extends readonly unknown[], Answer>(name: string, ask: (...given: Given) => Answer) =>
    (...given: Given): Promise<Answer> => {
      if (closed !== null) return Promise.reject(new StoreFault(`Cannot read ${name}: the store is closed`));
      try {
        return Promise.resolve(ask(...given));
      } catch (fault) {
        return Promise.reject(new StoreFault(`Cannot read ${name}: ${textOf(fault)}`, { cause: fault }));
      }
    };

  const close = async (): Promise<void> => {
    reader.close();
    try {
      await line.close();
    } finally {
      release();
    }
  };

  return {
    installation: answering('the installation', read.installation),
    setupCode: answering('the setup code', read.setupCode),
    userByName: answering('a user', read.userByName),
    userById: answering('a user', read.userById),
    users: answering('users', read.users),
    usersOfRealm: answering('usersOfRealm', read.usersOfRealm),
    challenge: answering('a challenge', read.challenge),
    factorsOf: answering('factors', read.factorsOf),
    recoveryCode: answering('a recovery code', read.recoveryCode),
    enrolment: answering('an enrolment', read.enrolment),
    passkeyById: answering('a passkey', read.passkeyById),
    link: answering('a link', read.link),
    notices: answering('notices', read.notices),
    sessionByDigest: answering('a session', read.sessionByDigest),
    sessionsOf: answering('sessions', read.sessionsOf),
    tokenByDigest: answering('a token', read.tokenByDigest),
    tokenById: answering('a token', read.tokenById),
    tokens: answering('tokens', read.tokens),
    ticketHolder: answering('a ticket', read.ticketHolder),
    deviceByDigest: answering('a device', read.deviceByDigest),
    devicesOf: answering('devices', read.devicesOf),
    attempts: answering('attempts', read.attempts),
    networkStanding: answering('a network', read.networkStanding),
    limits: answering('limits', read.limits),
    auditHead: answering('the audit log', read.auditHead),
    auditHeads: answering('the audit log', read.auditHeads),
    auditEvents: answering('the audit log', read.auditEvents),
    auditPage: answering('the audit log', read.auditPage),
    keys: answering('keys', read.keys),
    keyUses: answering('keys', read.keyUses),
    sealedElsewhere: answering('sealed values', read.sealedElsewhere),
    liveSessions: answering('sessions', read.liveSessions),
    figures: () => line.figures(),
    changesSince: answering('changes', read.changesSince),

    initialise: (first) => line.write('initialise', first),
    beginBoot: (bootId, at) => line.write('beginBoot', { bootId, at }),
    putSetupCode: (code) => line.write('putSetupCode', code),
    createFirstAdmin: (first) => line.write('createFirstAdmin', first),
    decline: (decision) => line.write('decline', decision),
    switchAuthentication: (change) => line.write('switchAuthentication', change),
    createUser: (user, audit) => line.write('createUser', { user, audit }),
    updateUser: (change) => line.write('updateUser', change),
    deleteUser: (deletion) => line.write('deleteUser', deletion),
    changePassword: (change) => line.write('changePassword', change),
    rehashPassword: (change) => line.write('rehashPassword', change),
    openChallenge: (challenge, cap) => line.write('openChallenge', { challenge, cap }),
    spendChallenge: (digest, at) => line.write('spendChallenge', { digest, at }),
    spendCode: (spending) => line.write('spendCode', spending),
    countCodeFailure: (wrong) => line.write('countCodeFailure', wrong),
    putEnrolment: (enrolment) => line.write('putEnrolment', enrolment),
    enableTotp: (change) => line.write('enableTotp', change),
    disableTotp: (change) => line.write('disableTotp', change),
    replaceRecoveryCodes: (change) => line.write('replaceRecoveryCodes', change),
    addPasskey: (change) => line.write('addPasskey', change),
    renamePasskey: (renaming) => line.write('renamePasskey', renaming),
    removePasskey: (change) => line.write('removePasskey', change),
    usePasskey: (use) => line.write('usePasskey', use),
    resetFactors: (reset) => line.write('resetFactors', reset),
    unlockTotp: (userId, audit) => line.write('unlockTotp', { userId, audit }),
    putLink: (link, audit) => line.write('putLink', { link, audit }),
    redeemLink: (redemption) => line.write('redeemLink', redemption),
    putNotice: (notice) => line.write('putNotice', notice),
    dismissNotices: (userId, upTo) => line.write('dismissNotices', { userId, upTo }),
    takeNoticeToMail: (since) => line.write('takeNoticeToMail', since),
    openSession: (opening) => line.write('openSession', opening),
    renewSession: (renewal) => line.write('renewSession', renewal),
    countReauthenticationFailure: (wrong) => line.write('countReauthenticationFailure', wrong),
    touchSessions: (touches) => line.write('touchSessions', touches),
    endSession: (end) => line.write('endSession', end),
    endSessions: (end) => line.write('endSessions', end),
    createToken: (creation) => line.write('createToken', creation),
    updateToken: (change) => line.write('updateToken', change),
    rotateToken: (rotation) => line.write('rotateToken', rotation),
    deleteToken: (deletion) => line.write('deleteToken', deletion),
    noteTokenUses: (uses) => line.write('noteTokenUses', uses),
    writeTogether: (writes, which) => line.write('writeTogether', { writes, which }),
    beginIdempotent: (begin) => line.write('beginIdempotent', begin),
    keepAnswer: (kept) => line.write('keepAnswer', kept),
    freeIdempotent: (freed) => line.write('freeIdempotent', freed),
    renewIdempotent: (renewal) => line.write('renewIdempotent', renewal),
    noteAccepted: (accepted) => line.write('noteAccepted', accepted),
    issuePathTicket: (ticket, cap) => line.write('issuePathTicket', { ticket, cap }),
    spendPathTicket: (spending) => line.write('spendPathTicket', spending),
    revokeTicket: (revocation) => line.write('revokeTicket', revocation),
    issueOneUse: (ticket, cap) => line.write('issueOneUse', { ticket, cap }),
    redeemHandOver: (redemption) => line.write('redeemHandOver', redemption),
    countDeviceFailure: (wrong) => line.write('countDeviceFailure', wrong),
    writeLimits: (written) => line.write('writeLimits', written),
    claimOnce: (claim) => line.write('claimOnce', claim),
    recordAttempt: (attempt) => line.write('recordAttempt', attempt),
    appendAudit: (event) => line.write('appendAudit', event),
    putCheckpoint: (checkpoint) => line.write('putCheckpoint', checkpoint),
    addKey: (addition) => line.write('addKey', addition),
    replaceKey: (replacement) => line.write('replaceKey', replacement),
    removeKey: (removal) => line.write('removeKey', removal),
    reseal: (resealing) => line.write('reseal', resealing),
    replaceRoot: (replacement) => line.write('replaceRoot', replacement),
    sweep: (at) => line.write('sweep', at),

    onChange: (listener) => {
      const listening = { listener };
      listeners.add(listening);
      return () => listeners.delete(listening);
    },
    // One process owns the database: nobody else changes anything.
    onNews: () => () => undefined,
    ready: async () => {
      if (closed !== null) return { kind: 'unready', reason: 'the store is closed' };
      if (line.standing().kind === 'down') return { kind: 'unready', reason: 'the writer thread has ended' };
      try {
        read.installation();
        // Whoever asks while a proof is under way shares it: asking often costs the disk nothing.
        proof ??= line.write('proveWriting', undefined).finally(() => {
          proof = null;
        });
        await inTime(proof);
        const after = line.standing();
        return after.kind === 'working' ? { kind: 'ready' } : { kind: 'unready', reason: after.reason };
      } catch (fault) {
        return { kind: 'unready', reason: textOf(fault) };
      }
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}

function inTime(proof: Promise<void>): Promise<void> {
  const late = Promise.withResolvers<never>();
  const timer = setTimeout(() => late.reject(new Error(`no write has reached the disk for ${proofMs} ms`)), proofMs);
  return Promise.race([proof, late.promise]).finally(() => clearTimeout(timer));
}
