/** Attacks with API tokens that are somebody's: from elsewhere, beyond their limit, through to applications (security.md 2.7, 2.9). */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { Agent, request } from 'node:http';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { asAdmin, bearer, settle } from '../support/invited.ts';
import { enterApplication, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { handshake, rawConnection } from '../support/raw-connection.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { settled } from '../support/waiting.ts';
import { basic, type MadeToken, makeToken, onToken, quotaOf, unknownToken } from '../support/tokens.ts';

type Headers = Readonly<Record<string, string>>;

const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate' } as const;
const asked = (method: string, uri: string, host = 'app.test') => ({
  'x-forwarded-method': method,
  'x-forwarded-proto': 'https',
  'x-forwarded-host': host,
  'x-forwarded-uri': uri,
});
/** Exactly what one node counts; several let through up to a slice less, or more, for a moment. */
const exact = process.env['SALLYPORT_TEST_STORE'] !== 'nodes';

describe('where a token comes from, and how often', () => {
  let server: RunningServer;
  let root: string;
  before(async () => {
    // 127.0.0.0/9 are the proxies, 127.128.0.0/9 is everybody else.
    server = await startServer({ args: ['--trusted-proxies', '127.0.0.0/9', '--protected-hosts', 'https://app.test'] });
    root = String((await setUp(server)).json['token']);
  });
  after(() => server.remove());

  const verify = (token: string, headers: Headers = {}, more: Sent & { query?: string } = {}): Promise<Got> =>
    send(`${server.console}/api/auth/verify${more.query ?? ''}`, {
      ...more,
      headers: { ...bearer(token), ...headers },
    });
  const stranger = '127.128.0.1';

  it('K-05: a list of addresses goes by who really asks', async () => {
    const { token } = await makeToken(server, root, { ip_allowlist: ['192.0.2.0/24', '2001:db8::/32'] });
    for (const from of [
      '192.0.2.1',
      '192.0.2.255',
      '::ffff:192.0.2.1',
      '::ffff:c000:0201',
      '198.51.100.7, 192.0.2.1',
      '2001:db8::1',
      '2001:0DB8:0000::0001',
    ])
      assert.equal((await verify(token, { 'x-forwarded-for': from })).status, 200, from);
    for (const from of [
      '192.0.3.1',
      '192.0.2.1, 198.51.100.7',
      '2001:db9::1',
      '127.0.0.1',
      '192.0.2.1, garbage',
      '192.0.2.256',
      '0xc0.0.2.1',
    ])
      assertProblem(await verify(token, { 'x-forwarded-for': from }), 403, 'address_denied');
    assertProblem(await verify(token), 403, 'address_denied');
    for (const headers of [
      {},
      { 'x-forwarded-for': '192.0.2.1' },
      { 'x-real-ip': '192.0.2.1' },
      { forwarded: 'for=192.0.2.1' },
      { 'cf-connecting-ip': '192.0.2.1' },
      { 'true-client-ip': '192.0.2.1' },
      { 'x-client-ip': '192.0.2.1' },
      { 'x-forwarded-for': '192.0.2.1', 'x-forwarded-host': 'app.test' },
    ] as Headers[]) {
      assertProblem(await verify(token, headers, { from: stranger }), 403, 'address_denied');
      const named = await send(`${server.console}/api/auth/users`, {
        headers: { ...bearer(token), ...headers },
        from: stranger,
      });
      assertProblem(named, 403, 'address_denied');
    }
    for (const headers of [{ 'x-real-ip': '192.0.2.1' }, { forwarded: 'for=192.0.2.1' }] as Headers[])
      assertProblem(await verify(token, { 'x-forwarded-for': '198.51.100.7', ...headers }), 403, 'address_denied');
  });

  it('a list is kept in one spelling, and one that cannot be read is refused', async () => {
    const { id, token } = await makeToken(server, root, {
      ip_allowlist: ['::ffff:192.0.2.7', '192.0.2.7/32', '192.0.2.7'],
    });
    const listed = (await send(`${server.console}/api/auth/api-tokens`, { headers: bearer(root) })).json['tokens'];
    const own = (listed as { id: string; ip_allowlist: string[] }[]).find((each) => each.id === id);
    assert.equal(own?.ip_allowlist.length, 1);
    assert.equal((await verify(token, { 'x-forwarded-for': '192.0.2.7' })).status, 200);
    assertProblem(await verify(token, { 'x-forwarded-for': '192.0.2.8' }), 403, 'address_denied');
    for (const list of [
      ['192.0.2.0/33'],
      ['192.0.2.1/24/8'],
      ['192.0.2'],
      ['*'],
      ['localhost'],
      ['0.0.0.0/-1'],
      ['fe80::1%eth0/64'],
      ['192.0.2.1-192.0.2.9'],
      [''],
      ['1'],
      Array.from({ length: 65 }, (_, at) => `10.0.${at}.1`),
    ])
      assertProblem(
        await send(`${server.console}/api/auth/api-tokens`, { headers: bearer(root), body: { ip_allowlist: list } }),
        400,
        'invalid_request',
      );
  });

  it('what is off its list burns nothing, is no use, and is written down', async () => {
    const { id, token } = await makeToken(server, root, {
      scopes: ['read:*', 'sallyport:metrics'],
      ip_allowlist: ['192.0.2.0/24'],
      rate_limit: { per_minute: 3 },
    });
    for (let at = 0; at < 20; at += 1)
      assertProblem(await verify(token, { 'x-forwarded-for': `198.51.100.${at}` }), 403, 'address_denied');
    const good = { 'x-forwarded-for': '192.0.2.1' };
    for (let left = 2; left >= 0; left -= 1) {
      const got = await verify(token, good);
      assert.equal(got.status, 200);
      if (exact) assert.equal(quotaOf(got.headers).minute.remaining, left);
    }
    assertProblem(await verify(token, good), 429, 'rate_limited');
    assertProblem(await verify(token, { 'x-forwarded-for': '198.51.100.1' }), 403, 'address_denied');
    const listed = await send(`${server.console}/api/auth/api-tokens`, { headers: bearer(root) });
    const own = (listed.json['tokens'] as { id: string; use_count: number; last_used_address: string }[]).find(
      (each) => each.id === id,
    );
    if (exact) assert.deepEqual([own?.use_count, own?.last_used_address], [3, '192.0.2.1']);
    const audit = await send(`${server.console}/api/auth/audit?event=authorisation-refused`, { headers: bearer(root) });
    const written = audit.json['events'] as { address: string; way: string; target: string }[];
    assert.ok(
      written.some(({ address, way }) => address === '198.51.100.0' && way === 'api-token'),
      audit.text,
    );
  });

  it('K-07: the request after the last is told how long to wait, and costs nothing', async () => {
    const { id, token } = await makeToken(server, root, { rate_limit: { per_minute: 5, per_hour: 7 } });
    const other = await makeToken(server, root, { rate_limit: { per_minute: 5 } });
    for (let used = 1; used <= 5; used += 1) {
      const quota = quotaOf((await verify(token)).headers);
      assert.deepEqual(
        [quota.minute.limit, quota.minute.seconds, quota.hour.limit, quota.hour.seconds],
        [5, 60, 7, 3600],
      );
      if (exact) assert.deepEqual([quota.minute.remaining, quota.hour.remaining], [5 - used, 7 - used]);
      assert.ok(quota.minute.reset > 0 && quota.minute.reset <= 63 && quota.hour.reset <= 3780);
    }
    for (let at = 0; at < 10; at += 1) {
      const got = await verify(token, {}, { from: at % 2 === 0 ? stranger : '127.0.0.1' });
      assertProblem(got, 429, 'rate_limited');
      const { minute, hour } = quotaOf(got.headers);
      assert.equal(minute.remaining, 0);
      assert.ok(Number(got.headers['retry-after']) >= 1 && Number(got.headers['retry-after']) <= 63);
      assert.deepEqual(
        ['limit_per_minute', 'limit_per_hour', 'remaining_per_minute', 'remaining_per_hour'].map(
          (name) => got.json[name],
        ),
        [5, 7, 0, hour.remaining],
      );
      if (exact) assert.equal(hour.remaining, 2);
    }
    // Each has its own, and raising it holds at once.
    assert.equal((await verify(other.token)).status, 200);
    assert.equal((await onToken(server, root, id, 'PATCH', { rate_limit: { per_minute: 6 } })).status, 200);
    assert.equal((await verify(token)).status, 200);
    assertProblem(await verify(token), 429, 'rate_limited');
    // A new secret is no new limit.
    const rotated = await onToken(server, root, id, 'ROTATE', { overlap_seconds: 60 });
    for (const each of [token, String(rotated.json['token'])]) assertProblem(await verify(each), 429, 'rate_limited');
  });

  it('every sort of answer to a token says what it has left', async () => {
    const { token } = await makeToken(server, root, { scopes: ['sallyport:users', 'read:*'] });
    const nginx = { 'x-original-method': 'POST', 'x-original-url': 'https://app.test/x' };
    const at = (path: string, sent: Sent = {}): Promise<Got> =>
      send(`${server.console}${path}`, { ...sent, headers: { ...bearer(token), ...sent.headers } });
    for (const [status, got] of [
      [200, await at('/api/auth/users')],
      [200, await at('/api/auth/status')],
      [404, await at('/api/auth/users/u_none')],
      [400, await at('/api/auth/users?limit=x')],
      [403, await at('/api/auth/audit')],
      [403, await at('/api/auth/sessions')],
      [403, await at('/api/auth/api-tokens', { body: {} })],
      [400, await at('/api/auth/tickets', { body: { path: 1 } })],
      [201, await at('/api/auth/tickets', { body: { path: '/x' } })],
      [200, await verify(token)],
      [200, await verify(token, asked('GET', '/x'))],
      [403, await verify(token, asked('POST', '/x'))],
      [403, await verify(token, nginx)],
      [403, await verify(token, {}, { query: '?privilege=owner' })],
      [403, await verify(token, {}, { query: '?scope=write:x' })],
      [401, await verify(token, {}, { query: '?kind=admin' })],
    ] as const) {
      assert.equal(got.status, status, got.text);
      assert.equal(quotaOf(got.headers).minute.limit, 600);
      assert.equal(got.headers['cache-control'], 'no-store');
    }
    const small = await makeToken(server, root, { rate_limit: { per_minute: 1 } });
    await verify(small.token);
    for (const got of [
      await verify(small.token, { 'x-original-url': 'https://app.test/x', 'x-original-method': 'GET' }),
      await send(`${server.console}/api/auth/status`, { headers: bearer(small.token) }),
      await send(`${server.console}/api/auth/users`, { headers: bearer(small.token) }),
    ])
      assert.equal(quotaOf(got.headers).minute.remaining, 0, got.text);
    const reason = await verify(small.token, { 'x-original-url': 'https://app.test/x', 'x-original-method': 'GET' });
    assert.deepEqual([reason.status, reason.headers['x-auth-reason']], [403, 'rate_limited']);
    assert.match(reason.headers['retry-after'] ?? '', /^\d+$/);
    // Sessions have no such limit, and nobody else is told of one.
    for (const got of [
      await verify(root),
      await verify(unknownToken(1)),
      await send(`${server.console}/api/auth/verify`),
    ])
      assert.deepEqual([got.headers['ratelimit'], got.headers['ratelimit-policy']], [undefined, undefined]);
  });

  it('what a proxy asks about goes by what it says, and by nothing that others say', async () => {
    const { token } = await makeToken(server, root, { scope: 'read_only' });
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      assert.equal((await verify(token, asked(method, '/x'))).status, 200, method);
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'MKCOL', 'COPY', 'SEARCH'])
      assertProblem(await verify(token, asked(method, '/x')), 403, 'insufficient_scope');
    const { 'x-forwarded-method': _method, ...unsaid } = asked('GET', '/x');
    assertProblem(await verify(token, unsaid), 403, 'insufficient_scope');
    for (const headers of [
      { 'x-http-method-override': 'GET' },
      { 'x-http-method': 'GET' },
      { 'x-method-override': 'GET' },
      { 'x-forwarded-uri': '/x?_method=GET' },
    ] as Headers[])
      assertProblem(await verify(token, { ...asked('DELETE', '/x'), ...headers }), 403, 'insufficient_scope');
    // An application may take one of these for the method.
    for (const name of ['x-http-method-override', 'x-http-method', 'x-method-override'])
      assertProblem(await verify(token, { ...asked('GET', '/x'), [name]: 'DELETE' }), 403, 'insufficient_scope');
    for (const headers of [
      { 'sec-websocket-key': 'dGhlIHNhbXBsZSBub25jZQ==' },
      { 'sec-websocket-version': '13' },
      { 'sec-fetch-mode': 'websocket' },
      { 'x-forwarded-proto': 'wss' },
    ] as Headers[])
      assertProblem(await verify(token, { ...asked('GET', '/ws'), ...headers }), 403, 'insufficient_scope');
    // Whoever is no listed proxy asks about their own request, whatever they say it is.
    assertProblem(
      await verify(token, asked('GET', '/x'), { from: stranger, method: 'POST' }),
      403,
      'insufficient_scope',
    );
    assert.equal((await verify(token, asked('POST', '/x'), { from: stranger })).status, 200);
    const writes = await makeToken(server, root, { scopes: ['read:*', 'write:*'] });
    assert.equal((await verify(writes.token, asked('DELETE', '/x'))).status, 200);
  });

  it('a question for a scope is none for nobody, and one that is met by any of several', async () => {
    const { token } = await makeToken(server, root, { scopes: ['read:projects:*', 'write:notes'] });
    for (const query of [
      '?scope=read:projects:7',
      '?scope=read:projects:*',
      '?scope=nope&scope=write:notes',
      '?scope=read:projects:a:b',
    ])
      assert.equal((await verify(token, {}, { query })).status, 200, query);
    for (const query of [
      '?scope=read:projects',
      '?scope=read:projectsx:7',
      '?scope=read:*',
      '?scope=*',
      '?scope=write:notes:x',
      '?scope=write:*',
      '?scope=write:note&scope=read:notes',
    ])
      assertProblem(await verify(token, {}, { query }), 403, 'insufficient_scope');
    const asking = (count: number): string => `?${'scope=read:x&'.repeat(count - 1)}scope=write:notes`;
    assert.equal((await verify(token, {}, { query: asking(32) })).status, 200);
    assertProblem(await verify(token, {}, { query: asking(33) }), 400, 'invalid_request');
    assert.equal((await verify(root, {}, { query: '?scope=write:notes' })).status, 200);
    const nobody = (query: string): Promise<Got> => send(`${server.console}/api/auth/verify${query}`);
    assert.equal((await nobody('?optional=1')).status, 200);
    assertProblem(await nobody('?scope=write:notes'), 401, 'unauthorized');
    assertProblem(await nobody('?optional=1&scope=write:notes'), 401, 'unauthorized');
    assertProblem(await verify(unknownToken(2), {}, { query: '?optional=1' }), 401, 'invalid_token');
  });
});

