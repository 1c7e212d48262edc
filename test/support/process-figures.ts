/** What the kernel says of a server's process. */
import { readdirSync, readFileSync } from 'node:fs';
import type { RunningServer } from './server.ts';

export function residentMiB(server: RunningServer): number {
  const status = readFileSync(`/proc/${server.process.pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

/** Descriptors it has open. */
export function descriptors(server: RunningServer): number {
  return readdirSync(`/proc/${server.process.pid}/fd`).length;
}
