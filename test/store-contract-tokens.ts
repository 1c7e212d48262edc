/**
 * The store contract's API tokens and path tickets as tests. In the manner of `store-contract.ts`, over the same stores.
 */
import assert from 'node:assert/strict';
import { describe, test } from 'node:test';
import type { PathTicketRow, TokenRow } from '../src/store/rows.ts';
import { type SeenToken, type Store, StoreFault, type TokenPatch } from '../src/store/store.ts';
import type { Address, Digest, Millis, Scope, TokenId, UserId } from '../src/types.ts';
import {
  ada,
  address,
  audit,
  bob,
  changesOf,
  day,
  digestOf,
  idOf,
  later,
  noon,
  notice,
  opening,
  type OpenedStore,
  passwordChange,
  session,
  sessionChange,
  sorted,
  stages,
  tally,
  times,
  updating,
  user,
  userChange,
} from './store-contract.ts';

const minute = 60_000;
const nobody = 'u_nobody' as UserId;
const elsewhere = '198.51.100.9' as Address;

export const tokenId = (name: string): TokenId => `t_${name}` as TokenId;
const scopes = (...names: string[]): Scope[] => names as Scope[];

export const token = (name: string, given: Partial<TokenRow> = {}): TokenRow => ({
  id: tokenId(name),
  userId: ada,
  digest: digestOf(name),
  previous: null,
  name: `Ünïcode "${name}"`,
  prefix: `spt_${name}`,
  scopes: scopes('read:*', 'sallyport:audit'),
  addresses: ['203.0.113.0/24', '2001:db8::/32'],
  perMinute: 600,
  perHour: 20_000,
  active: true,
  createdAt: noon,
  expiresAt: later(30 * day),
  lastUsedAt: null,
  lastUsedAddress: '',
  useCount: 0,
  ...given,
});

export const creating = (row: TokenRow, given: { cap?: number; fromGeneration?: number | null } = {}) => ({
  token: row,
  cap: given.cap ?? 100,
  fromGeneration: given.fromGeneration ?? null,
  audit: audit('token-created'),
});

const changing = (
  name: string,
  patch: TokenPatch & { readonly previous?: null },
  given: { readonly owner?: UserId | null; readonly from?: SeenToken } = {},
) => ({ id: tokenId(name), owner: ada, patch, audit: audit('token-changed'), ...given });

/** To the secret `to`, from the one that has the token's own name. */
const rotating = (
  name: string,
  to: string,
  given: { readonly owner?: UserId | null; readonly fromDigest?: Digest; readonly previousUntil?: Millis | null } = {},
) => ({
  id: tokenId(name),
  owner: ada,
  fromDigest: digestOf(name),
  digest: digestOf(to),
  prefix: `spt_${to}`,
  previousUntil: null,
  audit: audit('token-rotated'),
  ...given,
});

const deleting = (name: string, owner: UserId | null = ada) => ({
  id: tokenId(name),
  owner,
  audit: audit('token-deleted'),
});

export const pathTicket = (name: string, given: Partial<PathTicketRow> = {}): PathTicketRow => ({
  digest: digestOf(name),
  userId: ada,
  parent: { kind: 'session', digest: digestOf('console') },
  path: '/downloads/é.zip?part=1',
  privileges: [],
  port: null,
  expiresAt: later(minute),
  ...given,
});

export const spending = (
  name: string,
  given: Partial<Omit<Parameters<Store['spendPathTicket']>[0], 'digest'>> = {},
): Parameters<Store['spendPathTicket']>[0] => ({
  digest: digestOf(name),
  path: '/downloads/é.zip?part=1',
  privileges: [],
  port: null,
  at: later(1000),
  ...given,
});

async function tokenNow(store: Store, name: string): Promise<TokenRow | undefined> {
  const lookup = await store.tokenById(tokenId(name));
  return lookup.kind === 'found' ? lookup.token : undefined;
}

/** Whose row a secret leads to. */
async function behind(store: Store, secret: string): Promise<TokenRow | undefined> {
  const lookup = await store.tokenByDigest(digestOf(secret));
  return lookup.kind === 'found' ? lookup.token : undefined;
}

async function namesOf(store: Store, userId: UserId | null = ada): Promise<string[]> {
  return (await store.tokens({ userId, before: null, limit: 1000 })).map((each) => each.token.id.slice(2));
}

const events = async (store: Store, event: string): Promise<number> => {
  const filter = { event, user: null, since: null, until: null };
  return (await store.auditEvents({ filter, before: null, limit: 1000 })).events.length;
};