describe('through to an application', () => {
  let server: RunningServer;
  let echo: Echo;
  let root: string;
  let reads: MadeToken;
  let writes: MadeToken;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    root = String((await setUp(server)).json['token']);
    reads = await makeToken(server, root, { scope: 'read_only' });
    writes = await makeToken(server, root, { scopes: ['*'] });
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  const at = (path: string, headers: Headers, more: Sent = {}): Promise<Got> =>
    send(`${server.application}${path}`, { ...more, headers });

  it('a token that may only read sends nothing but safe requests', async () => {
    for (const method of ['GET', 'HEAD', 'OPTIONS'])
      assert.equal((await at('/x', bearer(reads.token), { method })).status, 200, method);
    const before = echo.seen.length;
    for (const method of ['POST', 'PUT', 'PATCH', 'DELETE', 'PROPFIND', 'LOCK', 'SEARCH'])
      assertProblem(await at('/x', bearer(reads.token), { method }), 403, 'insufficient_scope');
    assertProblem(
      await at('/x?_method=GET', { 'x-api-key': reads.token, 'x-http-method-override': 'GET' }, { method: 'POST' }),
      403,
      'insufficient_scope',
    );
    assert.equal(echo.seen.length, before);
    const over = await at('/x', { ...bearer(reads.token), 'x-http-method-override': 'DELETE', X_HTTP_Method: 'POST' });
    assert.equal(over.status, 200);
    const { method, headers } = echo.seen.at(-1) ?? {};
    assert.equal(method, 'GET');
    assert.deepEqual(
      Object.keys(headers ?? {}).filter((name) => /method/.test(name)),
      [],
    );
    assert.equal((await at('/x', bearer(writes.token), { method: 'DELETE' })).status, 200);
  });

  it('`read` is no more than `read:*`, and what reaches only us reaches no application', async () => {
    for (const scopes of [['read'], ['read', 'read:x:*']]) {
      const { token } = await makeToken(server, root, { scopes });
      assert.equal((await at('/x', bearer(token))).status, 200);
      assertProblem(await at('/x', bearer(token), { method: 'POST' }), 403, 'insufficient_scope');
    }
    const before = echo.seen.length;
    for (const scopes of [['sallyport:admin'], ['sallyport:users', 'sallyport:metrics'], ['admin:credentials']]) {
      const { token } = await makeToken(server, root, { scopes });
      for (const method of ['GET', 'HEAD', 'POST'])
        assert.equal((await at('/x', bearer(token), { method })).status, 403);
      assertProblem(await at('/x', { 'x-api-key': token }), 403, 'insufficient_scope');
    }
    assert.equal(echo.seen.length, before);
  });

  it('no secret of ours reaches the application, in whatever way it was sent', async () => {
    const { token } = writes;
    const { application } = await enterApplication(server);
    const cookie = `sallyport-app=${application.cookies.get('sallyport-app')}`;
    for (const headers of [
      bearer(token),
      { authorization: `tOkEn   ${token}` },
      { 'x-api-key': token },
      { 'X-Api-Key': `  ${token} ` },
      { ...bearer(token), 'x-api-key': token },
      { ...bearer(token), 'x-api-key': reads.token },
      { authorization: basic('theirs:own'), 'x-api-key': token },
      { ...bearer(token), X_Api_Key: token },
      // Beside a cookie, in forms that are no credential of ours.
      { cookie, authorization: `Bearer Bearer ${token}` },
      { cookie, authorization: `Bearer\t${token}` },
      { cookie, authorization: `ApiKey ${token}` },
      { cookie, authorization: `Digest username="${token}"` },
      { cookie, X_Api_Key: token },
      { cookie, 'x-api-key': `Bearer ${token}` },
      { cookie, 'x-api-key': `${token}, ${token}` },
      { cookie, authorization: `Bearer x, Bearer ${root}` },
    ] as Headers[]) {
      const got = await at('/seen?q=1', headers);
      assert.equal(got.status, 200, `${JSON.stringify(headers)} ${got.text}`);
      for (const secret of [token, reads.token, root])
        assert.equal(got.text.includes(secret), false, JSON.stringify(headers));
      assert.equal(got.text.includes(application.cookies.get('sallyport-app') ?? ' '), false);
    }
    // And a request of its own is left as it was, also with what only looks like ours.
    const theirs = {
      authorization: `Bearer ${token.slice(0, -1)}`,
      'x-api-key': `${token}0`,
    };
    await at('/seen', { cookie, ...theirs });
    const { headers } = echo.seen.at(-1) ?? {};
    assert.deepEqual([headers?.authorization, headers?.['x-api-key']], [theirs.authorization, theirs['x-api-key']]);
    assert.equal(headers?.['x-auth-via'], 'session');
  });

  it('what is no token of ours is the application’s; one of ours that is dead decides', async () => {
    const { application } = await enterApplication(server);
    const cookie = `sallyport-app=${application.cookies.get('sallyport-app')}`;
    const dead = await makeToken(server, root);
    await onToken(server, root, dead.id, 'DELETE');
    for (const headers of [
      bearer(dead.token),
      { 'x-api-key': dead.token },
      bearer(unknownToken(3)),
      { authorization: basic('a:b'), 'x-api-key': dead.token },
    ] as Headers[]) {
      const before = echo.seen.length;
      assertProblem(await at('/x', { cookie, ...headers }), 401, 'invalid_token');
      assert.equal(echo.seen.length, before);
    }
    for (const headers of [
      bearer(`${unknownToken(4).slice(0, -1)}_`),
      bearer('eyJhbGciOiJub25lIn0.e30.'),
      { authorization: basic(`user:${dead.token}`) },
      { 'x-api-key': 'theirs' },
      { authorization: '' },
    ] as Headers[]) {
      assert.equal((await at('/x', { cookie, ...headers })).status, 200, JSON.stringify(headers));
      assertProblem(await at('/x', headers), 401, 'unauthorized');
    }
    assertProblem(
      await at('/x', { cookie, authorization: `Bearer ${reads.token}` }, { method: 'POST' }),
      403,
      'insufficient_scope',
    );
  });

  it('a token that is refused there is written down', async () => {
    const { id, token } = await makeToken(server, root, { scopes: ['read:*'], ip_allowlist: ['192.0.2.0/24'] });
    assertProblem(await at('/x', bearer(token)), 403, 'address_denied');
    assert.equal((await onToken(server, root, id, 'PATCH', { ip_allowlist: ['127.0.0.0/8'] })).status, 200);
    assert.equal((await at('/x', bearer(token))).status, 200);
    const small = await makeToken(server, root, { scopes: ['sallyport:metrics'] });
    assertProblem(await at('/x', bearer(small.token)), 403, 'insufficient_scope');
    const audit = await send(`${server.console}/api/auth/audit?event=authorisation-refused`, { headers: bearer(root) });
    const written = (audit.json['events'] as { way: string; target: string }[]).filter(
      ({ way }) => way === 'api-token',
    );
    assert.ok(written.length >= 2, audit.text);
  });

  it('P-21: two tokens on one connection are never taken for each other', async () => {
    const bob = await settle(server.console, asAdmin(server.console, root), 'bob');
    const bobs = await makeToken(server, bob.token, { scopes: ['write:bobs'] });
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    const over = (
      base: string,
      path: string,
      token: string,
    ): Promise<{ status: number; text: string; user: string; cached: string }> =>
      new Promise((resolve, reject) => {
        const { hostname, port } = new URL(base);
        request({ host: hostname, port, path, agent, headers: bearer(token) }, (response) => {
          let text = '';
          response.setEncoding('utf8');
          response.on('data', (part: string) => (text += part));
          response.on('end', () =>
            resolve({
              status: response.statusCode ?? 0,
              text,
              user: String(response.headers['remote-user']),
              cached: String(response.headers['cache-control']),
            }),
          );
        })
          .on('error', reject)
          .end();
      });
    // Beyond the limit of a token that is asked for so often, which is another matter.
    for (const { id } of [writes, bobs])
      await onToken(server, id === bobs.id ? bob.token : root, id, 'PATCH', {
        rate_limit: { per_minute: 100_000, per_hour: 1_000_000 },
      });
    try {
      for (let turn = 0; turn < 1000; turn += 1) {
        const [who, token] = turn % 2 === 0 ? (['root1', writes.token] as const) : (['bob', bobs.token] as const);
        const verified = await over(server.console, '/api/auth/verify', token);
        assert.deepEqual([verified.status, verified.user, verified.cached], [200, who, 'no-store']);
        if (turn % 5 === 0) {
          const got = await over(server.application, `/turn-${turn}`, token);
          assert.equal((JSON.parse(got.text) as Echo['seen'][number]).headers['remote-user'], who);
          assert.equal(got.cached, 'private');
        }
        if (turn % 100 === 99)
          assert.equal((await over(server.console, '/api/auth/verify', unknownToken(turn))).status, 401);
      }
    } finally {
      agent.destroy();
    }
    const { host, port } = new URL(server.console);
    const connection = rawConnection(Number(port));
    const one = (token: string): string =>
      `GET /api/auth/verify HTTP/1.1\r\nHost: ${host}\r\nX-API-Key: ${token}\r\n\r\n`;
    connection.send(
      Array.from({ length: 8 }, () => one(writes.token) + one(bobs.token) + one(unknownToken(7))).join(''),
    );
    await connection.until(/(HTTP\/1\.1 [\s\S]*?){24}\r\n\r\n[^]*$/);
    const users = [...connection.text().matchAll(/^HTTP\/1\.1 (\d+)|^remote-user: (\w*)/gim)].map(
      ([, status, user]) => status ?? user,
    );
    assert.deepEqual(users.slice(0, 5), ['200', 'root1', '200', 'bob', '401']);
    connection.socket.destroy();
  });
});

