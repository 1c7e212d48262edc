/** The data folder: there, a folder, and nobody else's to read; and what in it is not as we would have left it. */
import { chmodSync, lstatSync, mkdirSync, statSync } from 'node:fs';
import { join } from 'node:path';

export type OwnFolder =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'ours'; /** What is worth a look, a line each. */ readonly oddities: readonly string[] };

/** Files in it that are made narrow again, or read as they are; the root key is judged where it is read. */
const names = ['sallyport.db', 'owner.lock', 'sallyport.toml', 'setup-code', 'control.sock'] as const;

/** A folder that others may enter is closed to them. */
export function ownFolder(path: string): OwnFolder {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const about = statSync(path);
    if (!about.isDirectory()) return { kind: 'refused', why: `the data folder ${path} is not a folder.` };
    const oddities = [path, ...names.map((name) => join(path, name))].flatMap(oddityOf);
    if ((about.mode & 0o077) !== 0) chmodSync(path, 0o700);
    return { kind: 'ours', oddities };
  } catch (fault) {
    return {
      kind: 'refused',
      why: `the data folder ${path} cannot be used: ${fault instanceof Error ? fault.message : String(fault)}.`,
    };
  }
}

function oddityOf(path: string): readonly string[] {
  const about = lstatSync(path, { throwIfNoEntry: false });
  // A folder may lie behind a link: it is the operator who names it.
  if (about === undefined || about.isSymbolicLink()) return [];
  const self = process.geteuid?.();
  if (self !== undefined && about.uid !== self) return [`${path} belongs to another user (${about.uid})`];
  const open = about.mode & 0o077;
  return open === 0 ? [] : [`${path} was open to others (mode ${(about.mode & 0o777).toString(8)})`];
}
