import assert from 'node:assert/strict';
import { test } from 'node:test';
import { turns } from './turns.ts';

test('so many at once, so many wait, in their order; the rest is told at once', async () => {
  const next = turns({ atOnce: 2, waiting: 2, waitMs: 60_000 });
  const [one, two] = [await next(), await next()];
  const order: string[] = [];
  const third = next().then((turn) => (order.push('third'), turn));
  const fourth = next().then((turn) => (order.push('fourth'), turn));
  assert.deepEqual(await next(), { kind: 'crowded' });
  assert.ok(one.kind === 'turn' && two.kind === 'turn');
  one.end();
  const had = await third;
  assert.deepEqual(order, ['third']);
  two.end();
  await fourth;
  assert.ok(had.kind === 'turn');
  had.end();
  assert.equal((await next()).kind, 'turn');
});

test('nobody waits for ever', async () => {
  const next = turns({ atOnce: 1, waiting: 2, waitMs: 1 });
  const one = await next();
  assert.deepEqual(await next(), { kind: 'crowded' });
  assert.ok(one.kind === 'turn');
  one.end();
  assert.equal((await next()).kind, 'turn');
});
