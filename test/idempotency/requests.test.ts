/**
 * TT8: a request with an Idempotency-Key is carried out at most once, and told again to whoever repeats it (2-http-api, 5;
 * 3-rules, Idempotency). On whatever the product stands; with several nodes each request may reach another one.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Route } from '../../src/http/route.ts';
import { type RouteParts, routes } from '../../src/http/routes.ts';
import { type Got, send, sendRaw } from '../support/client.ts';
import { type Admin, asAdmin, bearer, settle } from '../support/invited.ts';
import {
  assertFirst,
  assertInProgress,
  assertReplay,
  type Keyed,
  newKey,
  saidIn,
  sendKeyed,
} from '../support/keyed.ts';
import { admin, setUp, signIn, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { basic, makeToken, onToken, tokensPath, wideLimits } from '../support/tokens.ts';

/** A row of accounts that changes something and does not say whether it repeats does not compile: none of the three sorts. */
type Changing = Extract<Route, { who: 'admin' | 'account' | 'person'; method: 'POST' | 'PATCH' | 'DELETE' }>;
type Silent<Row> = Row extends Route ? Omit<Row, 'repeats'> : never;
type Compiling<Row> = Row extends Route ? Row : never;
type Sorts<Row> = [Row] extends [never] ? 'none' : 'some';
const compiling: Sorts<Compiling<Changing>> = 'some';
const compilingSilent: Sorts<Compiling<Silent<Changing>>> = 'none';

const table = routes({ consoleKinds: ['account'] } as unknown as RouteParts);

