/**
 * Step 3 for passkeys: is the assertion genuine, for this challenge, on this origin, and by a passkey of that account
 * (WebAuthn Level 3, section 7.2)? The signature is judged by a library, loaded when the first one comes.
 * Stops: replay, phishing sites, somebody else's passkey, relabelled messages.
 */
import { hostOf } from '../../request/origin.ts';
import type { PasskeyRow, UserRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { Origin, UserId } from '../../types.ts';
import {
  bytesOf,
  descriptorOf,
  judgeClientData,
  passkeyTimeoutMs,
  readAssertion,
  rejected,
  type Rejected,
  userHandleOf,
} from './passkey-wire.ts';

export type PasskeyProof =
  | Rejected
  | {
      readonly kind: 'proven';
      readonly user: UserRow;
      readonly passkey: PasskeyRow;
      readonly counter: number;
      readonly backedUp: boolean;
    };

export type UserVerification = 'required' | 'preferred';

export interface PasskeyVerifier {
  /** PublicKeyCredentialRequestOptionsJSON */
  requestOptions(given: {
    readonly challenge: string;
    readonly rpId: string;
    /** Those of another relying party are left out. None at all lets the browser offer whichever it has. */
    readonly passkeys: readonly PasskeyRow[];
    readonly userVerification: UserVerification;
  }): Readonly<Record<string, unknown>>;
  /**
   * Genuine, for that challenge, origin and relying party; of that user (null: of whoever the assertion names, user handle
   * required). Spends nothing: the caller spends the challenge, then calls `store.usePasskey`.
   */
  verify(given: {
    readonly response: unknown;
    readonly challenge: string;
    readonly origin: Origin;
    readonly rpId: string;
    readonly userId: UserId | null;
    readonly userVerification: UserVerification;
  }): Promise<PasskeyProof>;
}

export function passkeyVerifier(parts: { readonly store: Pick<Store, 'passkeyById'> }): PasskeyVerifier {
  return {
    requestOptions: ({ challenge, rpId, passkeys, userVerification }) => ({
      challenge,
      rpId,
      timeout: passkeyTimeoutMs,
      userVerification,
      allowCredentials: passkeys.filter((each) => each.rpId === rpId).map(descriptorOf),
    }),

    verify: async ({ response, challenge, origin, rpId, userId, userVerification }) => {
      const assertion = readAssertion(response);
      if (assertion.kind === 'rejected') return assertion;
      const signed = judgeClientData(assertion.clientDataJSON, { type: 'webauthn.get', challenge, origin });
      if (signed.kind === 'rejected') return signed;
      const known = await parts.store.passkeyById(assertion.id);
      if (known.kind === 'unknown') return rejected('unknown-passkey');
      const { passkey, user } = known;
      if (userId !== null && user.id !== userId) return rejected('passkey-of-another');
      // The authenticator says whose it is: without that word it was not made to be found by itself.
      if (assertion.userHandle === undefined ? userId === null : assertion.userHandle !== userHandleOf(user.id))
        return rejected('wrong-user-handle');
      if (passkey.rpId !== rpId) return rejected('other-relying-party');
      const { verifyAuthenticationResponse } = await import('@simplewebauthn/server');
      const { id, clientDataJSON, authenticatorData, signature } = assertion;
      const verified = await verifyAuthenticationResponse({
        response: {
          id,
          rawId: id,
          type: 'public-key',
          clientExtensionResults: {},
          response: { clientDataJSON, authenticatorData, signature },
        },
        expectedChallenge: challenge,
        expectedOrigin: origin,
        expectedRPID: rpId,
        requireUserVerification: userVerification === 'required',
        // The counter is the store's to judge: one that went back is told, and locks nobody out.
        credential: { id, publicKey: bytesOf(passkey.publicKey), counter: 0 },
      }).catch(() => ({ verified: false as const }));
      if (!verified.verified) return rejected('not-genuine');
      if (!user.active) return rejected('disabled');
      const { newCounter, credentialBackedUp } = verified.authenticationInfo;
      return { kind: 'proven', user, passkey, counter: newCounter, backedUp: credentialBackedUp };
    },
  };
}

export type RelyingParty = { readonly kind: 'address' } | { readonly kind: 'name'; readonly rpId: string };

/** rp id of a console origin; `address`: its host is an IP address. */
export function rpIdOf(origin: Origin): RelyingParty {
  const name = hostOf(origin).replace(/:\d+$/, '');
  // A last label that is a number makes browsers read the whole as an address (URL Standard, host parsing).
  return name.startsWith('[') || /(?:^|\.)(?:\d+|0x[0-9a-f]*)$/.test(name)
    ? { kind: 'address' }
    : { kind: 'name', rpId: name };
}
