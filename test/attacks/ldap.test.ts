/**
 * Names and passwords that mean something to a directory, people who are there twice or here under the same name, and a
 * directory that says what none should (security: I-08).
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { type FakeDirectory, message, startFakeDirectory } from '../support/fake-directory.ts';
import { asAdmin, login, passwordOf as localPasswordOf, settle } from '../support/invited.ts';
import { setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { people, startSlapd, suffix, type TestDirectory } from '../support/slapd.ts';
import { asBasic } from '../support/basic.ts';
import { settled } from '../support/waiting.ts';

const password = 'alice reads 17 maps at night';

/** Each try comes from an address of its own: what is judged is the answer, and no limit. */
let tries = 0;
const from = (): { readonly from: string } => {
  tries += 1;
  return { from: `127.${1 + (tries % 250)}.${Math.floor(tries / 250) * 8}.1` };
};

async function namesOf(server: RunningServer): Promise<readonly string[]> {
  const got = await asAdmin(server.console, await signInBearer(server)).ask('/api/auth/users?limit=500');
  return (got.json['users'] as readonly { readonly username: string }[]).map(({ username }) => username);
}

describe('I-08: a real directory', { skip: withoutPackages }, () => {
  let directory: TestDirectory;
  let server: RunningServer;
  before(async () => {
    directory = await startSlapd();
    server = await startServer({ env: directory.env });
    await setUp(server);
    await directory.person('alice', password);
    await directory.person('bob', 'bob reads 17 maps at night');
  });
  after(async () => {
    await server.remove();
    await directory.remove();
  });

  const refused = (got: Got, what: string): void => {
    assert.ok(got.status === 401 || got.status === 400 || got.status === 413, `${what}: ${got.status} ${got.text}`);
    assert.equal(got.json['token'], undefined, what);
  };

  it('names that would be filters are names, and nobody’s', async () => {
    const names = [
      '*',
      'a*',
      'alice*',
      'alice)(uid=*',
      '*)(uid=*))(|(uid=*',
      'alice)(|(uid=alice',
      String.raw`\2a`,
      String.raw`alic\65`,
      'alice\0',
      'alice\0)(uid=*',
      ')',
      '(',
      String.raw`\\`,
      'alice,ou=people',
      `uid=alice,${people}`,
      'alice+cn=x',
      'álice',
      '{name}',
      '{dn}',
      'a'.repeat(64),
      'a'.repeat(10_000),
      '\u{1f600}',
      'ALICE ',
      ' alice',
    ];
    const tryName = async (name: string): Promise<void> => {
      refused(await login(server.console, `${name}@corp`, password, from()), JSON.stringify(name));
      refused(await asBasic(server.console, `${name}@corp`, password, from().from)('/api/auth/sessions'), name);
    };
    await Promise.all(names.map(tryName));
    assert.deepEqual(await namesOf(server), ['root1']);
    assert.equal((await login(server.console, 'alice@corp', password)).status, 200);
  });

  it('an empty password, a blank one and half of one prove nothing, and the first is never asked for', async () => {
    const asked = directory.asked('BIND dn="uid=alice');
    assertProblem(await login(server.console, 'alice@corp', '', from()), 400, 'invalid_request');
    refused(await asBasic(server.console, 'alice@corp', '', from().from)('/api/auth/sessions'), 'empty');
    assert.equal(directory.asked('BIND dn="uid=alice'), asked);
    for (const wrong of [
      ' ',
      '\t',
      '\u00a0',
      password.slice(0, -1),
      `${password} `,
      `${password}\0`,
      '*',
      '{CLEARTEXT}',
    ])
      refused(await login(server.console, 'alice@corp', wrong, from()), JSON.stringify(wrong));
  });

  it('somebody who is there twice is nobody, and it is told', async () => {
    await directory.add(`ou=others,${suffix}`, { objectClass: 'organizationalUnit', ou: 'others' });
    for (const unit of ['people', 'others'])
      await directory.add(`uid=twin,ou=${unit},${suffix}`, {
        objectClass: 'inetOrgPerson',
        uid: 'twin',
        cn: 'Twin',
        sn: 'Twin',
        userPassword: password,
      });
    assertProblem(await login(server.console, 'twin@corp', password, from()), 401, 'invalid_credentials');
    assert.match(server.log(), /several entries for one name/);
    await directory.delete(`uid=twin,ou=others,${suffix}`);
    assert.equal((await login(server.console, 'twin@corp', password.toUpperCase(), from())).status, 401);
    // Whoever was refused just now is asked for again a while later; another password is asked at once.
    await directory.change(`uid=twin,${people}`, 'userPassword', [`${password} again`]);
    assert.equal((await login(server.console, 'twin@corp', `${password} again`, from())).status, 200);
  });

  it('somebody with several names is one account, by that of the entry', async () => {
    await directory.person('smith', password, { uid: ['smith', 'a.smith'] });
    assertProblem(await login(server.console, 'a.smith@corp', password, from()), 401, 'invalid_credentials');
    assert.equal((await login(server.console, 'smith@corp', password, from())).status, 200);
    assert.ok(!(await namesOf(server)).includes('a.smith@corp'));
  });

  it('what an entry says of itself is bounded, and gives nothing but what its groups give', async () => {
    const long = 'x'.repeat(5000);
    const dn = await directory.person('mallory', password, {
      cn: [long, 'Mal\u202elory'],
      mail: ['a@b.test, eve@evil.test', `${long}@corp.test`],
      title: 'admin',
    });
    await directory.group('admins=admin', [dn]);
    await directory.group('x,admin', [dn]);
    await directory.group('admins\u200b', [dn]);
    for (let number = 0; number < 60; number += 1) await directory.group(`g${number}`, [dn]);
    const got = await login(server.console, 'mallory@corp', password, from());
    assert.equal(got.status, 200, got.text);
    const root = asAdmin(server.console, await signInBearer(server));
    const [account] = (await root.ask('/api/auth/users?q=mallory')).json['users'] as readonly {
      readonly display_name: string;
      readonly email: string;
      readonly groups: readonly string[];
      readonly privileges: readonly string[];
    }[];
    assert.ok(account !== undefined);
    assert.deepEqual([account.display_name, account.email, account.privileges], ['mallory', '', []]);
    assert.equal(account.groups.length, 32);
    assert.ok(account.groups.every((group) => /^g\d+$/.test(group)));
  });

  it('an account that was here before its realm was is nobody’s, and stays what it is', async () => {
    const { SALLYPORT_LDAP_URL: _without, ...rest } = directory.env;
    const first = await startServer();
    await setUp(first);
    const admin = asAdmin(first.console, await signInBearer(first));
    const { id } = await settle(first.console, admin, 'bob@corp', { privileges: ['admin'] });
    await first.end();
    assert.ok(Object.keys(rest).length > 0);
    const second = await startServer({ data: first.data, env: directory.env, standing: 'set-up' });
    try {
      const pairs = ['bob@corp', 'Bob@Corp', 'bob@corp@local'].flatMap((name) =>
        [localPasswordOf('bob@corp'), 'bob reads 17 maps at night', wrongPasswordNo(3)].map(
          (secret) => [name, secret] as const,
        ),
      );
      for (const got of await Promise.all(pairs.map((pair) => login(second.console, ...pair, from()))))
        assertProblem(got, 401, 'invalid_credentials');
      const root = asAdmin(second.console, await signInBearer(second));
      const account = (await root.ask(`/api/auth/users/${id}`)).json['user'] as Record<string, unknown>;
      assert.deepEqual([account['realm'], account['active'], account['privileges']], ['local', true, ['admin']]);
      assert.match((await root.ask('/api/auth/audit?event=sign-in-refused')).text, /other-realm/);
    } finally {
      await second.remove();
    }
  });

  it('an account whose realm is none any more is nobody’s', async () => {
    const first = await startServer({ env: directory.env });
    await setUp(first);
    assert.equal((await login(first.console, 'bob@corp', 'bob reads 17 maps at night')).status, 200);
    await first.end();
    const second = await startServer({ data: first.data, standing: 'set-up' });
    try {
      const got = await login(second.console, 'bob@corp', 'bob reads 17 maps at night', from());
      assertProblem(got, 401, 'invalid_credentials');
      const root = asAdmin(second.console, await signInBearer(second));
      const [account] = (await root.ask('/api/auth/users?q=bob')).json['users'] as readonly { readonly id: string }[];
      assertProblem(
        await root.ask(`/api/auth/users/${account?.id}/link`, { body: { purpose: 'invite' } }),
        409,
        'conflict',
      );
    } finally {
      await second.remove();
    }
  });
});

