/**
 * Tools of this machine as they are written for Mail-in-a-Box and its like: they speak first without credentials, know the
 * realm by heart, and come back with the service key as name and an empty password (seeds-a.md B6, C1).
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { existsSync } from 'node:fs';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { serviceKeyOf } from '../support/basic.ts';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { passwordOf, asAdmin, settle } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askAs } from '../support/tokens.ts';

const run = promisify(execFile);
const realm = 'Mail-in-a-Box Management Server';

/** Each argument after realm, address, key file and count is a request: a path, or a path and a JSON body. */
const tool = `
import json, sys, urllib.error, urllib.request

realm, base, key_file, count = sys.argv[1:5]
with open(key_file) as file:
    key = file.read().strip()
basic = urllib.request.HTTPBasicAuthHandler()
basic.add_password(realm=realm, uri=base, user=key, passwd="")
opener = urllib.request.build_opener(basic)
for number in range(int(count)):
    for text in sys.argv[5:]:
        path, _, body = text.partition(" ")
        request = urllib.request.Request(base + path)
        if body:
            request.data = body.replace("NUMBER", str(number)).encode("utf-8")
            request.add_header("Content-Type", "application/json")
        try:
            with opener.open(request) as answer:
                print(answer.status, len(answer.read()))
        except urllib.error.HTTPError as fault:
            print(fault.code, fault.headers.get_all("WWW-Authenticate"))
`;

describe('tools of this machine', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let root: string;
  let keyFile: string;
  before(async () => {
    server = await startServer({ env: { SALLYPORT_BASIC_REALM: realm } });
    root = String((await setUp(server)).json['token']);
    keyFile = join(server.data, 'api.key');
  });
  after(() => server.remove());

  const python = async (...args: readonly string[]): Promise<readonly string[]> => {
    const { stdout } = await run(await need('python3', 'python3'), ['-c', tool, ...args]);
    return stdout.trimEnd().split('\n');
  };
  const read = async (path: string) => (await askAs(server.console, root)('GET', path)).json;
  /** What is held against anybody. */
  const held = async () => ({
    blocks: (await read('/api/auth/blocks'))['blocks'],
    refused: ((await read('/api/auth/audit?event=sign-in-refused&limit=1000'))['events'] as unknown[]).length,
    limited: ((await read('/api/auth/audit?event=attempts-limited&limit=1000'))['events'] as unknown[]).length,
    attempts: ((await read('/api/auth/login-attempts?all=1&limit=1000'))['attempts'] as { result: string }[]).filter(
      ({ result }) => result !== 'ok',
    ).length,
    lines: existsSync(join(server.data, 'auth.log'))
      ? (await readFile(join(server.data, 'auth.log'), 'utf8')).trim()
      : '',
  });
  const nothing = { blocks: [], refused: 0, limited: 0, attempts: 0, lines: '' };

  it('without credentials first, then with the key: a hundred times, bodies and all, and never taken for an attack', async () => {
    const got = await python(
      realm,
      server.console,
      keyFile,
      '100',
      '/api/auth/users?limit=1',
      '/api/auth/users {"username":"made-by-NUMBER"}',
    );
    assert.equal(got.length, 200);
    assert.deepEqual(
      [got.filter((line) => line.startsWith('200 ')).length, got.filter((line) => line.startsWith('201 ')).length],
      [100, 100],
      got.find((line) => !line.startsWith('20')),
    );
    assert.deepEqual(await held(), nothing);
    const made = (await read('/api/auth/users?q=made-by-&limit=100'))['users'] as unknown[];
    assert.equal(made.length, 100, 'the request that was refused first did nothing');
  });

  it('one that waits for another realm never shows its key', async () => {
    const [line = ''] = await python('Another Realm', server.console, keyFile, '1', '/api/auth/users');
    assert.match(line, /^401 /);
    assert.match(line, /Basic realm="Mail-in-a-Box Management Server", charset="UTF-8"/);
    assert.deepEqual(await held(), nothing);
  });

  it('curl and wget, as operators type them', async () => {
    const curl = await need('curl', 'curl');
    const key = await serviceKeyOf(server);
    const shell = (line: string) => run('sh', ['-ec', line, 'sh', curl, keyFile, `${server.console}/api/auth/users`]);
    const { stdout } = await shell('"$1" -sS --fail --user "$(cat "$2"):" "$3"');
    assert.equal(JSON.parse(stdout).success, true);
    // It asks first, and answers the challenge.
    const asked = await shell('"$1" -sS --fail --anyauth --user "$(cat "$2"):" "$3"');
    assert.equal(JSON.parse(asked.stdout).success, true);
    const wget = await need('wget', 'wget');
    const args = ['-q', '-O', '-', `--user=${key}`, '--password=', `${server.console}/api/auth/users`];
    assert.equal(JSON.parse((await run(wget, args)).stdout).success, true);
    assert.deepEqual(await held(), nothing);
  });

  it('curl with a name and a password in UTF-8', async () => {
    await settle(server.console, asAdmin(server.console, root), 'jürgen');
    const curl = await need('curl', 'curl');
    const url = `${server.console}/api/auth/status`;
    const { stdout } = await run(curl, ['-sS', '--fail', '--user', `jürgen:${passwordOf('jürgen')}`, url]);
    const { authenticated, username, via } = JSON.parse(stdout) as Record<string, unknown>;
    assert.deepEqual([authenticated, username, via], [true, 'jürgen', 'basic']);
  });

  it('a key that is not the one any more is refused, and locks nobody out', async () => {
    const curl = await need('curl', 'curl');
    for (let times = 0; times < 30; times += 1) {
      const args = ['-sS', '-o', '/dev/null', '-w', '%{http_code}', '--user', `${'k'.repeat(43)}:`];
      const { stdout } = await run(curl, [...args, `${server.console}/api/auth/users`]);
      assert.equal(stdout, '401');
    }
    assert.deepEqual(await held(), nothing);
    const got = await send(`${server.console}/api/auth/users`, {
      headers: { authorization: `Basic ${Buffer.from(`${await serviceKeyOf(server)}:`).toString('base64')}` },
    });
    assert.equal(got.status, 200);
  });
});
