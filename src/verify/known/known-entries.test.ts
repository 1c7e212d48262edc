import assert from 'node:assert/strict';
import { test } from 'node:test';
import { oldestOut } from './known-entries.ts';

test('oldestOut(): the oldest first, whatever was deleted, added or cleared meanwhile; each once', () => {
  const map = new Map([1, 2, 3, 4].map((key) => [key, `v${key}`]));
  const out = oldestOut(map);
  assert.equal(out(), 'v1');
  map.delete(2);
  map.set(5, 'v5');
  assert.deepEqual([out(), out(), out()], ['v3', 'v4', 'v5']);
  assert.deepEqual([out(), map.size], [undefined, 0]);
  map.set(6, 'v6').set(7, 'v7');
  assert.equal(out(), 'v6');
  map.clear();
  map.set(8, 'v8').set(9, 'v9');
  assert.deepEqual([out(), out(), out(), map.size], ['v8', 'v9', undefined, 0]);
  // What is set again lies where it lay, and its turn comes with the next round.
  map.set(1, 'a').set(2, 'b');
  assert.equal(out(), 'a');
  map.set(2, 'c').set(1, 'd');
  assert.deepEqual([out(), out(), out()], ['c', 'd', undefined]);
});

test('oldestOut(): a full map stays as full, and what was added last is there', () => {
  const map = new Map<number, number>();
  const out = oldestOut(map);
  for (let at = 0; at < 50_000; at += 1) {
    if (map.size >= 1000) out();
    map.set(at, at);
    if (at % 7 === 0) map.delete(at - 500);
  }
  assert.ok(map.size <= 1000);
  assert.ok(
    [...map.keys()].every((key) => key >= 48_000),
    'an old one is still there',
  );
  assert.equal(map.get(49_999), 49_999);
});
