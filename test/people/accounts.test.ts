/** Accounts made, changed and deleted by admins (BY14); M-24: no view of them holds a secret. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, settle } from '../support/invited.ts';
import { type Got, send } from '../support/client.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin as rootOf, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

type User = Readonly<Record<string, unknown>>;

async function open(): Promise<{ readonly house: Embedded; readonly admin: Admin; readonly rootId: string }> {
  const house = await embed();
  const got = await send(`${house.console}/api/auth/setup`, { body: { ...rootOf, setup_code: house.setupCode } });
  assert.equal(got.status, 201, got.text);
  const admin = asAdmin(house.console, String(got.json['token']));
  const { users } = (await admin.ask('/api/auth/users')).json as { users: User[] };
  return { house, admin, rootId: String(users[0]?.['id']) };
}

describe('the life of an account', () => {
  let house: Embedded;
  let admin: Admin;
  before(async () => {
    ({ house, admin } = await open());
  });
  after(() => house.close());

  const at = (path: string, token: string): Promise<Got> => send(`${house.console}${path}`, { headers: bearer(token) });
  const shown = async (id: string): Promise<User> => {
    const got = await admin.ask(`/api/auth/users/${id}`);
    assert.equal(got.status, 200, got.text);
    return got.json['user'] as User;
  };

  it('is made without a password, by name and fields', async () => {
    const got = await admin.ask('/api/auth/users', {
      body: {
        username: 'Alice',
        email: 'alice@example.org',
        display_name: ' Alice Ä. ',
        groups: ['staff', 'staff', 'wheel'],
        privileges: ['editor'],
      },
    });
    assert.equal(got.status, 201, got.text);
    const { id, created_at: made, ...user } = got.json['user'] as User;
    assert.match(String(id), /^u_[\w-]{22}$/);
    assert.match(String(made), /^\d{4}-\d\d-\d\dT.*Z$/);
    assert.deepEqual(user, {
      username: 'alice',
      email: 'alice@example.org',
      display_name: 'Alice Ä.',
      groups: ['staff', 'wheel'],
      privileges: ['editor'],
      active: true,
      totp_enabled: false,
      passkeys: 0,
      has_password: false,
      realm: 'local',
    });
    assert.deepEqual(await shown(String(id)), got.json['user']);
    const bare = await admin.ask('/api/auth/users', { body: { username: 'Bare', active: false } });
    assert.deepEqual(
      [(bare.json['user'] as User)['display_name'], (bare.json['user'] as User)['active']],
      ['Bare', false],
    );
  });

  it('cannot be signed in to before its owner has set a password: like a wrong one', async () => {
    const shape = (got: Got): string => JSON.stringify([got.status, { ...got.json, request_id: '' }]);
    const refused = await login(house.console, 'alice', 'whatever it may be 42 times', { from: '127.61.0.1' });
    const unknown = await login(house.console, 'nobody', 'whatever it may be 42 times', { from: '127.62.0.1' });
    assertProblem(refused, 401, 'invalid_credentials');
    assert.equal(shape(refused), shape(unknown));
  });

  it('is invited, has a session and recovery codes, and is one among others', async () => {
    const id = await admin.create({ username: 'bea' });
    const link = await admin.link(id, 'invite');
    assert.deepEqual([link.json['purpose'], link.json['mailed']], ['invite', false]);
    const got = await redeem(house.console, link.json['link'], passwordOf('bea'));
    assert.equal(got.status, 201, got.text);
    assert.equal((got.json['backup_codes'] as unknown[]).length, 10);
    const token = String(got.json['token']);
    const status = await at('/api/auth/status', token);
    assert.deepEqual([status.json['username'], status.json['privileges']], ['bea', []]);
    assert.equal((await shown(id))['has_password'], true);
    assert.equal((await login(house.console, 'bea', passwordOf('bea'))).status, 200);
    assertProblem(await at('/api/auth/users', token), 403, 'forbidden');
  });

  it('disabled: every session ends with the answer, and none begins; enabled: it is as it was', async () => {
    const { id, token } = await settle(house.console, admin, 'carol');
    assert.equal((await admin.patch(id, { active: false })).status, 200);
    assertProblem(await at('/api/auth/sessions', token), 401, 'invalid_token');
    assertProblem(
      await login(house.console, 'carol', passwordOf('carol'), { from: '127.63.0.1' }),
      401,
      'invalid_credentials',
    );
    const again = await admin.patch(id, { active: true });
    assert.equal((again.json['user'] as User)['active'], true);
    assertProblem(await at('/api/auth/sessions', token), 401, 'invalid_token');
    assert.equal((await login(house.console, 'carol', passwordOf('carol'))).status, 200);
  });

  it('SE-17: privileges hold from the next request on, both ways, and the session lives', async () => {
    const { id, token } = await settle(house.console, admin, 'dave');
    assertProblem(await at('/api/auth/users', token), 403, 'forbidden');
    assert.equal((await admin.patch(id, { privileges: ['admin', 'editor'] })).status, 200);
    assert.equal((await at('/api/auth/users', token)).status, 200);
    assert.equal((await admin.patch(id, { privileges: ['editor'] })).status, 200);
    assertProblem(await at('/api/auth/users', token), 403, 'forbidden');
    assert.equal((await at('/api/auth/sessions', token)).status, 200);
  });

  it('SE-17: while somebody goes on asking, nothing succeeds once the demotion was answered', async () => {
    const { id, token } = await settle(house.console, admin, 'dora', { privileges: ['admin'] });
    let answered = false;
    const late: number[] = [];
    const asking = async (): Promise<void> => {
      while (late.length < 50) {
        const sentAfter = answered;
        const { status } = await at('/api/auth/users', token);
        if (sentAfter) late.push(status);
      }
    };
    const loops = Promise.all([asking(), asking(), asking()]);
    assert.equal((await admin.patch(id, { privileges: [] })).status, 200);
    answered = true;
    await loops;
    assert.deepEqual([...new Set(late)], [403]);
  });

  it('a patch changes what it names and nothing else', async () => {
    const id = await admin.create({
      username: 'erin',
      email: 'e@example.org',
      display_name: 'Erin',
      groups: ['a'],
      privileges: ['b'],
    });
    const before = await shown(id);
    const changes = [
      { email: '' },
      { email: 'erin@example.org' },
      { display_name: 'E.' },
      { groups: [] },
      { privileges: ['c', 'd'] },
      { active: false },
      {},
    ];
    let expected = before;
    for (const change of changes) {
      const got = await admin.patch(id, change);
      assert.equal(got.status, 200, got.text);
      expected = { ...expected, ...change };
      assert.deepEqual(got.json['user'], expected);
      assert.deepEqual(await shown(id), expected);
    }
  });

  it('what several change at once is all there, and written down as what it was', async () => {
    const id = await admin.create({ username: 'sought', privileges: ['first'] });
    const words = ['a', 'b', 'c', 'd'];
    const grant = (word: string) => house.sallyport.users({ action: 'grant', username: 'sought', privileges: [word] });
    const outcomes = await Promise.all(words.map(grant));
    assert.deepEqual([...new Set(outcomes.map(({ kind }) => kind))], ['done']);
    const user = async () => (await admin.ask(`/api/auth/users/${id}`)).json['user'] as { privileges: string[] };
    assert.deepEqual((await user()).privileges.toSorted(), [...words, 'first']);
    await Promise.all(
      ['a', 'b', 'c'].map((word) =>
        house.sallyport.users({ action: 'revoke', username: 'sought', privileges: [word] }),
      ),
    );
    assert.deepEqual((await user()).privileges.toSorted(), ['d', 'first']);
    const disabled = await Promise.all([1, 2, 3].map(() => admin.patch(id, { active: false })));
    assert.deepEqual([...new Set(disabled.map(({ status }) => status))], [200]);
    const events = (await admin.ask('/api/auth/audit?event=user-disabled')).json['events'] as { target: string }[];
    assert.equal(events.filter(({ target }) => target === id).length, 1, 'once, and two found it so');
  });

  it('deleted: its sessions, its name and all that hung on it are gone; the name can be another one', async () => {
    const { id, token } = await settle(house.console, admin, 'frank');
    assert.equal((await admin.remove(id)).status, 200);
    assertProblem(await at('/api/auth/sessions', token), 401, 'invalid_token');
    assertProblem(await admin.ask(`/api/auth/users/${id}`), 404, 'not_found');
    assertProblem(await admin.remove(id), 404, 'not_found');
    assertProblem(await admin.patch(id, { email: '' }), 404, 'not_found');
    const second = await settle(house.console, admin, 'frank');
    assert.notEqual(second.id, id);
    assert.deepEqual(await house.engine.devicesOf(id as never, house.now()), []);
  });

  it('an admin may do it to himself, while there is another one', async () => {
    const { id, token } = await settle(house.console, admin, 'grace', { privileges: ['admin'] });
    const self = asAdmin(house.console, token);
    assert.equal((await self.patch(id, { privileges: [] })).status, 200);
    assertProblem(await self.ask('/api/auth/users'), 403, 'forbidden');
    assert.equal((await admin.patch(id, { privileges: ['admin'] })).status, 200);
    assert.equal((await self.patch(id, { active: false })).status, 200);
    assertProblem(await self.ask('/api/auth/users'), 401, 'invalid_token');
    assert.equal((await admin.patch(id, { active: true })).status, 200);
    const back = await signInBearer({ console: house.console }, { username: 'grace', password: passwordOf('grace') });
    assert.equal((await asAdmin(house.console, back).remove(id)).status, 200);
    assertProblem(await admin.ask(`/api/auth/users/${id}`), 404, 'not_found');
  });

  it('is found by parts of name, address and name to show, in pages, by name', async () => {
    for (const number of [1, 2, 3, 4, 5])
      await admin.create({
        username: `page-${number}`,
        email: `p${number}@PAGES.example`,
        display_name: `Leaf %_ ${number}`,
      });
    const list = async (query: string): Promise<readonly string[]> => {
      const got = await admin.ask(`/api/auth/users?${query}`);
      assert.equal(got.status, 200, got.text);
      return (got.json['users'] as User[]).map((user) => String(user['username']));
    };
    const all = ['page-1', 'page-2', 'page-3', 'page-4', 'page-5'];
    for (const text of ['PAGE-', 'pages.example', 'leaf %25_']) assert.deepEqual(await list(`q=${text}`), all, text);
    // What a pattern would take for any sign is only itself.
    assert.deepEqual(await list('q=leaf %25%25'), []);
    assert.deepEqual(await list("q=' OR 1=1 --"), []);
    const walked: string[] = [];
    let after: string | null = '';
    for (let pages = 0; after !== null; pages += 1) {
      assert.ok(pages < 5);
      const got = await admin.ask(`/api/auth/users?q=page-&limit=2${after === '' ? '' : `&after=${after}`}`);
      walked.push(...(got.json['users'] as User[]).map((user) => String(user['username'])));
      after = got.json['next'] as string | null;
    }
    assert.deepEqual(walked, all);
    for (const query of ['limit=0', 'limit=501', 'limit=x', 'limit=-1', 'after=a%20b', `q=${'x'.repeat(257)}`])
      assertProblem(await admin.ask(`/api/auth/users?${query}`), 400, 'invalid_request');
    assert.equal((await admin.ask('/api/auth/users?limit=500')).status, 200);
  });
});

describe('what an account cannot be', () => {
  let house: Embedded;
  let admin: Admin;
  let id: string;
  before(async () => {
    ({ house, admin } = await open());
    id = await admin.create({ username: 'taken' });
  });
  after(() => house.close());

  it('a name that is taken, in any spelling, is a conflict', async () => {
    for (const username of ['taken', 'Taken', 'ＴＡＫＥＮ', 'root1', 'ROOT1'])
      assertProblem(await admin.ask('/api/auth/users', { body: { username } }), 409, 'conflict');
    const same = Array.from({ length: 10 }, () => admin.ask('/api/auth/users', { body: { username: 'racer' } }));
    const statuses = (await Promise.all(same)).map((got) => got.status);
    assert.deepEqual(
      statuses.toSorted((a, b) => a - b),
      [201, ...Array.from({ length: 9 }, () => 409)],
    );
  });

  const fields: Readonly<Record<string, readonly unknown[]>> = {
    email: [
      'alice',
      'a@b@c',
      'a@b\r\nBcc: c@d',
      'a b@c',
      'A <a@b>',
      'a@b,c@d',
      `a@${'b'.repeat(260)}`,
      7,
      null,
      ['a@b'],
      { $ne: '' },
    ],
    display_name: ['a\nb', 'a\u202eb', 'a\0b', 'x'.repeat(129), 'x'.repeat(60_000), 7, null, [], {}],
    groups: [
      ['a,b'],
      ['a b'],
      [''],
      ['a\n'],
      ['*'],
      ['x'.repeat(49)],
      Array.from({ length: 33 }, (_, at) => `g${at}`),
      [7],
      [null],
      [['a']],
      'a',
      {},
      null,
    ],
    privileges: [
      ['a,b'],
      ['sallyport admin'],
      [''],
      Array.from({ length: 33 }, (_, at) => `p${at}`),
      'admin',
      null,
      [1],
    ],
    active: ['true', 1, 0, null, [], {}],
  };
  for (const [name, values] of Object.entries(fields)) {
    it(`${name}: what is none is 400, made or changed, and nothing is changed`, async () => {
      const before = (await admin.ask(`/api/auth/users/${id}`)).text;
      for (const value of values) {
        assertProblem(await admin.patch(id, { [name]: value }), 400, 'invalid_request');
        const made = await admin.ask('/api/auth/users', { body: { username: 'never-made', [name]: value } });
        assertProblem(made, 400, 'invalid_request');
      }
      assert.equal((await admin.ask(`/api/auth/users/${id}`)).text, before);
      assert.deepEqual((await admin.ask('/api/auth/users?q=never-made')).json['users'], []);
    });
  }

  it('user names: what is none is 400', async () => {
    for (const username of [
      '',
      ' ',
      'a b',
      'a:b',
      'a/b',
      'a\nb',
      'a\u200bb',
      'x'.repeat(65),
      7,
      null,
      ['a'],
      {},
      undefined,
    ])
      assertProblem(await admin.ask('/api/auth/users', { body: { username } }), 400, 'invalid_request');
  });

  it('ids: what is none, or nobody’s, is 404', async () => {
    for (const unknown of ['u_AAAAAAAAAAAAAAAAAAAAAA', 'taken', 'x', '-'.repeat(64)]) {
      assertProblem(await admin.ask(`/api/auth/users/${unknown}`), 404, 'not_found');
      assertProblem(await admin.patch(unknown, {}), 404, 'not_found');
      assertProblem(await admin.remove(unknown), 404, 'not_found');
      const link = await admin.ask(`/api/auth/users/${unknown}/link`, { body: { purpose: 'invite' } });
      assertProblem(link, 404, 'not_found');
    }
    for (const path of ['..', '%2e%2e', 'a%00b', "1' OR '1'='1", 'a/b'])
      assertProblem(await admin.ask(`/api/auth/users/${encodeURI(path)}`), 404, 'not_found');
  });

  it('bodies: no object, other types, duplicate keys, too large', async () => {
    for (const body of ['[]', '7', '"x"', 'null', '{', '{"username":"a","username":"b"}', '']) {
      const got = await admin.ask('/api/auth/users', {
        method: 'POST',
        body,
        headers: { 'content-type': 'application/json' },
      });
      assertProblem(got, 400, 'invalid_request');
    }
    const form = await admin.ask('/api/auth/users', {
      method: 'POST',
      body: 'username=x',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
    });
    assertProblem(form, 415, 'unsupported_media_type');
    const large = await admin.ask('/api/auth/users', { body: { username: 'x', extra: 'x'.repeat(70_000) } });
    assertProblem(large, 413, 'payload_too_large');
  });

  it('fields that are not an admin’s to set are not set: password, factors, standing, id, name', async () => {
    const smuggled = {
      username: 'other-name',
      id: 'u_other',
      password_hash: 'x',
      sealedPassword: 'x',
      sealed_password: 'x',
      sealedTotp: 'x',
      totp_enabled: true,
      passkeys: 9,
      has_password: true,
      realm: 'corp',
      disabledBy: 'realm',
      credentialGeneration: 99,
      created_at: '2000-01-01T00:00:00Z',
      ['__proto__']: { active: false },
      constructor: { active: false },
    };
    const before = (await admin.ask(`/api/auth/users/${id}`)).json['user'];
    const got = await admin.patch(id, smuggled);
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(got.json['user'], before);
    // A password in the body is the asker's own, and is checked as such.
    assertProblem(await admin.patch(id, { password: 'not the password of root1 1' }), 403, 'reauthentication_failed');
    assert.equal((await admin.patch(id, { password: rootOf.password })).status, 200);
    assert.equal(((await admin.ask(`/api/auth/users/${id}`)).json['user'] as User)['has_password'], false);
  });
});

describe('who may', () => {
  let house: Embedded;
  let admin: Admin;
  let rootId: string;
  let bob: string;
  let bobId: string;
  before(async () => {
    ({ house, admin, rootId } = await open());
    ({ id: bobId, token: bob } = await settle(house.console, admin, 'bob', {
      privileges: ['editor'],
      groups: ['admin'],
    }));
  });
  after(() => house.close());

  const routes = (): readonly (readonly [method: string, path: string, body?: unknown])[] => [
    ['GET', '/api/auth/users'],
    ['GET', '/api/auth/users?q=root'],
    ['POST', '/api/auth/users', { username: 'eve', privileges: ['admin'] }],
    ['GET', `/api/auth/users/${rootId}`],
    ['GET', `/api/auth/users/${bobId}`],
    ['PATCH', `/api/auth/users/${bobId}`, { privileges: ['admin'] }],
    ['PATCH', `/api/auth/users/${rootId}`, { active: false }],
    ['DELETE', `/api/auth/users/${rootId}`],
    ['POST', `/api/auth/users/${rootId}/link`, { purpose: 'reset' }],
    ['POST', `/api/auth/users/${bobId}/link`, { purpose: 'reset' }],
    ['PATCH', '/api/auth/users/u_nobody', {}],
  ];

  it('a bob reaches none of it: 403; strangers: 401; and nothing has happened', async () => {
    const before = (await admin.ask('/api/auth/users')).text;
    for (const [method, path, body] of routes()) {
      const sent = { method, ...(body === undefined ? {} : { body }) };
      assertProblem(await send(`${house.console}${path}`, { ...sent, headers: bearer(bob) }), 403, 'forbidden');
      assertProblem(await send(`${house.console}${path}`, sent), 401, 'unauthorized');
      const dead = { ...sent, headers: bearer(`${bob.slice(0, -1)}${bob.endsWith('0') ? '1' : '0'}`) };
      assertProblem(await send(`${house.console}${path}`, dead), 401, 'invalid_token');
    }
    assert.equal((await admin.ask('/api/auth/users')).text, before);
  });

  it('with cookies every change needs the CSRF token and our own origin', async () => {
    const person = await signIn({ console: house.console });
    for (const [method, path, body] of routes().filter(([each]) => each !== 'GET')) {
      const sent = { method, ...(body === undefined ? {} : { body }) };
      assertProblem(await person.send(path, sent), 403, 'csrf_failed');
      const cross = { ...sent, headers: { 'x-csrf-token': person.csrf, 'sec-fetch-site': 'cross-site' } };
      assertProblem(await person.send(path, cross), 403, 'csrf_failed');
    }
    assert.equal((await person.page('/api/auth/users')).status, 200);
  });

  it('every change needs a confirmation that is not old; looking does not', async () => {
    const token = await signInBearer({ console: house.console });
    const late = asAdmin(house.console, token);
    house.pass(6 * 60_000);
    for (const [method, path, body] of routes()) {
      const got = await late.ask(path, { method, ...(body === undefined ? {} : { body }) });
      if (method === 'GET') assert.equal(got.status, 200, path);
      else assertProblem(got, 403, 'reauthentication_required');
    }
    const confirmed = { display_name: 'Bob', password: rootOf.password };
    assert.equal((await late.patch(bobId, confirmed)).status, 200);
    assertProblem(
      await late.patch(bobId, { ...confirmed, password: passwordOf('bob') }),
      403,
      'reauthentication_failed',
    );
  });

  it('before there are accounts there is nothing to manage', async () => {
    const fresh = await embed();
    try {
      for (const [method, path, body] of [
        ...routes(),
        ['POST', '/api/auth/link', { link: 'x', password: 'y' }],
        ['POST', '/api/auth/link/look', { link: 'x' }],
        ['POST', '/api/auth/forgot-password', { username: 'x' }],
        ['GET', '/api/auth/notices'],
      ] as const)
        assertProblem(
          await send(`${fresh.console}${path}`, { method, ...(body === undefined ? {} : { body }) }),
          503,
          'not_configured',
        );
    } finally {
      await fresh.close();
    }
  });
});

describe('the last active admin', () => {
  let house: Embedded;
  let admin: Admin;
  let rootId: string;
  before(async () => {
    ({ house, admin, rootId } = await open());
  });
  after(() => house.close());

  it('cannot be demoted, disabled or deleted, by anybody; a disabled other one does not count', async () => {
    await admin.create({ username: 'sleeping', privileges: ['admin'], active: false });
    for (const change of [
      { privileges: [] },
      { privileges: ['editor'] },
      { active: false },
      { active: false, privileges: [] },
    ])
      assertProblem(await admin.patch(rootId, change), 409, 'conflict');
    assertProblem(await admin.remove(rootId), 409, 'conflict');
    // The rest of such a change is not made either.
    assertProblem(await admin.patch(rootId, { email: 'new@example.org', active: false }), 409, 'conflict');
    const user = (await admin.ask(`/api/auth/users/${rootId}`)).json['user'] as User;
    assert.deepEqual([user['active'], user['privileges'], user['email']], [true, ['admin'], '']);
    assert.equal((await admin.patch(rootId, { email: 'root@example.org' })).status, 200);
  });

  it('of two who take it from each other at once, one stays', async () => {
    const ways = [
      (by: Admin, whom: string) => by.patch(whom, { privileges: [] }),
      (by: Admin, whom: string) => by.patch(whom, { active: false }),
      (by: Admin, whom: string) => by.remove(whom),
    ];
    for (const [at, way] of ways.entries()) {
      const other = await settle(house.console, admin, `second-${at}`, { privileges: ['admin'] });
      const second = asAdmin(house.console, other.token);
      const results = await Promise.all([way(admin, other.id), way(second, rootId)]);
      const rows = (await house.engine.users({ after: null, limit: 100, matching: '' })).filter(
        (user) => user.active && user.privileges.includes('admin'),
      );
      assert.equal(rows.length, 1, JSON.stringify(results.map((got) => got.text)));
      const won = results.filter((got) => got.status === 200);
      assert.equal(won.length, 1);
      // Made good for the next round, by whoever is left.
      const [left] = rows;
      if (left?.id === rootId) continue;
      const back = second;
      if (at === 0) assert.equal((await back.patch(rootId, { privileges: ['admin'] })).status, 200);
      if (at === 1) assert.equal((await back.patch(rootId, { active: true })).status, 200);
      if (at === 2) return;
      const again = await signInBearer({ console: house.console });
      admin = asAdmin(house.console, again);
      assert.equal((await admin.remove(left?.id ?? '')).status, 200);
    }
  });

  it('of twenty who leave at once, one stays', async () => {
    const crowd = await open();
    try {
      const ids = [crowd.rootId];
      for (let number = 0; number < 19; number += 1)
        ids.push(await crowd.admin.create({ username: `crowd-${number}`, privileges: ['admin'] }));
      const demote = (userId: string) =>
        crowd.house.sallyport.store.updateUser({
          userId: userId as never,
          patch: { privileges: [] },
          adminPrivilege: 'admin',
          audit: [],
        });
      const results = await Promise.all(ids.map(demote));
      assert.equal(results.filter(({ kind }) => kind === 'last-admin').length, 1);
      assert.equal(results.filter(({ kind }) => kind === 'updated').length, 19);
    } finally {
      await crowd.house.close();
    }
  });
});

describe('M-24: no answer holds a secret', () => {
  it('lists, accounts, audit log, notices and refusals: no hash, no sealed value, no code, no link but the one just made', async () => {
    const { house, admin, rootId } = await open();
    try {
      const id = await admin.create({ username: 'mallory', email: 'm@example.org' });
      const link = await admin.link(id, 'invite');
      const redeemed = await redeem(house.console, link.json['link'], passwordOf('mallory'));
      const codes = redeemed.json['backup_codes'] as string[];
      const found = await house.engine.userById(id as never);
      assert.ok(found.kind === 'found' && found.user.sealedPassword !== '');
      const reset = await admin.link(id, 'reset');
      const answers = [
        await admin.ask('/api/auth/users'),
        await admin.ask(`/api/auth/users/${id}`),
        await admin.ask(`/api/auth/users/${rootId}`),
        await admin.patch(id, { display_name: 'M.' }),
        await admin.patch(id, { email: 'broken' }),
        await admin.ask('/api/auth/audit?limit=1000'),
        await admin.ask('/api/auth/audit', { headers: { accept: 'application/x-ndjson' } }),
        await admin.ask('/api/auth/audit', { headers: { accept: 'text/csv' } }),
        await admin.ask('/api/auth/login-attempts?all=1'),
        await admin.ask('/api/auth/notices'),
        await admin.ask(`/api/auth/users/${id}/sessions`),
        await admin.ask('/api/auth/blocks'),
        await admin.remove(id),
      ];
      const secret = (text: unknown): string => String(text).split('#link=')[1] ?? '';
      const canaries = [
        ...codes,
        found.user.sealedPassword,
        passwordOf('mallory'),
        rootOf.password,
        secret(link.json['link']),
        secret(reset.json['link']),
        String(redeemed.json['token']),
      ];
      for (const got of answers) {
        for (const canary of canaries) assert.ok(canary !== '' && !got.text.includes(canary), got.text.slice(0, 300));
        assert.doesNotMatch(got.text, /\$argon2|v1\.[\w-]{8,}\.[\w-]{16}\.|sealed|generation|digest/i);
      }
      for (const canary of canaries) assert.ok(!house.lines.join('\n').includes(canary));
    } finally {
      await house.close();
    }
  });
});
