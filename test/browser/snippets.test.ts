/** What the page for API tokens offers for other programs is read by them as it is meant, whatever a token is called. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { promisify } from 'node:util';
import { addressFor, snippets } from '../../console/src/tokens/snippets.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { temporaryFolder } from '../support/server.ts';

const run = promisify(execFile);
const secret = 'spt_Rk3m9QxT7vLw2ZpB8nYc4HdJ6sFg1Kae0UuX';
const names = ['Home Assistant', `Bob’s "own": #1 {{ & }} \\ 'x'`, '日本', '9 lives', 'É t é'];
const address = `https://app.example:8443/a'b"c$(id)/?q=1`;

describe('snippets', { skip: withoutPackages }, () => {
  it('the shell hands curl the header and the address, and does nothing else', async () => {
    const [line] = snippets('curl', { name: '', secret, address });
    const { stdout } = await run('sh', ['-c', `curl() { printf '%s\\n' "$@"; }\n${line?.text}`]);
    assert.equal(stdout, `--header\nAuthorization: Bearer ${secret}\n${address}\n`);
  });

  it('Prometheus takes its part, and looks for the secret where it was put', async (t) => {
    const promtool = await need('promtool', 'prometheus');
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    for (const name of names) {
      const [file, config] = snippets('prometheus', { name, secret, address });
      assert.equal(file?.text, secret);
      assert.match(file.file, /^\/etc\/prometheus\/[a-z][a-z0-9_]*\.token$/);
      const text = config?.text ?? '';
      assert.ok(text.includes(`credentials_file: ${file.file}\n`));
      await writeFile(join(folder, 'prometheus.yml'), text);
      await run(promtool, ['check', 'config', '--syntax-only', join(folder, 'prometheus.yml')]);
    }
  });

  it('Home Assistant and Homepage keep it in the file for secrets, under a key they take', () => {
    for (const name of names) {
      for (const [program, key] of [
        ['home-assistant', /^(sallyport_[a-z][a-z0-9_]*): "Bearer (\w+)"$/],
        ['homepage', /^(HOMEPAGE_VAR_[A-Z][A-Z0-9_]*)=(\w+)$/],
      ] as const) {
        const [kept, config] = snippets(program, { name, secret, address });
        const [, named = '', value] = key.exec(kept?.text ?? '') ?? [];
        assert.equal(value, secret, kept?.text);
        const text = config?.text ?? '';
        assert.ok(text.includes(named) && !text.includes(secret));
        assert.ok(text.includes(JSON.stringify(name)) && text.includes(JSON.stringify(address)));
      }
    }
  });

  it('the address is ours for what is ours alone, and the application’s for all else', () => {
    const at = { here: 'https://door.example', application: 'https://app.example' };
    assert.equal(addressFor(['sallyport:metrics'], at), 'https://door.example/metrics');
    assert.equal(addressFor(['read:*'], at), 'https://app.example/');
    assert.equal(addressFor(['*', 'sallyport:admin'], at), 'https://app.example/');
    assert.equal(addressFor(['sallyport:admin'], at), 'https://app.example/');
  });
});
