/** Password hashes that other systems made, as they are understood after reading (3-rules, Passwords). */

export type ForeignHash =
  | {
      readonly scheme: 'argon2';
      readonly variant: 'argon2d' | 'argon2i' | 'argon2id';
      readonly version: 16 | 19;
      readonly memoryKiB: number;
      readonly passes: number;
      readonly lanes: number;
      readonly salt: Uint8Array;
      readonly tag: Uint8Array;
    }
  | {
      readonly scheme: 'scrypt';
      /** N, r and p of RFC 7914. */
      readonly cost: number;
      readonly blockSize: number;
      readonly lanes: number;
      readonly salt: Uint8Array;
      readonly tag: Uint8Array;
    }
  | {
      readonly scheme: 'pbkdf2';
      readonly digest: 'sha1' | 'sha256' | 'sha512';
      readonly iterations: number;
      readonly salt: Uint8Array;
      readonly tag: Uint8Array;
    }
  | {
      readonly scheme: 'bcrypt';
      /** All before the tag: version, cost and salt, 29 characters. */
      readonly setting: string;
      /** Doublings: 2^cost rounds. */
      readonly cost: number;
      readonly tag: string;
    }
  | {
      readonly scheme: 'sha-crypt';
      readonly digest: 'sha256' | 'sha512';
      readonly rounds: number;
      readonly salt: string;
      readonly tag: string;
    };

/** A text read by its form alone; `canonical` is the one spelling under which it is stored. */
export type Spelling =
  | { readonly kind: 'unknown'; readonly why: string }
  | { readonly kind: 'spelled'; readonly hash: ForeignHash; readonly canonical: string };

export function unknown(why: string): Spelling {
  return { kind: 'unknown', why };
}

/** A whole number from 1 without leading zeros; too many digits for that are as good as infinite. */
export function countFrom(text: string | undefined): number | undefined {
  return text !== undefined && /^[1-9]\d{0,30}$/.test(text) ? Number(text) : undefined;
}

/** Bytes of base64 that is written the one right way: that alphabet, no stray bits at the end, filled up only where it says. */
export function bytesOf(text: string, fill: 'filled' | 'unfilled'): Buffer | undefined {
  const bytes = Buffer.from(text, 'base64');
  const again = bytes.toString('base64');
  return (fill === 'filled' ? again : again.replaceAll('=', '')) === text ? bytes : undefined;
}
