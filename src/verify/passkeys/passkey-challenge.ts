/**
 * Step 3 for challenges of passkeys that no pending sign-in gives: 16 random bytes, when they end, and a keyed digest over
 * both, their purpose and what they were made for. Nothing is stored until one is answered; the first answer wins.
 */
import { compareDigests, digest, keyedDigest } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Millis } from '../../types.ts';
import { passkeyTimeoutMs } from './passkey-wire.ts';

/** `context`: who alone may answer it; the session that enrols, nobody known for a sign-in. */
export interface ChallengePurpose {
  readonly purpose: 'sign-in' | 'enrol';
  readonly context: string;
}

export interface PasskeyChallenges {
  /** 32 bytes, base64url. */
  make(given: ChallengePurpose): string;
  /** Whether it was made here, for that, and is not too old; spends nothing. */
  look(challenge: string, given: ChallengePurpose): { readonly kind: 'invalid' } | { readonly kind: 'ours' };
  /** Makes a row where it is ours: only for whoever has proven something. The first one wins. */
  spend(challenge: string, given: ChallengePurpose): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'spent' }>;
}

export function passkeyChallenges(parts: {
  /** The first makes them; those that any of them made are ours. */
  readonly keys: () => readonly Uint8Array[];
  readonly random: Random;
  readonly clock: Clock;
  readonly store: Pick<Store, 'claimOnce'>;
}): PasskeyChallenges {
  /** 96 bits of it: a guess lives for two minutes. */
  const sign = (key: Uint8Array, made: Buffer, { purpose, context }: ChallengePurpose): string =>
    keyedDigest(key, 'passkey-challenge', purpose, context, made.toString('base64url')).slice(0, 16);

  const read = (
    challenge: string,
    given: ChallengePurpose,
  ): { readonly kind: 'invalid' } | { readonly kind: 'ours'; readonly expiresAt: Millis } => {
    const bytes = Buffer.from(challenge, 'base64url');
    // One spelling: another one of the same bytes would be claimed a second time.
    if (bytes.length !== 32 || bytes.toString('base64url') !== challenge) return { kind: 'invalid' };
    const made = bytes.subarray(0, 20);
    const mac = bytes.subarray(20).toString('base64url');
    const ours = parts.keys().some((key) => compareDigests(mac, sign(key, made, given)).kind === 'equal');
    if (!ours) return { kind: 'invalid' };
    const expiresAt = (made.readUInt32BE(16) * 1000) as Millis;
    return parts.clock.now() >= expiresAt ? { kind: 'invalid' } : { kind: 'ours', expiresAt };
  };

  return {
    look: read,
    make: (given) => {
      const made = Buffer.alloc(20);
      made.set(parts.random.bytes(16));
      made.writeUInt32BE(Math.floor((parts.clock.now() + passkeyTimeoutMs) / 1000), 16);
      const [key = new Uint8Array()] = parts.keys();
      return Buffer.concat([made, Buffer.from(sign(key, made, given), 'base64url')]).toString('base64url');
    },
    spend: async (challenge, given) => {
      const found = read(challenge, given);
      if (found.kind === 'invalid') return found;
      const { expiresAt } = found;
      const claim = await parts.store.claimOnce({ purpose: 'passkey-challenge', digest: digest(challenge), expiresAt });
      return claim.kind === 'first' ? { kind: 'spent' } : { kind: 'invalid' };
    },
  };
}
