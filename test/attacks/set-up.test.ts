/** Attacks on the first run (security.md 2.1). */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { readFile, stat } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { browser, send } from '../support/client.ts';
import { admin, setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { settled } from '../support/waiting.ts';

describe('S-01: fifty set-ups at once', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.remove());

  it('give one admin; the rest are told that it is done', async () => {
    const all = await Promise.all(
      Array.from({ length: 50 }, (_, at) =>
        send(`${server.console}/api/auth/setup`, {
          body: { setup_code: server.setupCode, username: `root${at}`, password: admin.password },
          from: `127.0.${at % 3}.${at + 2}`,
        }),
      ),
    );
    const won = all.filter((got) => got.status === 201);
    assert.equal(won.length, 1);
    for (const got of all) if (got !== won[0]) assertProblem(got, 403, 'already_configured');
    const [winner] = won;
    assert.ok(winner);
    assert.equal((winner.json['backup_codes'] as string[]).length, 10);

    const signIn = (at: number) =>
      send(`${server.console}/api/auth/login`, {
        body: { username: `root${at}`, password: admin.password },
        from: `127.${at + 1}.0.1`,
      });
    // In two halves: all fifty at once are as many as the queue of hashes takes on an idle machine.
    const half = Array.from({ length: 25 }, (_, at) => at);
    const names = [...(await Promise.all(half.map(signIn))), ...(await Promise.all(half.map((at) => signIn(at + 25))))];
    assert.equal(names.filter((got) => got.status === 200).length, 1);
    assert.equal(names.filter((got) => got.status === 401).length, 49);
  });
});

describe('S-03, S-06: after set-up', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer({ env: { SALLYPORT_SETUP_CODE: 'a-code-given-by-setting' } });
    await setUp(server);
  });
  after(() => server.remove());

  it('the code is dead, and its file gone', async () => {
    assertProblem(
      await send(`${server.console}/api/auth/setup`, {
        body: { setup_code: server.setupCode, username: 'mallory', password: admin.password },
      }),
      403,
      'already_configured',
    );
    await settled(() => !existsSync(join(server.data, 'setup-code')), 'the file is still there');
  });
  it('every other method is refused, and no answer speaks of users', async () => {
    for (const method of ['GET', 'PUT', 'OPTIONS', 'DELETE', 'PATCH']) {
      const got = await send(`${server.console}/api/auth/setup`, { method });
      assertProblem(got, 405, 'method_not_allowed');
      assert.doesNotMatch(got.text, /root1/i);
    }
  });
  it('no default name and password works', async () => {
    for (const [at, [username, password]] of [
      ['admin', 'admin'],
      ['root', 'root'],
      ['admin', 'password'],
      ['sallyport', 'sallyport'],
      ['root1', 'root1'],
      ['Root1', ''],
    ].entries()) {
      const got = await send(`${server.console}/api/auth/login`, {
        body: { username, password },
        from: `127.0.9.${at + 1}`,
      });
      assert.ok(got.status === 401 || got.status === 400, got.text);
    }
  });
  it('a new code from the host is refused too', async () => {
    const { code, err } = await runCommand(['setup', '--new-code', '--data', server.data]);
    assert.equal(code, 69);
    assert.match(err, /already been? ?set up|set up already/i);
  });
});

describe('S-04: guessing the setup code', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.remove());

  it('is stopped from the tenth wrong one on, per network and in wider ones', async () => {
    const guess = (from: string) =>
      send(`${server.console}/api/auth/setup`, { body: { ...admin, setup_code: 'AAAA-BBBB-CCCC-DDDD' }, from });
    const own = await Promise.all(Array.from({ length: 20 }, () => guess('127.7.7.7')));
    assert.equal(own.filter((got) => got.status === 403).length, 10);
    for (const got of own.filter((each) => each.status !== 403)) assertProblem(got, 429, 'rate_limited');
    const spread = await Promise.all(Array.from({ length: 60 }, (_, at) => guess(`127.8.8.${at + 1}`)));
    assert.equal(spread.filter((got) => got.status === 403).length, 30);
  });
  it('the code lies in a file that only its owner reads', async () => {
    const path = join(server.data, 'setup-code');
    assert.equal((await stat(path)).mode & 0o777, 0o600);
    assert.equal((await readFile(path, 'utf8')).trim(), server.setupCode);
    assert.equal((await stat(server.data)).mode & 0o777, 0o700);
  });
  it('nobody was made, and the right code still works from elsewhere', async () => {
    const got = await send(`${server.console}/api/auth/setup`, {
      body: { ...admin, setup_code: server.setupCode.toLowerCase().replaceAll('-', ' ') },
      from: '127.200.0.1',
    });
    assert.equal(got.status, 201, got.text);
  });
});

