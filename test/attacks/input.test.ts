/** Attacks on parsers (security.md 2.11, and 2.2 L-15, L-20, L-21): every route, everything that is not what it asked for. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, type Got, send, sendRaw } from '../support/client.ts';
import { admin, setUp, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const json = { 'content-type': 'application/json' } as const;

/** Routes with a body, and the fields each asks for. */
const bodied = {
  '/api/auth/setup': ['setup_code', 'username', 'password'],
  '/api/auth/decline': ['setup_code'],
  '/api/auth/skip': ['setup_code'],
  '/api/auth/login': ['username', 'password'],
  '/api/auth/enable': ['username', 'password'],
  '/api/auth/reauthenticate': ['password'],
  '/api/auth/change-password': ['old_password', 'new_password'],
} as const;

const notText: readonly unknown[] = [
  { $ne: null },
  [''],
  ['x'],
  0,
  1,
  -1,
  1.5,
  true,
  false,
  null,
  { length: 12 },
  { toString: 1 },
  [],
  {},
];

/** Bodies that are no JSON object, or not one that two parsers would read alike. */
const brokenBodies: readonly (string | Uint8Array)[] = [
  '[]',
  '"x"',
  '123',
  'null',
  'true',
  '{',
  '}',
  '{"a"}',
  '{"username":"x",}',
  "{'username':'x'}",
  'username=x',
  '\u0000',
  '{"username":"x"}{"username":"y"}',
  '{"username":"a","username":"b"}',
  '{"username":"a","user\\u006eame":"b"}',
  '{"x":{"y":1,"y":2}}',
  '{"username":"\\ud800"}',
  '{"\\udfff":1}',
  '{"password":NaN}',
  '{"password":Infinity}',
  '{"password":1e}',
  '/* */{}',
  '\ufeff{}',
  '['.repeat(60_000),
  `${'{"a":'.repeat(5000)}1${'}'.repeat(5000)}`,
  Uint8Array.from([0x7b, 0x22, 0xff, 0x22, 0x3a, 0x31, 0x7d]),
  Uint8Array.from([0xc0, 0x80]),
  Buffer.from('{"username":"x"}', 'utf16le'),
];

