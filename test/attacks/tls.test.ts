/** TLS towards browsers, on the running product (security.md 2.10: ). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { randomBytes } from 'node:crypto';
import { after, before, describe, it } from 'node:test';
import type { ConnectionOptions } from 'node:tls';
import { promisify } from 'node:util';
import { type Got, send, sendRaw } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { rawConnection } from '../support/raw-connection.ts';
import {
  openWorkshop,
  portOf,
  saidOver,
  type SecureHouse,
  startSecure,
  type Workshop,
} from '../support/secure-house.ts';
import { freePort } from '../support/free-port.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { secured } from '../support/tls-door.ts';

const run = promisify(execFile);
const html = { accept: 'text/html', 'sec-fetch-mode': 'navigate' };
/** The beginning of a ClientHello: a record of 512 bytes that never comes whole. */
const stalled = Buffer.from('16030102000100', 'hex');

const u16 = (number: number): Buffer => Buffer.of(number >> 8, number & 0xff);
const sized = (bytes: Buffer): Buffer => Buffer.concat([u16(bytes.length), bytes]);
const extension = (kind: number, bytes: Buffer): Buffer => Buffer.concat([u16(kind), sized(bytes)]);

/** A ClientHello of TLS 1.2 that offers those compression methods (RFC 5246 7.4.1.2; 1 is DEFLATE, RFC 3749). */
function clientHello(compression: readonly number[]): Buffer {
  const suites = Buffer.from('c02bc02fc02cc030', 'hex');
  const extensions = Buffer.concat([
    extension(0x000a, sized(Buffer.from('001d0017', 'hex'))),
    extension(0x000b, Buffer.from('0100', 'hex')),
    extension(0x000d, sized(Buffer.from('040308040401', 'hex'))),
  ]);
  const body = Buffer.concat([
    Buffer.from('0303', 'hex'),
    randomBytes(32),
    Buffer.of(0),
    sized(suites),
    Buffer.of(compression.length, ...compression),
    sized(extensions),
  ]);
  const message = Buffer.concat([Buffer.of(1, 0), sized(body)]);
  return Buffer.concat([Buffer.from('160301', 'hex'), sized(message)]);
}

/** The compression method in a ServerHello. */
function compressionIn(said: string): number | undefined {
  const bytes = Buffer.from(said, 'latin1');
  assert.deepEqual([bytes[0], bytes[5]], [0x16, 2], 'a ServerHello');
  const session = 5 + 4 + 2 + 32;
  return bytes[session + 1 + (bytes[session] ?? 0) + 2];
}

describe('X-01: what is spoken', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop();
  });
  after(() => workshop.remove());

  for (const kind of ['rsa', 'ec', 'self-made'] as const)
    it(`sslscan finds nothing but what is wanted: ${kind}`, async () => {
      const sslscan = await need('sslscan', 'sslscan');
      const house = await startSecure(
        kind === 'self-made' ? { listen: '0.0.0.0:0' } : { pair: workshop.pair(`scanned-${kind}`, kind) },
      );
      try {
        const { stdout } = await run(sslscan, ['--no-colour', '--xml=-', `127.0.0.1:${house.port}`]);
        const all = (pattern: RegExp): string[] => [...stdout.matchAll(pattern)].map((each) => each[1] ?? '');
        const protocols = all(/<protocol (.+) enabled="1"/g);
        assert.deepEqual(protocols, ['type="tls" version="1.2"', 'type="tls" version="1.3"'], stdout);
        const suites = all(/<cipher status="(?:preferred|accepted)" .*? cipher="([^"]+)"/g);
        assert.deepEqual(
          suites.filter((each) => !/^(?:TLS_|ECDHE-).*(?:GCM|CHACHA20)/.test(each)),
          [],
        );
        assert.equal(suites.filter((each) => each.startsWith('TLS_')).length, 3, stdout);
        const signed = kind === 'rsa' ? 'ECDHE-RSA-' : 'ECDHE-ECDSA-';
        assert.equal(suites.filter((each) => each.startsWith(signed)).length, 3, stdout);
        assert.equal(suites.length, 6);
        assert.deepEqual(all(/<renegotiation (.+) \/>/g), ['supported="0" secure="0"']);
        assert.deepEqual(all(/<heartbleed .* vulnerable="(\d)"/g), ['0', '0']);
        const bits = all(/<group .*? bits="(\d+)"/g).map(Number);
        assert.ok(bits.length > 0 && bits.every((each) => each >= 128), stdout);
        assert.doesNotMatch(stdout, /<group .*? name="ffdhe/);
        assert.doesNotMatch(stdout, /<compression supported="1"|SHA1|MD5|<pk error="true"/i);

        // The scanner's library knows no compression: asked by hand. Who offers it gets none; who wants nothing else gets nothing.
        const offering = rawConnection(house.port);
        offering.send(clientHello([1, 0]));
        await offering.until(/^[\s\S]{85}/);
        assert.equal(compressionIn(offering.text()), 0);
        offering.socket.destroy();
        const insisting = rawConnection(house.port);
        insisting.send(clientHello([1]));
        await insisting.closed();
        assert.equal(
          Buffer.from(insisting.text().slice(0, 6), 'latin1').toString('hex'),
          '150303000202',
          'a fatal alert',
        );
      } finally {
        await house.remove();
      }
    });
});

