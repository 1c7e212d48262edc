/**
 * The store contract's keys: added, removed, their root replaced, and values sealed anew, as tests. In the manner of
 * `store-contract.ts`, over the same stores.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { KeyRow } from '../src/crypto/keyring.ts';
import { type Store, StoreFault } from '../src/store/store.ts';
import type { Millis } from '../src/types.ts';
import {
  ada,
  audit,
  bob,
  changesOf,
  digestOf,
  later,
  noon,
  type OpenedStore,
  session,
  stages,
  tally,
  times,
  user,
} from './store-contract.ts';
import { beginning } from './store-contract-writes.ts';

const key = (id: string, purpose: KeyRow['purpose'], at = 1): KeyRow => ({
  id,
  purpose,
  sealed: `sealed-${id}`,
  createdAt: later(at),
  usedFrom: later(at + 600_000),
});
const adding = (row: KeyRow, after: KeyRow | null, others: 'stay' | 'go' = 'stay') => ({
  key: row,
  after: after === null ? null : { id: after.id, sealed: after.sealed },
  others,
  audit: [audit('key-added')],
});
const removing = (id: string) => ({ id, audit: audit('key-removed') });
const sealed = (id: string, what: string): string => `v1.${id}.nonce.${what}`;

async function idsOf(store: Store, purpose: KeyRow['purpose']): Promise<readonly string[]> {
  return (await store.keys()).flatMap((row) => (row.purpose === purpose ? [row.id] : [])).toSorted();
}

export function keyContract(engine: string, open: () => Promise<OpenedStore>): void {
  const { settled } = stages(open);

  const changesNothing = async (store: Store, run: () => Promise<void>): Promise<void> => {
    const before = [await store.keys(), (await store.auditHead()).number];
    assert.deepEqual(await changesOf(store, run), []);
    assert.deepEqual([await store.keys(), (await store.auditHead()).number], before);
  };

  describe(`${engine}: keys of the ring`, () => {
    test(
      'one is added behind the newest of its purpose, as it was sealed, and behind no other; that is a change',
      settled(async (store) => {
        const [t1, t2, t3] = [key('t1', 'ticket'), key('t2', 'ticket', 2), key('t3', 'ticket', 3)];
        for (const [row, after] of [
          [t1, null],
          [t2, t1],
        ] as const) {
          const changes = await changesOf(store, async () =>
            assert.deepEqual(await store.addKey(adding(row, after)), { kind: 'added' }),
          );
          assert.deepEqual(changes, [{ kind: 'installation' }]);
        }
        await changesNothing(store, async () => {
          for (const after of [null, t1, t3, { ...t2, sealed: 'under another root key' }])
            assert.deepEqual(await store.addKey(adding(t3, after)), { kind: 'changed-meanwhile' });
        });
        await changesNothing(store, async () => {
          await assert.rejects(store.addKey(adding({ ...t3, id: 't1' }, t2)), StoreFault);
        });
        assert.deepEqual(
          (await store.keys()).filter(({ purpose }) => purpose === 'ticket'),
          [t1, t2],
        );
        assert.deepEqual(await store.addKey(adding(t3, t2, 'go')), { kind: 'added' });
        assert.deepEqual(await idsOf(store, 'ticket'), ['t3']);
        assert.ok((await store.keys()).length > 1, 'those of other purposes stay');
      }),
    );

    test(
      'of 20 at once one is added, each time',
      settled(async (store) => {
        let newest: KeyRow | null = null;
        for (let round = 1; round <= 3; round += 1) {
          const after: KeyRow | null = newest;
          const rows = times(20, (index) => key(`c-${round}-${index}`, 'audit', round));
          const outcomes: readonly { readonly kind: string }[] = await Promise.all(
            rows.map((row) => store.addKey(adding(row, after))),
          );
          assert.deepEqual([tally(outcomes, 'added'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
          newest = rows[outcomes.findIndex(({ kind }) => kind === 'added')] ?? null;
        }
        assert.equal((await idsOf(store, 'audit')).length, 3);
      }),
    );

    test(
      'the newest is never removed, a sealing key not while something is sealed under it, an audit key not while it signed a checkpoint',
      settled(async (store) => {
        const [old] = (await store.keys()).filter(({ purpose }) => purpose === 'seal');
        assert.ok(old !== undefined);
        const [s1, s2] = [key('s1', 'seal'), key('s2', 'seal', 2)];
        await store.addKey(adding(s1, old));
        await store.addKey(adding(s2, s1));
        const holder = user(bob, { sealedTotp: sealed('s1', 'totp') });
        await store.deleteUser({ userId: bob, adminPrivilege: 'admin', audit: audit('user-deleted') });
        assert.deepEqual(await store.createUser(holder, audit('user-created')), { kind: 'created' });
        await changesNothing(store, async () => {
          assert.deepEqual(await store.removeKey(removing('nobody')), { kind: 'unknown' });
          assert.deepEqual(await store.removeKey(removing('s2')), { kind: 'newest' });
          assert.deepEqual(await store.removeKey(removing('s1')), { kind: 'needed' });
        });
        await store.putEnrolment({
          id: 'e',
          userId: ada,
          sessionId: session('s').id,
          sealedTotp: sealed('s1', 'enrolment'),
          recoveryCodes: [],
          expiresAt: later(9),
        });
        const [value] = (await store.sealedElsewhere({ key: 's2', after: '', limit: 99 })).values.filter(
          (each) => each.userId === bob && each.what === 'totp',
        );
        assert.ok(value !== undefined);
        const resealed = [{ ...value, resealed: sealed('s2', 'totp') }];
        assert.deepEqual(await store.reseal({ values: resealed, audit: audit('keys-resealed') }), { resealed: 1 });
        assert.deepEqual(await store.removeKey(removing('s1')), { kind: 'needed' }, 'the enrolment is sealed under it');
        while ((await store.sweep(later(10))).kind === 'more');
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.removeKey(removing('s1')), { kind: 'removed' }),
        );
        assert.deepEqual(changes, [{ kind: 'installation' }]);
        assert.deepEqual(await idsOf(store, 'seal'), [old.id, 's2'].toSorted());

        const [a1, a2] = [key('a1', 'audit'), key('a2', 'audit', 2)];
        await store.addKey(adding(a1, null));
        await store.addKey(adding(a2, a1));
        const { chain, number, hash } = await store.auditHead();
        await store.putCheckpoint({ chain, number, hash, at: noon, keyId: 'a1', signature: 'signed' });
        assert.deepEqual(await store.removeKey(removing('a1')), { kind: 'needed' });
        assert.deepEqual(await store.removeKey(removing('a2')), { kind: 'newest' });
        assert.deepEqual(
          (await store.keyUses()).filter(({ id }) => ['a1', 's2'].includes(id)),
          [
            { id: 'a1', count: 1 },
            { id: 's2', count: 1 },
          ],
        );
      }),
    );

    test(
      'values are counted by key and read in pages; sealed anew only as they were read, each a change of its user',
      settled(async (store) => {
        const names = times(7, (at) =>
          user(`u_${at}` as typeof ada, {
            sealedPassword: sealed(at < 3 ? 'new' : 'old', `p${at}`),
            sealedTotp: at === 6 ? sealed('old', 't6') : '',
          }),
        );
        for (const each of names) await store.createUser(each, audit('user-created'));
        const uses = await store.keyUses();
        assert.equal(uses.find(({ id }) => id === 'old')?.count, 5);
        assert.equal(uses.find(({ id }) => id === 'new')?.count, 3);
        const found: string[] = [];
        let after: Awaited<ReturnType<Store['sealedElsewhere']>>['next'] | '' = '';
        let pages = 0;
        while (after !== null) {
          const part: Awaited<ReturnType<Store['sealedElsewhere']>> = await store.sealedElsewhere({
            key: 'new',
            after,
            limit: 3,
          });
          assert.ok(part.values.length <= 6);
          found.push(
            ...part.values.filter(({ sealed: text }) => text.startsWith('v1.old.')).map(({ sealed: text }) => text),
          );
          after = part.next;
          pages += 1;
        }
        assert.deepEqual(
          found,
          ['p3', 'p4', 'p5', 'p6', 't6'].map((what) => sealed('old', what)),
        );
        assert.ok(pages >= 3);
        const values = [
          { userId: 'u_3' as typeof ada, what: 'password', sealed: sealed('old', 'p3'), resealed: sealed('new', 'p3') },
          { userId: 'u_4' as typeof ada, what: 'password', sealed: 'as it was long ago', resealed: sealed('new', 'x') },
          { userId: 'u_6' as typeof ada, what: 'password', sealed: sealed('old', 'p6'), resealed: sealed('new', 'p6') },
          { userId: 'u_6' as typeof ada, what: 'totp', sealed: sealed('old', 't6'), resealed: sealed('new', 't6') },
          { userId: 'u_gone' as typeof ada, what: 'totp', sealed: 'x', resealed: sealed('new', 'x') },
        ] as const;
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.reseal({ values, audit: audit('keys-resealed') }), { resealed: 3 }),
        );
        assert.deepEqual(changes, [
          { kind: 'user', userId: 'u_3' },
          { kind: 'user', userId: 'u_6' },
        ]);
        const filter = { event: 'keys-resealed', user: null, since: null, until: null };
        const { events } = await store.auditEvents({ filter, before: null, limit: 9 });
        assert.deepEqual(
          events.map(({ count }) => count),
          [3],
        );
        const four = await store.userById('u_4' as typeof ada);
        assert.equal(four.kind === 'found' && four.user.sealedPassword, sealed('old', 'p4'));
        await changesNothing(store, async () => {
          assert.deepEqual(await store.reseal({ values, audit: audit('keys-resealed') }), { resealed: 0 });
        });
      }),
    );

    test(
      'the root key: all keys and the canary at once, or none; of 10 at once one, and what was seen before is no more',
      settled(async (store) => {
        const found = await store.installation();
        assert.ok(found.kind === 'found');
        const from = found.installation.canary;
        const rows = await store.keys();
        const replacing = (to: string, seen = rows, canary = from) => ({
          from: canary,
          canary: `canary ${to}`,
          keys: seen.map((row) => ({ id: row.id, from: row.sealed, sealed: `${row.id} ${to}` })),
          audit: audit('root-key-replaced'),
        });
        const [first] = rows;
        assert.ok(first !== undefined);
        await changesNothing(store, async () => {
          for (const wrong of [
            replacing('x', rows, 'another canary'),
            replacing('x', rows.slice(1)),
            replacing('x', [...rows, key('more', 'ticket')]),
            replacing('x', [{ ...first, sealed: 'otherwise' }, ...rows.slice(1)]),
          ])
            assert.deepEqual(await store.replaceRoot(wrong), { kind: 'changed-meanwhile' });
        });
        const outcomes = await Promise.all(times(10, (at) => store.replaceRoot(replacing(String(at)))));
        assert.deepEqual([tally(outcomes, 'replaced'), tally(outcomes, 'changed-meanwhile')], [1, 9]);
        const won = outcomes.findIndex(({ kind }) => kind === 'replaced');
        assert.deepEqual(
          await store.keys(),
          rows.map((row) => ({ ...row, sealed: `${row.id} ${won}` })),
        );
        const now = await store.installation();
        assert.equal(now.kind === 'found' && now.installation.canary, `canary ${won}`);
        const next = key('next', first.purpose, 5);
        assert.deepEqual(await store.addKey(adding(next, first)), { kind: 'changed-meanwhile' });
      }),
    );

    test(
      'the service key is not replaced behind a root key that is another one by now',
      settled(async (store) => {
        const [s1, s2] = [key('s1', 'service'), key('s2', 'service', 2)];
        const change = audit('service-key-replaced');
        await store.replaceKey({ key: s1, from: null, audit: change });
        assert.equal(
          (await store.replaceKey({ key: s2, from: 's1', fromSealed: 'otherwise', audit: change })).kind,
          'changed-meanwhile',
        );
        assert.equal(
          (await store.replaceKey({ key: s2, from: 's1', fromSealed: s1.sealed, audit: change })).kind,
          'replaced',
        );
      }),
    );

    test(
      'an idempotent request is begun once under any of the keys it may have: of 20 at once one begins',
      settled(async (store) => {
        const [older, newer] = [
          { key: digestOf('key under the older'), fingerprint: digestOf('asked under the older') },
          { key: digestOf('key under the newer'), fingerprint: digestOf('asked under the newer') },
        ];
        const at = noon;
        const begin = (own: typeof older, other: typeof older, given: object = {}) =>
          store.beginIdempotent(beginning({ ...own, others: [other], at, ...given }));
        const outcomes = await Promise.all(
          times(20, (index) =>
            index % 2 === 0
              ? begin(older, newer, { holder: `h${index}` })
              : begin(newer, older, { holder: `h${index}` }),
          ),
        );
        assert.deepEqual([tally(outcomes, 'begun'), tally(outcomes, 'in-progress')], [1, 19]);
        const won = outcomes.findIndex(({ kind }) => kind === 'begun');
        const [own, other] = won % 2 === 0 ? [older, newer] : [newer, older];
        const { owner } = beginning();
        const answer = { answer: '{}', sealed: '' };
        await store.keepAnswer({ owner, key: own.key, holder: `h${won}`, answer });
        for (const [mine, theirs] of [
          [own, other],
          [other, own],
        ] as const)
          assert.deepEqual(await begin(mine, theirs), { kind: 'kept', key: own.key, answer });
        assert.deepEqual(await begin({ ...other, key: digestOf('free') }, { ...own, fingerprint: digestOf('x') }), {
          kind: 'mismatch',
        });
        // Over by then, under whichever.
        const over = { at: (at + 25 * 3_600_000) as Millis };
        assert.deepEqual(await begin(other, own, over), { kind: 'begun' });
      }),
    );
  });
}
