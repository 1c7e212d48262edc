import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { type HashQueue, hashQueue } from '../hash-queue.ts';
import { foreignHashes } from './check-hash.ts';
import type { ForeignHash } from './foreign-hash.ts';
import { hashThread } from './hash-thread.ts';
import { readForeignHash } from './read-hash.ts';

const clock = { monotonic: () => performance.now() };
const turn = { lane: 'stranger', network: '203.0.113.1/32' } as const;

function hashOf(text: string): ForeignHash {
  const reading = readForeignHash(text);
  assert.ok(reading.kind === 'hash', text);
  return reading.hash;
}

const quick = hashOf('$2b$05$CCCCCCCCCCCCCCCCCCCCC.E5YPO9kmyuRGyh0XouQYb4YMJKvyOeW');
const sha = hashOf('$5$saltstring$5B8vYYiY.CVt1RlTTf8KbXBH3hsxY/GNooZaBBGWEc5');
/** As no reader lets through: many seconds of JavaScript, and of native code. */
const slow = { ...sha, rounds: 999_999_999 } as ForeignHash;
const slowNative: ForeignHash = {
  scheme: 'pbkdf2',
  digest: 'sha512',
  iterations: 3_000_000,
  salt: Buffer.from('salt'),
  tag: Buffer.alloc(64),
};

const slots = (cores = 2): HashQueue =>
  hashQueue({ places: 64, memoryBytes: 1 << 27, bytesPerHash: 19 << 20, cores }, () => 'idle', clock);

function checker({ limitMs = 2000, places = 64, queue = slots() } = {}) {
  const thread = hashThread({ limitMs });
  return { ...foreignHashes({ queue, places, clock, thread }), thread, queue };
}

describe('checks of imported hashes', () => {
  it('match or do not, all in one thread that starts with the first', async (context) => {
    const { check, thread, stop } = checker();
    context.after(stop);
    assert.equal(thread.started(), 0);
    const asked: readonly (readonly [ForeignHash, string])[] = [
      [quick, 'U*U'],
      [quick, 'U*V'],
      [sha, 'Hello world!'],
      [sha, 'Hello world'],
    ];
    const outcomes = await Promise.all(asked.map(([hash, password]) => check(hash, password, turn)));
    assert.deepEqual(
      outcomes.map(({ kind }) => kind),
      ['match', 'mismatch', 'match', 'mismatch'],
    );
    assert.equal(thread.started(), 1);
  });

  it('are stopped when the time is over, and the next one finds a new thread', async (context) => {
    const { check, thread, stop } = checker({ limitMs: 300 });
    context.after(stop);
    await check(quick, 'U*U', turn);
    const begun = performance.now();
    assert.deepEqual(await check(slow, 'x', turn), { kind: 'too-slow' });
    assert.ok(performance.now() - begun < 1000);
    assert.deepEqual(await check(quick, 'U*U', turn), { kind: 'match' });
    assert.deepEqual(await check(quick, 'U*V', turn), { kind: 'mismatch' });
    assert.equal(thread.started(), 2);
  });

  it('in native code are given up just as soon; the next one begins when that code has returned', async (context) => {
    const { check, thread, stop } = checker({ limitMs: 200 });
    context.after(stop);
    await check(quick, 'U*U', turn);
    const begun = performance.now();
    assert.deepEqual(await check(slowNative, 'x', turn), { kind: 'too-slow' });
    assert.ok(performance.now() - begun < 600, 'the caller waited for it');
    assert.deepEqual(await check(quick, 'U*U', turn), { kind: 'match' });
    assert.equal(thread.started(), 2);
  });

  it('run one at a time, leave the other slots free, and are refused when too many wait', async (context) => {
    const { check, stop, queue } = checker({ limitMs: 300, places: 4 });
    context.after(stop);
    const running = check(slow, 'x', turn);
    const known = { lane: 'known', network: turn.network } as const;
    const waiting = [check(quick, 'U*U', known), check(quick, 'U*U', known), check(quick, 'U*U', known)];
    const more = [check(quick, 'U*U', known), check(quick, 'U*U', known)];
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.deepEqual(queue.depth(), { waiting: 0, running: 1 });
    assert.deepEqual(await queue.run(turn, () => Promise.resolve('ours')), { kind: 'ran', value: 'ours' });
    assert.deepEqual(await running, { kind: 'too-slow' });
    assert.deepEqual(
      await Promise.all(waiting),
      Array.from(waiting, () => ({ kind: 'match' })),
    );
    const kinds = (await Promise.all(more)).map(({ kind }) => kind);
    assert.ok(kinds.includes('busy'), kinds.join());
  });

  it('wait for a slot of the queue, and are busy when it is full', async (context) => {
    const full: HashQueue = { ...slots(), run: () => Promise.resolve({ kind: 'busy' }) };
    const { check, stop, thread } = checker({ queue: full });
    context.after(stop);
    assert.deepEqual(await check(quick, 'U*U', turn), { kind: 'busy' });
    assert.equal(thread.started(), 0);
  });

  it('are busy once they were stopped, the one that runs included', async () => {
    const { check, stop, thread } = checker();
    await check(quick, 'U*U', turn);
    const running = check(slow, 'x', turn);
    await new Promise((resolve) => setTimeout(resolve, 50));
    stop();
    assert.deepEqual(await running, { kind: 'busy' });
    assert.deepEqual(await check(quick, 'U*U', turn), { kind: 'busy' });
    assert.equal(thread.started(), 1);
  });

  it('are busy when it is stopped while the thread starts', async () => {
    const { check, stop } = checker();
    const running = check(quick, 'U*U', turn);
    await new Promise((resolve) => setImmediate(resolve));
    stop();
    assert.deepEqual(await running, { kind: 'busy' });
  });

  it('fail loudly where the thread falls over, without a word of the password, and the next one works', async (context) => {
    const { check, stop, thread } = checker();
    context.after(stop);
    const broken = { ...quick, setting: 'nonsense' } as ForeignHash;
    await assert.rejects(check(broken, 'violet anchor', turn), (fault: Error) => {
      assert.doesNotMatch(`${fault.stack} ${String((fault.cause as Error).stack)}`, /violet/);
      return true;
    });
    assert.deepEqual(await check(quick, 'U*U', turn), { kind: 'match' });
    assert.equal(thread.started(), 2);
  });
});
