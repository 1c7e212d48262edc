import assert from 'node:assert/strict';
import { closeSync, mkdtempSync, openSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { after, mock, suite, test } from 'node:test';
import { tlsHook } from './hook.ts';

suite('tls-hook', () => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-hook-'));
  after(() => rmSync(folder, { recursive: true, force: true }));

  const told: string[] = [];
  const log = {
    info: () => undefined,
    warn: (_fields: object, message: string): void => void told.push(message),
    error: () => undefined,
  };
  const surroundings = () => ({
    SALLYPORT_URL: 'https://nas.home:8420',
    SALLYPORT_APP_URL: '$(touch x)',
    SALLYPORT_CERTIFICATE_FINGERPRINT: 'AB',
  });
  const run = async (command: readonly [string, ...string[]], timeoutMs = 5000): Promise<readonly string[]> => {
    told.length = 0;
    await tlsHook({ command, surroundings, log, timeoutMs })();
    return told;
  };

  test('a program that cannot be started ends nothing but itself, whichever way that is told', async () => {
    const written = join(folder, 'written');
    writeFileSync(written, readFileSync('/bin/true'), { mode: 0o700 });
    const open = openSync(written, 'r+');
    for (const command of [
      ['/nowhere/at-all'],
      ['/etc/passwd'],
      // Thrown by `spawn`: ENOTDIR, ELOOP or the like, ETXTBSY, E2BIG.
      ['/etc/passwd/x'],
      [written],
      ['/bin/true', 'x'.repeat(4_000_000)],
    ] as const)
      assert.deepEqual(await run(command), ['tls-hook could not be run'], command[0]);
    closeSync(open);
    const thrown = tlsHook({
      command: ['/bin/true'],
      surroundings: () => {
        throw new Error('no place');
      },
      log,
    });
    await thrown();
  });

  test('it has three names and a path, no shell, and nothing of ours open', async () => {
    const out = join(folder, 'out');
    const script = join(folder, 'script');
    writeFileSync(script, `#!/bin/sh\n/usr/bin/env > ${out}\necho "$1" >> ${out}\nls -l /proc/self/fd >> ${out}\n`, {
      mode: 0o700,
    });
    const kept = openSync(join(folder, 'of-ours'), 'w');
    assert.deepEqual(await run([script, '$(id); `id`']), []);
    closeSync(kept);
    const text = readFileSync(out, 'utf8');
    assert.match(text, /^SALLYPORT_APP_URL=\$\(touch x\)$/m);
    assert.match(text, /^\$\(id\); `id`$/m);
    const names = [...text.matchAll(/^(\w+)=/gm)].map(([, name]) => name);
    // The shell that runs the script adds some of its own.
    const own = names.filter((name) => !['PWD', 'OLDPWD', 'SHLVL', '_'].includes(name ?? ''));
    assert.deepEqual(new Set(own), new Set(['PATH', ...Object.keys(surroundings())]));
    assert.doesNotMatch(text, /of-ours/);
  });

  test('one that takes too long is ended with what it started, and one that is quick is not', async () => {
    const pidFile = join(folder, 'pid');
    const script = `sleep 300 & echo $! > ${pidFile}; wait`;
    assert.deepEqual(await run(['/bin/sh', '-c', script], 1000), ['tls-hook took too long and was ended']);
    const pid = Number(readFileSync(pidFile, 'utf8'));
    assert.ok(pid > 1);
    // Whoever takes it up after its parent may not have looked yet.
    const gone = (): boolean => {
      try {
        return / [ZX] /.test(readFileSync(`/proc/${pid}/stat`, 'utf8'));
      } catch {
        return true;
      }
    };
    for (let tries = 0; !gone() && tries < 200; tries += 1) await new Promise((resolve) => setTimeout(resolve, 10));
    assert.ok(gone());
    assert.deepEqual(await run(['/bin/sh', '-c', 'exit 0'], 5000), []);
  });

  test('one that may not be ended is not waited for', async () => {
    const kill = mock.method(process, 'kill', () => {
      throw Object.assign(new Error('not ours'), { code: 'EPERM' });
    });
    try {
      assert.deepEqual(await run(['/bin/sleep', '1'], 50), ['tls-hook took too long and goes on']);
    } finally {
      kill.mock.restore();
    }
  });
});
