/**
 * Files and connections: private from the first byte, owned by one process, checked before anything is believed.
 *
 * No function here opens a database file except through SQLite: closing any other descriptor of such a file drops every
 * lock this process holds on it (POSIX), and with them the ownership.
 */
import { chmodSync, closeSync, fchmodSync, fsyncSync, lstatSync, openSync } from 'node:fs';
import { dirname } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { readLogStanding } from './write-ahead-log.ts';

export type Trouble = { readonly kind: 'locked' | 'damaged' | 'unreadable'; readonly detail: string };

/** "SPRT"; the first migration writes the same number. */
const applicationId = 0x53505254;
const busyMs = 5000;
/** Of two that start in the same moment each is in the other's way for a while; without a wait both would give up. */
const ownershipMs = 500;
const ownerOnly = 0o600;

export type PrivateFile =
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'absent' }
  | { readonly kind: 'made' }
  | { readonly kind: 'there'; readonly size: number };

/**
 * Makes the file empty and for its owner only, or closes a file that is there to everybody else. Links and anything but
 * plain files are refused. An open mode is mended and not refused: refusing would keep people out of their server over
 * something that is repaired by the one call they would be told to make.
 */
export function makePrivate(path: string): PrivateFile {
  try {
    const handle = openSync(path, 'wx', ownerOnly);
    // The mode is already narrow; this undoes a umask that took the owner's own bits.
    fchmodSync(handle, ownerOnly);
    closeSync(handle);
    syncFolder(dirname(path));
    return { kind: 'made' };
  } catch (fault) {
    // Asked after the attempt and not before: another process may be making the same file.
    if (fault instanceof Error && 'code' in fault && fault.code === 'EEXIST') return closeToOthers(path);
    return { kind: 'unreadable', detail: `${path} cannot be used: ${textOf(fault)}` };
  }
}

/** The same for a file that need not be there. */
function closeToOthers(path: string): PrivateFile {
  try {
    const about = lstatSync(path, { throwIfNoEntry: false });
    if (about === undefined) return { kind: 'absent' };
    if (about.isSymbolicLink())
      return { kind: 'unreadable', detail: `${path} is a symbolic link: name the file itself` };
    if (!about.isFile()) return { kind: 'unreadable', detail: `${path} is not a file` };
    if ((about.mode & 0o077) !== 0) chmodSync(path, ownerOnly);
    return { kind: 'there', size: about.size };
  } catch (fault) {
    return { kind: 'unreadable', detail: `${path} cannot be used: ${textOf(fault)}` };
  }
}

/** The database and what SQLite puts beside it. The mode of a new `-wal` or `-shm` follows the database's, whatever the umask. */
export function makeAllPrivate(path: string): Trouble | { readonly kind: 'private' } {
  const file = closeToOthers(path);
  if (file.kind === 'unreadable') return file;
  for (const ending of ['-wal', '-shm', '-journal']) {
    const beside = closeToOthers(`${path}${ending}`);
    if (beside.kind === 'unreadable') return beside;
    // SQLite would take this for a new database and throw the log away.
    if (ending === '-wal' && beside.kind === 'there' && beside.size > 0 && (file.kind !== 'there' || file.size === 0)) {
      return {
        kind: 'damaged',
        detail: `${path} is empty or gone, but its write-ahead log is there: restore the database`,
      };
    }
  }
  const made = makePrivate(path);
  return made.kind === 'unreadable' ? made : { kind: 'private' };
}

/** Before SQLite opens the database, which would take a damaged log for one that ends early. */
export function inspectLog(path: string): Trouble | { readonly kind: 'sound' } {
  const log = `${path}-wal`;
  const about = lstatSync(log, { throwIfNoEntry: false });
  if (about === undefined || about.size === 0 || readLogStanding(log).kind === 'sound') return { kind: 'sound' };
  return {
    kind: 'damaged',
    detail: `${log} is damaged: what was written last would be lost. Restore the database, or take that file away to go on without it`,
  };
}

/** Makes a new name in a folder survive a power cut. */
export function syncFolder(path: string): void {
  const handle = openSync(path, 'r');
  try {
    fsyncSync(handle);
  } finally {
    closeSync(handle);
  }
}

/** Held here so that none is collected, and its lock freed, while its store still works. */
const ownerships = new Set<DatabaseSync>();

/**
 * Ownership: an exclusive lock on a database file of its own, held by an open transaction. The kernel frees it when the
 * process ends in whatever way, and there is no process id in it that could be somebody else's by now.
 */
export function takeOwnership(path: string): Trouble | { readonly kind: 'owned'; readonly release: () => void } {
  const file = makePrivate(path);
  if (file.kind === 'unreadable') return file;
  let lock: DatabaseSync | undefined;
  try {
    lock = new DatabaseSync(path, { timeout: ownershipMs });
    lock.exec('BEGIN EXCLUSIVE');
    const held = lock;
    ownerships.add(held);
    return {
      kind: 'owned',
      release: () => {
        if (ownerships.delete(held)) held.close();
      },
    };
  } catch (fault) {
    lock?.close();
    if (resultCode(fault) === code.busy)
      return { kind: 'locked', detail: `${path} is held by another process: it is using this database` };
    return troubleOf(fault, path);
  }
}

