/**
 * Step 3 for new passkeys (WebAuthn Level 3, section 7.1). No attestation is asked for; what certifies an authenticator by
 * a chain is refused, so that nobody's certificate sends us out to fetch a revocation list.
 */
import type { PasskeyRow, UserRow } from '../../store/rows.ts';
import type { Origin } from '../../types.ts';
import {
  bytesOf,
  descriptorOf,
  judgeClientData,
  passkeyTimeoutMs,
  readRegistration,
  rejected,
  type Rejected,
  userHandleOf,
} from './passkey-wire.ts';

/** ES256, EdDSA, RS256: between them every authenticator there is (COSE algorithm numbers). */
const algorithms: readonly number[] = [-7, -8, -257];

/** An RSA key of 8192 bits fits; nothing that signs in reasonable time is larger. */
const longestKeyBytes = 1100;

export type NewPasskey = Pick<
  PasskeyRow,
  'id' | 'rpId' | 'publicKey' | 'counter' | 'transports' | 'deviceType' | 'backedUp'
>;

export type RegistrationProof = Rejected | { readonly kind: 'proven'; readonly passkey: NewPasskey };

/** PublicKeyCredentialCreationOptionsJSON */
export function registrationOptions(given: {
  readonly challenge: string;
  readonly rpId: string;
  readonly user: UserRow;
  /** Those the account has: one authenticator keeps one of them. */
  readonly passkeys: readonly PasskeyRow[];
}): Readonly<Record<string, unknown>> {
  const { challenge, rpId, user, passkeys } = given;
  return {
    challenge,
    rp: { name: `Sallyport (${rpId})`, id: rpId },
    user: { id: userHandleOf(user.id), name: user.username, displayName: user.displayName },
    pubKeyCredParams: algorithms.map((alg) => ({ type: 'public-key', alg })),
    timeout: passkeyTimeoutMs,
    excludeCredentials: passkeys.filter((each) => each.rpId === rpId).map(descriptorOf),
    authenticatorSelection: { residentKey: 'preferred', requireResidentKey: false, userVerification: 'preferred' },
    attestation: 'none',
  };
}

/** Genuine, for that challenge, origin and relying party. Spends nothing: the caller spends the challenge first. */
export async function verifyRegistration(given: {
  readonly response: unknown;
  readonly challenge: string;
  readonly origin: Origin;
  readonly rpId: string;
}): Promise<RegistrationProof> {
  const { challenge, origin, rpId } = given;
  const registration = readRegistration(given.response);
  if (registration.kind === 'rejected') return registration;
  const { id, clientDataJSON, attestationObject, transports } = registration;
  const signed = judgeClientData(clientDataJSON, { type: 'webauthn.create', challenge, origin });
  if (signed.kind === 'rejected') return signed;
  const { verifyRegistrationResponse } = await import('@simplewebauthn/server');
  const { decodeAttestationObject } = await import('@simplewebauthn/server/helpers');
  try {
    const attestation = decodeAttestationObject(bytesOf(attestationObject));
    const format = attestation.get('fmt');
    // `packed` without certificates is the authenticator's word for itself, which browsers let through.
    const selfMade = format === 'packed' && attestation.get('attStmt').get('x5c') === undefined;
    if (format !== 'none' && !selfMade) return rejected('attested');
    const verified = await verifyRegistrationResponse({
      response: {
        id,
        rawId: id,
        type: 'public-key',
        clientExtensionResults: {},
        response: { clientDataJSON, attestationObject },
      },
      expectedChallenge: challenge,
      expectedOrigin: origin,
      expectedRPID: rpId,
      requireUserVerification: false,
      supportedAlgorithmIDs: [...algorithms],
    });
    if (!verified.verified) return rejected('not-genuine');
    const { credential, credentialDeviceType, credentialBackedUp } = verified.registrationInfo;
    if (credential.id !== id) return rejected('malformed');
    if (credential.publicKey.length > longestKeyBytes) return rejected('key-too-long');
    return {
      kind: 'proven',
      passkey: {
        id,
        rpId,
        publicKey: Buffer.from(credential.publicKey).toString('base64url'),
        counter: credential.counter,
        transports,
        deviceType: credentialDeviceType,
        backedUp: credentialBackedUp,
      },
    };
  } catch {
    // The library throws at whatever it cannot read.
    return rejected('not-genuine');
  }
}
