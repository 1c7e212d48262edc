/** Which core belongs to whom: the measured process on one, the load on another. */

import { spawnSync } from 'node:child_process';
import { readFileSync } from 'node:fs';

export interface Cores {
  readonly server: number | null;
  readonly load: number | null;
  /** Printed with every result. */
  readonly note: string;
}

export function findCores(): Cores {
  if (spawnSync('taskset', ['--version']).error !== undefined) {
    return { server: null, load: null, note: 'not pinned: taskset (util-linux) is not on this machine' };
  }
  const [server, load] = allowedCores();
  if (server === undefined || load === undefined) {
    return { server: null, load: null, note: 'not pinned: fewer than two cores, the load takes from the server' };
  }
  return { server, load, note: `measured process on core ${server}, load on core ${load}` };
}

/** Command and arguments that run on that core; `taskset` becomes the command, so its process id is the command's. */
export function pinned(core: number | null, command: string, args: readonly string[]): [string, string[]] {
  return core === null ? [command, [...args]] : ['taskset', ['-c', String(core), command, ...args]];
}

/** A container may not be allowed cores 0 and 1, so the kernel is asked. */
function allowedCores(): number[] {
  const status = readFileSync('/proc/self/status', 'utf8');
  const list = /^Cpus_allowed_list:\s*(\S+)/m.exec(status)?.[1] ?? '';
  return list.split(',').flatMap((range) => {
    const [first, last] = range.split('-').map(Number);
    if (first === undefined || Number.isNaN(first)) return [];
    return Array.from({ length: (last ?? first) - first + 1 }, (_, index) => first + index);
  });
}
