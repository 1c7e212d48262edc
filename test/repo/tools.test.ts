/** Types, lint, format: clean, by the project's own tools. */
import assert from 'node:assert/strict';
import { spawnSync } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

for (const [tool, ...args] of [
  ['tsc', '-p', '.'],
  ['tsc', '-p', 'console'],
  ['oxlint', '--type-aware'],
  ['knip'],
  ['oxfmt', '--check', 'src', 'test', 'console', 'tools', 'bench'],
] as const) {
  test(`${tool} ${args.join(' ')} is clean`, () => {
    const ran = spawnSync(`node_modules/.bin/${tool}`, args, { cwd: root, encoding: 'utf8' });
    assert.equal(ran.status, 0, `${ran.stdout}${ran.stderr}`);
  });
}