describe('I-08: a directory that says what none should', () => {
  let directory: FakeDirectory;
  let server: RunningServer;
  before(async () => {
    directory = await startFakeDirectory();
    server = await startServer({
      env: {
        SALLYPORT_LDAP_URL: `ldap://127.0.0.1:${directory.port}`,
        SALLYPORT_LDAP_STARTTLS: 'false',
        SALLYPORT_LDAP_REALM: 'corp',
        SALLYPORT_LDAP_BASE: suffix,
        SALLYPORT_LDAP_GROUP_BASE: `ou=groups,${suffix}`,
        SALLYPORT_LDAP_TIMEOUT: '1s',
      },
    });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await directory.close();
  });

  const alice = ['uid=alice,dc=corp', { uid: ['alice'], cn: ['Alice'] }] as const;
  const tried = (secret: string = password): Promise<Got> => login(server.console, 'alice@corp', secret, from());
  const away = async (): Promise<void> => assertProblem(await tried(`${password} ${tries}`), 503, 'unavailable');
  const alive = async (): Promise<void> => {
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
    await settled(() => directory.open() === 0, 'every connection is closed');
  };

  it('right answers are taken, and an entry of another name is nobody', async () => {
    directory.found = [['uid=bob,dc=corp', { uid: ['bob'] }]];
    assertProblem(await tried(`${password} of bob`), 401, 'invalid_credentials');
    // A bind by a name that nobody has takes place all the same.
    assert.ok(
      directory.binds.some((dn) => dn.startsWith('cn=nobody-')),
      directory.binds.join(),
    );
    directory.found = [alice];
    assert.equal((await tried()).status, 200);
    directory.bindResult = (dn) => (dn === alice[0] ? 49 : 0);
    assertProblem(await tried('another one of hers'), 401, 'invalid_credentials');
    directory.bindResult = () => 0;
    await alive();
  });

  it('referrals are not followed, and results that are no answer let nobody in', async () => {
    for (const code of [1, 3, 10, 11, 32, 51, 52, 80]) {
      directory.searchResult = code;
      await away();
    }
    directory.searchResult = 0;
    const reference = (id: number): Buffer =>
      message(id, 0x73, (writer) => writer.writeString(`ldap://127.0.0.1:${directory.port}/dc=elsewhere`));
    directory.found = [];
    directory.before = reference;
    assertProblem(await tried('by reference 1'), 401, 'invalid_credentials');
    for (const code of [1, 8, 10, 13, 51, 52, 80]) {
      directory.found = [alice];
      directory.bindResult = (dn) => (dn === alice[0] ? code : 0);
      await away();
    }
    directory.bindResult = () => 0;
    directory.before = () => Buffer.alloc(0);
    await alive();
  });

  it('names that are none, and words for other kinds of bind, are no entries', async () => {
    for (const dn of ['', 'EXTERNAL', 'PLAIN', 'nothing']) {
      directory.found = [[dn, { uid: ['alice'] }]];
      directory.binds.length = 0;
      assertProblem(await tried(`as ${dn} who is nobody`), 401, 'invalid_credentials');
      assert.ok(!directory.binds.includes(dn) || dn === '', directory.binds.join());
    }
    await alive();
  });

  it('answers without an end are cut off', async () => {
    directory.found = [alice];
    const big = Buffer.alloc(3 * 1024 * 1024, 'x').toString();
    directory.found = [['uid=alice,dc=corp', { uid: ['alice'], cn: [big] }]];
    await away();
    directory.found = Array.from(
      { length: 20_000 },
      (_, at) => [`uid=alice,ou=${at},dc=corp`, { uid: ['alice'] }] as const,
    );
    await away();
    await alive();
  });

  it('messages by the thousand, of no meaning or half of one, end nothing but themselves', async () => {
    directory.found = [alice];
    const tiny = Buffer.from('30050201006100', 'hex');
    for (const junk of [
      Buffer.concat(Array.from({ length: 60_000 }, () => tiny)),
      Buffer.from('30800201', 'hex'),
      Buffer.from('308400000000', 'hex'),
      Buffer.from('300c02010165070a0100', 'hex'),
      Buffer.alloc(100_000, 0x30),
      Buffer.alloc(100_000),
    ]) {
      directory.before = () => junk;
      const got = await tried(`${password} ${tries}`);
      assert.ok([200, 401, 503].includes(got.status), got.text);
      await alive();
    }
    directory.before = () => Buffer.alloc(0);
    assert.equal((await tried()).status, 200);
  });
});
