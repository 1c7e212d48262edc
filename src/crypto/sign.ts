/**
 * Signatures: Ed25519 (RFC 8032) over a purpose label and parts, each with its length in front, so that no two lists
 * are the same message and a signature for one purpose is none for another.
 */
import { createPrivateKey, createPublicKey, type KeyObject, sign, verify } from 'node:crypto';

export interface PublicKey {
  readonly id: string;
  /** The 32 bytes of RFC 8032 section 5.1.5, base64url. */
  readonly publicKey: string;
}

export interface SigningKey extends PublicKey {
  /** The signature, base64url. */
  sign(purpose: string, parts: readonly string[]): string;
}

/** A key that signatures are checked by. */
export interface CheckingKey {
  readonly kind: 'key';
  check(purpose: string, parts: readonly string[], signature: string): SignatureCheck;
}

export type SignatureCheck = { readonly kind: 'wrong' } | { readonly kind: 'right' };

/** PKCS #8 around a bare Ed25519 seed (RFC 8410 section 7). */
const seedPrefix = Buffer.from('302e020100300506032b657004220420', 'hex');

/** `seed`: the 32 random bytes of RFC 8032 section 5.1.5. */
export function signingKey(id: string, seed: Uint8Array): SigningKey {
  const key = createPrivateKey({ key: Buffer.concat([seedPrefix, seed]), format: 'der', type: 'pkcs8' });
  return {
    id,
    publicKey: createPublicKey(key).export({ format: 'jwk' }).x ?? '',
    sign: (purpose, parts) => sign(null, message(purpose, parts), key).toString('base64url'),
  };
}

/** Of one key: what it is checked with is made once. */
export function checkingKey(key: PublicKey): CheckingKey {
  return { kind: 'key', check: (purpose, parts, signature) => checkSignature(key, purpose, parts, signature) };
}

/** A key or a signature that cannot be one is wrong, and no fault. The same key object again costs no second parsing. */
export function checkSignature(
  key: PublicKey,
  purpose: string,
  parts: readonly string[],
  signature: string,
): SignatureCheck {
  const bytes = Buffer.from(signature, 'base64url');
  // Decoding passes over what is no base64url: one signature has one spelling.
  if (bytes.length !== 64 || bytes.toString('base64url') !== signature) return { kind: 'wrong' };
  const object = objectOf(key);
  if (object === null) return { kind: 'wrong' };
  return verify(null, message(purpose, parts), object, bytes) ? { kind: 'right' } : { kind: 'wrong' };
}

/** What a key of the ring is checked with: made when it is first asked for, and not for each signature. Null: it is no key. */
const objects = new WeakMap<PublicKey, KeyObject | null>();

function objectOf(key: PublicKey): KeyObject | null {
  const known = objects.get(key);
  if (known !== undefined) return known;
  let made: KeyObject | null = null;
  try {
    made = createPublicKey({ key: { kty: 'OKP', crv: 'Ed25519', x: key.publicKey }, format: 'jwk' });
  } catch {
    // It is told as a wrong signature.
  }
  objects.set(key, made);
  return made;
}

function message(purpose: string, parts: readonly string[]): Buffer {
  return Buffer.from([purpose, ...parts].map((part) => `${Buffer.byteLength(part)}:${part}`).join(''));
}
