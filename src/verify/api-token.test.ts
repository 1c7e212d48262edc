import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { digest } from '../crypto/digest.ts';
import type { TokenRow, TokenUse, UserRow } from '../store/rows.ts';
import { StoreFault, type TokenLookup } from '../store/store.ts';
import { unknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Address, Clock, Digest, Millis, Scope, Secret, Seq, TokenId, UserId, Username } from '../types.ts';
import { tokenVerifier } from './api-token.ts';
import { memory as makeMemory } from './memory.ts';

const secret = 'spt_new' as Secret;
const before = 'spt_old' as Secret;

const userRow: UserRow = {
  id: 'u' as UserId,
  username: 'alice' as Username,
  displayName: '',
  email: '',
  privileges: [],
  groups: [],
  active: true,
  sealedPassword: '',
  sealedTotp: '',
  passkeys: 0,
  passwordLength: 'full',
  passwordStanding: 'own',
  realm: 'local',
  disabledBy: '',
  ticketGeneration: 0,
  credentialGeneration: 1,
  createdAt: 0 as Millis,
};
const tokenRow: TokenRow = {
  id: 't' as TokenId,
  userId: userRow.id,
  digest: digest(secret),
  previous: null,
  name: '',
  prefix: 'spt_',
  scopes: ['read:*' as Scope],
  addresses: [],
  perMinute: 600,
  perHour: 20_000,
  active: true,
  createdAt: 0 as Millis,
  expiresAt: null,
  lastUsedAt: null,
  lastUsedAddress: '',
  useCount: 0,
};
const here = '203.0.113.7' as Address;

/** A store of one token. */
function stage(token: Partial<TokenRow> = {}, user: Partial<UserRow> = {}) {
  let time = 1000;
  const clock: Clock = { now: () => time as Millis, monotonic: () => time };
  const state = {
    seq: 0,
    token: { ...tokenRow, ...token } as TokenRow | undefined,
    user: { ...userRow, ...user },
    lookups: 0,
    broken: 'no' as 'no' | 'fault',
    reads: 'work' as 'work' | 'fail',
    over: [] as TokenRow[],
    written: [] as TokenUse[][],
  };
  const seq = () => state.seq as Seq;
  const store = {
    userByName: () => Promise.reject(new Error('not asked for')),
    installation: () => Promise.reject(new Error('not asked')),
    sessionByDigest: () => Promise.resolve({ kind: 'unknown', seq: seq() } as const),
    ticketHolder: () => Promise.reject(new Error('not asked for')),
    tokenByDigest: async (wanted: Digest): Promise<TokenLookup> => {
      state.lookups += 1;
      if (state.broken !== 'no') throw new StoreFault('no store');
      const { token, user } = state;
      return token !== undefined && [token.digest, token.previous?.digest].includes(wanted)
        ? { kind: 'found', token, user, seq: seq() }
        : { kind: 'unknown', seq: seq() };
    },
    changesSince: () =>
      state.reads === 'work'
        ? Promise.resolve({ kind: 'changes', changes: [], last: seq() } as const)
        : Promise.reject(new StoreFault('no store')),
    noteTokenUses: async (uses: readonly TokenUse[]): Promise<void> => {
      await Promise.resolve();
      if (state.broken === 'fault') throw new StoreFault('no store');
      state.written.push([...uses]);
    },
  };
  const memory = makeMemory({
    store,
    clock,
    staleGraceMs: 5000,
    from: 0 as Seq,
    installation: { state: 'configured', bootId: 'b' },
  });
  /** Resolves when the test says so. */
  let settleOver: () => Promise<void> = () => Promise.resolve();
  const verifier = tokenVerifier({
    memory,
    store,
    clock,
    unknown: unknownSecrets(clock),
    over: (row) => {
      state.over.push(row);
      return settleOver();
    },
  });
  const verify = async (shown: Secret = secret, address = here): Promise<string> => {
    const proof = await verifier.verify(shown, () => ({ address, via: 'direct' }));
    return proof.kind === 'rejected' ? proof.cause : proof.kind;
  };
  return {
    state,
    memory,
    verifier,
    verify,
    at: (ms: number) => void (time = ms),
    pass: (ms: number) => void (time += ms),
    onOver: (settle: () => Promise<void>) => void (settleOver = settle),
  };
}

