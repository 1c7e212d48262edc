/** Resident memory of a process, as Linux counts it. */
import { readFileSync, writeFileSync } from 'node:fs';

const before = new Map<number, number>();

/** From now on the peak is counted anew. */
export function forgetPeak(pid: number | undefined): void {
  if (pid === undefined) return;
  try {
    writeFileSync(`/proc/${pid}/clear_refs`, '5');
    before.set(pid, read(pid, 'VmRSS'));
  } catch {
    before.delete(pid);
  }
}

/** Bytes by which the peak since then lies above what was resident then; null where the kernel does not tell. */
export function growth(pid: number | undefined): number | null {
  const start = pid === undefined ? undefined : before.get(pid);
  return pid === undefined || start === undefined ? null : Math.max(0, read(pid, 'VmHWM') - start);
}

function read(pid: number, field: string): number {
  const found = new RegExp(`^${field}:\\s+(\\d+) kB`, 'm').exec(readFileSync(`/proc/${pid}/status`, 'latin1'))?.[1];
  return Number(found) * 1024;
}
