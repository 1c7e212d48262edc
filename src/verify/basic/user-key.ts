/**
 * Derived user keys (3-rules, Service key, user key): nothing of one is stored. It follows from the service key, the user and
 * the generation of that user's credentials, and dies with any of them. Pure.
 */
import { compareDigests, type Comparison, keyedDigest } from '../../crypto/digest.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Secret } from '../../types.ts';

type Owner = Pick<UserRow, 'id' | 'credentialGeneration'>;

/** 43 characters of base64url, the same each time it is asked for. `serviceKey`: its bytes. */
export function userKeyOf(serviceKey: Uint8Array, { id, credentialGeneration }: Owner): Secret {
  return keyedDigest(serviceKey, 'user-key', id, String(credentialGeneration)) as string as Secret;
}

const form = /^[A-Za-z0-9_-]{43}$/;

/** `other`: it cannot be one. */
export function formOfUserKey(shown: string): 'other' | 'user-key' {
  return form.test(shown) ? 'user-key' : 'other';
}

/** In constant time. */
export function compareUserKey(shown: string, serviceKey: Uint8Array, owner: Owner): Comparison {
  return compareDigests(shown, userKeyOf(serviceKey, owner));
}
