/** Attacks on the forward-auth answer (security.md 2.9, as far as rules by path are not needed). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { setUp, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const app = 'https://app.test';
const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate' } as const;
/** How Traefik and Caddy describe the request they ask about. */
const asked = (method: string, uri: string, host = 'app.test', proto = 'https') => ({
  'x-forwarded-method': method,
  'x-forwarded-proto': proto,
  'x-forwarded-host': host,
  'x-forwarded-uri': uri,
});

describe('asked by a listed proxy', () => {
  let server: RunningServer;
  let bearer: string;
  before(async () => {
    // 127.0.0.0/9 are the proxies, 127.128.0.0/9 is everybody else.
    server = await startServer({
      args: ['--trusted-proxies', '127.0.0.0/9', '--protected-hosts', `${app},https://wiki.test`],
    });
    await setUp(server);
    bearer = await signInBearer(server);
  });
  after(() => server.remove());

  const verify = (headers: Readonly<Record<string, string>>, query = '', from?: string): Promise<Got> =>
    send(`${server.console}/api/auth/verify${query}`, { headers, ...(from === undefined ? {} : { from }) });
  const authorized = () => ({ authorization: `Bearer ${bearer}` });

  it('answers for a session with every identity header and an empty body', async () => {
    const got = await verify({ ...asked('GET', '/x'), ...authorized() });
    assert.equal(got.status, 200);
    assert.equal(got.text, '');
    assert.equal(got.headers['content-length'], '0');
    assert.deepEqual(
      ['remote-user', 'remote-groups', 'remote-email', 'remote-name', 'x-auth-via', 'x-auth-scopes'].map(
        (name) => got.headers[name],
      ),
      ['root1', 'admin', '', 'Root1', 'session', ''],
    );
  });

  it('leads a person to sign in only with redirect=1, only for protected hosts, only for navigations', async () => {
    const led = await verify({ ...asked('GET', '/deep?a=b'), ...navigation }, '?redirect=1');
    assert.equal(led.status, 302);
    const location = new URL(led.headers['location'] ?? '');
    assert.equal(location.origin, server.url);
    assert.equal(location.searchParams.get('return_to'), `${app}/deep?a=b`);
    assert.match(
      led.cookies.join(),
      /^__Host-sallyport-state=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=600$/,
    );
    assertProblem(await verify({ ...asked('GET', '/'), ...navigation }), 401, 'unauthorized');
    assertProblem(
      await verify({ ...asked('GET', '/', 'evil.test'), ...navigation }, '?redirect=1'),
      401,
      'unauthorized',
    );
    assertProblem(await verify({ ...asked('POST', '/'), ...navigation }, '?redirect=1'), 401, 'unauthorized');
    assertProblem(await verify({ ...asked('GET', '/'), accept: '*/*' }, '?redirect=1'), 401, 'unauthorized');
    assertProblem(
      await verify({ ...asked('GET', '/'), ...navigation, 'sec-fetch-mode': 'cors' }, '?redirect=1'),
      401,
      'unauthorized',
    );
  });

  it('P-13: a host is one host in every spelling', async () => {
    for (const host of ['APP.test', 'app.test.', 'app.test:443', 'App.Test.:443']) {
      const led = await verify({ ...asked('GET', '/', host), ...navigation }, '?redirect=1');
      assert.equal(new URL(led.headers['location'] ?? '').searchParams.get('return_to'), `${app}/`, host);
    }
  });

  it('descriptions that cannot be read are refused, whatever credential comes along', async () => {
    for (const headers of [
      asked('get', '/'),
      asked('', '/'),
      asked('FOO', '/'),
      asked('GET', 'nothing'),
      asked('GET', '/\tx'),
      asked('GET', '/', 'user@app.test'),
      asked('GET', '/', 'app.test/x'),
      asked('GET', '/', 'app.test, evil.test'),
      asked('GET', '/', 'app.test', 'javascript'),
      { ...asked('GET', '/'), 'x-original-url': 'https://app.test/' },
      { ...asked('GET', '/'), 'x-original-method': 'GET' },
    ]) {
      assertProblem(await verify({ ...headers, ...authorized() }), 400, 'invalid_request');
    }
  });

  it('nginx gets only what it can pass on, with the reason beside it', async () => {
    const nginx = (method: string, url: string) => ({ 'x-original-method': method, 'x-original-url': url });
    assert.equal((await verify({ ...nginx('GET', `${app}/x`), ...authorized() })).status, 200);
    const refused = await verify(nginx('GET', `${app}/x`), '?redirect=1');
    assert.equal(refused.status, 401);
    assert.equal(refused.headers['x-auth-reason'], 'unauthorized');
    for (const [method, url] of [
      ['FOO', `${app}/`],
      ['GET', 'nothing'],
      ['GET', 'javascript://app.test/'],
    ] as const) {
      const got = await verify({ ...nginx(method, url), ...authorized() });
      assert.equal(got.status, 403, url);
      assert.equal(got.headers['x-auth-reason'], 'forbidden');
    }
    assert.equal((await verify({ ...nginx('GET', `${app}/x`), ...authorized() }, '?privilege=owner')).status, 403);
  });

  it('unsafe requests and upgrades with a cookie must come from the protected host itself', async () => {
    const page = await signIn(server);
    const cookie = `sallyport-account=${page.cookies.get('sallyport-account')}`;
    assert.equal((await verify({ ...asked('GET', '/'), cookie })).status, 200);
    assert.equal(
      (await verify({ ...asked('POST', '/'), cookie, origin: app, 'sec-fetch-site': 'same-origin' })).status,
      200,
    );
    for (const headers of [
      { origin: 'https://evil.test' },
      { origin: server.url },
      { 'sec-fetch-site': 'cross-site' },
      { 'sec-fetch-site': 'same-site', origin: 'https://wiki.test' },
    ]) {
      assertProblem(await verify({ ...asked('POST', '/'), cookie, ...headers }), 403, 'csrf_failed');
    }
    assertProblem(
      await verify({
        ...asked('GET', '/'),
        cookie,
        origin: 'https://evil.test',
        upgrade: 'websocket',
        connection: 'upgrade',
      }),
      403,
      'csrf_failed',
    );
  });

  it("an application's session is good for its own host alone", async () => {
    const page = await signIn({ console: server.url });
    const location = async (host: string): Promise<URL> => {
      const got = await page.send(`/auth/sign-in?return_to=${encodeURIComponent(`${host}/`)}`, { headers: navigation });
      return new URL(got.headers['location'] ?? '');
    };
    const redeem = async (host: string, at = host): Promise<string> => {
      const ticket = await location(host);
      const got = await send(`${server.console}${ticket.pathname}${ticket.search}`, {
        headers: { host: new URL(at).host },
      });
      return /__Host-sallyport-app=([A-Za-z0-9_-]{43});/.exec(got.cookies.join())?.[1] ?? '';
    };
    const cookie = `__Host-sallyport-app=${await redeem(app)}`;
    assert.equal((await verify({ ...asked('GET', '/'), cookie })).status, 200);
    assertProblem(await verify({ ...asked('GET', '/', 'wiki.test'), cookie }), 401, 'unauthorized');
    assertProblem(await verify({ ...asked('GET', '/', 'app.test', 'http'), cookie }), 401, 'unauthorized');
    assert.equal(await redeem(app, 'https://wiki.test'), '');
  });

  it('P-01, P-04: from anybody else, forwarded headers mean nothing at all', async () => {
    const stranger = '127.200.0.1';
    for (const headers of [
      asked('GET', '/public'),
      { 'x-original-url': `${app}/public` },
      { 'x-forwarded-for': '127.0.0.1' },
      { ...asked('FOO', 'junk'), 'x-original-method': 'BAR' },
    ]) {
      assertProblem(await verify(headers, '', stranger), 401, 'unauthorized');
      assert.equal((await verify({ ...headers, ...authorized() }, '', stranger)).status, 200);
    }
    const led = await verify({ ...asked('GET', '/'), ...navigation }, '?redirect=1', stranger);
    assertProblem(led, 401, 'unauthorized');
    for (const name of [
      'x-forwarded-for',
      'x-real-ip',
      'forwarded',
      'cf-connecting-ip',
      'true-client-ip',
      'x-client-ip',
      'x-cluster-client-ip',
    ]) {
      const got = await send(`${server.console}/api/auth/login`, {
        from: stranger,
        headers: { [name]: name === 'forwarded' ? 'for=192.0.2.7' : '192.0.2.7' },
        body: { username: 'Root1', password: 'wrong wrong wrong 12' },
      });
      assertProblem(got, 401, 'invalid_credentials');
    }
    const attempts = await send(`${server.console}/api/auth/login-attempts?all=1`, { headers: authorized() });
    assert.deepEqual(
      (attempts.json['attempts'] as { address: string }[]).filter((each) => each.address === '192.0.2.7'),
      [],
    );
  });

  it('P-02: behind a listed proxy the client is the right-most address that is not one', async () => {
    await send(`${server.console}/api/auth/login`, {
      headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9, 127.0.0.5' },
      body: { username: 'ghost', password: 'wrong wrong wrong 12' },
    });
    const attempts = await send(`${server.console}/api/auth/login-attempts?all=1`, { headers: authorized() });
    const addresses = (attempts.json['attempts'] as { address: string }[]).map((each) => each.address);
    assert.ok(addresses.includes('203.0.113.9'), addresses.join());
    assert.equal(addresses.includes('198.51.100.1'), false);
  });

  it('P-18: no health checker and no address gets past without a credential', async () => {
    for (const headers of [
      { 'user-agent': 'kube-probe/1.29' },
      { 'user-agent': 'GoogleHC/1.0' },
      { 'user-agent': 'ELB-HealthChecker/2.0' },
      { 'x-health-check': '1' },
      { 'x-forwarded-for': '127.0.0.1' },
      { 'remote-user': 'root1' },
      { 'x-auth-via': 'session' },
    ]) {
      assertProblem(await verify({ ...asked('GET', '/'), ...headers }), 401, 'unauthorized');
    }
  });

  it('P-09: broken cookies are never somebody', async () => {
    for (const value of ['%00', 'x'.repeat(8000), '"', '=', 'A'.repeat(43), '../..']) {
      const got = await verify({ ...asked('GET', '/'), cookie: `__Host-sallyport-app=${value}` });
      assertProblem(got, 401, 'session_expired');
      assert.match(got.cookies.join(), /^__Host-sallyport-app=; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=0$/);
    }
  });

  it('WebSocket handshakes count as unsafe, also when the proxy has dropped the Upgrade header', async () => {
    const page = await signIn(server);
    const cookie = `sallyport-account=${page.cookies.get('sallyport-account')}`;
    const evil = { origin: 'https://evil.test', cookie };
    for (const headers of [
      { ...asked('GET', '/ws'), 'sec-websocket-key': 'x' },
      { ...asked('GET', '/ws'), 'sec-websocket-version': '13' },
      { ...asked('GET', '/ws'), 'sec-fetch-mode': 'websocket' },
      asked('GET', '/ws', 'app.test', 'wss'),
      asked('GET', '/ws', 'app.test', 'ws'),
    ]) {
      assertProblem(await verify({ ...headers, ...evil }), 403, 'csrf_failed');
      assert.equal(
        (await verify({ ...headers, cookie, origin: headers['x-forwarded-proto'] === 'ws' ? 'http://app.test' : app }))
          .status,
        200,
      );
    }
    const nginx = await verify({
      'x-original-method': 'GET',
      'x-original-url': `${app}/ws`,
      'sec-websocket-key': 'x',
      ...evil,
    });
    assert.deepEqual([nginx.status, nginx.headers['x-auth-reason']], [403, 'csrf_failed']);
  });

  it('a description without its method is taken for an unsafe one', async () => {
    const page = await signIn(server);
    const cookie = `sallyport-account=${page.cookies.get('sallyport-account')}`;
    const { 'x-forwarded-method': _method, ...rest } = asked('GET', '/x');
    assertProblem(await verify({ ...rest, cookie, 'sec-fetch-site': 'cross-site' }), 403, 'csrf_failed');
    assert.equal((await verify({ 'x-original-url': `${app}/x`, cookie, origin: 'https://evil.test' })).status, 403);
    assert.equal((await verify({ ...rest, ...authorized() })).status, 200);
  });

  it('a question that cannot be read whole is not answered', async () => {
    for (const query of [
      '?privileges=admin',
      '?privilege=admin&privilege=owner',
      '?optional=1&optional=0',
      '?optional=yes',
      '?redirect=true',
      '?kind=',
      '?scope=a b',
      '?scope=',
      '?Scope=x',
      '?__proto__=1',
    ]) {
      assertProblem(await verify({ ...asked('GET', '/'), ...authorized() }, query), 400, 'invalid_request');
    }
  });

  it('doing without a session does not do without the rest of the question', async () => {
    assert.equal((await verify(asked('GET', '/'), '?optional=1')).status, 200);
    assertProblem(await verify(asked('GET', '/'), '?optional=1&privilege=admin'), 401, 'unauthorized');
    assertProblem(await verify(asked('GET', '/'), '?optional=1&kind=admin'), 401, 'unauthorized');
    assertProblem(
      await verify({ ...asked('GET', '/'), ...authorized() }, '?optional=1&privilege=owner'),
      403,
      'forbidden',
    );
  });
});
