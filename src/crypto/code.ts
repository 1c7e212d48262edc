/** Codes that people read and type: Crockford base32 in groups, case and dashes ignored, look-alikes folded. */
import type { Digest, Secret } from '../types.ts';
import { digest } from './digest.ts';
import type { Random } from './random.ts';

const recoveryCodes = 10;

const alphabet = '0123456789ABCDEFGHJKMNPQRSTVWXYZ';

/** Setup code: 80 bits in 4 groups of 4 (3-rules, Setup states). */
export function newSetupCode(random: Random): Secret {
  return groups(random, 4, 4);
}

/** Recovery codes of one account: 125 bits each, in 5 groups of 5 (3-rules, Second factors). */
export function newRecoveryCodes(random: Random): readonly Secret[] {
  return Array.from({ length: recoveryCodes }, () => groups(random, 5, 5));
}

/** What is stored: 125 random bits need no slow hash (NIST SP 800-63B-4 section 3.1.2). */
export function recoveryCodeDigest(code: string): Digest {
  return digest(`recovery:${canonicalCode(code)}`);
}

/** One spelling for comparison: upper case, without dashes and spaces, O as 0, I and L as 1. */
export function canonicalCode(typed: string): string {
  return typed.toUpperCase().replace(/[-\s]/g, '').replace(/O/g, '0').replace(/[IL]/g, '1');
}

function groups(random: Random, count: number, size: number): Secret {
  const bytes = random.bytes(count * size);
  const parts = Array.from({ length: count }, (_, group) =>
    Array.from({ length: size }, (_, place) => alphabet.charAt((bytes[group * size + place] ?? 0) & 31)).join(''),
  );
  return parts.join('-') as Secret;
}