describe('an application that is away, and one with sockets', () => {
  let server: RunningServer;
  let app: Streaming;
  let root: string;
  before(async () => {
    app = await startStreaming();
    server = await startServer({ upstream: app.url });
    root = String((await setUp(server)).json['token']);
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  it('P-24: a socket needs a token that may change things, and ends with it', async () => {
    const { host, port } = new URL(server.application);
    const open = (token: string, path: string) => {
      const connection = rawConnection(Number(port));
      connection.send(handshake(host, path, { Authorization: `Bearer ${token}` }));
      return connection;
    };
    const reads = await makeToken(server, root, { scope: 'read_only' });
    const refused = open(reads.token, '/ws-reads');
    await refused.until(/^HTTP\/1\.1 403 /);
    assert.deepEqual(
      app.seen.filter(({ target }) => target === '/ws-reads'),
      [],
    );
    for (const [what, end] of [
      ['revoked', (id: string) => onToken(server, root, id, 'DELETE')],
      ['switched-off', (id: string) => onToken(server, root, id, 'PATCH', { active: false })],
      ['rotated', (id: string) => onToken(server, root, id, 'ROTATE')],
      ['moved', (id: string) => onToken(server, root, id, 'PATCH', { ip_allowlist: ['192.0.2.1'] })],
      ['narrowed', (id: string) => onToken(server, root, id, 'PATCH', { scopes: ['read:*'] })],
    ] as const) {
      const { id, token } = await makeToken(server, root, { scopes: ['*', 'read:*'], rate_limit: { per_minute: 2 } });
      const connection = open(token, `/ws-${what}`);
      const head = await connection.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*?\r\n\r\n/);
      assert.match(head, /^ratelimit: "minute";r=\d+;t=\d+, "hour"/im);
      assert.doesNotMatch(head, /spt_/);
      assert.equal((await end(id)).status, 200, what);
      assert.ok((await connection.closed(6000)) <= 5000, what);
    }
  });

  it('a request that waits for its answer is told why it gets none', async () => {
    const { host, port } = new URL(server.application);
    const waits = async (headers: string): Promise<ReturnType<typeof rawConnection>> => {
      const before = app.seen.length;
      const connection = rawConnection(Number(port));
      connection.send(`GET /never HTTP/1.1\r\nHost: ${host}\r\n${headers}\r\n\r\n`);
      await settled(() => app.seen.length > before, 'the request did not arrive');
      return connection;
    };
    const { id, token } = await makeToken(server, root);
    const { console, application } = await enterApplication(server);
    const [byToken, byCookie, stays] = [
      await waits(`X-API-Key: ${token}`),
      await waits(`Cookie: sallyport-app=${application.cookies.get('sallyport-app')}`),
      await waits(`Authorization: Bearer ${root}`),
    ];
    assert.equal((await onToken(server, root, id, 'DELETE')).status, 200);
    await byToken.until(/^HTTP\/1\.1 401 [\s\S]*error="invalid_token"[\s\S]*invalid_token/, 5000);
    const out = await console.send('/api/auth/logout', { method: 'POST', headers: { 'x-csrf-token': console.csrf } });
    assert.equal(out.status, 200, out.text);
    await byCookie.until(/^HTTP\/1\.1 401 [\s\S]*session_expired/, 5000);
    assert.equal(stays.text(), '');
    stays.socket.destroy();
  });

  it('refusals on the way say what is left as well, to programs and to people', async () => {
    const { token } = await makeToken(server, root, { scopes: ['read:*'], rate_limit: { per_minute: 3 } });
    const at = (headers: Headers, method = 'GET'): Promise<Got> =>
      send(`${server.application}/x`, { method, headers: { ...bearer(token), ...headers } });
    const forbidden = await at({ ...navigation }, 'HEAD');
    assert.ok(forbidden.status < 500);
    await app.close();
    const away = await at({});
    assertProblem(away, 502, 'upstream_unreachable');
    assert.equal(quotaOf(away.headers).minute.limit, 3);
    const page = await at(navigation);
    assert.equal(page.status, 502);
    assert.match(page.headers['content-type'] ?? '', /^text\/html/);
    assert.equal(quotaOf(page.headers).minute.limit, 3);
    const limited = await at(navigation);
    assert.equal(limited.status, 429);
    assert.match(limited.headers['retry-after'] ?? '', /^[1-9]\d*$/);
    assert.equal(quotaOf(limited.headers).minute.remaining, 0);
    const dead = await send(`${server.application}/x`, { headers: { ...navigation, ...bearer(unknownToken(5)) } });
    assert.equal(dead.status, 401);
    assert.equal(dead.headers['www-authenticate'], 'Bearer realm="Sallyport", error="invalid_token"');
  });
});

describe('what is left behind', () => {
  it('K-11: the secret is in the answer that made it, and nowhere else', async () => {
    const echo = await startEcho();
    const server = await startServer({ upstream: echo.url });
    try {
      const root = String((await setUp(server)).json['token']);
      const at = (path: string, headers: Headers = bearer(root), more: Sent = {}): Promise<Got> =>
        send(`${server.console}${path}`, { ...more, headers });
      const one = await makeToken(server, root, { scope: 'full_admin', token_name: 'one' });
      const two = await makeToken(server, root, { ip_allowlist: ['192.0.2.1'], rate_limit: { per_minute: 1 } });
      const renewed = String((await onToken(server, root, one.id, 'ROTATE', { overlap_seconds: 600 })).json['token']);
      const ticket = String(
        (await at('/api/auth/tickets', bearer(root), { body: { path: '/x', ttl_seconds: 60 } })).json['ticket'],
      );
      const secrets = [one.token, two.token, renewed, ticket, root];
      const said: string[] = [];
      const keep = async (got: Promise<Got>): Promise<void> => {
        const { text, headers } = await got;
        said.push(text, JSON.stringify(headers));
      };
      for (const token of [one.token, two.token, renewed])
        for (const headers of [
          bearer(token),
          { 'x-api-key': token },
          { authorization: basic(`a:${token}`) },
          { authorization: `Bearer ${token} x` },
        ] as Headers[])
          for (const path of [
            '/api/auth/verify',
            '/api/auth/users',
            '/api/auth/sessions',
            `/api/auth/users/${token}`,
            '/nope',
          ])
            await keep(at(path, headers));
      for (const path of [
        `/api/auth/users?access_token=${one.token}`,
        `/api/auth/verify?scope=${renewed}`,
        `/api/auth/status?ticket=${ticket}`,
        '/api/auth/verify?ticket=x',
      ])
        await keep(at(path, {}));
      await keep(send(`${server.application}/x?ticket=${ticket}`));
      await keep(send(`${server.application}/x`, { headers: bearer(renewed) }));
      await keep(at('/api/auth/api-tokens', bearer(root), { body: { scopes: ['*', one.token] } }));
      await keep(onToken(server, root, one.id, 'PATCH', { token_name: 'renamed' }));
      await keep(onToken(server, root, two.id, 'DELETE'));
      for (const path of [
        '/api/auth/api-tokens?all=1',
        '/api/auth/audit?limit=1000',
        '/api/auth/login-attempts?all=1',
        '/metrics',
        '/readyz',
        '/api/auth/openapi.json',
        '/api/auth/blocks',
      ])
        await keep(at(path));
      await keep(at('/api/auth/audit', { ...bearer(root), accept: 'text/csv' }));
      await keep(at('/api/auth/audit', { ...bearer(root), accept: 'application/x-ndjson' }));
      said.push(...echo.seen.map((each) => JSON.stringify(each)), server.log());
      assert.ok(echo.seen.length >= 2);
      const whole = said.join('\n').replace(JSON.stringify({ detail: one.token }), '');
      // What somebody typed in the place of a scope is repeated to them, and is no secret that we gave away.
      const repeated = /\\?"scopes\\?" are words[^}]*/g;
      for (const secret of secrets)
        assert.equal(whole.replaceAll(repeated, '').includes(secret.slice(12)), false, secret.slice(0, 8));
      assert.ok(whole.includes(one.token.slice(0, 8)), 'lists show how a token begins');
      const folders = server.nodes.length === 0 ? [server.data] : server.nodes.map(({ data }) => data);
      const onDisk = async (): Promise<Buffer> => {
        const parts: Buffer[] = [];
        for (const folder of folders)
          for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
            if (entry.isFile()) parts.push(await readFile(join(entry.parentPath, entry.name)));
        return Buffer.concat(parts);
      };
      const lies = async (): Promise<void> => {
        const bytes = await onDisk();
        for (const secret of secrets) {
          assert.equal(bytes.includes(secret.slice(12)), false);
          assert.equal(bytes.includes(Buffer.from(secret).toString('base64').slice(16, 40)), false);
        }
      };
      await lies();
      assert.equal(await server.end(), 0);
      await lies();
      if (server.nodes.length === 0) {
        const exported = await runCommand(['audit', 'export', '--data', server.data]);
        for (const secret of secrets) assert.equal(`${exported.out}${exported.err}`.includes(secret.slice(12)), false);
      }
      for (const secret of secrets) assert.equal(server.log().includes(secret.slice(12)), false);
    } finally {
      await server.remove();
      await echo.close();
    }
  });
});