describe('X-02, X-09: a port that speaks TLS', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let token = '';
  let app: Echo;
  before(async () => {
    workshop = await openWorkshop();
    app = await startEcho();
    house = await startSecure({ pair: workshop.pair('plain'), upstream: app.url });
    await setUp(house);
    token = await signInBearer(house);
  });
  after(async () => {
    await house.remove();
    // Nobody came as far as that.
    assert.deepEqual(app.seen, []);
    await app.close();
    workshop.remove();
  });

  const inTheClear = (port: number, path: string, sent: Parameters<typeof send>[1] = {}): Promise<Got> =>
    send(`http://127.0.0.1:${port}${path}`, sent);
  const attempts = async (): Promise<number> => {
    const got = await send(`${house.console}/api/auth/login-attempts?limit=1000`, {
      headers: { authorization: `Bearer ${token}` },
    });
    assert.equal(got.status, 200, got.text);
    return (got.json['attempts'] as unknown[]).length;
  };

  it('the twin: over TLS all of it is answered', async () => {
    for (const [path, status] of [
      ['/healthz', 200],
      ['/api/auth/status', 200],
      ['/auth/sign-in', 200],
    ] as const)
      assert.equal((await send(`${house.url}${path}`, { headers: html })).status, status, path);
    assert.equal((await send(`${house.application}/`, { headers: html })).status, 302);
  });

  it('a page is led to HTTPS at the same host and port, and nowhere else', async () => {
    for (const port of [house.port, house.applicationPort])
      for (const target of ['/', '/auth/', '/a?b=c', '//evil.test/', '/%0d%0aset-cookie:a=b'])
        for (const name of ['127.0.0.1', 'localhost']) {
          const host = `${name}:${port}`;
          const said = await sendRaw(port, `GET ${target} HTTP/1.1\r\nHost: ${host}\r\nAccept: text/html\r\n\r\n`);
          assert.match(said, /^HTTP\/1\.1 308 /, target);
          assert.ok(said.includes(`\r\nlocation: https://${host}${target}\r\n`), said);
          assert.match(said, /\r\ncontent-length: 0\r\n/i);
          assert.doesNotMatch(said, /set-cookie:(?!a=b)|strict-transport/i);
        }
  });

  it('for another host there is no way on', async () => {
    for (const port of [house.port, house.applicationPort])
      for (const host of [
        'evil.test',
        `evil.test:${port}`,
        '127.0.0.1@evil.test',
        `127.0.0.1:1`,
        `127.0.0.1.evil.test`,
      ]) {
        const got = await inTheClear(port, '/', { headers: { ...html, host } });
        assertProblem(got, 421, 'misdirected_request');
        assert.equal(got.headers['location'], undefined);
      }
    // Neither by what a proxy would say of it: nobody here is one.
    const forwarded = { 'x-forwarded-host': 'evil.test', 'x-forwarded-proto': 'https', forwarded: 'host=evil.test' };
    const got = await inTheClear(house.port, '/', { headers: { ...html, ...forwarded } });
    assert.deepEqual([got.status, got.headers['location']], [308, `https://127.0.0.1:${house.port}/`]);
  });

  it('programs, writes and whatever carries a secret are refused, without a redirect, a cookie or content', async () => {
    const secret = { authorization: `Bearer ${token}` };
    for (const port of [house.port, house.applicationPort])
      for (const [path, sent] of [
        ['/', {}],
        ['/healthz', {}],
        ['/readyz', {}],
        ['/metrics', {}],
        ['/auth/', { headers: { accept: 'application/json' } }],
        ['/api/auth/status', {}],
        ['/api/auth/status', { headers: html }],
        ['/api/auth/sessions', { headers: secret }],
        ['/api/auth/verify', { headers: { 'x-forwarded-host': 'wiki.test', 'x-forwarded-proto': 'https' } }],
        ['/api2/json/access/ticket', { body: 'username=Root1&password=x' }],
        ['/auth/', { method: 'POST', headers: html, body: 'x' }],
        ['/auth/', { method: 'PUT', headers: html, body: 'x' }],
        ['/', { method: 'DELETE', headers: html }],
      ] as const) {
        const got = await inTheClear(port, path, sent);
        assertProblem(got, 403, 'forbidden');
        assert.equal(got.headers['location'], undefined, path);
        assert.deepEqual(got.cookies, [], path);
        assert.equal(got.headers['connection'], 'close');
        assert.match(String(got.json['detail']), /^This port speaks HTTPS: https:\/\/127\.0\.0\.1:\d+$/);
      }
  });

  it('a password in the clear is never looked at, right or wrong', async () => {
    await send(`${house.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } });
    const before = await attempts();
    assert.ok(before > 0, 'the twin: over TLS it is written down');
    for (const password of [admin.password, wrongPassword])
      for (const [path, body] of [
        ['/api/auth/login', { ...admin, password }],
        ['/api/auth/setup', { ...admin, password, setup_code: house.setupCode }],
      ] as const)
        for (const headers of [{}, { 'x-forwarded-proto': 'https' }, { ...html }]) {
          const got = await inTheClear(house.port, path, { headers, body });
          assertProblem(got, 403, 'forbidden');
          assert.deepEqual(got.cookies, []);
        }
    const basic = Buffer.from(`${admin.username}:${wrongPassword}`).toString('base64');
    await inTheClear(house.port, '/api/auth/verify', { headers: { authorization: `Basic ${basic}` } });
    assert.equal(await attempts(), before);
    assert.equal((await send(`${house.console}/api/auth/login`, { body: admin })).status, 200);
  });

  it('X-09: five hundred handshakes that stall keep nobody out', async () => {
    const slow = Array.from({ length: 500 }, (_, at) => {
      const connection = rawConnection(at % 5 === 0 ? house.applicationPort : house.port);
      if (at % 3 !== 0) connection.send(at % 3 === 1 ? stalled : clientHello([0]));
      return connection;
    });
    try {
      for (let at = 0; at < 20; at += 1) {
        assert.equal((await send(`${house.console}/api/auth/status`)).status, 200);
        assert.equal((await send(`${house.application}/`, { headers: html })).status, 302);
      }
      // What is slow is not waited for without an end.
      await Promise.all(slow.slice(0, 50).map((each) => each.closed(60_000)));
      assert.equal((await send(`${house.console}/api/auth/status`)).status, 200);
    } finally {
      for (const each of slow) each.socket.destroy();
    }
  });

  it('X-09: what begins like something else is refused, and nothing stays open', async () => {
    for (const bytes of [
      'EHLO example.test\r\nSTARTTLS\r\n',
      'SSH-2.0-x\r\n',
      '\x80\x2e\x01\x03\x01',
      '\x15\x03\x01\0\x02\x02\x28',
    ]) {
      const connection = rawConnection(house.port);
      connection.send(Buffer.from(bytes, 'latin1'));
      await connection.closed(20_000);
      assert.match(connection.text(), /^(?:HTTP\/1\.1 400 [\s\S]*)?$/);
    }
    assert.equal((await send(`${house.console}/api/auth/status`)).status, 200);
  });
});

describe('X-02: pages and application on one origin', { skip: withoutPackages }, () => {
  it('in the clear nothing of either is shown', async () => {
    const workshop = await openWorkshop();
    const echo = await startEcho();
    const house = await startSecure({ pair: workshop.pair('shared'), upstream: echo.url, args: ['--shared-origin'] });
    try {
      await setUp(house);
      assert.equal((await send(`${house.console}/app/x`, { headers: html })).status, 302);
      for (const path of ['/app/x', '/', '/auth/', '/.sallyport/x']) {
        const led = await send(`http://127.0.0.1:${house.port}${path}`, { headers: html });
        assert.deepEqual([led.status, led.text], [308, ''], path);
        assert.equal(led.headers['location'], `https://127.0.0.1:${house.port}${path}`);
        const refused = await send(`http://127.0.0.1:${house.port}${path}`, { body: 'x', headers: html });
        assertProblem(refused, 403, 'forbidden');
        assert.deepEqual([led.cookies, refused.cookies], [[], []]);
      }
    } finally {
      await house.remove();
      await echo.close();
      workshop.remove();
    }
  });
});

