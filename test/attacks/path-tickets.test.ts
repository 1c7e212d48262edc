/** Attacks on tickets for one path: elsewhere, twice, too late, for more than they are for (security.md 2.6, 2.9). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, enterApplication, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { handshake, rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startStreaming, type Streaming } from '../support/streaming.ts';
import { makeTicket, makeToken, onToken, quotaOf } from '../support/tokens.ts';
import { pause } from '../support/waiting.ts';

type Headers = Readonly<Record<string, string>>;

/** A socket must be gone this long after whoever is behind it (3-rules, Proxied requests). */
const endsWithin = 5000;
const stranger = '127.128.0.1';
const nobodys = `spp_${'A'.repeat(43)}`;

describe('tickets for one path', () => {
  let server: RunningServer;
  let app: Streaming;
  let house: Admin;
  let root: string;
  let bob: { readonly id: string; readonly token: string };
  before(async () => {
    app = await startStreaming();
    // 127.0.0.0/9 are the proxies, 127.128.0.0/9 is everybody else.
    server = await startServer({
      upstream: app.url,
      args: ['--trusted-proxies', '127.0.0.0/9', '--protected-hosts', 'https://app.test,https://wiki.test'],
    });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    bob = await settle(server.console, house, 'bob');
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  const ticket = (path: string, credential = root, more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
    makeTicket(server, credential, path, { ttl_seconds: 60, ...more });
  const at = (target: string, sent: Sent = {}): Promise<Got> => send(`${server.application}${target}`, sent);
  const own = (target: string, sent: Sent = {}): Promise<Got> => send(`${server.console}${target}`, sent);
  const targets = (path: string): readonly string[] =>
    app.seen.map(({ target }) => target).filter((target) => target.startsWith(path));
  /** As it is sent, dots and all. */
  const raw = async (target: string): Promise<string> => {
    const { host, port } = new URL(server.application);
    const connection = rawConnection(Number(port));
    connection.send(`GET ${target} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`);
    return connection.until(/^HTTP\/1\.1 \d+/).finally(() => connection.socket.destroy());
  };

  it('T-05: it is good at its own path, byte by byte, and there once', async () => {
    const good = await ticket('/Reports/7');
    for (const path of [
      '/reports/7',
      '/REPORTS/7',
      '/Reports/7/',
      '/Reports/70',
      '/Reports',
      '/Reports/8',
      '//Reports/7',
      '/Reports//7',
      '/./Reports/7',
      '/Reports/./7',
      '/Reports/6/../7',
      '/Reports/%37',
      '/%52eports/7',
      '/Reports%2F7',
      '/Reports/7;a=b',
      '/Reports/7%00',
      '/Reports/7%20',
      '/Reports\\7',
      '/',
    ])
      assert.equal(await raw(`${path}?ticket=${good}`), 'HTTP/1.1 401', path);
    assert.deepEqual(targets('/Reports'), []);
    const got = await at(`/Reports/7?ticket=${good}`);
    assert.equal(got.status, 200);
    assert.equal(got.headers['cache-control'], 'private');
    assert.equal(app.seen.at(-1)?.headers['x-auth-via'], 'path-ticket');
    assert.equal(app.seen.at(-1)?.headers['remote-user'], 'root1');
    assertProblem(await at(`/Reports/7?ticket=${good}`), 401, 'invalid_token');
    assert.equal(targets('/Reports').length, 1);
  });

  it('ours is taken out in any spelling, and everything else stays byte by byte', async () => {
    for (const [form, left] of [
      ['?ticket=T', ''],
      ['?a=1&ticket=T&b=%20+x', '?a=1&b=%20+x'],
      ['?ticket=T&a=1', '?a=1'],
      ['?%C3%28&ticket=T&&=&b', '?%C3%28&&=&b'],
      ['?ticket=spp%5F…', ''],
      ['?a=1&t%69cket=T', '?a=1'],
      ['?%74icket=spp%5f…&a=%', '?a=%'],
    ] as const) {
      const secret = await ticket('/strip');
      const target = `/strip${form.replace(/spp%5f…/i, (part) => part.replace('…', secret.slice(4))).replace('=T', `=${secret}`)}`;
      const got = await at(target);
      assert.equal(got.status, 200, form);
      assert.equal(app.seen.at(-1)?.target, `/strip${left}`);
      assert.equal(JSON.stringify(app.seen.at(-1)?.headers).includes(secret.slice(8)), false);
    }
    const { application } = await enterApplication(server);
    const headers = { cookie: `sallyport-app=${application.cookies.get('sallyport-app')}` };
    for (const query of [
      '?ticket=ST-1856339-aA5Yuvrxzpv8Tau1cYQ7',
      '?a=%2B&ticket=PVE%3Aroot@pam&ticket=2',
      '?ticket=',
      '?ticket',
      '?Ticket=spp_x&TICKET=x',
      `?tickets=${nobodys}`,
      `?x=${nobodys}`,
      '?ticket=spp_short',
      `?ticket=${nobodys}x`,
      '?ticket=%00%ff&;=',
    ]) {
      const got = await at(`/theirs${query}`, { headers });
      assert.equal(got.status, 200, query);
      assert.equal(app.seen.at(-1)?.target, `/theirs${query}`);
      assert.equal(app.seen.at(-1)?.headers['x-auth-via'], 'session');
      assertProblem(await at(`/theirs${query}`), 401, 'unauthorized');
    }
    // One that is ours by its form decides, whatever else is shown, and so do two.
    for (const query of [`?ticket=${nobodys}`, `?ticket=${nobodys}&ticket=ST-1`, `?ticket=ST-1&ticket=${nobodys}`]) {
      const before = app.seen.length;
      assertProblem(await at(`/theirs${query}`, { headers }), 401, 'invalid_token');
      assertProblem(await at(`/theirs${query}`, { headers: bearer(root) }), 401, 'invalid_token');
      assert.equal(app.seen.length, before);
    }
  });

  it('two are none, and neither is spent by that', async () => {
    const [one, two] = [await ticket('/two'), await ticket('/two')];
    for (const query of [`ticket=${one}&ticket=${two}`, `ticket=${one}&ticket=${one}`, `ticket=${one}&t%69cket=${two}`])
      assertProblem(await at(`/two?${query}`), 401, 'invalid_token');
    assert.deepEqual(targets('/two'), []);
    for (const each of [one, two]) assert.equal((await at(`/two?ticket=${each}`)).status, 200);
  });

  it('it is read in a query alone', async () => {
    const good = await ticket('/where');
    for (const headers of [
      bearer(good),
      { authorization: `Ticket ${good}` },
      { 'x-api-key': good },
      { cookie: `ticket=${good}` },
      { cookie: `sallyport-app=${good.slice(4)}` },
      { referer: `${server.application}/where?ticket=${good}` },
    ] as Headers[])
      assert.equal((await at('/where', { headers })).status, 401, JSON.stringify(headers));
    const form = { 'content-type': 'application/x-www-form-urlencoded' };
    assertProblem(await at('/where', { method: 'POST', headers: form, body: `ticket=${good}` }), 401, 'unauthorized');
    for (const target of [`/where/${good}`, `/where;ticket=${good}`, `/where?x=ticket=${good}`])
      assert.equal(await raw(target), 'HTTP/1.1 401', target);
    assertProblem(await own(`/api/auth/users?ticket=${good}`, { headers: bearer(root) }), 401, 'invalid_token');
    assert.equal((await at(`/where?ticket=${good}`)).status, 200);
  });

  it('T-10: twenty at once are one', async () => {
    const good = await ticket('/race');
    const all = await Promise.all(Array.from({ length: 20 }, () => at(`/race?ticket=${good}`)));
    assert.deepEqual(
      all.map(({ status }) => status).toSorted((a, b) => a - b),
      [200, ...Array.from({ length: 19 }, () => 401)],
    );
    assert.equal(targets('/race').length, 1);
    const other = await ticket('/race');
    const asked = {
      'x-forwarded-method': 'GET',
      'x-forwarded-host': 'app.test',
      'x-forwarded-uri': `/race?ticket=${other}`,
    };
    const answers = await Promise.all(
      Array.from({ length: 20 }, (_, each) =>
        each % 2 === 0 ? own('/api/auth/verify', { headers: asked }) : at(`/race?ticket=${other}`),
      ),
    );
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  it('T-02: it is over when its time is, and of one session there are so many at once', async () => {
    const [short, long] = [await ticket('/late', root, { ttl_seconds: 5 }), await ticket('/late')];
    const began = performance.now();
    for (const ttl of [4, 61, 0, -1, 5.5, '5', null])
      assertProblem(
        await own('/api/auth/tickets', { headers: bearer(root), body: { path: '/x', ttl_seconds: ttl } }),
        400,
        'invalid_request',
      );
    const { token } = await makeToken(server, root);
    const many: string[] = [];
    for (let made = 0; made < 21; made += 1) many.push(await ticket('/many', token));
    assertProblem(await at(`/many?ticket=${many[0]}`), 401, 'invalid_token');
    assert.equal((await at(`/many?ticket=${many[1]}`)).status, 200);
    await pause(5000 - (performance.now() - began));
    assertProblem(await at(`/late?ticket=${short}`), 401, 'invalid_token');
    assert.equal((await at(`/late?ticket=${long}`)).status, 200);
  });

  it('paths that another hop would write otherwise are given none', async () => {
    for (const path of [
      '',
      'x',
      '//x',
      '/x?y',
      '/x#y',
      '/a/../b',
      '/..',
      '/./x',
      '/a/%2e%2E/b',
      '/a/.%2e',
      '/x y',
      '/\u00e9',
      '/x\\y',
      '/x\r\nHost: y',
      `/${'x'.repeat(2048)}`,
      'https://app.test/x',
      null,
      ['/x'],
    ])
      assertProblem(await own('/api/auth/tickets', { headers: bearer(root), body: { path } }), 400, 'invalid_request');
    for (const path of ['/', '/a%2Fb', '/.well-known/x', '/...', '/a;b=c', '/~x'])
      assert.equal((await at(`${path}?ticket=${await ticket(path)}`)).status, 200, path);
  });

  it('at verify the path is that of the request that is asked about, and nobody else’s word counts', async () => {
    const good = await ticket('/asked');
    const traefik = (uri: string, host = 'app.test'): Headers => ({
      'x-forwarded-method': 'GET',
      'x-forwarded-proto': 'https',
      'x-forwarded-host': host,
      'x-forwarded-uri': uri,
    });
    const verify = (headers: Headers, more: Sent & { query?: string } = {}): Promise<Got> =>
      own(`/api/auth/verify${more.query ?? ''}`, { ...more, headers });
    const query = `?ticket=${good}`;
    assertProblem(await verify(traefik(`/asked${query}`), { from: stranger }), 401, 'unauthorized');
    assertProblem(
      await verify({ 'x-original-url': `https://app.test/asked${query}` }, { from: stranger }),
      401,
      'unauthorized',
    );
    assertProblem(await verify({}, { query }), 400, 'invalid_request');
    assertProblem(await verify(traefik('/asked'), { query }), 400, 'invalid_request');
    assertProblem(await verify(traefik(`/asked/${query}`)), 401, 'invalid_token');
    assertProblem(await verify(traefik(`/Asked${query}`)), 401, 'invalid_token');
    assertProblem(await verify(traefik(`/asked${query}`), { query: '?optional=1&kind=x' }), 400, 'invalid_request');
    const got = await verify(traefik(`/asked${query}`));
    assert.equal(got.status, 200);
    assert.deepEqual([got.headers['remote-user'], got.headers['x-auth-via']], ['root1', 'path-ticket']);
    assert.equal(got.headers['cache-control'], 'no-store');
    assertProblem(await verify(traefik(`/asked${query}`)), 401, 'invalid_token');
    assertProblem(await verify(traefik(`/asked${query}`), { query: '?optional=1' }), 401, 'invalid_token');
    for (const url of ['https://app.test/asked', 'https://wiki.test/asked', '/asked'])
      assert.equal(
        (await verify({ 'x-original-method': 'GET', 'x-original-url': `${url}?ticket=${await ticket('/asked')}` }))
          .status,
        200,
        url,
      );
    const refused = await verify({ 'x-original-method': 'GET', 'x-original-url': `https://app.test/asked${query}` });
    assert.deepEqual([refused.status, refused.headers['x-auth-reason']], [401, 'invalid_token']);
    // One whose kind or scope is asked for is held to it, spent or not.
    const { token } = await makeToken(server, root, { scope: 'read_only' });
    const small = `/asked?ticket=${await ticket('/asked', token)}`;
    assertProblem(await verify(traefik(small), { query: '?scope=write:x' }), 403, 'insufficient_scope');
    assertProblem(
      await verify(traefik(`/asked?ticket=${await ticket('/asked')}`), { query: '?kind=account' }),
      401,
      'unauthorized',
    );
    const posted = { ...traefik(`/asked?ticket=${await ticket('/asked', token)}`), 'x-forwarded-method': 'POST' };
    assertProblem(await verify(posted), 403, 'insufficient_scope');
  });

  it('a host that is not ours spends none', async () => {
    const good = await ticket('/host');
    for (const host of ['evil.test', 'app.test.evil.test'])
      assertProblem(await at(`/host?ticket=${good}`, { headers: { host } }), 421, 'misdirected_request');
    assertProblem(await own(`/host?ticket=${good}`), 404, 'not_found');
    assert.equal((await at(`/host?ticket=${good}`)).status, 200);
  });

  it('on our own routes it is whoever asked for it, and never the person', async () => {
    const mine = async (method: string, path: string, credential: string, body?: unknown, query = ''): Promise<Got> =>
      own(`${path}?ticket=${await ticket(path, credential)}${query}`, {
        method,
        ...(body === undefined ? {} : { body }),
      });
    assertProblem(await mine('POST', '/api/auth/tickets', root, { path: '/x' }), 403, 'forbidden');
    for (const [method, path, body] of [
      ['GET', '/api/auth/sessions'],
      ['DELETE', '/api/auth/sessions'],
      ['POST', '/api/auth/logout', {}],
      ['POST', '/api/auth/reauthenticate', { password: admin.password }],
      [
        'POST',
        '/api/auth/change-password',
        { current_password: admin.password, new_password: 'another violet anchor 77' },
      ],
      ['POST', '/api/auth/totp/setup', { password: admin.password }],
      ['GET', '/api/auth/api-tokens'],
      ['POST', '/api/auth/api-tokens', { password: admin.password }],
      ['POST', '/api/auth/generate-api-token', { password: admin.password, scope: 'full_admin' }],
    ] as const)
      assertProblem(await mine(method, path, root, body), 403, 'forbidden');
    // It reads: nothing is changed with one, also with the password beside it.
    for (const [method, path, body] of [
      ['POST', '/api/auth/users', { username: 'mallory', privileges: ['admin'] }],
      ['PATCH', `/api/auth/users/${bob.id}`, { privileges: ['admin'] }],
      ['DELETE', `/api/auth/users/${bob.id}`, {}],
      ['POST', `/api/auth/users/${bob.id}/link`, { purpose: 'reset' }],
      ['POST', '/api/auth/disable', {}],
      ['DELETE', `/api/auth/users/${bob.id}/sessions`, {}],
      ['DELETE', '/api/auth/blocks', { all: true }],
    ] as const)
      assertProblem(await mine(method, path, root, { ...body, password: admin.password }), 403, 'forbidden');
    assert.equal((await own('/api/auth/sessions', { headers: bearer(bob.token) })).status, 200);
    for (const path of ['/api/auth/users', '/api/auth/audit', '/api/auth/blocks', `/api/auth/users/${bob.id}`]) {
      assertProblem(await mine('GET', path, bob.token), 403, 'forbidden');
      assert.equal((await mine('GET', path, root)).status, 200, path);
    }
    const { token } = await makeToken(server, root, { scopes: ['sallyport:users', 'read:*'] });
    assert.equal((await mine('GET', '/api/auth/users', token)).status, 200);
    assert.equal(quotaOf((await mine('GET', '/api/auth/users', token)).headers).minute.limit, 600);
    assertProblem(await mine('GET', '/api/auth/audit', token), 403, 'insufficient_scope');
    // It is nobody's session: what is told to one is not told to it.
    const status = await mine('GET', '/api/auth/status', root);
    assert.deepEqual([status.status, status.json['csrf_token']], [200, undefined]);
    assert.equal((await house.ask(`/api/auth/users/${bob.id}`)).status, 200);
  });

  it('who is not signed in on the console, or is nobody, is given none', async () => {
    const { application } = await enterApplication(server);
    const app = application.cookies.get('sallyport-app') ?? '';
    const body = { path: '/x' };
    assertProblem(await own('/api/auth/tickets', { body }), 401, 'unauthorized');
    assertProblem(
      await own('/api/auth/tickets', { body, headers: { cookie: `sallyport-app=${app}` } }),
      401,
      'unauthorized',
    );
    assertProblem(
      await own('/api/auth/tickets', { body, headers: { cookie: `sallyport-account=${app}` } }),
      401,
      'session_expired',
    );
    assertProblem(await own('/api/auth/tickets', { method: 'GET' }), 405, 'method_not_allowed');
    assertProblem(
      await own(`/api/auth/tickets?ticket=${nobodys}`, { body, headers: bearer(root) }),
      401,
      'invalid_token',
    );
  });

  it('T-09: it ends with whoever asked for it', async () => {
    const session = await signInBearer(server);
    const { id, token } = await makeToken(server, root, { scopes: ['*'] });
    const [one, two, three, four, five] = [
      await ticket('/ended', session),
      await ticket('/ended', token),
      await ticket('/ended', bob.token),
      await ticket('/ended', bob.token),
      await ticket('/ended', token),
    ];
    assert.equal((await own('/api/auth/logout', { method: 'POST', headers: bearer(session) })).status, 200);
    assert.equal((await at(`/ended?ticket=${one}`)).status, 401);
    assert.equal((await onToken(server, root, id, 'PATCH', { ip_allowlist: ['127.0.0.1'] })).status, 200);
    assertProblem(await at(`/ended?ticket=${five}`, { from: stranger }), 403, 'address_denied');
    assert.equal((await onToken(server, root, id, 'DELETE')).status, 200);
    assertProblem(await at(`/ended?ticket=${two}`), 401, 'invalid_token');
    assert.equal((await house.patch(bob.id, { active: false })).status, 200);
    assert.equal((await at(`/ended?ticket=${three}`)).status, 401);
    assert.equal((await house.patch(bob.id, { active: true })).status, 200);
    assert.equal((await at(`/ended?ticket=${four}`)).status, 401);
    assert.deepEqual(targets('/ended'), []);
    bob = { ...bob, token: await signInBearer(server, { username: 'bob', password: passwordOf('bob') }) };
    // A new password keeps tokens, and ends every ticket.
    const bobs = await makeToken(server, bob.token, { scopes: ['*'] });
    const before = await ticket('/ended', bobs.token);
    const password = 'bob runs over 13 blue lanterns';
    const changed = await own('/api/auth/change-password', {
      headers: bearer(bob.token),
      body: { current_password: passwordOf('bob'), new_password: password },
    });
    assert.equal(changed.status, 200, changed.text);
    bob = { ...bob, token: String(changed.json['token']) };
    assertProblem(await at(`/ended?ticket=${before}`), 401, 'invalid_token');
    assert.equal((await at(`/ended?ticket=${await ticket('/ended', bobs.token)}`)).status, 200);
  });

  it('many that nobody made are limited where they come from', async () => {
    const from = '127.129.0.1';
    const statuses = new Set<number>();
    for (let round = 0; round < 30 && !statuses.has(429); round += 1)
      for (const { status } of await Promise.all(
        Array.from({ length: 50 }, () => at(`/flood?ticket=${nobodys}`, { from })),
      ))
        statuses.add(status);
    assert.deepEqual(statuses, new Set([401, 429]));
    assert.deepEqual(targets('/flood'), []);
    assert.equal((await at('/flood', { from, headers: bearer(root) })).status, 200);
    assert.equal((await at(`/flood?ticket=${await ticket('/flood')}`, { from: '127.129.0.2' })).status, 200);
  });
});

describe('P-24: sockets and streams that a ticket opened', () => {
  let server: RunningServer;
  let app: Streaming;
  let house: Admin;
  let root: string;
  let host: string;
  before(async () => {
    app = await startStreaming();
    server = await startServer({ upstream: app.url });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    ({ host } = new URL(server.application));
  });
  after(async () => {
    await server.remove();
    await app.close();
  });

  const begin = (target: string, headers: Headers = {}): RawConnection => {
    const connection = rawConnection(Number(new URL(server.application).port));
    connection.send(handshake(host, target, headers));
    return connection;
  };
  const open = async (credential: string, path: string): Promise<RawConnection> => {
    const secret = await makeTicket(server, credential, path);
    const connection = begin(`${path}?ticket=${secret}`, { Origin: 'https://anywhere.test' });
    await connection.until(/^HTTP\/1\.1 101 Switching Protocols\r\n[\s\S]*?\r\n\r\n/);
    assert.equal(
      app.seen.some(({ target }) => target === path),
      true,
    );
    assert.equal(
      app.seen.some(({ target }) => target.includes('spp_')),
      false,
    );
    const again = begin(`${path}?ticket=${secret}`);
    await again.until(/^HTTP\/1\.1 401 /);
    return connection;
  };
  const alive = async (connection: RawConnection, word: string): Promise<void> => {
    connection.send(word);
    await connection.until(new RegExp(word));
  };

  it('go on when it is spent and its time is over, and end with whoever asked for it', async () => {
    const { id: bob, token: bobs } = await settle(server.console, house, 'bob');
    const session = await signInBearer(server);
    const goesOn = await signInBearer(server);
    const tokens = await Promise.all(
      Array.from({ length: 5 }, () => makeToken(server, root, { scopes: ['*'], rate_limit: { per_minute: 4 } })),
    );
    const [revoked, off, rotated, narrowed, moved] = tokens.map(({ id }) => id);
    const sockets = await Promise.all(
      [session, bobs, ...tokens.map(({ token }) => token), goesOn].map((credential, at) =>
        open(credential, `/ws-${at}`),
      ),
    );
    const stays = sockets.pop();
    assert.ok(stays !== undefined);
    // Past the five seconds of the ticket, and more looks than the token may make requests.
    for (let second = 0; second < 6; second += 1) {
      await pause(1000);
      for (const [at, each] of [...sockets, stays].entries()) await alive(each, `socket-${at}-after-${second}`);
    }
    const ends = [
      () => send(`${server.console}/api/auth/logout`, { method: 'POST', headers: bearer(session) }),
      () => house.patch(bob, { active: false }),
      () => onToken(server, root, revoked ?? '', 'DELETE'),
      () => onToken(server, root, off ?? '', 'PATCH', { active: false }),
      () => onToken(server, root, rotated ?? '', 'ROTATE'),
      () => onToken(server, root, narrowed ?? '', 'PATCH', { scopes: ['read:*'] }),
      () => onToken(server, root, moved ?? '', 'PATCH', { ip_allowlist: ['192.0.2.1'] }),
    ];
    for (const [at, end] of ends.entries()) {
      assert.equal((await end()).status, 200, String(at));
      assert.ok(((await sockets[at]?.closed(endsWithin + 1000)) ?? Infinity) <= endsWithin, String(at));
    }
    await alive(stays, 'still-here');
    stays.socket.destroy();
  });

  it('one that an old secret was used for ends when the old secret does', async () => {
    const { id, token } = await makeToken(server, root, { scopes: ['*'] });
    const rotated = await onToken(server, root, id, 'ROTATE', { overlap_seconds: 4 });
    const [before, now] = [await open(token, '/ws-old'), await open(String(rotated.json['token']), '/ws-new')];
    assert.ok((await before.closed(4000 + endsWithin + 1000)) <= 4000 + endsWithin);
    await alive(now, 'of-the-new-one');
    now.socket.destroy();
  });

  it('streams likewise', async () => {
    const { id, token } = await makeToken(server, root, { scope: 'read_only' });
    const secret = await makeTicket(server, token, '/events');
    const connection = rawConnection(Number(new URL(server.application).port));
    connection.send(`GET /events?every=200&ticket=${secret} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
    await connection.until(/(data: tick[\s\S]*){10}/);
    assert.equal((await onToken(server, root, id, 'DELETE')).status, 200);
    assert.ok((await connection.closed(endsWithin + 1000)) <= endsWithin);
  });

  it('need a ticket of somebody who may change things, at its own path', async () => {
    const { token } = await makeToken(server, root, { scope: 'read_only' });
    const reads = begin(`/ws-reads?ticket=${await makeTicket(server, token, '/ws-reads')}`);
    await reads.until(/^HTTP\/1\.1 403 /);
    const elsewhere = begin(`/ws-there?ticket=${await makeTicket(server, root, '/ws-here')}`);
    await elsewhere.until(/^HTTP\/1\.1 401 /);
    const none = begin('/ws-none');
    await none.until(/^HTTP\/1\.1 401 /);
    assert.deepEqual(
      app.seen.filter(({ target }) => /^\/ws-(reads|there|none)/.test(target)),
      [],
    );
    const race = await makeTicket(server, root, '/ws-race');
    const all = Array.from({ length: 10 }, () => begin(`/ws-race?ticket=${race}`));
    const heads = await Promise.all(all.map((each) => each.until(/^HTTP\/1\.1 \d+/)));
    assert.equal(heads.filter((head) => head.endsWith('101')).length, 1);
    for (const each of all) each.socket.destroy();
  });
});
