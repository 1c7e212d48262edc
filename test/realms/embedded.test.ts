/** Realms of an embedding application: whoever it has, under `name@realm`. */
import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import type { OutsideRealm, RealmEntry } from '../../src/index.ts';
import { send } from '../support/client.ts';
import { asAdmin, login } from '../support/invited.ts';
import { embed } from '../support/library.ts';
import { admin, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { assertIn } from '../support/two-steps.ts';

const password = 'ned reads 17 maps at night';

function realmOf(ned: Partial<RealmEntry> = {}): OutsideRealm & { answers: 'well' | 'throws' } {
  const entry: RealmEntry = {
    name: 'ned',
    displayName: 'Ned',
    email: '',
    groups: [],
    privileges: null,
    standing: 'active',
    ...ned,
  };
  const realm: OutsideRealm & { answers: 'well' | 'throws' } = {
    kind: 'custom',
    name: 'club',
    comment: 'Members',
    privileges: 'not-given',
    answers: 'well',
    standing: () => 'reachable',
    lookUp: (name) => Promise.resolve(name === 'ned' ? { kind: 'found', entry } : { kind: 'unknown' }),
    authenticate: (name, given) => {
      if (realm.answers === 'throws') throw new Error('the club is closed');
      if (name !== 'ned') return Promise.resolve({ kind: 'rejected', cause: 'unknown-user' });
      return Promise.resolve(
        given === password ? { kind: 'proven', entry } : { kind: 'rejected', cause: 'wrong-password' },
      );
    },
    changePassword: () => Promise.resolve({ kind: 'refused', why: 'not-possible' }),
    list: (names) => Promise.resolve({ kind: 'listed', entries: names.has('ned') ? [entry] : [] }),
  };
  return realm;
}

describe('a realm of an embedding application', () => {
  it('lets its people in, and nobody else; one that throws is away', async (context) => {
    const club = realmOf();
    const house = await embed({ realms: [club] });
    context.after(() => house.close());
    const first = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    assert.equal(first.status, 201, first.text);
    const token = assertIn(await login(house.console, 'ned@club', password));
    assertProblem(await login(house.console, 'ned@club', wrongPasswordNo(1)), 401, 'invalid_credentials');
    assertProblem(await login(house.console, 'eve@club', password), 401, 'invalid_credentials');
    assertProblem(await login(house.console, 'ned', password), 401, 'invalid_credentials');
    club.answers = 'throws';
    assertProblem(await login(house.console, 'ned@club', `${password} `), 503, 'unavailable');
    club.answers = 'well';

    // It gives no privileges: whoever administers does.
    const root = asAdmin(house.console, await signInBearer(house));
    const [account] = (await root.ask('/api/auth/users?q=ned')).json['users'] as readonly { readonly id: string }[];
    assert.equal((await root.patch(account?.id ?? '', { privileges: ['media'] })).status, 200);
    assertIn(await login(house.console, 'ned@club', password));
    const [now] = (await root.ask('/api/auth/users?q=ned')).json['users'] as readonly {
      readonly privileges: unknown;
    }[];
    assert.deepEqual(now?.privileges, ['media']);

    const change = await asAdmin(house.console, token).ask('/api/auth/change-password', {
      body: { old_password: password, new_password: 'another 23 quiet harbours of ned' },
    });
    assertProblem(change, 409, 'conflict');
    assert.match(change.text, /does not change this password here/);
  });
});
