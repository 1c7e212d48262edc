import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Millis } from '../types.ts';
import { encodeLink, linkHash, type UnlinkedRow } from './audit-chain.ts';

/** Short texts out of the very characters that part fields: the likeliest to run into each other. */
const text = fc.oneof(
  fc.string({ maxLength: 6 }),
  fc.stringMatching(/^[0-9:]{0,6}$/),
  fc.string({ unit: 'grapheme', maxLength: 3 }),
);
const row: fc.Arbitrary<UnlinkedRow> = fc.record({
  number: fc.nat(),
  at: fc.nat().map((at) => at as Millis),
  event: text,
  actor: text,
  actorName: text,
  address: text,
  peer: text,
  way: text,
  target: text,
  result: text,
  count: fc.nat(),
});
const link = fc.tuple(text, text, row);

test('two different links never encode alike', () => {
  fc.assert(
    fc.property(link, link, (one, other) => {
      const same = JSON.stringify(one) === JSON.stringify(other);
      assert.equal(encodeLink(...one) === encodeLink(...other), same);
    }),
    { numRuns: 2000 },
  );
});

test('what moves from one field to the next is another link', () => {
  const names = ['event', 'actor', 'actorName', 'address', 'peer', 'way', 'target', 'result'] as const;
  fc.assert(
    fc.property(row, fc.nat(names.length - 2), fc.nat(6), (given, at, cut) => {
      const [left, right] = [names[at] ?? 'event', names[at + 1] ?? 'actor'];
      const all = given[left] + given[right];
      const moved = { ...given, [left]: all.slice(0, cut), [right]: all.slice(cut) };
      const same = moved[left] === given[left];
      assert.equal(encodeLink('c', 'h', moved) === encodeLink('c', 'h', given), same);
    }),
  );
});

test('each field, the chain and the hash before are part of the hash', () => {
  const given: UnlinkedRow = {
    number: 7,
    at: 1 as Millis,
    event: 'signed-in',
    actor: 'u',
    actorName: 'ada',
    address: '203.0.113.7',
    peer: '',
    way: 'password',
    target: 's',
    result: 'ok',
    count: 1,
  };
  const hash = linkHash('chain', 'before', given);
  assert.equal(linkHash('chain', 'before', { ...given }), hash);
  assert.notEqual(linkHash('another', 'before', given), hash);
  assert.notEqual(linkHash('chain', 'other', given), hash);
  for (const [name, value] of Object.entries(given)) {
    const changed = { ...given, [name]: typeof value === 'number' ? value + 1 : `${value}x` };
    assert.notEqual(linkHash('chain', 'before', changed), hash, name);
  }
});

test('the encoding stays as it is: hashes of one version are read by the next', () => {
  const given = { number: 1, at: 5 as Millis, event: 'é', actor: '', actorName: '', address: '', peer: '' };
  assert.equal(
    encodeLink('c', '', { ...given, way: 'host', target: '', result: 'ok', count: 1 }),
    '24:sallyport audit event v11:c1:10:1:52:é0:0:0:0:4:host0:2:ok1:1',
  );
});