export function connect(path: string, use: 'read' | 'write'): DatabaseSync {
  const db = new DatabaseSync(path, {
    readOnly: use === 'read',
    timeout: busyMs,
    enableForeignKeyConstraints: true,
    enableDoubleQuotedStringLiterals: false,
    defensive: true,
  });
  // At most 64 MiB of pages, used as they are needed: 100 000 sessions with their history stay in memory.
  // Temporary tables and savepoint journals stay in memory: files of theirs would lie outside our folder.
  db.exec(
    'PRAGMA trusted_schema = OFF; PRAGMA cell_size_check = ON; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -65536',
  );
  if (use === 'write') db.exec('PRAGMA synchronous = FULL; PRAGMA journal_size_limit = 67108864');
  return db;
}

/** Kept in the file itself, so once it is set every connection follows. */
export function useWriteAheadLog(db: DatabaseSync): void {
  const mode = single(db, 'PRAGMA journal_mode = WAL');
  if (mode !== 'wal') throw new Error(`its write-ahead log cannot be used (journal mode ${String(mode)})`);
}

export type Content = Trouble | { readonly kind: 'empty' } | { readonly kind: 'ours'; readonly version: number };

/** What the file holds. Reads everything: a file that is partly wrong is damaged, whether or not today's requests touch that part. */
export function inspect(db: DatabaseSync, path: string): Content {
  const version = Number(single(db, 'PRAGMA user_version'));
  const id = Number(single(db, 'PRAGMA application_id'));
  const things = Number(single(db, 'SELECT count(*) FROM sqlite_schema'));
  if (version === 0 && id === 0 && things === 0) return { kind: 'empty' };
  if (id !== applicationId) return { kind: 'unreadable', detail: `${path} is the database of another program` };
  const report = db
    .prepare('PRAGMA integrity_check(5)')
    .all()
    .map((row) => String(Object.values(row)[0]));
  if (report.length !== 1 || report[0] !== 'ok')
    return { kind: 'damaged', detail: `${path} is damaged: ${report.join('; ')}` };
  const dangling = db.prepare('PRAGMA foreign_key_check').all();
  if (dangling.length > 0)
    return { kind: 'damaged', detail: `${path} is damaged: ${dangling.length} rows point to rows that are gone` };
  return { kind: 'ours', version };
}

function single(db: DatabaseSync, sql: string): unknown {
  return Object.values(db.prepare(sql).get() ?? {})[0];
}

/** Primary result codes of SQLite that are told apart here (https://sqlite.org/rescode.html). */
const code = { busy: 5, readOnly: 8, ioError: 10, corrupt: 11, full: 13, cannotOpen: 14, notADatabase: 26 } as const;

function resultCode(fault: unknown): number | undefined {
  const extended = typeof fault === 'object' && fault !== null && 'errcode' in fault ? fault.errcode : undefined;
  return typeof extended === 'number' ? extended & 0xff : undefined;
}

export function troubleOf(fault: unknown, path: string): Trouble {
  switch (resultCode(fault)) {
    case code.corrupt:
    case code.notADatabase:
      return { kind: 'damaged', detail: `${path} is damaged: ${textOf(fault)}` };
    case code.busy:
      return { kind: 'locked', detail: `${path} is locked by another program` };
    case code.readOnly:
      return {
        kind: 'unreadable',
        detail: `${path} can be read but not written: look at the owner and mode of the file and its folder`,
      };
    case code.full:
      return { kind: 'unreadable', detail: `${path} cannot be used: the disk is full` };
    case undefined:
    default:
      return { kind: 'unreadable', detail: `${path} cannot be used: ${textOf(fault)}` };
  }
}

/** Whether a connection may go on after this fault, or has to be made anew because what it holds in memory is in doubt. */
export function standingAfter(fault: unknown): 'sound' | 'in-doubt' {
  const result = resultCode(fault);
  const inDoubt: readonly (number | undefined)[] = [code.ioError, code.corrupt, code.cannotOpen, code.notADatabase];
  return inDoubt.includes(result) ? 'in-doubt' : 'sound';
}

/** What stood in the way: somebody else's lock, the disk, or the operation itself. */
export function causeOf(fault: unknown): 'locked' | 'disk' | 'operation' {
  const result = resultCode(fault);
  if (result === code.busy) return 'locked';
  const disk: readonly (number | undefined)[] = [code.readOnly, code.full];
  return disk.includes(result) || standingAfter(fault) === 'in-doubt' ? 'disk' : 'operation';
}

export function textOf(fault: unknown): string {
  return fault instanceof Error ? fault.message : String(fault);
}