/** Everything that can be wrong with one, in the order in which it is looked at (3-rules, API tokens). */
const wrongs = [
  ['inactive', { active: false }, {}],
  ['expired', { expiresAt: 1000 as Millis }, {}],
  ['off-list', { addresses: ['192.0.2.0/24'] }, {}],
  ['owner-disabled', {}, { active: false }],
] as const;

test('of all that is wrong with a token the first in order is what is found, whatever comes after', async () => {
  for (let mask = 0; mask < 2 ** wrongs.length; mask += 1) {
    const these = wrongs.filter((_, at) => (mask & (1 << at)) !== 0);
    const token = Object.assign({}, ...these.map(([, each]) => each)) as Partial<TokenRow>;
    const user = Object.assign({}, ...these.map(([, , each]) => each)) as Partial<UserRow>;
    const { verify, state } = stage(token, user);
    const wanted = these[0]?.[0] ?? 'token';
    // From the store, and from memory.
    for (let time = 0; time < 2; time += 1) assert.equal(await verify(), wanted);
    assert.equal(await verify('spt_other' as Secret), 'unknown');
    assert.equal(state.over.length, wanted === 'expired' ? 2 : 0);
  }
});

test('a known token is answered at once, without a promise and without the store', async () => {
  const { verifier, verify, state } = stage({ addresses: ['203.0.113.0/24'] });
  assert.equal(await verify(), 'token');
  const again = verifier.verify(secret, () => ({ address: here, via: 'direct' }));
  assert.ok(!(again instanceof Promise));
  assert.equal(again.kind, 'token');
  assert.equal(state.lookups, 1);
  // From elsewhere it is refused all the same.
  assert.equal(await verify(secret, '198.51.100.1' as Address), 'off-list');
  assert.equal(await verify(), 'token');
});

test('the time of a token is its own to the millisecond, and the end is told after it was written', async () => {
  const { verify, state, at, onOver } = stage({ expiresAt: 5000 as Millis });
  at(4999);
  assert.equal(await verify(), 'token');
  at(5000);
  let written: () => void = () => undefined;
  onOver(() => new Promise((resolve) => (written = resolve)));
  let told = '';
  const asking = verify().then((cause) => (told = cause));
  await new Promise((resolve) => setImmediate(resolve));
  assert.deepEqual([told, state.over.map(({ id }) => id)], ['', ['t']]);
  written();
  assert.equal(await asking, 'expired');
});

test('an end that cannot be written is told to nobody', async () => {
  const { verify, onOver } = stage({ expiresAt: 500 as Millis });
  onOver(() => Promise.reject(new StoreFault('no store')));
  for (let time = 0; time < 2; time += 1) await assert.rejects(verify(), StoreFault);
});

test('the secret before is good until its time, and no other', async () => {
  const previous = { digest: digest(before), until: 3000 as Millis };
  const { verify, at } = stage({ previous });
  assert.deepEqual([await verify(before), await verify()], ['token', 'token']);
  at(2999);
  assert.deepEqual([await verify(before), await verify()], ['token', 'token']);
  at(3000);
  assert.deepEqual([await verify(before), await verify()], ['outlived', 'token']);
  assert.equal(await verify('spt_older' as Secret), 'unknown');
});

test('it is the one that was found, as of now: a change sends the next request to the store', async () => {
  for (const subject of [
    { kind: 'session', digest: tokenRow.digest },
    { kind: 'user', userId: userRow.id },
  ] as const) {
    const { verify, state, memory } = stage();
    assert.equal(await verify(), 'token');
    state.token = undefined;
    assert.equal(await verify(), 'token');
    memory.apply([{ seq: (state.seq += 1) as Seq, subject }]);
    assert.equal(await verify(), 'unknown');
  }
});

