/** Replacing the service key while others do: it is tried again from what is there then, and not for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyRow } from '../../crypto/keyring.ts';
import { auditEvent } from '../../record/recorder.ts';
import type { Millis } from '../../types.ts';
import { hostKeys, type KeyParts } from './host.ts';

const row = (id: string): KeyRow => ({ id, purpose: 'service', sealed: '', createdAt: 1000 as Millis });

/** Others are faster that many times. */
function stage(faster: number, problem = '') {
  let there = row('k0');
  const froms: (string | null)[] = [];
  let made = 0;
  const parts: KeyParts = {
    store: {
      keys: () => Promise.resolve([there]),
      replaceKey: ({ key, from }) => {
        froms.push(from);
        if (froms.length <= faster) {
          there = row(`other${froms.length}`);
          return Promise.resolve({ kind: 'changed-meanwhile' });
        }
        there = key;
        return Promise.resolve({ kind: 'replaced' });
      },
    },
    keyring: {
      newServiceKey: () => {
        made += 1;
        return row(`own${made}`);
      },
    },
    recorder: { event: (occurrence) => auditEvent(occurrence, 1000 as Millis) },
    clock: { now: () => 1000 as Millis, monotonic: () => 0 },
    serviceKeyFile: {
      path: '/data/api.key',
      keep: () => Promise.resolve(problem === '' ? { kind: 'kept' } : { kind: 'unusable', why: problem }),
    },
  };
  return { rotate: () => hostKeys(parts)({ action: 'rotate', purpose: 'service' }), froms };
}

test('from the current one; when others were faster, from theirs', async () => {
  const { rotate, froms } = stage(2);
  const outcome = await rotate();
  assert.ok(outcome.kind === 'done');
  assert.deepEqual(outcome.fields, {
    id: 'own3',
    made_at: '1970-01-01T00:00:01.000Z',
    file: '/data/api.key',
    file_problem: null,
  });
  assert.deepEqual(froms, ['k0', 'other1', 'other2']);
});

test('a file that does not follow is told of', async () => {
  const outcome = await stage(0, 'its mode is 644').rotate();
  assert.ok(outcome.kind === 'done');
  assert.equal(outcome.fields['file_problem'], 'its mode is 644');
});

test('not for ever', async () => {
  const { rotate, froms } = stage(1000);
  const outcome = await rotate();
  assert.ok(outcome.kind === 'refused');
  assert.equal(outcome.code, 'conflict');
  assert.ok(froms.length < 50);
});
