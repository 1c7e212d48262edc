/** Readings of the service key that overlap: what was replaced never comes back. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyRow } from '../../crypto/keyring.ts';
import type { Millis } from '../../types.ts';
import type { KnownInstallation } from '../known/known-installation.ts';
import { serviceKeys } from './service-key.ts';

const row = (id: string): KeyRow => ({
  id,
  purpose: 'service',
  sealed: '',
  createdAt: 0 as Millis,
  usedFrom: 0 as Millis,
});

/** A store whose readings end when they are told to. */
function stage() {
  let installation: KnownInstallation = { state: 'configured', bootId: '' };
  const readings: ((id: string) => void)[] = [];
  const told: string[] = [];
  const keys = serviceKeys({
    memory: { installation: () => installation },
    store: { keys: () => new Promise((resolve) => readings.push((id) => resolve([row(id)]))) },
    open: ([found]) =>
      found === undefined || found.id === 'damaged'
        ? { kind: 'damaged', why: 'it is' }
        : { kind: 'opened', id: found.id, bytes: Buffer.from(found.id) },
    onKey: ({ id }) => told.push(id),
  });
  return {
    keys,
    told,
    changed: () => {
      installation = { ...installation };
    },
    /** The one that began first among those under way. */
    answer: (id: string, at = 0) => readings.splice(at, 1)[0]?.(id),
    underWay: () => readings.length,
  };
}

test('read once until the installation changes, and told once', async () => {
  const { keys, told, changed, answer, underWay } = stage();
  const first = keys.current();
  answer('one');
  const key = await first;
  assert.equal(key.text, Buffer.from('one').toString('base64url'));
  assert.equal(key.compare(key.text).kind, 'equal');
  assert.equal(keys.current(), key);
  changed();
  const same = keys.current();
  answer('one');
  assert.equal(await same, key);
  changed();
  const next = keys.current();
  answer('two');
  assert.equal((await next).id, 'two');
  assert.deepEqual(told, ['one', 'two']);
  assert.equal(underWay(), 0);
});

test('a reading that began before a change and ends after one that began later changes nothing', async () => {
  const { keys, told, changed, answer } = stage();
  const early = keys.current();
  changed();
  const late = keys.current();
  answer('two', 1);
  assert.equal((await late).id, 'two');
  answer('one');
  // Whoever waited for it is told of the newer one as well.
  assert.equal((await early).id, 'two');
  assert.deepEqual(told, ['two']);
  const now = keys.current();
  assert.ok(!(now instanceof Promise), 'nothing has to be read again');
  assert.equal(now.id, 'two');
});

test('one that is damaged is nobody’s key, and the next reading is believed', async () => {
  const { keys, answer } = stage();
  const broken = keys.current();
  answer('damaged');
  await assert.rejects(async () => broken, /Cannot open the service key: it is/);
  const again = keys.current();
  answer('one');
  assert.equal((await again).id, 'one');
});
