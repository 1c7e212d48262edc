/**
 * Password hashes as PHC strings (3-rules, Passwords): making, checking, and telling when the cost has changed.
 * Every hash waits its turn in the hash queue, so that memory and cores stay within their budget.
 */
import { timingSafeEqual } from 'node:crypto';
import type { Password } from '../types.ts';
import type { Argon2id } from './argon2.ts';
import type { HashQueue, HashTurn } from './hash-queue.ts';
import type { Random } from './random.ts';

export interface HashCost {
  readonly memoryKiB: number;
  readonly passes: number;
}

export type HashMade = { readonly kind: 'busy' } | { readonly kind: 'made'; readonly phc: string };

export type HashCheck =
  | { readonly kind: 'busy' }
  | { readonly kind: 'mismatch' }
  | { readonly kind: 'match'; readonly stale: 'current' | 'rehash' };

export interface PasswordHasher {
  make(password: Password, turn: HashTurn): Promise<HashMade>;
  check(password: Password, phc: string, turn: HashTurn): Promise<HashCheck>;
  /** Costs what a real check costs and never matches: for names that do not exist. */
  checkNobody(password: Password, turn: HashTurn): Promise<HashCheck>;
}

interface Parsed {
  readonly memoryKiB: number;
  readonly passes: number;
  readonly lanes: number;
  readonly salt: Buffer;
  readonly tag: Buffer;
}

const saltBytes = 16;
const tagBytes = 32;
const lanes = 1;
const phcForm =
  /^\$argon2id\$v=19\$m=(\d{1,8}),t=(\d{1,4}),p=(\d{1,2})\$([A-Za-z0-9+/]{11,88})\$([A-Za-z0-9+/]{22,88})$/;

export function passwordHasher(parts: {
  argon2id: Argon2id;
  queue: HashQueue;
  cost: HashCost;
  random: Random;
}): PasswordHasher {
  const { argon2id, queue, cost, random } = parts;

  const check = async (password: Password, phc: string, turn: HashTurn): Promise<HashCheck> => {
    const stored = parsePhc(phc);
    const slot = await queue.run(turn, () => argon2id({ ...stored, password, tagBytes: stored.tag.length }));
    if (slot.kind === 'busy') return slot;
    if (!timingSafeEqual(slot.value, stored.tag)) return { kind: 'mismatch' };
    const current = stored.memoryKiB === cost.memoryKiB && stored.passes === cost.passes && stored.lanes === lanes;
    return { kind: 'match', stale: current ? 'current' : 'rehash' };
  };

  // Nobody's hash: right form and cost, and a tag that no password gives but by a 256-bit accident.
  const nobody = formatPhc({
    ...cost,
    lanes,
    salt: Buffer.from(random.bytes(saltBytes)),
    tag: Buffer.from(random.bytes(tagBytes)),
  });

  return {
    make: async (password, turn) => {
      const salt = Buffer.from(random.bytes(saltBytes));
      const slot = await queue.run(turn, () => argon2id({ ...cost, lanes, password, salt, tagBytes }));
      return slot.kind === 'busy' ? slot : { kind: 'made', phc: formatPhc({ ...cost, lanes, salt, tag: slot.value }) };
    },
    check,
    checkNobody: async (password, turn) => {
      const outcome = await check(password, nobody, turn);
      return outcome.kind === 'busy' ? outcome : { kind: 'mismatch' };
    },
  };
}

/** Only strings this module made are ever stored, so a string of another form is a damaged store: a fault, not a mismatch. */
function parsePhc(phc: string): Parsed {
  const [, memoryKiB, passes, parallelism, salt, tag] = phcForm.exec(phc) ?? [];
  if (!memoryKiB || !passes || !parallelism || !salt || !tag)
    throw new TypeError('Cannot check the password: the stored hash has an unknown form');
  return {
    memoryKiB: Number(memoryKiB),
    passes: Number(passes),
    lanes: Number(parallelism),
    salt: Buffer.from(salt, 'base64'),
    tag: Buffer.from(tag, 'base64'),
  };
}

function formatPhc(parts: Parsed): string {
  const text = (bytes: Buffer): string => bytes.toString('base64').replaceAll('=', '');
  return `$argon2id$v=19$m=${parts.memoryKiB},t=${parts.passes},p=${parts.lanes}$${text(parts.salt)}$${text(parts.tag)}`;
}
