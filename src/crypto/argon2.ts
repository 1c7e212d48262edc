/**
 * Argon2id (RFC 9106) by the native package, or by Node itself where that does not load; both give the same bytes
 * (`argon2.test.ts` holds them to the same vectors).
 */
import { argon2 as nodeArgon2 } from 'node:crypto';

export interface Argon2Input {
  readonly password: string | Uint8Array;
  readonly salt: Uint8Array;
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly tagBytes: number;
}

/** Computes the tag off the main thread. */
export type Argon2id = (input: Argon2Input) => Promise<Buffer>;

/** The native implementation, or why it could not be loaded. */
export async function nativeArgon2id(): Promise<
  { kind: 'missing'; cause: unknown } | { kind: 'loaded'; argon2id: Argon2id }
> {
  try {
    const { hashRaw } = await import('@node-rs/argon2');
    return {
      kind: 'loaded',
      argon2id: (input) =>
        hashRaw(input.password, {
          // The enum is erased at build time; 2 is Argon2id (RFC 9106 section 3.1).
          // oxlint-disable-next-line typescript/no-unsafe-enum-assignment
          algorithm: 2,
          salt: input.salt,
          memoryCost: input.memoryKiB,
          timeCost: input.passes,
          parallelism: input.lanes,
          outputLen: input.tagBytes,
        }),
    };
  } catch (cause) {
    return { kind: 'missing', cause };
  }
}

/** Node's own implementation, about half as fast. */
export const builtInArgon2id: Argon2id = (input) =>
  new Promise((resolve, reject) => {
    nodeArgon2(
      'argon2id',
      {
        message: input.password,
        nonce: input.salt,
        memory: input.memoryKiB,
        passes: input.passes,
        parallelism: input.lanes,
        tagLength: input.tagBytes,
      },
      (error, tag) => (error ? reject(error) : resolve(tag)),
    );
  });
