/** Does a password give that hash? Blocks its thread until it knows, so it runs in one of its own (`worker.ts`). */
import { argon2Sync, pbkdf2Sync, scryptSync, timingSafeEqual } from 'node:crypto';
import { hashSync } from 'bcryptjs';
import type { ForeignHash } from './foreign-hash.ts';
import { shaCrypt } from './sha-crypt.ts';

export type Comparison = { readonly kind: 'match' } | { readonly kind: 'mismatch' };

export async function compareHash(hash: ForeignHash, password: string): Promise<Comparison> {
  const given = await tagOf(hash, Buffer.from(password, 'utf8'));
  const kept = typeof hash.tag === 'string' ? Buffer.from(hash.tag, 'latin1') : hash.tag;
  return given.length === kept.length && timingSafeEqual(given, kept) ? { kind: 'match' } : { kind: 'mismatch' };
}

async function tagOf(hash: ForeignHash, password: Buffer): Promise<Buffer> {
  switch (hash.scheme) {
    case 'argon2':
      return argon2(hash, password);
    case 'scrypt':
      return scryptSync(password, hash.salt, hash.tag.length, {
        N: hash.cost,
        r: hash.blockSize,
        p: hash.lanes,
        // Node's own bound is 32 MiB; ours was held when the hash was read.
        maxmem: Number.MAX_SAFE_INTEGER,
      });
    case 'pbkdf2':
      return pbkdf2Sync(password, hash.salt, hash.iterations, hash.tag.length, hash.digest);
    case 'bcrypt':
      // Only the first 72 bytes count, as in every bcrypt. The salt is written anew, its last letter perhaps another one.
      return Buffer.from(hashSync(password.toString('utf8'), hash.setting).slice(29), 'latin1');
    case 'sha-crypt':
      return Buffer.from(shaCrypt(password, hash), 'latin1');
  }
}

/** The native package knows the first version, too, and is twice as fast; Node itself where it does not load. */
async function argon2(hash: Extract<ForeignHash, { scheme: 'argon2' }>, password: Buffer): Promise<Buffer> {
  const native = await import('@node-rs/argon2').catch(() => undefined);
  if (native === undefined) {
    if (hash.version === 16) throw new Error('Cannot compute Argon2 version 16 without its native package');
    return argon2Sync(hash.variant, {
      message: password,
      nonce: hash.salt,
      memory: hash.memoryKiB,
      passes: hash.passes,
      parallelism: hash.lanes,
      tagLength: hash.tag.length,
    });
  }
  return native.hashRawSync(password, {
    // Enums that are erased at build time: kinds of RFC 9106, section 3.1; versions 16 and 19 in their order.
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
    algorithm: { argon2d: 0, argon2i: 1, argon2id: 2 }[hash.variant],
    // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
    version: hash.version === 16 ? 0 : 1,
    salt: hash.salt,
    memoryCost: hash.memoryKiB,
    timeCost: hash.passes,
    parallelism: hash.lanes,
    outputLen: hash.tag.length,
  });
}
