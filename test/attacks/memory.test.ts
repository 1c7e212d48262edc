/** D-06: a million addresses and names later (3-rules, Guessing: memory is bounded, and flushing forgives nobody). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';

const run = promisify(execFile);
const flood = fileURLToPath(new URL('../support/flood.ts', import.meta.url));

test('D-06, L-12: a million addresses and names later it holds less than 64 MiB more, and who was blocked is blocked', async () => {
  const { stdout } = await run(process.execPath, ['--expose-gc', flood]);
  const { grown, looked, still } = JSON.parse(stdout) as { grown: number; looked: number; still: string };
  assert.equal(looked, 1_000_000);
  assert.ok(grown > 0 && grown < 64 * 1024 * 1024, `it holds ${Math.round(grown / 1024 / 1024)} MiB more`);
  assert.equal(still, 'limited');
});
