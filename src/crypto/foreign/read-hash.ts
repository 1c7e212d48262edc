/**
 * The one reader of password hashes that others made, for the import and for the check: strict, because what is read
 * loosely matches nobody later, and done in one look at at most 1024 characters. What it says of a text never repeats it.
 */
import { type ForeignHash, type Spelling, unknown } from './foreign-hash.ts';
import { judgeCost } from './hash-cost.ts';
import { readBcrypt, readShaCrypt } from './read-crypt.ts';
import { readDjangoPbkdf2, readWerkzeugPbkdf2 } from './read-pbkdf2.ts';
import { readArgon2, readScryptPhc, readWerkzeugScrypt } from './read-phc.ts';

export type HashReading =
  | { readonly kind: 'unknown'; readonly why: string }
  /** Of a known form, and never to be computed. */
  | { readonly kind: 'too-costly'; readonly why: string; readonly hash: ForeignHash }
  /** `canonical` is what is sealed and kept: without Dovecot's `{…}`, hexadecimal digits in lower case. */
  | { readonly kind: 'hash'; readonly hash: ForeignHash; readonly canonical: string };

const mostCharacters = 1024;

const readers: readonly (readonly [start: string, read: (text: string) => Spelling])[] = [
  ['$argon2id$', (text) => readArgon2(text, 'argon2id')],
  ['$argon2i$', (text) => readArgon2(text, 'argon2i')],
  ['$argon2d$', (text) => readArgon2(text, 'argon2d')],
  ['$scrypt$', readScryptPhc],
  ['$5$', readShaCrypt],
  ['$6$', readShaCrypt],
  ['$2', readBcrypt],
  ['scrypt:', readWerkzeugScrypt],
  ['pbkdf2:', readWerkzeugPbkdf2],
  ['pbkdf2_', readDjangoPbkdf2],
  ['$y$', () => unknown('yescrypt is not supported')],
  ['$gy$', () => unknown('gost-yescrypt is not supported')],
  ['$7$', () => unknown('scrypt as crypt(3) writes it is not supported')],
  ['$1$', () => unknown('MD5-crypt is not supported')],
];

/** Dovecot's names of schemes, and what has to follow; others that it knows are not supported. */
const dovecot: Readonly<Record<string, readonly string[]>> = {
  'SHA512-CRYPT': ['$6$'],
  'SHA256-CRYPT': ['$5$'],
  'BLF-CRYPT': ['$2'],
  CRYPT: ['$6$', '$5$', '$2'],
  ARGON2I: ['$argon2i$'],
  ARGON2ID: ['$argon2id$'],
};

export function readForeignHash(text: string): HashReading {
  const spelling = spell(text);
  if (spelling.kind === 'unknown') return spelling;
  const { hash, canonical } = spelling;
  const cost = judgeCost(hash);
  return cost.kind === 'too-costly' ? { ...cost, hash } : { kind: 'hash', hash, canonical };
}

function spell(text: string): Spelling {
  if (text.length > mostCharacters) return unknown(`longer than ${mostCharacters} characters`);
  if (!/^[\x21-\x7e]+$/.test(text)) return unknown('empty, or with white space or characters beyond ASCII');
  const [label] = /^\{[^{}]*\}/.exec(text) ?? [];
  const bare = label === undefined ? text : text.slice(label.length);
  const [start, read] = readers.find(([start]) => bare.startsWith(start)) ?? [];
  if (start === undefined || read === undefined) return unknown('not of a known form');
  const name = label?.slice(1, -1).toUpperCase();
  if (name !== undefined && !(Object.hasOwn(dovecot, name) && dovecot[name]?.includes(start) === true))
    return unknown('what stands in braces before it is not supported, or is of something else');
  return read(bare);
}
