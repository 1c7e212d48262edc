/** A file system of its own that is filled, made read-only and emptied again: what a full disk does to the real server. */
import { execFile } from 'node:child_process';
import { appendFile, mkdir, rm } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { temporaryFolder } from './server.ts';

const run = promisify(execFile);

export interface SmallDisk {
  readonly data: string;
  /** Leaves no room for another page. */
  fill(): Promise<void>;
  free(): Promise<void>;
  /** Only while nobody has a file open for writing. */
  turn(mode: 'ro' | 'rw'): Promise<void>;
  remove(): Promise<void>;
}

/** For `skip`: why there can be none here, and `false` where there can. Only root mounts. */
export async function withoutSmallDisk(): Promise<string | false> {
  if (process.platform !== 'linux') return 'a small disk is a tmpfs, which only Linux has';
  try {
    const disk = await smallDisk();
    await disk.remove();
    return false;
  } catch (fault) {
    return `no tmpfs can be mounted here (${fault instanceof Error ? fault.message.trim() : String(fault)})`;
  }
}

export async function smallDisk(size = '4m'): Promise<SmallDisk> {
  const folder = await temporaryFolder();
  await run('mount', ['-t', 'tmpfs', '-o', `size=${size},mode=700`, 'tmpfs', folder]);
  const data = join(folder, 'data');
  const filler = join(folder, 'filler');
  await mkdir(data, { mode: 0o700 });
  return {
    data,
    fill: async () => {
      for (const part of [65_536, 4096]) {
        try {
          for (;;) await appendFile(filler, Buffer.alloc(part));
        } catch (fault) {
          if ((fault as NodeJS.ErrnoException).code !== 'ENOSPC') throw fault;
        }
      }
    },
    free: () => rm(filler, { force: true }),
    turn: async (mode) => {
      await run('mount', ['-o', `remount,${mode}`, folder]);
    },
    remove: async () => {
      await run('umount', ['-l', folder]);
      await rm(folder, { recursive: true, force: true });
    },
  };
}
