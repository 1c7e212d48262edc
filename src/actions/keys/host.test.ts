/** Keys rotated while others do: it is tried again from what is there then, and not for ever. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyPurpose, KeyRow } from '../../crypto/keyring.ts';
import type { RingStanding } from '../../crypto/ring/living-keyring.ts';
import { auditEvent } from '../../record/recorder.ts';
import type { Millis } from '../../types.ts';
import { byHost } from '../call.ts';
import { rotate, type Rotation } from './rotate.ts';

const row = (id: string, purpose: KeyPurpose, at = 1000): KeyRow => ({
  id,
  purpose,
  sealed: `sealed ${id}`,
  createdAt: at as Millis,
  usedFrom: at as Millis,
});

/** Others are faster that many times. */
function stage(
  faster: number,
  { problem = '', standing = { kind: 'whole' } }: { problem?: string; standing?: RingStanding } = {},
) {
  let there: readonly KeyRow[] = [
    row('k0', 'service'),
    row('t0', 'ticket'),
    row('c0', 'cookie'),
    row('x0', 'seal'),
    row('a0', 'audit'),
  ];
  const froms: unknown[] = [];
  const events: string[] = [];
  let made = 0;
  const late = (purpose: KeyPurpose): boolean => {
    if (froms.length > faster) return false;
    there = [...there.filter((each) => each.purpose !== purpose), row(`other${froms.length}`, purpose, 2000)];
    return true;
  };
  const parts: Parameters<typeof rotate>[0] = {
    store: {
      keys: () => Promise.resolve(there),
      keyUses: () => Promise.resolve([]),
      replaceKey: ({ key, from, fromSealed, audit }) => {
        froms.push([from, fromSealed]);
        if (late('service')) return Promise.resolve({ kind: 'changed-meanwhile' });
        there = [...there.filter(({ purpose }) => purpose !== 'service'), key];
        events.push(audit.event);
        return Promise.resolve({ kind: 'replaced' });
      },
      addKey: ({ key, after, others, audit }) => {
        froms.push([after?.id, after?.sealed]);
        if (late(key.purpose)) return Promise.resolve({ kind: 'changed-meanwhile' });
        there = [...there.filter(({ purpose }) => others === 'stay' || purpose !== key.purpose), key];
        events.push(...audit.map(({ event, target }) => `${event} ${target}`));
        return Promise.resolve({ kind: 'added' });
      },
    },
    keyring: {
      refresh: () => Promise.resolve(),
      standing: () => standing,
      rows: () => there,
      newKey: (purpose, at, usedFrom) => {
        made += 1;
        return { ...row(`own${made}`, purpose, at), usedFrom };
      },
    },
    recorder: { event: (occurrence) => auditEvent(occurrence, 1000 as Millis) },
    clock: { now: () => 1000 as Millis, monotonic: () => 0 },
    serviceKeyFile: {
      path: '/data/api.key',
      keep: () => Promise.resolve(problem === '' ? { kind: 'kept' } : { kind: 'unusable', why: problem }),
    },
  };
  const rotating = (purpose: Rotation['purpose'], when: Rotation['when'] = 'published') =>
    rotate(parts, { purpose, when }, byHost);
  return { rotating, froms, events, there: () => there };
}

const fieldsOf = async (rotation: ReturnType<typeof rotate>): Promise<Readonly<Record<string, unknown>>> => {
  const outcome = await rotation;
  assert.ok(outcome.kind === 'done', JSON.stringify(outcome));
  return outcome.fields;
};

test('the service key: from the current one, as it was sealed; when others were faster, from theirs', async () => {
  const { rotating, froms } = stage(2);
  assert.deepEqual(await fieldsOf(rotating('service')), {
    id: 'own3',
    made_at: '1970-01-01T00:00:01.000Z',
    file: '/data/api.key',
    file_problem: null,
  });
  assert.deepEqual(froms, [
    ['k0', 'sealed k0'],
    ['other1', 'sealed other1'],
    ['other2', 'sealed other2'],
  ]);
});

test('a file that does not follow is told of', async () => {
  const fields = await fieldsOf(stage(0, { problem: 'its mode is 644' }).rotating('service'));
  assert.equal(fields['file_problem'], 'its mode is 644');
});

test('not for ever', async () => {
  for (const purpose of ['service', 'ticket'] as const) {
    const { rotating, froms } = stage(1000);
    const outcome = await rotating(purpose, 'now');
    assert.ok(outcome.kind === 'refused');
    assert.equal(outcome.code, 'conflict');
    assert.ok(froms.length < 50);
  }
});

test('the next key comes after the last, is used in ten minutes, and one that is published already is the next', async () => {
  const { rotating, events, there } = stage(0);
  const fields = await fieldsOf(rotating('ticket'));
  // Made behind the one before it, whatever the clock says.
  assert.deepEqual(fields['keys'], [
    { id: 'own1', purpose: 'ticket', made_at: '1970-01-01T00:00:01.001Z', used_from: '1970-01-01T00:10:01.001Z' },
  ]);
  assert.deepEqual(await fieldsOf(rotating('ticket')), fields);
  assert.deepEqual(events, ['key-added ticket:own1']);
  await fieldsOf(rotating('ticket', 'now'));
  assert.equal(there().filter(({ purpose }) => purpose === 'ticket').length, 3);
});

test('compromised: those before it are gone in the same step; for tickets alone', async () => {
  const { rotating, events, there } = stage(0);
  await fieldsOf(rotating('ticket', 'compromised'));
  assert.deepEqual(events, ['key-added ticket:own1', 'key-removed ticket:t0']);
  assert.deepEqual(
    there().flatMap(({ id, purpose }) => (purpose === 'ticket' ? [id] : [])),
    ['own1'],
  );
  for (const purpose of ['seal', 'cookie', 'audit', 'service', 'all'] as const) {
    const refused = await rotating(purpose, 'compromised');
    assert.ok(refused.kind === 'refused' && refused.code === 'invalid_request', purpose);
  }
});

test('all is each of them, and the service key; a cookie key waits until everybody has heard of it', async () => {
  const fields = await fieldsOf(stage(0).rotating('all', 'now'));
  const keys = fields['keys'] as readonly Readonly<Record<string, string>>[];
  assert.deepEqual(
    new Set(keys.map(({ purpose }) => purpose)),
    new Set(['audit', 'cookie', 'seal', 'service', 'ticket']),
  );
  for (const { purpose, made_at: made = '', used_from: used = '' } of keys)
    assert.equal(Date.parse(used) - Date.parse(made), purpose === 'cookie' ? 15_000 : 0, purpose);
  assert.equal(fields['file'], '/data/api.key');
});

test('with a ring that does not open nothing is made; so many of one purpose, and no more', async () => {
  const unopened = stage(0, { standing: { kind: 'unopened', why: 'the root key is another one' } });
  for (const purpose of ['ticket', 'service', 'all'] as const) {
    const refused = await unopened.rotating(purpose);
    assert.ok(refused.kind === 'refused' && refused.detail?.includes('the root key is another one'), purpose);
  }
  assert.deepEqual(unopened.events, []);
  const { rotating } = stage(0);
  let last = await rotating('cookie', 'now');
  for (let more = 0; more < 25; more += 1) last = await rotating('cookie', 'now');
  assert.ok(last.kind === 'refused' && last.code === 'conflict');
});
