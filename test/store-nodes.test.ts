/** What only several nodes over one database, and a place beside it that cannot be relied upon, can get wrong. */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { Change, SessionRow } from '../src/store/rows.ts';
import { type Store, StoreFault } from '../src/store/store.ts';
import {
  noVolatileSessions,
  type VolatileLookup,
  type VolatileSession,
  type VolatileSessions,
} from '../src/store/volatile-sessions.ts';
import type { Digest, Seq, SessionId, UserId } from '../src/types.ts';
import {
  audit,
  digestOf,
  initialise,
  later,
  opening,
  session,
  tally,
  times,
  updating,
  user,
} from './store-contract.ts';
import { beginning } from './store-contract-writes.ts';
import { withoutPackages } from './support/debian.ts';
import { sharedPostgres } from './support/postgres.ts';
import { openNode } from './support/store-node.ts';

const ada = user('u_ada' as UserId);

/**
 * A place for volatile sessions that can lose the answer to a question it has carried out, lose what it held, or be away:
 * what it says never opens what the database has ended.
 */
describe('PostgreSQL beside a place that cannot be relied upon', { skip: withoutPackages }, () => {
  const noon = later(0);

  function unreliable() {
    const kept = new Map<Digest, VolatileSession>();
    const ids = new Map<SessionId, Digest>();
    let state: 'there' | 'answers-are-lost' | 'away' = 'there';
    const away = { kind: 'away' } as const;
    const find = (digest: Digest | undefined): VolatileLookup => {
      if (state === 'away') return away;
      const found = digest === undefined ? undefined : kept.get(digest);
      return found === undefined ? { kind: 'unknown' } : { kind: 'found', found };
    };
    const volatile: VolatileSessions = {
      ...noVolatileSessions,
      keep: async (each) => {
        if (state === 'away') return away;
        kept.set(each.session.digest, each);
        if (!ids.has(each.session.id)) ids.set(each.session.id, each.session.digest);
        return state === 'answers-are-lost' ? away : { kind: 'kept' };
      },
      byDigest: async (digest) => find(digest),
      byId: async (id) => find(ids.get(id)),
      ofUser: async () => (state === 'away' ? [] : [...kept.values()]),
      countFailure: async (digest) => (kept.has(digest) ? { kind: 'counted', failures: 1 } : { kind: 'unknown' }),
      touch: async () => {
        if (state === 'away') throw new Error('away');
      },
      point: async (id, digest) => void ids.set(id, digest),
      drop: async (digests) => digests.forEach((digest) => kept.delete(digest)),
    };
    return {
      volatile,
      become: (next: typeof state) => void (state = next),
      lose: () => kept.clear(),
      size: () => kept.size,
    };
  }

  async function staged(): Promise<{
    readonly store: Store;
    readonly place: ReturnType<typeof unreliable>;
    readonly root: SessionRow;
    readonly end: () => Promise<void>;
  }> {
    const database = await (await sharedPostgres()).createDatabase();
    const place = unreliable();
    const store = await openNode(database, { volatile: place.volatile });
    await initialise(store);
    const { bootId } = await store.beginBoot('boot-1', noon);
    await store.createUser(ada, audit('user-created'));
    return {
      store,
      place,
      root: session('root', { kind: 'admin', bootId, userId: ada.id }),
      end: async () => {
        await store.close();
        await database.drop();
      },
    };
  }

  test('kept in two places by an answer that was lost: its end is the end of both', async () => {
    const { store, place, root, end } = await staged();
    place.become('answers-are-lost');
    await store.openSession(opening(root));
    place.become('there');
    assert.equal(place.size(), 1);
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'found');
    assert.equal((await store.endSession({ id: root.id, userId: ada.id, audit: audit() })).kind, 'ended');
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'unknown');
    await end();
  });

  test('renewed in such a state: the old token is dead', async () => {
    const { store, place, root, end } = await staged();
    place.become('answers-are-lost');
    await store.openSession(opening(root));
    place.become('there');
    const renewal = { id: root.id, fromDigest: root.digest, digest: digestOf('new'), authenticatedAt: noon };
    assert.equal((await store.renewSession({ ...renewal, audit: audit() })).kind, 'renewed');
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'unknown');
    assert.equal((await store.sessionByDigest(digestOf('new'))).kind, 'found');
    await end();
  });

  test('lost there: who holds it can still end it, every node hears of it, and what comes back is over', async () => {
    const { store, place, root, end } = await staged();
    await store.openSession(opening(root));
    place.lose();
    const told: Change[] = [];
    store.onChange((changes) => told.push(...changes));
    const ending = { id: root.id, userId: ada.id, audit: audit() };
    assert.equal((await store.endSession(ending)).kind, 'unknown');
    assert.equal((await store.endSession({ ...ending, shown: root.digest })).kind, 'ended');
    assert.ok(told.some(({ subject }) => subject.kind === 'session' && subject.digest === root.digest));
    await place.volatile.keep({ session: root, epoch: 0 });
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'unknown');
    await end();
  });

  test('lost there: a wrong re-authentication ends it, since nothing counts any more', async () => {
    const { store, place, root, end } = await staged();
    await store.openSession(opening(root));
    place.lose();
    const wrong = { id: root.id, userId: ada.id, digest: root.digest, limit: 5, audit: audit() };
    assert.equal((await store.countReauthenticationFailure(wrong)).kind, 'ended');
    await place.volatile.keep({ session: root, epoch: 0 });
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'unknown');
    await end();
  });

  test('away: uses of sessions that are rows are written, and durable ones are told from those nobody can find', async () => {
    const { store, place, root, end } = await staged();
    const durable = session('durable', { userId: ada.id });
    await store.openSession(opening(durable));
    place.become('away');
    await store.openSession(opening(root));
    const used = later(60_000);
    await store.touchSessions([durable.id, root.id].map((id) => ({ id, lastSeenAt: used })));
    for (const each of [durable, root]) {
      const found = await store.sessionByDigest(each.digest);
      assert.equal(found.kind === 'found' ? found.session.lastSeenAt : 0, used);
    }
    assert.equal((await store.sessionByDigest(digestOf('nobody'), 'durable')).kind, 'unknown');
    await assert.rejects(store.sessionByDigest(digestOf('nobody')), StoreFault);
    await end();
  });

  test('a renewal that is taken back leaves the session to be found, and ended, as it was', async () => {
    const { store, place, root, end } = await staged();
    await store.openSession(opening(root));
    // As a transaction leaves it that was carried out there and taken back here.
    await place.volatile.keep({ session: { ...root, digest: digestOf('new') }, epoch: 0 });
    const told: Change[] = [];
    store.onChange((changes) => told.push(...changes));
    assert.equal((await store.endSession({ id: root.id, userId: ada.id, audit: audit() })).kind, 'ended');
    assert.ok(told.some(({ subject }) => subject.kind === 'session' && subject.digest === root.digest));
    for (const digest of [root.digest, digestOf('new')])
      assert.equal((await store.sessionByDigest(digest)).kind, 'unknown');
    await end();
  });

  test('ids that never were: a bounded number of marks, whoever asks', async () => {
    const { store, place, root, end } = await staged();
    place.become('away');
    await store.openSession(opening(root));
    for (let at = 0; at < 1100; at += 50)
      await Promise.all(
        Array.from({ length: 50 }, (_, each) =>
          store.endSession({ id: `s_made_up_${at + each}` as SessionId, userId: ada.id, audit: audit() }),
        ),
      );
    // A row among them lives on.
    assert.equal((await store.sessionByDigest(root.digest)).kind, 'found');
    await end();
  });

  test('after a failover that lost commits: a change that has another one’s number is noticed', async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const store = await openNode(database);
    await initialise(store);
    await store.createUser(ada, audit('user-created'));
    await store.endSessions({ userId: ada.id, except: null, audit: audit() });
    const found = await store.installation();
    assert.ok(found.kind === 'found');
    assert.deepEqual(await store.changesSince(found.seq), { kind: 'changes', changes: [], last: found.seq });
    await store.endSessions({ userId: ada.id, except: null, audit: audit() });
    const read = await store.changesSince(found.seq);
    assert.ok(read.kind === 'changes' && read.changes.length === 1);
    // That one is lost, and two others are made by whoever goes on.
    const postgres = await sharedPostgres();
    await postgres.sql(
      `DELETE FROM changes WHERE seq = ${read.last}; UPDATE change_counter SET seq = seq - 1`,
      database.name,
    );
    await store.endSessions({ userId: ada.id, except: null, audit: audit() });
    await store.endSessions({ userId: ada.id, except: null, audit: audit() });
    assert.equal((await store.changesSince(read.last)).kind, 'lost');
    await store.close();
    await database.drop();
  });

  test('a connection for news that is lost again and again leaves none behind', async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const store = await openNode(database);
    await initialise(store);
    const postgres = await sharedPostgres();
    const own = `usename = '${database.name}'`;
    const listening = async (): Promise<number> => {
      const rows = await postgres.sql(`SELECT 1 FROM pg_stat_activity WHERE ${own} AND query LIKE 'LISTEN%'`);
      return rows.length;
    };
    for (let times = 0; times < 5; times += 1) {
      await postgres.sql(`SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE ${own}`);
      await store.changesSince(0 as Seq).catch(() => undefined);
      await store.changesSince(0 as Seq).catch(() => undefined);
    }
    assert.ok((await listening()) <= 1);
    await store.close();
    const left = await postgres.sql(`SELECT 1 FROM pg_stat_activity WHERE ${own}`);
    assert.equal(left.length, 0);
    await database.drop();
  });
});