describe('requests with an Idempotency-Key', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
  });
  after(() => server.remove());

  const ask = (keyed: Omit<Keyed, 'held'> & { readonly held?: string }): Promise<Got> =>
    sendKeyed(server.console, { held: root, ...keyed });

  const tokensOf = async (held: string): Promise<readonly Readonly<Record<string, unknown>>[]> =>
    (await send(`${server.console}${tokensPath}`, { headers: bearer(held) })).json['tokens'] as [];

  const named = async (name: string, held = root): Promise<number> =>
    (await tokensOf(held)).filter((each) => each['name'] === name).length;

  const toMake = (token_name: string): { readonly path: string; readonly body: object } => ({
    path: tokensPath,
    body: { token_name },
  });

  describe('K-18: the same request twice', () => {
    it('is one thing, and the same answer, which says that it is a replay', async () => {
      const key = newKey();
      const first = await ask({ ...toMake('once'), key });
      assertFirst(first, 201);
      for (let round = 0; round < 3; round += 1) assertReplay(await ask({ ...toMake('once'), key }), first);
      assert.equal(await named('once'), 1);
      const secret = String(first.json['token']);
      assert.equal(
        (await send(`${server.console}/api/auth/status`, { headers: bearer(secret) })).json['via'],
        'api-token',
      );
    });

    it('without a key, or with another one, is two', async () => {
      for (const key of [undefined, undefined, newKey(), newKey()])
        assertFirst(await ask({ ...toMake('again'), ...(key === undefined ? {} : { key }) }), 201);
      assert.equal(await named('again'), 4);
    });

    it('with another body, method, path or query under that key is refused, and changes nothing', async () => {
      const key = newKey();
      const first = await ask({ ...toMake('mine'), key });
      const { id } = first.json;
      for (const other of [
        toMake('yours'),
        { ...toMake('mine'), body: { token_name: 'mine', never: true } },
        { ...toMake('mine'), path: `${tokensPath}?x=1` },
        { ...toMake('mine'), path: '/api/auth/generate-api-token' },
        { path: `${tokensPath}/${String(id)}/rotate`, body: {} },
        { path: `${tokensPath}/${String(id)}`, method: 'DELETE' },
        { path: `${tokensPath}/${String(id)}`, method: 'PATCH', body: { token_name: 'mine' } },
        { path: '/api/auth/users', body: { username: 'zoe' } },
      ])
        assertProblem(await ask({ ...other, key }), 422, 'idempotency_mismatch');
      assertReplay(await ask({ ...toMake('mine'), key }), first);
      assert.deepEqual([await named('mine'), await named('yours')], [1, 0]);
    });

    it('thirty at once are one thing: who does not make it is told to wait, or what was made', async () => {
      const doors = server.nodes.length > 0 ? server.nodes : [server];
      const key = newKey();
      const all = await Promise.all(
        Array.from({ length: 30 }, (_, at) =>
          sendKeyed(doors[at % doors.length]?.console ?? '', { held: root, ...toMake('raced'), key }),
        ),
      );
      const made = all.filter((got) => got.status === 201 && got.headers['idempotency-replayed'] === undefined);
      assert.equal(made.length, 1);
      const [first] = made as [Got];
      for (const got of all) {
        if (got === first) continue;
        if (got.status === 201) assertReplay(got, first);
        else assertInProgress(got);
      }
      assert.equal(await named('raced'), 1);
      // Each node knows.
      for (const door of doors)
        assertReplay(await sendKeyed(door.console, { held: root, ...toMake('raced'), key }), first);
    });

    it('what confirms it may be given otherwise the second time, and is looked at each time', async () => {
      const key = newKey();
      const confirmed = (more: object): Promise<Got> =>
        ask({ path: tokensPath, body: { token_name: 'confirmed', ...more }, key });
      const first = await confirmed({ password: admin.password });
      assertFirst(first, 201);
      assertReplay(await confirmed({}), first);
      assertReplay(await confirmed({ password: admin.password, totp_code: '123456' }), first);
      const wrong = await confirmed({ password: wrongPasswordNo(1) });
      assertProblem(wrong, 403, 'reauthentication_failed');
      assert.equal(wrong.headers['idempotency-replayed'], undefined);
      assertProblem(await confirmed({ never: true }), 422, 'idempotency_mismatch');
      assert.equal(await named('confirmed'), 1);
    });
  });

  describe('K-18: each route that takes a key', () => {
    let bob: { readonly id: string; readonly token: string };
    before(async () => {
      bob = await settle(server.console, house, 'bob');
    });

    it('says so in its row, and a row that says nothing does not compile', () => {
      assert.deepEqual([compiling, compilingSilent], ['some', 'none']);
      const taking = table.filter(({ repeats }) => repeats === 'by-key').map(({ method, path }) => `${method} ${path}`);
      for (const row of [
        'POST /api/auth/api-tokens',
        'POST /api/auth/generate-api-token',
        'PATCH /api/auth/api-tokens/{id}',
        'DELETE /api/auth/api-tokens/{id}',
        'POST /api/auth/api-tokens/{id}/rotate',
        'POST /api/auth/tickets',
        'POST /api/auth/user-key',
        'POST /api/auth/users',
        'PATCH /api/auth/users/{id}',
        'DELETE /api/auth/users/{id}',
        'POST /api/auth/users/{id}/link',
        'DELETE /api/auth/blocks',
      ])
        assert.ok(taking.includes(row), row);
      const never = [
        'login',
        'logout',
        'password',
        'reauthenticate',
        'totp',
        'passkeys',
        'recovery',
        'sessions',
        'enable',
      ];
      for (const row of taking) assert.ok(!never.some((word) => row.includes(word)), row);
    });

    it('is described with its header and its refusals, and no other is', async () => {
      const document = (await send(`${server.console}/api/auth/openapi.json`)).json as unknown as {
        readonly paths: Readonly<
          Record<
            string,
            Readonly<Record<string, { readonly parameters: readonly unknown[]; readonly responses: object }>>
          >
        >;
      };
      for (const { method, path, repeats } of table) {
        const text = JSON.stringify(document.paths[path]?.[method.toLowerCase()]);
        for (const word of [
          '"Idempotency-Key"',
          'idempotency_in_progress',
          'idempotency_mismatch',
          'idempotency_unknown',
        ])
          assert.equal(text.includes(word), repeats === 'by-key', `${method} ${path}: ${word}`);
      }
    });

    it('makes, changes, renews and takes away once', async () => {
      const { id, token } = await makeToken(server, root);
      const rotate = { path: `${tokensPath}/${id}/rotate`, body: {}, key: newKey() };
      const rotated = await ask(rotate);
      assertFirst(rotated, 200);
      assert.notEqual(rotated.json['token'], token);
      assertReplay(await ask(rotate), rotated);

      const patch = { path: `${tokensPath}/${id}`, method: 'PATCH', body: { active: false }, key: newKey() };
      const patched = await ask(patch);
      assertFirst(patched, 200);
      assert.equal((await onToken(server, root, id, 'PATCH', { active: true })).status, 200);
      // What was told, and not what is now: nothing was switched off again.
      assertReplay(await ask(patch), patched);
      const [now] = (await tokensOf(root)).filter((each) => each['id'] === id);
      assert.equal(now?.['active'], true);

      const revoke = { path: `${tokensPath}/${id}`, method: 'DELETE', key: newKey() };
      const revoked = await ask(revoke);
      assertFirst(revoked, 200);
      assertReplay(await ask(revoke), revoked);
      assertProblem(await ask({ ...revoke, key: newKey() }), 404, 'not_found');

      const create = { path: '/api/auth/users', body: { username: 'carol' }, key: newKey() };
      const created = await ask(create);
      assertFirst(created, 201);
      assertReplay(await ask(create), created);
      const user = `/api/auth/users/${(created.json['user'] as { id: string }).id}`;
      const rename = { path: user, method: 'PATCH', body: { display_name: 'Carol' }, key: newKey() };
      const renamed = await ask(rename);
      assertFirst(renamed, 200);
      assertReplay(await ask(rename), renamed);
      const invite = { path: `${user}/link`, body: { purpose: 'invite' }, key: newKey() };
      const invited = await ask(invite);
      assertFirst(invited, 201);
      // The same link: another one would have ended it.
      assertReplay(await ask(invite), invited);
      const remove = { path: user, method: 'DELETE', body: {}, key: newKey() };
      const removed = await ask(remove);
      assertFirst(removed, 200);
      assertReplay(await ask(remove), removed);
      assertProblem(await ask({ ...remove, key: newKey() }), 404, 'not_found');

      for (const other of [
        { path: '/api/auth/tickets', body: { path: '/x' } },
        { path: '/api/auth/user-key', body: {} },
        { path: '/api/auth/blocks', method: 'DELETE', body: {} },
      ]) {
        const keyed = { ...other, key: newKey() };
        const first = await ask(keyed);
        assert.ok(first.status < 300, first.text);
        assertReplay(await ask(keyed), first);
      }
    });

    it('is nobody’s but those: elsewhere, and where nothing changes, a key is not looked at', async () => {
      for (const key of ['same', '', 'a b', 'x'.repeat(300)]) {
        for (const path of ['/api/auth/status', tokensPath, '/api/auth/users'])
          assert.equal((await ask({ method: 'GET', path, key })).status, 200);
        const login = await ask({ held: '', path: '/api/auth/login', body: admin, key });
        assertFirst(login, 200);
        const again = await ask({ held: '', path: '/api/auth/login', body: admin, key });
        assertFirst(again, 200);
        assert.notEqual(again.json['token'], login.json['token']);
        const out = { held: String(login.json['token']), path: '/api/auth/logout', body: {}, key };
        assertFirst(await ask(out), 200);
        assertProblem(await ask(out), 401, 'invalid_token');
        assertFirst(
          await ask({ held: String(again.json['token']), path: '/api/auth/sessions', method: 'DELETE', key }),
          200,
        );
        root = String((await send(`${server.console}/api/auth/login`, { body: admin })).json['token']);
        house = asAdmin(server.console, root);
      }
    });

    it('refuses one that is none, before anything is done', async () => {
      const name = 'ill-keyed';
      for (const key of [
        '',
        ' ',
        'a b',
        'a\tb',
        'x'.repeat(256),
        'ä',
        'a\u00a0b',
        '\u00ff',
        ['one', 'two'],
        ['', ''],
        ['same', 'same'],
      ])
        assertProblem(await ask({ ...toMake(name), key }), 400, 'invalid_request');
      const { host, port } = new URL(server.console);
      const body = JSON.stringify({ token_name: name });
      const raw = (line: string): Promise<string> =>
        sendRaw(
          Number(port),
          `POST ${tokensPath} HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\nAuthorization: Bearer ${root}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n${line}\r\n\r\n${body}`,
        );
      for (const line of [
        'Idempotency-Key: a\x7fb',
        'Idempotency-Key: a\x00b',
        'Idempotency-Key:\r\nIdempotency-Key: a',
      ])
        assert.match(await raw(line), /^HTTP\/1\.1 400 /);
      assert.equal(await named(name), 0);
      for (const key of ['x'.repeat(255), '~', '!', '"quoted-by-a-draft"', 'a,b', '__proto__', 'constructor'])
        assertFirst(await ask({ ...toMake('well-keyed'), key }), 201);
      assert.match(await raw(`Idempotency-Key: \t ${newKey()} `), /^HTTP\/1\.1 201 /);
    });

    it('leaves a key that nothing came of free', async () => {
      const key = newKey();
      const missing = { path: `${tokensPath}/t_AAAAAAAAAAAAAAAAAAAAAA`, method: 'DELETE', key };
      assertProblem(await ask(missing), 404, 'not_found');
      const second = await ask(missing);
      assertProblem(second, 404, 'not_found');
      assert.equal(second.headers['idempotency-replayed'], undefined);
      // By the schema, by the action, for want of a right, for want of a proof.
      assertProblem(await ask({ path: tokensPath, body: { never: 'yes' }, key }), 400, 'invalid_request');
      assertProblem(
        await ask({ path: tokensPath, body: { scopes: ['no scope at all!'] }, key }),
        400,
        'invalid_request',
      );
      const mine = { held: bob.token, key };
      const { id } = await makeToken(server, bob.token, { rate_limit: { per_minute: 10 } });
      assertProblem(await ask({ ...mine, path: '/api/auth/users', body: { username: 'eve' } }), 403, 'forbidden');
      const widen = { method: 'PATCH', path: `${tokensPath}/${id}`, body: { rate_limit: { per_minute: 20 } } };
      assertProblem(await ask({ ...widen, key }), 403, 'forbidden');
      assertProblem(
        await ask({ ...widen, ...mine, body: { ...widen.body, password: wrongPasswordNo(7) } }),
        403,
        'reauthentication_failed',
      );
      assertFirst(await ask({ ...widen, ...mine }), 200);
      assertFirst(await ask({ ...toMake('free'), key }), 201);
    });

    it('leaves it free for a token that may not ask any more for now', async () => {
      const { token } = await makeToken(server, root, { rate_limit: { per_minute: 1 } });
      const key = newKey();
      const ticket = { held: token, path: '/api/auth/tickets', body: { path: '/x' } };
      assertFirst(await ask(ticket), 201);
      assertProblem(await ask({ ...ticket, key }), 429, 'rate_limited');
      assertFirst(await ask({ path: '/api/auth/tickets', body: { path: '/y' }, key }), 201);
    });

    it('tells a conflict again, as it was', async () => {
      const key = newKey();
      const taken = { path: '/api/auth/users', body: { username: 'dora' } };
      const dora = await house.create(taken.body);
      const first = await ask({ ...taken, key });
      assertProblem(first, 409, 'conflict');
      assert.equal((await house.remove(dora)).status, 200);
      const again = await ask({ ...taken, key });
      assertProblem(again, 409, 'conflict');
      assertReplay(again, first);
      assertFirst(await ask({ ...taken, key: newKey() }), 201);
    });
  });

  describe('K-18: whose key it is', () => {
    let ann: { readonly id: string; readonly token: string };
    before(async () => {
      ann = await settle(server.console, house, 'ann', { privileges: ['admin'] });
    });

    it('another user’s same key is another key', async () => {
      const key = newKey();
      const first = await ask({ ...toMake('shared'), key });
      assertFirst(first, 201);
      const hers = await ask({ ...toMake('shared'), key, held: ann.token });
      assertFirst(hers, 201);
      assert.notEqual(hers.json['token'], first.json['token']);
      assertFirst(await ask({ path: '/api/auth/tickets', body: { path: '/x' }, key: newKey(), held: ann.token }), 201);
      assertReplay(await ask({ ...toMake('shared'), key }), first);
      assertReplay(await ask({ ...toMake('shared'), key, held: ann.token }), hers);
      assert.equal(await named('shared', ann.token), 1);
    });

    it('another credential of the same user is told the same without the secret, and the first one still all of it', async () => {
      const program = await makeToken(server, root, { scopes: ['admin:credentials'], rate_limit: wideLimits });
      const browser = await signIn(server);
      const session = await signInBearer(server);
      const encoded = { authorization: basic(`${admin.username}:${admin.password}`) };
      const { id } = await makeToken(server, root);
      const user = await house.create({ username: 'frank' });
      // A token's step-up is the password in the request.
      const proof = { password: admin.password };
      for (const [field, keyed] of [
        ['token', { path: tokensPath, body: { token_name: 'secretive', ...proof } }],
        ['token', { path: `${tokensPath}/${id}/rotate`, body: proof }],
        ['ticket', { path: '/api/auth/tickets', body: { path: '/x' } }],
        ['link', { path: `/api/auth/users/${user}/link`, body: { purpose: 'invite', ...proof } }],
      ] as const) {
        const key = newKey();
        const first = await ask({ ...keyed, key });
        assert.ok(first.status < 300, first.text);
        assert.ok(String(first.json[field]).length > 20, first.text);
        const { [field]: secret, ...rest } = saidIn(first);
        const others = [
          await ask({ ...keyed, key, held: session }),
          await ask({ ...keyed, key, held: program.token }),
          await browser.page(keyed.path, { body: keyed.body, headers: { 'idempotency-key': key } }),
          ...(field === 'ticket' ? [] : [await ask({ ...keyed, key, held: '', headers: encoded })]),
        ];
        for (const got of others) {
          assert.deepEqual(saidIn(got), rest, field);
          assert.equal(got.headers['idempotency-replayed'], 'true');
          assert.ok(!got.text.includes(String(secret)));
        }
        assertReplay(await ask({ ...keyed, key }), first);
      }
      const keyed = { path: '/api/auth/user-key', body: proof, key: newKey(), held: '', headers: encoded };
      const first = await ask(keyed);
      assert.match(String(first.json['user_key']), /^[A-Za-z0-9_-]{43}$/);
      assertReplay(await ask(keyed), first);
      const { user_key: secret, ...rest } = saidIn(first);
      const other = await sendKeyed(server.console, { ...keyed, held: session, headers: {} });
      assert.deepEqual(saidIn(other), rest);
      assert.ok(!other.text.includes(String(secret)));
    });

    it('a right that is gone is gone: nobody is told again what they may not ask for any more', async () => {
      const eve = await settle(server.console, house, 'eve', { privileges: ['admin'] });
      const program = await makeToken(server, eve.token, { scopes: ['admin:credentials'] });
      const doomed = await house.create({ username: 'gus' });
      const key = newKey();
      const rename = {
        method: 'PATCH',
        path: `/api/auth/users/${doomed}`,
        body: { display_name: 'Gus' },
        key,
        held: eve.token,
      };
      const revoke = { method: 'DELETE', path: tokensPath, held: program.token, key: newKey() };
      const first = await ask(rename);
      assertFirst(first, 200);
      assertReplay(await ask(rename), first);
      const { id } = await makeToken(server, eve.token);
      const own = { ...revoke, path: `${tokensPath}/${id}` };
      const revoked = await ask(own);
      assertFirst(revoked, 200);
      assertReplay(await ask(own), revoked);

      assert.equal((await house.patch(eve.id, { privileges: [] })).status, 200);
      assertProblem(await ask(rename), 403, 'forbidden');
      assertProblem(await ask(own), 403, 'insufficient_scope');
      assert.equal((await house.patch(eve.id, { privileges: ['admin'] })).status, 200);
      assertReplay(await ask(rename), first);
      assert.equal((await onToken(server, eve.token, program.id, 'DELETE')).status, 200);
      assertProblem(await ask(own), 401, 'invalid_token');
      assert.equal((await house.patch(eve.id, { active: false })).status, 200);
      assertProblem(await ask(rename), 401, 'invalid_token');
    });
  });
});
