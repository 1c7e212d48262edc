/** The data folder: there, a folder, ours, and nobody else's to read. */
import { chmodSync, mkdirSync, statSync } from 'node:fs';

/** Undefined when it can be used; else why not. A folder that others may enter is closed to them. */
export function ownFolder(path: string): string | undefined {
  try {
    mkdirSync(path, { recursive: true, mode: 0o700 });
    const about = statSync(path);
    if (!about.isDirectory()) return `the data folder ${path} is not a folder.`;
    if ((about.mode & 0o077) !== 0) chmodSync(path, 0o700);
    return undefined;
  } catch (fault) {
    return `the data folder ${path} cannot be used: ${fault instanceof Error ? fault.message : String(fault)}.`;
  }
}
