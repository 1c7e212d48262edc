/** Argon2id at one cost, by the package that the product uses. */
import { hashRaw } from '@node-rs/argon2';

export function argon2idAt(memoryKiB: number, passes: number): (password: string, salt: Buffer) => Promise<Buffer> {
  return (password, salt) =>
    hashRaw(password, {
      // The enum is erased at build time; 2 is Argon2id (RFC 9106 section 3.1).
      // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
      algorithm: 2,
      salt,
      memoryCost: memoryKiB,
      timeCost: passes,
      parallelism: 1,
      outputLen: 32,
    });
}
