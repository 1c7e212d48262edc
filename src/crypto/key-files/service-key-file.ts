/**
 * The service key's file (3-rules, Service key): what tools of this machine read. Nobody but us writes it, and nobody but our
 * group reads it: its mode is 0640 before there is a byte in it, and it takes its place whole.
 */
import {
  closeSync,
  fchmodSync,
  fchownSync,
  fstatSync,
  fsyncSync,
  openSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
  writeSync,
} from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { newName, type Random } from '../random.ts';
import { type OwnFile, readOwnFile } from './own-file.ts';

const widest = 0o640;

/** Whether it is ours to write, and what it holds. */
function readServiceKeyFile(path: string): OwnFile {
  const folder = statSync(dirname(path), { throwIfNoEntry: false });
  if (folder === undefined) return unusable(`its folder ${dirname(path)} is not there`);
  if ((folder.mode & 0o002) !== 0) return unusable(`everybody may write in its folder ${dirname(path)}`);
  return readOwnFile(path, widest);
}

export type Keeping = { readonly kind: 'unusable'; readonly why: string } | { readonly kind: 'kept' };

/** A line for whoever has to put it right. */
export function unusableServiceKeyFile(path: string, why: string): string {
  return `The service key file ${path} cannot be used: ${why}. It has to be a file of our own user, mode 640 or less, in a folder where not everybody may write.`;
}

/** Looked at before anything is changed: one that may not be used refuses the start. */
export function checkServiceKeyFile(
  path: string,
): { readonly kind: 'unusable'; readonly why: string } | { readonly kind: 'fits' } {
  const found = readServiceKeyFile(path);
  return found.kind === 'unusable' ? found : { kind: 'fits' };
}

/** Takes away what a crash left of writing it. */
export function sweepServiceKeyFile(path: string): void {
  const folder = dirname(path);
  const parts = namesIn(folder).filter((name) => name.startsWith(`${basename(path)}${partEnding}`));
  for (const name of parts) rmSync(join(folder, name), { force: true });
}

/** A folder may be ours to write in and not to list. */
function namesIn(folder: string): readonly string[] {
  try {
    return readdirSync(folder);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'EACCES') return [];
    throw fault;
  }
}

/** What a file that is not in its place yet is called, and a random name. */
const partEnding = '.new-';

/** The file holds that key afterwards, or it is told why not. */
export function keepServiceKeyFile(path: string, text: string, random: Random): Keeping {
  const found = readServiceKeyFile(path);
  if (found.kind === 'unusable') return found;
  if (found.kind === 'read' && found.text === text) return { kind: 'kept' };
  try {
    write(path, text, found.kind === 'read' ? found.about : undefined, random);
    return { kind: 'kept' };
  } catch (fault) {
    return {
      kind: 'unusable',
      why: `it cannot be written (${(fault as NodeJS.ErrnoException).code ?? String(fault)})`,
    };
  }
}

/**
 * Puts the key there, without a line end, so that no tool has to take one off. The group that an operator gave the file stays,
 * where that is ours to give, and so does a mode that is narrower.
 */
function write(path: string, text: string, before: Stats | undefined, random: Random): void {
  const part = `${path}${partEnding}${newName(random)}`;
  const file = openSync(part, 'wx', 0o600);
  try {
    if (before !== undefined && before.gid !== fstatSync(file).gid) giveGroup(file, before.gid);
    fchmodSync(file, before === undefined ? widest : before.mode & widest);
    writeSync(file, text);
    fsyncSync(file);
    renameSync(part, path);
  } catch (fault) {
    rmSync(part, { force: true });
    throw fault;
  } finally {
    closeSync(file);
  }
}

/** Only root, or a member of it, may, and it has to have a number where we run: else the file has our own group, as a new one has. */
function giveGroup(file: number, group: number): void {
  try {
    fchownSync(file, -1, group);
  } catch (fault) {
    if (!['EPERM', 'EINVAL'].includes((fault as NodeJS.ErrnoException).code ?? '')) throw fault;
  }
}

function unusable(why: string): OwnFile {
  return { kind: 'unusable', why };
}
