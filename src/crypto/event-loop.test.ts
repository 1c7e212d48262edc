import assert from 'node:assert/strict';
import { test } from 'node:test';
import { stateOf, watchEventLoop } from './event-loop.ts';

for (const [lateMs, busy, state] of [
  [0.1, 0.01, 'idle'],
  // Somebody else's work, or our own hashes, on every core: nobody waits behind this loop.
  [8, 0.01, 'idle'],
  [8, 0.49, 'idle'],
  [0.1, 1, 'idle'],
  [1.9, 1, 'idle'],
  [2, 0.5, 'loaded'],
  [40, 1, 'loaded'],
] as const) {
  test(`late by ${lateMs} ms and busy for ${busy} of the time: ${state}`, () => {
    assert.equal(stateOf({ lateMs, busy }), state);
  });
}

test('begins idle, and holds nothing open after stop', () => {
  const watch = watchEventLoop();
  assert.equal(watch.state(), 'idle');
  watch.stop();
  assert.equal(watch.state(), 'idle');
});
