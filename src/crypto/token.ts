/**
 * Tokens that programs carry: a prefix, 30 random base62 characters (178 bits) and 6 characters of CRC-32 over all that
 * precedes (3-rules, API tokens). The checksum lets scanners and us drop garbage before any look-up; it is never trust.
 */
import { crc32 } from 'node:zlib';
import type { Secret } from '../types.ts';
import type { Random } from './random.ts';

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';
/** What a digit stands for, by code unit; -1: it is none. */
const valueOf = Int8Array.from({ length: 128 }, (_, unit) => alphabet.indexOf(String.fromCharCode(unit)));
/** CRC-32 by table, since a token is read with each request that shows one: a call of zlib's costs more than all of it. */
const crcTable = Int32Array.from({ length: 256 }, (_, byte) => {
  let rest = byte;
  for (let bit = 0; bit < 8; bit += 1) rest = (rest & 1) === 1 ? (rest >>> 1) ^ 0xedb8_8320 : rest >>> 1;
  return rest;
});
const bodyLength = 30;
const checksumLength = 6;
/** Characters of a token behind its prefix. */
export const afterPrefix = bodyLength + checksumLength;

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

const foreign: TokenForm = { kind: 'foreign' };
const damaged: TokenForm = { kind: 'damaged' };

/** Foreign: not our prefix, so somebody else's. Damaged: ours, but it cannot be one that was ever made. Prefixes are ASCII. */
export function readToken(text: string, prefix: string): TokenForm {
  if (!text.startsWith(prefix)) return foreign;
  const end = prefix.length + bodyLength;
  if (text.length !== end + checksumLength) return damaged;
  let crc = -1;
  let said = 0;
  for (let at = 0; at < text.length; at += 1) {
    const unit = text.charCodeAt(at);
    const value = valueOf[unit] ?? -1;
    if (at >= prefix.length && value === -1) return damaged;
    if (at < end) crc = (crcTable[(crc ^ unit) & 0xff] ?? 0) ^ (crc >>> 8);
    else said = said * 62 + value;
  }
  return ~crc >>> 0 === said ? { kind: 'token', token: text as Secret } : damaged;
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
