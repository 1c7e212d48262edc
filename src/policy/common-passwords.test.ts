import assert from 'node:assert/strict';
import { readFileSync } from 'node:fs';
import { test } from 'node:test';
import { murmur3, readFilter, shippedCommonPasswords } from './common-passwords.ts';
import { fold, keyOf, squeeze, type PasswordKey } from './password-key.ts';

const file = readFileSync(new URL('common-passwords.bin', import.meta.url));
const filter = readFilter(file);

function key(password: string): PasswordKey {
  return keyOf(squeeze(fold(password)));
}

/** xorshift, so that the figures are the same in every run. */
function randomWords(count: number, seed: number): readonly string[] {
  let state = seed;
  const next = (): number => {
    state ^= state << 13;
    state ^= state >>> 17;
    state ^= state << 5;
    return state >>> 0;
  };
  return Array.from({ length: count }, () => next().toString(36) + next().toString(36));
}

test('holds what everybody tries', () => {
  for (const password of [
    'password',
    'qwerty',
    'letmein',
    'dragon',
    'p4ssw0rd',
    'iloveyou',
    'sommer',
    'passwort',
    'correct horse battery staple',
  ]) {
    assert.notEqual(filter.find(key(password)).kind, 'unlisted', password);
  }
  for (const password of ['password', 'dragon', 'admin'])
    assert.equal(filter.find(key(password)).kind, 'commonest', password);
});

test('is as large and as small as promised', () => {
  assert.ok(filter.entries >= 150_000, String(filter.entries));
  assert.ok(filter.covered >= 250_000, String(filter.covered));
  assert.ok(file.length <= 400_000, String(file.length));
});

test('finds at most one stranger in ten thousand', () => {
  const found = randomWords(1_000_000, 88_172_645).filter(
    (word) => filter.find(word as PasswordKey).kind !== 'unlisted',
  );
  // Expected: 10⁶ / 65 536, about 15.
  assert.ok(found.length > 0 && found.length <= 40, `${found.length} of a million`);
});

test('a damaged file is a fault, never an empty list', () => {
  const damage = (at: number, value: number): Buffer => {
    const copy = Buffer.from(file);
    copy[at] = (copy[at] ?? 0) ^ value;
    return copy;
  };
  for (let at = 0; at < 32; at += 1) assert.throws(() => readFilter(damage(at, 1)), /damaged/, `byte ${at}`);
  for (const at of [32, 200_001, file.length - 1])
    assert.throws(() => readFilter(damage(at, 128)), /damaged: wrong checksum/);
  for (const length of [0, 4, 31, 32, 1000, file.length - 2, file.length - 1]) {
    assert.throws(() => readFilter(file.subarray(0, length)), /damaged/, `${length} bytes`);
  }
  assert.throws(() => readFilter(Buffer.concat([file, Buffer.alloc(2)])), /damaged/);
});

test('the shipped list is read when first asked, and its absence is a fault each time', () => {
  const missing = shippedCommonPasswords(new URL('no-such-file.bin', import.meta.url));
  for (let times = 0; times < 2; times += 1) assert.throws(() => missing.find(key('password')), /ENOENT/);
  assert.equal(shippedCommonPasswords().find(key('password')).kind, 'commonest');
});

test('MurmurHash3 agrees with the published vectors', () => {
  const vectors: readonly (readonly [string, number, number])[] = [
    ['', 0, 0], ['', 1, 0x514e28b7], ['', 0xffffffff, 0x81f16f39], ['\0\0\0\0', 0, 0x2362f9de], ['a', 0x9747b28c, 0x7fa09ea6],
    ['aa', 0x9747b28c, 0x5d211726], ['aaa', 0x9747b28c, 0x283e0130], ['aaaa', 0x9747b28c, 0x5a97808a],
    ['Hello, world!', 0x9747b28c, 0x24884cba], ['The quick brown fox jumps over the lazy dog', 0x9747b28c, 0x2fa826cd],
  ]; // prettier-ignore
  for (const [text, seed, hash] of vectors) assert.equal(murmur3(Buffer.from(text), seed), hash, text);
});
