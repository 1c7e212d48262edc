import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { AuditEvent } from '../store/rows.ts';
import { StoreFault } from '../store/store.ts';
import type { Address, Millis } from '../types.ts';
import { countedAttempts } from './counted-attempts.ts';

const minute = 60_000;

function scene() {
  const at = { ms: 10 * minute, full: false };
  const written: AuditEvent[] = [];
  const limited = countedAttempts({
    event: 'attempts-limited',
    result: 'limited',
    store: {
      appendAudit: (event) => {
        if (at.full) return Promise.reject(new StoreFault('the disk is full'));
        written.push(event);
        return Promise.resolve();
      },
    },
    clock: { now: () => at.ms as Millis, monotonic: () => at.ms },
    log: { warn: () => undefined },
  });
  const counts = (): readonly string[] => written.map(({ address, count }) => `${address} ${count}`);
  return { at, written, limited, counts };
}

const address = (text: string): Address => text as Address;

test('one row per network and minute, when the minute is over', async () => {
  const { at, written, limited, counts } = scene();
  for (let count = 0; count < 3; count += 1) limited.count(address('203.0.113.7'));
  limited.count(address('203.0.113.8'));
  limited.count(address('2001:db8::1'));
  limited.count(address('2001:db8::ffff'));
  await limited.settle('over');
  assert.deepEqual(written, []);
  at.ms += minute;
  limited.count(address('203.0.113.7'));
  await limited.settle('over');
  assert.deepEqual(counts(), ['203.0.113.7/32 3', '203.0.113.8/32 1', '2001:db8::/64 2']);
  await limited.settle('all');
  assert.equal(counts().at(-1), '203.0.113.7/32 1');
  assert.deepEqual(written.at(-1), {
    at: at.ms,
    event: 'attempts-limited',
    actor: '',
    address: '203.0.113.7/32',
    peer: '',
    way: 'none',
    target: '',
    result: 'limited',
    count: 1,
  });
  await limited.settle('all');
  assert.equal(written.length, 4, 'nothing twice');
});

test('memory is bounded: networks beyond 1024 share a row without an address, and none goes uncounted', async () => {
  const { written, limited } = scene();
  for (let index = 0; index < 5000; index += 1) limited.count(address(`10.0.${index >> 8}.${index & 255}`));
  await limited.settle('all');
  assert.equal(written.length, 1025);
  assert.equal(
    written.reduce((sum, { count }) => sum + count, 0),
    5000,
  );
  assert.equal(written.filter((event) => event.address === '').length, 1);
});

test('what cannot be written is kept, and written once it can', async () => {
  const { at, limited, counts } = scene();
  limited.count(address('203.0.113.7'));
  at.full = true;
  await limited.settle('all');
  limited.count(address('203.0.113.7'));
  at.full = false;
  await limited.settle('all');
  assert.deepEqual(counts(), ['203.0.113.7/32 2']);
});
