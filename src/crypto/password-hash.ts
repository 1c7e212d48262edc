/**
 * Password hashes (3-rules, Passwords): making our own as PHC strings, checking them and those that were imported, and
 * telling which are to be made anew. Every hash waits its turn in the hash queue, so that memory and cores stay within
 * their budget.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Password } from '../types.ts';
import type { Argon2id } from './argon2.ts';
import type { ForeignHashes } from './foreign/check-hash.ts';
import type { ForeignHash } from './foreign/foreign-hash.ts';
import { type HashReading, readForeignHash } from './foreign/read-hash.ts';
import type { HashQueue, HashTurn } from './hash-queue.ts';
import type { Random } from './random.ts';

export interface HashCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

export type HashMade = { readonly kind: 'busy' } | { readonly kind: 'made'; readonly phc: string };

export type HashCheck =
  | { readonly kind: 'busy' }
  /** `too-slow`: an imported one that was stopped after 2 s, or is not begun; nobody knows whether it would have matched. */
  | { readonly kind: 'mismatch'; readonly why: 'wrong' | 'too-slow' }
  /** One that was imported is always to be made anew. */
  | { readonly kind: 'match'; readonly stale: 'current' | 'rehash' };

export interface PasswordHasher {
  make(password: Password, turn: HashTurn): Promise<HashMade>;
  /** `stored` is a hash of ours or one that was imported; a string that is neither is a fault. */
  check(password: Password, stored: string, turn: HashTurn): Promise<HashCheck>;
  /** Costs what a real check costs and never matches: for names that do not exist. */
  checkNobody(password: Password, turn: HashTurn): Promise<HashCheck>;
}

type Argon2Hash = Extract<ForeignHash, { scheme: 'argon2' }>;

const saltBytes = 16;
const tagBytes = 32;
const lanes = 1;

/** What the settings `password.memory` and `password.passes` allow, whatever they say today. */
const ownMost = { memoryKiB: 1024 * 1024, passes: 100 };

export function passwordHasher(parts: {
  argon2id: Argon2id;
  queue: HashQueue;
  foreign: ForeignHashes;
  cost: HashCost;
  random: Random;
}): PasswordHasher {
  const { argon2id, queue, foreign, cost, random } = parts;

  const checkOwn = async (password: Password, hash: Argon2Hash, turn: HashTurn): Promise<HashCheck> => {
    const { memoryKiB, passes, salt, tag } = hash;
    const input = { memoryKiB, passes, lanes: hash.lanes, salt, password, tagBytes: tag.length };
    const slot = await queue.run(turn, () => argon2id(input));
    if (slot.kind === 'busy') return slot;
    if (!timingSafeEqual(slot.value, tag)) return { kind: 'mismatch', why: 'wrong' };
    const current = memoryKiB === cost.memoryKiB && passes === cost.passes && hash.lanes === lanes;
    return { kind: 'match', stale: current ? 'current' : 'rehash' };
  };

  const check = async (password: Password, stored: string, turn: HashTurn): Promise<HashCheck> => {
    const reading = readForeignHash(stored);
    // Only what was made here or read before is stored, so a string of another form is a damaged store.
    if (reading.kind === 'unknown')
      throw new TypeError(`Cannot check the password: the stored hash has an unknown form (${reading.why})`);
    const { hash } = reading;
    if (isOwn(hash, reading, cost)) return checkOwn(password, hash, turn);
    if (reading.kind === 'too-costly') return { kind: 'mismatch', why: 'too-slow' };
    const outcome = await foreign.check(hash, password, turn);
    switch (outcome.kind) {
      case 'busy':
        return outcome;
      case 'match':
        return { kind: 'match', stale: 'rehash' };
      case 'mismatch':
        return { kind: 'mismatch', why: 'wrong' };
      case 'too-slow':
        return { kind: 'mismatch', why: 'too-slow' };
    }
  };

  // Nobody's hash: right form and cost, and a tag that no password gives but by a 256-bit accident.
  const nobody = formatPhc({
    ...cost,
    salt: Buffer.from(random.bytes(saltBytes)),
    tag: Buffer.from(random.bytes(tagBytes)),
  });

  return {
    make: async (password, turn) => {
      const salt = Buffer.from(random.bytes(saltBytes));
      const slot = await queue.run(turn, () => argon2id({ ...cost, lanes, password, salt, tagBytes }));
      return slot.kind === 'busy' ? slot : { kind: 'made', phc: formatPhc({ ...cost, salt, tag: slot.value }) };
    },
    check,
    checkNobody: async (password, turn) => {
      const outcome = await check(password, nobody, turn);
      return outcome.kind === 'busy' ? outcome : { kind: 'mismatch', why: 'wrong' };
    },
  };
}

/**
 * Goes the short way: Argon2id that costs no more than a hash of today, or one of ours from a time when more was set than
 * is taken from others. Heavier ones go the way of imported ones, wherever they came from.
 */
function isOwn(hash: ForeignHash, { kind }: HashReading, cost: HashCost): hash is Argon2Hash {
  if (hash.scheme !== 'argon2' || hash.variant !== 'argon2id' || hash.version !== 19) return false;
  const most = kind === 'too-costly' && hash.lanes === lanes && hash.tag.length === tagBytes ? ownMost : cost;
  return hash.memoryKiB <= most.memoryKiB && hash.passes <= most.passes;
}

function formatPhc(parts: HashCost & { readonly salt: Buffer; readonly tag: Buffer }): string {
  const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${parts.memoryKiB},t=${parts.passes},p=${lanes}$${text(parts.salt)}$${text(parts.tag)}`;
}
