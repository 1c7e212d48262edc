/**
 * An authenticator and the browser in front of it, in software: keeps passkeys, signs what it is asked to, and lies about
 * any part of it where a test wants that. CBOR and COSE as far as they are needed, written by hand.
 */
import { createHash, generateKeyPairSync, type KeyObject, randomBytes, sign } from 'node:crypto';

export type Algorithm = 'ES256' | 'EdDSA' | 'RS256';

export interface Credential {
  readonly id: string;
  readonly rpId: string;
  readonly userHandle: string;
  readonly algorithm: Algorithm;
  readonly key: KeyObject;
  readonly cose: Buffer;
  counter: number;
}

/** What a test may have wrong; all else is as the options ask for. */
export interface Twist {
  /** Fields of what the browser says it had signed: `type`, `challenge`, `origin`, `crossOrigin`, `topOrigin`. */
  readonly clientData?: Readonly<Record<string, unknown>>;
  /** The text of it, after that. */
  readonly clientDataText?: (text: string) => string;
  /** Whose relying party the authenticator says it signs for. */
  readonly rpId?: string;
  readonly userPresent?: boolean;
  readonly userVerified?: boolean;
  /** Eligible for backup, and backed up: a synchronised passkey. */
  readonly synced?: boolean;
  readonly counter?: number;
  /** Null: the authenticator gives none, as one does that keeps nothing by itself. */
  readonly userHandle?: string | null;
  /** Signs instead of the credential's own key. */
  readonly key?: KeyObject;
  /** Bytes signed, after that. */
  readonly signature?: (signature: Buffer) => Buffer;
  /** Authenticator data, after that. */
  readonly authenticatorData?: (data: Buffer) => Buffer;
  /** Attestation statement and its name in place of `none`. */
  readonly attestation?: { readonly fmt: string; readonly attStmt: Cbor };
  readonly algorithm?: Algorithm;
  readonly transports?: unknown;
  /** Bytes of a new credential's id. */
  readonly idBytes?: number;
}

export interface PasskeyResponse {
  readonly id: string;
  readonly rawId: string;
  readonly type: 'public-key';
  readonly clientExtensionResults: Readonly<Record<string, never>>;
  readonly response: Readonly<Record<string, unknown>>;
}

/** Options as the server gives them; more fields than these are not looked at. */
export type PasskeyOptions = Readonly<Record<string, unknown>>;

export interface Authenticator {
  readonly credentials: Credential[];
  /** `navigator.credentials.create` on a page of that origin. */
  create(options: PasskeyOptions, origin: string, twist?: Twist): PasskeyResponse;
  /** `navigator.credentials.get`: by the last passkey that the options allow. */
  get(options: PasskeyOptions, origin: string, twist?: Twist): PasskeyResponse;
}

export function authenticator(): Authenticator {
  const credentials: Credential[] = [];
  return {
    credentials,

    create: (options, origin, twist = {}) => {
      const { algorithm = 'ES256' } = twist;
      const rpId = (options['rp'] as { readonly id: string }).id;
      const user = options['user'] as { readonly id: string };
      const { key, cose } = newKey(algorithm);
      const id = randomBytes(twist.idBytes ?? 32);
      const credential: Credential = {
        id: id.toString('base64url'),
        rpId,
        userHandle: user.id,
        algorithm,
        key,
        cose,
        counter: 0,
      };
      credentials.push(credential);
      const attested = Buffer.concat([Buffer.alloc(16), uint(id.length, 2), id, cose]);
      const clientDataJSON = clientData('webauthn.create', options, origin, twist);
      const authData = dataOf(credential, twist, attested);
      const { fmt, attStmt } = twist.attestation ?? { fmt: 'none', attStmt: new Map() };
      const attestationObject = cbor(
        new Map<string, Cbor>([
          ['fmt', fmt],
          ['attStmt', attStmt],
          ['authData', authData],
        ]),
      );
      return {
        id: credential.id,
        rawId: credential.id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          attestationObject: attestationObject.toString('base64url'),
          transports: twist.transports ?? ['internal', 'hybrid'],
        },
      };
    },

    get: (options, origin, twist = {}) => {
      const allowed = (options['allowCredentials'] ?? []) as readonly { readonly id: string }[];
      const credential = credentials.findLast(
        (each) => each.rpId === options['rpId'] && (allowed.length === 0 || allowed.some(({ id }) => id === each.id)),
      );
      if (credential === undefined) throw new Error('The authenticator has no passkey that is allowed.');
      credential.counter += 1;
      const clientDataJSON = clientData('webauthn.get', options, origin, twist);
      const authenticatorData = dataOf(credential, twist);
      const signature = signed(credential, Buffer.concat([authenticatorData, sha256(clientDataJSON)]), twist);
      const userHandle = twist.userHandle === undefined ? credential.userHandle : twist.userHandle;
      return {
        id: credential.id,
        rawId: credential.id,
        type: 'public-key',
        clientExtensionResults: {},
        response: {
          clientDataJSON: clientDataJSON.toString('base64url'),
          authenticatorData: authenticatorData.toString('base64url'),
          signature: signature.toString('base64url'),
          ...(userHandle === null ? {} : { userHandle }),
        },
      };
    },
  };
}

