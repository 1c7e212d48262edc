/**
 * Tokens that programs carry: a prefix, 30 random base62 characters (178 bits) and 6 characters of CRC-32 over all that
 * precedes (3-rules, API tokens). The checksum lets scanners and us drop garbage before any look-up; it is never trust.
 */
import { crc32 } from 'node:zlib';
import type { Secret } from '../types.ts';
import type { Random } from './random.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
const bodyLength = 30;
const checksumLength = 6;

/** Prefix of session tokens handed to clients without cookies. */
export const sessionTokenPrefix = 'sps_';

export function newToken(prefix: string, random: Random): Secret {
  let body = '';
  while (body.length < bodyLength) {
    for (const byte of random.bytes(bodyLength)) {
      // 248 is the largest multiple of 62 in a byte: above it some characters would be likelier than others.
      if (byte < 248 && body.length < bodyLength) body += alphabet.charAt(byte % 62);
    }
  }
  const stem = prefix + body;
  return (stem + checksum(stem)) as Secret;
}

export type TokenForm =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'damaged' }
  | { readonly kind: 'token'; readonly token: Secret };

/** Foreign: not our prefix, so somebody else's. Damaged: ours, but it cannot be one that was ever made. */
export function readToken(text: string, prefix: string): TokenForm {
  if (!text.startsWith(prefix)) return { kind: 'foreign' };
  const end = prefix.length + bodyLength;
  if (text.length !== end + checksumLength) return { kind: 'damaged' };
  for (let at = prefix.length; at < text.length; at += 1) {
    if (!alphabet.includes(text.charAt(at))) return { kind: 'damaged' };
  }
  return checksum(text.slice(0, end)) === text.slice(end)
    ? { kind: 'token', token: text as Secret }
    : { kind: 'damaged' };
}

function checksum(stem: string): string {
  let rest = crc32(stem);
  let digits = '';
  for (let place = 0; place < checksumLength; place += 1) {
    digits = alphabet.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return digits;
}
