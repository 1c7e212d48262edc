import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { shaCrypt } from '../crypto/foreign/sha-crypt.ts';
import { type Hashing, openHashing } from '../crypto/hashing.ts';
import { newKey, openKeyring } from '../crypto/keyring.ts';
import { systemRandom } from '../crypto/random.ts';
import type { UserRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Millis, Password, UserId } from '../types.ts';
import { passwordPlace, passwordVerifier, storedHash } from './password.ts';

const root = { bytes: systemRandom.bytes(32) };
const opened = openKeyring(
  (['seal', 'cookie', 'audit', 'ticket', 'service'] as const).map((purpose) =>
    newKey(purpose, root, 0 as Millis, systemRandom),
  ),
  root,
  systemRandom,
);
assert.ok(opened.kind === 'opened');
const { keyring } = opened;
const id = 'u_ada' as UserId;
const turn = { lane: 'known', network: '203.0.113.1/32' } as const;
const account = { name: 'ada' };

const seal = (hash: string): string => keyring.seal(passwordPlace(id), hash);

async function house(
  context: { after: (end: () => void) => void },
  hash: string,
  only: Partial<Hashing['hasher']> = {},
) {
  const hashing = await openHashing({
    memoryBytes: 1 << 27,
    bytesPerHash: 1 << 20,
    passes: 2,
    clock: { now: () => 0 as Millis, monotonic: () => performance.now() },
    random: systemRandom,
    onSlower: () => undefined,
  });
  context.after(() => hashing.stop());
  let user = { id, active: true, credentialGeneration: 3, sealedPassword: seal(hash) } as UserRow;
  const rehashed: Parameters<Store['rehashPassword']>[0][] = [];
  let told = Promise.withResolvers<void>();
  const verifier = passwordVerifier({
    hasher: { ...hashing.hasher, ...only },
    keyring,
    random: systemRandom,
    store: {
      rehashPassword: async (change) => {
        rehashed.push(change);
        user = { ...user, sealedPassword: change.sealedPassword };
        told.resolve();
        told = Promise.withResolvers();
      },
    },
    onFault: (fault) => assert.fail(String(fault)),
  });
  return {
    verify: (password: string) =>
      verifier.verify({ ...account, lookup: { kind: 'user', user } as never }, password as Password, turn),
    rehashed,
    nextRehash: () => told.promise,
    stored: () => storedHash(keyring, user),
  };
}

const imported = '$6$saltsalt$';

describe('a sign-in with an imported hash', () => {
  it('is proven, leaves a hash of ours of the same generation, and the next one has nothing of the import', async (context) => {
    const tag = shaCrypt(Buffer.from('violet anchor'), { digest: 'sha512', rounds: 5000, salt: 'saltsalt' });
    const { verify, rehashed, nextRehash, stored } = await house(context, `${imported}${tag}`);

    const wrong = await verify('violet anchors');
    assert.deepEqual(wrong, { kind: 'rejected', cause: 'wrong-password', userId: id });
    assert.equal(rehashed.length, 0);

    const next = nextRehash();
    assert.equal((await verify('violet anchor')).kind, 'proven');
    await next;
    assert.equal(rehashed[0]?.generation, 3);
    assert.match(stored(), /^\$argon2id\$v=19\$m=1024,t=2,p=1\$/);

    assert.equal((await verify('violet anchor')).kind, 'proven');
    assert.equal((await verify('violet anchors')).kind, 'rejected');
    await new Promise((resolve) => setTimeout(resolve, 50));
    assert.equal(rehashed.length, 1);
  });

  it('says so where the hash took too long, and leaves it as it is', async (context) => {
    const check = async () => ({ kind: 'mismatch', why: 'too-slow' }) as const;
    const { verify, rehashed } = await house(context, `${imported}${'a'.repeat(86)}`, { check });
    assert.deepEqual(await verify('violet anchor'), { kind: 'rejected', cause: 'hash-too-slow', userId: id });
    assert.deepEqual(rehashed, []);
  });
});
