/**
 * Name and secret over Basic (2-http-api, 2 and 3; 3-rules, Service key, user key): who gets in, beside who does not; what each
 * may do; and what ends what.
 */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { asBasic, eventsOf, serviceKeyOf, settleWith, userKeyOf } from '../support/basic.ts';
import { type Got, send } from '../support/client.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp, signIn, signInBearer } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { basic, issue, askAs } from '../support/tokens.ts';
import { forgive } from '../support/two-steps.ts';

const realm = 'Mail-in-a-Box Management Server';
const own = '/api/auth/sessions';
const users = '/api/auth/users';

describe('name and secret over Basic', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  const ask = (name: string, secret: string) => asBasic(server.console, name, secret);
  const login = (username: string, password = passwordOf(username)): Promise<string> =>
    signInBearer(server, { username, password });

  before(async () => {
    server = await startServer({ env: { SALLYPORT_BASIC_REALM: realm } });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
  });
  after(() => server.remove());
  // Each test fails less often than a network may in a minute.
  beforeEach(() => forgive(server, root));

  describe('who gets in', () => {
    it('the right password in any spelling of the name; no other password', async () => {
      for (const name of ['root1', 'Root1', 'ROOT1', 'Ｒｏｏｔ１'])
        assert.equal((await ask(name, admin.password)(users)).status, 200, name);
      for (const [name, secret] of [
        ['root1', `${admin.password} `],
        ['root1', ` ${admin.password}`],
        ['root1', admin.password.toUpperCase()],
        ['root1 ', admin.password],
        [' root1', admin.password],
        ['root', admin.password],
        ['', admin.password],
        [admin.password, 'root1'],
      ] as const)
        assertProblem(await ask(name, secret)(users), 401, 'invalid_credentials');
    });

    it('UTF-8 (RFC 7617): names and passwords as any keyboard composes them, colons and all', async () => {
      const secrets = ['the fox said 123£ twice', 'a:b::c: colons all the way:', 'Zürich–Genève über alles ✓ 😀'];
      for (const [at, password] of secrets.entries()) {
        const name = `jürgen${at}`;
        await settleWith(server.console, house, name, password);
        for (const [typed, secret] of [
          [name, password],
          [name.normalize('NFD'), password.normalize('NFD')],
          [name.toUpperCase().normalize('NFD'), password.replaceAll(' ', '\u00a0')],
        ] as const)
          assert.equal((await ask(typed, secret)(own)).status, 200, `${typed}:${secret}`);
        assertProblem(await ask(name, password.replaceAll(/[£:ü]/g, '?'))(own), 401, 'invalid_credentials');
        const latin = `Basic ${Buffer.from(`${name}:${password}`, 'latin1').toString('base64')}`;
        assertProblem(
          await send(`${server.console}${own}`, { headers: { authorization: latin } }),
          400,
          'invalid_request',
        );
      }
    });

    it('a user key with its own name; no other name, and no other key', async () => {
      const [alice, bob] = [await settle(server.console, house, 'alice'), await settle(server.console, house, 'bob')];
      const [hers, his] = [await userKeyOf(server.console, alice.token), await userKeyOf(server.console, bob.token)];
      assert.notEqual(hers, his);
      assert.equal(await userKeyOf(server.console, alice.token), hers, 'the same each time it is asked for');
      assert.equal((await ask('alice', hers)(own)).status, 200);
      assert.equal((await ask('ALICE', hers)(own)).status, 200);
      assertProblem(await ask('bob', hers)(own), 401, 'invalid_credentials');
      assertProblem(await ask('alice', his)(own), 401, 'invalid_credentials');
      assertProblem(await ask(hers, '')(own), 401, 'invalid_credentials');
      assertProblem(await ask('', hers)(own), 401, 'invalid_credentials');
      // It signs nobody in, and confirms nothing.
      const body = { username: 'alice', password: hers };
      assertProblem(await send(`${server.console}/api/auth/login`, { body }), 401, 'invalid_credentials');
    });

    it('the service key as name, whatever stands where the password would; not as a password, and not by another spelling', async () => {
      const key = await serviceKeyOf(server);
      assert.match(key, /^[A-Za-z0-9_-]{43}$/);
      for (const secret of ['', 'x', key]) assert.equal((await ask(key, secret)(users)).status, 200);
      for (const [name, secret] of [
        ['root1', key],
        ['', key],
        [`${key} `, ''],
        [key.slice(1), ''],
        [`${key}=`, ''],
        [Buffer.from(key, 'base64url').toString('base64'), ''],
        [Buffer.from(key, 'base64url').toString('hex'), ''],
      ] as const)
        assertProblem(await ask(name, secret)(users), 401, 'invalid_credentials');
    });

    it('a second factor: right password and no code is told so, any number of times, and counts as no failure', async () => {
      const erin = await settle(server.console, house, 'erin', { privileges: ['admin'] });
      const { phone, recoveryCodes } = await enrol(server.console, erin.token);
      const erins = ask('erin', passwordOf('erin'));
      for (let times = 0; times < 15; times += 1) {
        const got = await erins(users);
        assertProblem(got, 401, 'second_factor_required');
        assert.equal(got.json['requires_totp'], true);
      }
      assertProblem(await erins(users, { headers: { 'x-auth-token': '' } }), 401, 'second_factor_required');
      const withCode = (code: string): Promise<Got> => erins(users, { headers: { 'x-auth-token': code } });
      const code = await phone.next();
      assert.equal((await withCode(code)).status, 200);
      const again = await withCode(code);
      assertProblem(again, 401, 'invalid_credentials');
      assert.equal(again.json['requires_totp'], true);
      assertProblem(await withCode(phone.wrong()), 401, 'invalid_credentials');
      assertProblem(await withCode('not a code'), 401, 'invalid_credentials');
      const [first = '', second = ''] = recoveryCodes;
      assert.equal((await withCode(first)).status, 200);
      assertProblem(await withCode(first), 401, 'invalid_credentials');
      assert.equal((await withCode(second.toLowerCase().replaceAll('-', ' '))).status, 200);
      // A wrong password beside a right code is a wrong password, and spends nothing.
      const third = recoveryCodes[2] ?? '';
      const guessed = await ask('erin', 'not-it-at-all-000001')(users, { headers: { 'x-auth-token': third } });
      assertProblem(guessed, 401, 'invalid_credentials');
      assert.equal(guessed.json['requires_totp'], false);
      assert.equal((await withCode(third)).status, 200);
      // The key needs none.
      const got = await send(`${server.console}/api/auth/user-key`, {
        headers: { ...bearer(await erinAgain(recoveryCodes[3] ?? '')) },
        body: {},
      });
      assert.equal((await ask('erin', String(got.json['user_key']))(users)).status, 200);
    });
    const erinAgain = async (totp_token: string): Promise<string> =>
      signInBearer(server, { username: 'erin', password: passwordOf('erin'), totp_token });
  });

  describe('how it is asked for', () => {
    const plain = { accept: '*/*', 'user-agent': 'curl/8' };
    const challengeOf = async (path: string, headers = {}, method = 'GET'): Promise<string> => {
      const got = await send(`${server.console}${path}`, { method, headers: { ...plain, ...headers } });
      assert.equal(got.status, 401, got.text);
      return got.headers['www-authenticate'] ?? '';
    };
    const whole = `Basic realm="${realm}", charset="UTF-8", Bearer realm="Sallyport"`;

    it('of programs, with realm and charset, before Bearer; whatever was wrong', async () => {
      assert.equal(await challengeOf(users), whole);
      assert.equal(await challengeOf(own, { authorization: basic('root1:') }), whole);
      assert.equal(await challengeOf(own, { authorization: basic('root1:not-it-at-all-000002') }), whole);
      assert.equal(await challengeOf(users, { cookie: `sallyport-account=${'a'.repeat(43)}` }), whole);
      assert.equal(await challengeOf(users, { 'x-api-key': 'x' }), `${whole}, error="invalid_token"`);
      assert.equal(await challengeOf('/metrics', { 'x-forwarded-for': '203.0.113.9' }), whole);
    });

    it('never of browsers, which would ask their user', async () => {
      for (const headers of [
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-mode': 'cors' },
        { 'sec-fetch-dest': 'empty' },
        { 'x-requested-with': 'XMLHttpRequest' },
        { accept: 'text/html,application/xhtml+xml;q=0.9' },
        { accept: 'application/json, Text/HTML' },
      ]) {
        for (const shown of [{}, { authorization: basic('root1:not-it-at-all-000002') }])
          assert.equal(await challengeOf(users, { ...headers, ...shown }), 'Bearer realm="Sallyport"');
      }
    });

    it('nor where it is no way in: sessions’ own routes, sign-in, verify, pages', async () => {
      for (const path of ['/api/auth/logout', '/api/auth/reauthenticate', '/api/auth/totp/setup'])
        assert.equal(await challengeOf(path, {}, 'POST'), 'Bearer realm="Sallyport"');
      assert.equal(await challengeOf('/api/auth/verify'), 'Bearer realm="Sallyport"');
      const body = { username: 'root1', password: 'not-it-at-all-000003' };
      const got = await send(`${server.console}/api/auth/login`, { body, headers: plain });
      assertProblem(got, 401, 'invalid_credentials');
      assert.equal(got.headers['www-authenticate'], 'Bearer realm="Sallyport"');
      for (const path of ['/auth/sign-in', '/'])
        assert.equal(
          (await send(`${server.console}${path}`, { headers: plain })).headers['www-authenticate'],
          undefined,
        );
    });

    it('a realm that would end its own quotes is refused at the start', async () => {
      for (const text of ['a"b', 'a\\b', 'a\nb', 'é', '', ' a'])
        await assert.rejects(
          startServer({ env: { SALLYPORT_BASIC_REALM: text } }).then((one) => one.remove()),
          /basic-realm|BASIC_REALM/i,
          JSON.stringify(text),
        );
    });
  });

  describe('what each may do', () => {
    it('status says who it is and by which way, and is never 401', async () => {
      const status = async (name: string, secret: string) => (await ask(name, secret)('/api/auth/status')).json;
      const person = await status('Root1', admin.password);
      assert.deepEqual(
        [person['authenticated'], person['username'], person['via'], person['expires_at']],
        [true, 'root1', 'basic', null],
      );
      assert.equal('csrf_token' in person, false);
      assert.equal((await status('root1', await userKeyOf(server.console, root)))['via'], 'user-key');
      const tool = await status(await serviceKeyOf(server), '');
      assert.deepEqual([tool['authenticated'], tool['username'], tool['via']], [true, null, 'service-key']);
      for (const text of ['Basic', 'Basic %%%', basic('root1:'), basic('root1:not-it-at-all-000004')]) {
        const got = await send(`${server.console}/api/auth/status`, { headers: { authorization: text } });
        assert.deepEqual([got.status, got.json['authenticated']], [200, false]);
      }
    });

    it('a tool with an old key is told so, seen in the figures, and no attacker', async () => {
      const seen = async (): Promise<number> => {
        const { text } = await send(`${server.console}/metrics`);
        const line = /^sallyport_authentication_total\{kind="service",way="service-key",result="unknown"\} (\d+)$/m;
        return Number(line.exec(text)?.[1] ?? 0);
      };
      const before = await seen();
      const old = ask((await serviceKeyOf(server)).split('').toReversed().join(''), '');
      for (let tried = 0; tried < 20; tried += 1) assertProblem(await old(users), 401, 'invalid_credentials');
      // Of several nodes each counts its own.
      assert.ok((await seen()) > before);
      const blocks = await ask(await serviceKeyOf(server), '')('/api/auth/blocks');
      assert.deepEqual(blocks.json['blocks'], []);
    });

    it('step-up: the password is the person, a user key never is, the service key administrates', async () => {
      const key = await userKeyOf(server.console, await login('root1', admin.password));
      const make = (who: ReturnType<typeof ask>, body: object) => who(users, { body });
      assert.equal((await make(ask('root1', admin.password), { username: 'made1' })).status, 201);
      assert.equal((await make(ask(await serviceKeyOf(server), ''), { username: 'made2' })).status, 201);
      for (const more of [{}, { password: admin.password }, { password: 'not-it-at-all-000005' }]) {
        const got = await make(ask('root1', key), { username: 'made3', ...more });
        assertProblem(got, 403, 'reauthentication_required');
        assert.deepEqual(got.json['methods'], []);
      }
      // What is given is checked all the same.
      const wrong = { username: 'made4', password: 'not-it-at-all-000005' };
      assertProblem(await make(ask('root1', admin.password), wrong), 403, 'reauthentication_failed');
      assertProblem(await ask('root1', key)('/api/auth/user-key', { body: {} }), 403, 'reauthentication_required');
      assert.equal((await ask('root1', admin.password)('/api/auth/user-key', { body: {} })).json['user_key'], key);
    });

    it('a session’s own routes need one; the service key is nobody, and reads no account', async () => {
      const { password } = admin;
      for (const [path, body] of [
        ['/api/auth/logout', {}],
        ['/api/auth/reauthenticate', { password }],
        ['/api/auth/change-password', { old_password: password, new_password: 'another one of 16 letters' }],
        ['/api/auth/totp/setup', {}],
        ['/api/auth/recovery-codes', {}],
        ['/api/auth/tickets', { path: '/x' }],
      ] as const)
        assertProblem(await ask('root1', password)(path, { body }), 403, 'forbidden');
      const tool = ask(await serviceKeyOf(server), '');
      for (const path of [own, '/api/auth/factors', '/api/auth/passkeys', '/api/auth/notices'])
        assertProblem(await tool(path), 403, 'forbidden');
      for (const path of ['/api/auth/user-key', '/api/auth/api-tokens'])
        assertProblem(await tool(path, { body: {} }), 403, 'forbidden');
      assert.equal((await tool('/api/auth/api-tokens?all=1')).status, 200);
      const { id } = await issue(askAs(server.console, root), {});
      assert.equal((await tool(`/api/auth/api-tokens/${id}`, { method: 'DELETE' })).status, 200);
    });

    it('no session comes of it, and no cookie', async () => {
      const { id, token } = await settle(server.console, house, 'carol');
      const listed = async () =>
        ((await askAs(server.console, token)('GET', own)).json['sessions'] as unknown[]).length;
      const before = await listed();
      const got = await ask('carol', passwordOf('carol'))(own);
      assert.deepEqual([got.status, got.cookies], [200, []]);
      assert.deepEqual(
        (got.json['sessions'] as { current: boolean }[]).filter(({ current }) => current),
        [],
      );
      assert.equal(await listed(), before);
      // It ends all of them, having none of its own.
      assert.equal((await ask('carol', passwordOf('carol'))(own, { method: 'DELETE' })).status, 200);
      assertProblem(await askAs(server.console, token)('GET', own), 401, 'invalid_token');
      assert.equal((await ask(await serviceKeyOf(server), '')(`${users}/${id}/sessions`)).status, 200);
    });
  });

  describe('what ends what', () => {
    it('privileges are read afresh: demoted and promoted from the next request on', async () => {
      const { id, token } = await settle(server.console, house, 'mallory');
      const key = await userKeyOf(server.console, token);
      const both = [ask('mallory', passwordOf('mallory')), ask('mallory', key)];
      for (let round = 0; round < 3; round += 1) {
        for (const each of both) assertProblem(await each(users), 403, 'forbidden');
        assert.equal((await house.patch(id, { privileges: ['admin'] })).status, 200);
        for (const each of both) assert.equal((await each(users)).status, 200);
        assert.equal((await house.patch(id, { privileges: [] })).status, 200);
      }
    });

    it('disabled: refused from the next request on; the password holds again when enabled, the key does not', async () => {
      const { id, token } = await settle(server.console, house, 'dave');
      const key = await userKeyOf(server.console, token);
      const [byPassword, byKey] = [ask('dave', passwordOf('dave')), ask('dave', key)];
      for (const each of [byPassword, byKey]) assert.equal((await each(own)).status, 200);
      await house.patch(id, { active: false });
      for (const each of [byPassword, byKey]) assertProblem(await each(own), 401, 'invalid_credentials');
      await house.patch(id, { active: true });
      assert.equal((await byPassword(own)).status, 200);
      assertProblem(await byKey(own), 401, 'invalid_credentials');
      const next = await userKeyOf(server.console, await login('dave'));
      assert.notEqual(next, key);
      assert.equal((await ask('dave', next)(own)).status, 200);
    });

    it('password changed: the old one and the key are over', async () => {
      const { token } = await settle(server.console, house, 'frank');
      const key = await userKeyOf(server.console, token);
      const [old, byKey] = [ask('frank', passwordOf('frank')), ask('frank', key)];
      for (const each of [old, byKey]) assert.equal((await each(own)).status, 200);
      const fresh = 'another 17 green lanterns of frank';
      const body = { old_password: passwordOf('frank'), new_password: fresh };
      const changed = await askAs(server.console, token)('POST', '/api/auth/change-password', body);
      assert.equal(changed.status, 200, changed.text);
      for (const each of [old, byKey]) assertProblem(await each(own), 401, 'invalid_credentials');
      assert.equal((await ask('frank', fresh)(own)).status, 200);
    });

    it('reset by a link: the same', async () => {
      const { id, token } = await settle(server.console, house, 'gina');
      const key = await userKeyOf(server.console, token);
      const old = ask('gina', passwordOf('gina'));
      assert.equal((await old(own)).status, 200);
      const link = (await house.link(id, 'reset')).json['link'];
      // A link alone changes nothing.
      assert.equal((await ask('gina', key)(own)).status, 200);
      const body = {
        link: new URL(String(link)).hash.slice('#link='.length),
        password: 'gina walks a new way home 77',
      };
      assert.equal((await send(`${server.console}/api/auth/link`, { body })).status, 201);
      assertProblem(await old(own), 401, 'invalid_credentials');
      assertProblem(await ask('gina', key)(own), 401, 'invalid_credentials');
      assert.equal((await ask('gina', body.password)(own)).status, 200);
    });

    it('a factor added: the key is over, and the password is half of what it takes', async () => {
      const { token } = await settle(server.console, house, 'henry');
      const key = await userKeyOf(server.console, token);
      const [byPassword, byKey] = [ask('henry', passwordOf('henry')), ask('henry', key)];
      for (const each of [byPassword, byKey]) assert.equal((await each(own)).status, 200);
      await enrol(server.console, token);
      assertProblem(await byKey(own), 401, 'invalid_credentials');
      assertProblem(await byPassword(own), 401, 'second_factor_required');
    });

    it('deleted, and made again under the same name with the same password: the key is the other one’s', async () => {
      const ivy = await settle(server.console, house, 'ivy');
      const key = await userKeyOf(server.console, ivy.token);
      const [byPassword, byKey] = [ask('ivy', passwordOf('ivy')), ask('ivy', key)];
      for (const each of [byPassword, byKey]) assert.equal((await each(own)).status, 200);
      assert.equal((await house.remove(ivy.id)).status, 200);
      for (const each of [byPassword, byKey]) assertProblem(await each(own), 401, 'invalid_credentials');
      const again = await settle(server.console, house, 'ivy');
      assertProblem(await byKey(own), 401, 'invalid_credentials');
      assert.equal((await byPassword(own)).status, 200);
      assert.notEqual(await userKeyOf(server.console, again.token), key);
    });

    it('signing out, and ending every session, ends none of it', async () => {
      const { token } = await settle(server.console, house, 'jack');
      const key = await userKeyOf(server.console, token);
      const person = await signIn(server, { username: 'jack', password: passwordOf('jack') });
      assert.equal((await person.page('/api/auth/logout', { method: 'POST' })).status, 200);
      for (const each of [ask('jack', passwordOf('jack')), ask('jack', key)])
        assert.equal((await each(own)).status, 200);
    });
  });

  it('the audit log says who, by which way: once for each way in, and with every change', async () => {
    const { id } = await settle(server.console, house, 'kate', { privileges: ['admin'] });
    const key = await userKeyOf(server.console, await login('kate'));
    const [byPassword, byKey] = [ask('kate', passwordOf('kate')), ask('kate', key)];
    for (let times = 0; times < 10; times += 1) for (const each of [byPassword, byKey]) await each(users);
    const nodes = Math.max(1, server.nodes.length);
    const session = await login('root1', admin.password);
    const accepted = await eventsOf(server.console, session, `event=basic-accepted&user=kate`);
    const ways = accepted.map(({ way }) => way);
    for (const way of ['basic', 'user-key']) {
      const count = ways.filter((each) => each === way).length;
      assert.ok(count >= 1 && count <= nodes, `${way}: ${count}`);
    }
    for (const each of accepted)
      assert.deepEqual([each['actor'], each['target'], each['address']], [id, id, '127.0.0.1']);
    for (const [who, username] of [
      [byPassword, 'by-password'],
      [ask(await serviceKeyOf(server), ''), 'by-service'],
    ] as const)
      assert.equal((await who(users, { body: { username } })).status, 201);
    const made = await eventsOf(server.console, session, 'event=user-created');
    const found = (way: string) => made.filter((each) => each['way'] === way).map((each) => each['actor']);
    assert.ok(found('basic').includes(id));
    assert.ok(found('service-key').every((actor) => actor === ''));
    assert.ok(found('service-key').length > 0);
    await settle(server.console, house, 'lena');
    assertProblem(await ask('lena', passwordOf('lena'))(users), 403, 'forbidden');
    const denied = await eventsOf(server.console, session, 'event=authorisation-refused');
    assert.ok(denied.some((each) => each['way'] === 'basic' && each['target'] === users));
    const attempts = await send(`${server.console}/api/auth/login-attempts`, {
      headers: { authorization: basic(`kate:${key}`) },
    });
    const rows = attempts.json['attempts'] as { way: string; result: string }[];
    for (const way of ['basic', 'user-key'])
      assert.ok(
        rows.some((row) => row.way === way && row.result === 'ok'),
        way,
      );
  });
});

