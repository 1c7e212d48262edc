/** When keys are due: to be followed, and to go. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { KeyPurpose, KeyRow } from '../../crypto/keyring.ts';
import type { Millis } from '../../types.ts';
import {
  dueAt,
  keyAges,
  keyFigures,
  keptUntilOf,
  nextFromOf,
  publishedMs,
  rotatedPurposes,
  startOf,
  stateOf,
} from './ages.ts';

const begun = 1_800_000_000_000;
const row = (purpose: KeyPurpose, name: string, createdAt = begun, usedFrom = createdAt): KeyRow => ({
  id: `${purpose}-${name}`,
  purpose,
  sealed: '',
  createdAt: createdAt as Millis,
  usedFrom: usedFrom as Millis,
});
const first = (['ticket', 'cookie', 'seal', 'audit', 'service'] as const).map((purpose) => row(purpose, '1'));
const at = (ms: number): Millis => (begun + ms) as Millis;

test('the next one is due ten minutes before the last one is too old, and not twice', () => {
  assert.deepEqual(dueAt(first, at(0)), { add: [], remove: [] });
  for (const purpose of rotatedPurposes) {
    const { everyMs } = keyAges[purpose];
    const due = everyMs - publishedMs;
    assert.ok(!dueAt(first, at(due - 1)).add.includes(purpose));
    assert.ok(dueAt(first, at(due)).add.includes(purpose));
    const rows = [...first, row(purpose, '2', begun + due, begun + everyMs)];
    assert.ok(!dueAt(rows, at(due)).add.includes(purpose));
    assert.ok(!dueAt(rows, at(2 * everyMs - publishedMs - 1)).add.includes(purpose));
    assert.ok(dueAt(rows, at(2 * everyMs - publishedMs)).add.includes(purpose));
  }
  assert.ok(!dueAt(first, at(-99_000_000_000)).add.length, 'a clock that was set back asks for nothing');
});

test('an old one goes when nothing can live under it any more, counted from when the next one is used', () => {
  for (const purpose of rotatedPurposes) {
    const rows = [...first, row(purpose, '2', begun + 1000, begun + 601_000)];
    const gone = 601_000 + keyAges[purpose].keptMs;
    assert.deepEqual(dueAt(rows, at(gone - 1)).remove, []);
    assert.deepEqual(
      dueAt(rows, at(gone)).remove.map(({ id }) => id),
      [`${purpose}-1`],
    );
  }
  // Made anew at once while another one was published: that one was never used, and goes as if the later had followed it.
  const hurried = [...first, row('ticket', '2', begun + 1000, begun + 601_000), row('ticket', '3', begun + 2000)];
  assert.equal(keptUntilOf(hurried, hurried.at(-2) ?? assert.fail()), at(2000 + keyAges.ticket.keptMs));
  assert.equal(keptUntilOf(hurried, hurried.at(-1) ?? assert.fail()), null);
  assert.equal(keptUntilOf(first, row('service', '1')), null);
});

test('the next one comes by itself, or when one is published; a service key stays until it is replaced', () => {
  for (const purpose of rotatedPurposes)
    assert.equal(nextFromOf(first, row(purpose, '1')), begun + keyAges[purpose].everyMs);
  const rows = [...first, row('ticket', '2', begun + 1000, begun + 601_000)];
  assert.equal(nextFromOf(rows, row('ticket', '1')), begun + 601_000);
  assert.equal(nextFromOf(rows, rows.at(-1) ?? assert.fail()), begun + 601_000 + keyAges.ticket.everyMs);
  assert.equal(nextFromOf(first, row('service', '1')), null);
});

test('published, in use, old; the one in use is the newest whose time has come, also with a clock that was set back', () => {
  const rows = [...first, row('ticket', '2', begun + 1000, begun + 601_000)];
  const states = (now: number): string[] =>
    rows.filter(({ purpose }) => purpose === 'ticket').map((each) => stateOf(rows, each, at(now)));
  assert.deepEqual(states(2000), ['in-use', 'published']);
  assert.deepEqual(states(601_000), ['old', 'in-use']);
  assert.deepEqual(states(-5000), ['in-use', 'published']);
});

test('rows from before keys were published were made to be used', () => {
  const old = row('ticket', '1', begun, 0);
  assert.equal(startOf(old), begun);
  assert.deepEqual(dueAt([old], at(keyAges.ticket.everyMs - publishedMs - 1)).add, []);
  assert.deepEqual(dueAt([old], at(keyAges.ticket.everyMs - publishedMs)).add, ['ticket']);
});

test('what lives longest under a key fits into the time it is kept', () => {
  const hour = 3_600_000;
  assert.ok(keyAges.ticket.keptMs > 2 * hour + 60_000);
  assert.ok(keyAges.cookie.keptMs > 100 * hour, 'counters of a name that is nobody’s');
  assert.deepEqual(
    keyFigures(first, at(1000)).map(({ purpose, ageMs }) => `${purpose} ${ageMs}`),
    ['ticket 1000', 'cookie 1000', 'seal 1000', 'audit 1000', 'service 1000'],
  );
});
