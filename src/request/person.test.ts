import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { personLimits, readDisplayName, readEmail, readWords } from './person.ts';

test('a name to show is one short line, as it was written', () => {
  assert.deepEqual(readDisplayName('  Jörg O’Neil 👩‍🚀 '), { kind: 'field', value: 'Jörg O’Neil 👩‍🚀' });
  assert.deepEqual(readDisplayName(''), { kind: 'field', value: '' });
  assert.equal(readDisplayName('x'.repeat(personLimits.displayName)).kind, 'field');
  for (const text of ['a\nb', 'a\r\nBcc: x', 'a\0', 'a\u202eb', 'a\u2066', 'a\u2028b', '\ud800', 'x'.repeat(129)])
    assert.equal(readDisplayName(text).kind, 'malformed', JSON.stringify(text));
});

test('an address is one, or none', () => {
  assert.deepEqual(readEmail(''), { kind: 'field', value: '' });
  assert.deepEqual(readEmail('alice@example.org'), { kind: 'field', value: 'alice@example.org' });
  for (const text of [' ', 'alice', 'a@b,c@d', 'a@b\r\nX: y', 'Alice <a@b>'])
    assert.equal(readEmail(text).kind, 'malformed', text);
});

test('groups and privileges are words, each once, and few', () => {
  assert.deepEqual(readWords('groups', ['staff', 'a.b_c:d@e+f/g-h', 'staff']), {
    kind: 'field',
    value: ['staff', 'a.b_c:d@e+f/g-h'],
  });
  const many = Array.from({ length: personLimits.words }, (_, at) => `w${at}`);
  assert.equal(readWords('groups', many).kind, 'field');
  assert.equal(readWords('groups', [...many, 'x']).kind, 'malformed');
  for (const text of ['', ' ', 'a b', 'a,b', '-a', '*', 'ä', 'a\n', 'x'.repeat(49), 'a\0'])
    assert.equal(readWords('privileges', [text]).kind, 'malformed', JSON.stringify(text));
});

test('nothing that gets through can break a header, and all of it together fits into one', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 60 }), (text) => {
      for (const read of [readDisplayName(text), readEmail(text), readWords('groups', [text])]) {
        if (read.kind === 'field') assert.doesNotMatch(String(read.value), /[\r\n\0\u202e]/);
      }
    }),
  );
  const words = 2 * personLimits.words * (personLimits.wordLength + 1);
  // A character is written with at most twelve, an address or a name of bytes with three for each.
  assert.ok(words + personLimits.displayName * 12 + 254 * 3 + 256 * 3 < 8192);
});
