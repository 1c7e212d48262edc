/** Types, lint, unused code and format: clean, by the project's own tools. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { describe, it } from 'node:test';
import { inRepository } from './repository.ts';

describe('the tools find nothing', { concurrency: true }, () => {
  for (const [tool, ...args] of [
    ['tsc', '-p', '.'],
    ['tsc', '-p', 'console'],
    ['oxlint', '--type-aware'],
    ['knip'],
    ['oxfmt', '--check', 'src', 'test', 'console', 'tools', 'bench'],
  ] as const) {
    it([tool, ...args].join(' '), async () => {
      const ran = await run(inRepository(`node_modules/.bin/${tool}`), args);
      assert.equal(ran.status, 0, ran.output);
    });
  }
});

function run(command: string, args: readonly string[]): Promise<{ status: number | null; output: string }> {
  return new Promise((resolve, reject) => {
    const child = spawn(command, args, { cwd: inRepository('.'), stdio: ['ignore', 'pipe', 'pipe'] });
    let output = '';
    for (const stream of [child.stdout, child.stderr]) stream.on('data', (part: Buffer) => (output += part.toString()));
    child.once('error', reject);
    child.once('close', (status) => resolve({ status, output }));
  });
}
