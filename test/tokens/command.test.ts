/** `sallyport token …` (2-http-api, 9): API tokens from the host, with the server running and without. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { commandsOf } from '../support/commands.ts';
import { bearer } from '../support/invited.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';

type Fields = Readonly<Record<string, unknown>>;

const actions = ['list', 'show', 'create', 'enable', 'disable', 'rotate', 'revoke'] as const;
const dayMs = 86_400_000;

describe('sallyport token', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
    await user.well('add', 'alice');
  });
  after(() => server.remove());

  const { run, well, json, fails } = commandsOf('token', () => server.data);
  const user = commandsOf('user', () => server.data);

  /** What a token made for it may read. */
  const users = (secret: unknown): Promise<Got> =>
    send(`${server.console}/api/auth/users`, { headers: bearer(String(secret)) });
  const create = (name: string, ...more: readonly string[]): Promise<Fields> =>
    json('create', name, '--user', 'root1', '--scope', 'sallyport:users', ...more);
  const listed = async (...more: readonly string[]): Promise<readonly Fields[]> =>
    (await json('list', ...more))['tokens'] as readonly Fields[];

  /** The same for both: `whose` keeps their tokens apart. Gives secrets that are dead, and one that is not. */
  const whole = async (whose: string) => {
    const name = `backup of ${whose}`;
    const printed = (await well('create', name, '--user', 'ROOT1', '--scope', 'sallyport:users')).split('\n');
    assert.equal(printed.length, 2, printed.join('\n'));
    const [about = '', secret = ''] = printed;
    assert.match(secret, /^spt_\w{36}$/);
    const [, id = ''] = /\((t_[\w-]{22})\)/.exec(about) ?? [];
    assert.match(about, new RegExp(`^${name} \\(${id}\\) acts as root1, for sallyport:users, until 20\\S+\\. `));

    const shown = await json('show', id);
    assert.deepEqual(
      [shown['success'], shown['id'], shown['username'], shown['name'], shown['scopes'], shown['active']],
      [true, id, 'root1', name, ['sallyport:users'], true],
    );
    assert.equal(secret.startsWith(String(shown['token_prefix'])), true);
    assert.match(await well('show', id), /^state +active$/m);
    assert.match(await well('list'), new RegExp(`^${id} +root1 +${name} +spt_\\w+ +sallyport:users +.+ active$`, 'm'));

    const never = await json('create', `alice ${whose}`, '--user', 'alice', '--never', '--address', '192.0.2.7');
    assert.deepEqual(
      [never['username'], never['scopes'], never['expires_at'], never['expires_in']],
      ['alice', ['read:*'], null, 'never'],
    );
    const [hers] = await listed('--user', 'alice', '--limit', '1');
    assert.deepEqual(
      [hers?.['id'], hers?.['username'], hers?.['ip_allowlist'], hers?.['last_used_at']],
      [never['id'], 'alice', ['192.0.2.7'], null],
    );
    const [newest, older] = [
      await listed('--limit', '1'),
      await listed('--before', String(never['id']), '--limit', '1'),
    ];
    assert.deepEqual([newest[0]?.['id'], older[0]?.['id']], [never['id'], id]);
    assert.match(await well('list', '--limit', '1'), new RegExp(`^more: --before ${String(never['id'])}$`, 'm'));

    const rotated = await well('rotate', id);
    assert.match(rotated, /the old one is dead\. .+\nspt_\w{36}$/);
    const overlapping = await json('rotate', id, '--overlap-seconds', '600');
    assert.ok(Date.parse(String(overlapping['previous_valid_until'])) > Date.now() + 300_000);
    assert.match(await well('disable', id), new RegExp(`^${name} \\(${id}\\) is disabled$`));
    assert.match(await well('list'), new RegExp(`^${id} .+ disabled$`, 'm'));
    assert.match(await well('enable', id), /is enabled$/);
    const short = String((await create('short'))['id']);
    assert.equal(await well('remove', short), `${short} is revoked`);
    await fails(69, /There is no such token/, 'remove', short);
    for (const each of [await run('list'), await run('list', '--json')])
      for (const told of [secret, rotated.split('\n')[1], overlapping['token'], never['token']])
        assert.ok(!each.out.includes(String(told)), 'a list tells a secret');
    return { id, dead: secret, replaced: rotated.split('\n')[1], secret: overlapping['token'], ofAlice: never['id'] };
  };

  it('with the server running: whole lives; what ends, ends at the next request', async () => {
    const { id, dead, replaced, secret } = await whole('running');
    assertProblem(await users(dead), 401, 'invalid_token');
    assert.equal((await users(replaced)).status, 200);
    assert.equal((await users(secret)).status, 200);
    // Uses that are not written yet are told all the same.
    const used = await json('show', id);
    assert.deepEqual([used['use_count'], used['last_used_address']], [2, '127.0.0.1']);
    assert.match(await well('show', id), /^last used +20\S+ from 127\.0\.0\.1$/m);
    await well('disable', id);
    assertProblem(await users(secret), 401, 'invalid_token');
    await well('enable', id);
    assert.equal((await users(secret)).status, 200);
    await well('rotate', id);
    assertProblem(await users(replaced), 401, 'invalid_token');
    assertProblem(await users(secret), 401, 'invalid_token');
    const last = await create('last');
    assert.equal((await users(last['token'])).status, 200);
    await well('revoke', String(last['id']));
    assertProblem(await users(last['token']), 401, 'invalid_token');
  });

  it('it has what it was given, and no more', async () => {
    const far = await create('far', '--address', '192.0.2.0/24', '--address', '2001:db8::/32');
    assertProblem(await users(far['token']), 403, 'address_denied');
    const near = await create('near', '--address', '127.0.0.0/8');
    assert.equal((await users(near['token'])).status, 200);
    const plain = await json('create', 'plain', '--user', 'root1');
    assertProblem(await users(plain['token']), 403, 'insufficient_scope');
    const full = await json('create', 'full', '--user', 'root1', '--scope', 'full_admin', '--expires-in-days', '30');
    assert.deepEqual([full['scopes'], full['expires_in']], [['*', 'sallyport:admin'], '30 days']);
    assert.equal((await users(full['token'])).status, 200);
    const left = Date.parse(String(full['expires_at'])) - Date.now();
    assert.ok(left > 29 * dayMs && left <= 30 * dayMs, String(left));
    const slow = await create('slow', '--per-minute', '1', '--per-hour', '7');
    const { rate_limit: limits } = await json('show', String(slow['id']));
    assert.deepEqual(limits, { per_minute: 1, per_hour: 7 });
    assert.match(await well('show', String(slow['id'])), /^rate limit +1 a minute, 7 an hour$/m);
    assert.equal((await users(slow['token'])).status, 200);
    assertProblem(await users(slow['token']), 429, 'rate_limited');
  });

  it('answers as over HTTP, with whose it is', async () => {
    const made = await create('shape');
    assert.deepEqual(Object.keys(made).toSorted(), [
      'expires_at',
      'expires_in',
      'id',
      'scopes',
      'success',
      'token',
      'token_name',
      'token_prefix',
      'username',
    ]);
    const rotated = await json('rotate', String(made['id']));
    assert.deepEqual(Object.keys(rotated).toSorted(), [
      'expires_at',
      'id',
      'previous_valid_until',
      'scopes',
      'success',
      'token',
      'token_name',
      'token_prefix',
      'username',
    ]);
    const session = await signInBearer(server);
    const { json: overHttp } = await send(`${server.console}/api/auth/api-tokens?all=1`, { headers: bearer(session) });
    assert.deepEqual(await json('list'), overHttp);
    assert.deepEqual(await json('revoke', String(made['id'])), { success: true });
  });

  it('everything is in the audit log as the host’s doing, and no secret is', async () => {
    const made = await create('written down');
    for (const action of ['disable', 'enable', 'rotate', 'revoke']) await well(action, String(made['id']));
    const session = await signInBearer(server);
    const got = await send(`${server.console}/api/auth/audit?limit=1000`, { headers: bearer(session) });
    const events = (got.json['events'] as Readonly<Record<string, string>>[])
      .filter(({ target }) => target === made['id'])
      .map(({ event, way, actor, address, result }) => [event, way, actor, address, result]);
    assert.deepEqual(events.toReversed(), [
      ['token-created', 'host', '', '', 'ok'],
      ['token-changed', 'host', '', '', 'active'],
      ['token-changed', 'host', '', '', 'active'],
      ['token-rotated', 'host', '', '', 'ok'],
      ['token-revoked', 'host', '', '', 'ok'],
    ]);
    assert.ok(!got.text.includes(String(made['token'])) && !server.log().includes('spt_'));
  });

  it('mistakes are one clear line: 64 for what was written, 69 for what is there', async () => {
    const before = (await listed()).length;
    await fails(64, /say what to do: sallyport token list, show, create,/);
    await fails(64, /no-such-flag/, 'list', '--no-such-flag', 'x');
    await fails(64, /--per-minute is a number from 1 to \d+\./, 'create', 'x', '--user', 'root1', '--per-minute', '0');
    await fails(64, /--overlap-seconds is a number from 0 to 86400\./, 'rotate', 't_x', '--overlap-seconds', '86401');
    await fails(64, /"limit" is a number/, 'list', '--limit', '1001');
    await fails(64, /"before" is what/, 'list', '--before', 'x');
    await fails(64, /"read projects" is none/, 'create', 'x', '--user', 'root1', '--scope', 'read projects');
    await fails(64, /no scope "sallyport:nothing"/, 'create', 'x', '--user', 'root1', '--scope', 'sallyport:nothing');
    await fails(64, /"10\.0\.0\.0\/33" is none/, 'create', 'x', '--user', 'root1', '--address', '10.0.0.0/33');
    await fails(69, /may not give a token the scope/, 'create', 'x', '--user', 'alice', '--scope', 'full_admin');
    for (const line of [
      ['create', 'x', '--user', 'ghost'],
      ['list', '--user', 'ghost'],
    ])
      await fails(69, /There is no such user/, ...line);
    for (const action of ['show', 'enable', 'disable', 'rotate', 'revoke'])
      await fails(69, /There is no such token/, action, 't_AAAAAAAAAAAAAAAAAAAAAA');
    await fails(69, /There is no such token/, 'revoke', 'nonsense');
    await user.well('disable', 'alice');
    await fails(69, /disabled: enable it first/, 'create', 'x', '--user', 'alice');
    await user.well('enable', 'alice');
    assert.equal((await listed()).length, before);
    const help = await run('--help');
    assert.equal(help.code, 0);
    for (const action of actions) assert.match(help.out, new RegExp(`\\b${action}\\b`));
    assert.match((await runCommand(['--help'])).out, /^ {2}token +\w+/m);
  });

  it('with the server stopped: the same on its store; what was done holds when it starts again', async () => {
    const early = await create('early');
    assert.equal((await users(early['token'])).status, 200);
    assert.equal(await server.end(), 0);
    // Uses were written when it stopped.
    assert.equal((await json('show', String(early['id'])))['use_count'], 1);
    const { id, dead, replaced, secret, ofAlice } = await whole('stopped');
    await fails(64, /"10\.0\.0\.0\/33" is none/, 'create', 'x', '--user', 'root1', '--address', '10.0.0.0/33');
    await fails(69, /may not give a token the scope/, 'create', 'x', '--user', 'alice', '--scope', 'full_admin');
    await fails(69, /There is no such user/, 'create', 'x', '--user', 'ghost');
    for (const action of ['show', 'revoke'])
      await fails(69, /There is no such token/, action, 't_AAAAAAAAAAAAAAAAAAAAAA');
    const { token: ofAnother } = await create('of another prefix', '--token-prefix', 'nas_');
    assert.match(String(ofAnother), /^nas_\w{36}$/);
    await well('revoke', String(early['id']));
    await well('disable', String(ofAlice));
    server = await startServer({ data: server.data, standing: 'set-up' });
    assertProblem(await users(dead), 401, 'invalid_token');
    assertProblem(await users(early['token']), 401, 'invalid_token');
    assert.equal((await users(replaced)).status, 200);
    assert.equal((await users(secret)).status, 200);
    assert.equal((await json('show', String(ofAlice)))['active'], false);
    await well('revoke', id);
    assertProblem(await users(secret), 401, 'invalid_token');
  });

  it('no database, wrong settings', async () => {
    const empty = await temporaryFolder();
    try {
      const none = await runCommand(['token', 'list', '--data', empty]);
      assert.equal(none.code, 69);
      assert.match(none.err, /^sallyport: there is no database in /);
      const wrong = await runCommand(['token', 'list', '--data', empty, '--token-prefix', 'sps_']);
      assert.equal(wrong.code, 64);
      assert.match(wrong.err, /--token-prefix/);
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });
});
