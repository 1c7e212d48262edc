import assert from 'node:assert/strict';
import { createHash } from 'node:crypto';
import { describe, it } from 'node:test';
import { recipes, type Vector, vector } from '../../../test/support/webauthn-vectors.ts';
import type { PasskeyRow, UserRow } from '../../store/rows.ts';
import type { Millis, Origin, UserId } from '../../types.ts';
import { passkeyVerifier } from './passkey.ts';
import { type NewPasskey, verifyRegistration } from './passkey-registration.ts';

/** SHA-256 over the published bytes, one after the other in the order in which they are given here. */
const published: Readonly<Record<keyof typeof recipes, Published>> = {
  none: {
    registration: '97f7363ef977f1adda3f4eb9dac571b756fc14baee813a36c056a80902f7a643',
    assertion: 'a640d990384b3a0fef680db8e37ced71f1d8c97df34bf7259aab8f33e4f5d106',
    attestation: 'c0aa49c57f59765c9f47e6000c04dfe66547a3bd2a6e003a82e336a6e569cb7f',
  },
  self: {
    registration: '14c2f3a9d0bfe9f209092369c5e8b3cf029bef1b5d36d24bfdf03114a74a48b9',
    assertion: '8c823d5e45ca6756257c646393ae7a812d63f4d1213fc3bb60e82afc39bcf529',
    attestation: '69499bf5257be4e618f4462e458666d9827a713bca423b8bb77e8ef214f49f9f',
  },
  long: {
    registration: 'f24eec30b112d262e0c5e8a53b6a39aefaaf9ddf9f30a523a96385a5efa9d91e',
    assertion: '67aa19969085dba59238047c079609a0365fb2f7ff4acf741f64ccfe0bdd2837',
    attestation: 'c70087bde55d1a8207667876cfe14924d9caf8f522a9db4c7493ea9f3b5e4e5b',
  },
  crossOrigin: {
    registration: '431992737a35517105ba1f4e5b05c91a7b25c50f30c409b5a6f718f9e38c6c8d',
    assertion: '9879d4c1520c5b2183f5cbac0b5f4859c5cc6f1158d4ef30e1ba05e511f89494',
    attestation: '967a55ac8209a99f56256db28c4d03cd16b7c1557bbe57021227204a5932c106',
  },
  topOrigin: {
    registration: '58a08e39734d3ba000eb408189282eb392b79b1a168e2551db60a5bf1793c6fe',
    assertion: '25de364b8f75c266f41654ea7c0c2af7b27715dc2ca60d8871d0f21271e0c277',
    attestation: 'e88a736a22ffaf294316d8b00da95a96ae8ec0113ddeed605e3283199102ad2f',
  },
  rsa: {
    registration: '9b548b98b6904c36d00c0157231cf3ec68d61cb8c2edef3c8817fa568c361492',
    assertion: '708af967a66a731d919997f66710f6fdc093483d33969d2b86aa2fe91908275a',
  },
  edwards: {
    registration: '00decd9babe61ba10f71559bc13c8a9e790850414ac5488c09f193cb0dfc7c20',
    assertion: 'bf0db235f2ae4d7e2889b68820ad0c1f9a4e849e4f576c7a3335eccf9e560155',
  },
};

interface Published {
  /** Challenge, client data, authenticator data. */
  readonly registration: string;
  /** The whole attestation object, where it is without certificates. */
  readonly attestation?: string;
  /** Challenge, client data, authenticator data, signature. */
  readonly assertion: string;
}

const origin = 'https://example.org' as Origin;
const rpId = 'example.org';
const refusedAs: Readonly<Record<string, string>> = { crossOrigin: 'cross-origin', topOrigin: 'cross-origin' };

function register({ id, registration }: Vector) {
  const { challenge, clientDataJSON, attestationObject } = registration;
  return verifyRegistration({
    response: {
      id: text(id),
      rawId: text(id),
      type: 'public-key',
      response: { clientDataJSON: text(clientDataJSON), attestationObject: text(attestationObject) },
    },
    challenge: text(challenge),
    origin,
    rpId,
  });
}

function assertWith({ id, assertion }: Vector, known: NewPasskey) {
  const user = { id: 'u_1' as UserId, active: true } as UserRow;
  const passkey: PasskeyRow = {
    ...known,
    userId: user.id,
    name: '',
    createdAt: 0 as Millis,
    usedAt: null,
    flaggedAt: null,
  };
  const { challenge, clientDataJSON, authenticatorData, signature } = assertion;
  return passkeyVerifier({ store: { passkeyById: async () => ({ kind: 'found', passkey, user }) } }).verify({
    response: {
      id: text(id),
      rawId: text(id),
      type: 'public-key',
      response: {
        clientDataJSON: text(clientDataJSON),
        authenticatorData: text(authenticatorData),
        signature: text(signature),
      },
    },
    challenge: text(challenge),
    origin,
    rpId,
    userId: user.id,
    userVerification: 'preferred',
  });
}

describe('M-23: the test vectors of WebAuthn Level 3', () => {
  for (const [name, recipe] of Object.entries(recipes)) {
    it(recipe.name, async () => {
      const made = vector(recipe);
      const { registration, assertion } = made;
      const expected = published[name as keyof typeof recipes];
      assert.equal(
        sha256(registration.challenge, registration.clientDataJSON, registration.authenticatorData),
        expected.registration,
      );
      if (expected.attestation !== undefined)
        assert.equal(sha256(registration.attestationObject), expected.attestation);
      assert.equal(
        sha256(assertion.challenge, assertion.clientDataJSON, assertion.authenticatorData, assertion.signature),
        expected.assertion,
      );

      const cause = refusedAs[name];
      const registered = await register(made);
      if (cause !== undefined) return assert.deepEqual(registered, { kind: 'rejected', cause });
      assert.ok(registered.kind === 'proven', JSON.stringify(registered));
      const proof = await assertWith(made, registered.passkey);
      assert.equal(proof.kind, 'proven', JSON.stringify(proof));
      const other = vector({ ...recipe, name: 'another' });
      assert.deepEqual(
        await assertWith(
          { ...made, assertion: { ...assertion, signature: other.assertion.signature } },
          registered.passkey,
        ),
        {
          kind: 'rejected',
          cause: 'not-genuine',
        },
      );
    });
  }
});

function text(bytes: Buffer): string {
  return bytes.toString('base64url');
}

function sha256(...parts: readonly Buffer[]): string {
  return createHash('sha256').update(Buffer.concat(parts)).digest('hex');
}
