/** A ring whose rows change: what is in use by the clock, what is learnt, and what it does when its root key is of before. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Millis } from '../../types.ts';
import { type KeyPurpose, type KeyRow, newKey, openKeyring, openRows, type RootKey } from '../keyring.ts';
import { systemRandom } from '../random.ts';
import { checkSignature } from '../sign.ts';
import { livingKeyring } from './living-keyring.ts';

const start = 1_800_000_000_000;

function stage() {
  const root: RootKey = { bytes: systemRandom.bytes(32) };
  const at = { now: start, ms: 0 };
  const made = (purpose: KeyPurpose, createdAt = start, usedFrom = createdAt, under = root): KeyRow =>
    newKey(purpose, under, createdAt as Millis, systemRandom, usedFrom as Millis);
  const store = {
    rows: (['seal', 'cookie', 'audit', 'ticket', 'service'] as const).map((purpose) => made(purpose)),
    reads: 0,
    away: false,
  };
  const roots: RootKey[] = [root];
  const standings: string[] = [];
  const opened = livingKeyring({
    rows: store.rows,
    root,
    read: () => {
      store.reads += 1;
      return store.away ? Promise.reject(new Error('away')) : Promise.resolve([...store.rows]);
    },
    roots: () => roots,
    clock: { now: () => at.now as Millis, monotonic: () => at.ms },
    random: systemRandom,
    onStanding: ({ kind }) => standings.push(kind),
  });
  assert.ok(opened.kind === 'opened');
  return { ring: opened.keyring, store, at, made, root, roots, standings };
}

test('the next key is known at once, used when its time has come, and what the old one made still opens', async () => {
  const { ring, store, at, made } = stage();
  const before = { sealed: ring.seal(['p'], 'text'), signer: ring.ticketSigner(), cookie: ring.cookieKey() };
  const signed = before.signer.sign('ticket', ['a']);
  for (const purpose of ['seal', 'cookie', 'ticket', 'audit'] as const)
    store.rows.push(made(purpose, start + 1, start + 600_000));
  await ring.refresh();
  assert.equal(ring.ticketSigner().id, before.signer.id);
  assert.equal(ring.ticketSigner(), before.signer, 'made once');
  assert.equal(ring.ticketKeys().length, 2);
  assert.equal(ring.cookieKeys().length, 2);
  assert.deepEqual(ring.cookieKeys()[0], before.cookie);
  at.now = start + 600_000;
  assert.notEqual(ring.ticketSigner().id, before.signer.id);
  assert.deepEqual(ring.cookieKeys()[1], before.cookie);
  assert.notDeepEqual(ring.cookieKey(), before.cookie);
  assert.notEqual(ring.seal(['p'], 'text').split('.')[1], before.sealed.split('.')[1]);
  assert.equal(ring.open(['p'], before.sealed).kind, 'opened');
  const key = ring.ticketKeys().find(({ id }) => id === before.signer.id);
  assert.ok(key !== undefined);
  assert.equal(checkSignature(key, 'ticket', ['a'], signed).kind, 'right');
  assert.equal(checkSignature(key, 'ticket', ['b'], signed).kind, 'wrong');
  const found = await ring.ticketKey(before.signer.id);
  assert.ok(found.kind === 'key' && found.check('ticket', ['a'], signed).kind === 'right');
  // A clock that was set back: the one from before is used again, and all are known.
  at.now = start - 5;
  assert.equal(ring.ticketSigner().id, before.signer.id);
});

test('an unknown ticket key is looked for once a second, whoever asks; one that another node uses is found', async () => {
  const { ring, store, at, made } = stage();
  at.ms = 5000;
  assert.deepEqual(
    await Promise.all(['x', 'y', 'z'].map(async (id) => ring.ticketKey(id))),
    ['x', 'y', 'z'].map(() => ({ kind: 'unknown' })),
  );
  assert.equal(store.reads, 1);
  const next = made('ticket', start + 1);
  store.rows.push(next);
  assert.equal((await ring.ticketKey(next.id)).kind, 'unknown');
  assert.equal(store.reads, 1);
  at.ms += 1000;
  assert.equal((await ring.ticketKey(next.id)).kind, 'key');
  assert.equal(store.reads, 2);
  assert.ok(!(ring.ticketKey(next.id) instanceof Promise), 'a known one costs no turn');
  // A seal key or a cookie key is no ticket key.
  for (const row of store.rows.filter(({ purpose }) => purpose !== 'ticket'))
    assert.equal((await ring.ticketKey(row.id)).kind, 'unknown');
  store.rows = store.rows.filter(({ id }) => id !== next.id);
  await ring.refresh();
  assert.equal((await ring.ticketKey(next.id)).kind, 'unknown', 'one that was removed is unknown');
});

test('what another node sealed under a key not heard of here is learnt; the store away is a fault', async () => {
  const { ring, store, made, root } = stage();
  const next = made('seal', start + 1);
  const elsewhere = openKeyring([...store.rows, next], root, systemRandom);
  assert.ok(elsewhere.kind === 'opened');
  const sealed = elsewhere.keyring.seal(['p'], 'text');
  assert.equal(ring.open(['p'], sealed).kind, 'damaged');
  store.away = true;
  await assert.rejects(async () => ring.learn(sealed));
  store.away = false;
  store.rows.push(next);
  await ring.learn(sealed);
  assert.equal(ring.open(['p'], sealed).kind, 'opened');
  const { reads } = store;
  assert.equal(ring.learn(sealed), undefined);
  assert.equal(ring.learn(''), undefined);
  assert.equal(store.reads, reads);
});

test('another root key: taken from the file, also the pending one; until it is there the ring goes on and says so once', async () => {
  const { ring, store, made, roots, root, standings } = stage();
  const sealed = ring.seal(['p'], 'text');
  const other: RootKey = { bytes: systemRandom.bytes(32) };
  const { keys } = ring.under(other, 'i');
  const old = store.rows;
  store.rows = old.map((row) => ({ ...row, sealed: keys.find(({ id }) => id === row.id)?.sealed ?? '' }));
  const fresh = made('ticket', start + 1, start + 1, other);
  store.rows.push(fresh);
  await ring.refresh();
  await ring.refresh();
  assert.deepEqual(standings, ['unopened']);
  assert.equal(ring.standing().kind, 'unopened');
  assert.equal(ring.open(['p'], sealed).kind, 'opened');
  assert.equal((await ring.ticketKey(fresh.id)).kind, 'unknown', 'what does not open is not believed');
  assert.equal(ring.serviceKey(store.rows).kind, 'opened', 'it is the key it was');
  roots.push(other);
  await ring.refresh();
  assert.deepEqual(standings, ['unopened', 'whole']);
  assert.deepEqual([ring.judge(other).kind, ring.judge(root).kind], ['in-use', 'other']);
  assert.equal((await ring.ticketKey(fresh.id)).kind, 'key');
  assert.equal(ring.open(['p'], sealed).kind, 'opened');
  const made2 = ring.newKey('cookie', start as Millis, start as Millis);
  assert.equal(openRows([...store.rows, made2], other).kind, 'opened');
});

test('rows of a root key that nobody has are damaged at the start, and never taken for none', () => {
  const { store, at } = stage();
  const opened = livingKeyring({
    rows: store.rows,
    root: { bytes: systemRandom.bytes(32) },
    read: () => Promise.resolve([]),
    roots: () => [],
    clock: { now: () => at.now as Millis, monotonic: () => 0 },
    random: systemRandom,
    onStanding: () => undefined,
  });
  assert.equal(opened.kind, 'damaged');
});