describe('PostgreSQL: two nodes', { skip: withoutPackages }, () => {
  async function twoNodes(body: (nodes: readonly [Store, Store]) => Promise<void>): Promise<void> {
    const database = await (await sharedPostgres()).createDatabase();
    const nodes = [await openNode(database), await openNode(database, { node: 'node-2' })] as const;
    try {
      await initialise(nodes[0]);
      for (const name of ['ada', 'bob', 'eve'] as const)
        await nodes[0].createUser(user(`u_${name}` as UserId), audit('user-created'));
      await body(nodes);
    } finally {
      for (const node of nodes) await node.close();
      await database.drop();
    }
  }
  const everywhere = <T>(nodes: readonly Store[], ask: (node: Store, index: number) => Promise<T>): Promise<T[]> =>
    Promise.all(times(20, (index) => ask(nodes[index % nodes.length] as Store, index)));

  test('of any number on any node one begins a request; what came of it is known on each', () =>
    twoNodes(async (nodes) => {
      for (const at of [later(0), beginning().endsAt]) {
        const outcomes = await everywhere(nodes, (node, index) =>
          node.beginIdempotent(beginning({ holder: `process-${index}`, at })),
        );
        assert.deepEqual([tally(outcomes, 'begun'), tally(outcomes, 'in-progress')], [1, 19]);
        const holder = `process-${outcomes.findIndex(({ kind }) => kind === 'begun')}`;
        const { owner, key } = beginning();
        await nodes[1].keepAnswer({ owner, key, holder, answer: { answer: '{}', sealed: '' } });
        for (const node of nodes) assert.equal((await node.beginIdempotent(beginning({ at }))).kind, 'kept');
      }
    }));

  test('a start of another node leaves what is under way as it is', () =>
    twoNodes(async ([one, other]) => {
      await one.beginBoot('boot-1', later(0));
      await one.beginIdempotent(beginning());
      await other.beginBoot('boot-2', later(1));
      assert.equal((await other.beginIdempotent(beginning())).kind, 'in-progress');
    }));

  test('beginning, renewing, answering and the end of the owner side by side: nothing is in anybody’s way', () =>
    twoNodes(async (nodes) => {
      const ask = async (node: Store, index: number): Promise<void> => {
        const request = beginning({ key: digestOf(`key-${index % 7}`), holder: `process-${index % 3}`, cap: 3 });
        for (let round = 0; round < 10; round += 1) {
          const { owner, key, holder } = request;
          const { kind } = await node.beginIdempotent(request);
          await node.renewIdempotent({ holder, at: later(round), leaseUntil: later(99_000 + round) });
          if (kind === 'begun' && round % 2 === 0) await node.freeIdempotent({ owner, key, holder });
          else await node.keepAnswer({ owner, key, holder, answer: { answer: '{}', sealed: '' } });
        }
      };
      const deletion = { userId: ada.id, adminPrivilege: 'nobody-has-it', audit: audit('user-deleted') };
      await Promise.all([everywhere(nodes, ask), nodes[1].deleteUser(deletion), nodes[0].sweep(later(0))]);
    }));

  test('a key is replaced by one of them, and the other hears of it', () =>
    twoNodes(async (nodes) => {
      const heard = new Promise<void>((resolve) => nodes[1].onNews(resolve));
      const outcomes = await everywhere(nodes, (node, index) =>
        node.replaceKey({
          key: { id: `s-${index}`, purpose: 'service', sealed: 'x', createdAt: later(0), usedFrom: later(0) },
          from: null,
          audit: audit('key-rotated'),
        }),
      );
      assert.deepEqual([tally(outcomes, 'replaced'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
      await heard;
    }));

  test('several writes over the same accounts in another order on each: all are done, and each node has its links', () =>
    twoNodes(async (nodes) => {
      const ids = ['u_ada', 'u_bob', 'u_eve'] as UserId[];
      const outcomes = await everywhere(nodes, (node, index) => {
        const order = index % 4 < 2 ? ids : ids.toReversed();
        return node.writeTogether(
          order.map((userId) => ({ write: 'updateUser', given: { ...updating({ email: String(index) }, userId) } })),
          index % 3 === 0 ? 'all' : 'each',
        );
      });
      assert.equal(tally(outcomes.flat(), 'updated'), 60);
      for (const node of nodes) assert.ok((await node.auditHead()).number >= 30);
    }));
});
