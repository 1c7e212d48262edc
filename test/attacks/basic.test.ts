/** Basic under attack (security.md 2.8, and K-02 as far as it is about Basic; 3-rules, Guessing, Service key, user key). */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { existsSync } from 'node:fs';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { asBasic, hashesOf, serviceKeyOf, userKeyOf } from '../support/basic.ts';
import { type Got, send, sendRaw } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp, signIn, wrongPasswordNo } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';
import { rawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askAs, basic, makeToken } from '../support/tokens.ts';
import { forgive } from '../support/two-steps.ts';
import { pause } from '../support/waiting.ts';

const users = '/api/auth/users';
const own = '/api/auth/sessions';
const far = { 'x-forwarded-for': '203.0.113.9' } as const;

describe('Basic under attack', () => {
  let server: RunningServer;
  let echo: Echo;
  let root: string;
  let house: Admin;
  let service: string;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url, args: ['--trusted-proxies', '127.0.0.1'] });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    service = await serviceKeyOf(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });
  beforeEach(() => forgive(server, root));

  const get = (headers: Readonly<Record<string, string | readonly string[]>>, path = users): Promise<Got> =>
    send(`${server.console}${path}`, { headers });
  const ofBytes = (...bytes: readonly number[]): string => `Basic ${Buffer.from(bytes).toString('base64')}`;
  const whole = basic(`root1:${admin.password}`);
  const encoded = whole.slice(6);

  describe('B-01: syntax', () => {
    it('what does not decode is 400, whoever it might have been, and counts as nothing', async () => {
      const letters = [...Buffer.from('root1:')];
      for (const authorization of [
        'Basic',
        'Basic ',
        'Basic %%%',
        'Basic !!!!',
        basic('root1'),
        `Basic ${encoded} ${encoded}`,
        `${whole} x`,
        `${whole},`,
        `${whole}, ${whole}`,
        `${whole}\u00a0x`,
        `${whole}====`,
        `Basic =${encoded}`,
        `Basic "${encoded}"`,
        `Basic ${encoded.replaceAll('b', '-')}`,
        `Basic ${encoded.slice(0, 4)}_${encoded.slice(5)}`,
        basic(`root1:${admin.password}\n`),
        basic(`root1:${admin.password}\0`),
        basic(`root1\0:${admin.password}`),
        basic(`root1:${admin.password}\0:more`),
        basic(`root1:${admin.password}\x7f`),
        ofBytes(...letters, 0xff, 0xfe),
        ofBytes(...letters, 0xc3),
        // Overlong spellings of a colon and of NUL, half a surrogate pair, and what is beyond Unicode.
        ofBytes(...letters.slice(0, -1), 0xc0, 0xba, 0x78),
        ofBytes(...letters, 0xc0, 0x80),
        ofBytes(...letters, 0xed, 0xa0, 0x80),
        ofBytes(...letters, 0xf4, 0x90, 0x80, 0x80),
        `Basic ${Buffer.from(`root1:${admin.password}`, 'utf16le').toString('base64')}`,
        basic(`root1:${'x'.repeat(3500)}`),
      ]) {
        assertProblem(await get({ authorization }), 400, 'invalid_request');
        assertProblem(await get({ authorization }, own), 400, 'invalid_request');
      }
      assert.equal((await get({ authorization: whole })).status, 200);
    });

    it('other readings of a right one are wrong', async () => {
      for (const text of [
        `\ufeffroot1:${admin.password}`,
        `root1:${admin.password}\ufeff`,
        `root1:\ufeff${admin.password}`,
        `root1::${admin.password}`,
        `:root1:${admin.password}`,
        `"root1":"${admin.password}"`,
        `root1%3A:${admin.password}`,
      ])
        assertProblem(await get({ authorization: basic(text) }), 401, 'invalid_credentials');
      for (const authorization of [
        `Basic\t${encoded}`,
        `Basic:${encoded}`,
        `Basic=${encoded}`,
        encoded,
        `Basics ${encoded}`,
        '',
      ])
        assertProblem(await get({ authorization }), 401, 'invalid_token');
      for (const authorization of [`basic ${encoded}`, `BASIC   ${encoded}`, `Basic ${encoded.replace(/=+$/, '')}`])
        assert.equal((await get({ authorization })).status, 200, authorization);
    });

    it('a password beyond 1024 bytes is told so before any hash, whoever it is for', async () => {
      const before = await hashesOf(server);
      for (const name of ['root1', 'ghost'])
        assertProblem(await get({ authorization: basic(`${name}:${'x'.repeat(1025)}`) }), 413, 'payload_too_large');
      assert.equal(await hashesOf(server), before);
    });

    it('two headers, folded ones and ones beyond all bounds are refused by their shape', async () => {
      for (const authorization of [
        [whole, whole],
        [whole, `Bearer ${root}`],
        [`Bearer ${root}`, whole],
      ])
        assertProblem(await get({ authorization }), 400, 'invalid_request');
      const { host, port } = new URL(server.console);
      const raw = (lines: string): Promise<string> =>
        sendRaw(Number(port), `GET ${users} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines}\r\n\r\n`);
      assert.match(await raw(`Authorization: ${whole}`), /^HTTP\/1\.1 200 /);
      for (const lines of [
        `Authorization: Basic\r\n ${encoded}`,
        `Authorization:\r\n ${whole}`,
        `Authorization : ${whole}`,
        `Authorization: ${whole}\0`,
        `Authorization: ${whole}\r\nauthorization: ${whole}`,
        `Authorization: Basic ${'QQ'.repeat(10_000)}`,
      ])
        assert.match(await raw(lines), /^HTTP\/1\.1 4\d\d /, lines.slice(0, 60));
    });
  });

  it('a bad one never falls through to a cookie, a token or a ticket; two kinds at once are neither', async () => {
    const person = await signIn(server);
    const { token } = await makeToken(server, root, { scope: 'full_admin' });
    assert.equal((await person.page(users)).status, 200);
    for (const [authorization, status, code] of [
      [basic('root1:'), 401, 'invalid_credentials'],
      [basic('root1:not-it-at-all-000001'), 401, 'invalid_credentials'],
      ['Basic %%%', 400, 'invalid_request'],
      ['Basic', 400, 'invalid_request'],
    ] as const) {
      assertProblem(await person.page(users, { headers: { authorization } }), status, code);
      const made = await person.page(users, { headers: { authorization }, body: { username: 'never-made' } });
      assertProblem(made, status, code);
    }
    for (const authorization of [whole, basic(`${service}:`), basic('root1:'), 'Basic'])
      for (const key of [token, root, '', 'x'])
        assertProblem(await get({ authorization, 'x-api-key': key }), 400, 'invalid_request');
    assertProblem(await get({ authorization: whole }, `${users}?ticket=x`), 401, 'invalid_token');
    // The right one decides for itself, whatever a cookie may: a plain user's beside an admin's.
    await settle(server.console, house, 'plain');
    const got = await person.page(users, { headers: { authorization: basic(`plain:${passwordOf('plain')}`) } });
    assertProblem(got, 403, 'forbidden');
  });

  it('K-02: a token is no name, no password and no code', async () => {
    const { token } = await makeToken(server, root, { scope: 'full_admin' });
    for (const held of [token, root])
      for (const text of [`${held}:`, `${held}:x-oauth-basic`, `:${held}`, `user:${held}`, `root1:${held}`])
        assertProblem(await get({ authorization: basic(text) }), 401, 'invalid_credentials');
    await forgive(server, root);
    assertProblem(await get({ 'x-auth-token': token }), 401, 'unauthorized');
    assertProblem(await get({ authorization: basic('root1:'), 'x-auth-token': token }), 401, 'invalid_credentials');
  });

  describe('B-02: guessing', () => {
    const guess = (from: string, name: string, number: number): Promise<Got> =>
      get({ authorization: basic(`${name}:${wrongPasswordNo(number)}`), 'x-forwarded-for': from }, own);
    const form = (from: string, name: string, number: number): Promise<Got> =>
      send(`${server.console}/api/auth/login`, {
        body: { username: name, password: wrongPasswordNo(number) },
        headers: { 'x-forwarded-for': from },
      });
    const linesOf = async (): Promise<readonly string[]> => {
      const folders = server.nodes.length === 0 ? [server.data] : server.nodes.map(({ data }) => data);
      await pause(300);
      const texts = folders.map((data) => join(data, 'auth.log')).filter((path) => existsSync(path));
      return (await Promise.all(texts.map((path) => readFile(path, 'utf8')))).join('').split('\n');
    };

    it('one address: ten are looked at, by Basic and the form together, and each of them has its line', async () => {
      await settle(server.console, house, 'bob');
      const from = '203.0.113.20';
      const statuses: number[] = [];
      for (let at = 0; at < 4; at += 1) {
        statuses.push((await guess(from, 'bob', at)).status);
        statuses.push((await form(from, 'bob', 100 + at)).status);
      }
      for (let at = 0; at < 6; at += 1)
        statuses.push((await guess(from, at % 2 === 0 ? 'ghost' : 'root1', 200 + at)).status);
      statuses.push((await form(from, 'bob', 300)).status);
      const looked = statuses.filter((each) => each === 401).length;
      // A name from one network pauses after its sixth failure, before the network is full.
      assert.ok(looked >= 8 && looked <= 10, statuses.join());
      assert.equal(statuses.at(-1), 429);
      const lines = (await linesOf()).filter((line) => line.includes(`rhost=${from} `));
      assert.equal(lines.filter((line) => / sallyport: authentication failure; /.test(line)).length, looked);
      assert.ok(lines.some((line) => line.endsWith('user=bob')));
      assert.ok(lines.some((line) => /user=~[0-9a-f]{8}$/.test(line)));
      assert.ok(lines.some((line) => line.includes('rate limit exceeded')));
    });

    it('a hundred and fifty addresses: at most a hundred are hashed, then nobody’s is, by either way in; the owner gets in', async () => {
      await settle(server.console, house, 'carol');
      const owner = { authorization: basic(`carol:${passwordOf('carol')}`), 'x-forwarded-for': '198.51.100.77' };
      assert.equal((await get(owner, own)).status, 200);
      const before = await hashesOf(server);
      const statuses: number[] = [];
      for (let begin = 0; begin < 150; begin += 25)
        statuses.push(
          ...(
            await Promise.all(
              Array.from({ length: 25 }, (_, at) => guess(`10.${begin + at}.1.1`, 'carol', 1000 + begin + at)),
            )
          ).map(({ status }) => status),
        );
      assert.ok((await hashesOf(server)) - before <= 100);
      assert.equal(statuses.filter((each) => each === 401).length, 100, statuses.join());
      assert.equal(statuses.filter((each) => each === 429).length, 50);
      assertProblem(await form('10.200.1.1', 'carol', 2000), 429, 'rate_limited');
      const right = { authorization: owner.authorization, 'x-forwarded-for': '10.201.1.1' };
      assertProblem(await get(right, own), 429, 'rate_limited');
      assert.equal((await get(owner, own)).status, 200);
    });

    it('names without end, from one address: nothing is looked at once it is full, and its keys still work', async () => {
      const key = await userKeyOf(server.console, root);
      const before = await hashesOf(server);
      for (let begin = 0; begin < 2000; begin += 100)
        await Promise.all(Array.from({ length: 100 }, (_, at) => guess('203.0.113.30', `ghost${begin + at}`, at)));
      assert.ok((await hashesOf(server)) - before <= 10);
      const from = { 'x-forwarded-for': '203.0.113.30' };
      assert.equal((await get({ authorization: basic(`root1:${key}`), ...from })).status, 200);
      assert.equal((await get({ ...bearer(root), ...from })).status, 200);
      assertProblem(await get({ authorization: whole, ...from }), 429, 'rate_limited');
    });

    it('empty passwords are no guesses: nothing is hashed, written or banned, and there is an end to them', async () => {
      const before = [await hashesOf(server), (await linesOf()).length];
      const counts = new Map<number, number>();
      for (let begin = 0; begin < 700; begin += 50)
        await Promise.all(
          Array.from({ length: 50 }, async (_, at) => {
            const got = await get({ authorization: basic(`name${begin + at}:`), 'x-forwarded-for': '203.0.113.31' });
            counts.set(got.status, (counts.get(got.status) ?? 0) + 1);
          }),
        );
      assert.ok((counts.get(401) ?? 0) >= 600 && (counts.get(429) ?? 0) + (counts.get(401) ?? 0) === 700);
      assert.deepEqual([await hashesOf(server), (await linesOf()).length], before);
    });

    it('unknown, wrong, disabled, without a password and with a second factor: one answer', async () => {
      await house.create({ username: 'invited' });
      const dora = await settle(server.console, house, 'dora');
      await house.patch(dora.id, { active: false });
      const fay = await settle(server.console, house, 'fay');
      await enrol(server.console, fay.token);
      const answers = new Set<string>();
      for (const [name, secret] of [
        ['ghost', wrongPasswordNo(1)],
        ['root1', wrongPasswordNo(2)],
        ['invited', wrongPasswordNo(3)],
        ['dora', passwordOf('dora')],
        ['fay', wrongPasswordNo(4)],
        ['not a name', wrongPasswordNo(5)],
        ['ghost', 'A'.repeat(43)],
        ['root1', 'A'.repeat(43)],
      ] as const) {
        const got = await get({ authorization: basic(`${name}:${secret}`) }, own);
        const { date: _date, ...headers } = got.headers;
        answers.add(JSON.stringify([got.status, headers, { ...got.json, request_id: '' }]));
      }
      assert.equal(answers.size, 1, [...answers].join('\n'));
    });
  });

  it('B-04: a user key is bound to the account, its generation and the service key, each with its length', async () => {
    const alice = await settle(server.console, house, 'alice');
    await settle(server.console, house, 'alicf');
    const key = await userKeyOf(server.console, alice.token);
    const derived = (secret: string | Buffer, ...parts: readonly string[]): string => {
      const mac = createHmac('sha256', secret);
      for (const part of parts) mac.update(`${Buffer.byteLength(part)}:${part}`);
      return mac.digest('base64url');
    };
    const bytes = Buffer.from(service, 'base64url');
    const generations = Array.from({ length: 9 }, (_, at) => derived(bytes, 'user-key', alice.id, String(at)));
    const generation = generations.indexOf(key);
    assert.notEqual(generation, -1, 'it is that HMAC');
    const as = (name: string, secret: string) => get({ authorization: basic(`${name}:${secret}`) }, own);
    for (const name of ['alice', 'ALICE', 'Ａlice']) assert.equal((await as(name, key)).status, 200, name);
    for (const name of ['alicf', 'alice ', ' alice', 'alíce', 'ali\u200dce', 'аlice', '', alice.id, 'root1'])
      assertProblem(await as(name, key), 401, 'invalid_credentials');
    await forgive(server, root);
    for (const other of [
      derived(bytes, 'user-key', alice.id, String(generation - 1)),
      derived(bytes, 'user-key', alice.id, String(generation + 1)),
      derived(bytes, 'user-key', 'alice', String(generation)),
      derived(bytes, 'user-key', `${alice.id}${generation}`),
      derived(service, 'user-key', alice.id, String(generation)),
      createHmac('sha256', bytes).update(`user-key${alice.id}${generation}`).digest('base64url'),
      `${key.startsWith('A') ? 'B' : 'A'}${key.slice(1)}`,
      key.toLowerCase(),
    ])
      assertProblem(await as('alice', other), 401, 'invalid_credentials');
    await forgive(server, root);
    for (const other of [key.slice(0, -1), `${key}=`, `${key} `, Buffer.from(key, 'base64url').toString('hex')])
      assertProblem(await as('alice', other), 401, 'invalid_credentials');
  });

  describe('B-09: where it works', () => {
    it('on its way to the application, and at verify, it is the application’s own: passed on, and never ours', async () => {
      for (const authorization of [whole, basic(`${service}:`), basic('root1:wrong'), 'Basic %%%', 'Basic']) {
        const before = echo.seen.length;
        assertProblem(await send(`${server.application}/x`, { headers: { authorization } }), 401, 'unauthorized');
        assertProblem(await get({ authorization }, '/api/auth/verify'), 401, 'unauthorized');
        assert.equal(echo.seen.length, before);
        // Beside a way in of ours it goes through, as it came.
        const { token } = await makeToken(server, root, { scopes: ['*'] });
        const headers = { authorization, 'x-api-key': token };
        assert.equal((await send(`${server.application}/x`, { headers })).status, 200);
        const seen = echo.seen.at(-1);
        assert.equal(seen?.headers.authorization, authorization);
        assert.equal(seen?.headers['x-auth-via'], 'api-token');
        assert.equal((await get(headers, '/api/auth/verify')).status, 200);
      }
      // Guesses there are looked at by nobody.
      const before = await hashesOf(server);
      for (let at = 0; at < 30; at += 1)
        await send(`${server.application}/x`, { headers: { authorization: basic(`root1:${wrongPasswordNo(at)}`) } });
      assert.equal(await hashesOf(server), before);
    });

    it('the application’s listener has no API that it would be a way into', async () => {
      for (const authorization of [whole, basic(`${service}:`)]) {
        const got = await send(`${server.application}${users}`, { headers: { authorization } });
        assertProblem(got, 401, 'unauthorized');
        assert.equal(got.headers['www-authenticate'], 'Bearer realm="Sallyport"');
      }
    });

    it('the service key: on this machine alone, by a name of ours, and by no other spelling', async () => {
      const key = basic(`${service}:`);
      assert.equal((await get({ authorization: key })).status, 200);
      for (const headers of [
        far,
        { forwarded: 'for=203.0.113.9' },
        { via: '1.1 proxy' },
        { 'x-real-ip': '127.0.0.1' },
        { 'x-forwarded-for': '127.0.0.1' },
        { 'x-forwarded-proto': 'http' },
      ] as const)
        assertProblem(await get({ authorization: key, ...headers }), 401, 'invalid_credentials');
      for (const host of ['evil.test', '203.0.113.9', 'localhost.evil.test'])
        assertProblem(await get({ authorization: key, host }), 421, 'misdirected_request');
      const other = service.endsWith('A') ? 'B' : 'A';
      for (const name of [
        service.toLowerCase(),
        service.slice(0, -1) + other,
        `${service}\u00a0`,
        service.slice(0, 42),
        'api',
      ])
        if (name !== service)
          assertProblem(await get({ authorization: basic(`${name}:`) }), 401, 'invalid_credentials');
      const rows = (await askAs(server.console, root)('GET', '/api/auth/audit?event=sign-in-refused&limit=1000')).json;
      const found = (rows['events'] as { way: string; result: string; actor: string }[]).filter(
        (each) => each.way === 'service-key',
      );
      assert.ok(found.length > 0 && found.every((each) => each.result === 'not-local' && each.actor === ''));
    });

    it('from a page of another origin: refused by its origin, and nothing is done', async () => {
      const { host } = new URL(server.console);
      for (const authorization of [whole, basic(`${service}:`)])
        for (const headers of [
          { origin: 'https://evil.test' },
          { origin: 'null' },
          { origin: `https://${host}.evil.test` },
          { 'sec-fetch-site': 'cross-site' },
          { 'sec-fetch-site': 'same-site' },
        ]) {
          const sent = { headers: { authorization, ...headers }, body: { username: 'by-a-page' } };
          assertProblem(await send(`${server.console}${users}`, sent), 403, 'csrf_failed');
        }
      const listed = (await get({ authorization: whole }, `${users}?q=by-a-page`)).json['users'];
      assert.deepEqual(listed, []);
    });
  });

  it('nothing that was shown stands in a log, an answer or a file: passwords, keys, headers', async () => {
    const iris = await settle(server.console, house, 'iris');
    const key = await userKeyOf(server.console, iris.token);
    const wrong = 'iris typed 12 blue herons by mistake';
    const secrets = [passwordOf('iris'), key, wrong];
    const said: string[] = [];
    const pairs = [...secrets, service].flatMap((secret) => [
      `iris:${secret}`,
      `${secret}:`,
      `${secret}:x`,
      `ghost:${secret}`,
    ]);
    for (const text of pairs) {
      const got = await get({ authorization: basic(text), ...far, 'x-auth-token': '123456' }, own);
      said.push(got.text, JSON.stringify(got.headers));
      await forgive(server, root);
    }
    for (const path of [
      '/api/auth/audit?limit=1000',
      '/api/auth/login-attempts?all=1&limit=1000',
      '/metrics',
      '/api/auth/blocks',
    ])
      said.push((await askAs(server.console, root)('GET', path)).text);
    said.push(server.log());
    for (const folder of server.nodes.length === 0 ? [server.data] : server.nodes.map(({ data }) => data))
      for (const entry of await readdir(folder, { recursive: true, withFileTypes: true }))
        if (entry.isFile() && entry.name !== 'api.key')
          said.push((await readFile(join(entry.parentPath, entry.name))).toString('latin1'));
    const all = said.join('\n');
    for (const secret of [...secrets, service]) assert.equal(all.includes(secret), false, secret.slice(0, 8));
    for (const text of pairs) assert.equal(all.includes(basic(text).slice(6)), false, text.slice(0, 8));
  });

  it('a body held back until its sender may no longer is refused: disabled, demoted, password changed', async () => {
    const { host, port } = new URL(server.console);
    const held = async (authorization: string, then: () => Promise<unknown>): Promise<string> => {
      const text = JSON.stringify({ username: 'held-back' });
      const connection = rawConnection(Number(port));
      connection.send(
        `POST ${users} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: ${authorization}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text.slice(0, -1)}`,
      );
      await pause(1000);
      await then();
      connection.send(text.slice(-1));
      await connection.until(/\r\n\r\n[^]*\}/);
      connection.socket.destroy();
      return connection.text();
    };
    for (const by of ['password', 'key'] as const) {
      const [eve, kim] = [`eve-${by}`, `kim-${by}`];
      const first = await settle(server.console, house, eve, { privileges: ['admin'] });
      const second = await settle(server.console, house, kim, { privileges: ['admin'] });
      const shown = async (name: string, token: string) =>
        basic(`${name}:${by === 'password' ? passwordOf(name) : await userKeyOf(server.console, token)}`);
      const disabled = await held(await shown(eve, first.token), () => house.patch(first.id, { active: false }));
      assert.match(disabled, /^HTTP\/1\.1 401 [\s\S]*invalid_credentials/);
      const demoted = await held(await shown(kim, second.token), () => house.patch(second.id, { privileges: [] }));
      assert.match(demoted, /^HTTP\/1\.1 403 [\s\S]*forbidden/);
    }
    const listed = (await asBasic(server.console, 'root1', admin.password)(`${users}?q=held-back`)).json['users'];
    assert.deepEqual(listed, []);
  });
});

describe('the service key from afar, where that was asked for', () => {
  it('is taken from anywhere by a name of ours, and administrates; the limits on guesses do not touch it', async () => {
    const env = { SALLYPORT_SERVICE_KEY_REMOTE: 'true' };
    const server = await startServer({ env, args: ['--trusted-proxies', '127.0.0.1'] });
    try {
      await setUp(server);
      const key = { authorization: basic(`${await serviceKeyOf(server)}:`), ...far };
      for (let at = 0; at < 15; at += 1)
        await send(`${server.console}${own}`, {
          headers: { authorization: basic(`ghost:${wrongPasswordNo(at)}`), ...far },
        });
      const got = await send(`${server.console}${users}`, { headers: key, body: { username: 'from-afar' } });
      assert.equal(got.status, 201, got.text);
      assertProblem(
        await send(`${server.console}${users}`, { headers: { ...key, host: 'evil.test' } }),
        421,
        'misdirected_request',
      );
      assertProblem(await send(`${server.console}${own}`, { headers: key }), 403, 'forbidden');
    } finally {
      await server.remove();
    }
  });
});