describe('over restarts', () => {
  it('passwords, user keys and the service key live; with service-key-renew the keys are new ones', async () => {
    let server = await startServer();
    const { data } = server;
    try {
      const root = String((await setUp(server)).json['token']);
      const key = await userKeyOf(server.console, root);
      const service = await serviceKeyOf(server);
      const all = async (): Promise<readonly number[]> => {
        const tried = [
          ['root1', admin.password],
          ['root1', key],
          [service, ''],
        ] as const;
        return Promise.all(
          tried.map(async ([name, secret]) => (await asBasic(server.console, name, secret)(users)).status),
        );
      };
      assert.deepEqual(await all(), [200, 200, 200]);
      await server.end();
      server = await startServer({ data, standing: 'set-up' });
      assert.deepEqual(await all(), [200, 200, 200]);
      assert.equal(await serviceKeyOf(server), service);
      await server.end();
      server = await startServer({ data, standing: 'set-up', env: { SALLYPORT_SERVICE_KEY_RENEW: 'true' } });
      assert.deepEqual(await all(), [200, 401, 401]);
      const renewed = await serviceKeyOf(server);
      assert.notEqual(renewed, service);
      assert.equal((await asBasic(server.console, renewed, '')(users)).status, 200);
      const session = await signInBearer(server);
      assert.notEqual(await userKeyOf(server.console, session), key);
    } finally {
      await server.remove();
    }
  });
});
