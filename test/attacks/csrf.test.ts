/** Attacks from other sites (security.md 2.5) and on signing in by cookie (L-18, L-19). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, browser, send } from '../support/client.ts';
import { admin, setUp, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

/** Every unsafe route that a cookie opens, with a body that would do something. */
const unsafe = [
  ['POST', '/api/auth/logout', undefined],
  ['POST', '/api/auth/reauthenticate', { password: admin.password }],
  ['POST', '/api/auth/change-password', { old_password: admin.password, new_password: 'somebody else 99 wanted this' }],
  ['POST', '/api/auth/disable', { password: admin.password }],
  ['DELETE', '/api/auth/sessions', undefined],
  ['DELETE', '/api/auth/sessions/s_AAAAAAAAAAAAAAAAAAAAAA', undefined],
  ['DELETE', '/api/auth/users/u_AAAAAAAAAAAAAAAAAAAAAA/sessions', undefined],
] as const;

describe('requests that another site can make', () => {
  let server: RunningServer;
  let page: Browser;
  let other: Browser;
  before(async () => {
    server = await startServer();
    await setUp(server);
    page = await signIn(server);
    other = await signIn(server);
  });
  after(() => server.remove());

  const unchanged = async (): Promise<void> => {
    assert.equal((await page.page('/api/auth/sessions')).status, 200);
    const { json } = await send(`${server.console}/api/auth/status`);
    assert.equal(json['auth_enabled'], true);
  };

  for (const [method, path, body] of unsafe) {
    const sent = body === undefined ? { method } : { method, body };
    it(`CS-01, CS-02: ${method} ${path} needs the token of this very session`, async () => {
      assertProblem(await page.send(path, sent), 403, 'csrf_failed');
      for (const token of ['', 'x', other.csrf, `${page.csrf}x`, page.csrf.toUpperCase()]) {
        assertProblem(await page.send(path, { ...sent, headers: { 'x-csrf-token': token } }), 403, 'csrf_failed');
      }
      await unchanged();
    });
    it(`CS-04, CS-05: ${method} ${path} is refused from elsewhere, whatever token it carries`, async () => {
      for (const headers of [
        { 'sec-fetch-site': 'cross-site' },
        { 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-site': 'none' },
        { 'sec-fetch-site': 'cross-site', origin: server.console },
        { origin: 'https://evil.test' },
        { origin: 'null' },
        { origin: server.console.replace('http:', 'https:') },
        { origin: server.console.replace(/\d+$/, '1') },
        { origin: `${server.console}.evil.test` },
      ]) {
        assertProblem(
          await page.send(path, { ...sent, headers: { 'x-csrf-token': page.csrf, ...headers } }),
          403,
          'csrf_failed',
        );
      }
      await unchanged();
    });
    it(`CS-07: ${method} ${path} takes no simple request`, async () => {
      if (body === undefined) return;
      for (const type of [
        'text/plain',
        'multipart/form-data; boundary=x',
        'application/x-www-form-urlencoded',
        'application/jsonp',
        'application/json, text/plain',
        'application/json;charset=utf-7',
        'application/json\t;x',
        '',
      ]) {
        const got = await page.page(path, { method, body: JSON.stringify(body), headers: { 'content-type': type } });
        assertProblem(got, 415, 'unsupported_media_type');
      }
      await unchanged();
    });
    it(`CS-09: ${path} changes nothing by GET, nor by a method in a header or query`, async () => {
      for (const way of ['GET', 'HEAD']) {
        for (const suffix of ['', `?_method=${method}`]) {
          const got = await page.page(`${path}${suffix}`, {
            method: way,
            headers: { 'x-http-method-override': method, 'x-method-override': method, 'x-http-method': method },
          });
          assert.ok([200, 404, 405].includes(got.status), `${got.status}`);
        }
      }
      await unchanged();
    });
  }

  it('a bearer token needs no CSRF token, since no browser sends it by itself', async () => {
    const bearer = await signInBearer(server);
    const got = await send(`${server.console}/api/auth/reauthenticate`, {
      headers: { authorization: `Bearer ${bearer}` },
      body: { password: admin.password },
    });
    assert.equal(got.status, 200, got.text);
    assert.match(String(got.json['token']), /^sps_/);
    assert.deepEqual(got.cookies, []);
  });

  it('sign-out takes the token as a form field, and only there', async () => {
    const form = await signIn(server);
    const type = { 'content-type': 'application/x-www-form-urlencoded' };
    assertProblem(
      await form.send('/api/auth/logout', { method: 'POST', body: 'csrf=wrong', headers: type }),
      403,
      'csrf_failed',
    );
    assertProblem(
      await form.send('/api/auth/logout', {
        method: 'POST',
        body: `csrf=${form.csrf}&csrf=${form.csrf}`,
        headers: type,
      }),
      400,
      'invalid_request',
    );
    assert.equal(
      (await form.send('/api/auth/logout', { method: 'POST', body: `csrf=${form.csrf}`, headers: type })).status,
      200,
    );
  });

  it('CS-10: no origin is ever let read an answer', async () => {
    for (const origin of ['https://evil.test', 'null', server.console]) {
      for (const sent of [
        { headers: { origin } },
        { method: 'OPTIONS', headers: { origin, 'access-control-request-method': 'POST' } },
      ]) {
        const got = await page.send('/api/auth/status', sent);
        for (const name of Object.keys(got.headers)) assert.doesNotMatch(name, /^access-control-/);
      }
    }
  });

  it('the CSRF token is handed to our own pages alone', async () => {
    assert.equal(typeof (await page.page('/api/auth/status')).json['csrf_token'], 'string');
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.test' },
    ]) {
      assert.equal((await page.send('/api/auth/status', { headers })).json['csrf_token'], undefined);
    }
    const bearer = await signInBearer(server);
    assert.equal(
      (await send(`${server.console}/api/auth/status`, { headers: { authorization: `Bearer ${bearer}` } })).json[
        'csrf_token'
      ],
      undefined,
    );
  });

  it('CS-12: every answer forbids sniffing, framing and leaking its address', async () => {
    for (const [path, sent] of [
      ['/api/auth/status', {}],
      ['/api/auth/sessions', {}],
      ['/nothing', {}],
      ['/api/auth/login', { method: 'GET' }],
      ['/api/auth/login', { body: 'x', headers: { 'content-type': 'text/plain' } }],
      ['/auth/sign-in', {}],
      ['/auth/nothing', {}],
      ['/', {}],
      ['/api/auth/verify', {}],
      ['/api/auth/status', { headers: { host: 'evil.test' } }],
    ] as const) {
      const got = await send(`${server.console}${path}`, sent);
      assert.equal(got.headers['x-content-type-options'], 'nosniff', path);
      assert.equal(got.headers['referrer-policy'], 'no-referrer', path);
      assert.equal(got.headers['cache-control'], 'no-store', path);
      assert.match(
        got.headers['content-security-policy'] ?? '',
        /frame-ancestors 'none'.*base-uri 'none'.*object-src 'none'/,
        path,
      );
      for (const name of ['server', 'x-powered-by']) assert.equal(got.headers[name], undefined);
    }
  });

  it('pages carry a new nonce each time, and allow nothing inline without it', async () => {
    const policies = await Promise.all(
      [0, 1].map(async () => (await send(`${server.url}/auth/sign-in`)).headers['content-security-policy'] ?? ''),
    );
    assert.notEqual(policies[0], policies[1]);
    for (const policy of policies) assert.doesNotMatch(policy, /unsafe|\*/);
  });
});

