/**
 * The key ring: every key of the installation is a row sealed under the one root key (3-rules, Keys). Opened once at
 * start; the newest key of a purpose seals and signs, older ones still open what was made under them.
 */
import type { Millis } from '../types.ts';
import { newName, type Random } from './random.ts';
import { open, seal, sealedUnder, type Opened, type SealingKey } from './seal.ts';
import { type PublicKey, signingKey, type SigningKey } from './sign.ts';

/** Purposes of the keys in the ring. */
export type KeyPurpose = 'seal' | 'cookie' | 'audit';

/** A key as the store keeps it. */
export interface KeyRow {
  readonly id: string;
  readonly purpose: KeyPurpose;
  /** Key bytes sealed under the root key. */
  readonly sealed: string;
  readonly createdAt: Millis;
}

export interface RootKey {
  readonly bytes: Uint8Array;
}

export interface Keyring {
  seal(place: readonly string[], plain: string): string;
  open(place: readonly string[], sealed: string): Opened;
  /** Key bytes for keyed digests of short-lived things (login tokens). */
  cookieKey(): Uint8Array;
  /** Signs checkpoints of the audit log. */
  auditSigner(): SigningKey;
  /** Every key that checkpoints may be signed by, old ones included. */
  auditKeys(): readonly PublicKey[];
}

export type KeyringOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly keyring: Keyring };

const keyBytes = 32;

/** A fresh key row of a purpose, sealed under the root key. */
export function newKey(purpose: KeyPurpose, root: RootKey, at: Millis, random: Random): KeyRow {
  const id = newName(random);
  return {
    id,
    purpose,
    createdAt: at,
    sealed: seal(rootSealingKey(root), ['key', purpose, id], random.bytes(keyBytes), random),
  };
}

/** A text only this root key can have sealed for this installation; checked at every start. */
export function newCanary(installationId: string, root: RootKey, random: Random): string {
  return seal(rootSealingKey(root), ['canary', installationId], Buffer.from(installationId), random);
}

export function openCanary(installationId: string, canary: string, root: RootKey): Opened {
  return open(rootSealingKey(root), ['canary', installationId], canary);
}

export function openKeyring(rows: readonly KeyRow[], root: RootKey, random: Random): KeyringOpening {
  const keys = new Map<string, SealingKey>();
  for (const row of rows) {
    const opened = open(rootSealingKey(root), ['key', row.purpose, row.id], row.sealed);
    if (opened.kind === 'damaged') return { kind: 'damaged', why: `key "${row.id}": ${opened.why}` };
    if (opened.bytes.length !== keyBytes) return { kind: 'damaged', why: `key "${row.id}" has the wrong length` };
    keys.set(row.id, { id: row.id, bytes: opened.bytes });
  }
  const newest = (purpose: KeyPurpose): SealingKey | undefined => {
    const row = rows.filter((each) => each.purpose === purpose).sort((a, b) => b.createdAt - a.createdAt)[0];
    return row && keys.get(row.id);
  };
  const sealing = newest('seal');
  const cookie = newest('cookie');
  const audit = newest('audit');
  if (!sealing || !cookie || !audit) return { kind: 'damaged', why: 'the key ring lacks a key' };
  const signer = signingKey(audit.id, audit.bytes);
  const auditKeys = rows
    .filter((row) => row.purpose === 'audit')
    .flatMap((row) => keys.get(row.id) ?? [])
    .map(({ id, bytes }) => signingKey(id, bytes))
    .map(({ id, publicKey }) => ({ id, publicKey }));
  return {
    kind: 'opened',
    keyring: {
      seal: (place, plain) => seal(sealing, place, Buffer.from(plain), random),
      open: (place, sealed) => {
        const key = keys.get(sealedUnder(sealed));
        return key ? open(key, place, sealed) : { kind: 'damaged', why: 'sealed under a key that is not in the ring' };
      },
      cookieKey: () => cookie.bytes,
      auditSigner: () => signer,
      auditKeys: () => auditKeys,
    },
  };
}

function rootSealingKey(root: RootKey): SealingKey {
  return { id: 'root', bytes: root.bytes };
}
