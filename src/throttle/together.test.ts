import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../crypto/random.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Address, Clock, Millis } from '../types.ts';
import { limiter as makeLimiter, type Limiter } from './limiter.ts';
import type { Try } from './places.ts';

const clock: Clock = { now: () => 1_800_000_000_000 as Millis, monotonic: () => 1_000_000 };

/** Cells of one process that never go away, whose clock is another one than the nodes'. */
function cellsOfTwo(): SharedCells & { away: boolean } {
  const texts = new Map<string, string>();
  return {
    away: false,
    step(keys, decide) {
      if (this.away) return Promise.resolve({ kind: 'away' });
      const value = decide({
        now: 5_000_000,
        get: (key) => {
          assert.ok(keys.includes(key));
          return texts.get(key) ?? '';
        },
        put: (key, text, lastsMs) => void (lastsMs > 0 ? texts.set(key, text) : texts.delete(key)),
      });
      return Promise.resolve({ kind: 'done', value });
    },
    fill: () => Promise.resolve(),
    standing: () => ({ kind: 'reachable' }),
  };
}

function nodeOver(cells: SharedCells, name: number): Limiter {
  const random: Random = { bytes: (count) => new Uint8Array(count).fill((made += 1)) };
  let made = name;
  const together = { cells, random, remembered: () => Promise.resolve([]) };
  return makeLimiter({ clock, remembered: [], together });
}

const tried: Try = {
  way: 'setup-code',
  address: '203.0.113.1' as Address,
  standing: { kind: 'stranger', network: 'never-seen' },
  subject: { kind: 'nobody' },
};

async function fail(limiter: Limiter): Promise<'limited' | 'taken'> {
  const taking = await limiter.take(tried);
  if (taking.kind === 'taken') await taking.settle('failed');
  return taking.kind;
}

test('what two nodes count together is listed by each of them, also where another one counted the last of it', async () => {
  const cells = cellsOfTwo();
  const [one, two] = [nodeOver(cells, 0), nodeOver(cells, 100)];
  assert.equal(await fail(one), 'taken');
  assert.deepEqual(await one.blocks([]), []);
  while ((await fail(two)) === 'taken');
  const [block, ...others] = await one.blocks([]);
  assert.deepEqual([block?.kind, block?.network, others], ['network', '203.0.113.1/32', []]);
  // The address, and the two wider networks around it.
  assert.equal((await one.lift({ kind: 'all' }, [])).lifted, 3);
  assert.deepEqual(await two.blocks([]), []);
  assert.equal(await fail(two), 'taken');
});

test('while the shared counts are away a node lists what it knows', async () => {
  const cells = cellsOfTwo();
  const [one, two] = [nodeOver(cells, 0), nodeOver(cells, 100)];
  await fail(one);
  while ((await fail(two)) === 'taken');
  cells.away = true;
  assert.deepEqual(await one.blocks([]), []);
  assert.equal((await two.blocks([])).length, 1);
});
