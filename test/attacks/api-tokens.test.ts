/** Attacks on API tokens: how they are shown, forged, widened and passed on (security.md 2.7). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { UserRow } from '../../src/store/rows.ts';
import type { Username } from '../../src/types.ts';
import { anotherSession, firstAccount } from '../support/accounts.ts';
import { type Got, send, sendRaw, type Sent } from '../support/client.ts';
import { asAdmin, type Admin, bearer, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, setUp, signIn, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { basic, type MadeToken, makeToken, onToken, unknownToken, withChecksum } from '../support/tokens.ts';

type Headers = Readonly<Record<string, string>>;

const ownerOf = async (house: Embedded): Promise<UserRow> => {
  const found = await house.engine.userByName(admin.username.toLowerCase() as Username);
  assert.ok(found.kind === 'found');
  return found.user;
};
const administration: readonly string[] = ['*', 'sallyport:admin'];

describe('how a token is shown', () => {
  let server: RunningServer;
  let root: string;
  let users: MadeToken;
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    users = await makeToken(server, root, { scopes: ['sallyport:users'] });
  });
  after(() => server.remove());

  const get = (headers: Headers, path = '/api/auth/users'): Promise<Got> =>
    send(`${server.console}${path}`, { headers });

  it('K-02: each documented form is the same token with the same scopes', async () => {
    const { token } = users;
    for (const headers of [
      bearer(token),
      { authorization: `bearer ${token}` },
      { authorization: `BEARER ${token}` },
      { authorization: `Token ${token}` },
      { authorization: `tOKEN   ${token}` },
      { authorization: `  Bearer ${token}  ` },
      { 'x-api-key': token },
      { 'X-API-KEY': token },
    ]) {
      assert.equal((await get(headers)).status, 200, JSON.stringify(headers));
      const made = await send(`${server.console}/api/auth/users`, { headers, body: { username: 'eve' } });
      assertProblem(made, 403, 'insufficient_scope');
      assertProblem(await get(headers, '/api/auth/audit'), 403, 'insufficient_scope');
    }
  });

  it('K-02: no other place carries one', async () => {
    const { token } = users;
    for (const name of ['access_token', 'token', 'api_key', 'apikey', 'key', 'X-API-Key', 'authorization', 'bearer'])
      assertProblem(await get({}, `/api/auth/users?${name}=${token}`), 401, 'unauthorized');
    assertProblem(await get({}, `/api/auth/users?ticket=${token}`), 401, 'invalid_token');
    for (const name of ['sallyport-account', 'sallyport-admin'])
      assertProblem(await get({ cookie: `${name}=${token}` }), 401, 'session_expired');
    for (const cookie of [`token=${token}`, `spt_=${token}`, `__Host-sallyport-account=${token}`])
      assertProblem(await get({ cookie }), 401, 'unauthorized');
    for (const text of [`user:${token}`, `${token}:x-oauth-basic`, `:${token}`, `${token}:`, `Root1:${token}`])
      assertProblem(await get({ authorization: basic(text) }), 401, 'invalid_credentials');
    for (const body of [{ token }, { access_token: token }, { api_key: token }])
      assertProblem(
        await send(`${server.console}/api/auth/tickets`, { body: { path: '/x', ...body } }),
        401,
        'unauthorized',
      );
    for (const name of ['proxy-authorization', 'x-auth-token', 'x_api_key', 'x-authorization', 'api-key'])
      assertProblem(
        await get({ [name]: name === 'proxy-authorization' ? `Bearer ${token}` : token }),
        401,
        'unauthorized',
      );
  });

  it('what a former administrator gives a token is held against what it comes to now', async () => {
    const house = asAdmin(server.console, root);
    const eve = await settle(server.console, house, 'eve', { privileges: ['admin'] });
    const { id } = await makeToken(server, eve.token, { scopes: ['admin:all'] });
    assert.equal((await house.patch(eve.id, { privileges: [] })).status, 200);
    const asked = { scopes: ['*'], password: 'not hers at all 12345' };
    assertProblem(await onToken(server, eve.token, id, 'PATCH', asked), 403, 'reauthentication_failed');
    assert.equal((await onToken(server, eve.token, id, 'PATCH', { scopes: ['*'] })).status, 200);
  });

  it('a header that says something else than one token is no token', async () => {
    const { token } = users;
    for (const authorization of [
      'Bearer',
      'Bearer ',
      'Token',
      `Bearer ${token} ${token}`,
      `Bearer Bearer ${token}`,
      `Bearer ${token}, Bearer ${token}`,
      `Bearer token ${token}`,
      'Basic !!!!',
      'Basic',
      'Basic YWJj',
    ])
      assertProblem(await get({ authorization }), 400, 'invalid_request');
    for (const authorization of [
      '',
      token,
      `Bearer\t${token}`,
      `Bearer "${token}"`,
      `Bearer:${token}`,
      `Bearer=${token}`,
      `ApiKey ${token}`,
      `Digest ${token}`,
      `Negotiate ${token}`,
      `Bearer ${token},`,
      `Bearer <${token}>`,
    ])
      assertProblem(await get({ authorization }), 401, 'invalid_token');
    for (const key of ['', `Bearer ${token}`, `${token},${token}`, `"${token}"`])
      assertProblem(await get({ 'x-api-key': key }), 401, 'invalid_token');
  });

  it('two at once are neither', async () => {
    const { token } = users;
    assertProblem(await get({ ...bearer(token), 'x-api-key': token }), 400, 'invalid_request');
    assertProblem(await get({ ...bearer(token), 'x-api-key': '' }), 400, 'invalid_request');
    assertProblem(await get({ authorization: `Token ${root}`, 'x-api-key': token }), 400, 'invalid_request');
    for (const headers of [
      { authorization: [`Bearer ${token}`, `Bearer ${token}`] },
      { Authorization: [`Bearer ${token}`, basic('a:b')] },
      { 'x-api-key': [token, token] },
    ] as unknown as Headers[])
      assertProblem(await get(headers), 400, 'invalid_request');
  });

  it('a folded header is refused, and nothing of it is a token', async () => {
    const { host, port } = new URL(server.console);
    const raw = (lines: string): Promise<string> =>
      sendRaw(Number(port), `GET /api/auth/users HTTP/1.1\r\nHost: ${host}\r\nConnection: close\r\n${lines}\r\n\r\n`);
    assert.match(await raw(`Authorization: Bearer ${users.token}`), /^HTTP\/1\.1 200 /);
    for (const lines of [
      `Authorization: Bearer\r\n ${users.token}`,
      `Authorization:\r\n Bearer ${users.token}`,
      `Authorization : Bearer ${users.token}`,
      `Authorization: Bearer ${users.token}\0`,
      `X-API-Key:\r\n\t${users.token}`,
    ])
      assert.doesNotMatch(await raw(lines), /^HTTP\/1\.1 200 /, lines);
  });

  it('a dead header never falls through to a living cookie', async () => {
    const person = await signIn(server);
    const revoked = await makeToken(server, root);
    assert.equal((await onToken(server, root, revoked.id, 'DELETE')).status, 200);
    assert.equal((await person.page('/api/auth/users')).status, 200);
    for (const [headers, code] of [
      [bearer(revoked.token), 'invalid_token'],
      [{ 'x-api-key': revoked.token }, 'invalid_token'],
      [{ authorization: `Token ${revoked.token}` }, 'invalid_token'],
      [bearer(unknownToken(1)), 'invalid_token'],
      [bearer('eyJhbGciOiJub25lIn0.e30.'), 'invalid_token'],
      [{ 'x-api-key': 'abc' }, 'invalid_token'],
      [{ authorization: basic('Root1:') }, 'invalid_credentials'],
      [{ authorization: basic(`Root1:${users.token}`) }, 'invalid_credentials'],
      [{ authorization: '' }, 'invalid_token'],
    ] as const) {
      for (const path of ['/api/auth/users', '/api/auth/sessions', '/api/auth/api-tokens', '/api/auth/audit'])
        assertProblem(await person.page(path, { headers }), 401, code);
      const made = await person.page('/api/auth/api-tokens', { headers, body: {} });
      assertProblem(made, 401, code);
      const asked = await person.page('/api/auth/status', { headers });
      assert.deepEqual([asked.status, asked.json['authenticated']], [200, false]);
    }
    // A living token decides for itself, whatever the cookie may.
    assertProblem(await person.page('/api/auth/audit', { headers: bearer(users.token) }), 403, 'insufficient_scope');
    assertProblem(await person.page('/api/auth/users?ticket=x'), 401, 'invalid_token');
  });

  it('K-09, K-10: a checksum is no trust, and a wrong one asks nobody', async () => {
    const { token } = users;
    const body = token.slice(4, 34);
    const flipped = `${body.slice(0, 9)}${body[9] === 'a' ? 'b' : 'a'}${body.slice(10)}`;
    const session = root.slice(4, 34);
    const asked = async (): Promise<Readonly<Record<'unknown' | 'malformed', number>>> => {
      const { text } = await send(`${server.console}/metrics`);
      const of = (cause: string): number =>
        Number(
          new RegExp(
            `^sallyport_authentication_total\\{[^}]*kind="token"[^}]*result="${cause}"[^}]*\\} (\\d+)`,
            'm',
          ).exec(text)?.[1] ?? 0,
        );
      return { unknown: of('unknown'), malformed: of('malformed') };
    };
    const before = await asked();
    const rightForm = [
      withChecksum(`spt_${flipped}`),
      withChecksum(`spt_${session}`),
      withChecksum(`spt_${body.split('').toReversed().join('')}`),
    ];
    for (const forged of rightForm) assertProblem(await get(bearer(forged)), 401, 'invalid_token');
    const between = await asked();
    const otherForm = [
      `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`,
      withChecksum(`spt_${body.slice(0, 29)}`),
      withChecksum(`spt_${body}0`),
      withChecksum(`spp_${body}`),
      withChecksum(`SPT_${body}`),
      withChecksum(body),
      token.toUpperCase(),
      token.toLowerCase(),
      `${token}${token.slice(-6)}`,
      `spt_${token}`,
      encodeURIComponent(`${token} `),
      'spt_',
      'spt_'.padEnd(40, '0'),
      `spt_${'９'.repeat(36)}`,
    ];
    for (const forged of otherForm) {
      const sent = Buffer.from(forged).toString('latin1');
      assertProblem(await get({ authorization: `Bearer ${sent}` }), 401, 'invalid_token');
      assertProblem(await get({ 'x-api-key': sent }), 401, 'invalid_token');
    }
    for (const forged of [withChecksum(`sps_${body}`), withChecksum(`sps_${flipped}`)])
      assertProblem(await get(bearer(forged)), 401, 'invalid_token');
    const after = await asked();
    if (server.nodes.length === 0) {
      assert.equal(between.unknown - before.unknown, rightForm.length);
      assert.equal(after.unknown, between.unknown);
      assert.equal(after.malformed - between.malformed, otherForm.length * 2);
    }
    assert.equal((await get(bearer(token))).status, 200);
  });

  it('K-16: the challenge says what is wrong, and nothing when nothing was shown', async () => {
    const challenge = async (headers: Headers, path = '/api/auth/users'): Promise<readonly [number, string]> => {
      const got = await get(headers, path);
      return [got.status, got.headers['www-authenticate'] ?? ''];
    };
    const dead = await makeToken(server, root);
    await onToken(server, root, dead.id, 'PATCH', { active: false });
    const asBasic = 'Basic realm="Sallyport", charset="UTF-8", ';
    assert.deepEqual(await challenge({}), [401, `${asBasic}Bearer realm="Sallyport"`]);
    for (const headers of [bearer(dead.token), bearer(unknownToken(2)), bearer('x'), { 'x-api-key': dead.token }])
      assert.deepEqual(await challenge(headers), [401, `${asBasic}Bearer realm="Sallyport", error="invalid_token"`]);
    assert.deepEqual(await challenge(bearer(users.token), '/api/auth/audit'), [
      403,
      'Bearer realm="Sallyport", error="insufficient_scope", scope="sallyport:audit"',
    ]);
    assert.deepEqual(await challenge({ ...bearer(users.token), 'x-api-key': users.token }), [400, '']);
    const small = await get(bearer(users.token), '/api/auth/audit');
    assert.deepEqual(small.json['required_scope'], ['sallyport:audit']);
    assert.deepEqual(small.json['available_scopes'], ['sallyport:users']);
  });

  it('unknown, revoked, switched off and expired are one answer', async () => {
    const off = await makeToken(server, root);
    const gone = await makeToken(server, root);
    const rotated = await makeToken(server, root);
    await onToken(server, root, off.id, 'PATCH', { active: false });
    await onToken(server, root, gone.id, 'DELETE');
    assert.equal((await onToken(server, root, rotated.id, 'ROTATE')).status, 200);
    const answers = await Promise.all(
      [unknownToken(3), off.token, gone.token, rotated.token].map(async (token) => {
        const got = await get(bearer(token));
        const { request_id: _id, ...rest } = got.json;
        const { date: _date, 'content-length': _length, ...headers } = got.headers;
        return { status: got.status, rest, headers };
      }),
    );
    for (const answer of answers) assert.deepEqual(answer, answers[0]);
  });
});

describe('whose it is and what it may become', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  let bob: { readonly id: string; readonly token: string };
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    bob = await settle(server.console, house, 'bob');
  });
  after(() => server.remove());

  const ask = (credential: string, path: string, sent: Sent = {}): Promise<Got> =>
    send(`${server.console}${path}`, { ...sent, headers: { ...bearer(credential), ...sent.headers } });
  const listed = async (credential: string, query = ''): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const got = await ask(credential, `/api/auth/api-tokens${query}`);
    assert.equal(got.status, 200, got.text);
    return got.json['tokens'] as Readonly<Record<string, unknown>>[];
  };

  it('K-15: of somebody else’s tokens there is nothing', async () => {
    const { id, token } = await makeToken(server, root, { token_name: 'roots own' });
    const own = await makeToken(server, bob.token);
    assertProblem(await ask(bob.token, '/api/auth/api-tokens?all=1'), 403, 'forbidden');
    assert.deepEqual(
      (await listed(bob.token)).map((each) => each['id']),
      [own.id],
    );
    for (const what of [
      onToken(server, bob.token, id, 'PATCH', { token_name: 'bobs' }),
      onToken(server, bob.token, id, 'PATCH', { active: false }),
      onToken(server, bob.token, id, 'DELETE'),
      onToken(server, bob.token, id, 'ROTATE'),
      onToken(server, bob.token, 't_AAAAAAAAAAAAAAAAAAAAAA', 'DELETE'),
      onToken(server, bob.token, encodeURIComponent('../users'), 'DELETE'),
      ask(bob.token, `/api/auth/api-tokens/${id}`, { method: 'GET' }),
    ])
      assert.ok([404, 405].includes((await what).status));
    assert.deepEqual(
      (await listed(root)).filter((each) => each['id'] === id).map((each) => [each['name'], each['active']]),
      [['roots own', true]],
    );
    assert.equal((await ask(token, '/api/auth/verify')).status, 200);
    assert.equal((await onToken(server, bob.token, own.id, 'PATCH', { token_name: 'mine' })).status, 200);
    assert.equal((await onToken(server, bob.token, own.id, 'DELETE')).status, 200);
  });

  it('an admin may narrow, switch off and revoke anybody’s, and never widen or take it over', async () => {
    const { id, token } = await makeToken(server, bob.token, {
      scopes: ['read:a', 'read:b'],
      rate_limit: { per_minute: 50 },
    });
    for (const body of [
      { scopes: ['read:*'] },
      { scopes: ['read:a', 'write:a'] },
      { rate_limit: { per_minute: 51 } },
      { rate_limit: { per_hour: 20_001 } },
    ])
      assertProblem(await onToken(server, root, id, 'PATCH', body), 403, 'forbidden');
    assertProblem(await onToken(server, root, id, 'ROTATE'), 403, 'forbidden');
    assert.equal(
      (await onToken(server, root, id, 'PATCH', { scopes: ['read:a'], ip_allowlist: ['10.0.0.0/8'] })).status,
      200,
    );
    for (const body of [{ ip_allowlist: [] }, { ip_allowlist: ['10.0.0.0/7'] }, { scopes: ['read:a', 'read:b'] }])
      assertProblem(await onToken(server, root, id, 'PATCH', body), 403, 'forbidden');
    assert.equal((await onToken(server, root, id, 'PATCH', { active: false })).status, 200);
    assertProblem(await onToken(server, root, id, 'PATCH', { active: true }), 403, 'forbidden');
    assertProblem(await ask(token, '/api/auth/verify'), 401, 'invalid_token');
    assert.equal((await onToken(server, root, id, 'DELETE')).status, 200);
  });

  it('K-04: nobody makes one for others, and what is not asked for is not read', async () => {
    const sneaky = {
      user_id: 'u_root',
      userId: 'u_root',
      username: 'root1',
      owner: 'root1',
      id: 't_AAAAAAAAAAAAAAAAAAAAAA',
      token: 'spt_mine',
      digest: 'AAAA',
      token_prefix: 'xxx',
      active: false,
      use_count: 77,
      last_used_at: '2000-01-01T00:00:00Z',
      created_at: '2000-01-01T00:00:00Z',
      expires_at: null,
      is_admin: true,
      privileges: ['admin'],
      perMinute: 1_000_000,
      addresses: ['0.0.0.0/0'],
    };
    const before = (await listed(root, '?all=1')).length;
    assertProblem(await send(`${server.console}/api/auth/api-tokens`, { body: sneaky }), 401, 'unauthorized');
    for (const scopes of [
      ['sallyport:admin'],
      ['admin'],
      ['admin:*'],
      ['admin:all'],
      ['admin:credentials'],
      ['read:x', 'admin:users'],
    ])
      assertProblem(await ask(bob.token, '/api/auth/api-tokens', { body: { ...sneaky, scopes } }), 403, 'forbidden');
    assertProblem(await ask(bob.token, '/api/auth/api-tokens', { body: { scope: 'full_admin' } }), 403, 'forbidden');
    assertProblem(await ask(bob.token, '/api/auth/api-tokens', { body: { scopes: ['full_admin'] } }), 403, 'forbidden');
    for (const rate of [0, -1, 1.5, '600', null, 1e9])
      assertProblem(
        await ask(bob.token, '/api/auth/api-tokens', { body: { rate_limit: { per_minute: rate } } }),
        400,
        'invalid_request',
      );
    assert.equal((await listed(root, '?all=1')).length, before);
    const { id, token } = await makeToken(server, bob.token, sneaky);
    assert.match(token, /^spt_[0-9A-Za-z]{36}$/);
    const made = (await listed(root, '?all=1')).find((each) => each['id'] === id);
    assert.deepEqual(
      ['username', 'active', 'use_count', 'last_used_at', 'scopes', 'ip_allowlist', 'rate_limit'].map(
        (name) => made?.[name],
      ),
      ['bob', true, 0, null, ['read:*'], [], { per_minute: 600, per_hour: 20_000 }],
    );
    const patched = await onToken(server, bob.token, id, 'PATCH', { ...sneaky, active: true, created_at: 'x' });
    assert.equal(patched.status, 200, patched.text);
    assert.deepEqual([patched.json['use_count'], patched.json['id']], [0, id]);
    assert.equal((await onToken(server, bob.token, id, 'DELETE')).status, 200);
  });

  it('what is no scope is none, by whoever it is asked for', async () => {
    for (const scopes of [
      ['*:*'],
      ['sallyport:*'],
      ['sallyport:'],
      ['sallyport:Admin'],
      ['sallyport:unheard-of'],
      ['SALLYPORT:ADMIN'],
      ['ſallyport:admin'],
      ['sallyport\u200b:admin'],
      ['sallyport：admin'],
      ['read:*:write'],
      ['read:**'],
      ['read *'],
      [' read:*'],
      ['read:*\n'],
      [':admin'],
      ['read:"x"'],
      ['__proto__'],
      [''],
      ['x'.repeat(129)],
      [],
      Array.from({ length: 10_000 }, () => 's'),
      Array.from({ length: 33 }, (_, at) => `read:${at}`),
      [1],
      ['read:*', null],
      'read:*',
      { 0: 'read:*' },
    ])
      assertProblem(await ask(root, '/api/auth/api-tokens', { body: { scopes } }), 400, 'invalid_request');
    // Names that every object has are an application's like any other.
    const { token } = await makeToken(server, bob.token, { scopes: ['constructor', 'valueof', 'write:*'] });
    assert.equal((await ask(token, '/api/auth/verify?scope=constructor')).status, 200);
    const every = await makeToken(server, bob.token, { scopes: ['*'] });
    assert.equal((await ask(every.token, '/api/auth/verify?scope=constructor')).status, 200);
  });

  it('wildcards never reach what is ours, neither here nor at verify', async () => {
    const own = ['users', 'audit', 'blocks', 'metrics', 'sessions', 'tokens', 'admin'].map(
      (each) => `sallyport:${each}`,
    );
    for (const scopes of [
      ['*'],
      ['admin:*'],
      ['admin:all'],
      ['admin'],
      ['read:*', 'write:*', '*', 'admin:all', 'admin:*'],
    ]) {
      const { token } = await makeToken(server, root, { scopes });
      for (const path of ['/api/auth/users', '/api/auth/audit', '/api/auth/blocks', '/api/auth/api-tokens'])
        assertProblem(await ask(token, path), 403, 'insufficient_scope');
      for (const scope of [...own, 'admin:credentials', 'sallyport:unheard-of'])
        assertProblem(await ask(token, `/api/auth/verify?scope=${scope}`), 403, 'insufficient_scope');
    }
    const all = await makeToken(server, root, { scope: 'full_admin' });
    for (const scope of own) assert.equal((await ask(all.token, `/api/auth/verify?scope=${scope}`)).status, 200, scope);
    assertProblem(await ask(all.token, '/api/auth/verify?scope=admin:credentials'), 403, 'insufficient_scope');
    const credentials = await makeToken(server, root, { scopes: ['admin:credentials'] });
    assert.equal((await ask(credentials.token, '/api/auth/verify?scope=admin:credentials')).status, 200);
    assertProblem(await ask(credentials.token, '/api/auth/verify?scope=sallyport:users'), 403, 'insufficient_scope');
    // Which never was bob's to have, whatever the rule asks for.
    const bobs = await makeToken(server, bob.token, { scopes: ['*'] });
    for (const scope of ['admin', 'admin:users', 'admin:*', ...own])
      assertProblem(await ask(bobs.token, `/api/auth/verify?scope=${scope}`), 403, 'insufficient_scope');
    assert.equal((await ask(bobs.token, '/api/auth/verify?scope=sallyport:users&scope=write:x')).status, 200);
  });

  it('no token does what needs a person, and none makes, widens or renews tokens by itself', async () => {
    const victim = await makeToken(server, root, { scopes: ['read:a'] });
    for (const scopes of [administration, ['admin:all', 'admin:*', '*'], [...administration, 'admin:credentials']]) {
      const { id, token } = await makeToken(server, root, { scopes });
      const mayChange = scopes.includes('admin:credentials');
      const barred = mayChange ? 'reauthentication_required' : 'insufficient_scope';
      for (const [path, body] of [
        ['/api/auth/api-tokens', {}],
        ['/api/auth/generate-api-token', { scope: 'full_admin' }],
        [`/api/auth/api-tokens/${victim.id}/rotate`, {}],
        [`/api/auth/api-tokens/${id}/rotate`, {}],
        ['/api/auth/users', { username: 'mallory', privileges: ['admin'] }],
        [`/api/auth/users/${bob.id}/link`, { purpose: 'reset' }],
        ['/api/auth/disable', {}],
      ] as const)
        assertProblem(await ask(token, path, { body }), 403, barred);
      assertProblem(
        await ask(token, `/api/auth/users/${bob.id}`, { method: 'PATCH', body: { privileges: ['admin'] } }),
        403,
        barred,
      );
      assertProblem(await ask(token, `/api/auth/users/${bob.id}`, { method: 'DELETE', body: {} }), 403, barred);
      for (const body of [{ scopes: ['read:*'] }, { rate_limit: { per_minute: 601 } }])
        assertProblem(await onToken(server, token, victim.id, 'PATCH', body), 403, barred);
      assertProblem(
        await onToken(server, token, id, 'PATCH', {
          scopes: [...scopes, 'admin:credentials', 'read:zz', 'sallyport:users', '*', 'sallyport:admin'],
          rate_limit: { per_minute: 99_999 },
        }),
        403,
        barred,
      );
      if (!mayChange) assertProblem(await onToken(server, token, victim.id, 'DELETE'), 403, barred);
      for (const [method, path, body] of [
        ['GET', '/api/auth/sessions'],
        ['DELETE', '/api/auth/sessions'],
        ['POST', '/api/auth/logout', {}],
        ['POST', '/api/auth/reauthenticate', { password: admin.password }],
        ['POST', '/api/auth/change-password', { current_password: admin.password, new_password: 'x' }],
        ['POST', '/api/auth/totp/setup', { password: admin.password }],
        ['POST', '/api/auth/totp/disable', { password: admin.password, totp_code: '000000' }],
        ['POST', '/api/auth/recovery-codes', { password: admin.password }],
        ['GET', '/api/auth/passkeys'],
        ['POST', '/api/auth/passkeys/options', { password: admin.password }],
        ['GET', '/api/auth/factors'],
        ['GET', '/api/auth/notices'],
        ['GET', '/api/auth/login-attempts?all=1'],
      ] as const)
        assertProblem(await ask(token, path, { method, ...(body === undefined ? {} : { body }) }), 403, 'forbidden');
    }
    // With the right scope and the password in the same request, and with neither alone.
    const may = await makeToken(server, root, { scopes: ['admin:credentials'] });
    assertProblem(
      await ask(may.token, '/api/auth/api-tokens', { body: { password: 'wrong wrong wrong 77' } }),
      403,
      'reauthentication_failed',
    );
    assert.equal((await ask(may.token, '/api/auth/api-tokens', { body: { password: admin.password } })).status, 201);
    assert.equal((await ask(root, `/api/auth/users/${bob.id}`)).status, 200);
  });

  it('five wrong passwords in a row beside a token switch it off; four and a right one do not', async () => {
    const lucky = await makeToken(server, root, { scopes: ['admin:credentials'] });
    const guess = (token: string, number: number): Promise<Got> =>
      ask(token, '/api/auth/api-tokens', { body: { password: wrongPasswordNo(number) } });
    for (let at = 0; at < 4; at += 1) assertProblem(await guess(lucky.token, at), 403, 'reauthentication_failed');
    assert.equal((await ask(lucky.token, '/api/auth/api-tokens', { body: { password: admin.password } })).status, 201);
    const stolen = await makeToken(server, root, { scopes: ['admin:credentials'] });
    let tries = 0;
    // Nodes count each for itself.
    for (let got = await guess(stolen.token, 10); got.status === 403; got = await guess(stolen.token, 10 + tries))
      tries += 1;
    assert.ok(tries >= 5 && tries < 10, `${tries} tries`);
    assertProblem(await ask(stolen.token, '/api/auth/verify'), 401, 'invalid_token');
    const { tokens } = (await ask(root, '/api/auth/api-tokens')).json as { tokens: { id: string; active: boolean }[] };
    assert.equal(tokens.find(({ id }) => id === stolen.id)?.active, false);
    assert.equal(tokens.find(({ id }) => id === lucky.id)?.active, true);
  });

  it('a demoted owner’s token does what the owner may, from the next request on', async () => {
    const carol = await settle(server.console, house, 'carol', { privileges: ['admin'] });
    const { id, token } = await makeToken(server, carol.token, {
      scopes: [...administration, 'read:x', 'admin:credentials', 'sallyport:users'],
    });
    assert.equal((await ask(token, '/api/auth/users')).status, 200);
    assert.equal((await house.patch(carol.id, { privileges: [] })).status, 200);
    for (const path of ['/api/auth/users', '/api/auth/audit', '/api/auth/blocks'])
      assertProblem(await ask(token, path), 403, 'forbidden');
    for (const scope of ['sallyport:users', 'sallyport:admin', 'admin:credentials', 'admin:x'])
      assertProblem(await ask(token, `/api/auth/verify?scope=${scope}`), 403, 'insufficient_scope');
    assertProblem(await ask(token, '/api/auth/api-tokens', { body: { password: 'x' } }), 403, 'insufficient_scope');
    assertProblem(await ask(token, '/api/auth/verify?privilege=admin'), 403, 'forbidden');
    const still = await ask(token, '/api/auth/verify?scope=read:x');
    assert.equal(still.status, 200);
    assert.deepEqual([still.headers['remote-groups'], still.headers['x-auth-scopes']], ['', '*,read:x']);
    assertProblem(
      await onToken(server, carol.token, id, 'PATCH', { scopes: ['*', 'sallyport:admin'] }),
      403,
      'forbidden',
    );
    assert.equal((await house.patch(carol.id, { privileges: ['admin'] })).status, 200);
    assert.equal((await ask(token, '/api/auth/users')).status, 200);
    assert.equal((await house.patch(carol.id, { active: false })).status, 200);
    assertProblem(await ask(token, '/api/auth/verify'), 401, 'invalid_token');
    assertProblem(await ask(token, '/api/auth/users'), 401, 'invalid_token');
    assert.equal((await house.remove(carol.id)).status, 200);
    assertProblem(await ask(token, '/api/auth/verify'), 401, 'invalid_token');
  });

  it('new secrets asked for at once: in the end one is good', async () => {
    const { id, token } = await makeToken(server, bob.token);
    const all = await Promise.all(Array.from({ length: 10 }, () => onToken(server, bob.token, id, 'ROTATE')));
    for (const got of all) assert.ok(got.status === 200 || got.status === 409, got.text);
    const given = all.flatMap((got) => (got.status === 200 ? [String(got.json['token'])] : []));
    const alive = await Promise.all(
      [token, ...given].map(async (each) => (await ask(each, '/api/auth/verify')).status),
    );
    assert.deepEqual(new Set(alive), new Set([200, 401]));
    assert.equal(alive.filter((status) => status === 200).length, 1);
    // With an overlap two are, and never three.
    const one = (await onToken(server, bob.token, id, 'ROTATE', { overlap_seconds: 600 })).json['token'];
    const two = (await onToken(server, bob.token, id, 'ROTATE', { overlap_seconds: 600 })).json['token'];
    for (const each of given) assert.equal((await ask(each, '/api/auth/verify')).status, 401);
    for (const each of [one, two]) assert.equal((await ask(String(each), '/api/auth/verify')).status, 200);
    for (const overlap of [-1, 86_401, 1.5, '60', null])
      assertProblem(
        await onToken(server, bob.token, id, 'ROTATE', { overlap_seconds: overlap }),
        400,
        'invalid_request',
      );
  });
});

describe('when a token is over', () => {
  const day = 86_400_000;

  it('it is over to the millisecond, for good, and says no more than that', async () => {
    const house = await embed({ names: ['localhost'] });
    try {
      const { token: root } = await firstAccount(house);
      const short = await makeToken(house, root, { expires_in_days: 1 });
      const never = await makeToken(house, root, { never: true });
      const status = async (token: string): Promise<number> =>
        (await send(`${house.console}/api/auth/verify`, { headers: bearer(token) })).status;
      house.pass(day - 60_000);
      assert.deepEqual([await status(short.token), await status(never.token)], [200, 200]);
      house.pass(60_000);
      const got = await send(`${house.console}/api/auth/users`, { headers: bearer(short.token) });
      assertProblem(got, 401, 'invalid_token');
      assert.match(got.headers['www-authenticate'] ?? '', /, Bearer realm="Sallyport", error="invalid_token"$/);
      assert.equal(await status(never.token), 200);
      // The clock goes back, and the token does not.
      house.pass(-3_600_000);
      assert.equal(await status(short.token), 401);
      const session = bearer(await anotherSession(house, await ownerOf(house)));
      const body = { active: true, password: admin.password };
      await send(`${house.console}/api/auth/api-tokens/${short.id}`, { method: 'PATCH', headers: session, body });
      house.pass(3_600_001);
      assert.equal(await status(short.token), 401);
      for (const lifetime of [
        { expires_in_days: 0 },
        { expires_in_days: 3651 },
        { expires_in_days: 1.5 },
        { expires_in_days: 1, never: true },
        { expires_in_days: '1' },
      ])
        assertProblem(
          await send(`${house.console}/api/auth/api-tokens`, {
            headers: session,
            body: { ...lifetime, password: admin.password },
          }),
          400,
          'invalid_request',
        );
    } finally {
      await house.close();
    }
  });

  it('an old secret is over when its overlap is', async () => {
    const house = await embed({ names: ['localhost'] });
    try {
      const { token: root } = await firstAccount(house);
      const { id, token } = await makeToken(house, root, { never: true });
      const got = await onToken(house, root, id, 'ROTATE', { overlap_seconds: 60 });
      const status = async (shown: string): Promise<number> =>
        (await send(`${house.console}/api/auth/verify`, { headers: bearer(shown) })).status;
      house.pass(50_000);
      assert.equal(await status(token), 200);
      house.pass(10_001);
      assert.deepEqual([await status(token), await status(String(got.json['token']))], [401, 200]);
    } finally {
      await house.close();
    }
  });
});