function clientData(type: string, options: PasskeyOptions, origin: string, twist: Twist): Buffer {
  const text = JSON.stringify({
    type,
    challenge: options['challenge'],
    origin,
    crossOrigin: false,
    ...twist.clientData,
  });
  return Buffer.from(twist.clientDataText?.(text) ?? text);
}

function dataOf(credential: Credential, twist: Twist, attested?: Buffer): Buffer {
  const { userPresent = true, userVerified = true, synced = false, counter = credential.counter } = twist;
  const flags =
    (userPresent ? 1 : 0) | (userVerified ? 4 : 0) | (synced ? 8 + 16 : 0) | (attested === undefined ? 0 : 64);
  const data = Buffer.concat([
    sha256(twist.rpId ?? credential.rpId),
    Buffer.of(flags),
    uint(counter, 4),
    attested ?? Buffer.alloc(0),
  ]);
  return twist.authenticatorData?.(data) ?? data;
}

function signed(credential: Credential, bytes: Buffer, twist: Twist): Buffer {
  const key = twist.key ?? credential.key;
  const signature = sign(credential.algorithm === 'EdDSA' ? null : 'sha256', bytes, key);
  return twist.signature?.(signature) ?? signature;
}

export function newKey(algorithm: Algorithm): { readonly key: KeyObject; readonly cose: Buffer } {
  const { privateKey: key } = pairOf(algorithm);
  const jwk = key.export({ format: 'jwk' });
  const part = (name: 'x' | 'y' | 'n' | 'e'): Buffer => Buffer.from(jwk[name] ?? '', 'base64url');
  switch (algorithm) {
    case 'ES256':
      return { key, cose: coseKey([1, 2], [3, -7], [-1, 1], [-2, part('x')], [-3, part('y')]) };
    case 'EdDSA':
      return { key, cose: coseKey([1, 1], [3, -8], [-1, 6], [-2, part('x')]) };
    case 'RS256':
      return { key, cose: coseKey([1, 3], [3, -257], [-1, part('n')], [-2, part('e')]) };
  }
}

function pairOf(algorithm: Algorithm) {
  switch (algorithm) {
    case 'ES256':
      return generateKeyPairSync('ec', { namedCurve: 'P-256' });
    case 'EdDSA':
      return generateKeyPairSync('ed25519');
    case 'RS256':
      return generateKeyPairSync('rsa', { modulusLength: 2048 });
  }
}

function coseKey(...entries: readonly (readonly [number, Cbor])[]): Buffer {
  return cbor(new Map(entries));
}

export type Cbor = number | string | Buffer | readonly Cbor[] | ReadonlyMap<string | number, Cbor>;

/** RFC 8949, as far as authenticators use it: whole numbers, bytes, text, lists, maps. */
export function cbor(value: Cbor): Buffer {
  if (typeof value === 'number') return value < 0 ? head(1, -1 - value) : head(0, value);
  if (typeof value === 'string') return Buffer.concat([head(3, Buffer.byteLength(value)), Buffer.from(value)]);
  if (Buffer.isBuffer(value)) return Buffer.concat([head(2, value.length), value]);
  if (value instanceof Map)
    return Buffer.concat([head(5, value.size), ...[...value].flatMap(([key, each]) => [cbor(key), cbor(each)])]);
  const list = value as readonly Cbor[];
  return Buffer.concat([head(4, list.length), ...list.map(cbor)]);
}

function head(type: number, size: number): Buffer {
  if (size < 24) return Buffer.of((type << 5) | size);
  if (size < 256) return Buffer.of((type << 5) | 24, size);
  return Buffer.concat([Buffer.of((type << 5) | 25), uint(size, 2)]);
}

function uint(value: number, bytes: number): Buffer {
  const written = Buffer.alloc(bytes);
  written.writeUIntBE(value, 0, bytes);
  return written;
}

function sha256(data: string | Buffer): Buffer {
  return createHash('sha256').update(data).digest();
}
