/**
 * Brings the schema to this version: numbered files, each in one transaction that also moves `user_version`. Expand, then
 * contract: a migration adds what the next version needs and removes what the one before last needed, so that the code
 * before it still runs on it. A database with content is copied beside itself before any migration touches it.
 */
import { closeSync, fsyncSync, lstatSync, openSync, renameSync, rmSync } from 'node:fs';
import { dirname } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import type { Migration } from '../migrations.ts';
import { makePrivate, syncFolder, troubleOf } from './file/database-file.ts';

export type MigrationOutcome =
  | { readonly kind: 'newer-schema'; readonly detail: string }
  | { readonly kind: 'unreadable'; readonly detail: string }
  | { readonly kind: 'current' };

export function migrate(
  db: DatabaseSync,
  path: string,
  from: number,
  migrations: readonly Migration[],
): MigrationOutcome {
  const newest = migrations.length;
  if (from > newest) {
    const detail = `${path} was written by a newer version (schema ${from}, this one knows ${newest}): use that version, or restore an older copy`;
    return { kind: 'newer-schema', detail };
  }
  const missing = migrations.slice(from);
  if (from > 0 && missing.length > 0) {
    const copy = copyBeside(db, `${path}.before-${String(from + 1).padStart(4, '0')}`);
    if (copy.kind === 'unreadable') return copy;
  }
  // Rebuilding a table must not cascade; what it leaves is checked below, before it counts.
  db.exec('PRAGMA foreign_keys = OFF');
  for (const migration of missing) apply(db, migration);
  db.exec('PRAGMA foreign_keys = ON');
  return { kind: 'current' };
}

function apply(db: DatabaseSync, { version, sql }: Migration): void {
  db.exec('BEGIN IMMEDIATE');
  try {
    db.exec(sql);
    const reached = db.prepare('PRAGMA user_version').get()?.['user_version'];
    if (reached !== version)
      throw new Error(`Cannot apply migration ${version}: it leaves user_version at ${String(reached)}`);
    if (db.prepare('PRAGMA foreign_key_check').get() !== undefined)
      throw new Error(`Cannot apply migration ${version}: rows would point nowhere`);
    db.exec('COMMIT');
  } catch (fault) {
    if (db.isTransaction) db.exec('ROLLBACK');
    throw fault;
  }
}

/** Whole or not there: written under another name, flushed, then renamed. An older copy of that name gives way. */
function copyBeside(
  db: DatabaseSync,
  target: string,
): { readonly kind: 'unreadable'; readonly detail: string } | { readonly kind: 'copied' } {
  const part = `${target}.part`;
  try {
    rmSync(part, { force: true });
    const file = makePrivate(part);
    if (file.kind === 'unreadable') return { kind: 'unreadable', detail: `${uncopied}: ${file.detail}` };
    db.prepare('VACUUM INTO ?').run(part);
    const handle = openSync(part, 'r+');
    try {
      fsyncSync(handle);
    } finally {
      closeSync(handle);
    }
    renameSync(part, target);
    syncFolder(dirname(target));
    return { kind: 'copied' };
  } catch (fault) {
    // Half a copy takes the room that a whole one needs. What is no file of ours stays.
    if (lstatSync(part, { throwIfNoEntry: false })?.isFile() === true) rmSync(part);
    return { kind: 'unreadable', detail: `${uncopied}: ${troubleOf(fault, target).detail}` };
  }
}

const uncopied = 'The database is copied before its schema is changed, and the copy could not be made';
