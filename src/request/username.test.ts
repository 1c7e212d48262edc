import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseUsername, usernameLimits, type MalformedUsername } from './username.ts';

const anyString = fc.string({ unit: 'binary', maxLength: 80 });
const anyUnits = fc
  .array(fc.integer({ min: 0, max: 0xffff }), { maxLength: 80 })
  .map((units) => String.fromCharCode(...units));
/** Letters, marks and width variants: strings that are often names. */
const letters = fc.string({
  unit: fc.oneof(
    fc.constantFrom(...Array.from('aAzZ09@._-ÄäßẞİıΣςσåÅΩｂＢ１ﾊﾞパכاب۵٥e\u0301\u0308\u0345')),
    fc.integer({ min: 0xa0, max: 0xffff }).map((unit) => String.fromCharCode(unit)),
  ),
  maxLength: 12,
});

function why(raw: string): MalformedUsername | 'none' {
  const form = parseUsername(raw);
  return form.kind === 'malformed' ? form.why : 'none';
}

function canonical(raw: string): string {
  const form = parseUsername(raw);
  assert.equal(form.kind, 'username', JSON.stringify(raw));
  return form.kind === 'username' ? form.username : '';
}

test('one spelling for all of one name (L-10; RFC 8265 section 3.3)', () => {
  for (const raw of ['bob', 'BOB', 'Bob', 'ｂｏｂ', 'ＢＯＢ']) assert.equal(canonical(raw), 'bob');
  assert.equal(canonical('Ame\u0301lie'), canonical('AMÉLIE'));
  assert.equal(canonical('ﾊﾞﾝﾄﾞ'), canonical('バンド'));
  assert.equal(canonical('Alice.Smith+nas@Example.ORG'), 'alice.smith+nas@example.org');
});

test('what was typed is shown with its capitals', () => {
  const form = parseUsername('Ｂoｂ');
  assert.deepEqual(form, { kind: 'username', username: 'bob', display: 'Bob' });
});

test('white space is refused, not trimmed', () => {
  for (const raw of [' bob', 'bob ', 'bob smith', '\tbob', 'bob\n', 'bob\u00a0', 'bob\u3000', 'bob\u2028', ' ']) {
    assert.equal(why(raw), 'character', JSON.stringify(raw));
  }
});

test('what separates, hides, reorders or does not exist is refused (I-10)', () => {
  const refused = [
    'a:b', 'a/b', 'a：b', 'a／b', 'a\0b', 'a\x7fb', 'a\u0085b', 'a\u200bb', 'a\u200db', 'a\u2060b', '\ufeffa', 'a\u00adb',
    'a\u202eb', 'a\u2066b', 'a\u200eb', 'a\ud800', '\udc00a', 'a\ue000', 'a\u0378', 'a\ufffe', 'a\u{e0041}', '\u0301a', 'a€', 'a😀',
    'ﬁ', 'ⅷ', '²', 'a\u3164', 'a\ufe0f', '\u1100', 'l·l', '٣۳',
  ]; // prettier-ignore
  for (const raw of refused) assert.equal(why(raw), 'character', JSON.stringify(raw));
});

test('right-to-left names are whole or not at all (RFC 5893 section 2)', () => {
  for (const raw of ['משה', 'محمد', 'محمد1', 'משה.לוי']) assert.equal(why(raw), 'none', raw);
  for (const raw of ['משהbob', 'bobמשה', '1משה', 'משה.', '@משה']) assert.equal(why(raw), 'direction', raw);
});

test('at most 64 characters and 256 bytes', () => {
  assert.equal(why(''), 'empty');
  assert.equal(why('a'.repeat(usernameLimits.codePoints)), 'none');
  assert.equal(why('a'.repeat(usernameLimits.codePoints + 1)), 'too-long');
  assert.equal(why('𐌰'.repeat(64)), 'none');
  assert.equal(why('𐌰'.repeat(65)), 'too-long');
  assert.equal(why(`a${'\u0323'.repeat(10_000)}`), 'too-long');
});

test('never throws, and parsing a result again changes nothing', () => {
  fc.assert(
    fc.property(fc.oneof(anyString, anyUnits, letters), (raw) => {
      const form = parseUsername(raw);
      if (form.kind === 'malformed') return;
      assert.equal(canonical(form.username), form.username);
      assert.equal(canonical(form.display), form.username);
      assert.ok(form.username.isWellFormed());
      assert.doesNotMatch(form.username, /[\s:/\p{C}]/u);
      assert.doesNotMatch(form.display, /[\s:/\p{C}]/u);
    }),
    { numRuns: 5000 },
  );
});

test('every code point of the first two planes that is a name alone is a stable one', () => {
  for (let code = 0; code <= 0x1ffff; code += 1) {
    const form = parseUsername(String.fromCodePoint(code));
    if (form.kind === 'username') assert.equal(canonical(form.username), form.username, code.toString(16));
  }
});

test('a mebibyte is refused at once', () => {
  const start = performance.now();
  for (const unit of ['a', 'e\u0301', 'ｂ', '\ud800', 'א']) assert.equal(why(unit.repeat(2 ** 20)), 'too-long');
  assert.ok(performance.now() - start < 100);
});
