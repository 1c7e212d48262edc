/** People of a directory: how they come in, what they are here, and what stays theirs; against a real slapd over TLS. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { asBasic } from '../support/basic.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { type Admin, asAdmin, bearer, login } from '../support/invited.ts';
import { admin, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { groups, startSlapd, type TestDirectory } from '../support/slapd.ts';
import { answer } from '../support/two-steps.ts';

const passwordOf = (name: string): string => `${name} reads 17 maps at night`;

describe('people of a directory', { skip: withoutPackages }, () => {
  let directory: TestDirectory;
  let server: RunningServer;
  let root: Admin;
  before(async () => {
    directory = await startSlapd();
    server = await startServer({ env: directory.env });
    await setUp(server);
    root = asAdmin(server.console, await signInBearer(server));
  });
  after(async () => {
    await server.remove();
    await directory.remove();
  });

  const accountOf = async (name: string) => {
    const got = await root.ask(`/api/auth/users?q=${encodeURIComponent(name)}`);
    return (got.json['users'] as readonly Record<string, unknown>[]).find(({ username }) => username === name);
  };

  it('come in with their password, and are an account from then on', async () => {
    await directory.person('alice', passwordOf('alice'), { cn: 'Alice of Corp' });
    assert.equal(await accountOf('alice@corp'), undefined);
    const got = await login(server.console, 'Alice@Corp', passwordOf('alice'));
    assert.equal(got.status, 200, got.text);
    const account = await accountOf('alice@corp');
    assert.deepEqual(
      [account?.['display_name'], account?.['email'], account?.['realm'], account?.['active'], account?.['privileges']],
      ['Alice of Corp', 'alice@corp.test', 'corp', true, []],
    );
    const status = await send(`${server.console}/api/auth/status`, { headers: bearer(String(got.json['token'])) });
    assert.equal(status.status, 200, status.text);
    await login(server.console, 'alice@corp', passwordOf('alice'));
    const events = (await root.ask('/api/auth/audit?event=user-created')).json['events'];
    const made = (events as readonly Record<string, unknown>[]).filter(({ target }) => target === account?.['id']);
    assert.deepEqual(
      made.map(({ result }) => result),
      ['corp'],
    );
  });

  it('are told the same for a wrong password and for a name that is nobody’s', async () => {
    const answers = await Promise.all([
      login(server.console, 'alice@corp', wrongPasswordNo(1)),
      login(server.console, 'nobody-at-all@corp', wrongPasswordNo(1)),
      login(server.console, 'nobody-at-all', wrongPasswordNo(1)),
    ]);
    for (const got of answers) assertProblem(got, 401, 'invalid_credentials');
    const [one, ...others] = answers.map(({ json }) => ({ ...json, instance: undefined, request_id: undefined }));
    for (const other of others) assert.deepEqual(other, one);
    assert.equal(await accountOf('nobody-at-all@corp'), undefined);
  });

  it('have the groups of the directory, and the privileges that these give', async () => {
    const dn = await directory.person('bob', passwordOf('bob'));
    await directory.group('admins', [dn]);
    await directory.group('Media Staff', [dn]);
    await directory.group('cooks', [dn]);
    const got = await login(server.console, 'bob@corp', passwordOf('bob'));
    assert.equal(got.status, 200, got.text);
    // What no group here can be called is left out; what it gives is given.
    const account = await accountOf('bob@corp');
    assert.deepEqual(
      [account?.['groups'], account?.['privileges']],
      [
        ['admins', 'cooks'],
        ['admin', 'media'],
      ],
    );
    const bob = asAdmin(server.console, String(got.json['token']));
    assert.equal((await bob.ask('/api/auth/users')).status, 200);

    // What a group gave goes with it, at the next sign-in.
    await directory.delete(`cn=admins,${groups}`);
    assert.equal((await login(server.console, 'bob@corp', passwordOf('bob'))).status, 200);
    assert.deepEqual((await accountOf('bob@corp'))?.['privileges'], ['media']);
    assertProblem(await bob.ask('/api/auth/users'), 403, 'forbidden');
  });

  it('are nobody an admin makes, invites or changes here; disabling alone is done here as well', async () => {
    const made = await root.ask('/api/auth/users', { body: { username: 'eve@corp' } });
    assertProblem(made, 400, 'invalid_request');
    assert.match(made.text, /belong to that realm/);
    // The last as tickets know the local realm: whoever were called so would be read as somebody else there.
    for (const username of ['eve@local', 'eve@sp'])
      assertProblem(await root.ask('/api/auth/users', { body: { username } }), 400, 'invalid_request');
    assert.equal((await root.ask('/api/auth/users', { body: { username: 'eve@example.org' } })).status, 201);
    const many = await root.ask('/api/auth/users/bulk', { body: { items: [{ username: 'eve@corp' }], atomic: false } });
    assert.match(many.text, /belong to that realm/);
    const csv = await root.ask('/api/auth/users/import-csv', {
      headers: { 'content-type': 'text/csv' },
      body: 'username\r\neve@corp\r\n',
    });
    assert.match(csv.text, /belong to that realm/);

    const id = String((await accountOf('alice@corp'))?.['id']);
    const link = await root.ask(`/api/auth/users/${id}/link`, { body: { purpose: 'reset' } });
    assertProblem(link, 409, 'conflict');
    assert.match(link.text, /is kept by the realm/);
    for (const change of [{ email: 'other@corp.test' }, { groups: ['x'] }, { privileges: ['admin'] }])
      assertProblem(await root.patch(id, change), 409, 'conflict');

    const signedIn = await login(server.console, 'alice@corp', passwordOf('alice'));
    assert.equal((await root.patch(id, { active: false })).status, 200);
    const over = await send(`${server.console}/api/auth/sessions`, { headers: bearer(String(signedIn.json['token'])) });
    assert.equal(over.status, 401);
    assertProblem(
      await login(server.console, 'alice@corp', passwordOf('alice'), { from: '127.0.9.1' }),
      401,
      'invalid_credentials',
    );
    assert.equal((await accountOf('alice@corp'))?.['active'], false);
    assert.equal((await root.patch(id, { active: true })).status, 200);
    assert.equal((await login(server.console, 'alice@corp', passwordOf('alice'))).status, 200);
  });

  it('whom the directory has disabled are refused, and their account is disabled', async () => {
    const dn = await directory.person('carol', passwordOf('carol'), { employeeType: 'disabled' });
    const refused = (from: string) => login(server.console, 'carol@corp', passwordOf('carol'), { from });
    assertProblem(await refused('127.0.9.2'), 401, 'invalid_credentials');
    assert.equal(await accountOf('carol@corp'), undefined);

    await directory.change(dn, 'employeeType', []);
    const got = await login(server.console, 'carol@corp', passwordOf('carol'), { from: '127.0.9.3' });
    assert.equal(got.status, 200, got.text);
    const token = String(got.json['token']);
    await directory.change(dn, 'employeeType', ['disabled']);
    assertProblem(await refused('127.0.9.4'), 401, 'invalid_credentials');
    const account = await accountOf('carol@corp');
    assert.equal(account?.['active'], false);
    assert.equal((await send(`${server.console}/api/auth/sessions`, { headers: bearer(token) })).status, 401);
    const lifted = await root.patch(String(account?.['id']), { active: true });
    assertProblem(lifted, 409, 'conflict');
    assert.match(lifted.text, /enables it again/);

    await directory.change(dn, 'employeeType', []);
    assert.equal((await login(server.console, 'carol@corp', passwordOf('carol'), { from: '127.0.9.5' })).status, 200);
    assert.equal((await accountOf('carol@corp'))?.['active'], true);
  });

  it('have second factors here, on top of their password', async () => {
    await directory.person('dora', passwordOf('dora'));
    const first = await login(server.console, 'dora@corp', passwordOf('dora'));
    const { phone } = await enrol(server.console, String(first.json['token']));
    const half = await login(server.console, 'dora@corp', passwordOf('dora'));
    assert.equal(half.json['requires_totp'], true, half.text);
    const wrong = await answer(server, String(half.json['challenge']), '000000');
    assertProblem(wrong, 401, 'invalid_credentials');
    const whole = await answer(server, String(half.json['challenge']), await phone.next());
    assert.equal(whole.json['success'], true, whole.text);
  });

  it('change their password in the directory, which ends what a changed password ends', async () => {
    await directory.person('erin', passwordOf('erin'));
    const [one, other] = await Promise.all([
      login(server.console, 'erin@corp', passwordOf('erin')),
      login(server.console, 'erin@corp', passwordOf('erin')),
    ]);
    const wanted = 'another 23 quiet harbours of erin';
    const change = (old_password: string, new_password: string) =>
      send(`${server.console}/api/auth/change-password`, {
        headers: bearer(String(one.json['token'])),
        body: { old_password, new_password },
      });
    assertProblem(await change(wrongPasswordNo(77), wanted), 403, 'reauthentication_failed');
    const changed = await change(passwordOf('erin'), wanted);
    assert.equal(changed.status, 200, changed.text);
    const old = await send(`${server.console}/api/auth/sessions`, { headers: bearer(String(other.json['token'])) });
    assert.equal(old.status, 401);
    assert.equal((await login(server.console, 'erin@corp', wanted)).status, 200);
    const before = await login(server.console, 'erin@corp', passwordOf('erin'), { from: '127.0.9.6' });
    assertProblem(before, 401, 'invalid_credentials');
  });

  it('come in over Basic, and are known from then on', async () => {
    await directory.person('frank', passwordOf('frank'));
    const ask = asBasic(server.console, 'frank@corp', passwordOf('frank'));
    assert.equal((await ask('/api/auth/sessions')).status, 200);
    const asked = directory.asked('BIND dn="uid=frank');
    assert.equal((await ask('/api/auth/sessions')).status, 200);
    assert.equal(directory.asked('BIND dn="uid=frank'), asked);
    const wrong = await asBasic(server.console, 'frank@corp', wrongPasswordNo(5), '127.0.9.7')('/api/auth/sessions');
    assert.equal(wrong.status, 401);
  });

  it('wrong guesses are counted before the directory is asked; the same one again asks it no more for a while', async () => {
    await directory.person('gina', passwordOf('gina'));
    const guess = (number: number) =>
      login(server.console, 'gina@corp', wrongPasswordNo(number), { from: '127.0.9.8' });
    for (let number = 0; number < 5; number += 1) assertProblem(await guess(100 + number), 401, 'invalid_credentials');
    const asked = directory.asked('BIND dn="uid=gina');
    assertProblem(await guess(106), 429, 'rate_limited');
    assertProblem(
      await login(server.console, 'gina@corp', passwordOf('gina'), { from: '127.0.9.8' }),
      429,
      'rate_limited',
    );
    assert.equal(directory.asked('BIND dn="uid=gina'), asked);

    const again = () => login(server.console, 'gina@corp', wrongPasswordNo(200), { from: '127.0.9.9' });
    for (let times = 0; times < 7; times += 1) assertProblem(await again(), 401, 'invalid_credentials');
    assert.equal(directory.asked('BIND dn="uid=gina'), asked + 1);
  });

  it('other names are those of this server: bare ones, with `@local`, and addresses', async () => {
    const before = directory.asked('BIND');
    for (const username of ['Root1', 'root1@local'])
      assert.equal((await login(server.console, username, admin.password)).status, 200, username);
    assertProblem(
      await login(server.console, 'eve@example.org', wrongPasswordNo(9), { from: '127.0.9.10' }),
      401,
      'invalid_credentials',
    );
    assert.equal(directory.asked('BIND'), before);
  });
});
