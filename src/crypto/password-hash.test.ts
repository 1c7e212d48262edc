import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Password } from '../types.ts';
import { type Argon2id, builtInArgon2id, nativeArgon2id } from './argon2.ts';
import { hashQueue } from './hash-queue.ts';
import { passwordHasher } from './password-hash.ts';
import { systemRandom } from './random.ts';

const password = 'violet anchor morning 42' as Password;
const turn = { lane: 'stranger', network: '203.0.113.1/32' } as const;
const queue = () =>
  hashQueue({ places: 64, memoryBytes: 1 << 27, bytesPerHash: 19 << 20, cores: 2 }, () => 'idle', {
    monotonic: () => performance.now(),
  });
const cost = { memoryKiB: 1024, passes: 2 };

const native = await nativeArgon2id();
assert.ok(native.kind === 'loaded');
const implementations: readonly (readonly [string, Argon2id])[] = [
  ['native', native.argon2id],
  ['built-in', builtInArgon2id],
];

// Reference values of the reference implementation, argon2 1.3 (`argon2 somesalt -id -t 2 -m 16 -p 1 -l 32`).
for (const [name, argon2id] of implementations) {
  test(`${name} Argon2id gives the reference implementation's tag`, async () => {
    const tag = await argon2id({
      password: 'password',
      salt: Buffer.from('somesalt'),
      memoryKiB: 65_536,
      passes: 2,
      lanes: 1,
      tagBytes: 32,
    });
    assert.equal(tag.toString('hex'), '09316115d5cf24ed5a15a31a3ba326e5cf32edc24702987c02b6566f61913cf7');
  });
}

test('both implementations give the same bytes for any input', async () => {
  for (let round = 0; round < 8; round += 1) {
    const input = {
      password: Buffer.from(systemRandom.bytes(round * 9)).toString('base64'),
      salt: systemRandom.bytes(16),
      memoryKiB: 256 << (round % 3),
      passes: 2 + (round % 2),
      lanes: 1,
      tagBytes: 32,
    };
    assert.deepEqual(await native.argon2id(input), await builtInArgon2id(input));
  }
});

for (const [name, argon2id] of implementations) {
  const hasher = passwordHasher({ argon2id, queue: queue(), cost, random: systemRandom });

  test(`${name}: the right password matches, any other does not`, async () => {
    const made = await hasher.make(password, turn);
    assert.ok(made.kind === 'made');
    assert.match(made.phc, /^\$argon2id\$v=19\$m=1024,t=2,p=1\$[A-Za-z0-9+/]{22}\$[A-Za-z0-9+/]{43}$/);
    assert.deepEqual(await hasher.check(password, made.phc, turn), { kind: 'match', stale: 'current' });
    for (const wrong of ['', `${password} `, password.slice(0, -1), password.toUpperCase()]) {
      assert.equal((await hasher.check(wrong as Password, made.phc, turn)).kind, 'mismatch');
    }
  });
}

test('a hash of another cost still matches and asks for a rehash', async () => {
  const old = passwordHasher({ argon2id: native.argon2id, queue: queue(), cost, random: systemRandom });
  const now = passwordHasher({
    argon2id: native.argon2id,
    queue: queue(),
    cost: { memoryKiB: 2048, passes: 2 },
    random: systemRandom,
  });
  const made = await old.make(password, turn);
  assert.ok(made.kind === 'made');
  assert.deepEqual(await now.check(password, made.phc, turn), { kind: 'match', stale: 'rehash' });
});

test('checkNobody() never matches and runs one real hash', async () => {
  let hashes = 0;
  const counting: Argon2id = (input) => {
    hashes += 1;
    return native.argon2id(input);
  };
  const hasher = passwordHasher({ argon2id: counting, queue: queue(), cost, random: systemRandom });
  assert.equal((await hasher.checkNobody(password, turn)).kind, 'mismatch');
  assert.equal(hashes, 1);
});

test('a stored hash of unknown form is a fault, never a mismatch', async () => {
  const hasher = passwordHasher({ argon2id: native.argon2id, queue: queue(), cost, random: systemRandom });
  for (const phc of [
    '',
    'plain',
    '$argon2id$v=19$m=1,t=1,p=1$',
    '$argon2i$v=19$m=1024,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
  ]) {
    await assert.rejects(hasher.check(password, phc, turn), TypeError);
  }
});