describe('X-03: plain HTTP behind listed proxies', { skip: withoutPackages }, () => {
  const host = 'sign.test';
  const proxied = { host, 'x-forwarded-proto': 'https', 'x-forwarded-for': '203.0.113.9' };
  let server: RunningServer;
  let console = '';
  before(async () => {
    server = await startServer({
      listen: '0.0.0.0:0',
      args: ['--tls', 'off', '--trusted-proxies', '127.0.0.9', '--public-url', `https://${host}`],
    });
    // Printed is the public URL: which port it got is in the process's own list.
    console = `http://127.0.0.1:${await portOf(server)}`;
    const got = await send(`${console}/api/auth/setup`, {
      from: '127.0.0.9',
      headers: proxied,
      body: { ...admin, setup_code: server.setupCode },
    });
    assert.equal(got.status, 201, got.text);
  });
  after(() => server.remove());

  it('the twin: through the proxy a person signs in, with cookies for HTTPS alone', async () => {
    const page = { ...proxied, origin: `https://${host}`, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' };
    const from = '127.0.0.9';
    const prepared = await send(`${console}/api/auth/login/prepare`, { from, method: 'POST', headers: page });
    assert.equal(prepared.status, 200, prepared.text);
    const cookie = prepared.cookies.map((each) => each.split(';', 1)[0]).join('; ');
    const got = await send(`${console}/api/auth/login`, {
      from,
      headers: { ...page, cookie },
      body: { ...admin, login_token: prepared.json['login_token'] },
    });
    assert.equal(got.status, 200, got.text);
    const account = got.cookies.find((each) => each.startsWith('__Host-sallyport-account=')) ?? assert.fail();
    assert.match(account, /; Secure/i);
  });

  it('who is no listed proxy is refused, whatever it says of itself', async () => {
    for (const headers of [
      { host },
      proxied,
      { ...proxied, 'x-forwarded-for': '127.0.0.9' },
      { ...proxied, forwarded: 'for=127.0.0.9;proto=https' },
      { ...proxied, 'x-real-ip': '127.0.0.9' },
    ])
      for (const from of ['127.0.0.1', '127.0.0.8'])
        for (const [path, body] of [
          ['/api/auth/login', admin],
          ['/api/auth/login/prepare', {}],
          ['/auth/', undefined],
        ] as const) {
          const got = await send(`${console}${path}`, {
            from,
            headers: { ...headers, ...html },
            ...(body === undefined ? {} : { body }),
          });
          assertProblem(got, 403, 'forbidden');
          assert.deepEqual([got.cookies, got.headers['location']], [[], undefined]);
        }
  });
});

describe('X-07: names of the handshake and names of the request', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: { readonly port: number; readonly applicationPort: number; readonly remove: () => Promise<void> };
  let closeApp: () => Promise<void>;
  before(async () => {
    workshop = await openWorkshop();
    const echo = await startEcho();
    closeApp = echo.close;
    const [port, applicationPort] = [await freePort(), await freePort()];
    const { remove, setupCode } = await startSecure({
      pair: workshop.pair('names', 'ec', 'DNS:auth.test,DNS:app.test'),
      upstream: echo.url,
      listen: `127.0.0.1:${port}`,
      appListen: `127.0.0.1:${applicationPort}`,
      args: ['--public-url', 'https://auth.test', '--app-url', 'https://app.test'],
    });
    house = { port, applicationPort, remove };
    const got = await send(`https://127.0.0.1:${port}/api/auth/setup`, {
      headers: { host: 'auth.test' },
      body: { ...admin, setup_code: setupCode },
      tls: { rejectUnauthorized: false },
    });
    assert.equal(got.status, 201, got.text);
  });
  after(async () => {
    await house.remove();
    await closeApp();
    workshop.remove();
  });

  const servernames: readonly ConnectionOptions[] = [
    {},
    { servername: 'auth.test' },
    { servername: 'app.test' },
    { servername: 'AUTH.TEST' },
    { servername: 'App.Test' },
    { servername: 'auth.test.' },
    { servername: 'evil.test' },
    { servername: 'a'.repeat(200) },
  ];
  const ask = async (port: number, options: ConnectionOptions, host: string, path: string): Promise<string> =>
    saidOver(port, options, [`GET ${path} HTTP/1.1`, `Host: ${host}`, 'Accept: text/html', 'Sec-Fetch-Mode: navigate']);

  it('the listener and Host decide alone: the console is at one, the application at the other', async () => {
    for (const options of servernames) {
      const about = JSON.stringify(options);
      for (const host of ['auth.test', 'AUTH.TEST', 'auth.test:443'])
        assert.match(await ask(house.port, options, host, '/api/auth/status'), /^HTTP\/1\.1 200 /, about);
      const led = await ask(house.applicationPort, options, 'app.test', '/');
      assert.match(led, /^HTTP\/1\.1 302 [\s\S]*\r\nlocation: https:\/\/auth\.test\//i, about);
      for (const [port, host] of [
        [house.port, 'app.test'],
        [house.applicationPort, 'auth.test'],
        [house.port, 'evil.test'],
        [house.applicationPort, 'evil.test'],
        [house.port, 'app.test.'],
        [house.port, 'auth.test:444'],
      ] as const)
        for (const path of ['/', '/api/auth/status']) {
          const said = await ask(port, options, host, path);
          assert.match(said, /^HTTP\/1\.1 421 /, `${about} ${host}`);
          assert.doesNotMatch(said, /set-cookie|location:/i);
        }
    }
  });

  it('an address is no name of a handshake: whatever is said there, the same is answered', async () => {
    // Node sends no address there: by openssl.
    const openssl = await need('openssl', 'openssl');
    for (const name of ['127.0.0.1', 'AUTH.TEST.', 'app.test']) {
      const asked = run(openssl, ['s_client', '-quiet', '-connect', `127.0.0.1:${house.port}`, '-servername', name]);
      asked.child.stdin?.end('GET / HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
      assert.match((await asked).stdout, /^HTTP\/1\.1 421 /, name);
    }
  });

  it('two hosts on one connection are two questions', async () => {
    const socket = await secured({ port: house.port }, { rejectUnauthorized: false, servername: 'auth.test' });
    let text = '';
    socket.on('data', (part: Buffer) => (text += part.toString('latin1')));
    socket.write('GET /api/auth/status HTTP/1.1\r\nHost: auth.test\r\n\r\n');
    socket.write('GET /api/auth/status HTTP/1.1\r\nHost: app.test\r\nConnection: close\r\n\r\n');
    await new Promise((resolve) => socket.once('close', resolve));
    assert.deepEqual(
      [...text.matchAll(/HTTP\/1\.1 (\d+)/g)].map((each) => each[1]),
      ['200', '421'],
    );
  });
});
