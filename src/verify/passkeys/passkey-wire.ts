/**
 * What browsers send of passkeys, read strictly: any other shape is no response at all, and what a browser says it had
 * signed is read by the one JSON reader, so that no second reading of it is possible.
 */
import { readJson } from '../../request/json.ts';
import type { PasskeyRow } from '../../store/rows.ts';
import type { Origin, UserId } from '../../types.ts';

/** How long a browser waits for its person; what they answer to lives as long or longer (3-rules, Second factors). */
export const passkeyTimeoutMs = 120_000;

export interface Rejected {
  readonly kind: 'rejected';
  readonly cause: string;
}

export function rejected(cause: string): Rejected {
  return { kind: 'rejected', cause };
}

/** AuthenticationResponseJSON, as far as it is used. */
export interface Assertion {
  readonly kind: 'assertion';
  readonly id: string;
  readonly clientDataJSON: string;
  readonly authenticatorData: string;
  readonly signature: string;
  readonly userHandle: string | undefined;
}

export function readAssertion(response: unknown): Rejected | Assertion {
  const { id, rawId, type, response: inner } = recordOf(response);
  const { clientDataJSON, authenticatorData, signature, userHandle } = recordOf(inner);
  if (type !== 'public-key' || !isCredentialId(id) || rawId !== id) return rejected('malformed');
  if (!isBase64url(clientDataJSON) || !isBase64url(authenticatorData) || !isBase64url(signature))
    return rejected('malformed');
  // Browsers write none as null, as an empty text, or not at all.
  const noHandle = userHandle === undefined || userHandle === null || userHandle === '';
  if (!noHandle && !isBase64url(userHandle)) return rejected('malformed');
  return {
    kind: 'assertion',
    id,
    clientDataJSON,
    authenticatorData,
    signature,
    userHandle: noHandle ? undefined : userHandle,
  };
}

/** RegistrationResponseJSON, as far as it is used. */
export interface Registration {
  readonly kind: 'registration';
  readonly id: string;
  readonly clientDataJSON: string;
  readonly attestationObject: string;
  readonly transports: readonly string[];
}

/** Those that the specification names; a browser may know more, which nobody here could use. */
const transportNames: ReadonlySet<unknown> = new Set([
  'ble',
  'cable',
  'hybrid',
  'internal',
  'nfc',
  'smart-card',
  'usb',
]);

export function readRegistration(response: unknown): Rejected | Registration {
  const { id, rawId, type, response: inner } = recordOf(response);
  const { clientDataJSON, attestationObject, transports } = recordOf(inner);
  if (type !== 'public-key' || !isCredentialId(id) || rawId !== id) return rejected('malformed');
  if (!isBase64url(clientDataJSON) || !isBase64url(attestationObject)) return rejected('malformed');
  const named: readonly unknown[] = Array.isArray(transports) ? transports : [];
  return {
    kind: 'registration',
    id,
    clientDataJSON,
    attestationObject,
    transports: [...new Set(named)].filter((each): each is string => transportNames.has(each)).toSorted(),
  };
}

export type ChallengeNamed = { readonly kind: 'none' } | { readonly kind: 'named'; readonly challenge: string };

/** The challenge that a response says it answers: for the caller to spend, and believed in nothing else. */
export function challengeNamedBy(response: unknown): ChallengeNamed {
  const { clientDataJSON } = recordOf(recordOf(response)['response']);
  const challenge = isBase64url(clientDataJSON) ? clientDataOf(clientDataJSON)['challenge'] : undefined;
  return typeof challenge === 'string' ? { kind: 'named', challenge } : { kind: 'none' };
}

/** What the browser says it had signed: on our page, for our challenge, for that purpose, in no frame of another site's. */
export function judgeClientData(
  clientDataJSON: string,
  expected: { readonly type: 'webauthn.get' | 'webauthn.create'; readonly challenge: string; readonly origin: Origin },
): Rejected | { readonly kind: 'as-expected' } {
  const { type, challenge, origin, crossOrigin, topOrigin } = clientDataOf(clientDataJSON);
  if (type !== expected.type) return rejected('wrong-type');
  if (challenge !== expected.challenge) return rejected('wrong-challenge');
  if (origin !== expected.origin) return rejected('wrong-origin');
  if ((crossOrigin !== undefined && crossOrigin !== false) || topOrigin !== undefined) return rejected('cross-origin');
  return { kind: 'as-expected' };
}

/** What an authenticator keeps to tell whose passkey it is; the browser gives it back. */
export function userHandleOf(userId: UserId): string {
  return Buffer.from(userId, 'utf8').toString('base64url');
}

/** PublicKeyCredentialDescriptorJSON */
export function descriptorOf({ id, transports }: Pick<PasskeyRow, 'id' | 'transports'>) {
  return { id, type: 'public-key', transports };
}

export function bytesOf(base64url: string): Uint8Array<ArrayBuffer> {
  return new Uint8Array(Buffer.from(base64url, 'base64url'));
}

function clientDataOf(base64url: string): Readonly<Record<string, unknown>> {
  const reading = readJson(bytesOf(base64url));
  return reading.kind === 'value' ? recordOf(reading.value) : {};
}

function recordOf(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === 'object' && value !== null && !Array.isArray(value) ? (value as Record<string, unknown>) : {};
}

function isBase64url(value: unknown): value is string {
  return typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value);
}

/** A credential id has at most 1023 bytes (WebAuthn Level 3, section 4). */
function isCredentialId(value: unknown): value is string {
  return isBase64url(value) && value.length <= 1364;
}
