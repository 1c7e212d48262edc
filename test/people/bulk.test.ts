/** Accounts by the dozen (TT9): each row as it would be alone, or all of them together. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Admin, asAdmin, login, passwordOf, settle } from '../support/invited.ts';
import { setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { eventsOf, resultsOf, standings, usersBulk } from '../support/rows.ts';
import { type RunningServer, startServer } from '../support/server.ts';

type User = Readonly<Record<string, unknown>>;

describe('accounts by the dozen', () => {
  let server: RunningServer;
  let admin: Admin;
  before(async () => {
    server = await startServer();
    admin = asAdmin(server.console, String((await setUp(server)).json['token']));
  });
  after(() => server.remove());

  const bulk = (items: readonly unknown[], more: object = {}) => admin.ask(usersBulk, { body: { items, ...more } });
  const shown = async (id: string): Promise<User> => (await admin.ask(`/api/auth/users/${id}`)).json['user'] as User;
  const made = async (...names: readonly string[]): Promise<readonly string[]> => {
    const got = await bulk(names.map((username) => ({ username })));
    assert.equal(got.status, 200, got.text);
    return resultsOf(got).map(({ id, status }) => {
      assert.equal(status, 201);
      return String(id);
    });
  };
  const counts = async (...names: readonly string[]): Promise<readonly number[]> =>
    Promise.all(names.map(async (name) => (await eventsOf(admin, name)).length));

  it('each is made, changed, switched and deleted by itself, with its own result', async () => {
    const got = await bulk([
      {
        username: 'Alice',
        email: 'alice@example.org',
        display_name: 'Alice Ä.',
        groups: ['staff'],
        privileges: ['editor'],
      },
      { username: 'a b' },
      { username: 'bob', email: 'no address' },
      { username: 'ALICE' },
      { username: 'bob', active: false },
    ]);
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(standings(got), ['201', '400 invalid_request', '400 invalid_request', '409 conflict', '201']);
    const [alice, , , , bob] = resultsOf(got).map(({ id }) => String(id));
    assert.deepEqual((await shown(alice ?? ''))['privileges'], ['editor']);
    assert.equal((await shown(bob ?? ''))['active'], false);

    const changed = await bulk([
      { id: alice, privileges: ['viewer'], email: '' },
      { id: 'u_AAAAAAAAAAAAAAAAAAAAAA', email: '' },
      { id: bob, action: 'enable' },
      { id: alice, display_name: 'a\u202eb' },
      { id: bob, action: 'enable' },
    ]);
    assert.deepEqual(standings(changed), ['200', '404 not_found', '200', '400 invalid_request', '200']);
    assert.equal(resultsOf(changed)[1]?.id, 'u_AAAAAAAAAAAAAAAAAAAAAA');
    const { privileges, email, display_name: name } = await shown(alice ?? '');
    assert.deepEqual([privileges, email, name], [['viewer'], '', 'Alice Ä.']);
    assert.deepEqual(
      standings(
        await bulk([
          { id: alice, action: 'delete' },
          { id: bob, action: 'disable' },
        ]),
      ),
      ['200', '200'],
    );
    assertProblem(await admin.ask(`/api/auth/users/${alice}`), 404, 'not_found');
    assert.equal((await shown(bob ?? ''))['active'], false);
  });

  it('one that comes twice is judged in order, and every change is in the audit log as if it had come alone', async () => {
    const [id = ''] = await made('carol');
    const names = ['user-disabled', 'user-enabled', 'privileges-changed', 'user-deleted'] as const;
    const before = await counts(...names);
    const got = await bulk([
      { id, action: 'disable' },
      { id, action: 'disable' },
      { id, action: 'enable' },
      { id, privileges: ['editor'] },
      { id, privileges: ['editor', 'viewer'] },
      { id, action: 'delete' },
      { id, action: 'enable' },
      { username: 'carol' },
    ]);
    assert.deepEqual(standings(got), ['200', '200', '200', '200', '200', '200', '404 not_found', '201']);
    const later = await counts(...names);
    assert.deepEqual(
      later.map((count, at) => count - (before[at] ?? 0)),
      [1, 1, 2, 1],
    );
    const [event] = await eventsOf(admin, 'user-deleted');
    assert.deepEqual([event?.['target'], event?.['way'], event?.['actor_name']], [id, 'session', 'root1']);
  });

  it('what one was refused does not change what those behind it are judged by', async () => {
    const { users } = (await admin.ask('/api/auth/users?q=root1')).json as { users: User[] };
    const root = String(users[0]?.['id']);
    const got = await bulk([
      { id: root, action: 'disable' },
      { id: root, action: 'disable' },
      { id: root, action: 'delete' },
      { id: root, action: 'enable' },
      { id: root, email: 'root@example.org' },
      { id: root, privileges: [] },
      { id: root, email: 'root2@example.org' },
    ]);
    const last = '409 conflict';
    assert.deepEqual(standings(got), [last, last, last, '200', '200', last, '200']);
    const { active, privileges, email } = await shown(root);
    assert.deepEqual([active, privileges, email], [true, ['admin'], 'root2@example.org']);
  });

  it('all or none: where one cannot be done nothing is, and nothing is written down', async () => {
    const [one = '', two = ''] = await made('dora', 'emil');
    const names = ['user-created', 'user-disabled', 'user-deleted', 'user-updated'] as const;
    const before = await counts(...names);
    const refused: readonly (readonly [items: readonly unknown[], expected: readonly string[]])[] = [
      [
        [{ id: one, action: 'disable' }, { username: 'DORA' }, { id: two, action: 'delete' }],
        ['424 not_applied', '409 conflict', '424 not_applied'],
      ],
      [
        [{ username: 'frida' }, { username: 'x y' }, { id: 'nobody', email: '' }],
        ['424 not_applied', '400 invalid_request', '404 not_found'],
      ],
      [
        [
          { id: one, action: 'delete' },
          { id: one, email: 'dora@example.org' },
        ],
        ['424 not_applied', '404 not_found'],
      ],
      [
        [{ username: 'frida' }, { username: 'Frida' }],
        ['424 not_applied', '409 conflict'],
      ],
    ];
    for (const [items, expected] of refused) {
      const got = await bulk(items, { atomic: true });
      assertProblem(got, 409, 'conflict');
      assert.deepEqual(standings(got), expected);
      assert.equal(got.json['applied'], 0);
    }
    assert.deepEqual(await counts(...names), before);
    assert.equal((await shown(one))['active'], true);
    assert.deepEqual((await admin.ask('/api/auth/users?q=frida')).json['users'], []);

    const got = await bulk(
      [
        { id: one, action: 'disable' },
        { username: 'frida' },
        { id: one, display_name: 'Dora D.' },
        { id: two, action: 'enable' },
        { id: two, action: 'delete' },
      ],
      { atomic: true },
    );
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(standings(got), ['200', '201', '200', '200', '200']);
    assert.deepEqual(
      (await counts(...names)).map((count, at) => count - (before[at] ?? 0)),
      [1, 1, 1, 1],
    );
  });

  it('somebody who is disabled among others is out at once', async () => {
    const { id, token } = await settle(server.console, admin, 'gina');
    assert.deepEqual(standings(await bulk([{ username: 'heinz' }, { id, action: 'disable' }])), ['201', '200']);
    const got = await admin.ask('/api/auth/sessions', { headers: { authorization: `Bearer ${token}` } });
    assert.deepEqual([got.status, got.json['error_code']], [401, 'invalid_token']);
    assert.equal((await login(server.console, 'gina', passwordOf('gina'))).status, 401);
  });

  it('a hundred go, a hundred and one do not; what has no form is refused whole', async () => {
    const many = Array.from({ length: 101 }, (_, at) => ({ username: `many-${at}` }));
    assertProblem(await bulk(many), 400, 'invalid_request');
    assert.deepEqual((await admin.ask('/api/auth/users?q=many-')).json['users'], []);
    const got = await bulk(many.slice(1));
    assert.deepEqual(new Set(standings(got)), new Set(['201']));
    for (const items of [
      [],
      [{}],
      [{ username: 'fine' }, { username: 5 }],
      [{ id: 'x' }, { id: 'x', action: 'dance' }],
      [{ id: 'x', username: 'fine' }],
      [{ username: 'fine', action: 'enable' }],
      [{ username: 'fine', privileges: ['a b'] }],
      [['fine']],
      'fine',
    ])
      assertProblem(await admin.ask(usersBulk, { body: { items } }), 400, 'invalid_request');
    assertProblem(await bulk([{ username: 'fine' }], { atomic: 'yes' }), 400, 'invalid_request');
    assert.deepEqual((await admin.ask('/api/auth/users?q=fine')).json['users'], []);
  });

  it('of two at once that make the same, each name is made once', async () => {
    const names = Array.from({ length: 40 }, (_, at) => ({ username: `same-${at}` }));
    const both = await Promise.all([bulk(names), bulk(names.toReversed()), bulk(names, { atomic: true })]);
    const applied = both.map(({ json }) => Number(json['applied']));
    assert.equal(
      applied.reduce((sum, each) => sum + each, 0),
      40,
      applied.join(),
    );
  });
});