describe('S-08 and first-run races with declining', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.remove());

  it('a weak first password is refused with its reasons, and setting up stays possible', async () => {
    for (const [password, reason] of [
      ['password123456789', 'common'],
      ['short', 'too_short'],
      ['qwertyuiopasdfgh', 'sequence'],
      ['root1root1root1root1', 'contains_username'],
      ['sallyport sallyport', 'contains_product'],
      ['localhost-localhost', 'contains_host'],
    ] as const) {
      const got = await send(`${server.console}/api/auth/setup`, {
        body: { username: 'Root1', password, setup_code: server.setupCode },
      });
      assertProblem(got, 422, 'password_refused');
      assert.ok((got.json['reasons'] as string[]).includes(reason), `${password}: ${got.text}`);
    }
  });
  it('names that nobody can have are refused', async () => {
    for (const username of ['', ' ', 'a b', 'a:b', 'a/b', 'a\u0000b', 'x'.repeat(65), '\u202eroot', 'ro\u200bot']) {
      assertProblem(
        await send(`${server.console}/api/auth/setup`, {
          body: { username, password: admin.password, setup_code: server.setupCode },
        }),
        400,
        'invalid_request',
      );
    }
  });
  it('declining and setting up at once end in one state, and it is the configured one or the declined one, never both', async () => {
    const [declined, made] = await Promise.all([
      send(`${server.console}/api/auth/decline`, { body: { setup_code: server.setupCode } }),
      send(`${server.console}/api/auth/setup`, { body: { ...admin, setup_code: server.setupCode } }),
    ]);
    assert.equal(made.status, 201, made.text);
    assert.ok(declined.status === 200 || declined.status === 403, declined.text);
    const { json } = await send(`${server.console}/api/auth/status`);
    assert.equal(json['auth_enabled'], true);
    assert.equal(json['declined'], false);
  });
});

describe('declined: open by decision, and only as decided', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
  });
  after(() => server.remove());

  it('is recorded, answers the same when asked again, and leads back by a set-up', async () => {
    const first = await send(`${server.console}/api/auth/skip`, { body: { setup_code: server.setupCode } });
    assert.equal(first.status, 200, first.text);
    assert.equal(first.json['auth_declined'], true);
    assert.equal(
      (await send(`${server.console}/api/auth/skip`, { body: { setup_code: server.setupCode } })).status,
      200,
    );
    const { json } = await send(`${server.console}/api/auth/status`);
    assert.deepEqual([json['declined'], json['auth_configured'], json['auth_enabled']], [true, false, false]);
    for (const path of ['/api/auth/login', '/api/auth/enable'])
      assertProblem(await send(`${server.console}${path}`, { body: admin }), 503, 'not_configured');
    const verify = await send(`${server.console}/api/auth/verify`);
    assert.equal(verify.status, 200);
    assert.deepEqual([verify.headers['x-auth-via'], verify.headers['remote-user']], ['none', '']);
    const { code, out } = await runCommand(['setup', '--new-code', '--data', server.data]);
    assert.equal(code, 0);
    const fresh = decodeURIComponent(out.split('#code=')[1]?.trim() ?? '');
    assertProblem(
      await send(`${server.console}/api/auth/setup`, { body: { ...admin, setup_code: server.setupCode } }),
      403,
      'setup_code_invalid',
    );
    assert.equal(
      (await send(`${server.console}/api/auth/setup`, { body: { ...admin, setup_code: fresh } })).status,
      201,
    );
    assert.equal((await send(`${server.console}/api/auth/verify`)).status, 401);
  });
  it('cannot be done by another site', async () => {
    const other = await startServer();
    try {
      const page = browser(other.console);
      for (const headers of [{ 'sec-fetch-site': 'cross-site' }, { origin: 'https://evil.test' }, { origin: 'null' }]) {
        assertProblem(
          await page.send('/api/auth/decline', { body: { setup_code: other.setupCode }, headers }),
          403,
          'csrf_failed',
        );
      }
    } finally {
      await other.remove();
    }
  });
});
