/**
 * The store contract's writes made together, idempotent requests, networks noted over Basic, and keys that are replaced, as
 * tests. In the manner of `store-contract.ts`, over the same stores.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import { linkHash } from '../src/store/audit-chain.ts';
import type { UserRow } from '../src/store/rows.ts';
import { type Store, StoreFault, type Write } from '../src/store/store.ts';
import type { Millis, UserId, Username } from '../src/types.ts';
import {
  ada,
  attempt,
  audit,
  bob,
  changesOf,
  day,
  digestOf,
  found,
  later,
  networkUse,
  noon,
  opening,
  type OpenedStore,
  seqNow,
  session,
  sessionChange,
  sorted,
  stages,
  tally,
  times,
  updating,
  user,
  userChange,
  userNow,
} from './store-contract.ts';
import { creating, token, tokenId } from './store-contract-tokens.ts';

const eve = 'u_eve' as UserId;
const nobody = 'u_nobody' as UserId;
const name = (id: UserId): Username => id.slice(2) as Username;

const create = (id: UserId, given: Partial<UserRow> = {}): Write => ({
  write: 'createUser',
  given: { user: user(id, given), audit: audit('user-created') },
});
const update = (given: Parameters<Store['updateUser']>[0]): Write => ({ write: 'updateUser', given });
const drop = (userId: UserId, adminPrivilege = 'admin'): Write => ({
  write: 'deleteUser',
  given: { userId, adminPrivilege, audit: audit('user-deleted') },
});
const createToken = (row: ReturnType<typeof token>, cap = 100): Write => ({
  write: 'createToken',
  given: creating(row, { cap }),
});
const rename = (what: string, to: string): Write => ({
  write: 'updateToken',
  given: { id: tokenId(what), owner: null, patch: { name: to }, audit: audit('token-changed') },
});
const revoke = (what: string): Write => ({
  write: 'deleteToken',
  given: { id: tokenId(what), owner: null, audit: audit('token-deleted') },
});

const kinds = (outcomes: readonly { readonly kind: string }[]): string[] => outcomes.map(({ kind }) => kind);

async function eventsAfter(store: Store, number: number): Promise<string[]> {
  const { chain, number: last } = await store.auditHead();
  const { events } = await store.auditPage({ chain, after: number, upTo: last, limit: 1000 });
  return events.map(({ event }) => event);
}

const asked = { owner: ada as string, key: digestOf('key') };
const answer = { answer: '{"status":201,"text":"ünï"}', sealed: 'sealed' };
const leaseMs = 15_000;

export const beginning = (
  given: Partial<Parameters<Store['beginIdempotent']>[0]> = {},
): Parameters<Store['beginIdempotent']>[0] => {
  const at = given.at ?? noon;
  return {
    ...asked,
    fingerprint: digestOf('request'),
    holder: 'process-1',
    at,
    leaseUntil: (at + leaseMs) as Millis,
    endsAt: (at + day) as Millis,
    cap: 1000,
    ...given,
  };
};

const key = (id: string, purpose: 'service' | 'cookie' = 'service') => ({
  id,
  purpose,
  sealed: `sealed-${id}`,
  createdAt: noon,
  usedFrom: noon,
});

/** Nothing that a reader can see has become otherwise. */
async function changesNothing(store: Store, operation: () => Promise<unknown>): Promise<void> {
  const picture = async () => [
    await store.users({ after: null, limit: 1000, matching: '' }),
    await store.tokens({ userId: null, before: null, limit: 1000 }),
    await store.keys(),
    await store.auditHead(),
    await store.attempts({ userId: null, limit: 1000, before: null }),
  ];
  const before = await picture();
  assert.deepEqual(await changesOf(store, operation), []);
  assert.deepEqual(await picture(), before);
}

