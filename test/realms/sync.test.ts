/** Who is still in the directory, and what they may: brought up to date behind everybody's back. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { type Admin, asAdmin, bearer, login } from '../support/invited.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { groups, people, startSlapd, suffix, type TestDirectory } from '../support/slapd.ts';
import { pause } from '../support/waiting.ts';

const passwordOf = (name: string): string => `${name} reads 17 maps at night`;

interface Account {
  readonly id: string;
  readonly active: boolean;
  readonly privileges: readonly string[];
  readonly groups: readonly string[];
  readonly display_name: string;
}

describe('the look at who is still in a directory', { skip: withoutPackages }, () => {
  let directory: TestDirectory;
  let server: RunningServer;
  let root: Admin;
  before(async () => {
    directory = await startSlapd();
    server = await startServer({ env: { ...directory.env, SALLYPORT_LDAP_SYNC_EVERY: '1s' } });
    await setUp(server);
    root = asAdmin(server.console, await signInBearer(server));
    for (const name of ['alice', 'bob', 'carol']) await directory.person(name, passwordOf(name));
  });
  after(async () => {
    await server.remove();
    await directory.remove();
  });

  const accountOf = async (name: string): Promise<Account> => {
    const got = await root.ask(`/api/auth/users?q=${encodeURIComponent(name)}`);
    const [account] = got.json['users'] as readonly Account[];
    assert.ok(account !== undefined, got.text);
    return account;
  };

  const until = async (name: string, reached: (account: Account) => boolean, what: string): Promise<Account> => {
    for (let tried = 0; tried < 150; tried += 1) {
      const account = await accountOf(name);
      if (reached(account)) return account;
      await pause(100);
    }
    return assert.fail(`${what}: ${JSON.stringify(await accountOf(name))}`);
  };

  const tokenOf = async (name: string): Promise<string> => {
    const got = await login(server.console, `${name}@corp`, passwordOf(name));
    assert.equal(got.status, 200, got.text);
    return String(got.json['token']);
  };

  const statusOf = async (token: string): Promise<number> =>
    (await send(`${server.console}/api/auth/sessions`, { headers: bearer(token) })).status;

  /** So many looks have begun and ended since. */
  const looks = async (times: number): Promise<void> => {
    const lookedSoFar = directory.asked('SRCH base="dc=corp,dc=test" scope=2 deref=0 filter="(uid=*)"');
    for (let tried = 0; tried < 150; tried += 1) {
      if (directory.asked('SRCH base="dc=corp,dc=test" scope=2 deref=0 filter="(uid=*)"') >= lookedSoFar + times)
        return;
      await pause(100);
    }
    assert.fail('nobody looked');
  };

  it('brings names, groups and privileges up to date, also of who is signed in', async () => {
    const token = await tokenOf('alice');
    assert.deepEqual((await accountOf('alice@corp')).privileges, []);
    await directory.change(`uid=alice,${people}`, 'cn', ['Alice the Second']);
    await directory.group('admins', [`uid=alice,${people}`]);
    const account = await until('alice@corp', ({ privileges }) => privileges.includes('admin'), 'admin');
    assert.deepEqual([account.display_name, account.groups], ['Alice the Second', ['admins']]);
    assert.equal((await asAdmin(server.console, token).ask('/api/auth/users')).status, 200);
    await directory.delete(`cn=admins,${groups}`);
    await until('alice@corp', ({ privileges }) => privileges.length === 0, 'no admin any more');
    assert.equal((await asAdmin(server.console, token).ask('/api/auth/users')).status, 403);
    assert.equal(await statusOf(token), 200);
  });

  it('whom the directory disables, or has no more, is out at once; and back when it says so', async () => {
    const [alice, bob, carol] = [await tokenOf('alice'), await tokenOf('bob'), await tokenOf('carol')];
    await directory.change(`uid=bob,${people}`, 'employeeType', ['disabled']);
    await until('bob@corp', ({ active }) => !active, 'bob disabled');
    assert.equal(await statusOf(bob), 401);
    await directory.delete(`uid=carol,${people}`);
    await until('carol@corp', ({ active }) => !active, 'carol gone');
    assert.equal(await statusOf(carol), 401);
    assert.equal(await statusOf(alice), 200);

    await directory.change(`uid=bob,${people}`, 'employeeType', []);
    await until('bob@corp', ({ active }) => active, 'bob back');
    await directory.person('carol', passwordOf('carol'));
    await until('carol@corp', ({ active }) => active, 'carol back');
    assert.equal(await statusOf(bob), 401);
  });

  it('whom a person has disabled stays so, whatever the directory says', async () => {
    const { id } = await accountOf('bob@corp');
    assert.equal((await root.patch(id, { active: false })).status, 200);
    await looks(2);
    assert.equal((await accountOf('bob@corp')).active, false);
    // Also whom the directory had disabled before.
    await directory.change(`uid=carol,${people}`, 'employeeType', ['disabled']);
    const carol = await until('carol@corp', ({ active }) => !active, 'carol disabled');
    assert.equal((await root.patch(carol.id, { active: false })).status, 200);
    await directory.change(`uid=carol,${people}`, 'employeeType', []);
    await looks(2);
    assert.equal((await accountOf('carol@corp')).active, false);
    for (const each of [id, carol.id]) assert.equal((await root.patch(each, { active: true })).status, 200);
  });

  it('a second entry of somebody’s name lets nobody in, and disables nobody', async () => {
    const token = await tokenOf('alice');
    const twin = `uid=alice,ou=others,${suffix}`;
    await directory.add(`ou=others,${suffix}`, { objectClass: 'organizationalUnit', ou: 'others' });
    await directory.add(twin, { objectClass: 'inetOrgPerson', uid: 'alice', cn: 'Another', sn: 'Another' });
    await looks(2);
    assert.equal((await login(server.console, 'alice@corp', passwordOf('alice'), { from: '127.0.0.77' })).status, 401);
    assert.equal(await statusOf(token), 200);
    assert.equal((await accountOf('alice@corp')).active, true);
    await directory.delete(twin);
  });

  it('nothing is changed by a directory that is away', async () => {
    const token = await tokenOf('alice');
    await directory.stop();
    await pause(2500);
    for (const name of ['alice@corp', 'bob@corp']) assert.equal((await accountOf(name)).active, true);
    assert.equal(await statusOf(token), 200);
    await directory.start();
    await looks(1);
    assert.equal(await statusOf(token), 200);
  });

  it('a directory of many pages is read whole', async () => {
    for (let number = 0; number < 1100; number += 1)
      await directory.person(`many-${number}`, passwordOf('many'), { cn: `Many ${number}` });
    await directory.person('zoe', passwordOf('zoe'));
    const token = await tokenOf('zoe');
    await looks(7);
    assert.equal(await statusOf(token), 200);
    assert.equal((await accountOf('zoe@corp')).active, true);
  });
});
