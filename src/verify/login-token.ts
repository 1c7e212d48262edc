/**
 * Step 3 for login tokens (MX2): a cookie sign-in needs a token that this site handed to this browser in the last 30
 * seconds, so that no other site can sign a browser in. The cookie holds a random nonce, the token its keyed digest;
 * neither is stored, and the first claim wins.
 */
import { compareDigests, digest, keyedDigest } from '../crypto/digest.ts';
import { newSecret, type Random } from '../crypto/random.ts';
import type { Store } from '../store/store.ts';
import type { Clock, Digest, Millis } from '../types.ts';

export const loginTokenSeconds = 30;

export interface LoginTokens {
  make(): { readonly token: string; readonly nonce: string };
  /** Whether this site handed it to that browser a moment ago; spends nothing. */
  look(token: string, nonce: string | undefined): { readonly kind: 'invalid' } | { readonly kind: 'valid' };
  /** Spends it, whatever the sign-in then comes to. That is a row: some limit comes before it. */
  spend(token: string, nonce: string | undefined): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'spent' }>;
}

export function loginTokens(parts: {
  /** The first makes them; those that any of them made are good. */
  keys: () => readonly Uint8Array[];
  random: Random;
  clock: Clock;
  store: Pick<Store, 'claimOnce'>;
}): LoginTokens {
  const sign = (key: Uint8Array, nonce: string, expires: string): string =>
    keyedDigest(key, 'login-token', nonce, expires);
  const read = (
    token: string,
    nonce: string | undefined,
  ): { readonly kind: 'invalid' } | { readonly kind: 'valid'; readonly digest: Digest; readonly expiresAt: Millis } => {
    const [expires = '', mac = '', ...more] = token.split('.');
    if (nonce === undefined || more.length > 0 || !/^\d{10,16}$/.test(expires)) return { kind: 'invalid' };
    const made = parts.keys().some((key) => compareDigests(mac, sign(key, nonce, expires)).kind === 'equal');
    if (!made) return { kind: 'invalid' };
    if (parts.clock.now() >= Number(expires)) return { kind: 'invalid' };
    return { kind: 'valid', digest: digest(nonce), expiresAt: Number(expires) as Millis };
  };

  return {
    look: read,
    make: () => {
      const nonce = newSecret(parts.random);
      const expires = String(parts.clock.now() + loginTokenSeconds * 1000);
      const [key = new Uint8Array()] = parts.keys();
      return { nonce, token: `${expires}.${sign(key, nonce, expires)}` };
    },
    spend: async (token, nonce) => {
      const found = read(token, nonce);
      if (found.kind === 'invalid') return found;
      const { digest: claimed, expiresAt } = found;
      const claim = await parts.store.claimOnce({ purpose: 'login-token', digest: claimed, expiresAt });
      return claim.kind === 'first' ? { kind: 'spent' } : { kind: 'invalid' };
    },
  };
}
