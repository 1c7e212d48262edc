import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type Store, StoreFault, type Write } from '../store/store.ts';
import type { TokenId, UserId } from '../types.ts';
import { endingStore } from './ending.ts';
import type { Held } from './holders.ts';

const ada = 'u_ada' as UserId;
const t = 't' as TokenId;
const of = (userId: string) => ({ sessionId: 's', tokenId: t, userId, parentId: null }) as unknown as Held;

/** A store that notes what reaches it, and cannot write while `broken`. */
function stage() {
  const done: string[] = [];
  const bars = new Set<(held: Held) => boolean>();
  let broken = false;
  const engine = new Proxy({} as Store, {
    ownKeys: () => [],
    get: (_, name: string) => () => {
      if (broken) return Promise.reject(new StoreFault('cannot be written'));
      done.push(name);
      return Promise.resolve({ kind: 'done' });
    },
  });
  const ending = endingStore(engine, {
    bar: (covers) => {
      bars.add(covers);
      return () => bars.delete(covers);
    },
  });
  return {
    ending,
    done,
    barred: (userId: string): number => [...bars].filter((covers) => covers(of(userId))).length,
    breaks: (now: boolean) => void (broken = now),
  };
}

const disabling = { userId: ada, patch: { active: false }, adminPrivilege: 'admin', audit: [] };
const ends: [string, (store: Store) => Promise<unknown>][] = [
  ['updateUser', (store) => store.updateUser(disabling)],
  ['deleteToken', (store) => store.deleteToken({ id: t, owner: ada } as Parameters<Store['deleteToken']>[0])],
  [
    'updateToken',
    (store) =>
      store.updateToken({ id: t, owner: ada, patch: { active: false } } as Parameters<Store['updateToken']>[0]),
  ],
  ['deleteUser', (store) => store.deleteUser({ userId: ada } as Parameters<Store['deleteUser']>[0])],
];

for (const [name, end] of ends)
  test(`${name} ends access at once, also while it cannot be written, and is written before anything is granted`, async () => {
    const { ending, done, barred, breaks } = stage();
    breaks(true);
    await assert.rejects(end(ending.store), StoreFault);
    await assert.rejects(end(ending.store), StoreFault);
    assert.deepEqual([barred(ada), barred('u_bob'), done.length], [1, 0, 0]);
    const grants: [string, () => Promise<unknown>][] = [
      ['openSession', () => ending.store.openSession({} as Parameters<Store['openSession']>[0])],
      // What goes before a signed ticket.
      ['noteAccepted', () => ending.store.noteAccepted({} as Parameters<Store['noteAccepted']>[0])],
      ['openChallenge', () => ending.store.openChallenge({} as Parameters<Store['openChallenge']>[0], 1)],
      ['updateUser', () => ending.store.updateUser({ ...disabling, patch: { active: true } })],
      ['enableTotp', () => ending.store.enableTotp({} as Parameters<Store['enableTotp']>[0])],
      ['addPasskey', () => ending.store.addPasskey({} as Parameters<Store['addPasskey']>[0])],
      ['createToken', () => ending.store.createToken({} as Parameters<Store['createToken']>[0])],
      ['rotateToken', () => ending.store.rotateToken({} as Parameters<Store['rotateToken']>[0])],
      ['issuePathTicket', () => ending.store.issuePathTicket({} as Parameters<Store['issuePathTicket']>[0], 1)],
      ['putLink', () => ending.store.putLink({} as Parameters<Store['putLink']>[0], {} as never)],
      ['redeemLink', () => ending.store.redeemLink({} as Parameters<Store['redeemLink']>[0])],
    ];
    for (const [, grant] of grants) await assert.rejects(grant(), StoreFault);
    assert.deepEqual(done, []);
    breaks(false);
    const [first, ...rest] = grants;
    await first?.[1]();
    assert.deepEqual([done, barred(ada)], [[name, 'openSession'], 0]);
    for (const [, grant] of rest) await grant();
    assert.deepEqual(done, [name, ...grants.map(([each]) => each)]);
  });

