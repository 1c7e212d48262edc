import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Millis } from '../types.ts';
import { systemRandom } from './random.ts';
import { base32, type CodeForm, hotp, matchStep, newTotpSecret, readBase32, stepAt } from './totp.ts';

const ascii = (text: string): Uint8Array => Buffer.from(text, 'ascii');
const digits = '1234567890';
const seconds = (count: number): Millis => (count * 1000) as Millis;

test('M-23: hotp() gives the codes of RFC 4226 appendix D', () => {
  const expected = '755224 287082 359152 969429 338314 254676 287922 162583 399871 520489'.split(' ');
  assert.deepEqual(
    expected.map((_, counter) => hotp(ascii(digits.repeat(2)), counter)),
    expected,
  );
});

/** RFC 6238 appendix B; each algorithm has a key of its own length. */
const vectors: readonly (readonly [number, string, string, string])[] = [
  [59, '94287082', '46119246', '90693936'],
  [1111111109, '07081804', '68084774', '25091201'],
  [1111111111, '14050471', '67062674', '99943326'],
  [1234567890, '89005924', '91819424', '93441116'],
  [2000000000, '69279037', '90698825', '38618901'],
  [20000000000, '65353130', '77737706', '47863826'],
];

test('M-23: codes by time are those of RFC 6238 appendix B, with all three algorithms', () => {
  for (const [place, algorithm, length] of [
    [1, 'sha1', 20],
    [2, 'sha256', 32],
    [3, 'sha512', 64],
  ] as const) {
    const secret = ascii(digits.repeat(7).slice(0, length));
    const form: CodeForm = { algorithm, digits: 8 };
    for (const vector of vectors) {
      const at = seconds(vector[0]);
      assert.equal(hotp(secret, stepAt(at), form), vector[place]);
      assert.deepEqual(matchStep(secret, vector[place], at, form), { kind: 'matched', step: stepAt(at) });
      assert.deepEqual(matchStep(secret, vector[place].slice(1), at, form), { kind: 'none' });
    }
  }
  // The mistake of the key of 20 bytes for all three is another code.
  assert.equal(hotp(ascii(digits.repeat(2)), stepAt(seconds(59)), { algorithm: 'sha256', digits: 8 }), '32247374');
});

test('M-06: the step before, this one and the next are right; the ones beside them are not', () => {
  const secret = ascii(digits.repeat(2));
  const now = seconds(1_900_000_015);
  const match = (offset: number): string => matchStep(secret, hotp(secret, stepAt(now) + offset), now).kind;
  assert.deepEqual([-3, -2, -1, 0, 1, 2, 3].map(match), [
    'none',
    'none',
    'matched',
    'matched',
    'matched',
    'none',
    'none',
  ]);
  // To the millisecond.
  const begins = seconds(1_900_000_020);
  const next = hotp(secret, stepAt(begins) + 1);
  assert.equal(matchStep(secret, next, (begins - 1) as Millis).kind, 'none');
  assert.equal(matchStep(secret, next, begins).kind, 'matched');
});

test('of two steps with the same code the later one counts', () => {
  // With one digit it is every tenth pair.
  const form: CodeForm = { algorithm: 'sha1', digits: 1 };
  const secret = ascii(digits.repeat(2));
  let step = 10;
  while (hotp(secret, step, form) !== hotp(secret, step + 1, form)) step += 1;
  const now = (step * 30_000) as Millis;
  assert.deepEqual(matchStep(secret, hotp(secret, step, form), now, form), { kind: 'matched', step: step + 1 });
});

test('M-23: a secret that is too short makes no code', () => {
  for (const length of [0, 10, 15]) assert.throws(() => hotp(systemRandom.bytes(length), 1), TypeError);
  assert.match(hotp(systemRandom.bytes(16), 1), /^\d{6}$/);
});

test('secrets have 160 bits, and each is another one', () => {
  const made = Array.from({ length: 100 }, () => base32(newTotpSecret(systemRandom)));
  assert.equal(new Set(made).size, made.length);
  for (const text of made) assert.match(text, /^[A-Z2-7]{32}$/);
});

test('base32 is that of RFC 4648 section 10', () => {
  for (const [plain, text] of [
    ['', ''],
    ['f', 'MY======'],
    ['fo', 'MZXQ===='],
    ['foo', 'MZXW6==='],
    ['foob', 'MZXW6YQ='],
    ['fooba', 'MZXW6YTB'],
    ['foobar', 'MZXW6YTBOI======'],
  ] as const) {
    assert.equal(base32(ascii(plain)), text.replaceAll('=', ''));
    for (const typed of [text, text.replaceAll('=', ''), text.toLowerCase()]) {
      const form = readBase32(typed);
      assert.ok(form.kind === 'bytes');
      assert.equal(Buffer.from(form.bytes).toString(), plain);
    }
  }
});

test('base32 reads back what it wrote, and has one spelling for it', () => {
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 64 }), (bytes) => {
      const form = readBase32(base32(bytes));
      assert.deepEqual(form.kind === 'bytes' ? Buffer.from(form.bytes) : form, Buffer.from(bytes));
    }),
  );
  for (const text of ['M', 'MZX', 'MZXW6Y', 'MZ', 'MY=A', '1AAAAAAA', 'MZXW 6YTB', 'ＭＹ', 'M\u00dd', '********'])
    assert.deepEqual(readBase32(text), { kind: 'malformed' }, text);
});
