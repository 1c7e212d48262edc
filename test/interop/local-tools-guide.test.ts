/** What `docs/guides/local-tools.md` tells people to type does what it says, by the shell and Debian's curl. */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { chmod, chown, rm, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { entry, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';
import { basic, heldIn, serviceKeyFileOf } from '../support/service-key.ts';

const guide = readFileSync(new URL('../../docs/guides/local-tools.md', import.meta.url), 'utf8');
const [list, add, keyCommands, userKey, withCode, ...more] = [...guide.matchAll(/^```sh\n([\s\S]*?)^```/gm)].map(
  ([, text = '']) => text,
);

describe('docs/guides/local-tools.md', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let echo: Echo;
  let curl: string;
  before(async () => {
    curl = await need('curl', 'curl');
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  /** As it is written, but for where this server is. */
  const typed = (text: string | undefined, variables: Readonly<Record<string, string>> = {}): Promise<string> => {
    assert.ok(text !== undefined, 'the guide has fewer commands');
    const here = text
      .replaceAll('/var/lib/sallyport', server.data)
      .replaceAll('http://127.0.0.1:8420', server.console)
      .replaceAll('alice:', `${admin.username}:`)
      .replaceAll('"password": "…"', `"password": "${admin.password}"`)
      .replaceAll('curl ', 'curl --silent --fail ');
    const command = `sallyport() { "${process.execPath}" "${entry}" "$@" --data "${server.data}"; }\nset -eu\n${here}`;
    const env = { ...variables, PATH: `${dirname(curl)}:${process.env['PATH'] ?? ''}` };
    return new Promise((resolve, reject) => {
      execFile('sh', ['-c', command], { env }, (fault, out, err) =>
        fault === null ? resolve(out) : reject(new Error(`${text}\n${err}`, { cause: fault })),
      );
    });
  };
  const given = (text: string): Readonly<Record<string, unknown>> => JSON.parse(text) as Record<string, unknown>;

  it('the service key lists and makes accounts', async () => {
    assert.equal((given(await typed(list))['users'] as unknown[]).length, 1);
    assert.equal(given(await typed(add))['success'], true);
    assert.equal((given(await typed(list))['users'] as unknown[]).length, 2);
  });

  it('and is nobody: no account of its own, and nothing of the application', async () => {
    const headers = basic(heldIn(serviceKeyFileOf(server.data)));
    for (const path of ['sessions', 'factors', 'login-attempts']) {
      const got = await send(`${server.console}/api/auth/${path}`, { headers });
      assert.deepEqual([got.status, got.json['error_code']], [403, 'forbidden'], `${path}: ${got.text}`);
    }
    assert.notEqual((await send(`${server.application}/x`, { headers })).status, 200);
    assert.deepEqual((await send(`${server.console}/api/auth/verify`, { headers })).status, 401);
  });

  it('another one, by command', async () => {
    const held = heldIn(serviceKeyFileOf(server.data));
    assert.match(await typed(keyCommands), /service +\S+ +\d+ min +in use[\s\S]+the new one is in /);
    assert.notEqual(heldIn(serviceKeyFileOf(server.data)), held);
    await typed(list);
  });

  it('a user key, and the password with its code', async () => {
    const [tell, use] = (userKey ?? '').split('\n');
    const token = await signInBearer(server);
    const told = given(await typed(tell, { SESSION: token }));
    assert.equal(given(await typed(use, { USER_KEY: String(told['user_key']) }))['success'], true);
    await typed(withCode, { PASSWORD: admin.password, CODE: '000000' });
    assert.equal(more.length, 0, 'the guide has more commands');
  });

  it('a folder that hands its group on: the group reads the file, and others do not', async (t) => {
    if (process.getuid?.() !== 0) {
      t.skip('groups of others can only be given by root');
      return;
    }
    const folder = await temporaryFolder();
    t.after(() => rm(folder, { recursive: true }));
    await chown(folder, 0, 65_534);
    const [, mode = ''] = /^d \/run\/sallyport-key (\d+) /m.exec(guide) ?? [];
    await chmod(folder, Number.parseInt(mode, 8));
    const [, variable = ''] = /^Environment=(\w+)=\/run/m.exec(guide) ?? [];
    const path = join(folder, 'api.key');
    assert.equal(await server.end(), 0);
    server = await startServer({
      data: server.data,
      upstream: echo.url,
      standing: 'set-up',
      env: { [variable]: path },
    });
    const asked = (uid: number, gid: number): Promise<string> =>
      new Promise((resolve) => {
        execFile('cat', [path], { uid, gid }, (fault, out) => resolve(fault === null ? out : 'refused'));
      });
    assert.equal(await asked(65_533, 65_534), heldIn(path));
    assert.equal(await asked(65_533, 65_533), 'refused');
    assert.equal((await stat(path)).gid, 65_534);
  });
});