describe('L-18, L-19: signing a browser in from elsewhere', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
  });
  after(() => server.remove());

  const prepare = async (page: Browser): Promise<string> =>
    String((await page.page('/api/auth/login/prepare', { method: 'POST' })).json['login_token']);
  const noSession = (page: Browser): void => assert.equal(page.cookies.has('sallyport-account'), false);

  it('without a login token there is never a cookie', async () => {
    const got = await send(`${server.console}/api/auth/login`, { body: admin });
    assert.equal(got.status, 200);
    assert.deepEqual(got.cookies, []);
    assert.match(String(got.json['token']), /^sps_[0-9A-Za-z]{36}$/);
    assert.equal(got.json['token_type'], 'Bearer');
    assert.equal(got.json['csrf_token'], undefined);
  });
  it("a token with another browser's cookie, or with none, is refused before the password is looked at", async () => {
    const [attacker, victim] = [browser(server.console), browser(server.console)];
    const token = await prepare(attacker);
    await prepare(victim);
    for (let at = 0; at < 15; at += 1) {
      const got = await victim.page('/api/auth/login', {
        body: { ...admin, password: 'never looked at', login_token: token },
      });
      assertProblem(got, 403, 'login_token_invalid');
      assert.match(got.cookies.join(), /sallyport-login=;.*Max-Age=0/);
    }
    noSession(victim);
    assertProblem(
      await send(`${server.console}/api/auth/login`, { body: { ...admin, login_token: token } }),
      403,
      'login_token_invalid',
    );
  });
  it('from another site it is refused whatever it carries', async () => {
    const page = browser(server.console);
    const token = await prepare(page);
    for (const headers of [
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site' },
      { origin: 'https://evil.test' },
    ]) {
      assertProblem(
        await page.send('/api/auth/login', { body: { ...admin, login_token: token }, headers }),
        403,
        'csrf_failed',
      );
    }
    noSession(page);
  });
  it('works once, also when twenty try at the same time', async () => {
    const page = browser(server.console);
    const token = await prepare(page);
    const cookie = `sallyport-login=${page.cookies.get('sallyport-login')}`;
    const all = await Promise.all(
      Array.from({ length: 20 }, () =>
        send(`${server.console}/api/auth/login`, { headers: { cookie }, body: { ...admin, login_token: token } }),
      ),
    );
    assert.equal(all.filter((got) => got.status === 200).length, 1);
    for (const got of all) if (got.status !== 200) assertProblem(got, 403, 'login_token_invalid');
  });
  it('is spent by a wrong password, too', async () => {
    const page = browser(server.console, '127.50.0.1');
    const token = await prepare(page);
    const cookie = `sallyport-login=${page.cookies.get('sallyport-login')}`;
    const wrong = await page.page('/api/auth/login', {
      body: { ...admin, password: 'wrong wrong wrong', login_token: token },
    });
    assertProblem(wrong, 401, 'invalid_credentials');
    assert.match(wrong.cookies.join(), /sallyport-login=;.*Max-Age=0/);
    assertProblem(
      await send(`${server.console}/api/auth/login`, { headers: { cookie }, body: { ...admin, login_token: token } }),
      403,
      'login_token_invalid',
    );
  });
  it('changed in any part it is refused', async () => {
    const page = browser(server.console);
    const token = await prepare(page);
    const cookie = `sallyport-login=${page.cookies.get('sallyport-login')}`;
    const [time = '', mac = ''] = token.split('.');
    for (const login_token of [
      '',
      '.',
      mac,
      `${Number(time) + 60_000}.${mac}`,
      `${time}.${mac.slice(0, -1)}`,
      `${token}.x`,
      `${token} `,
    ]) {
      assertProblem(
        await send(`${server.console}/api/auth/login`, { headers: { cookie }, body: { ...admin, login_token } }),
        403,
        'login_token_invalid',
      );
    }
    for (const login_token of [[token], { token }, 1, true, null]) {
      assertProblem(
        await send(`${server.console}/api/auth/login`, { headers: { cookie }, body: { ...admin, login_token } }),
        400,
        'invalid_request',
      );
    }
  });
});
