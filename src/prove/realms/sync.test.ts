import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { OutsideRealm, RealmEntry, RealmListing, RealmLookup } from '../../realm/contract.ts';
import type { UserRow } from '../../store/rows.ts';
import { syncRealm } from './sync.ts';

const entry = (name: string): RealmEntry => ({
  name,
  displayName: name,
  email: '',
  groups: [],
  privileges: null,
  standing: 'active',
});

async function looked(names: readonly string[], listing: RealmListing, lookUp: (name: string) => RealmLookup) {
  const brought: string[] = [];
  const told: string[] = [];
  const realm = {
    name: 'corp',
    list: () => Promise.resolve(listing),
    lookUp: (name: string) => Promise.resolve(lookUp(name)),
  } as unknown as OutsideRealm;
  const users = names.map((name) => ({ username: `${name}@corp` }) as UserRow);
  await syncRealm(
    {
      store: { usersOfRealm: () => Promise.resolve(users) },
      adoption: {
        whoCame: () => assert.fail('nobody came'),
        bringUpToDate: (user, said) => {
          brought.push(`${user.username} ${said === 'gone' ? 'gone' : said.standing}`);
          return Promise.resolve(user);
        },
      },
      standing: () => 'going',
      onTrouble: (what) => told.push(what),
    },
    realm,
  );
  return { brought, told };
}

const unknown = (): RealmLookup => ({ kind: 'unknown' });

test('whom a list leaves out is asked for by name before they are gone', async () => {
  const listing = { kind: 'listed', entries: [entry('alice')] } as const;
  const lookUp = (name: string): RealmLookup =>
    name === 'bob' ? { kind: 'found', entry: { ...entry('bob'), standing: 'disabled' } } : { kind: 'unknown' };
  assert.deepEqual(await looked(['alice', 'bob', 'carol'], listing, lookUp), {
    brought: ['alice@corp active', 'bob@corp disabled', 'carol@corp gone'],
    told: [],
  });
});

test('nothing is changed by what could not be read whole', async () => {
  const away = { kind: 'unavailable', why: 'it took too long' } as const;
  assert.deepEqual(await looked(['alice'], away, unknown), { brought: [], told: [] });
  const listing = { kind: 'listed', entries: [] } as const;
  assert.deepEqual((await looked(['alice'], listing, () => away)).brought, []);
});

test('a realm that shows nobody any more disables nobody; one that had one does', async () => {
  const listing = { kind: 'listed', entries: [] } as const;
  const { brought, told } = await looked(['alice', 'bob'], listing, unknown);
  assert.deepEqual(brought, []);
  assert.match(told.join(), /names nobody who has an account here/);
  assert.deepEqual((await looked(['alice'], listing, unknown)).brought, ['alice@corp gone']);
});