describe('every route, everything that is not what it asked for', () => {
  let server: RunningServer;
  let page: Browser;
  before(async () => {
    server = await startServer();
    await setUp(server);
    page = await signIn(server);
  });
  after(async () => {
    assert.equal((await page.page('/api/auth/sessions')).status, 200, 'the session lived through it all');
    assert.equal(
      (await send(`${server.console}/api/auth/login`, { body: admin, from: '127.99.0.1' })).status,
      200,
      'and so did the password',
    );
    assert.doesNotMatch(server.log(), /"level":50/, 'nothing failed inside');
    await server.remove();
  });

  const refused = (got: Got, what: string): void => {
    assert.ok(got.status >= 400 && got.status < 500, `${what}: ${got.status} ${got.text}`);
    assert.match(got.headers['content-type'] ?? '', /^application\/problem\+json/, what);
  };

  for (const [path, fields] of Object.entries(bodied)) {
    it(`${path}: bodies that are no JSON object`, async () => {
      for (const body of brokenBodies)
        refused(await page.page(path, { body, headers: json }), String(body).slice(0, 60));
    });
    it(`${path}: each field missing, and each with every wrong type`, async () => {
      const whole = Object.fromEntries(fields.map((field) => [field, 'a value of no account'])) as Record<
        string,
        unknown
      >;
      for (const field of fields) {
        const { [field]: _dropped, ...rest } = whole;
        assertProblem(await page.page(path, { body: rest }), 400, 'invalid_request');
        for (const value of notText)
          assertProblem(await page.page(path, { body: { ...whole, [field]: value } }), 400, 'invalid_request');
      }
    });
    it(`${path}: prototype names are fields like any other, and mean nothing`, async () => {
      for (const body of [
        '{"__proto__":{"isAdmin":true}}',
        '{"constructor":{"prototype":{"isAdmin":true}}}',
        '{"__proto__":{"username":"x","password":"y","setup_code":"z","old_password":"a","new_password":"b"}}',
        '{"toString":1,"hasOwnProperty":2,"valueOf":3}',
      ]) {
        assertProblem(await page.page(path, { body, headers: json }), 400, 'invalid_request');
      }
    });
    it(`${path}: compressed, oversized and mistyped bodies`, async () => {
      for (const encoding of ['gzip', 'br', 'deflate', 'gzip, gzip', 'identity, gzip', 'x']) {
        assertProblem(
          await page.page(path, { body: '{}', headers: { ...json, 'content-encoding': encoding } }),
          415,
          'unsupported_media_type',
        );
      }
      assertProblem(
        await page.page(path, { body: `{"x":"${'y'.repeat(66_000)}"}`, headers: json }),
        413,
        'payload_too_large',
      );
      assertProblem(
        await page.page(path, {
          body: `{"x":"${'y'.repeat(66_000)}"}`,
          headers: { ...json, 'transfer-encoding': 'chunked' },
        }),
        413,
        'payload_too_large',
      );
    });
  }

  it('unknown fields are ignored', async () => {
    const got = await page.page('/api/auth/reauthenticate', {
      body: { password: admin.password, role: 'admin', id: 'x', groups: ['y'], is_admin: true, __x: [] },
    });
    assert.equal(got.status, 200, got.text);
  });

  it('L-15: a huge password is 413 at once, for anybody, and nothing is hashed', async () => {
    for (const username of ['Root1', 'ghost']) {
      for (const length of [1025, 4097, 60_000])
        assertProblem(
          await send(`${server.console}/api/auth/login`, { body: { username, password: 'x'.repeat(length) } }),
          413,
          'payload_too_large',
        );
    }
  });

  it('L-21: names and passwords that mean something to a database mean nothing here', async () => {
    for (const [at, text] of [
      "bob' OR '1'='1' --",
      'bob"; DROP TABLE users; --',
      '\\x27',
      "'; SELECT 1; --",
      '%27',
      '$(id)',
      '`id`',
      '{{7*7}}',
      "Root1'--",
    ].entries()) {
      const got = await send(`${server.console}/api/auth/login`, {
        body: { username: text, password: text },
        from: `127.60.${at}.1`,
      });
      assertProblem(got, 401, 'invalid_credentials');
    }
  });

  it('I-10: hostile characters in passwords are told apart from wrong ones, and change nothing', async () => {
    for (const password of ['', '\u0000', 'a\u0000b', 'line\nbreak in it all', '\u007f']) {
      assertProblem(
        await send(`${server.console}/api/auth/login`, { body: { ...admin, password }, from: '127.61.0.1' }),
        400,
        'invalid_request',
      );
    }
  });

  it('queries of lists are read strictly', async () => {
    for (const query of [
      'limit=0',
      'limit=1001',
      'limit=-1',
      'limit=1e3',
      'limit=',
      'limit=٣',
      'before=yesterday',
      'before=2026-13-40T00:00:00Z',
      'before=9',
      'limit[]=1&limit=x',
    ]) {
      assertProblem(await page.page(`/api/auth/login-attempts?${query}`), 400, 'invalid_request');
    }
    for (const query of [
      '',
      'limit=1',
      'limit=1000',
      'before=2026-11-21T22:00:00Z',
      'all=1',
      '__proto__=1',
      'constructor[prototype]=x',
    ]) {
      assert.equal((await page.page(`/api/auth/login-attempts?${query}`)).status, 200, query);
    }
  });

  it('paths are compared as they came', async () => {
    for (const path of [
      '//api/auth/login',
      '/api/auth/login/',
      '/API/AUTH/LOGIN',
      '/api/auth/%6cogin',
      '/api/auth/./login',
      '/api/auth/x/../login',
      '/api/auth/login%00',
      '/api/auth/login;x',
      '/api//auth/login',
      '/api/auth/login%2f',
      '/api/auth\\login',
      '/./api/auth/login',
    ]) {
      const answer = await sendRaw(
        portOf(server),
        `POST ${path} HTTP/1.1\r\nHost: ${new URL(server.console).host}\r\nContent-Type: application/json\r\nContent-Length: 2\r\nConnection: close\r\n\r\n{}`,
      );
      assert.match(answer, /^HTTP\/1\.1 404 /, path);
    }
  });

  it("I-08: nothing but the pages' own files is served", async () => {
    for (const path of [
      '/auth/assets/..%2f..%2fpackage.json',
      '/auth/assets/../../package.json',
      '/auth/..;/package.json',
      '/auth/assets/%00',
      '/auth/assets/',
      '/auth/index.html',
      '/auth/assets',
      '/auth/.git/config',
      '/auth/account/x.css',
    ]) {
      const answer = await sendRaw(
        portOf(server),
        `GET ${path} HTTP/1.1\r\nHost: ${new URL(server.url).host}\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 404 /, path);
      assert.doesNotMatch(answer, /"dependencies"/);
    }
  });

  it('I-15: methods we do not know', async () => {
    for (const method of ['TRACE', 'PROPFIND', 'PATCH', 'SEARCH', 'PURGE'])
      assertProblem(await send(`${server.console}/api/auth/login`, { method }), 405, 'method_not_allowed');
    for (const method of ['post', 'X'.repeat(100), 'GET\tx']) {
      const answer = await sendRaw(
        portOf(server),
        `${method} /api/auth/login HTTP/1.1\r\nHost: ${new URL(server.console).host}\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 (400|405|501) /, method);
    }
    assert.equal(
      (await sendRaw(portOf(server), 'CONNECT evil.test:443 HTTP/1.1\r\nHost: evil.test:443\r\n\r\n', 1000)).startsWith(
        'HTTP/1.1 2',
      ),
      false,
    );
  });

  it('two of a header that may come once are refused', async () => {
    const host = new URL(server.console).host;
    for (const pair of [
      [`Host: ${host}`, `Host: ${host}`],
      ['Authorization: Bearer x', 'Authorization: Bearer y'],
      ['Content-Type: application/json', 'Content-Type: text/plain'],
      ['Origin: http://a', 'Origin: http://b'],
      ['X-CSRF-Token: a', 'X-CSRF-Token: b'],
      ['Sec-Fetch-Site: same-origin', 'sec-fetch-site: cross-site'],
      ['X-Forwarded-Host: a', 'X-Forwarded-Host: b'],
    ]) {
      const lines = pair[0]?.startsWith('Host') ? pair : [`Host: ${host}`, ...pair];
      const answer = await sendRaw(
        portOf(server),
        `GET /api/auth/status HTTP/1.1\r\n${lines.join('\r\n')}\r\nConnection: close\r\n\r\n`,
      );
      assert.match(answer, /^HTTP\/1\.1 400 /, pair.join());
      assert.match(answer, /"error_code":"invalid_request"/, pair.join());
    }
  });

  it('no Host, a broken Host, an absolute target elsewhere', async () => {
    assert.match(
      await sendRaw(portOf(server), 'GET /api/auth/status HTTP/1.1\r\nConnection: close\r\n\r\n'),
      /^HTTP\/1\.1 400 /,
    );
    for (const host of ['', ' ', 'a b', 'user@localhost', 'localhost:99999', 'localhost/x', '[::1', 'evil.test']) {
      assert.match(
        await sendRaw(portOf(server), `GET /api/auth/status HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n\r\n`),
        /^HTTP\/1\.1 (400|421) /,
        host,
      );
    }
    assert.match(
      await sendRaw(
        portOf(server),
        `GET http://evil.test/api/auth/status HTTP/1.1\r\nHost: ${new URL(server.console).host}\r\nConnection: close\r\n\r\n`,
      ),
      /^HTTP\/1\.1 404 /,
    );
  });

  it('requests that no two servers read alike are refused and the connection is closed', async () => {
    const host = `Host: ${new URL(server.console).host}`;
    for (const [name, head] of [
      ['length and chunked', `Content-Length: 5\r\nTransfer-Encoding: chunked`],
      ['two lengths', 'Content-Length: 5\r\nContent-Length: 6'],
      ['a signed length', 'Content-Length: +5'],
      ['a negative length', 'Content-Length: -1'],
      ['chunked twice over', 'Transfer-Encoding: chunked, identity'],
      ['a space before the colon', 'Transfer-Encoding : chunked'],
      ['a folded header', 'X-A: b\r\n c: d'],
      ['a bare CR', 'X-A: b\rX-B: c'],
      ['NUL in a value', 'X-A: b\u0000c'],
    ] as const) {
      const answer = await sendRaw(
        portOf(server),
        `POST /api/auth/login HTTP/1.1\r\n${host}\r\n${head}\r\n\r\n0\r\n\r\nGET /healthz HTTP/1.1\r\n${host}\r\n\r\n`,
        1500,
      );
      assert.match(answer, /^HTTP\/1\.1 400 /, name);
      assert.equal(answer.split('HTTP/1.1 ').length, 2, `${name}: one answer`);
    }
  });

  it('D-04: headers over 16 KiB are 431, and a cookie of 8 KiB of junk is only dead', async () => {
    const host = `Host: ${new URL(server.console).host}`;
    const answer = await sendRaw(
      portOf(server),
      `GET /api/auth/status HTTP/1.1\r\n${host}\r\nX-A: ${'b'.repeat(20_000)}\r\n\r\n`,
    );
    assert.match(answer, /^HTTP\/1\.1 431 /);
    assert.match(answer, /"error_code":"headers_too_large"/);
    for (const junk of [
      '\u0001'.repeat(10),
      'x'.repeat(8192),
      '"quoted"',
      '%00',
      'é',
      ';;;===;;',
      '=',
      'sallyport-account',
      'sallyport-account==',
    ]) {
      const got = await sendRaw(
        portOf(server),
        Buffer.from(
          `GET /api/auth/verify HTTP/1.1\r\n${host}\r\nCookie: sallyport-account=${junk}\r\nConnection: close\r\n\r\n`,
          'latin1',
        ),
      );
      assert.match(got, /^HTTP\/1\.1 (400|401) /, junk.slice(0, 20));
    }
  });

  it('NUL is no text that a database is asked for or given: refused, or told apart from nothing', async () => {
    const authorization = `Bearer ${await signInBearer(server)}`;
    const ask = (
      path: string,
      body?: Readonly<Record<string, unknown>>,
      method = body === undefined ? 'GET' : 'POST',
    ) => send(`${server.console}/api/auth/${path}`, { method, headers: { authorization }, ...(body && { body }) });
    for (const path of ['users?q=%00', 'users?q=a%0Ab', 'users?after=%00', 'users?limit=%00', 'users/%00'])
      refusedWith([400, 404], await ask(path));
    for (const path of ['audit?user=%00', 'audit?event=%00', 'audit?since=%00', 'audit?before=%00', 'verify?scope=%00'])
      refusedWith([400], await ask(path));
    for (const path of [
      'login-attempts?before=%00',
      'login-attempts?limit=%00',
      'sessions/%00',
      'verify?privilege=%00',
    ])
      refusedOrFine(await ask(path));
    const made = await ask('users', { username: 'nul' });
    const { id } = made.json['user'] as { readonly id: string };
    const fields = { email: 'a\0@example.org', display_name: 'a\0b', groups: ['a\0'], privileges: ['\0'] };
    for (const [field, value] of Object.entries(fields)) {
      refusedWith([400], await ask('users', { username: `with-${field}`, [field]: value }));
      refusedWith([400], await ask(`users/${id}`, { [field]: value }, 'PATCH'));
    }
    refusedWith([400], await ask('users', { username: 'nul\0' }));
    refusedWith([400, 409], await ask('passkeys', { name: 'a\0b', response: { attestationObject: 'AA' } }));
    for (const what of [{ username: '\0' }, { address: '\0' }, { network: '\0' }])
      refusedWith([400, 404], await ask('blocks', what, 'DELETE'));
    const refusals = [400, 401, 403, 409];
    for (const body of [{ username: '\0' }, { password: 'a\0b' }, { login_token: '\0' }, { kind: '\0' }])
      refusedWith(refusals, await ask('login', { username: 'nul', password: 'some password or other', ...body }));
    refusedWith(refusals, await ask('login/verify', { challenge: '\0', totp_token: '\0' }));
    refusedWith(refusals, await ask('login/passkey', { id: '\0', rawId: '\0', type: 'public-key', response: {} }));
    refusedWith(refusals, await ask('link/look', { link: '\0' }));
    refusedWith(refusals, await ask('link', { link: '\0', password: '\0' }));
    assert.equal((await ask('forgot-password', { username: '\0' })).status, 200);
    // The parser of HTTP lets none through in a header.
    const raw = 'GET /api/auth/status HTTP/1.1\r\nHost: x\r\nUser-Agent: a\0b\r\n\r\n';
    assert.match(await sendRaw(portOf(server), raw), /^HTTP\/1\.1 400 /);
    assert.equal((await ask(`users/${id}`, {}, 'DELETE')).status, 200);
  });

  it('I-09: headers of 12 KiB made to trip patterns cost nothing', async () => {
    const long = 'a'.repeat(12_000);
    const began = performance.now();
    for (const headers of [
      { 'user-agent': '(('.repeat(6000) },
      { origin: `http://${'a.'.repeat(6000)}` },
      { 'content-type': `application/json${' '.repeat(12_000)};x` },
      { cookie: `${'sallyport-'.repeat(1200)}=` },
      { authorization: `Bearer ${long}` },
      { authorization: `Basic ${'A'.repeat(12_000)}=` },
      { accept: `text/html,${';q=0,'.repeat(2000)}` },
      { 'x-forwarded-for': '1,'.repeat(6000) },
      { forwarded: 'for=;'.repeat(2400) },
    ]) {
      refusedOrFine(await send(`${server.console}/api/auth/status`, { headers }));
    }
    assert.ok(performance.now() - began < 5000, 'no pattern ran away');
  });
});

function refusedWith(statuses: readonly number[], got: Pick<Got, 'status' | 'text'>): void {
  assert.ok(statuses.includes(got.status), `${got.status} ${got.text}`);
}

function refusedOrFine(got: Got): void {
  assert.ok(got.status < 500, got.text);
}

function portOf(server: RunningServer): number {
  return Number(new URL(server.console).port);
}
