/** Reads a file that holds a key: one of our own, that nobody else has had a hand in, and never through a link. */
import { closeSync, constants, fstatSync, openSync, readFileSync, type Stats } from 'node:fs';

export type OwnFile =
  | { readonly kind: 'absent' }
  | { readonly kind: 'unusable'; readonly why: string }
  /** `text` is empty where it is longer than any key. */
  | { readonly kind: 'read'; readonly text: string; readonly about: Stats };

/** Longer ones hold something else. */
const longest = 256;

/** `widest`: every bit that its mode may have; `should`: what is said of one that has more. */
export function readOwnFile(path: string, widest: number, should = ''): OwnFile {
  let file: number;
  try {
    // Never through a link, so that what is looked at is what is read; and nobody's pipe makes us wait.
    file = openSync(path, constants.O_RDONLY | constants.O_NOFOLLOW | constants.O_NONBLOCK);
  } catch (fault) {
    const { code = 'error' } = fault as NodeJS.ErrnoException;
    if (code === 'ENOENT') return { kind: 'absent' };
    if (code === 'ELOOP') return { kind: 'unusable', why: 'it is a symbolic link: name the file itself' };
    return { kind: 'unusable', why: `it cannot be read (${code})` };
  }
  try {
    const about = fstatSync(file);
    const why = whyNotOurs(about, widest, should);
    if (why !== '') return { kind: 'unusable', why };
    return { kind: 'read', text: about.size > longest ? '' : readFileSync(file, 'utf8'), about };
  } finally {
    closeSync(file);
  }
}

function whyNotOurs(about: Stats, widest: number, should: string): string {
  if (!about.isFile()) return 'it is not a file';
  const self = process.geteuid?.();
  if (self !== undefined && about.uid !== self)
    return `it belongs to another user (${about.uid}), and not to ours (${self})`;
  return (about.mode & 0o7777 & ~widest) === 0 ? '' : `its mode is ${(about.mode & 0o7777).toString(8)}${should}`;
}
