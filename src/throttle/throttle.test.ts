import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Address, Clock, Millis } from '../types.ts';
import { hold } from './hold.ts';
import { dayMs, minuteMs, networkLimits } from './limits.ts';
import { networkLimiter } from './network-limiter.ts';

function fakeClock(): Clock & { pass(ms: number): void } {
  let now = 1_000_000;
  return { now: () => now as Millis, monotonic: () => now, pass: (ms) => void (now += ms) };
}

const address = (text: string): Address => text as Address;
const alice = address('203.0.113.1');

async function fail(limiter: ReturnType<typeof networkLimiter>, from: Address): Promise<'limited' | 'taken'> {
  const taking = await limiter.take(from);
  if (taking.kind === 'taken') taking.settle('failed');
  return taking.kind;
}

test('ten failures a minute from one address, and no eleventh', async () => {
  const clock = fakeClock();
  const limiter = networkLimiter(clock);
  for (let at = 0; at < 10; at += 1) assert.equal(await fail(limiter, alice), 'taken');
  const taking = await limiter.take(alice);
  assert.deepEqual(taking, { kind: 'limited', retryAfterSeconds: 60 });
  clock.pass(minuteMs - 1);
  assert.equal(await fail(limiter, alice), 'limited');
  clock.pass(1);
  assert.equal(await fail(limiter, alice), 'taken');
});

test('a refused try does not extend the limit', async () => {
  const clock = fakeClock();
  const limiter = networkLimiter(clock);
  for (let at = 0; at < 10; at += 1) await fail(limiter, alice);
  for (let at = 0; at < 59; at += 1) {
    clock.pass(1000);
    assert.equal(await fail(limiter, alice), 'limited');
  }
  clock.pass(1000);
  assert.equal(await fail(limiter, alice), 'taken');
});

test('fifty failures a day from one address', async () => {
  const clock = fakeClock();
  const limiter = networkLimiter(clock);
  for (let at = 0; at < 50; at += 1) {
    assert.equal(await fail(limiter, alice), 'taken');
    clock.pass(minuteMs);
  }
  assert.equal(await fail(limiter, alice), 'limited');
  clock.pass(dayMs - 50 * minuteMs - 1);
  assert.equal(await fail(limiter, alice), 'limited');
  clock.pass(1);
  assert.equal(await fail(limiter, alice), 'taken');
});

test('wider networks count together: thirty a minute in a /26, and strangers elsewhere are not touched', async () => {
  const limiter = networkLimiter(fakeClock());
  for (let at = 0; at < 30; at += 1) assert.equal(await fail(limiter, address(`203.0.113.${at}`)), 'taken');
  assert.equal(await fail(limiter, address('203.0.113.40')), 'limited');
  assert.equal(await fail(limiter, address('203.0.113.64')), 'taken');
});

test('one IPv6 /64 is one source, however many addresses it has', async () => {
  const limiter = networkLimiter(fakeClock());
  for (let at = 0; at < 10; at += 1)
    assert.equal(await fail(limiter, address(`2001:db8::${(at + 1).toString(16)}`)), 'taken');
  assert.equal(await fail(limiter, address('2001:db8::ffff')), 'limited');
  assert.equal(await fail(limiter, address('2001:db8:0:1::1')), 'taken');
});

test('a unit given back counts for nothing', async () => {
  const limiter = networkLimiter(fakeClock());
  for (let at = 0; at < 100; at += 1) {
    const taking = await limiter.take(alice);
    assert.ok(taking.kind === 'taken');
    taking.settle('given-back');
  }
});

test('two hundred parallel wrong tries: ten are looked at, the rest wait and are refused', async () => {
  const limiter = networkLimiter(fakeClock());
  let looked = 0;
  const kinds = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const taking = await limiter.take(alice);
      if (taking.kind === 'limited') return 'limited';
      looked += 1;
      await new Promise((resolve) => setImmediate(resolve));
      taking.settle('failed');
      return 'taken';
    }),
  );
  assert.equal(looked, 10);
  assert.equal(kinds.filter((kind) => kind === 'limited').length, 190);
});

test('two hundred parallel right tries all get through: units in flight are waited for', async () => {
  const limiter = networkLimiter(fakeClock());
  let most = 0;
  let inFlight = 0;
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const taking = await limiter.take(alice);
      assert.ok(taking.kind === 'taken');
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      taking.settle('given-back');
    }),
  );
  assert.equal(most, networkLimits[0]?.perMinute);
});

test('hold: refusals leave at a whole second after arrival', async () => {
  const clock = fakeClock();
  const waited: number[] = [];
  const holding = hold(clock, (ms) => {
    waited.push(ms);
    return Promise.resolve();
  });
  const arrivedAt = clock.monotonic();
  for (const [spent, rest] of [
    [0, 1000],
    [1, 999],
    [999, 1],
    [1000, 0],
    [1001, 999],
  ] as const) {
    const late = hold({ ...clock, monotonic: () => arrivedAt + spent }, (ms) => {
      waited.push(ms);
      return Promise.resolve();
    });
    assert.equal((await late.untilWholeSecond(arrivedAt)).kind, 'held');
    assert.equal(waited.pop(), rest);
  }
  assert.equal((await holding.untilWholeSecond(arrivedAt)).kind, 'held');
});

test('hold: at most 512 at once, the next is told so', async () => {
  const releases: (() => void)[] = [];
  const holding = hold(fakeClock(), () => new Promise((resolve) => releases.push(resolve)));
  const held = Array.from({ length: 512 }, () => holding.untilWholeSecond(0));
  assert.equal((await holding.untilWholeSecond(0)).kind, 'crowded');
  for (const release of releases) release();
  assert.deepEqual(new Set((await Promise.all(held)).map((each) => each.kind)), new Set(['held']));
  releases.length = 0;
  const again = holding.untilWholeSecond(0);
  releases[0]?.();
  assert.equal((await again).kind, 'held');
});
