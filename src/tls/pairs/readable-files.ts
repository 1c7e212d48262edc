/**
 * Files that are meant to be a certificate or its key (2-http-api, 7; 3-rules, TLS): of the readable folders only, where
 * somebody asks over the network; any, where the settings name them. Never a pipe, a device or more than a megabyte.
 */
import { constants } from 'node:fs';
import { type FileHandle, lstat, open, readlink } from 'node:fs/promises';
import { resolve } from 'node:path';
import type { PairProblem, PairProblemCode } from '../../crypto/certificates/pair.ts';
import { locate } from './locate.ts';

/** What is said of a file is said of this. */
export type FileRole = 'certificate' | 'key';

export type Where =
  | { readonly kind: 'readable-folders'; readonly folders: readonly string[] }
  /** By the settings: the operator's word, wherever it is. */
  | { readonly kind: 'named-by-operator' };

export type FileReading =
  | { readonly kind: 'unusable'; readonly problems: readonly [PairProblem, ...PairProblem[]] }
  | { readonly kind: 'read'; readonly text: string; readonly owner: Owner };

export interface Owner {
  readonly mode: number;
  readonly uid: number;
}

const largest = 1024 * 1024;

export async function readPairFile(path: string, role: FileRole, where: Where): Promise<FileReading> {
  if (where.kind === 'named-by-operator') {
    if (/\p{Cc}/u.test(path)) return unusable(role, 'missing', 'is not there.');
    return readAt(resolve(path), role, 'followed');
  }
  const located = await locate(path, where.folders);
  switch (located.kind) {
    case 'outside':
      return unusable(role, 'not-readable-here', 'does not lie in a folder that may be read.');
    case 'missing':
      return unusable(role, 'missing', 'is not there.');
    case 'unreadable':
      return unusable(role, 'unreadable', 'cannot be read.');
    case 'located':
      // To open a pipe lets go whoever waits at its other end, and some devices act when they are opened.
      return (await isOther(located.path)) ? noFile(role) : readAt(located.path, role, 'refused');
  }
}

async function readAt(path: string, role: FileRole, links: 'followed' | 'refused'): Promise<FileReading> {
  let file: FileHandle;
  try {
    // Nobody's pipe makes us wait.
    const flags = constants.O_RDONLY | constants.O_NONBLOCK | constants.O_NOCTTY;
    file = await open(path, links === 'refused' ? flags | constants.O_NOFOLLOW : flags);
  } catch (fault) {
    const { code = 'error' } = fault as NodeJS.ErrnoException;
    return code === 'ENOENT' || code === 'ENOTDIR'
      ? unusable(role, 'missing', 'is not there.')
      : unusable(role, 'unreadable', `cannot be read (${code}).`);
  }
  try {
    // A folder on the way was put in another's place since it was looked at.
    if (links === 'refused' && (await placeOf(file, path)) !== path)
      return unusable(role, 'unreadable', 'cannot be read: it was moved in that moment.');
    return await readOpen(file, role);
  } catch (fault) {
    return unusable(role, 'unreadable', `cannot be read (${(fault as NodeJS.ErrnoException).code ?? 'error'}).`);
  } finally {
    await file.close();
  }
}

async function isOther(path: string): Promise<boolean> {
  const about = await lstat(path).catch(() => undefined);
  return about !== undefined && !about.isFile();
}

/** What is really open, where the system tells. */
async function placeOf(file: FileHandle, otherwise: string): Promise<string> {
  return readlink(`/proc/self/fd/${file.fd}`).catch(() => otherwise);
}

async function readOpen(file: FileHandle, role: FileRole): Promise<FileReading> {
  const about = await file.stat();
  if (!about.isFile()) return noFile(role);
  if (about.size > largest) return unusable(role, 'unreadable', 'is larger than 1 MiB.');
  // It may grow while it is read.
  const bytes = Buffer.alloc(largest + 1);
  let length = 0;
  for (let more = 1; more > 0 && length < bytes.length; length += more)
    more = (await file.read(bytes, length, bytes.length - length, length)).bytesRead;
  if (length > largest) return unusable(role, 'unreadable', 'is larger than 1 MiB.');
  return { kind: 'read', text: bytes.toString('utf8', 0, length), owner: { mode: about.mode, uid: about.uid } };
}

/** Whoever may read the key is this server to everybody; whoever may change it takes the server down. */
export function keyModeProblems({ mode, uid }: Owner, self: number | undefined): readonly PairProblem[] {
  const problems: PairProblem[] = [];
  const shown = (mode & 0o7777).toString(8).padStart(4, '0');
  if ((mode & 0o007) !== 0)
    problems.push({
      code: 'key-mode',
      text: `The key file is open to everybody on the machine: its mode is ${shown}.`,
    });
  else if ((mode & 0o020) !== 0)
    problems.push({ code: 'key-mode', text: `The key file's group may change it: its mode is ${shown}.` });
  if (self !== undefined && uid !== 0 && uid !== self)
    problems.push({ code: 'key-mode', text: 'The key file belongs to another user, who is neither root nor ours.' });
  return problems;
}

function noFile(role: FileRole): FileReading {
  return unusable(role, 'unreadable', 'is no file but something else.');
}

function unusable(role: FileRole, code: PairProblemCode, what: string): FileReading {
  return { kind: 'unusable', problems: [{ code, text: `The ${role} file ${what}` }] };
}
