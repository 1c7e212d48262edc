import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newRecoveryCodes } from '../crypto/code.ts';
import { systemRandom } from '../crypto/random.ts';
import { readFactorCode } from './factor-code.ts';

test('six digits are a code by time, however they are grouped', () => {
  for (const typed of [
    '123456',
    ' 123456 ',
    '123 456',
    '123-456',
    '12 34 56',
    '123\u00a0456',
    '123\u2013456',
    '123\n456',
  ])
    assert.deepEqual(readFactorCode(typed), { kind: 'totp', code: '123456' }, typed);
});

test('25 characters of our alphabet are a recovery code, in one spelling', () => {
  for (const code of newRecoveryCodes(systemRandom)) {
    const expected = { kind: 'recovery', code: code.replaceAll('-', '') };
    for (const typed of [
      code,
      code.toLowerCase(),
      code.replaceAll('-', ' '),
      code.replaceAll('-', ''),
      ` ${code}\t`,
      code.replaceAll('0', 'o').replaceAll('1', 'L'),
    ])
      assert.deepEqual(readFactorCode(typed), expected, typed);
  }
});

test('everything else is unreadable', () => {
  for (const typed of [
    '',
    '   ',
    '12345',
    '1234567',
    '12345a',
    '+12345',
    '1e5000',
    '0x1234',
    '12.456',
    '١٢٣٤٥٦',
    '１２３４５６',
    '𝟙𝟚𝟛𝟜𝟝𝟞',
    '123456\u0000',
    '123456\u200b',
    'A'.repeat(24),
    'A'.repeat(26),
    `${'A'.repeat(24)}U`,
    `${'A'.repeat(24)}u`,
    `${'A'.repeat(24)}É`,
    `${'A'.repeat(24)}ı`,
    '1'.repeat(1000),
    '__proto__',
  ])
    assert.deepEqual(readFactorCode(typed), { kind: 'unreadable' }, typed);
});