test('what changes nobody’s access bars nobody', async () => {
  const { ending, barred, breaks } = stage();
  breaks(true);
  await assert.rejects(ending.store.updateUser({ ...disabling, patch: { email: 'x@example.org' } }), StoreFault);
  assert.equal(barred(ada), 0);
});

test('an end that could not be written is written later, whatever else has changed by then', async () => {
  let broken = true;
  const written: object[] = [];
  const store = {
    updateUser: (change: object) => {
      if (broken) return Promise.reject(new StoreFault('full'));
      written.push(change);
      return Promise.resolve({ kind: 'updated' });
    },
  } as unknown as Store;
  const ending = endingStore(store, { bar: () => () => undefined });
  const seen = { from: { privileges: [], groups: [], active: true, disabledBy: '' as const } };
  await assert.rejects(ending.store.updateUser({ ...disabling, ...seen }), StoreFault);
  broken = false;
  await ending.settle();
  await ending.store.updateUser({ ...disabling, ...seen });
  assert.deepEqual(written, [disabling, { ...disabling, ...seen }]);
});

/** Ends of four people among what ends nothing. */
const several = [
  { write: 'createUser', given: {} },
  { write: 'updateUser', given: { ...disabling, from: { privileges: [], groups: [], active: true } } },
  { write: 'updateUser', given: { ...disabling, userId: 'u_bob', patch: { email: 'x@example.org' } } },
  { write: 'deleteUser', given: { userId: 'u_eve' } },
  { write: 'updateToken', given: { id: t, owner: 'u_dan', patch: { active: false, name: 'n' } } },
  { write: 'deleteToken', given: { id: t, owner: 'u_kim' } },
] as unknown as readonly Write[];

test('each of several writes that ends something ends it at once, as if it were asked for alone', async () => {
  const { ending, done, barred, breaks } = stage();
  breaks(true);
  await assert.rejects(ending.store.writeTogether(several, 'each'), StoreFault);
  await assert.rejects(ending.store.writeTogether(several, 'each'), StoreFault);
  await assert.rejects(ending.store.updateUser(disabling), StoreFault);
  const names: readonly string[] = [ada, 'u_bob', 'u_eve', 'u_dan', 'u_kim'];
  assert.deepEqual(
    names.map((name) => barred(name)),
    [1, 0, 1, 1, 1],
  );
  breaks(false);
  await ending.store.writeTogether(several, 'each');
  assert.deepEqual(done, ['updateUser', 'deleteUser', 'updateToken', 'deleteToken', 'writeTogether']);
  assert.deepEqual(
    names.map((name) => barred(name)),
    [0, 0, 0, 0, 0],
  );
});

test('of all or none nothing has ended when it cannot be written; it waits for the ends before it', async () => {
  const { ending, done, barred, breaks } = stage();
  breaks(true);
  await assert.rejects(ending.store.writeTogether(several, 'all'), StoreFault);
  assert.equal(barred(ada), 0);
  await assert.rejects(ending.store.deleteUser(disabling as unknown as Parameters<Store['deleteUser']>[0]), StoreFault);
  await assert.rejects(ending.store.writeTogether(several, 'all'), StoreFault);
  assert.deepEqual([barred(ada), barred('u_eve')], [1, 0]);
  breaks(false);
  await ending.store.writeTogether(several, 'all');
  assert.deepEqual([done, barred(ada)], [['deleteUser', 'writeTogether'], 0]);
});

test('several writes that end and grant nothing wait for no other end', async () => {
  const { ending, done, breaks } = stage();
  breaks(true);
  await assert.rejects(ending.store.updateUser(disabling), StoreFault);
  breaks(false);
  await ending.store.writeTogether(several.slice(3), 'each');
  assert.deepEqual(done, ['writeTogether']);
});
