/**
 * Digests of secrets, keyed digests, and the one constant-time comparison.
 * `crypto.hash` in one shot is several times faster than `createHash` for inputs of this size (5-performance).
 */
import { createHmac, hash, timingSafeEqual } from 'node:crypto';
import type { Digest } from '../types.ts';
import type { Random } from './random.ts';

/** SHA-256 of a secret as base64url: what is stored, and what look-ups go by. */
export function digest(secret: string): Digest {
  return hash('sha256', secret, 'base64url') as Digest;
}

/**
 * HMAC-SHA-256 (RFC 2104) under a key over a purpose label and parts, each with its length in front, so that no two lists collide. Text is
 * the same part as its bytes in UTF-8.
 */
export function keyedDigest(
  key: string | Uint8Array,
  purpose: string,
  ...parts: readonly (string | Uint8Array)[]
): Digest {
  const mac = createHmac('sha256', key);
  for (const part of [purpose, ...parts]) {
    mac.update(`${Buffer.byteLength(part)}:`);
    mac.update(part);
  }
  return mac.digest('base64url') as Digest;
}

export type Comparison = { readonly kind: 'different' } | { readonly kind: 'equal' };

/** Constant time for digests of one length; other lengths differ at once, which tells nothing about either. */
export function compareDigests(a: string, b: string): Comparison {
  const left = Buffer.from(a);
  const right = Buffer.from(b);
  return left.length === right.length && timingSafeEqual(left, right) ? { kind: 'equal' } : { kind: 'different' };
}

/** CSRF token of a session: derived, never stored (3-rules, Sessions). */
export function csrfToken(sessionToken: string): string {
  return keyedDigest(sessionToken, 'csrf');
}

/** 224 random bits: 7 in each byte, so that it hashes as text. With an address and a key in a header it is one block. */
const macKeyBytes = 32;

/**
 * SHA-512/256 of a key and a text, under a key that only this function ever knows, for what is looked up on each request. What it
 * gives is half of what it computes, so that nobody goes on from one text to a longer one, as with SHA-256: that would take an
 * HMAC, which costs twice as much.
 */
export function ownMac(random: Random): (text: string) => Digest {
  const key = String.fromCharCode(...random.bytes(macKeyBytes).map((byte) => byte & 0x7f));
  return (text) => hash('sha512-256', `${key}${text}`, 'base64url') as Digest;
}
