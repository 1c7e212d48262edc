/**
 * Sealing: AES-256-GCM with a purpose and a place as additional data, so that a sealed value cannot be moved to another
 * row, column or purpose. Text form: `v1.<key id>.<nonce>.<ciphertext and tag>`, base64url. Nonces are 96 random bits;
 * NIST SP 800-38D section 8.3 allows 2^32 of them per key, and keys rotate long before.
 */
import { createCipheriv, createDecipheriv } from 'node:crypto';
import type { Random } from './random.ts';

export interface SealingKey {
  readonly id: string;
  readonly bytes: Uint8Array;
}

export type Opened =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly bytes: Buffer };

export function seal(key: SealingKey, place: readonly string[], plain: Uint8Array, random: Random): string {
  const nonce = random.bytes(12);
  const cipher = createCipheriv('aes-256-gcm', key.bytes, nonce);
  cipher.setAAD(additionalData(place));
  const sealed = Buffer.concat([cipher.update(plain), cipher.final(), cipher.getAuthTag()]);
  return `${sealPrefix(key.id)}${Buffer.from(nonce).toString('base64url')}.${sealed.toString('base64url')}`;
}

/** How every text begins that is sealed under that key. */
export function sealPrefix(id: string): string {
  return `v1.${id}.`;
}

/** Which key a sealed text asks for; empty when it is no sealed text at all. */
export function sealedUnder(sealed: string): string {
  const parts = sealed.split('.');
  return parts.length === 4 && parts[0] === 'v1' ? (parts[1] ?? '') : '';
}

export function open(key: SealingKey, place: readonly string[], sealed: string): Opened {
  const [version, id, nonceText, bodyText, ...more] = sealed.split('.');
  if (version !== 'v1' || nonceText === undefined || bodyText === undefined || more.length > 0) {
    return { kind: 'damaged', why: 'not a sealed value' };
  }
  if (id !== key.id) return { kind: 'damaged', why: `sealed under key "${id}", not "${key.id}"` };
  const nonce = Buffer.from(nonceText, 'base64url');
  const body = Buffer.from(bodyText, 'base64url');
  if (nonce.length !== 12 || body.length < 16) return { kind: 'damaged', why: 'too short' };
  const decipher = createDecipheriv('aes-256-gcm', key.bytes, nonce);
  decipher.setAAD(additionalData(place));
  decipher.setAuthTag(body.subarray(body.length - 16));
  try {
    return {
      kind: 'opened',
      bytes: Buffer.concat([decipher.update(body.subarray(0, body.length - 16)), decipher.final()]),
    };
  } catch {
    return { kind: 'damaged', why: 'the seal is broken, or it is another key or place' };
  }
}

function additionalData(place: readonly string[]): Buffer {
  return Buffer.from(place.map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
}
