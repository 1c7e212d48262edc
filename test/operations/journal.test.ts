/** Standard error as the journal reads it: priorities in front of each line, where standard error is the journal and nowhere else. */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { closeSync, fstatSync, openSync, readFileSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { entry, temporaryFolder } from '../support/server.ts';
import { settled } from '../support/waiting.ts';

/** Systemd's part: it hands over the journal as standard error and says which one it is. */
async function underSystemd(whose: 'ours' | 'another'): Promise<readonly string[]> {
  const folder = await temporaryFolder();
  const path = join(folder, 'journal');
  const file = openSync(path, 'a');
  const { dev, ino } = fstatSync(file);
  const child = spawn(
    process.execPath,
    [entry, 'serve', '--data', join(folder, 'data'), '--listen', '127.0.0.1:0', '--allow-open'],
    {
      stdio: ['ignore', 'pipe', file],
      env: { ...process.env, JOURNAL_STREAM: `${dev}:${whose === 'ours' ? ino : ino + 1}` },
    },
  );
  closeSync(file);
  let said = '';
  child.stdout?.on('data', (part: Buffer) => (said += String(part)));
  const gone = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  try {
    await settled(() => said.includes('setup link'), 'it is ready', 30_000);
    const [, port] = /sallyport ready on http:\/\/localhost:(\d+)/.exec(said) ?? [];
    const wrong = await send(`http://127.0.0.1:${port}/api/auth/decline`, {
      body: { setup_code: 'AAAA-AAAA-AAAA-AAAA' },
    });
    assert.equal(wrong.status, 403, wrong.text);
  } finally {
    child.kill('SIGTERM');
    await gone;
  }
  const lines = readFileSync(path, 'utf8')
    .split('\n')
    .filter((line) => line !== '');
  await rm(folder, { recursive: true });
  return lines;
}

describe('the journal', () => {
  it('gets each line with its priority, and failures as fail2ban reads them', async () => {
    const lines = await underSystemd('ours');
    assert.ok(
      lines.every((line) => /^<[2-7]>/.test(line)),
      lines.join('\n'),
    );
    assert.ok(lines.includes('<4>authentication failure; rhost=127.0.0.1 user=unknown'), lines.join('\n'));
    const told = lines
      .filter((line) => line.includes('{'))
      .map((line) => [line.slice(0, 3), JSON.parse(line.slice(3)).level]);
    assert.ok(told.some(([priority, level]) => priority === '<6>' && level === 30));
    assert.ok(told.every(([priority, level]) => priority === { 30: '<6>', 40: '<4>', 50: '<3>' }[Number(level)]));
  });

  it('is told from any other standard error', async () => {
    const lines = await underSystemd('another');
    assert.ok(lines.length > 0 && lines.every((line) => line.startsWith('{')), lines.join('\n'));
  });
});
