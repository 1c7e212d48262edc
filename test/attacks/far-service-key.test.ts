/** Attacks with a service key that was found, from where it is not taken (security.md 2.8). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { notLocal } from '../support/corridor.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { basic, heldIn, serviceKeyFileOf } from '../support/service-key.ts';

describe('a service key from elsewhere', () => {
  let server: RunningServer;
  let key: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    key = heldIn(serviceKeyFileOf(server.data));
  });
  after(() => server.remove());

  const ask = (name: string, secret: string, from: string): Promise<Got> =>
    send(`${server.console}/api/auth/users`, { headers: { ...basic(name, secret), ...notLocal }, from });
  const statuses = async (name: string, from: string): Promise<Readonly<Record<number, number>>> => {
    const counts: Record<number, number> = {};
    for (let at = 0; at < 650; at += 50)
      for (const { status } of await Promise.all(Array.from({ length: 50 }, () => ask(name, '', from))))
        counts[status] = (counts[status] ?? 0) + 1;
    return counts;
  };

  it('is like one that is none: it is held as long, and meets the same limits', async () => {
    const other = `${key.startsWith('A') ? 'B' : 'A'}${key.slice(1)}`;
    for (const [name, from] of [
      [other, '127.0.0.21'],
      [key, '127.0.0.22'],
    ] as const) {
      const at: number[] = [];
      for (const secret of ['one', 'two', 'three']) {
        const began = performance.now();
        assert.equal((await ask(name, secret, from)).status, 401);
        at.push(performance.now() - began);
      }
      // Whole seconds after arrival.
      for (const ms of at) assert.ok(ms > 900, `${from}: answered after ${at.join(', ')} ms`);
      for (let guess = 4; guess <= 5; guess += 1) assert.equal((await ask(name, `${guess}`, from)).status, 401);
      assert.equal((await ask(name, '6', from)).status, 401);
      assert.equal((await ask(name, '7', from)).status, 429, `${from} is limited`);
    }
    const [wrong, right] = [await statuses(other, '127.0.0.23'), await statuses(key, '127.0.0.24')];
    assert.deepEqual(right, wrong);
    assert.ok((right[429] ?? 0) > 0);
    // Nearby it goes on being taken.
    assert.equal((await send(`${server.console}/api/auth/users`, { headers: basic(key) })).status, 200);
  });
});