describe('tokens that nobody knows', () => {
  it('a program that goes on with a revoked one shuts nobody out', async () => {
    const server = await startServer();
    try {
      const root = String((await setUp(server)).json['token']);
      const { id, token } = await makeToken(server, root);
      assert.equal((await onToken(server, root, id, 'DELETE')).status, 200);
      for (let round = 0; round < 40; round += 1)
        for (const got of await Promise.all(
          Array.from({ length: 20 }, () => send(`${server.console}/api/auth/verify`, { headers: bearer(token) })),
        ))
          assertProblem(got, 401, 'invalid_token');
      // Neither is in memory: the store is asked.
      const fresh = await makeToken(server, root);
      assert.equal((await send(`${server.console}/api/auth/verify`, { headers: bearer(fresh.token) })).status, 200);
      const session = await signInBearer(server);
      assert.equal((await send(`${server.console}/api/auth/verify`, { headers: bearer(session) })).status, 200);
    } finally {
      await server.remove();
    }
  });

  it('many of them are limited, where they come from, and nobody else is', async () => {
    const server = await startServer();
    try {
      const root = String((await setUp(server)).json['token']);
      const { token } = await makeToken(server, root);
      const from = '127.77.0.1';
      const verify = (shown: string, whence: string): Promise<Got> =>
        send(`${server.console}/api/auth/verify`, { headers: bearer(shown), from: whence });
      // On each node, where there are several.
      for (const known of [token, root])
        for (let at = 0; at < 4; at += 1) assert.equal((await verify(known, from)).status, 200);
      const statuses = new Map<number, number>();
      const most = 600 * Math.max(1, server.nodes.length);
      for (let at = 0; at < most + 200; at += 50)
        for (const { status } of await Promise.all(
          Array.from({ length: 50 }, (_, each) => verify(unknownToken(at + each), from)),
        ))
          statuses.set(status, (statuses.get(status) ?? 0) + 1);
      assert.deepEqual(new Set(statuses.keys()), new Set([401, 429]));
      assert.ok(
        (statuses.get(401) ?? 0) >= 600 && (statuses.get(401) ?? 0) <= most + 50,
        JSON.stringify([...statuses]),
      );
      const limited = await verify(unknownToken(9999), from);
      if (exact) assertProblem(limited, 429, 'rate_limited');
      // The known one goes on there, sign-in too, and so does everybody elsewhere.
      for (const known of [token, root])
        for (let at = 0; at < 4; at += 1) assert.equal((await verify(known, from)).status, 200);
      assertProblem(await verify(unknownToken(9999), '127.77.0.2'), 401, 'invalid_token');
      await signInBearer(server);
    } finally {
      await server.remove();
    }
  });
});