test('after the grace without news it is read anew; without a store nobody is let in', async () => {
  const { verify, state, pass } = stage();
  assert.equal(await verify(), 'token');
  pass(5000);
  assert.equal(await verify(), 'token');
  assert.equal(state.lookups, 1);
  pass(5000);
  state.reads = 'fail';
  await assert.rejects(verify(), StoreFault);
  state.reads = 'work';
  assert.equal(await verify(), 'token');
});

test('tokens that do not exist are looked up every time, and only so many', async () => {
  const { verify, state } = stage();
  assert.equal(await verify(), 'token');
  const seen = new Set<string>();
  for (let at = 0; at < 700; at += 1) seen.add(await verify(`spt_${at}` as Secret));
  assert.deepEqual([...seen], ['unknown', 'limited']);
  assert.equal(state.lookups, 601);
  // Who shows one that is known is never refused for it; nor is another network.
  assert.equal(await verify(), 'token');
  assert.equal(await verify('spt_x' as Secret, '198.51.100.1' as Address), 'unknown');
});

test('a store that cannot be asked is charged as well, and throws', async () => {
  const { verify, state } = stage();
  state.broken = 'fault';
  for (let at = 0; at < 600; at += 1) await assert.rejects(verify(), StoreFault);
  assert.equal(await verify(), 'limited');
});

test('uses are counted in memory and written once for each token, with the last of them', async () => {
  const { verifier, state, at } = stage();
  const other = { ...tokenRow, id: 'o' as TokenId };
  await verifier.flush();
  for (const [ms, token, address] of [
    [2000, tokenRow, '192.0.2.1'],
    [2500, other, '192.0.2.9'],
    [3000, tokenRow, '192.0.2.2'],
    [4000, tokenRow, '192.0.2.3'],
  ] as const) {
    at(ms);
    verifier.noteUse(token, address as Address);
  }
  const ofToken = { id: 't', lastUsedAt: 4000, address: '192.0.2.3', count: 3 };
  assert.deepEqual(verifier.unwritten(tokenRow.id), ofToken);
  const writing = verifier.flush();
  assert.deepEqual(verifier.unwritten(tokenRow.id), ofToken);
  await writing;
  assert.equal(verifier.unwritten(tokenRow.id), undefined);
  await verifier.flush();
  assert.deepEqual(state.written, [[ofToken, { id: 'o', lastUsedAt: 2500, address: '192.0.2.9', count: 1 }]]);
});

test('uses survive a write that failed, with what came meanwhile', async () => {
  const { verifier, state, at } = stage();
  verifier.noteUse(tokenRow, '192.0.2.1' as Address);
  verifier.noteUse({ ...tokenRow, id: 'o' as TokenId }, '192.0.2.9' as Address);
  state.broken = 'fault';
  const writing = verifier.flush();
  at(9000);
  verifier.noteUse(tokenRow, '192.0.2.2' as Address);
  await assert.rejects(writing, StoreFault);
  state.broken = 'no';
  const ofToken = { id: 't', lastUsedAt: 9000, address: '192.0.2.2', count: 2 };
  assert.deepEqual(verifier.unwritten(tokenRow.id), ofToken);
  await verifier.flush();
  const byId = Object.fromEntries((state.written[0] ?? []).map((use) => [use.id, use]));
  assert.deepEqual(byId, { t: ofToken, o: { id: 'o', lastUsedAt: 1000, address: '192.0.2.9', count: 1 } });
});

test('no use is lost or counted twice, however often writing fails', async () => {
  const step = fc.constantFrom('use', 'use', 'use', 'write', 'fail', 'use while writing', 'use while failing');
  await fc.assert(
    fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
      const { verifier, state } = stage();
      let used = 0;
      const use = (): void => {
        verifier.noteUse(tokenRow, here);
        used += 1;
      };
      for (const each of steps) {
        if (each === 'use') use();
        else {
          state.broken = each.includes('fail') ? 'fault' : 'no';
          const writing = verifier.flush().catch((fault: unknown) => assert.ok(fault instanceof StoreFault));
          if (each.startsWith('use')) use();
          await writing;
        }
        const written = state.written.flat().reduce((sum, { count }) => sum + count, 0);
        assert.equal(written + (verifier.unwritten(tokenRow.id)?.count ?? 0), used);
      }
    }),
  );
});
