/**
 * Where a path in the readable folders really leads (2-http-api, 7). Whoever asks learns nothing of what lies outside: a
 * path that leads there, by itself or by a link, is one answer, and nothing there is touched to give it.
 */
import { lstat, readlink, realpath } from 'node:fs/promises';
import { join, normalize, resolve, sep } from 'node:path';

export type Located =
  | { readonly kind: 'outside' }
  | { readonly kind: 'missing' }
  | { readonly kind: 'unreadable' }
  /** Without a link in it. */
  | { readonly kind: 'located'; readonly path: string };

/** As many as the kernel follows. */
const mostLinks = 40;
const longestPath = 4096;

/** What a path may be at all: absolute, without signs that no file name needs and without ways up. */
function plainPath(path: string): { readonly kind: 'refused' } | { readonly kind: 'plain'; readonly path: string } {
  const fits = path.startsWith('/') && Buffer.byteLength(path) < longestPath && !/\p{Cc}/u.test(path);
  return fits && !path.split('/').includes('..') ? { kind: 'plain', path: resolve(path) } : { kind: 'refused' };
}

/** Of the path of a file. Links may lead from one readable folder to another, by its name or by its real place. */
export async function locate(path: string, folders: readonly string[]): Promise<Located> {
  const plain = plainPath(path);
  if (plain.kind === 'refused') return { kind: 'outside' };
  // A folder is what the operator named, a link or not; nothing of it is touched for a path that lies in none.
  if (holderOf(plain.path, folders.map(normalFolder)) === undefined) return { kind: 'outside' };
  const places = await realFolders(folders);
  let wanted = plain.path;
  for (let links = 0; links <= mostLinks; links += 1) {
    const step = await walk(wanted, places);
    if (step.kind !== 'link') return step;
    wanted = step.target;
  }
  return { kind: 'unreadable' };
}

interface Place {
  /** As it may be written in a path. */
  readonly name: string;
  /** Empty: it is not there. */
  readonly real: string;
}

async function realFolders(folders: readonly string[]): Promise<readonly Place[]> {
  const found = await Promise.all(
    folders.map(normalFolder).map(async (name) => ({ name, real: await realpath(name).catch(() => '') })),
  );
  return found.flatMap(({ name, real }) =>
    real === ''
      ? [{ name, real }]
      : [
          { name, real },
          { name: real, real },
        ],
  );
}

/** The longest of the folders that a path lies under. */
function holderOf(path: string, folders: readonly string[]): string | undefined {
  return folders
    .filter((folder) => path.startsWith(folder === sep ? sep : `${folder}${sep}`) && path !== folder)
    .toSorted((one, other) => other.length - one.length)[0];
}

function normalFolder(folder: string): string {
  return resolve(normalize(folder));
}

/** Down from the folder to the first link, or to the end. */
async function walk(
  path: string,
  places: readonly Place[],
): Promise<Located | { readonly kind: 'link'; readonly target: string }> {
  const name = holderOf(
    path,
    places.map((place) => place.name),
  );
  const place = places.find((each) => each.name === name);
  if (name === undefined || place === undefined) return { kind: 'outside' };
  if (place.real === '') return { kind: 'missing' };
  const parts = path
    .slice(name.length)
    .split(sep)
    .filter((part) => part !== '');
  let at = place.real;
  for (const [index, part] of parts.entries()) {
    const next = join(at, part);
    try {
      const about = await lstat(next);
      if (about.isSymbolicLink())
        return { kind: 'link', target: resolve(at, await readlink(next), ...parts.slice(index + 1)) };
    } catch (fault) {
      const { code = '' } = fault as NodeJS.ErrnoException;
      return { kind: code === 'ENOENT' || code === 'ENOTDIR' ? 'missing' : 'unreadable' };
    }
    at = next;
  }
  return { kind: 'located', path: at };
}
