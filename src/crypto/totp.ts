/**
 * One-time codes by time (TOTP, RFC 6238) over those by counter (HOTP, RFC 4226), and the base32 (RFC 4648 section 6) that
 * their secrets are shown in.
 */
import { createHmac } from 'node:crypto';
import type { Millis } from '../types.ts';
import { compareDigests } from './digest.ts';
import type { Random } from './random.ts';

export interface CodeForm {
  readonly algorithm: 'sha1' | 'sha256' | 'sha512';
  readonly digits: number;
}

/** What every authenticator application knows. SHA-1 stands in no other place: HMAC does not need it free of collisions. */
export const totpForm: CodeForm = { algorithm: 'sha1', digits: 6 };

/** How long a code is the one shown. */
export const totpStepMs = 30_000;

/** Clocks of phones are off: the code before and the one to come are right as well (3-rules, Second factors). */
const around = [-1, 0, 1] as const;

const secretBytes = 20;
/** RFC 4226 section 4, R6. */
const leastSecretBytes = 16;

export function newTotpSecret(random: Random): Uint8Array {
  return random.bytes(secretBytes);
}

export function hotp(secret: Uint8Array, counter: number, form: CodeForm = totpForm): string {
  if (secret.length < leastSecretBytes)
    throw new TypeError(`Cannot make codes of ${secret.length} bytes: a secret has at least ${leastSecretBytes}`);
  const message = Buffer.alloc(8);
  message.writeBigUInt64BE(BigInt(counter));
  const mac = createHmac(form.algorithm, secret).update(message).digest();
  const offset = mac.readUInt8(mac.length - 1) & 0x0f;
  const number = mac.readUInt32BE(offset) & 0x7fff_ffff;
  return String(number % 10 ** form.digits).padStart(form.digits, '0');
}

export function stepAt(now: Millis): number {
  return Math.floor(now / totpStepMs);
}

export type StepMatch = { readonly kind: 'none' } | { readonly kind: 'matched'; readonly step: number };

/**
 * The step whose code that is; whether it was used before is the store's to say. Of two with the same code the later one:
 * once it is used, neither works again.
 */
export function matchStep(secret: Uint8Array, code: string, now: Millis, form: CodeForm = totpForm): StepMatch {
  let match: StepMatch = { kind: 'none' };
  // All are compared, whichever is right.
  for (const offset of around) {
    const step = stepAt(now) + offset;
    if (step >= 0 && compareDigests(hotp(secret, step, form), code).kind === 'equal') match = { kind: 'matched', step };
  }
  return match;
}

const alphabet = 'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567';

/** Without padding, as applications show and take it. */
export function base32(bytes: Uint8Array): string {
  let bits = 0;
  let value = 0;
  let text = '';
  for (const byte of bytes) {
    value = ((value << 8) | byte) & 0xfff;
    bits += 8;
    for (; bits >= 5; bits -= 5) text += alphabet.charAt((value >>> (bits - 5)) & 31);
  }
  return bits === 0 ? text : text + alphabet.charAt((value << (5 - bits)) & 31);
}

export type Base32Form = { readonly kind: 'malformed' } | { readonly kind: 'bytes'; readonly bytes: Uint8Array };

/** Any case, with or without padding; nothing else is forgiven. */
export function readBase32(text: string): Base32Form {
  const stem = text.toUpperCase().replace(/=+$/, '');
  // So many characters are no whole number of bytes.
  if ([1, 3, 6].includes(stem.length % 8)) return { kind: 'malformed' };
  const bytes: number[] = [];
  let bits = 0;
  let value = 0;
  for (const character of stem) {
    const place = alphabet.indexOf(character);
    if (place === -1) return { kind: 'malformed' };
    value = ((value << 5) | place) & 0xfff;
    bits += 5;
    if (bits < 8) continue;
    bits -= 8;
    bytes.push((value >>> bits) & 0xff);
  }
  // What is left over is padding: any other bits would be a second spelling of the same bytes.
  return (value & ((1 << bits) - 1)) === 0 ? { kind: 'bytes', bytes: Uint8Array.from(bytes) } : { kind: 'malformed' };
}
