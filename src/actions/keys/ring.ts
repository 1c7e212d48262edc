/** The key ring over HTTP: what is public for anybody, the rest for admins (PX8). */
import type { Keyring } from '../../crypto/keyring.ts';
import { type AdminCall, byOf, type Document, done, type Outcome } from '../call.ts';
import { type KeyParts, rotate, type Rotation } from './rotate.ts';
import { publicKeySet, ringFields } from './shown.ts';

export type RingParts = KeyParts & { readonly keyring: Pick<Keyring, 'ticketKeys'> };

export interface RotateKeysBody {
  readonly purpose: Rotation['purpose'];
  readonly now?: boolean | undefined;
  readonly compromised?: boolean | undefined;
}

/** Whoever verifies tickets without us. */
export function publishedKeys({ keyring }: { readonly keyring: Pick<Keyring, 'ticketKeys'> }): Document {
  return { kind: 'document', value: publicKeySet(keyring.ticketKeys()) };
}

export async function showRing(parts: RingParts): Promise<Outcome> {
  return done(await ringFields(parts));
}

export function rotateKeys(parts: RingParts, call: AdminCall<RotateKeysBody>): Promise<Outcome> {
  const { purpose, now = false, compromised = false } = call.body;
  const when = compromised ? 'compromised' : now ? 'now' : 'published';
  return rotate(parts, { purpose, when }, byOf(call));
}