/** No row, no change, no event. */
async function changesNothing(store: Store, operation: () => Promise<unknown>): Promise<void> {
  const picture = async () => [
    await store.tokens({ userId: null, before: null, limit: 1000 }),
    (await store.auditHead()).number,
  ];
  const before = await picture();
  assert.deepEqual(await changesOf(store, operation), []);
  assert.deepEqual(await picture(), before);
}

export function tokenContract(name: string, open: () => Promise<OpenedStore>): void {
  const { settled, signedIn } = stages(open);
  /** Ada has the tokens `one` and `two`, Bob has `bobs`. */
  const withTokens = (body: (store: Store) => Promise<void>) =>
    settled(async (store) => {
      for (const row of [token('one'), token('bobs', { userId: bob }), token('two')])
        assert.deepEqual(await store.createToken(creating(row)), { kind: 'created' });
      await body(store);
    });

  describe(`${name}: API tokens`, () => {
    test(
      'one that is made is found by its secret and by its id, as it was made, with its owner',
      settled(async (store) => {
        const rows = [
          token('one'),
          token('bare', { scopes: [], addresses: [], expiresAt: null, active: false, name: '' }),
          token('full', {
            previous: { digest: digestOf('full-before'), until: later(minute) },
            lastUsedAt: later(5),
            lastUsedAddress: address,
            useCount: 7,
          }),
        ];
        for (const row of rows) {
          assert.deepEqual(await store.tokenById(row.id), { kind: 'unknown' });
          assert.equal((await store.tokenByDigest(row.digest)).kind, 'unknown');
          const expected = [row.id.slice(2), ...(row.previous === null ? [] : ['full-before'])].map(sessionChange);
          const changes = await changesOf(store, async () =>
            assert.deepEqual(await store.createToken(creating(row)), { kind: 'created' }),
          );
          assert.deepEqual(sorted(changes), sorted(expected));
          const lookup = await store.tokenByDigest(row.digest);
          assert.deepEqual(lookup, { kind: 'found', token: row, user: user(), seq: lookup.seq });
          assert.deepEqual(await store.tokenById(row.id), { kind: 'found', token: row, username: 'ada' });
        }
        assert.equal(await events(store, 'token-created'), 3);
      }),
    );

    test(
      'a look-up tells the change number of the state it read, found or not',
      withTokens(async (store) => {
        const { seq } = await store.tokenByDigest(digestOf('nothing'));
        assert.deepEqual(await store.tokenByDigest(digestOf('nothing')), { kind: 'unknown', seq });
        assert.equal((await store.tokenByDigest(digestOf('one'))).seq, seq);
        assert.equal((await store.sessionByDigest(digestOf('nothing'))).seq, seq);
        await store.updateToken(changing('one', { name: 'new' }));
        assert.equal((await store.tokenByDigest(digestOf('one'))).seq, seq + 1);
        assert.equal((await store.tokenByDigest(digestOf('nothing'))).seq, seq + 1);
      }),
    );

    test(
      'whoever reads beside changes never gets an older row under a newer number',
      withTokens(async (store) => {
        const { seq: from } = await store.tokenByDigest(digestOf('one'));
        const reads: Promise<void>[] = [];
        const read = async (): Promise<void> => {
          const lookup = await store.tokenByDigest(digestOf('one'));
          assert.ok(lookup.kind === 'found');
          assert.equal(lookup.token.perMinute, lookup.seq === from ? 600 : lookup.seq - from);
        };
        for (let made = 1; made <= 20; made += 1) {
          const change = store.updateToken(changing('one', { perMinute: made }));
          reads.push(...times(5, read));
          await change;
        }
        await Promise.all(reads);
      }),
    );

    test(
      'none is made for an owner who is gone, disabled, or of another generation; a null generation is any',
      settled(async (store) => {
        const refused = (row: TokenRow, fromGeneration: number | null) =>
          changesNothing(store, async () => {
            assert.deepEqual(await store.createToken(creating(row, { fromGeneration })), { kind: 'superseded' });
          });
        await refused(token('x', { userId: nobody }), null);
        await refused(token('x', { userId: nobody }), 1);
        await refused(token('x'), 0);
        await refused(token('x'), 2);
        assert.deepEqual(await store.createToken(creating(token('by-person'), { fromGeneration: 1 })), {
          kind: 'created',
        });
        assert.deepEqual(await store.createToken(creating(token('by-host'))), { kind: 'created' });
        await store.updateUser(updating({ active: false }));
        await refused(token('x'), null);
        await refused(token('x'), 1);
        await refused(token('x'), 2);
        await store.updateUser(updating({ active: true }));
        await refused(token('x'), 1);
        assert.deepEqual(await store.createToken(creating(token('again'), { fromGeneration: 2 })), { kind: 'created' });
        assert.deepEqual(await namesOf(store), ['again', 'by-host', 'by-person']);
      }),
    );

    test(
      'nobody has more than the cap, and others’ do not count; one that goes makes room',
      withTokens(async (store) => {
        await changesNothing(store, async () => {
          for (const cap of [0, 1, 2])
            assert.deepEqual(await store.createToken(creating(token('x'), { cap })), { kind: 'too-many' });
        });
        assert.deepEqual(await store.createToken(creating(token('b2', { userId: bob }), { cap: 2 })), {
          kind: 'created',
        });
        await store.deleteToken(deleting('one'));
        assert.deepEqual(await store.createToken(creating(token('x'), { cap: 2 })), { kind: 'created' });
        assert.deepEqual(await namesOf(store), ['x', 'two']);
      }),
    );

    test(
      'of 20 made at once with room for one, one is',
      withTokens(async (store) => {
        const outcomes = await Promise.all(
          times(20, (index) => store.createToken(creating(token(`n${index}`), { cap: 3 }))),
        );
        assert.deepEqual([tally(outcomes, 'created'), tally(outcomes, 'too-many')], [1, 19]);
        assert.equal((await namesOf(store)).length, 3);
        assert.equal(await events(store, 'token-created'), 4);
      }),
    );

    test(
      'one whose id or secret is taken is not made, and nothing of it happens',
      withTokens(async (store) => {
        await changesNothing(store, async () => {
          for (const clash of [token('x', { id: tokenId('bobs') }), token('x', { digest: digestOf('bobs') })])
            await assert.rejects(store.createToken(creating(clash)), StoreFault);
        });
        assert.deepEqual(await store.createToken(creating(token('x'))), { kind: 'created' });
      }),
    );

    test(
      'they are listed newest first, page by page, one’s own or everybody’s, with their owner’s name',
      settled(async (store) => {
        assert.deepEqual(await store.tokens({ userId: null, before: null, limit: 10 }), []);
        // In the order of making, whatever they say of themselves.
        for (const each of [1, 2, 3, 4, 5])
          await store.createToken(
            creating(token(`${each}`, { userId: each % 2 === 1 ? ada : bob, createdAt: later(-each) })),
          );
        const page = async (userId: UserId | null, before: string | null, limit: number) =>
          (await store.tokens({ userId, before: before === null ? null : tokenId(before), limit })).map(
            (each) => `${each.username} ${each.token.id.slice(2)}`,
          );
        assert.deepEqual(await page(null, null, 10), ['ada 5', 'bob 4', 'ada 3', 'bob 2', 'ada 1']);
        assert.deepEqual(await page(null, null, 2), ['ada 5', 'bob 4']);
        assert.deepEqual(await page(null, '4', 2), ['ada 3', 'bob 2']);
        assert.deepEqual(await page(null, '2', 2), ['ada 1']);
        assert.deepEqual(await page(null, '1', 2), []);
        assert.deepEqual(await page(ada, null, 2), ['ada 5', 'ada 3']);
        assert.deepEqual(await page(ada, '3', 2), ['ada 1']);
        assert.deepEqual(await page(bob, '5', 9), ['bob 4', 'bob 2']);
        assert.deepEqual(await page(nobody, null, 9), []);
        assert.deepEqual(await page(null, 'gone', 9), []);
        const [newest] = await store.tokens({ userId: ada, before: null, limit: 1 });
        assert.deepEqual(newest, { token: token('5', { createdAt: later(-5) }), username: 'ada' });
        await store.deleteToken(deleting('5'));
        await store.createToken(creating(token('6')));
        assert.deepEqual(await page(null, null, 2), ['ada 6', 'bob 4']);
      }),
    );

    test(
      'a change writes what it names and leaves the rest; it is told and written down',
      withTokens(async (store) => {
        const patches: TokenPatch[] = [
          { name: 'Other' },
          { active: false },
          { scopes: scopes('*') },
          { scopes: [] },
          { addresses: [] },
          { perMinute: 1, perHour: 2 },
          { name: 'All', active: true, scopes: scopes('a:b'), addresses: ['10.0.0.0/8'], perMinute: 3, perHour: 4 },
        ];
        let expected = token('one');
        for (const patch of patches) {
          expected = { ...expected, ...patch };
          const changes = await changesOf(store, async () =>
            assert.deepEqual(await store.updateToken(changing('one', patch)), { kind: 'updated', token: expected }),
          );
          assert.deepEqual(changes, [sessionChange('one')]);
          assert.deepEqual(await behind(store, 'one'), expected);
        }
        assert.equal(await events(store, 'token-changed'), patches.length);
        assert.deepEqual(await tokenNow(store, 'two'), token('two'));
        assert.deepEqual(await tokenNow(store, 'bobs'), token('bobs', { userId: bob }));
      }),
    );

    test(
      'a change, another secret and a revocation are the owner’s, or anybody’s where no owner is asked for',
      withTokens(async (store) => {
        await changesNothing(store, async () => {
          for (const owner of [ada, nobody]) {
            assert.deepEqual(await store.updateToken(changing('bobs', { name: 'x' }, { owner })), { kind: 'unknown' });
            assert.deepEqual(await store.rotateToken(rotating('bobs', 'x', { owner })), { kind: 'unknown' });
            assert.deepEqual(await store.deleteToken(deleting('bobs', owner)), { kind: 'unknown' });
          }
          for (const owner of [ada, null]) {
            assert.deepEqual(await store.updateToken(changing('gone', { name: 'x' }, { owner })), { kind: 'unknown' });
            assert.deepEqual(await store.rotateToken(rotating('gone', 'x', { owner })), { kind: 'unknown' });
            assert.deepEqual(await store.deleteToken(deleting('gone', owner)), { kind: 'unknown' });
          }
        });
        assert.equal((await store.updateToken(changing('bobs', { name: 'x' }, { owner: null }))).kind, 'updated');
        assert.equal((await store.rotateToken(rotating('bobs', 'x', { owner: null }))).kind, 'rotated');
        assert.equal((await store.deleteToken(deleting('bobs', null))).kind, 'deleted');
        assert.deepEqual(await namesOf(store, bob), []);
      }),
    );

    test(
      'a change decided by something that is no longer so changes nothing',
      withTokens(async (store) => {
        const from = token('one');
        const others: Partial<SeenToken>[] = [
          { digest: digestOf('two') },
          { active: false },
          { scopes: [] },
          { scopes: from.scopes.toReversed() },
          { addresses: ['203.0.113.0/24'] },
          { perMinute: 601 },
          { perHour: 1 },
        ];
        await changesNothing(store, async () => {
          for (const other of others)
            assert.deepEqual(await store.updateToken(changing('one', { name: 'x' }, { from: { ...from, ...other } })), {
              kind: 'changed-meanwhile',
            });
        });
        // What nothing is decided by may differ.
        await store.noteTokenUses([{ id: from.id, lastUsedAt: later(1), address, count: 1 }]);
        await store.updateToken(changing('one', { name: 'between' }));
        assert.equal((await store.updateToken(changing('one', { active: false }, { from }))).kind, 'updated');
        assert.equal((await store.updateToken(changing('one', { active: true }, { from }))).kind, 'changed-meanwhile');
        assert.equal((await tokenNow(store, 'one'))?.active, false);
        await store.rotateToken(rotating('two', 'two-new'));
        assert.equal(
          (await store.updateToken(changing('two', { active: false }, { from: token('two') }))).kind,
          'changed-meanwhile',
        );
      }),
    );

    test(
      'of 20 that change what they all saw, one does',
      withTokens(async (store) => {
        const from = token('one');
        const outcomes = await Promise.all(
          times(20, (index) => store.updateToken(changing('one', { perMinute: index + 1 }, { from }))),
        );
        assert.deepEqual([tally(outcomes, 'updated'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
        const winner = outcomes.findIndex((each) => each.kind === 'updated');
        assert.equal((await tokenNow(store, 'one'))?.perMinute, winner + 1);
        assert.equal(await events(store, 'token-changed'), 1);
      }),
    );

    test(
      'another secret: the one before is dead, or good for a while, and then nothing but those two is found',
      withTokens(async (store) => {
        const rotated = async (given: Parameters<typeof rotating>[2], to: string, told: string[]) => {
          const changes = await changesOf(store, async () => {
            const outcome = await store.rotateToken(rotating('one', to, given));
            assert.ok(outcome.kind === 'rotated');
            assert.deepEqual(await tokenNow(store, 'one'), outcome.token);
          });
          assert.deepEqual(sorted(changes), sorted(told.map(sessionChange)));
        };
        await rotated({}, 'second', ['second', 'one']);
        const second = token('one', { digest: digestOf('second'), prefix: 'spt_second' });
        assert.deepEqual(await behind(store, 'second'), second);
        assert.equal(await behind(store, 'one'), undefined);
        await rotated({ fromDigest: digestOf('second'), previousUntil: later(minute) }, 'third', ['third', 'second']);
        const third = token('one', {
          digest: digestOf('third'),
          prefix: 'spt_third',
          previous: { digest: digestOf('second'), until: later(minute) },
        });
        for (const secret of ['third', 'second']) {
          const lookup = await store.tokenByDigest(digestOf(secret));
          assert.deepEqual(lookup, { kind: 'found', token: third, user: user(), seq: lookup.seq }, secret);
        }
        assert.deepEqual(
          await changesOf(store, () => store.updateToken(changing('one', { name: 'Named' }))),
          ['third', 'second'].map(sessionChange),
          'it may be in memory under either',
        );
        await rotated({ fromDigest: digestOf('third'), previousUntil: later(2 * minute) }, 'fourth', [
          'fourth',
          'third',
          'second',
        ]);
        assert.equal(await behind(store, 'second'), undefined, 'one before the one before is dead');
        assert.deepEqual((await behind(store, 'third'))?.previous, {
          digest: digestOf('third'),
          until: later(2 * minute),
        });
        await rotated({ fromDigest: digestOf('fourth') }, 'fifth', ['fifth', 'fourth', 'third']);
        for (const dead of ['third', 'fourth']) assert.equal(await behind(store, dead), undefined, dead);
        assert.deepEqual(await behind(store, 'fifth'), {
          ...token('one', { name: 'Named' }),
          digest: digestOf('fifth'),
          prefix: 'spt_fifth',
        });
        assert.equal(await events(store, 'token-rotated'), 4);
        assert.deepEqual(await behind(store, 'two'), token('two'));
      }),
    );

    test(
      'another secret is given in the place of the one that is there, not of another',
      withTokens(async (store) => {
        await store.rotateToken(rotating('one', 'new', { previousUntil: later(minute) }));
        await changesNothing(store, async () => {
          for (const fromDigest of [digestOf('one'), digestOf('two'), digestOf('nothing')])
            assert.deepEqual(await store.rotateToken(rotating('one', 'x', { fromDigest })), {
              kind: 'changed-meanwhile',
            });
          const taken = rotating('one', 'bobs', { fromDigest: digestOf('new') });
          await assert.rejects(store.rotateToken(taken), StoreFault);
        });
        assert.equal((await behind(store, 'one'))?.id, tokenId('one'), 'still good for a while');
        const dropping = (): Promise<unknown> => store.updateToken(changing('one', { previous: null }));
        assert.deepEqual(await changesOf(store, dropping), ['new', 'one'].map(sessionChange));
        assert.deepEqual([await behind(store, 'one'), (await behind(store, 'new'))?.previous], [undefined, null]);
      }),
    );

    test(
      'of 20 that give another secret in the place of one, one does',
      withTokens(async (store) => {
        const outcomes = await Promise.all(times(20, (index) => store.rotateToken(rotating('one', `n${index}`))));
        assert.deepEqual([tally(outcomes, 'rotated'), tally(outcomes, 'changed-meanwhile')], [1, 19]);
        const winner = outcomes.findIndex((each) => each.kind === 'rotated');
        for (let index = 0; index < 20; index += 1)
          assert.equal((await behind(store, `n${index}`))?.id, index === winner ? tokenId('one') : undefined);
        assert.equal(await events(store, 'token-rotated'), 1);
      }),
    );

    test(
      'one that is revoked is gone under all its secrets, once',
      withTokens(async (store) => {
        await store.rotateToken(rotating('one', 'new', { previousUntil: later(minute) }));
        const changes = await changesOf(store, async () => {
          const outcomes = await Promise.all(times(20, () => store.deleteToken(deleting('one'))));
          assert.deepEqual([tally(outcomes, 'deleted'), tally(outcomes, 'unknown')], [1, 19]);
        });
        assert.deepEqual(changes, ['new', 'one'].map(sessionChange));
        for (const dead of ['new', 'one']) assert.equal(await behind(store, dead), undefined);
        assert.deepEqual(await store.tokenById(tokenId('one')), { kind: 'unknown' });
        assert.deepEqual([await namesOf(store), await namesOf(store, bob)], [['two'], ['bobs']]);
        assert.equal(await events(store, 'token-deleted'), 1);
      }),
    );

    test(
      'one that is changed, rotated and revoked at once: each happens whole, or finds it gone',
      withTokens(async (store) => {
        const outcomes = await Promise.all(
          times(20, async (index) => {
            if (index === 10) return store.deleteToken(deleting('one'));
            if (index % 2 === 0) return store.updateToken(changing('one', { perMinute: index + 1 }));
            return store.rotateToken(rotating('one', `n${index}`));
          }),
        );
        assert.equal(tally(outcomes, 'deleted'), 1);
        assert.ok(tally(outcomes, 'rotated') <= 1);
        const secrets = ['one', ...times(20, (index) => `n${index}`)];
        for (const secret of secrets) assert.equal(await behind(store, secret), undefined);
        assert.equal(await events(store, 'token-changed'), tally(outcomes, 'updated'));
        assert.equal(await events(store, 'token-rotated'), tally(outcomes, 'rotated'));
      }),
    );

    test(
      'uses are added up; the last one only moves forward, and none is a change',
      withTokens(async (store) => {
        const use = (id: string, at: number, count: number, from: Address = address) => ({
          id: tokenId(id),
          lastUsedAt: later(at),
          address: from,
          count,
        });
        const used = async (id: string) => {
          const { lastUsedAt, lastUsedAddress, useCount } = (await tokenNow(store, id)) ?? assert.fail(id);
          return [lastUsedAt, lastUsedAddress, useCount];
        };
        const head = await store.auditHead();
        const changes = await changesOf(store, async () => {
          await store.noteTokenUses([]);
          await store.noteTokenUses([use('two', 5, 2), use('gone', 5, 1), use('one', 10, 3)]);
          assert.deepEqual(
            [await used('one'), await used('two')],
            [
              [later(10), address, 3],
              [later(5), address, 2],
            ],
          );
          await store.noteTokenUses([use('one', 9, 4, elsewhere)]);
          assert.deepEqual(await used('one'), [later(10), address, 7], 'came late');
          await store.noteTokenUses([use('one', 10, 1, elsewhere)]);
          assert.deepEqual(await used('one'), [later(10), address, 8]);
          await store.noteTokenUses([use('one', 11, 1, elsewhere)]);
          assert.deepEqual(await used('one'), [later(11), elsewhere, 9]);
          // One that is named more than once.
          await store.noteTokenUses([use('two', 8, 1, elsewhere), use('two', 7, 10), use('two', 6, 100)]);
          assert.deepEqual(await used('two'), [later(8), elsewhere, 113]);
        });
        assert.deepEqual(changes, []);
        assert.deepEqual(await store.auditHead(), head);
        assert.deepEqual(await tokenNow(store, 'bobs'), token('bobs', { userId: bob }));
        const { scopes: held, name: called } = (await tokenNow(store, 'one')) ?? assert.fail();
        assert.deepEqual([held, called], [token('one').scopes, token('one').name]);
      }),
    );

    test(
      'uses that are noted from many sides, and beside changes, are all counted',
      withTokens(async (store) => {
        const ids = ['one', 'two', 'bobs'].map(tokenId);
        await Promise.all([
          ...times(20, (index) => {
            const turned = index % 2 === 0 ? ids : ids.toReversed();
            return store.noteTokenUses(
              turned.map((id) => ({ id, lastUsedAt: later(index), address, count: index + 1 })),
            );
          }),
          ...times(10, (index) => store.updateToken(changing('one', { perHour: index + 1 }))),
        ]);
        for (const { token: each } of await store.tokens({ userId: null, before: null, limit: 9 }))
          assert.deepEqual([each.useCount, each.lastUsedAt], [210, later(19)], each.id);
      }),
    );

    test(
      'they stay through a new password and while their owner is disabled, and go with the account',
      signedIn(async (store) => {
        await store.createToken(creating(token('one')));
        await store.createToken(creating(token('bobs', { userId: bob })));
        await store.rotateToken(rotating('one', 'new', { previousUntil: later(day) }));
        await store.changePassword(passwordChange('console'));
        assert.equal((await behind(store, 'new'))?.id, tokenId('one'));
        await store.updateUser(updating({ active: false }));
        const lookup = await store.tokenByDigest(digestOf('one'));
        assert.deepEqual(lookup.kind === 'found' ? [lookup.user.active, lookup.token.active] : [], [false, true]);
        const deletion = { userId: ada, adminPrivilege: 'admin', audit: audit('user-deleted') };
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.deleteUser(deletion), { kind: 'deleted' }),
        );
        // Whatever is held of a token hangs on its owner.
        assert.deepEqual(changes, [userChange()]);
        for (const dead of ['one', 'new']) assert.equal(await behind(store, dead), undefined);
        assert.deepEqual(await store.tokenById(tokenId('one')), { kind: 'unknown' });
        assert.deepEqual(await namesOf(store, null), ['bobs']);
        await changesNothing(store, async () => {
          assert.deepEqual(await store.updateToken(changing('one', { name: 'x' })), { kind: 'unknown' });
          assert.deepEqual(await store.rotateToken(rotating('one', 'x')), { kind: 'unknown' });
          assert.deepEqual(await store.deleteToken(deleting('one')), { kind: 'unknown' });
          assert.deepEqual(await store.createToken(creating(token('x'))), { kind: 'superseded' });
          await store.noteTokenUses([{ id: tokenId('one'), lastUsedAt: noon, address, count: 1 }]);
        });
      }),
    );

    test('one that is made beside its owner’s end is made before it, or not at all', async () => {
      for (const what of ['disabled', 'deleted'])
        await settled(async (store) => {
          const end = () =>
            what === 'disabled'
              ? store.updateUser(updating({ active: false }))
              : store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() });
          const make = (index: number) => store.createToken(creating(token(`n${index}`), { fromGeneration: 1 }));
          const [outcomes] = await Promise.all([Promise.all(times(10, make)), end()]);
          assert.equal((await namesOf(store)).length, what === 'deleted' ? 0 : tally(outcomes, 'created'), what);
          assert.equal(tally(outcomes, 'created') + tally(outcomes, 'superseded'), 10, what);
          assert.deepEqual(await make(10), { kind: 'superseded' }, what);
        })();
    });

    test(
      'those that expired are kept 90 days, whatever else of them; the end is told',
      withTokens(async (store) => {
        await store.createToken(creating(token('for-ever', { expiresAt: null })));
        await store.createToken(creating(token('later', { expiresAt: later(30 * day + 1) })));
        await store.updateToken(changing('two', { active: false }));
        await store.rotateToken(rotating('one', 'new', { previousUntil: later(day) }));
        assert.deepEqual(await changesOf(store, () => store.sweep(later(120 * day - 1))), []);
        assert.deepEqual(await namesOf(store, null), ['later', 'for-ever', 'two', 'bobs', 'one']);
        const head = (await store.auditHead()).number;
        const changes = await changesOf(store, async () =>
          assert.deepEqual(await store.sweep(later(120 * day)), { kind: 'done' }),
        );
        assert.deepEqual(sorted(changes), sorted(['new', 'one', 'two', 'bobs'].map(sessionChange)));
        assert.deepEqual(await namesOf(store, null), ['later', 'for-ever']);
        assert.equal(await behind(store, 'one'), undefined);
        assert.equal((await store.auditHead()).number, head);
        await store.sweep(later(4000 * day));
        assert.deepEqual(await namesOf(store, null), ['for-ever']);
      }),
    );

    test(
      'a great many that expired go part by part',
      settled(async (store) => {
        for (let part = 0; part < 6; part += 1)
          await Promise.all(
            times(50, (index) =>
              store.createToken(creating(token(`${part}-${index}`, { expiresAt: noon }), { cap: 1000 })),
            ),
          );
        const at = later(90 * day);
        assert.deepEqual(await store.sweep(at), { kind: 'more' });
        assert.equal((await namesOf(store)).length, 50);
        assert.deepEqual(await store.sweep(at), { kind: 'done' });
        assert.deepEqual(await namesOf(store), []);
      }),
    );
  });

  describe(`${name}: path tickets`, () => {
    test(
      'one is good once, for its own path, in time; at another path or too late it is not spent',
      settled(async (store) => {
        const byToken = { kind: 'token', digest: digestOf('one') } as const;
        const rows = [pathTicket('p'), pathTicket('q', { userId: bob, parent: byToken, path: '/' })];
        const changes = await changesOf(store, async () => {
          for (const row of rows) await store.issuePathTicket(row, 20);
          for (const wrong of [
            spending('nothing'),
            spending('p', { path: '/' }),
            spending('p', { path: '/downloads/é.zip' }),
            spending('p', { path: '/DOWNLOADS/é.zip?part=1' }),
            spending('p', { at: later(minute) }),
            spending('p', { at: later(day) }),
          ])
            assert.deepEqual(await store.spendPathTicket(wrong), { kind: 'invalid' });
          assert.deepEqual(await store.spendPathTicket(spending('p', { at: later(minute - 1) })), {
            kind: 'spent',
            ticket: rows[0],
          });
          assert.deepEqual(await store.spendPathTicket(spending('p')), { kind: 'invalid' });
          assert.deepEqual(await store.spendPathTicket(spending('q', { path: '/' })), {
            kind: 'spent',
            ticket: rows[1],
          });
        });
        assert.deepEqual(changes, []);
      }),
    );

    test(
      'of 20 that show it one gets it',
      settled(async (store) => {
        await store.issuePathTicket(pathTicket('p'), 20);
        const outcomes = await Promise.all(times(20, () => store.spendPathTicket(spending('p'))));
        assert.deepEqual([tally(outcomes, 'spent'), tally(outcomes, 'invalid')], [1, 19]);
      }),
    );

    test(
      'of one parent the newest are kept, also of many at once; other parents’ do not count',
      settled(async (store) => {
        const other = { kind: 'token', digest: digestOf('one') } as const;
        await store.issuePathTicket(pathTicket('others', { parent: other }), 3);
        for (const each of ['a', 'b', 'c', 'd', 'e']) await store.issuePathTicket(pathTicket(each), 3);
        const good = async (names: readonly string[]) => {
          const outcomes = await Promise.all(names.map((each) => store.spendPathTicket(spending(each))));
          return names.filter((_, index) => outcomes[index]?.kind === 'spent');
        };
        assert.deepEqual(await good(['a', 'b', 'c', 'd', 'e', 'others']), ['c', 'd', 'e', 'others']);
        // What was spent makes room.
        for (const each of ['f', 'g', 'h']) await store.issuePathTicket(pathTicket(each), 3);
        assert.deepEqual(await good(['f', 'g', 'h']), ['f', 'g', 'h']);
        const many = times(20, (index) => `m${index}`);
        await Promise.all(many.map((each) => store.issuePathTicket(pathTicket(each), 3)));
        assert.equal((await good(many)).length, 3);
      }),
    );

    test(
      'one whose secret is taken is not made; of a user who is gone none is kept',
      settled(async (store) => {
        await store.issuePathTicket(pathTicket('p'), 1);
        await assert.rejects(store.issuePathTicket(pathTicket('p', { path: '/other' }), 1), StoreFault);
        await store.issuePathTicket(pathTicket('nobodys', { userId: nobody }), 20);
        assert.deepEqual(await store.spendPathTicket(spending('nobodys')), { kind: 'invalid' });
        assert.equal((await store.spendPathTicket(spending('p'))).kind, 'spent');
      }),
    );

    test('they go with a new password, other factors, and the account’s end, and nobody else’s do', async () => {
      const ends: [string, (store: Store) => Promise<{ readonly kind: string }>][] = [
        ['password', (store) => store.changePassword(passwordChange('console'))],
        [
          'factors',
          (store) =>
            store.replaceRecoveryCodes({
              userId: ada,
              fromGeneration: 1,
              keep: idOf('console'),
              recoveryCodes: [],
              audit: audit('factors-changed', later(1000)),
              notice: notice(),
            }),
        ],
        ['disabled', (store) => store.updateUser(updating({ active: false }))],
        [
          'reset',
          (store) => store.resetFactors({ userId: ada, audit: audit(), notice: notice({ kind: 'factors-reset' }) }),
        ],
        ['deleted', (store) => store.deleteUser({ userId: ada, adminPrivilege: 'admin', audit: audit() })],
      ];
      for (const [what, end] of ends)
        await signedIn(async (store) => {
          await store.openSession(opening(session('bobs', { userId: bob })));
          const byToken = { kind: 'token', digest: digestOf('one') } as const;
          await store.issuePathTicket(pathTicket('p'), 20);
          await store.issuePathTicket(pathTicket('q', { parent: byToken }), 20);
          await store.issuePathTicket(
            pathTicket('bobs', { userId: bob, parent: { kind: 'session', digest: digestOf('bobs') } }),
            20,
          );
          const { kind } = await end(store);
          assert.ok(['changed', 'replaced', 'updated', 'reset', 'deleted'].includes(kind), `${what}: ${kind}`);
          for (const gone of ['p', 'q'])
            assert.deepEqual(await store.spendPathTicket(spending(gone)), { kind: 'invalid' }, what);
          assert.equal((await store.spendPathTicket(spending('bobs'))).kind, 'spent', what);
        })();
    });
  });
}
