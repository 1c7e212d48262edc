/** Where and when a result was made: enough to compare it by, nothing that names a machine or a folder. */

import { spawnSync } from 'node:child_process';
import { cpus, loadavg } from 'node:os';
import type { Cores } from './cores.ts';

export function environment(cores: Cores, started: Date): string {
  return [
    `date      ${started.toISOString().slice(0, 16)}Z`,
    `cpu       ${cpus()[0]?.model.trim() ?? 'unknown'}, ${cpus().length} cores`,
    `node      ${process.version} (Sallyport, floors and peers alike)`,
    `commit    ${commit()}`,
    `pinning   ${cores.note}`,
    `load      ${loadavg()[0]?.toFixed(2) ?? '?'} before the first round (others at work make the spread wide)`,
  ].join('\n');
}

function commit(): string {
  const head = git('rev-parse', '--short=12', 'HEAD');
  if (head === null) return 'none yet';
  const dirty = git('status', '--porcelain', '--', 'src', 'package-lock.json');
  return dirty === '' ? head : `${head} with uncommitted changes in src`;
}

function git(...args: string[]): string | null {
  const { status, stdout } = spawnSync('git', args, { cwd: import.meta.dirname, encoding: 'utf8' });
  return status === 0 ? stdout.trim() : null;
}