export function writesContract(engine: string, open: () => Promise<OpenedStore>): void {
  const { fresh, settled, signedIn } = stages(open);

  describe(`${engine}: a user by name`, () => {
    test(
      'is found with the change number of the state that was read, found or not',
      settled(async (store) => {
        const seq = await seqNow(store);
        assert.deepEqual(await store.userByName(name(ada)), { kind: 'found', user: user(ada), seq });
        assert.deepEqual(await store.userByName(name(nobody)), { kind: 'unknown', seq });
        await store.updateUser(updating({ email: 'new@example.org' }, bob));
        assert.equal((await store.userByName(name(ada))).seq, seq + 1);
        assert.equal((await store.userByName(name(nobody))).seq, seq + 1);
      }),
    );

    test(
      'whoever reads beside changes never gets an older row under a newer number',
      settled(async (store) => {
        const from = await seqNow(store);
        const reads: Promise<void>[] = [];
        const read = async (): Promise<void> => {
          const lookup = await store.userByName(name(ada));
          assert.ok(lookup.kind === 'found');
          assert.equal(lookup.user.email, lookup.seq === from ? user(ada).email : String(lookup.seq - from));
        };
        for (let made = 1; made <= 20; made += 1) {
          const change = store.updateUser(updating({ email: String(made) }));
          reads.push(...times(5, read));
          await change;
        }
        await Promise.all(reads);
      }),
    );
  });

  describe(`${engine}: writes made together`, () => {
    for (const which of ['each', 'all'] as const)
      test(
        `are made in their order, and noted as if each were made alone: ${which}`,
        settled(async (store) => {
          const { number } = await store.auditHead();
          const writes = [
            create(eve),
            createToken(token('eves', { userId: eve })),
            createToken(token('one')),
            rename('one', 'another'),
            update(updating({ email: 'e@example.org' }, eve)),
            revoke('one'),
            drop(bob),
          ];
          let outcomes: readonly { readonly kind: string }[] = [];
          const changes = await changesOf(store, async () => {
            outcomes = await store.writeTogether(writes, which);
          });
          assert.deepEqual(outcomes, [
            { kind: 'created' },
            { kind: 'created' },
            { kind: 'created' },
            { kind: 'updated', token: token('one', { name: 'another' }) },
            { kind: 'updated', user: user(eve, { email: 'e@example.org' }) },
            { kind: 'deleted' },
            { kind: 'deleted' },
          ]);
          const tokens = ['eves', 'one', 'one', 'one'].map(sessionChange);
          assert.deepEqual(sorted(changes), sorted([...tokens, userChange(eve), userChange(bob)]));
          assert.deepEqual(await eventsAfter(store, number), [
            'user-created',
            'token-created',
            'token-created',
            'token-changed',
            'updated',
            'token-deleted',
            'user-deleted',
          ]);
          assert.deepEqual(await userNow(store, eve), user(eve, { email: 'e@example.org' }));
          assert.equal((await store.tokenById(tokenId('eves'))).kind, 'found');
          assert.equal((await store.tokenById(tokenId('one'))).kind, 'unknown');
          assert.equal((await store.userById(bob)).kind, 'unknown');
        }),
      );

    test(
      'each by itself: those that are refused are told why, and leave the others',
      settled(async (store) => {
        const { number } = await store.auditHead();
        const seen = { privileges: [], groups: [], active: true, disabledBy: '' } as const;
        const outcomes = await store.writeTogether(
          [
            create(eve, { username: name(ada) }),
            create(eve),
            create('u_other' as UserId, { username: name(eve) }),
            update(updating({ email: 'x' }, nobody)),
            update({ ...updating({ email: 'x' }), from: seen }),
            update(updating({ email: 'y' })),
            createToken(token('x'), 0),
            createToken(token('x', { userId: nobody })),
            rename('x', 'y'),
            revoke('x'),
            drop(ada, 'admin:all'),
            drop(nobody),
          ],
          'each',
        );
        assert.deepEqual(kinds(outcomes), [
          'name-taken',
          'created',
          'name-taken',
          'unknown',
          'changed-meanwhile',
          'updated',
          'too-many',
          'superseded',
          'unknown',
          'unknown',
          'deleted',
          'unknown',
        ]);
        assert.deepEqual(await eventsAfter(store, number), ['user-created', 'updated', 'user-deleted']);
      }),
    );

    test(
      'all or none: where one is refused nothing is made or noted, and those behind it are judged like those before',
      settled(async (store) => {
        await changesNothing(store, async () => {
          const outcomes = await store.writeTogether(
            [
              create(eve),
              update(updating({ email: 'x' })),
              create('u_other' as UserId, { username: name(bob) }),
              createToken(token('eves', { userId: eve })),
              revoke('eves'),
              revoke('eves'),
              drop(bob),
              drop(nobody),
            ],
            'all',
          );
          assert.deepEqual(kinds(outcomes), [
            'undone',
            'undone',
            'name-taken',
            'undone',
            'undone',
            'unknown',
            'undone',
            'unknown',
          ]);
        });
        assert.deepEqual(kinds(await store.writeTogether([create(eve), drop(eve)], 'all')), ['created', 'deleted']);
      }),
    );

    test(
      'what they would have ended lives on where they are undone, and has ended where they are made',
      signedIn(async (store) => {
        const { bootId } = await store.beginBoot('boot-2', noon);
        await store.openSession(opening(session('volatile', { kind: 'admin', bootId })));
        const disabling = update(updating({ active: false }));
        const undone = await store.writeTogether([disabling, drop(nobody)], 'all');
        assert.deepEqual(kinds(undone), ['undone', 'unknown']);
        for (const each of ['console', 'other', 'app-spent', 'volatile']) assert.ok(await found(store, each), each);
        assert.equal((await store.devicesOf(ada, noon)).length, 2);
        const made = await store.writeTogether([disabling, drop(nobody)], 'each');
        assert.deepEqual(kinds(made), ['updated', 'unknown']);
        for (const each of ['console', 'other', 'app-spent', 'volatile'])
          assert.equal(await found(store, each), undefined, each);
        assert.deepEqual(await store.devicesOf(ada, noon), []);
      }),
    );

    test(
      'the last admin stays, whatever the others leave',
      settled(async (store) => {
        const off = (id: UserId) => update({ ...updating({ active: false }, id), adminPrivilege: 'admin:all' });
        assert.deepEqual(kinds(await store.writeTogether([off(ada), off(bob)], 'all')), ['undone', 'last-admin']);
        assert.deepEqual(kinds(await store.writeTogether([off(ada), drop(bob, 'admin:all')], 'each')), [
          'updated',
          'last-admin',
        ]);
        assert.deepEqual([(await userNow(store, ada)).active, (await userNow(store, bob)).active], [false, true]);
      }),
    );

    test(
      'a fault is one of all of them: none is made, and the store goes on',
      settled(async (store) => {
        for (const which of ['each', 'all'] as const)
          await changesNothing(store, () =>
            assert.rejects(
              store.writeTogether([create(eve), create(ada, { username: name(nobody) }), drop(bob)], which),
              StoreFault,
            ),
          );
        assert.deepEqual(kinds(await store.writeTogether([create(eve)], 'all')), ['created']);
        assert.deepEqual(await store.writeTogether([], 'all'), []);
        assert.deepEqual(await store.writeTogether([], 'each'), []);
      }),
    );

    test(
      'two hundred accounts at once are two hundred links of the chain, in their order',
      settled(async (store) => {
        const before = await store.auditHead();
        const writes = times(200, (index): Write => {
          const id = `u_${index}` as UserId;
          return {
            write: 'createUser',
            given: { user: user(id), audit: { ...audit('made'), actor: ada, target: id } },
          };
        });
        assert.equal(tally(await store.writeTogether(writes, 'all'), 'created'), 200);
        const { chain } = before;
        const { events } = await store.auditPage({
          chain,
          after: before.number,
          upTo: before.number + 200,
          limit: 999,
        });
        assert.deepEqual(
          events.map(({ target, actorName }) => `${target} by ${actorName}`),
          times(200, (index) => `u_${index} by ada`),
        );
        let previous = before.hash;
        for (const row of events) {
          assert.equal(row.hash, linkHash(chain, previous, row));
          previous = row.hash;
        }
        assert.deepEqual(await store.auditHead(), {
          ...before,
          number: before.number + 200,
          hash: previous,
          lastRow: before.number + 200,
        });
        const places = events.map(({ place }) => place);
        assert.deepEqual(
          places,
          places.toSorted((one, other) => one - other),
        );
      }),
    );

    test(
      'side by side over the same rows and names, in whatever order each has them, all are done',
      settled(async (store) => {
        const ids = times(8, (index) => `u_${index}` as UserId);
        await store.writeTogether(
          ids.map((id) => create(id)),
          'all',
        );
        for (const id of ids) await store.createToken(creating(token(id, { userId: id })));
        const outcomes = await Promise.all(
          times(10, (round) => {
            const order = round % 2 === 0 ? ids : ids.toReversed();
            return store.writeTogether(
              [
                ...order.map((id) => update(updating({ email: String(round), privileges: ['admin'] }, id))),
                ...order.map((id) => rename(id, String(round))),
                ...order.map((id) => create(`${id}_${round}` as UserId, { username: `new-${id}` as Username })),
              ],
              'each',
            );
          }),
        );
        assert.equal(tally(outcomes.flat(), 'updated'), 160);
        assert.equal(tally(outcomes.flat(), 'created'), 8);
        assert.equal(tally(outcomes.flat(), 'name-taken'), 72);
      }),
    );
  });

  describe(`${engine}: idempotent requests`, () => {
    test(
      'one is under way, then has its answer; nothing of it is a change',
      settled(async (store) => {
        await changesNothing(store, async () => {
          assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'begun' });
          for (const holder of ['process-1', 'process-2'])
            assert.deepEqual(await store.beginIdempotent(beginning({ holder })), { kind: 'in-progress' });
          const other = { fingerprint: digestOf('other') };
          assert.deepEqual(await store.beginIdempotent(beginning(other)), { kind: 'mismatch' });
          await store.keepAnswer({ ...asked, holder: 'process-1', answer });
          assert.deepEqual(await store.beginIdempotent(beginning({ at: later(leaseMs) })), {
            kind: 'kept',
            key: asked.key,
            answer,
          });
          assert.deepEqual(await store.beginIdempotent(beginning(other)), { kind: 'mismatch' });
        });
      }),
    );

    test(
      'of 50 at once one begins, and of those that ask the same of another owner one',
      settled(async (store) => {
        const outcomes = await Promise.all(
          times(50, (index) =>
            store.beginIdempotent(
              beginning({ holder: `process-${index}`, owner: index % 2 === 0 ? ada : 'service-key' }),
            ),
          ),
        );
        assert.equal(tally(outcomes, 'begun'), 2);
        assert.equal(tally(outcomes, 'in-progress'), 48);
      }),
    );

    test(
      'freed it can be begun anew, once; what is answered or somebody else’s is not freed',
      settled(async (store) => {
        await store.beginIdempotent(beginning());
        await store.freeIdempotent({ ...asked, holder: 'process-2' });
        assert.equal((await store.beginIdempotent(beginning())).kind, 'in-progress');
        await store.freeIdempotent({ ...asked, holder: 'process-1' });
        const again = await Promise.all(times(20, () => store.beginIdempotent(beginning({ holder: 'process-2' }))));
        assert.equal(tally(again, 'begun'), 1);
        await store.keepAnswer({ ...asked, holder: 'process-2', answer });
        await store.freeIdempotent({ ...asked, holder: 'process-2' });
        assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'kept', key: asked.key, answer });
      }),
    );

    test(
      'beginning and freeing side by side: at each moment one has it',
      settled(async (store) => {
        let having = 0;
        const one = async (holder: string): Promise<number> => {
          let begun = 0;
          for (let round = 0; round < 10; round += 1) {
            if ((await store.beginIdempotent(beginning({ holder }))).kind !== 'begun') continue;
            having += 1;
            assert.equal(having, 1);
            begun += 1;
            having -= 1;
            await store.freeIdempotent({ ...asked, holder });
          }
          return begun;
        };
        const begun = await Promise.all(times(8, (index) => one(`process-${index}`)));
        assert.ok(begun.some((count) => count > 0));
        assert.equal((await store.beginIdempotent(beginning())).kind, 'begun');
      }),
    );

    test(
      'an answer is kept by whoever is at it, and once',
      settled(async (store) => {
        await store.keepAnswer({ ...asked, holder: 'process-1', answer });
        await store.beginIdempotent(beginning());
        await store.keepAnswer({ ...asked, holder: 'process-2', answer: { ...answer, answer: '"wrong"' } });
        assert.equal((await store.beginIdempotent(beginning())).kind, 'in-progress');
        await store.keepAnswer({ ...asked, holder: 'process-1', answer });
        await store.keepAnswer({ ...asked, holder: 'process-1', answer: { answer: '"second"', sealed: '' } });
        assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'kept', key: asked.key, answer });
      }),
    );

    test(
      'a lease that is over leaves an outcome that nobody knows, until it has ended; renewed in time it goes on',
      settled(async (store) => {
        const second = { key: digestOf('second') };
        const others = { key: digestOf('others'), holder: 'process-2' };
        for (const given of [{}, second, others]) await store.beginIdempotent(beginning(given));
        await store.keepAnswer({ ...asked, ...second, holder: 'process-1', answer });
        await store.renewIdempotent({ holder: 'process-1', at: later(5000), leaseUntil: later(5000 + leaseMs) });
        // One that came late takes nothing back.
        await store.renewIdempotent({ holder: 'process-1', at: later(4000), leaseUntil: later(4000 + leaseMs) });
        const at = (ms: number, given: object = {}) => store.beginIdempotent(beginning({ ...given, at: later(ms) }));
        assert.deepEqual(await at(leaseMs - 1, others), { kind: 'in-progress' });
        assert.deepEqual(await at(leaseMs, others), { kind: 'unknown' });
        assert.deepEqual(await at(4999 + leaseMs), { kind: 'in-progress' });
        assert.deepEqual(await at(5000 + leaseMs), { kind: 'unknown' });
        assert.deepEqual(await at(leaseMs, second), { kind: 'kept', key: second.key, answer });
        await store.renewIdempotent({ holder: 'process-2', at: later(leaseMs), leaseUntil: later(2 * leaseMs) });
        assert.deepEqual(await at(leaseMs, others), { kind: 'unknown' });
        assert.deepEqual(await at(day - 1, others), { kind: 'unknown' });
        assert.deepEqual(await at(day - 1, { ...others, fingerprint: digestOf('other') }), { kind: 'mismatch' });
      }),
    );

    test(
      'one that has ended is as good as gone: of any number one begins in its place',
      settled(async (store) => {
        await store.beginIdempotent(beginning());
        await store.keepAnswer({ ...asked, holder: 'process-1', answer });
        assert.equal((await store.beginIdempotent(beginning({ at: later(day - 1) }))).kind, 'kept');
        const other = { at: later(day), fingerprint: digestOf('other'), holder: 'process-2' };
        const outcomes = await Promise.all(times(20, () => store.beginIdempotent(beginning(other))));
        assert.deepEqual([tally(outcomes, 'begun'), tally(outcomes, 'in-progress')], [1, 19]);
        await store.keepAnswer({ ...asked, holder: 'process-1', answer });
        assert.equal((await store.beginIdempotent(beginning(other))).kind, 'in-progress');
        await store.sweep(later(day));
        assert.equal((await store.beginIdempotent(beginning(other))).kind, 'in-progress');
      }),
    );

    test(
      'of one owner the oldest that nobody is at give way to what exceeds the cap',
      settled(async (store) => {
        const begin = (what: string, ms: number, given: object = {}) =>
          store.beginIdempotent(beginning({ key: digestOf(what), at: later(ms), cap: 3, ...given }));
        await begin('of-another', 0, { owner: 'service-key' });
        await store.keepAnswer({ owner: 'service-key', key: digestOf('of-another'), holder: 'process-1', answer });
        await begin('under-way', 0);
        for (const [index, what] of ['first', 'second', 'third'].entries()) {
          await begin(what, index + 1);
          await store.keepAnswer({ ...asked, key: digestOf(what), holder: 'process-1', answer });
        }
        const standing = async (what: string, ms = 10) =>
          (await begin(what, ms, { fingerprint: digestOf('other') })).kind;
        assert.deepEqual(
          [await standing('under-way'), await standing('second'), await standing('third')],
          ['mismatch', 'mismatch', 'mismatch'],
        );
        // Asking for what is there, whatever comes of it, makes no room.
        assert.equal((await begin('second', 11)).kind, 'kept');
        assert.equal((await begin('of-another', 11, { owner: 'service-key' })).kind, 'kept');
        // The first has gone; all three that are there now are under way, or answered.
        for (const [index, what] of ['fourth', 'fifth', 'sixth'].entries())
          assert.equal((await begin(what, 12 + index)).kind, 'begun');
        for (const what of ['under-way', 'fourth', 'fifth', 'sixth'])
          assert.equal((await begin(what, 15)).kind, 'in-progress');
        // Whose lease is over gives way like one that is answered: two of them, and the newest stay.
        await store.renewIdempotent({ holder: 'process-1', at: later(15), leaseUntil: later(100_000) });
        assert.equal((await begin('seventh', 100_000)).kind, 'begun');
        const kept = ['fifth', 'sixth', 'seventh'];
        assert.deepEqual(
          await Promise.all(kept.map((what) => standing(what, 100_001))),
          kept.map(() => 'mismatch'),
        );
        assert.equal((await begin('under-way', 100_002)).kind, 'begun');
      }),
    );

    test(
      'they go with their owner, and nobody else’s do; those that have ended are swept',
      settled(async (store) => {
        const owners = [ada, bob, 'service-key'];
        for (const owner of owners) {
          await store.beginIdempotent(beginning({ owner }));
          await store.keepAnswer({ ...asked, owner, holder: 'process-1', answer });
        }
        await store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() });
        const standings = (at: Millis) =>
          Promise.all(owners.map(async (owner) => (await store.beginIdempotent(beginning({ owner, at }))).kind));
        assert.deepEqual(await standings(noon), ['begun', 'kept', 'kept']);
        await store.beginIdempotent(beginning({ owner: bob, key: digestOf('later'), at: later(1) }));
        assert.deepEqual(await changesOf(store, () => store.sweep(later(day))), []);
        // By a clock that was set back they would be there again, if they were there.
        assert.deepEqual(await standings(noon), ['begun', 'begun', 'begun']);
        const left = beginning({ owner: bob, key: digestOf('later'), at: later(1) });
        assert.equal((await store.beginIdempotent(left)).kind, 'in-progress');
      }),
    );
  });

  describe(`${engine}: what is accepted over Basic`, () => {
    const accepted = (given: Partial<Parameters<Store['noteAccepted']>[0]> = {}) => ({
      userId: ada,
      network: networkUse,
      attempt: attempt({ way: 'basic' }),
      audit: audit('basic-accepted'),
      ...given,
    });
    const standing = async (store: Store, network: string) =>
      (await store.networkStanding({ userId: ada, network, since: later(-day) })).kind;

    test(
      'makes the network known, counts the attempt and writes the event; it is no change',
      settled(async (store) => {
        const { number } = await store.auditHead();
        assert.equal(await standing(store, networkUse.network), 'never-seen');
        assert.deepEqual(await changesOf(store, () => store.noteAccepted(accepted())), []);
        await store.noteAccepted(accepted());
        assert.equal(await standing(store, networkUse.network), 'known');
        const [counted] = await store.attempts({ userId: ada, limit: 9, before: null });
        assert.deepEqual([counted?.way, counted?.result, counted?.count], ['basic', 'ok', 2]);
        assert.deepEqual(await eventsAfter(store, number), ['basic-accepted', 'basic-accepted']);
      }),
    );

    test(
      'the network used longest ago gives way',
      settled(async (store) => {
        const networks = times(3, (index) => ({ network: `198.51.100.${index}/32`, at: later(index), cap: 2 }));
        for (const network of networks) await store.noteAccepted(accepted({ network }));
        assert.deepEqual(await Promise.all(networks.map(({ network }) => standing(store, network))), [
          'never-seen',
          'known',
          'known',
        ]);
      }),
    );

    test(
      'of a user who is gone nothing is written',
      settled(async (store) => {
        await changesNothing(store, () =>
          store.noteAccepted(accepted({ userId: nobody, attempt: attempt({ userId: nobody }) })),
        );
        assert.equal(await standing(store, networkUse.network), 'never-seen');
      }),
    );
  });

  describe(`${engine}: a key that is the only one of its purpose`, () => {
    const replacing = (id: string, from: string | null, purpose?: 'service' | 'cookie') => ({
      key: key(id, purpose),
      from,
      audit: audit('key-rotated'),
    });

    test(
      'is put where there is none, and replaced where it is the one that was seen',
      fresh(async (store) => {
        const { number } = await store.auditHead();
        const others = await store.keys();
        for (const [id, from] of [
          ['s1', null],
          ['s2', 's1'],
        ] as const) {
          const changes = await changesOf(store, async () =>
            assert.deepEqual(await store.replaceKey(replacing(id, from)), { kind: 'replaced' }),
          );
          assert.deepEqual(changes, [{ kind: 'installation' }]);
          const keys = await store.keys();
          assert.deepEqual(
            keys.filter(({ purpose }) => purpose === 'service'),
            [key(id)],
          );
          assert.deepEqual(
            keys.filter(({ purpose }) => purpose !== 'service'),
            others,
          );
        }
        await changesNothing(store, async () => {
          for (const from of [null, 's1', 'k2'])
            assert.deepEqual(await store.replaceKey(replacing('s3', from)), { kind: 'changed-meanwhile' });
          assert.deepEqual(await store.replaceKey(replacing('k9', null, 'cookie')), { kind: 'changed-meanwhile' });
        });
        assert.deepEqual(await eventsAfter(store, number), ['key-rotated', 'key-rotated']);
      }),
    );

    test(
      'nothing is put where another one was seen; of 20 at once one wins, each time',
      fresh(async (store) => {
        assert.deepEqual(await store.replaceKey(replacing('s1', 'gone')), { kind: 'changed-meanwhile' });
        let from: string | null = null;
        for (let round = 0; round < 3; round += 1) {
          const seen: string | null = from;
          const outcomes: readonly { readonly kind: string }[] = await Promise.all(
            times(20, (index) => store.replaceKey(replacing(`s-${round}-${index}`, seen))),
          );
          assert.deepEqual([tally(outcomes, 'replaced'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
          const there = (await store.keys()).filter(({ purpose }) => purpose === 'service');
          assert.deepEqual(
            there.map(({ id }) => id),
            [`s-${round}-${outcomes.findIndex(({ kind }) => kind === 'replaced')}`],
          );
          from = there[0]?.id ?? null;
        }
      }),
    );
  });
}
