import assert from 'node:assert/strict';
import { test } from 'node:test';
import { newKey, openKeyring } from '../crypto/keyring.ts';
import { systemRandom } from '../crypto/random.ts';
import { hotp, newTotpSecret, stepAt } from '../crypto/totp.ts';
import type { Millis, UserId } from '../types.ts';
import { sealTotp, verifyTotp } from './totp.ts';

const now = 1_900_000_000_000 as Millis;
const alice = 'u_alice' as UserId;
const bob = 'u_bob' as UserId;
const root = { bytes: systemRandom.bytes(32) };
const opened = openKeyring(
  (['seal', 'cookie', 'audit', 'ticket'] as const).map((purpose) => newKey(purpose, root, now, systemRandom)),
  root,
  systemRandom,
);
assert.ok(opened.kind === 'opened');
const { keyring } = opened;

const secret = newTotpSecret(systemRandom);
const code = hotp(secret, stepAt(now));

test('verifyTotp() knows the code of its own account', () => {
  const sealed = sealTotp(keyring, alice, secret);
  assert.deepEqual(verifyTotp({ keyring }, { userId: alice, sealed, code, now }), {
    kind: 'matched',
    step: stepAt(now),
  });
  const later = (now + 300_000) as Millis;
  assert.deepEqual(verifyTotp({ keyring }, { userId: alice, sealed, code: '', now }), { kind: 'none' });
  assert.deepEqual(verifyTotp({ keyring }, { userId: alice, sealed, code: hotp(secret, stepAt(later)), now }), {
    kind: 'none',
  });
});

test('an account without a secret has no right code', () => {
  for (const typed of [code, '', '000000'])
    assert.deepEqual(verifyTotp({ keyring }, { userId: alice, sealed: '', code: typed, now }), { kind: 'none' });
});

test("somebody else's secret, or a broken seal, is a fault and no answer", () => {
  const sealed = sealTotp(keyring, alice, secret);
  assert.throws(() => verifyTotp({ keyring }, { userId: bob, sealed, code, now }));
  assert.throws(() => verifyTotp({ keyring }, { userId: alice, sealed: `${sealed.slice(0, -2)}AA`, code, now }));
  assert.doesNotMatch(sealed, /[A-Z2-7]{32}/);
});
