/** `sallyport user …` (2-http-api, 9): accounts from the host, with the server running and without. */
import assert from 'node:assert/strict';
import { rm } from 'node:fs/promises';
import { createServer } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { bearer, login, passwordOf, redeem } from '../support/invited.ts';
import { send } from '../support/client.ts';
import { commandsOf } from '../support/commands.ts';
import { admin as rootOf, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';

const actions = [
  'list',
  'show',
  'add',
  'invite',
  'reset',
  'enable',
  'disable',
  'delete',
  'grant',
  'revoke',
  'reset-factors',
  'unlock',
  'import',
  'export',
] as const;

describe('sallyport user', () => {
  let server: RunningServer;
  let mail: MailServer;
  before(async () => {
    mail = await startMailServer();
    server = await startServer({
      args: ['--smtp', `smtp://127.0.0.1:${mail.port}`, '--mail-from', 'sallyport@nas.home'],
    });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await mail.close();
  });

  const { run, well, json, fails } = commandsOf('user', () => server.data);
  const user = async (name: string): Promise<Readonly<Record<string, unknown>>> =>
    (await json('show', name))['user'] as Record<string, unknown>;

  /** The same for both: `whose` keeps their accounts apart. */
  const whole = async (whose: string): Promise<string> => {
    const name = `alice-${whose}`;
    assert.match(
      await well(
        'add',
        name,
        '--email',
        `${name}@example.org`,
        '--display-name',
        'Alice Ä.',
        '--group',
        'staff',
        '--group',
        'wheel',
        '--privilege',
        'editor',
      ),
      /invite its owner/,
    );
    const made = await user(name);
    assert.deepEqual(
      [
        made['username'],
        made['email'],
        made['display_name'],
        made['groups'],
        made['privileges'],
        made['active'],
        made['has_password'],
      ],
      [name, `${name}@example.org`, 'Alice Ä.', ['staff', 'wheel'], ['editor'], true, false],
    );
    assert.match(await well('list'), new RegExp(`^${name} +invited +${name}@example.org +editor$`, 'm'));
    assert.match(await well('list'), /^root1 +active +- +admin$/m);
    const found = await json('list', '--matching', whose.toUpperCase(), '--limit', '1');
    assert.deepEqual(
      (found['users'] as { username: string }[]).map(({ username }) => username),
      [name],
    );
    assert.match(await well('show', name.toUpperCase()), new RegExp(`^username +${name}$`, 'm'));

    assert.match(await well('grant', name, 'admin', 'editor'), /has editor, admin$/);
    assert.match(await well('revoke', name, 'editor'), /has admin$/);
    assert.match(await well('revoke', name, 'admin', 'nothing'), /has no privileges$/);
    assert.match(await well('disable', name), /is disabled$/);
    await fails(69, /disabled: enable it first/, 'invite', name);
    assert.match(await well('enable', name), /is enabled$/);

    await fails(69, /no password yet/, 'reset', name);
    const told = await well('invite', name);
    assert.match(told, new RegExp(`^invitation for ${name}, once, until .+:\\nhttp://\\S+/auth/link#link=[\\w-]{43}$`));
    return told.split('\n')[1] ?? '';
  };

  it('with the server running: whole lives; links are mailed, too; what ends, ends at once', async () => {
    const link = await whole('running');
    assert.ok(link.startsWith(`${server.url}/auth/link#`), link);
    assert.ok(mail.mails.some(({ to, text }) => to[0] === 'alice-running@example.org' && text.includes(link)));
    assert.equal((await json('invite', 'alice-running'))['mailed'], true);
    const again = await json('invite', 'alice-running');
    const redeemed = await redeem(server.console, again['link'], passwordOf('alice'));
    assert.equal(redeemed.status, 201, redeemed.text);
    const token = String(redeemed.json['token']);
    const ask = () => send(`${server.console}/api/auth/users`, { headers: bearer(token) });
    assert.equal((await ask()).status, 403);
    await well('grant', 'alice-running', 'admin');
    assert.equal((await ask()).status, 200);
    await well('revoke', 'alice-running', 'admin');
    assert.equal((await ask()).status, 403);
    // For whoever has a password, invite is the reset.
    const reset = await json('invite', 'alice-running');
    assert.equal(reset['purpose'], 'reset');
    assert.equal(
      (await redeem(server.console, (await json('reset', 'alice-running'))['link'], passwordOf('alina'))).status,
      201,
    );
    assertProblem(await ask(), 401, 'invalid_token');
    const next = await signInBearer(server, { username: 'alice-running', password: passwordOf('alina') });
    const alive = () => send(`${server.console}/api/auth/sessions`, { headers: bearer(next) });
    assert.equal((await alive()).status, 200);
    assert.match(await well('reset-factors', 'alice-running'), /no second factor and no recovery code/);
    assertProblem(await alive(), 401, 'invalid_token');
    const last = await signInBearer(server, { username: 'alice-running', password: passwordOf('alina') });
    const factors = await send(`${server.console}/api/auth/factors`, { headers: bearer(last) });
    assert.equal(factors.json['recovery_codes'], 0);
    assert.match(await well('remove', 'alice-running'), /is deleted$/);
    assertProblem(await send(`${server.console}/api/auth/sessions`, { headers: bearer(last) }), 401, 'invalid_token');
  });

  it('unlock: passwords that strangers tried, and nothing that was not there', async () => {
    assert.match(await well('unlock', rootOf.username), /^nothing kept Root1 out$/);
    for (let count = 0; count < 6; count += 1)
      await login(server.console, rootOf.username, `wrong number ${count} altogether`, { from: '127.97.0.1' });
    assert.equal((await login(server.console, rootOf.username, rootOf.password, { from: '127.97.0.1' })).status, 429);
    assert.match(await well('unlock', rootOf.username), /is unlocked$/);
    assert.deepEqual(await json('unlock', rootOf.username), { success: true, lifted: 0 });
  });

  it('everything is in the audit log as the host’s doing, and no link is', async () => {
    const token = await signInBearer(server);
    const got = await send(`${server.console}/api/auth/audit?limit=1000`, { headers: bearer(token) });
    const events = (got.json['events'] as Readonly<Record<string, string>>[]).filter(
      ({ way, actor, address }) => way === 'host' && actor === '' && address === '',
    );
    const names = new Set(events.map(({ event }) => event));
    for (const name of [
      'user-created',
      'privileges-changed',
      'user-disabled',
      'user-enabled',
      'link-made',
      'factors-reset',
      'user-deleted',
      'blocks-lifted',
    ])
      assert.ok(names.has(name), name);
    assert.doesNotMatch(got.text, /#link=/);
    assert.doesNotMatch(server.log(), /#link=/);
  });

  it('mistakes are one clear line: 64 for what was written, 69 for what is there', async () => {
    await fails(64, /say what to do: sallyport user list, show, add,/);
    await fails(64, /no-such-flag/, 'show', 'root1', '--no-such-flag', 'x');
    await fails(64, /limit/, 'list', '--limit', '501');
    await fails(64, /user name/i, 'add', 'a b');
    await fails(64, /"email" is one address/, 'add', 'x', '--email', 'a@b, c@d');
    await fails(64, /"privileges" are words/, 'add', 'x', '--privilege', 'a,b');
    await fails(64, /"privileges" are words/, 'grant', 'root1', 'a b');
    await fails(64, /"display_name"/, 'add', 'x', '--display-name', 'a\u202eb');
    await fails(69, /taken/, 'add', 'ROOT1');
    for (const action of ['show', 'invite', 'unlock']) await fails(69, /There is no such user/, action, 'ghost');
    await fails(69, /There is no such user/, 'grant', 'ghost', 'admin');
    for (const [action, ...more] of [['disable'], ['delete'], ['revoke', 'admin']] as const)
      await fails(69, /last active administrator/, action ?? '', 'root1', ...more);
    assert.deepEqual((await user('root1'))['privileges'], ['admin']);
    const help = await run('--help');
    assert.equal(help.code, 0);
    for (const action of actions) assert.match(help.out, new RegExp(`\\b${action}\\b`));
  });

  it('with the server stopped: the same on its store; what was done holds when it starts again', async () => {
    assert.equal(await server.end(), 0);
    const link = await whole('stopped');
    await fails(69, /last active administrator/, 'disable', 'root1');
    await fails(69, /There is no such user/, 'show', 'ghost');
    assert.match(await well('unlock', 'root1'), /root1/);
    assert.equal((await json('invite', 'alice-stopped'))['mailed'], false);
    const last = await json('invite', 'alice-stopped');
    assert.match(link, /^http:\/\/localhost:\d+\/auth\/link#link=/);
    await well('add', 'bob');
    await well('delete', 'bob');
    await well('reset-factors', 'alice-stopped');
    server = await startServer({ data: server.data, standing: 'set-up' });
    // Making it void was what reset-factors did to the link: the credentials changed.
    assertProblem(await redeem(server.console, last['link'], passwordOf('alice')), 403, 'link_invalid');
    const fresh = await json('invite', 'alice-stopped');
    assert.equal((await redeem(server.console, fresh['link'], passwordOf('alice'))).status, 201);
    assert.equal((await login(server.console, 'alice-stopped', passwordOf('alice'))).status, 200);
    await fails(69, /There is no such user/, 'show', 'bob');
  });

  it('a server that was asked and does not answer may have done it: nothing is done a second time', async () => {
    assert.equal(await server.end(), 0);
    const asked: string[] = [];
    const silent = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', (bytes) => {
        asked.push(String(bytes));
        socket.destroy();
      });
    });
    await new Promise<void>((resolve) => silent.listen(join(server.data, 'control.sock'), resolve));
    await fails(69, /^sallyport: the server on .+ did not answer \(\w+\)\. Look whether .+\n$/, 'add', 'twice');
    assert.match(asked[0] ?? '', /^POST \/user /);
    const setup = await runCommand(['setup', '--new-code', '--data', server.data]);
    assert.deepEqual([setup.code, setup.out], [69, '']);
    assert.match(setup.err, /did not answer/);
    await new Promise((resolve) => silent.close(resolve));
    await fails(69, /There is no such user/, 'show', 'twice');
    server = await startServer({ data: server.data, standing: 'set-up' });
  });

  it('no folder, no database, wrong settings', async () => {
    const empty = await temporaryFolder();
    try {
      for (const action of ['list', 'show', 'invite']) {
        const ran = await runCommand(['user', action, ...(action === 'list' ? [] : ['x']), '--data', empty]);
        assert.equal(ran.code, 69);
        assert.match(ran.err, /^sallyport: there is no database in /);
      }
      const wrong = await runCommand(['user', 'list', '--data', empty, '--smtp', 'nonsense']);
      assert.equal(wrong.code, 64);
      assert.match(wrong.err, /--smtp/);
    } finally {
      await rm(empty, { recursive: true, force: true });
    }
  });

  it('the public URL is where links lead, running or not', async () => {
    const { code, out } = await runCommand(['user', 'add', 'zoe', '--data', server.data]);
    assert.equal(code, 0, out);
    assert.equal(await server.end(), 0);
    const made = await runCommand([
      'user',
      'invite',
      'zoe',
      '--json',
      '--data',
      server.data,
      '--public-url',
      'https://nas.home',
    ]);
    assert.match((JSON.parse(made.out) as { link: string }).link, /^https:\/\/nas\.home\/auth\/link#link=/);
  });
});
