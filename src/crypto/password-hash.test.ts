import assert from 'node:assert/strict';
import { after, test } from 'node:test';
import type { Password } from '../types.ts';
import { type Argon2id, builtInArgon2id, nativeArgon2id } from './argon2.ts';
import { foreignHashes } from './foreign/check-hash.ts';
import { shaCrypt } from './foreign/sha-crypt.ts';
import { hashQueue } from './hash-queue.ts';
import { passwordHasher } from './password-hash.ts';
import { systemRandom } from './random.ts';

const password = 'violet anchor morning 42' as Password;
const turn = { lane: 'stranger', network: '203.0.113.1/32' } as const;
const queue = () =>
  hashQueue({ places: 64, memoryBytes: 1 << 27, bytesPerHash: 19 << 20, cores: 2 }, () => 'idle', {
    monotonic: () => performance.now(),
  });
const foreign = foreignHashes({ queue: queue(), places: 64, clock: { monotonic: () => performance.now() } });
after(() => foreign.stop());
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
  const hasher = passwordHasher({ argon2id, queue: queue(), foreign, cost, random: systemRandom });

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
  const old = passwordHasher({ argon2id: native.argon2id, queue: queue(), foreign, cost, random: systemRandom });
  const now = passwordHasher({
    argon2id: native.argon2id,
    queue: queue(),
    foreign,
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
  const hasher = passwordHasher({ argon2id: counting, queue: queue(), foreign, cost, random: systemRandom });
  assert.equal((await hasher.checkNobody(password, turn)).kind, 'mismatch');
  assert.equal(hashes, 1);
});

const nativeArgon2 = native.argon2id;

/** What the way of imported hashes was asked for, beside what it answers. */
function watched() {
  const asked: string[] = [];
  const hasher = passwordHasher({
    argon2id: nativeArgon2,
    queue: queue(),
    foreign: {
      ...foreign,
      check: (hash, typed, turn) => {
        asked.push(hash.scheme);
        return foreign.check(hash, typed, turn);
      },
    },
    cost,
    random: systemRandom,
  });
  return { asked, hasher };
}

test('an imported hash matches, asks for a rehash, and another password does not match it', async () => {
  const { hasher, asked } = watched();
  const salt = '$6$rounds=1000$saltsalt$';
  const tag = shaCrypt(Buffer.from(password), { digest: 'sha512', rounds: 1000, salt: 'saltsalt' });
  assert.deepEqual(await hasher.check(password, `${salt}${tag}`, turn), { kind: 'match', stale: 'rehash' });
  assert.deepEqual(await hasher.check('another' as Password, `${salt}${tag}`, turn), {
    kind: 'mismatch',
    why: 'wrong',
  });
  const changed = `${salt}${tag[0] === '/' ? '.' : '/'}${tag.slice(1)}`;
  assert.deepEqual(await hasher.check(password, changed, turn), { kind: 'mismatch', why: 'wrong' });
  assert.deepEqual(asked, ['sha-crypt', 'sha-crypt', 'sha-crypt']);
});

test('Argon2id that is no heavier than ours goes the short way, heavier goes the other', async () => {
  const { hasher, asked } = watched();
  const phc = async (memoryKiB: number, passes: number, lanes: number): Promise<string> => {
    const salt = systemRandom.bytes(16);
    const tag = await nativeArgon2({ password, salt, memoryKiB, passes, lanes, tagBytes: 32 });
    const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString('base64').replaceAll('=', '');
    return `$argon2id$v=19$m=${memoryKiB},t=${passes},p=${lanes}$${text(salt)}$${text(tag)}`;
  };
  for (const light of [await phc(1024, 1, 1), await phc(512, 2, 2), await phc(1024, 2, 4)]) {
    assert.deepEqual(await hasher.check(password, light, turn), { kind: 'match', stale: 'rehash' });
    assert.equal((await hasher.check('another' as Password, light, turn)).kind, 'mismatch');
  }
  assert.deepEqual(asked, []);
  for (const heavy of [await phc(2048, 2, 1), await phc(1024, 3, 1)]) {
    assert.deepEqual(await hasher.check(password, heavy, turn), { kind: 'match', stale: 'rehash' });
    assert.equal((await hasher.check('another' as Password, heavy, turn)).kind, 'mismatch');
  }
  assert.deepEqual(asked, ['argon2', 'argon2', 'argon2', 'argon2']);
  // One of ours, made when more was set than anybody's import may cost.
  const own = await phc(300 * 1024, 2, 1);
  assert.deepEqual(await hasher.check(password, own, turn), { kind: 'match', stale: 'rehash' });
  assert.equal((await hasher.check('another' as Password, own, turn)).kind, 'mismatch');
  assert.equal(asked.length, 4);
});

test('what would cost too much is not begun, and what takes too long says so', async () => {
  const { hasher, asked } = watched();
  const begun = performance.now();
  for (const bomb of [
    `$6$rounds=999999999$saltsalt$${'a'.repeat(86)}`,
    `$argon2id$v=19$m=4194304,t=1,p=1$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`,
    `$argon2id$v=19$m=1048576,t=100,p=4$AAAAAAAAAAAAAAAAAAAAAA$${'A'.repeat(43)}`,
  ])
    assert.deepEqual(await hasher.check(password, bomb, turn), { kind: 'mismatch', why: 'too-slow' });
  assert.ok(performance.now() - begun < 100);
  assert.deepEqual(asked, []);
  const slow = passwordHasher({
    argon2id: nativeArgon2,
    queue: queue(),
    foreign: { check: () => Promise.resolve({ kind: 'too-slow' }), stop: () => undefined },
    cost,
    random: systemRandom,
  });
  const stored = `$6$saltsalt$${'a'.repeat(86)}`;
  assert.deepEqual(await slow.check(password, stored, turn), { kind: 'mismatch', why: 'too-slow' });
});

test('a stored hash of unknown form is a fault, never a mismatch', async () => {
  const hasher = passwordHasher({ argon2id: nativeArgon2, queue: queue(), foreign, cost, random: systemRandom });
  for (const phc of [
    '',
    'plain',
    '$argon2id$v=19$m=1,t=1,p=1$',
    '$argon2x$v=19$m=1024,t=2,p=1$AAAAAAAAAAAAAAAAAAAAAA$AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA',
    '{SHA512-CRYPT}plain',
  ]) {
    await assert.rejects(hasher.check(password, phc, turn), TypeError);
  }
});
