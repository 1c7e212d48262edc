/**
 * The offline list of common and breached passwords (3-rules, Passwords; ASVS 6.2.4, 6.2.12): a binary fuse filter
 * (Graf and Lemire, "Binary Fuse Filters", 2022) with 16-bit fingerprints, built by `tools/common-passwords.ts`. What
 * was put in is always found; of anything else one in 65 536 is found by mistake and refused without need.
 *
 * The hash needs speed and spread, not secrecy: whoever finds a collision has found a password we refuse.
 *
 * File: 32 bytes of header, little-endian, then the fingerprints, 16 bits each.
 * `SPCP`, version, keys, seed, segment length, segment count, passwords covered, CRC-32 of all the rest.
 */
import { readFileSync } from 'node:fs';
import { crc32 } from 'node:zlib';
import type { PasswordKey } from './password-key.ts';

export type Listing =
  | { readonly kind: 'unlisted' }
  | { readonly kind: 'listed' }
  /** Among the commonest: two such words together are still no password. */
  | { readonly kind: 'commonest' };

export interface CommonPasswords {
  find(key: PasswordKey): Listing;
}

export const filterFormat = { magic: 'SPCP', version: 1, headerBytes: 32, crcAt: 28 } as const;

/** Stands after the key of a commonest password in its second entry; no key contains it. */
export const commonestMark = '+';

/** Where an entry lives in a filter, and what the three cells together must give. */
export interface FilterCells {
  readonly at: readonly [number, number, number];
  readonly fingerprint: number;
}

export interface FilterShape {
  readonly seed: number;
  /** A power of two. */
  readonly segmentLength: number;
  /** Segments in which an entry may have its first cell; two more follow. */
  readonly segmentCount: number;
}

/** Three neighbouring segments, one cell in each. */
export function cellsOf(entry: string, shape: FilterShape): FilterCells {
  const bytes = Buffer.from(entry);
  const mask = shape.segmentLength - 1;
  const place = murmur3(bytes, shape.seed);
  const within = murmur3(bytes, shape.seed + 1);
  const first = Math.floor((place * shape.segmentCount * shape.segmentLength) / 2 ** 32);
  const second = (first + shape.segmentLength) ^ (within & mask);
  const third = (first + 2 * shape.segmentLength) ^ ((within >>> 16) & mask);
  return { at: [first, second, third], fingerprint: murmur3(bytes, shape.seed + 2) & 0xffff };
}

/** MurmurHash3, 32 bits (Austin Appleby, public domain). */
export function murmur3(bytes: Buffer, seed: number): number {
  let hash = seed;
  const blocks = bytes.length - (bytes.length % 4);
  for (let at = 0; at < blocks; at += 4) {
    hash ^= scrambled(bytes.readUInt32LE(at));
    hash = Math.imul((hash << 13) | (hash >>> 19), 5) + 0xe6546b64;
  }
  let tail = 0;
  for (let at = bytes.length - 1; at >= blocks; at -= 1) tail = (tail << 8) | (bytes[at] ?? 0);
  hash ^= scrambled(tail) ^ bytes.length;
  hash = Math.imul(hash ^ (hash >>> 16), 0x85ebca6b);
  hash = Math.imul(hash ^ (hash >>> 13), 0xc2b2ae35);
  return (hash ^ (hash >>> 16)) >>> 0;
}

function scrambled(block: number): number {
  const mixed = Math.imul(block, 0xcc9e2d51);
  return Math.imul((mixed << 15) | (mixed >>> 17), 0x1b873593);
}

export interface CommonPasswordFilter extends CommonPasswords {
  readonly entries: number;
  /** Passwords of the sources that the policy refuses because of these entries, as counted when they were chosen. */
  readonly covered: number;
}

/** Throws when the bytes are not exactly a whole filter: a broken list must never mean that nothing is common. */
export function readFilter(bytes: Uint8Array): CommonPasswordFilter {
  const file = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
  const fail = (what: string): never => {
    throw new Error(`The list of common passwords is damaged: ${what}. Restore the file from the release.`);
  };
  if (file.length < filterFormat.headerBytes || file.toString('latin1', 0, 4) !== filterFormat.magic)
    fail('not such a file');
  if (file.readUInt32LE(4) !== filterFormat.version) fail('unknown version');
  if (file.readUInt32LE(filterFormat.crcAt) !== checksumOf(file)) fail('wrong checksum');
  const shape = {
    seed: file.readUInt32LE(12),
    segmentLength: file.readUInt32LE(16),
    segmentCount: file.readUInt32LE(20),
  };
  const cells = (shape.segmentCount + 2) * shape.segmentLength;
  if (cells * 2 !== file.length - filterFormat.headerBytes) fail('wrong length');

  const cell = (index: number): number => file.readUInt16LE(filterFormat.headerBytes + index * 2);
  const holds = (entry: string): boolean => {
    const { at, fingerprint } = cellsOf(entry, shape);
    return (cell(at[0]) ^ cell(at[1]) ^ cell(at[2])) === fingerprint;
  };
  return {
    entries: file.readUInt32LE(8),
    covered: file.readUInt32LE(24),
    find(key) {
      if (!holds(key)) return { kind: 'unlisted' };
      return { kind: holds(key + commonestMark) ? 'commonest' : 'listed' };
    },
  };
}

/** Over header and cells, without the checksum itself. */
export function checksumOf(file: Buffer): number {
  return crc32(file.subarray(filterFormat.headerBytes), crc32(file.subarray(0, filterFormat.crcAt)));
}

/** The list in this folder; read when first asked, kept from then on. A failed reading is tried again, and fails again. */
export function shippedCommonPasswords(file: URL = new URL('common-passwords.bin', import.meta.url)): CommonPasswords {
  let filter: CommonPasswordFilter | undefined;
  return {
    find(key) {
      filter ??= readFilter(readFileSync(file));
      return filter.find(key);
    },
  };
}
