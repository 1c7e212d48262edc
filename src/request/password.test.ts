import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parsePassword, passwordLimits } from './password.ts';

const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 200 })
  .map((units) => String.fromCharCode(...units));

function parsed(raw: string): string {
  const form = parsePassword(raw);
  assert.equal(form.kind, 'password', JSON.stringify(raw));
  return form.kind === 'password' ? form.password : '';
}

test('only the documented normalisation matches (L-25; RFC 8265 section 4.2)', () => {
  assert.equal(parsed('Cafe\u0301 cre\u0300me'), parsed('Café crème'));
  assert.equal(parsed('a\u00a0b\u3000c\u2003d'), 'a b c d');
  assert.equal(parsed(' leading and trailing '), ' leading and trailing ');
  assert.notEqual(parsed('Password'), parsed('password'));
  assert.notEqual(parsed('ｐａｓｓ'), parsed('pass'));
  assert.notEqual(parsed('two  spaces'), parsed('two spaces'));
});

test('any character may be used', () => {
  for (const raw of ['👩‍👩‍👧‍👦❤️', '私は長い', '" \' \\ % : / $(id)', 'a\u200db', '\u0378', '😀'.repeat(64)])
    assert.equal(parsed(raw), raw);
});

test('controls and half surrogate pairs are refused', () => {
  for (const raw of ['\0', 'a\0b', 'a\nb', '\tb', 'a\x7f', 'a\u009f']) {
    assert.deepEqual(parsePassword(raw), { kind: 'malformed', why: 'control-character' });
  }
  for (const raw of ['\ud800', 'a\udc00', '\udc00\ud800']) {
    assert.deepEqual(parsePassword(raw), { kind: 'malformed', why: 'lone-surrogate' });
  }
  assert.deepEqual(parsePassword(''), { kind: 'malformed', why: 'empty' });
});

test('1 to 1024 bytes, counted after normalisation', () => {
  assert.equal(parsed('x'), 'x');
  assert.equal(parsed('x'.repeat(1024)).length, 1024);
  assert.equal(parsePassword('x'.repeat(1025)).kind, 'too-long');
  assert.equal(parsePassword('€'.repeat(342)).kind, 'too-long');
  assert.equal(Buffer.byteLength(parsed('u\u0308\u0304'.repeat(512))), 1024);
  assert.equal(parsePassword('u\u0308\u0304'.repeat(513)).kind, 'too-long');
  assert.equal(parsed('\u3000'.repeat(1024)), ' '.repeat(1024));
});

test('the cheap refusal never refuses what would fit', () => {
  // The densest spelling of every composed character: as many units as can become one.
  for (let code = 0xa0; code <= 0x2ffff; code += 1) {
    if (code >= 0xd800 && code <= 0xdfff) continue;
    const composed = String.fromCodePoint(code).normalize('NFC');
    assert.ok(composed.normalize('NFD').length <= Buffer.byteLength(composed) * 1.5, code.toString(16));
  }
});

test('the last byte counts, wherever it stands', () => {
  for (const length of [72, 73, 128, 1024]) {
    const stem = 'x'.repeat(length - 1);
    assert.notEqual(parsed(`${stem}a`), parsed(`${stem}b`));
  }
});

test('never throws, and parsing a result again changes nothing', () => {
  const inputs = fc.oneof(
    anyUnits,
    fc.string({ unit: 'binary', maxLength: 200 }),
    fc.string({ unit: 'grapheme', maxLength: 200 }),
  );
  fc.assert(
    fc.property(inputs, (raw) => {
      const form = parsePassword(raw);
      if (form.kind !== 'password') return;
      assert.equal(parsed(form.password), form.password);
      assert.ok(Buffer.byteLength(form.password) <= passwordLimits.bytes);
    }),
    { numRuns: 5000 },
  );
});

test('a mebibyte is refused at once', () => {
  const start = performance.now();
  for (const unit of ['a', 'e\u0301', '\u3000', '\ud800', '\0', 'ﷺ'])
    assert.equal(parsePassword(unit.repeat(2 ** 20)).kind, 'too-long');
  assert.ok(performance.now() - start < 100);
});
