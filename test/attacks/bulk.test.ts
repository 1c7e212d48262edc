/** Attacks on requests about many things at once: one row that does what a request alone may not, and files that are none. */
import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { gzipSync } from 'node:zlib';
import { send } from '../support/client.ts';
import { type Admin, asAdmin, bearer, settle } from '../support/invited.ts';
import { setUp, signIn } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { importCsv, importPath, resultsOf, standings, tokensBulk, usersBulk } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askAs, basic, issue, tokensPath } from '../support/tokens.ts';

type User = Readonly<Record<string, unknown>>;

const head = 'username,email,name,privileges\r\n';

describe('many at once under attack', () => {
  let server: RunningServer;
  let admin: Admin;
  let rootId: string;
  let mallory: { readonly id: string; readonly token: string };
  before(async () => {
    // A balancer's clients are not on this machine.
    server = await startServer({ env: { SALLYPORT_SERVICE_KEY_REMOTE: 'true' } });
    admin = asAdmin(server.console, String((await setUp(server)).json['token']));
    rootId = String((await users('root1'))[0]?.['id']);
    mallory = await settle(server.console, admin, 'mallory', { privileges: ['editor'] });
  });
  after(() => server.remove());

  const users = async (matching: string): Promise<readonly User[]> =>
    (await admin.ask(`/api/auth/users?limit=500&q=${encodeURIComponent(matching)}`)).json['users'] as User[];
  const bulk = (items: readonly unknown[], more: object = {}) => admin.ask(usersBulk, { body: { items, ...more } });
  const as = (token: string) => asAdmin(server.console, token);

  it('K-02: nobody who is no admin makes, changes or imports accounts, nor an export of them', async () => {
    const own = [{ id: mallory.id, privileges: ['admin'] }];
    for (const atomic of [false, true])
      assertProblem(await as(mallory.token).ask(usersBulk, { body: { items: own, atomic } }), 403, 'forbidden');
    assertProblem(await importCsv(as(mallory.token), `${head}evil,,,admin\n`), 403, 'forbidden');
    const listed = await as(mallory.token).ask('/api/auth/users', { headers: { accept: 'text/csv' } });
    assertProblem(listed, 403, 'forbidden');
    for (const path of [usersBulk, importPath, tokensBulk])
      assert.equal((await send(`${server.console}${path}`, { method: 'POST' })).status, 401);
    assert.deepEqual(((await users('mallory'))[0] ?? {})['privileges'], ['editor']);
    assert.deepEqual(await users('evil'), []);
  });

  it('a cookie alone does none of it from another site', async () => {
    const person = await signIn(server);
    for (const [path, body, headers] of [
      [usersBulk, { items: [{ username: 'evil' }] }, {}],
      [tokensBulk, { items: [{ token_name: 'evil' }] }, {}],
      [importPath, `${head}evil,,,admin\n`, { 'content-type': 'text/csv' }],
    ] as const) {
      assertProblem(await person.send(path, { body, headers }), 403, 'csrf_failed');
      const cross = { ...headers, 'sec-fetch-site': 'cross-site', 'x-csrf-token': person.csrf };
      assertProblem(await person.send(path, { body, headers: cross }), 403, 'csrf_failed');
    }
    assert.deepEqual(await users('evil'), []);
    assert.equal((await person.page(usersBulk, { body: { items: [{ username: 'honest' }] } })).status, 200);
  });

  it('tokens of others: there are none to see, and an admin cannot let one do more', async () => {
    const root = await issue(askAs(server.console, (await setUpAgain()).token));
    const theirs = await issue(askAs(server.console, mallory.token));
    const rows = (action: string) => [
      { id: theirs.id, action },
      { id: root.id, action },
    ];
    for (const atomic of [true, false])
      for (const action of ['revoke', 'disable', 'enable']) {
        const got = await as(mallory.token).ask(tokensBulk, { body: { items: rows(action).slice(1), atomic } });
        assert.deepEqual(standings(got), ['404 not_found']);
      }
    assert.deepEqual(
      standings(await admin.ask(tokensBulk, { body: { items: [{ id: theirs.id, action: 'disable' }] } })),
      ['200'],
    );
    const widened = await admin.ask(tokensBulk, { body: { items: [{ id: theirs.id, action: 'enable' }] } });
    assert.deepEqual(standings(widened), ['403 forbidden']);
    const above = [
      { token_name: 'x', scopes: ['admin:credentials'] },
      { token_name: 'y', scope: 'full_admin' },
      { token_name: 'z', scopes: ['sallyport:*'] },
    ];
    const got = await as(mallory.token).ask(tokensBulk, { body: { items: above } });
    const alone: number[] = [];
    for (const body of above) alone.push((await as(mallory.token).ask(tokensPath, { body })).status);
    assert.deepEqual(
      resultsOf(got).map(({ status }) => status),
      alone,
    );
    assert.equal(alone[0], 403);
    for (const { scopes } of (await as(mallory.token).ask(tokensPath)).json['tokens'] as { scopes: string[] }[])
      assert.ok(!scopes.some((scope) => scope.startsWith('admin:')), scopes.join());
  });

  /** Root's own session, once more. */
  async function setUpAgain(): Promise<{ readonly token: string }> {
    const body = { username: 'Root1', password: 'violet anchor morning 42 lanterns' };
    return { token: String((await send(`${server.console}/api/auth/login`, { body })).json['token']) };
  }

  it('the service key switches and revokes tokens, and has none made for it', async () => {
    const key = readFileSync(join(server.data, 'api.key'), 'utf8').trim();
    const headers = { authorization: basic(`${key}:`) };
    const theirs = await issue(askAs(server.console, mallory.token));
    const got = await send(`${server.console}${tokensBulk}`, {
      headers,
      body: {
        items: [{ token_name: 'mine' }, { id: theirs.id, action: 'disable' }, { id: theirs.id, action: 'enable' }],
      },
    });
    assert.deepEqual(standings(got), ['403 forbidden', '200', '403 forbidden']);
    const made = await send(`${server.console}${usersBulk}`, { headers, body: { items: [{ username: 'by-key' }] } });
    assert.deepEqual(standings(made), ['201']);
    const imported = await importCsv(
      { ask: (path, sent) => send(`${server.console}${path}`, { ...sent, headers: { ...sent?.headers, ...headers } }) },
      `${head}by-file,,,\n`,
    );
    assert.deepEqual(standings(imported), ['201']);
  });

  it('I-13: fields that are nobody’s to set are ignored, in every form of a row', async () => {
    const evil = {
      created_at: '2000-01-01T00:00:00Z',
      totp_enabled: true,
      passkeys: 5,
      has_password: true,
      password: 'somebody else sets 42 of these',
      sealed_password: 'x',
      password_hash: '$2b$12$aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa',
      credential_generation: 9,
      role: 'admin',
      __proto__: { privileges: ['admin'] },
      constructor: { privileges: ['admin'] },
    };
    const got = await bulk([{ username: 'plain', ...evil }]);
    assert.deepEqual(standings(got), ['201']);
    const id = String(resultsOf(got)[0]?.id);
    assert.deepEqual(
      standings(
        await bulk([
          { id, email: '', ...evil },
          { id, action: 'disable', ...evil, privileges: ['admin'] },
        ]),
      ),
      ['200', '200'],
    );
    const raw = `{"items":[{"username":"proto","__proto__":{"privileges":["admin"]}}]}`;
    const sent = await admin.ask(usersBulk, { body: raw, headers: { 'content-type': 'application/json' } });
    assert.deepEqual(standings(sent), ['201']);
    for (const name of ['plain', 'proto']) {
      const [user] = await users(name);
      assert.deepEqual(
        [user?.['privileges'], user?.['has_password'], user?.['totp_enabled'], user?.['passkeys']],
        [[], false, false, 0],
      );
      assert.doesNotMatch(String(user?.['created_at']), /^2000/);
    }
    const ids = ['__proto__', 'constructor', 'toString', '../root1', "' OR 1=1 --"].map((each) => ({
      id: each,
      action: 'delete',
    }));
    for (const standing of standings(await bulk(ids))) assert.equal(standing, '404 not_found');
    const token = await admin.ask(tokensBulk, {
      body: { items: [{ token_name: 'x', user_id: mallory.id, use_count: 9, token: 'spt_mine' }] },
    });
    const { tokens } = (await admin.ask(tokensPath)).json as { tokens: User[] };
    assert.equal(tokens.find((each) => each['id'] === resultsOf(token)[0]?.id)?.['use_count'], 0);
  });

  it('the last admin stays, whatever rows stand around', async () => {
    const [second = ''] = resultsOf(await bulk([{ username: 'second', privileges: ['admin'] }])).map(({ id }) =>
      String(id),
    );
    for (const leaving of [{ action: 'disable' }, { action: 'delete' }, { privileges: [] }, { active: false }]) {
      const row = { id: rootId, ...leaving };
      // Who was only invited cannot sign in, and is no other admin yet.
      assert.deepEqual(standings(await bulk([row])), ['409 conflict']);
      const all = await bulk([{ id: second, email: 'second@example.org' }, row, { id: second, action: 'enable' }], {
        atomic: true,
      });
      assertProblem(all, 409, 'conflict');
      assert.deepEqual(standings(all), ['424 not_applied', '409 conflict', '424 not_applied']);
      assert.equal((await users('second'))[0]?.['email'], '');
    }
    const third = await settle(server.console, admin, 'third', { privileges: ['admin'] });
    const both = await bulk(
      [
        { id: third.id, action: 'disable' },
        { id: rootId, action: 'disable' },
      ],
      { atomic: true },
    );
    assert.deepEqual(standings(both), ['424 not_applied', '409 conflict']);
    assert.deepEqual(
      standings(
        await bulk([
          { id: third.id, action: 'disable' },
          { id: rootId, action: 'delete' },
        ]),
      ),
      ['200', '409 conflict'],
    );
  });

  it('files that are made to be long, deep or many cost what a bounded file costs, and make nothing', async () => {
    const mib = 1024 * 1024;
    const files: readonly (readonly [text: string | Uint8Array, status: number])[] = [
      ['x'.repeat(8 * mib), 400],
      [`"${'x'.repeat(8 * mib - 1)}`, 400],
      ['"'.repeat(100_000), 400],
      [`${head}${'""'.repeat(50_000)}`, 400],
      [`${head}${'"",'.repeat(100_000)}`, 400],
      [','.repeat(8 * mib), 400],
      ['\n'.repeat(8 * mib), 400],
      [`${head}${'evil,'.repeat(50)}\n`, 400],
      [`${head}${'\0'.repeat(1000)}`, 400],
      [Buffer.from(`${head}evil,,,\n`, 'utf16le'), 400],
      [Buffer.concat([Buffer.from(head), Buffer.from('évil,,,\n', 'latin1')]), 400],
      [gzipSync(`${head}evil,,,\n`), 400],
      [`${'x'.repeat(8 * mib)}y`, 413],
    ];
    for (const [text, status] of files) {
      const got = await importCsv(admin, text);
      assertProblem(got, status, status === 413 ? 'payload_too_large' : 'invalid_request');
    }
    assert.deepEqual(await users('evil'), []);
    const row = await importCsv(
      admin,
      `${head}${'x'.repeat(4000)},${'y'.repeat(1000)},${'z'.repeat(2000)},a\n"=cmd|' /C calc'!A0",,,\n`,
    );
    assert.deepEqual(standings(row), ['400 invalid_request', '400 invalid_request']);
    assert.doesNotMatch(row.text, /xxxx|calc/);
  });

  it('I-05: a body that is not CSV by name, or is packed, is refused before it is read', async () => {
    const packed = await importCsv(admin, gzipSync(`${head}evil,,,\n`), '', { 'content-encoding': 'gzip' });
    assertProblem(packed, 415, 'unsupported_media_type');
    const announced = await importCsv(admin, 'x', '', { 'content-length': String(9 * 1024 * 1024) }).catch(
      () => undefined,
    );
    if (announced !== undefined) assertProblem(announced, 413, 'payload_too_large');
    assert.deepEqual(await users('evil'), []);
  });

  it('a file that does not arrive whole makes nothing', async () => {
    const { port } = new URL(server.console);
    const session = (await setUpAgain()).token;
    const socket = connect(Number(port), '127.0.0.1');
    socket.on('error', () => undefined);
    socket.write(
      `POST ${importPath} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: ${bearer(session)['authorization']}\r\n` +
        `Content-Type: text/csv\r\nContent-Length: 1000\r\n\r\n${head}halfway,,,\n`,
    );
    await pause(200);
    socket.destroy();
    await pause(200);
    assert.deepEqual(await users('halfway'), []);
  });

  it('of the same file sent several times at once each account is made once', async () => {
    const text = `${head}${Array.from({ length: 300 }, (_, at) => `race-${at},,,editor\n`).join('')}`;
    const all = await Promise.all(Array.from({ length: 4 }, () => importCsv(admin, text)));
    const made = all.flatMap((got) => resultsOf(got).filter(({ status }) => status === 201));
    assert.equal(made.length, 300);
    for (const got of all) assert.ok(standings(got).every((each) => each === '201' || each === '409 conflict'));
    assert.equal((await users('race-')).length, 300);
  });

  it('none of it without a confirmation that is not old: a file cannot bring one along', async () => {
    const { secret } = await issue(askAs(server.console, (await setUpAgain()).token), {
      scopes: ['admin:credentials'],
    });
    const ask = as(secret);
    assertProblem(
      await ask.ask(usersBulk, { body: { items: [{ username: 'evil' }] } }),
      403,
      'reauthentication_required',
    );
    assertProblem(
      await ask.ask(tokensBulk, { body: { items: [{ token_name: 'evil' }] } }),
      403,
      'reauthentication_required',
    );
    assertProblem(await importCsv(ask, `${head}evil,,,\n`), 403, 'reauthentication_required');
    const wrong = { items: [{ username: 'evil' }], password: 'not this one, 42 times' };
    assertProblem(await ask.ask(usersBulk, { body: wrong }), 403, 'reauthentication_failed');
    assert.deepEqual(await users('evil'), []);
    const right = { items: [{ username: 'confirmed' }], password: 'violet anchor morning 42 lanterns' };
    assert.deepEqual(standings(await ask.ask(usersBulk, { body: right })), ['201']);
  });
});
