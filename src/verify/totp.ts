/** Step 3 for codes by time: is that a code of this account's secret, now? Whether it was used before is the store's to say. */
import type { Keyring } from '../crypto/keyring.ts';
import { base32, matchStep, readBase32, type StepMatch } from '../crypto/totp.ts';
import type { Millis, UserId } from '../types.ts';

/** Where a user's secret is sealed: cannot be moved to another account. */
export function totpPlace(userId: UserId): readonly string[] {
  return ['totp', userId];
}

export function sealTotp(keyring: Pick<Keyring, 'seal'>, userId: UserId, secret: Uint8Array): string {
  return keyring.seal(totpPlace(userId), base32(secret));
}

/** `sealed` empty: the account has no secret, and no code is right. Throws when the seal is broken: nobody gets in by that. */
export function verifyTotp(
  parts: { readonly keyring: Pick<Keyring, 'open'> },
  given: { readonly userId: UserId; readonly sealed: string; readonly code: string; readonly now: Millis },
): StepMatch {
  const { userId, sealed, code, now } = given;
  if (sealed === '') return { kind: 'none' };
  const opened = parts.keyring.open(totpPlace(userId), sealed);
  if (opened.kind === 'damaged') throw new Error(`Cannot open the TOTP secret of ${userId}: ${opened.why}`);
  const form = readBase32(opened.bytes.toString());
  if (form.kind === 'malformed') throw new Error(`Cannot read the TOTP secret of ${userId}`);
  return matchStep(form.bytes, code, now);
}
