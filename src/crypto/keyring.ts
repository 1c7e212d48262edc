/**
 * The key ring: every key of the installation is a row sealed under the one root key (3-rules, Keys). Opened once at
 * start; the newest key of a purpose seals and signs, older ones still open what was made under them.
 */
import type { Millis } from '../types.ts';
import { newName, type Random } from './random.ts';
import { open, seal, sealedUnder, type Opened, type SealingKey } from './seal.ts';
import { type PublicKey, signingKey, type SigningKey } from './sign.ts';

/** Purposes of the keys in the ring; `service`: its bytes are the service key, which this installation has one of. */
export type KeyPurpose = 'seal' | 'cookie' | 'audit' | 'service';

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
  /** The service key among these rows, which may be newer than the ring. */
  serviceKey(rows: readonly KeyRow[]): ServiceKeyOpening;
  /** Another one, for the store to put in its place. */
  newServiceKey(at: Millis): KeyRow;
}

export type ServiceKeyOpening =
  | { readonly kind: 'damaged'; readonly why: string }
  | { readonly kind: 'opened'; readonly id: string; readonly bytes: Uint8Array };

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
    const opened = openKey(row, root);
    if (opened.kind === 'damaged') return opened;
    keys.set(row.id, opened);
  }
  const newest = (purpose: KeyPurpose): SealingKey | undefined => {
    const row = newestKey(rows, purpose);
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
      serviceKey: (now) => {
        const row = now.find(({ purpose }) => purpose === 'service');
        return row === undefined ? { kind: 'damaged', why: 'the key ring has no service key' } : openKey(row, root);
      },
      newServiceKey: (at) => newKey('service', root, at, random),
    },
  };
}

/** The one that is used for new things. */
export function newestKey(rows: readonly KeyRow[], purpose: KeyPurpose): KeyRow | undefined {
  return rows.filter((each) => each.purpose === purpose).sort((a, b) => b.createdAt - a.createdAt)[0];
}

function openKey({ id, purpose, sealed }: KeyRow, root: RootKey): ServiceKeyOpening {
  const opened = open(rootSealingKey(root), ['key', purpose, id], sealed);
  if (opened.kind === 'damaged') return { kind: 'damaged', why: `key "${id}": ${opened.why}` };
  if (opened.bytes.length !== keyBytes) return { kind: 'damaged', why: `key "${id}" has the wrong length` };
  return { kind: 'opened', id, bytes: opened.bytes };
}

function rootSealingKey(root: RootKey): SealingKey {
  return { id: 'root', bytes: root.bytes };
}
