/** One timer, while something is under way; what is let go is renewed no more. */
import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import type { Store } from '../../store/store.ts';
import type { Millis } from '../../types.ts';
import { leaseMs, leases } from './leases.ts';

const clock = { now: () => Date.now() as Millis, monotonic: () => Date.now() };

test('every holder is renewed every five seconds for fifteen, until it is let go', () => {
  mock.timers.enable({ apis: ['setInterval', 'Date'] });
  try {
    const renewed: Parameters<Store['renewIdempotent']>[0][] = [];
    const warned: string[] = [];
    const nothing = (): void => undefined;
    const underWay = leases({
      store: {
        renewIdempotent: (renewal) => {
          renewed.push(renewal);
          return renewal.holder === 'b' ? Promise.reject(new Error('away')) : Promise.resolve();
        },
      },
      clock,
      log: { info: nothing, error: nothing, warn: (_, message) => void warned.push(message) },
    });
    const said = (): readonly string[] => renewed.splice(0).map(({ holder }) => holder);
    mock.timers.tick(60_000);
    assert.deepEqual(said(), []);
    underWay.hold('a');
    mock.timers.tick(4999);
    assert.deepEqual(said(), []);
    mock.timers.tick(1);
    assert.deepEqual(renewed, [{ holder: 'a', at: Date.now(), leaseUntil: (Date.now() + leaseMs) as Millis }]);
    said();
    underWay.hold('b');
    mock.timers.tick(10_000);
    assert.deepEqual(said(), ['a', 'b', 'a', 'b']);
    underWay.letGo('a');
    mock.timers.tick(5000);
    assert.deepEqual(said(), ['b']);
    underWay.letGo('b');
    underWay.letGo('b');
    mock.timers.tick(60_000);
    assert.deepEqual(said(), []);
    underWay.hold('c');
    mock.timers.tick(5000);
    assert.deepEqual(said(), ['c']);
    underWay.letGo('c');
  } finally {
    mock.timers.reset();
  }
});
