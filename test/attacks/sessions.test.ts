/** Attacks on sessions (security.md 2.4). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { setTimeout as sleep } from 'node:timers/promises';
import { browser, send } from '../support/client.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const account = 'sallyport-account';
const nextPassword = 'copper thistle evening 77 harbours';

describe('sessions under attack', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
  });
  after(() => server.remove());

  const alive = async (cookie: string | undefined): Promise<number> =>
    (await send(`${server.console}/api/auth/sessions`, { headers: { cookie: `${account}=${cookie}` } })).status;

  it('SE-01: a session chosen by the attacker never becomes real', async () => {
    const chosen = 'A'.repeat(43);
    const page = browser(server.console);
    page.cookies.set(account, chosen);
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    const got = await page.page('/api/auth/login', { body: { ...admin, login_token: prepared.json['login_token'] } });
    assert.equal(got.status, 200);
    assert.notEqual(page.cookies.get(account), chosen);
    assert.equal(await alive(chosen), 401);
    assert.equal(await alive(page.cookies.get(account)), 200);
  });

  it('SE-02: re-authentication and a password change give a new token, and the old one is dead at once', async () => {
    const page = await signIn(server);
    const first = page.cookies.get(account);
    assert.equal((await page.page('/api/auth/reauthenticate', { body: { password: admin.password } })).status, 200);
    const second = page.cookies.get(account);
    assert.notEqual(second, first);
    assert.deepEqual([await alive(first), await alive(second)], [401, 200]);
    assert.equal(
      (
        await page.page('/api/auth/change-password', {
          body: { old_password: admin.password, new_password: nextPassword },
        })
      ).status,
      200,
    );
    const third = page.cookies.get(account);
    assert.notEqual(third, second);
    assert.deepEqual([await alive(second), await alive(third)], [401, 200]);
    assert.equal(
      (
        await page.page('/api/auth/change-password', {
          body: { current_password: nextPassword, new_password: admin.password },
        })
      ).status,
      200,
    );
  });

  it('SE-03: after sign-out the cookie is dead everywhere, and the browser is told to forget', async () => {
    const page = await signIn(server);
    const token = page.cookies.get(account);
    const { csrf } = page;
    const got = await page.page('/api/auth/logout', { method: 'POST' });
    assert.equal(got.status, 200);
    assert.equal(got.headers['clear-site-data'], '"cache", "storage"');
    assert.equal(page.cookies.has(account), false);
    assert.equal(page.cookies.has('sallyport-device'), true);
    assert.equal(await alive(token), 401);
    assert.equal(
      (await send(`${server.console}/api/auth/verify`, { headers: { cookie: `${account}=${token}` } })).status,
      401,
    );
    const again = await send(`${server.console}/api/auth/logout`, {
      method: 'POST',
      headers: { cookie: `${account}=${token}`, 'x-csrf-token': csrf },
    });
    assertProblem(again, 401, 'session_expired');
    assert.match(again.cookies.join('\n'), /sallyport-account=;.*Max-Age=0/);
  });

  it('SE-05: a password change ends every other session before it is answered', async () => {
    const others = [await signIn(server), await signIn(server, { kind: 'admin' })];
    const bearer = await signInBearer(server);
    const page = await signIn(server);
    const changed = await page.page('/api/auth/change-password', {
      body: { old_password: admin.password, new_password: nextPassword },
    });
    assert.equal(changed.status, 200, changed.text);
    for (const other of others) assertProblem(await other.page('/api/auth/sessions'), 401, 'session_expired');
    assertProblem(
      await send(`${server.console}/api/auth/sessions`, { headers: { authorization: `Bearer ${bearer}` } }),
      401,
      'invalid_token',
    );
    const listed = await page.page('/api/auth/sessions');
    assert.equal((listed.json['sessions'] as unknown[]).length, 1);
    assertProblem(
      await send(`${server.console}/api/auth/login`, { body: admin, from: '127.3.0.1' }),
      401,
      'invalid_credentials',
    );
    assert.equal(
      (
        await page.page('/api/auth/change-password', {
          body: { old_password: nextPassword, new_password: admin.password },
        })
      ).status,
      200,
    );
  });

  it('two password changes at once: one wins, and only its password works', async () => {
    const [a, b] = [await signIn(server), await signIn(server)];
    const [first, second] = await Promise.all([
      a.page('/api/auth/change-password', { body: { old_password: admin.password, new_password: nextPassword } }),
      b.page('/api/auth/change-password', {
        body: { old_password: admin.password, new_password: `${nextPassword} too` },
      }),
    ]);
    const won = [first, second].filter((got) => got.status === 200);
    assert.equal(won.length, 1, `${first.text} ${second.text}`);
    const [winner, password] = first.status === 200 ? [a, nextPassword] : [b, `${nextPassword} too`];
    const loser = first.status === 200 ? b : a;
    assert.equal((await loser.page('/api/auth/sessions')).status, 401);
    assert.equal(
      (
        await winner.page('/api/auth/change-password', {
          body: { old_password: password, new_password: admin.password },
        })
      ).status,
      200,
    );
  });

  it('SE-08: every cookie of ours is HttpOnly, on Path=/, without Domain, and names its SameSite', async () => {
    const page = browser(server.console);
    const lines: string[] = [];
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    lines.push(
      ...prepared.cookies,
      ...(await page.page('/api/auth/login', { body: { ...admin, login_token: prepared.json['login_token'] } }))
        .cookies,
    );
    lines.push(...(await page.page('/api/auth/logout', { method: 'POST' })).cookies);
    const strict = browser(server.console);
    const again = await strict.page('/api/auth/login/prepare', { method: 'POST' });
    const admins = await strict.page('/api/auth/login', {
      body: { ...admin, kind: 'admin', login_token: again.json['login_token'] },
    });
    lines.push(...admins.cookies);
    assert.ok(lines.length >= 8);
    for (const line of lines) {
      assert.match(line, /; Path=\/; HttpOnly; SameSite=(Lax|Strict)/);
      assert.doesNotMatch(line, /domain/i);
      assert.ok(line.length < 4096);
    }
    const session = lines.find((line) => /^sallyport-account=[A-Za-z0-9_-]{43};/.test(line));
    assert.ok(session);
    assert.doesNotMatch(session, /Max-Age|Expires/i);
    assert.match(
      lines.find((line) => line.startsWith('sallyport-login=') && !line.includes('Max-Age=0')) ?? '',
      /SameSite=Strict; Max-Age=30/,
    );
    assert.match(admins.cookies.find((line) => line.startsWith('sallyport-admin=')) ?? '', /SameSite=Strict/);
  });

  it('SE-11: a mangled token is dead', async () => {
    const page = await signIn(server);
    const token = page.cookies.get(account) ?? '';
    const last = token.slice(-1);
    for (const mangled of [
      token.slice(0, -1),
      `${token}A`,
      token.toLowerCase(),
      token.toUpperCase(),
      `${encodeURIComponent(token)}%00`,
      `"${token}"`,
      ` ${token}x`,
      `${token.slice(0, -1)}${last === 'A' ? 'B' : String.fromCharCode(last.charCodeAt(0) - 1)}`,
      `%${token}`,
    ]) {
      if (mangled === token) continue;
      assert.equal(await alive(mangled), 401, mangled);
    }
    assert.equal(await alive(token), 200);
  });

  it('one of our names twice is dead, in one header or in two', async () => {
    const page = await signIn(server);
    const token = page.cookies.get(account) ?? '';
    assertProblem(
      await send(`${server.console}/api/auth/sessions`, {
        headers: { cookie: `${account}=${token}; ${account}=${token}` },
      }),
      401,
      'session_expired',
    );
    assertProblem(
      await send(`${server.console}/api/auth/sessions`, {
        headers: { cookie: [`${account}=${token}`, `${account}=x`] },
      }),
      401,
      'session_expired',
    );
  });

  it('a dead cookie beside a living one of another kind counts as absent, and is expired', async () => {
    const page = await signIn(server);
    const got = await send(`${server.console}/api/auth/sessions`, {
      headers: { cookie: `sallyport-admin=${'A'.repeat(43)}; ${account}=${page.cookies.get(account)}` },
    });
    assert.equal(got.status, 200);
    assert.match(got.cookies.join('\n'), /^sallyport-admin=;.*Max-Age=0/m);
  });

  it('SE-12: sessions of others, and sessions that are not there, look alike', async () => {
    const page = await signIn(server);
    for (const id of ['s_nobody', 's_AAAAAAAAAAAAAAAAAAAAAA', '..', '%2e%2e', '__proto__', 'constructor']) {
      const got = await page.page(`/api/auth/sessions/${id}`, { method: 'DELETE' });
      assert.ok(got.status === 404 || got.status === 405, `${id} ${got.status}`);
    }
    const missing = await page.page('/api/auth/users/u_nobody/sessions');
    assertProblem(missing, 404, 'not_found');
  });

  it('ends one session by its id, and only that one', async () => {
    const page = await signIn(server);
    const other = await signIn(server);
    const listed = (await other.page('/api/auth/sessions')).json['sessions'] as { id: string; current: boolean }[];
    const target = listed.find((each) => each.current);
    assert.ok(target);
    assert.equal((await page.page(`/api/auth/sessions/${target.id}`, { method: 'DELETE' })).status, 200);
    assertProblem(await other.page('/api/auth/sessions'), 401, 'session_expired');
    assert.equal((await page.page('/api/auth/sessions')).status, 200);
    assertProblem(await page.page(`/api/auth/sessions/${target.id}`, { method: 'DELETE' }), 404, 'not_found');
  });

  it('the list never shows a token or its digest', async () => {
    const page = await signIn(server);
    const text = (await page.page('/api/auth/sessions')).text;
    assert.doesNotMatch(text, new RegExp(page.cookies.get(account) ?? 'none'));
    assert.doesNotMatch(text, /digest|token|generation/);
  });

  it('five wrong confirmations in a row end that session; a right one in between does not', async () => {
    const page = await signIn(server, {}, '127.40.0.1');
    const wrong = () => page.page('/api/auth/reauthenticate', { body: { password: wrongPassword } });
    for (let at = 0; at < 4; at += 1) assertProblem(await wrong(), 403, 'reauthentication_failed');
    assert.equal((await page.page('/api/auth/reauthenticate', { body: { password: admin.password } })).status, 200);
    for (let at = 0; at < 4; at += 1) assertProblem(await wrong(), 403, 'reauthentication_failed');
    assertProblem(await wrong(), 403, 'reauthentication_failed');
    const dead = await page.page('/api/auth/sessions');
    assert.equal(dead.status, 401);
  });
});

describe('SE-06, SE-16: ends by time and by number', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer({
      args: [
        '--session-account-idle',
        '3s',
        '--session-account-absolute',
        '6s',
        '--session-account-cap',
        '3',
        '--step-up-window',
        '2s',
      ],
    });
    await setUp(server);
  });
  after(() => server.remove());

  it('the oldest session gives way at the cap, per transport', async () => {
    const bearers = [
      await signInBearer(server),
      await signInBearer(server),
      await signInBearer(server),
      await signInBearer(server),
    ];
    const states = await Promise.all(
      bearers.map(
        async (token) =>
          (await send(`${server.console}/api/auth/sessions`, { headers: { authorization: `Bearer ${token}` } })).status,
      ),
    );
    assert.deepEqual(states, [401, 200, 200, 200]);
    const page = await signIn(server);
    assert.equal((await page.page('/api/auth/sessions')).status, 200);
  });

  it('idle ends it; use keeps it, but never past its absolute end', async () => {
    const idle = await signInBearer(server);
    const used = await signInBearer(server);
    const read = async (token: string): Promise<number> =>
      (await send(`${server.console}/api/auth/sessions`, { headers: { authorization: `Bearer ${token}` } })).status;
    for (let second = 0; second < 5; second += 1) {
      assert.equal(await read(used), 200, `after ${second} s`);
      await sleep(1000);
    }
    assert.equal(await read(idle), 401);
    await sleep(1200);
    assert.equal(await read(used), 401);
  });

  it('the step-up window closes by itself, and only a person confirming opens it again', async () => {
    const page = await signIn(server, { kind: 'admin' });
    await sleep(2100);
    const refused = await page.page('/api/auth/disable', { body: {} });
    assertProblem(refused, 403, 'reauthentication_required');
    assert.deepEqual(refused.json['methods'], ['password']);
    assertProblem(
      await page.page('/api/auth/disable', { body: { password: wrongPassword } }),
      403,
      'reauthentication_failed',
    );
    assert.equal((await page.page('/api/auth/reauthenticate', { body: { password: admin.password } })).status, 200);
    assert.equal((await page.page('/api/auth/disable', { body: {} })).status, 200);
    const { json } = await send(`${server.console}/api/auth/status`);
    assert.deepEqual([json['auth_configured'], json['auth_enabled'], json['declined']], [true, false, false]);
    assertProblem(
      await send(`${server.console}/api/auth/enable`, { body: { ...admin, password: wrongPassword } }),
      401,
      'invalid_credentials',
    );
    assert.equal((await send(`${server.console}/api/auth/enable`, { body: admin })).status, 200);
    assert.equal((await send(`${server.console}/api/auth/verify`)).status, 401);
  });
});

describe('restart', () => {
  it('durable sessions live on, admin sessions do not, and a second process is refused', async () => {
    const first = await startServer();
    await setUp(first);
    const page = await signIn(first);
    const root = await signIn(first, { kind: 'admin' });
    await assert.rejects(startServer({ data: first.data }), /ended with 69/);
    assert.equal((await page.page('/api/auth/sessions')).status, 200);
    assert.equal(await first.end(), 0);
    const second = await startServer({ data: first.data });
    try {
      assert.equal(second.setupCode, '');
      const read = (cookie: string) => send(`${second.console}/api/auth/sessions`, { headers: { cookie } });
      assert.equal((await read(`${account}=${page.cookies.get(account)}`)).status, 200);
      assert.equal((await read(`sallyport-admin=${root.cookies.get('sallyport-admin')}`)).status, 401);
    } finally {
      await second.remove();
    }
  });
});
