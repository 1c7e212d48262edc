/**
 * Time that is a process's own: without what it stood in line for a core that others had. A bound in seconds is then one on
 * the product, and not on whatever else the machine does.
 */
import { readFile } from 'node:fs/promises';

/** Milliseconds the main thread of that process was ready to run and did not; 0 where the system does not tell. */
async function stoodInLineMs(pid: number | 'self'): Promise<number> {
  const text = await readFile(`/proc/${pid}/schedstat`, 'utf8').catch(() => '0 0 0');
  return Number(text.split(' ')[1]) / 1e6;
}

/** Begun before a child is started; asked with it when it has answered. */
export async function ownTime(): Promise<(child: number | undefined) => Promise<number>> {
  const before = await stoodInLineMs('self');
  const began = performance.now();
  return async (child) => {
    const wall = performance.now() - began;
    const ours = (await stoodInLineMs('self')) - before;
    const theirs = child === undefined ? 0 : await stoodInLineMs(child);
    return wall - ours - theirs;
  };
}
