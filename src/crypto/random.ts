/** The only source of randomness; passed in so that tests can repeat themselves. */
import { randomBytes } from 'node:crypto';
import type { Secret, SessionId, TokenId, UserId } from '../types.ts';

export interface Random {
  bytes(length: number): Uint8Array;
}

/** The operating system's generator. */
export const systemRandom: Random = { bytes: (length) => randomBytes(length) };

export function newUserId(random: Random): UserId {
  return `u_${base64url(random.bytes(16))}` as UserId;
}

export function newSessionId(random: Random): SessionId {
  return `s_${base64url(random.bytes(16))}` as SessionId;
}

export function newTokenId(random: Random): TokenId {
  return `t_${base64url(random.bytes(16))}` as TokenId;
}

/** 256 bits as 43 characters of base64url: cookies and one-use tickets. */
export function newSecret(random: Random): Secret {
  return base64url(random.bytes(32)) as Secret;
}

/** Short unguessable name for requests, boots, keys and installations: 96 bits, 16 characters. Not a secret. */
export function newName(random: Random): string {
  return base64url(random.bytes(12));
}

/** Anything from the first number on, and below the second. */
export function between(random: Random, least: number, most: number): number {
  const [high = 0, low = 0] = random.bytes(2);
  return least + ((high * 256 + low) / 65_536) * (most - least);
}

function base64url(bytes: Uint8Array): string {
  return Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString('base64url');
}
