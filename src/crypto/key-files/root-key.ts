/**
 * The root key's file (3-rules, Keys): 32 bytes as base64url, readable by its owner alone. It is made under a pending
 * name and takes its place only after the database it belongs to is on disk, so that a first start that is cut short
 * can be told from a key whose database is gone.
 */
import {
  closeSync,
  existsSync,
  fsyncSync,
  linkSync,
  lstatSync,
  openSync,
  renameSync,
  rmSync,
  writeSync,
} from 'node:fs';
import { dirname } from 'node:path';
import { newName, type Random } from '../random.ts';
import { judgeRoot, type RootKey } from '../keyring.ts';
import { readOwnFile } from './own-file.ts';

export type RootKeyReading =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string }
  | { readonly kind: 'read'; readonly root: RootKey };

export function pendingRootKey(path: string): string {
  return `${path}.pending`;
}

export function readRootKey(path: string): RootKeyReading {
  // Nobody else may as much as read it.
  const found = readOwnFile(path, 0o7700, ', and it must be 600');
  if (found.kind !== 'read') return found;
  // Either alphabet of base64, with its padding or without.
  const text = found.text.trim().replaceAll('+', '-').replaceAll('/', '_').replace(/=$/, '');
  const bytes = Buffer.from(text, 'base64url');
  // Decoding passes over what is no base64url: a key with a flipped byte would be another key, and not a damaged one.
  if (bytes.length !== 32 || bytes.toString('base64url') !== text)
    return { kind: 'unusable', why: 'it is no root key: 32 bytes in base64url are needed' };
  return { kind: 'read', root: { bytes } };
}

/** The key, or the one that is about to take its place. Another node may put it there between one look and the next. */
export function readRootKeyInPlaceOrPending(path: string): RootKeyReading {
  const inPlace = readRootKey(path);
  if (inPlace.kind !== 'absent') return inPlace;
  const pending = readRootKey(pendingRootKey(path));
  if (pending.kind === 'read') return pending;
  const since = readRootKey(path);
  return since.kind === 'absent' ? pending : since;
}

/**
 * A key under the pending name, on disk before this returns: a new one, or that of a first start beside this one or before
 * it, if it is whole. Of several nodes that share the file one makes it.
 */
export async function makePendingRootKey(path: string, random: Random): Promise<RootKey> {
  const pending = pendingRootKey(path);
  for (let tried = 1; ; tried += 1) {
    const made = makeAt(pending, random);
    if (made.kind === 'read') return made.root;
    const found = readRootKey(pending);
    if (found.kind === 'read') return found.root;
    // Nobody puts half a key there: one that is no key was left by something else, and is nobody's.
    if (tried % unusableTries === 0) removeOwn(pending, found);
    else await new Promise((resolve) => setTimeout(resolve, 20));
  }
}

const unusableTries = 25;

/** Another user's file may be the key of another node: it is left to them. */
function removeOwn(path: string, found: Exclude<RootKeyReading, { kind: 'read' }>): void {
  const about = lstatSync(path, { throwIfNoEntry: false });
  if (about === undefined) return;
  const self = process.geteuid?.();
  if (self !== undefined && about.uid !== self)
    throw new Error(`Cannot use ${path}: ${found.kind === 'unusable' ? found.why : 'it cannot be read'}`);
  rmSync(path, { force: true });
}

function makeAt(path: string, random: Random): { readonly kind: 'there' } | Extract<RootKeyReading, { kind: 'read' }> {
  if (lstatSync(path, { throwIfNoEntry: false }) !== undefined) return { kind: 'there' };
  const part = `${path}.${newName(random)}`;
  const file = openSync(part, 'wx', 0o600);
  const bytes = random.bytes(32);
  try {
    writeSync(file, `${Buffer.from(bytes).toString('base64url')}\n`);
    fsyncSync(file);
  } finally {
    closeSync(file);
  }
  try {
    // Whole from its first moment, and only where there is none.
    linkSync(part, path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code === 'EEXIST') return { kind: 'there' };
    throw fault;
  } finally {
    rmSync(part, { force: true });
  }
  syncFolder(path);
  return { kind: 'read', root: { bytes } };
}

/** Those that lie here now: in its place, and beside it where another one is about to be put there. */
export function rootKeysAt(path: string): readonly RootKey[] {
  return [path, pendingRootKey(path)].flatMap((each) => {
    const found = readRootKey(each);
    return found.kind === 'read' ? [found.root] : [];
  });
}

/**
 * The root key of an installation. Where the key in its place is of before, and the pending one is the installation's, its
 * replacement was cut short behind the store: it is finished.
 */
export function findRootKey(
  path: string,
  installation: { readonly id: string; readonly canary: string },
): RootKeyReading {
  const key = readRootKey(path);
  if (key.kind !== 'read' || judgeRoot(installation, key.root).kind === 'ours') return key;
  const pending = readRootKey(pendingRootKey(path));
  if (pending.kind !== 'read' || judgeRoot(installation, pending.root).kind === 'foreign') return key;
  putInPlace(path, pending.root);
  return pending;
}

/** The store holds everything under the pending key: it takes the place of the old one, whoever puts it there. */
export function putInPlace(path: string, root: RootKey): void {
  const found = readRootKey(pendingRootKey(path));
  // Another node was faster, and whatever lies there now is another one.
  if (found.kind !== 'read' || Buffer.compare(found.root.bytes, root.bytes) !== 0) return;
  try {
    renameSync(pendingRootKey(path), path);
  } catch (fault) {
    if ((fault as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(path)) throw fault;
  }
  syncFolder(path);
}

/** The database is on disk: the key takes its place, unless another node was faster. */
export function settleRootKey(path: string): void {
  const pending = pendingRootKey(path);
  if (existsSync(path)) rmSync(pending, { force: true });
  else {
    try {
      renameSync(pending, path);
    } catch (fault) {
      if ((fault as NodeJS.ErrnoException).code !== 'ENOENT' || !existsSync(path)) throw fault;
    }
  }
  syncFolder(path);
}

function syncFolder(path: string): void {
  const folder = openSync(dirname(path), 'r');
  try {
    fsyncSync(folder);
  } finally {
    closeSync(folder);
  }
}
