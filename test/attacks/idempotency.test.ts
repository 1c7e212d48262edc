/** Attacks on requests with an Idempotency-Key, and on what is kept of them (security.md 2.7, K-18). */
import assert from 'node:assert/strict';
import { readdir, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { asking, firstAccount } from '../support/accounts.ts';
import type { Got } from '../support/client.ts';
import { withCopy } from '../support/database.ts';
import { type Admin, asAdmin, settle } from '../support/invited.ts';
import { assertFirst, assertReplay, type Keyed, newKey, saidIn, sendKeyed } from '../support/keyed.ts';
import { embed } from '../support/library.ts';
import { admin, setUp, signIn, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { basic, makeToken, tokensPath, wideLimits } from '../support/tokens.ts';

const minute = 60_000;

describe('K-18: attacks with an Idempotency-Key', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  let mallory: { readonly id: string; readonly token: string };
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    mallory = await settle(server.console, house, 'mallory');
  });
  after(() => server.remove());

  const ask = (keyed: Omit<Keyed, 'held'> & { readonly held?: string }): Promise<Got> =>
    sendKeyed(server.console, { held: root, ...keyed });
  const token = (token_name: string): { readonly path: string; readonly body: object } => ({
    path: tokensPath,
    body: { token_name },
  });
  const raw = (body: string): Pick<Keyed, 'path' | 'body' | 'headers'> => ({
    path: tokensPath,
    body,
    headers: { 'content-type': 'application/json' },
  });

  it('a key says nothing of what others asked for under it', async () => {
    const [used, unused] = [newKey(), newKey()];
    const made = await ask({ ...token('of root'), key: used });
    assertFirst(made, 201);
    const user = await ask({ path: '/api/auth/users', body: { username: 'nina' }, key: newKey() });
    assertFirst(user, 201);
    for (const [held, headers] of [
      ['', {}],
      [mallory.token, {}],
      ['', { authorization: basic(`${admin.username}:${wrongPasswordNo(1)}`) }],
      ['sps_000000000000000000000000000000aaaaaa', {}],
    ] as const) {
      for (const path of ['/api/auth/users', `${tokensPath}/${String(made.json['id'])}/rotate`]) {
        const asked = { held, headers, path, body: { username: 'nina' } };
        const [known, other] = [await ask({ ...asked, key: used }), await ask({ ...asked, key: unused })];
        assert.ok([401, 403, 404].includes(known.status), known.text);
        assert.deepEqual(saidIn(known), saidIn(other));
      }
    }
    const hers = await ask({ ...token('of root'), key: used, held: mallory.token });
    assertFirst(hers, 201);
    assert.notEqual(hers.json['id'], made.json['id']);
    assertReplay(await ask({ ...token('of root'), key: used }), made);
  });

  it('a key is what it is letter by letter; the name of its header is any case', async () => {
    const key = newKey();
    const first = await ask({ ...token('cased'), key: `${key}-a` });
    for (const other of [`${key}-A`, `${key}-a.`, `${key}-%61`, `"${key}-a"`])
      assertFirst(await ask({ ...token('cased'), key: other }), 201);
    assertReplay(await ask({ ...token('cased'), headers: { 'IDEMPOTENCY-KEY': `${key}-a` } }), first);
    for (const got of [first, await ask({ ...token('cased'), key: `${key}-a` })])
      assert.ok(!`${got.text}${JSON.stringify(got.headers)}`.includes(key), 'it is not said back');
  });

  it('nothing in a body hides from what is compared, but what confirms the person', async () => {
    const key = newKey();
    const body = '{"token_name":"compared","rate_limit":{"per_minute":5}}';
    const first = await ask({ ...raw(body), key });
    assertFirst(first, 201);
    for (const other of [
      '{"token_name":"compared","rate_limit":{"per_minute":6}}',
      '{"token_name":"compared","rate_limit":{"per_minute":5,"password":"x"}}',
      '{"token_name":"compared","rate_limit":{"per_minute":5},"__proto__":{"scopes":["*"]}}',
      '{"token_name":"compared","rate_limit":{"per_minute":5},"constructor":1}',
      '{"token_name":"compared","rate_limit":{"per_minute":5},"Password":"x"}',
      '{"token_name":"compared","rate_limit":{"per_minute":5},"unknown":null}',
      '{"token_name":"compared","rate_limit":{"per_minute":5},"never":true}',
      '{"token_name":"compared"}',
      `{"token_name":"compared","rate_limit":{"per_minute":5},"pad":"${'x'.repeat(60_000)}"}`,
    ])
      assertProblem(await ask({ ...raw(other), key }), 422, 'idempotency_mismatch');
    assertReplay(await ask({ ...raw(` ${body.replaceAll(':', ' : ')} `), key }), first);
    const padded = newKey();
    const long = (last: string): string => `{"token_name":"padded","pad":"${'x'.repeat(60_000)}${last}"}`;
    assertFirst(await ask({ ...raw(long('a')), key: padded }), 201);
    assertProblem(await ask({ ...raw(long('b')), key: padded }), 422, 'idempotency_mismatch');
    assertProblem(
      await ask({ ...raw(`${long('a').slice(0, -2)}${'x'.repeat(9000)}"}`), key: padded }),
      413,
      'payload_too_large',
    );
  });

  it('a spelling of the path or query that is another one is another request', async () => {
    const key = newKey();
    const first = await ask({ ...token('spelled'), key });
    for (const path of [`${tokensPath}?dry_run=1`, `${tokensPath}?a=1&b=2`])
      assertProblem(await ask({ ...token('spelled'), path, key }), 422, 'idempotency_mismatch');
    for (const path of [`${tokensPath}/`, `/api/auth//api-tokens`, '/api/auth/%61pi-tokens', '/API/auth/api-tokens'])
      assertProblem(await ask({ ...token('spelled'), path, key }), 404, 'not_found');
    assertReplay(await ask({ ...token('spelled'), key }), first);
  });

  it('another site’s page is told nothing, whatever key it knows', async () => {
    const browser = await signIn(server);
    const key = { 'idempotency-key': newKey() };
    const body = { token_name: 'by browser' };
    const first = await browser.page(tokensPath, { body, headers: key });
    assertFirst(first, 201);
    for (const headers of [
      { ...key, 'sec-fetch-site': 'cross-site' },
      { ...key, origin: 'https://evil.example' },
      { ...key, 'x-csrf-token': 'A'.repeat(43) },
    ])
      assertProblem(await browser.page(tokensPath, { body, headers }), 403, 'csrf_failed');
    assertReplay(await browser.page(tokensPath, { body, headers: key }), first);
  });

  it('the service key has keys of its own, which no account’s are', async () => {
    const key = newKey();
    const service = (await readFile(join(server.data, 'api.key'), 'utf8')).trim();
    const tool = { held: '', headers: { authorization: basic(`${service}:`) } };
    const create = { path: '/api/auth/users', body: { username: 'owen' }, key };
    const first = await ask({ ...create, ...tool });
    assertFirst(first, 201);
    const owen = `/api/auth/users/${(first.json['user'] as { id: string }).id}`;
    assertFirst(await ask(create), 409);
    assertReplay(await ask({ ...create, ...tool }), first);
    const invite = { path: `${owen}/link`, body: { purpose: 'invite' }, key: newKey() };
    const link = await ask({ ...invite, ...tool });
    assertFirst(link, 201);
    const own = await ask(invite);
    assertFirst(own, 201);
    assert.notEqual(own.json['link'], link.json['link']);
    assertReplay(await ask({ ...invite, ...tool }), link);
  });

  it('a token that reaches less is not told what its owner was told', async () => {
    const reader = await makeToken(server, root, { scope: 'read_only', rate_limit: wideLimits });
    const keyed = { ...token('of the owner'), key: newKey() };
    assertFirst(await ask(keyed), 201);
    assertProblem(await ask({ ...keyed, held: reader.token }), 403, 'insufficient_scope');
  });

  it('a flood of keys costs its sender’s own, and nobody else’s', async () => {
    const key = newKey();
    const first = await ask({ ...token('flooded'), key });
    const ticket = { held: mallory.token, path: '/api/auth/tickets', body: { path: '/x' } };
    for (let at = 0; at < 1100; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, async (_, next) =>
          assertFirst(await ask({ ...ticket, key: `f-${at + next}` }), 201),
        ),
      );
    assert.equal((await ask({ ...ticket, key: 'f-1099' })).headers['idempotency-replayed'], 'true');
    assertReplay(await ask({ ...token('flooded'), key }), first);
    await withCopy(server.data, (db) => {
      const of = db.prepare('SELECT count(*) AS count FROM idempotent_requests WHERE owner = ?').get(mallory.id);
      assert.ok(Number(of?.['count']) <= 1000, `${String(of?.['count'])} are kept`);
    });
  });

  it('nothing in the data folder tells a secret, a key or a password', async () => {
    const session = await signInBearer(server);
    const proof = { password: admin.password };
    const secrets: string[] = [root, session, admin.password];
    const user = await house.create({ username: 'paul' });
    const { id } = await makeToken(server, root);
    for (const [field, path, body] of [
      ['token', tokensPath, { token_name: 'dumped' }],
      ['token', `${tokensPath}/${id}/rotate`, {}],
      ['ticket', '/api/auth/tickets', { path: '/dumped' }],
      ['user_key', '/api/auth/user-key', {}],
      ['link', `/api/auth/users/${user}/link`, { purpose: 'invite' }],
    ] as const) {
      for (const headers of [{}, { authorization: basic(`${admin.username}:${admin.password}`) }]) {
        const [key, held] = [newKey(), 'authorization' in headers ? '' : session];
        if (field === 'ticket' && held === '') continue;
        const got = await ask({ held, headers, path, body: { ...body, ...proof }, key });
        assert.ok(got.status < 300, got.text);
        const secret = String(got.json[field]);
        assert.ok(secret.length > 20);
        secrets.push(key, secret, secret.split('#link=').at(-1) ?? secret);
      }
    }
    // The words themselves, and as somebody would write them who wanted to hide them.
    const forms = secrets.flatMap((text) => [
      text,
      Buffer.from(text).toString('base64url').slice(0, -2),
      Buffer.from(text).toString('hex'),
    ]);
    let read = 0;
    for (const name of await readdir(server.data)) {
      const bytes = await readFile(join(server.data, name)).catch(() => Buffer.alloc(0));
      read += bytes.length;
      for (const form of forms) assert.ok(!bytes.includes(form), `${name} holds a secret`);
    }
    assert.ok(read > 100_000, 'the folder was read');
    await withCopy(server.data, (db) => {
      const rows = db.prepare("SELECT answer, sealed FROM idempotent_requests WHERE sealed <> ''").all();
      assert.ok(rows.length >= 9);
      for (const { answer, sealed } of rows) {
        assert.doesNotMatch(String(answer), /"(token|ticket|user_key|link)":/);
        assert.match(String(sealed), /^v1\.credential\./);
      }
    });
    for (const secret of secrets) assert.ok(!server.log().includes(secret), 'nor does the log');
  });
});

describe('K-18: a replay needs what the request needs', () => {
  it('a window to confirm in that has closed since; and nothing is kept for longer than a day', async () => {
    const house = await embed({ names: ['localhost'] });
    try {
      const { token } = await firstAccount(house);
      const ask = asking(house, token);
      const key = { headers: { 'idempotency-key': newKey() } };
      const body = { token_name: 'confirmed' };
      const first = await ask('POST', tokensPath, body, key);
      assertFirst(first, 201);
      assertReplay(await ask('POST', tokensPath, body, key), first);
      house.pass(30 * minute);
      assertProblem(await ask('POST', tokensPath, body, key), 403, 'reauthentication_required');
      const proof = { ...body, password: admin.password };
      assertReplay(await ask('POST', tokensPath, proof, key), first);
      for (let hours = 0; hours < 24; hours += 8) {
        house.pass(8 * 60 * minute);
        assert.equal((await ask('GET', tokensPath)).status, 200);
      }
      const anew = await ask('POST', tokensPath, proof, key);
      assertFirst(anew, 201);
      assert.notEqual(anew.json['id'], first.json['id']);
    } finally {
      await house.close();
    }
  });
});
