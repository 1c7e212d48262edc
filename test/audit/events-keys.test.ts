/** O-05, of keys: each change is exactly one record, written in the same step. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { auditEvents } from '../../src/record/recorder.ts';
import { send } from '../support/client.ts';
import { asAdmin, type Admin } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { eventsOf } from '../support/rows.ts';
import { pause } from '../support/waiting.ts';

type Event = Readonly<Record<string, unknown>>;

const names = ['key-added', 'key-removed', 'keys-resealed', 'root-key-replaced'] as const;
const seen = new Set<string>();

describe('O-05: keys', () => {
  let house: Embedded;
  let root: Admin;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    root = asAdmin(house.console, String(got.json['token']));
  });
  after(() => house.close());

  const all = async (): Promise<readonly Event[]> =>
    (await Promise.all(names.map((name) => eventsOf(root, name)))).flat();
  /** Runs it, waits for as many events as are expected, and holds them against it, whatever their order. */
  const happens = async (run: () => Promise<unknown>, ...expected: readonly Event[]): Promise<void> => {
    const already = new Set((await all()).map(({ place }) => place));
    await run();
    let fresh: readonly Event[] = [];
    for (let tries = 0; tries < 100 && (tries === 0 || fresh.length < expected.length); tries += 1) {
      fresh = (await all()).filter(({ place }) => !already.has(place));
      await pause(50);
    }
    const shown = fresh.map((event, at) =>
      Object.fromEntries(Object.keys(expected[at] ?? event).map((name) => [name, event[name]])),
    );
    assert.deepEqual(shown, expected);
    for (const event of fresh) seen.add(String(event['event']));
  };
  const idOf = async (purpose: string): Promise<string> =>
    (await house.engine.keys()).filter((row) => row.purpose === purpose).at(-1)?.id ?? '';

  const host = { actor: '', address: '', way: 'host', result: 'ok', count: 1 };
  const server = { actor: '', address: '', way: 'none', result: 'ok' };

  it('added by an admin and from the host; given up with the ones before it', async () => {
    const person = { actor_name: 'root1', address: '127.0.0.1', way: 'session', result: 'ok' };
    await happens(() => root.ask('/api/auth/keys/rotate', { body: { purpose: 'ticket' } }), {
      event: 'key-added',
      ...person,
    });
    // It is the next one already.
    await happens(() => root.ask('/api/auth/keys/rotate', { body: { purpose: 'ticket' } }));
    await happens(() => root.ask('/api/auth/keys/rotate', { body: { purpose: 'root' } }));
    await happens(
      () => house.sallyport.keys({ action: 'rotate', purpose: 'ticket', when: 'compromised' }),
      { event: 'key-added', ...host },
      { event: 'key-removed', ...host, result: 'compromised' },
      { event: 'key-removed', ...host, result: 'compromised' },
    );
  });

  it('values sealed anew, counted, and the key that nothing is left under', async () => {
    const old = await idOf('seal');
    await house.sallyport.keys({ action: 'rotate', purpose: 'seal', when: 'now' });
    const key = await idOf('seal');
    await happens(async () => house.pass(2 * 60_000), { event: 'keys-resealed', ...server, target: key, count: 1 });
    await happens(async () => house.pass(2 * 3_600_000), { event: 'key-removed', ...server, target: `seal:${old}` });
  });

  it('the root key', () =>
    happens(() => house.sallyport.keys({ action: 'rotate', purpose: 'root', when: 'now' }), {
      event: 'root-key-replaced',
      ...host,
    }));
});

it('O-05: every event of keys was driven', () => {
  assert.deepEqual(
    names.filter((name) => !(name in auditEvents) || !seen.has(name)),
    [],
  );
});
