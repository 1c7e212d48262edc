/**
 * Guessing passwords for a signed ticket (security.md 2.2; 3-rules, Guessing), under other spellings of a name, and what the
 * answers give away, in either form that clients of Proxmox products read.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asBasic, hashesOf } from '../support/basic.ts';
import { type Got, send, type Sent, sendRaw } from '../support/client.ts';
import { asAdmin, passwordOf, settle } from '../support/invited.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import {
  askForTicket,
  assertRefused,
  dataOf,
  inForm,
  ticketOf,
  ticketPath,
  spoiled,
} from '../support/signed-tickets.ts';

const minute = 60_000;
const extjsPath = '/api2/extjs/access/ticket';

describe('L-14: guessing, whichever way', () => {
  let house: Embedded;
  before(async () => {
    house = await embed({ argv: ['--trusted-proxies', '127.0.0.1'] });
    const got = await send(`${house.console}/api/auth/setup`, {
      body: { ...admin, setup_code: house.setupCode },
      headers: { 'x-forwarded-for': '192.0.2.1' },
    });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());

  const from = (address: string): Sent => ({ headers: { 'x-forwarded-for': address } });
  type Way = (address: string, username: string, password: string) => Promise<Got>;
  const ticketWay: Way = (address, username, password) => askForTicket(house, { username, password }, from(address));
  const extjsWay: Way = (address, username, password) =>
    send(`${house.console}${extjsPath}`, inForm({ username, password }, from(address)));
  const loginWay: Way = (address, username, password) =>
    send(`${house.console}/api/auth/login`, { ...from(address), body: { username, password } });
  const basicWay: Way = (address, username, password) =>
    asBasic(house.console, username, password)('/api/auth/sessions', from(address));
  const ways: readonly Way[] = [ticketWay, loginWay, basicWay, extjsWay];
  const statusOf = ({ status, json }: Got): number => (status === 200 ? Number(json['status'] ?? 200) : status);

  it('ten failures a minute from one network, however they are spread, and then no way is open', async () => {
    const away = '198.51.100.1';
    const before = await hashesOf(house);
    const seen: number[] = [];
    for (let number = 0; number < 20; number += 1)
      seen.push(statusOf(await (ways[number % 4] ?? ticketWay)(away, `somebody${number}`, wrongPasswordNo(number))));
    assert.ok(seen.filter((status) => status === 401).length <= 10, seen.join());
    assert.ok(
      seen.slice(11).every((status) => status === 429),
      seen.join(),
    );
    assert.ok((await hashesOf(house)) - before <= 10);
    for (const way of ways) assert.equal(statusOf(await way(away, 'root1', admin.password)), 429);
    // A ticket that lives is no guess, there or anywhere, and neither is one that is none.
    const { ticket } = await ticketOf(house, { ...admin });
    assert.equal(statusOf(await ticketWay(away, 'root1', ticket)), 200);
    assert.equal(statusOf(await ticketWay(away, 'root1', spoiled(ticket))), 401);
    assert.equal((await ticketWay('198.51.100.2', 'root1', admin.password)).status, 200);
  });

  it('one name from one network, under each spelling that means it', async () => {
    const away = '198.51.100.3';
    const spellings = ['root1', 'ROOT1', 'root1@local', 'Root1@LOCAL', 'root1@sp', 'ｒｏｏｔ1', 'root1@SP'];
    const seen: number[] = [];
    for (const [number, username] of spellings.entries())
      seen.push(statusOf(await ticketWay(away, username, wrongPasswordNo(100 + number))));
    assert.equal(seen[0], 401);
    assert.equal(seen.at(-1), 429, seen.join());
    assert.equal(statusOf(await loginWay(away, 'root1', admin.password)), 429);
    assert.equal(statusOf(await ticketWay(away, 'root1', admin.password)), 429);
    house.pass(minute);
    assert.equal(statusOf(await ticketWay(away, 'root1@sp', admin.password)), 200);
  });

  it('the same wrong one again is one guess, whichever way it comes', async () => {
    const away = '198.51.100.4';
    const before = await hashesOf(house);
    for (let round = 0; round < 3; round += 1)
      for (const way of ways) assert.equal(statusOf(await way(away, 'root1', wrongPasswordNo(200))), 401);
    assert.equal((await hashesOf(house)) - before, 1);
    assert.equal(statusOf(await ticketWay(away, 'root1', admin.password)), 200);
  });

  it('what is malformed is no guess', async () => {
    const away = '198.51.100.9';
    const ask = (body: unknown, more: Sent = {}): Promise<Got> =>
      send(`${house.console}${ticketPath}`, { ...from(away), ...more, body });
    for (let round = 0; round < 4; round += 1)
      for (const body of [
        { username: 'root1' },
        { password: 'x' },
        { username: '', password: 'x' },
        { username: '@local', password: 'x' },
        { username: 'a b@local', password: 'x' },
        { username: 'a:b', password: 'x' },
        { username: 'a/b', password: 'x' },
        { username: 'root1', password: 'a\u0000b' },
        { username: ['root1'], password: 'x' },
        { username: 'root1', password: 1 },
        { username: 'root1', password: 'x', 'http-only': 'maybe' },
        { username: 'root1', password: 'x', otp: 'x', 'tfa-challenge': 'x' },
        { username: 'root1', 'tfa-challenge': 'x' },
        { username: { $ne: '' }, password: { $ne: '' } },
        [],
        null,
      ])
        assert.equal((await ask(body)).status, 400, JSON.stringify(body));
    assert.equal((await ask({ username: 'root1', password: 'x'.repeat(1025) })).status, 413);
    assert.equal((await ask({ username: 'root1', password: 'x'.repeat(70_000) })).status, 413);
    assert.equal((await send(`${house.console}${ticketPath}`, { ...from(away), method: 'PUT', body: {} })).status, 405);
    const twice = 'username=root1&username=bob&password=x';
    const form = { 'content-type': 'application/x-www-form-urlencoded', 'x-forwarded-for': away };
    assert.equal((await ask(twice, { headers: form })).status, 400);
    assert.equal(statusOf(await ticketWay(away, 'root1', admin.password)), 200);
  });

  it('a hundred from strangers for one name, by tickets alone, shut it for strangers and not for its owner', async () => {
    for (let number = 0; number < 110; number += 1) {
      await (ways[number % 4] ?? ticketWay)(`203.0.${number}.7`, 'root1', wrongPasswordNo(1000 + number));
      if (number % 5 === 0) house.pass(minute);
    }
    const before = await hashesOf(house);
    for (const way of ways) assert.equal(statusOf(await way('203.1.1.1', 'root1', admin.password)), 429);
    assert.equal(await hashesOf(house), before);
    assert.equal(statusOf(await ticketWay('192.0.2.1', 'root1', admin.password)), 200);
  });
});

describe('names and realms', () => {
  let house: Embedded;
  before(async () => {
    house = await embed({ argv: ['--ticket-prefix', 'PVE'] });
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());

  it('a ticket is for the realm that was said, and every other spelling is nobody’s', async () => {
    for (const [username, realm, said] of [
      ['root1', undefined, 'root1@local'],
      ['root1@local', undefined, 'root1@local'],
      ['root1@pve', undefined, 'root1@pve'],
      ['ROOT1@PVE', undefined, 'root1@pve'],
      ['root1', 'pve', 'root1@pve'],
      ['root1', 'PVE', 'root1@pve'],
      ['root1@local', 'pve', 'root1@local'],
      ['root1@pve', '', 'root1@pve'],
      // Signs and letters of another width are the same ones.
      ['root1@\uff4c\uff4f\uff43\uff41\uff4c', undefined, 'root1@local'],
      ['root1\uff20pve', undefined, 'root1@pve'],
      ['root1\uff20local', undefined, 'root1@local'],
    ] as const) {
      const got = await askForTicket(house, { username, ...(realm === undefined ? {} : { realm }) });
      const data = dataOf(got);
      assert.equal(data['username'], said);
      assert.ok(String(data['ticket']).startsWith(`PVE:${said}:`));
    }
    for (const [username, realm] of [
      ['root1@pam', undefined],
      ['root1@pbs', undefined],
      ['root1@sp', undefined],
      ['root1@pve@pam', undefined],
      ['root1@local', 'pam'],
      ['root1', 'pam'],
      ['root1@', undefined],
      ['@root1', undefined],
      ['root1@l\u043ecal', undefined],
      ['r\u043eot1', undefined],
      ['root1@local.', undefined],
      ['root1!x@pve', undefined],
    ] as const) {
      house.pass(5 * minute);
      const got = await askForTicket(house, { username, ...(realm === undefined ? {} : { realm }) });
      assertRefused(got, 401, 'invalid_credentials');
    }
  });

  it('a ticket of one name is none for another, and each is refreshed under the name it has', async () => {
    const { ticket } = await ticketOf(house, { ...admin, username: 'root1@pve' });
    for (const username of ['root1@pam', 'bob', 'root1@local@pam']) {
      const got = await askForTicket(house, { username, password: ticket });
      assertRefused(got, 401, 'invalid_credentials');
    }
    for (const username of ['root1', 'root1@local', 'ROOT1@pve']) {
      const data = dataOf(await askForTicket(house, { username, password: ticket }));
      assert.equal(data['username'], 'root1@pve');
    }
  });

  it('another prefix has other cookies, headers and words', async () => {
    const { ticket } = await ticketOf(house);
    const version = (headers: Readonly<Record<string, string>>): Promise<Got> =>
      send(`${house.console}/api2/json/version`, { headers });
    for (const headers of [
      { cookie: `__Host-PVEAuthCookie=${ticket}` },
      { cookie: `PVEAuthCookie=${ticket}` },
      { authorization: `PVEAuthCookie=${ticket}` },
    ] as readonly Readonly<Record<string, string>>[])
      assert.equal((await version(headers)).status, 200);
    for (const headers of [
      { cookie: `__Host-SPAuthCookie=${ticket}` },
      { authorization: `SPAuthCookie=${ticket}` },
      { authorization: `PVEAuthCookie=${ticket.replace(/^PVE/, 'SP')}` },
      { cookie: `__Host-PVEAuthCookie=${ticket.replace(/^PVE/, 'PBS')}` },
    ] as readonly Readonly<Record<string, string>>[])
      assert.equal((await version(headers)).status, 401);
  });
});

describe('what the answers say', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    const token = String((await setUp(server)).json['token']);
    const house = asAdmin(server.console, token);
    const { id } = await settle(server.console, house, 'disabled');
    assert.equal((await house.patch(id, { active: false })).status, 200);
    await settle(server.console, house, 'bob');
  });
  after(() => server.remove());

  const port = (): number => Number(new URL(server.console).port);
  const raw = (path: string, body: string, more = ''): Promise<string> =>
    sendRaw(
      port(),
      `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port()}\r\nContent-Type: application/x-www-form-urlencoded\r\n` +
        `Content-Length: ${Buffer.byteLength(body)}\r\n${more}Connection: close\r\n\r\n${body}`,
    );

  it('unknown, wrong and disabled are one answer, byte by byte, after as much work', async () => {
    for (const path of [ticketPath, extjsPath]) {
      const tries: readonly (readonly [string, string])[] = [
        ['ghost', 'nobody has that password 1'],
        ['bob', 'bob has not that password 1'],
        ['disabled', passwordOf('disabled')],
        ['disabled', 'nor has disabled that one 1'],
        ['ghost@local', 'nobody has that password 2'],
      ];
      const before = await hashesOf(server);
      const answers = await Promise.all(
        tries.map(([username, password]) =>
          raw(path, new URLSearchParams({ username, password: `${password}${path}` }).toString()),
        ),
      );
      const told = answers.map((text) => text.replace(/"request_id":"[^"]+"/, '').replace(/\r\ndate: [^\r]+/i, ''));
      assert.equal(new Set(told).size, 1, told.join('\n---\n'));
      assert.match(
        told[0] ?? '',
        path === ticketPath ? /^HTTP\/1\.1 401 authentication failure\r\n/ : /^HTTP\/1\.1 200 OK\r\n/,
      );
      assert.equal((await hashesOf(server)) - before, tries.length);
    }
  });

  it('nothing that was sent comes back in a status line, a header or a body that a browser would read', async () => {
    const canary = 'canary-7431';
    const names = [
      `x\r\nSet-Cookie: ${canary}=1`,
      `x\nX-Evil: ${canary}`,
      `\u00e9${canary}\u0000`,
      `<img src=x onerror="${canary}">`,
      `"};alert('${canary}')//`,
      `${canary}\u2028`,
      `%0d%0aX: ${canary}`,
      `__proto__${canary}`,
    ];
    const fields = (name: string): readonly Readonly<Record<string, string>>[] => [
      { username: name, password: 'x' },
      { username: 'root1', realm: name, password: 'x' },
      { username: 'root1', password: 'x', 'http-only': name },
      { username: 'root1', password: 'x', [name]: 'x' },
      { username: 'root1', password: 'x', path: name, privs: name, port: name },
      { username: 'root1', password: name, 'tfa-challenge': `SP:!tfa!${name}` },
      { username: name, password: `SP:${name}::x` },
    ];
    const answers = await Promise.all(
      [ticketPath, extjsPath].flatMap((path) =>
        names.flatMap((name) => fields(name).map((each) => raw(path, new URLSearchParams(each).toString()))),
      ),
    );
    for (const text of answers) {
      assert.match(text, /^HTTP\/1\.1 (200|400|401|413|429) /);
      assert.ok(!text.includes(canary), text);
      assert.match(text, /\r\ncache-control: no-store\r\n/i);
      assert.match(text, /\r\nx-content-type-options: nosniff\r\n/i);
      assert.match(text, /\r\ncontent-type: application\/json;charset=UTF-8\r\n/i);
      assert.doesNotThrow(() => void JSON.parse(text.slice(text.indexOf('\r\n\r\n') + 4)));
    }
  });

  it('whatever arrives at these routes, nothing fails', async () => {
    const bodies = ['', 'x', '{', '[]', '%', '=&=', `a=${'%'.repeat(1000)}`, '\u0000', 'username=%ff&password=%fe'];
    for (const path of [
      ticketPath,
      extjsPath,
      '/api2/json/access/vncticket',
      '/api2/xml/access/ticket',
      '/api2/json/',
      '/api2',
      '/api2/json/access/ticket/',
    ]) {
      const extras = [
        '',
        'Cookie: __Host-SPAuthCookie=%\r\n',
        'Cookie: __Host-SPAuthCookie=%FF%FE\r\n',
        'Authorization: SPAuthCookie=%\r\n',
        'Authorization: SPAPIToken=\r\n',
        'CSRFPreventionToken: \xff\r\n',
      ];
      await Promise.all(
        bodies.flatMap((body) =>
          extras.map(async (more) =>
            assert.match(await raw(path, body, more), /^HTTP\/1\.1 (200|400|401|404|405) /, `${path} ${body} ${more}`),
          ),
        ),
      );
    }
    for (const path of [ticketPath, '/api2/json/version', '/api2/json/access/domains', '/api2/json/nothing'])
      for (const method of ['GET', 'HEAD', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'PROPFIND', 'TRACE'])
        for (const cookie of ['__Host-SPAuthCookie=%', 'SPAuthCookie=\u00ff', '__Host-SPAuthCookie'])
          assert.ok((await send(`${server.console}${path}`, { method, headers: { cookie } })).status < 500);
    assert.ok(!/"level":(50|60)/.test(server.log()), server.log());
  });

  it('who may sign in where is told alike to everybody', async () => {
    for (const base of ['/api2/json', '/api2/extjs']) {
      const got = await send(`${server.console}${base}/access/domains`);
      assert.deepEqual(
        (got.json['data'] as readonly { readonly realm: string }[]).map(({ realm }) => realm),
        ['local'],
      );
      assert.equal((await send(`${server.console}${base}/version`)).status, 401);
    }
  });
});
