/**
 * The test vectors of WebAuthn Level 3 (its chapter of that name), made anew by the recipe that stands there: every random
 * value is HKDF-SHA-256 over one text, a counter as salt and the vector's name; signatures with ECDSA take their nonce from
 * RFC 6979. `passkey-vectors.test.ts` compares digests of what comes out with those of the published bytes.
 */
import { createECDH, createHash, createHmac, createPrivateKey, hkdfSync, type KeyObject, sign } from 'node:crypto';
import { cbor, type Cbor } from './authenticator.ts';

export interface Vector {
  readonly id: Buffer;
  readonly registration: {
    readonly challenge: Buffer;
    readonly clientDataJSON: Buffer;
    readonly attestationObject: Buffer;
    readonly authenticatorData: Buffer;
  };
  readonly assertion: {
    readonly challenge: Buffer;
    readonly clientDataJSON: Buffer;
    readonly authenticatorData: Buffer;
    readonly signature: Buffer;
  };
}

interface Recipe {
  readonly name: string;
  readonly algorithm: 'ES256' | 'EdDSA' | 'RS256';
  /** `certified`: two more random values are drawn, for what stands in a certificate; the statement itself is left out here. */
  readonly attestation: 'none' | 'self' | 'certified';
  readonly idBytes?: number;
  readonly frame?: 'cross-origin' | 'top-origin';
}

export const recipes = {
  none: { name: 'none.ES256', algorithm: 'ES256', attestation: 'none' },
  self: { name: 'packed-self.ES256', algorithm: 'ES256', attestation: 'self' },
  long: { name: 'none.ES256.long-credential-id', algorithm: 'ES256', attestation: 'none', idBytes: 1023 },
  crossOrigin: { name: 'none.ES256.crossOrigin', algorithm: 'ES256', attestation: 'none', frame: 'cross-origin' },
  topOrigin: { name: 'none.ES256.topOrigin', algorithm: 'ES256', attestation: 'none', frame: 'top-origin' },
  rsa: { name: 'packed.RS256', algorithm: 'RS256', attestation: 'certified' },
  edwards: { name: 'packed.EdDSA', algorithm: 'EdDSA', attestation: 'certified' },
} as const satisfies Readonly<Record<string, Recipe>>;

export function vector(recipe: Recipe): Vector {
  let drawn = 0;
  const draw = (length: number): Buffer => {
    const salt = Buffer.of(drawn);
    drawn += 1;
    return Buffer.from(hkdfSync('sha256', 'WebAuthn test vectors', salt, recipe.name, length));
  };
  const clientData = (type: string, challenge: Buffer): Buffer => {
    const more = (draw(1)[0] ?? 0) & 1 ? draw(16) : undefined;
    return Buffer.from(
      JSON.stringify({
        type,
        challenge: challenge.toString('base64url'),
        origin: 'https://example.org',
        crossOrigin: recipe.frame !== undefined,
        ...(recipe.frame === 'top-origin' ? { topOrigin: 'https://example.com' } : {}),
        ...(more === undefined
          ? {}
          : {
              extraData: `clientDataJSON may be extended with additional fields in the future, such as this: ${more.toString('base64url')}`,
            }),
      }),
    );
  };
  const rpIdHash = sha256(Buffer.from('example.org'));

  const registering = draw(32);
  const key = keyOf(recipe.algorithm, recipe.algorithm === 'RS256' ? Buffer.alloc(0) : draw(32));
  const created = clientData('webauthn.create', registering);
  const aaguid = draw(16);
  const id = draw(recipe.idBytes ?? 32);
  const wanted = (draw(1)[0] ?? 0) & 0x1c;
  // Backed up is only what may be.
  const standing = wanted & 8 ? wanted : wanted & 4;
  const length = Buffer.alloc(2);
  length.writeUInt16BE(id.length);
  const authData = Buffer.concat([rpIdHash, Buffer.of(0x41 | standing), Buffer.alloc(4), aaguid, length, id, key.cose]);
  const statement =
    recipe.attestation === 'self'
      ? new Map<string, Cbor>([
          ['alg', -7],
          ['sig', key.sign(Buffer.concat([authData, sha256(created)]))],
        ])
      : new Map<string, Cbor>();
  const attestationObject = cbor(
    new Map<string, Cbor>([
      ['fmt', recipe.attestation === 'self' ? 'packed' : 'none'],
      ['attStmt', statement],
      ['authData', authData],
    ]),
  );
  if (recipe.attestation === 'certified') drawn += 2;

  const challenge = draw(32);
  const got = clientData('webauthn.get', challenge);
  const now = (draw(1)[0] ?? 0) & (standing & 8 ? 0x14 : 4);
  const authenticatorData = Buffer.concat([rpIdHash, Buffer.of(1 | (standing & 8) | now), Buffer.alloc(4)]);
  const signature = key.sign(Buffer.concat([authenticatorData, sha256(got)]));
  return {
    id,
    registration: {
      challenge: registering,
      clientDataJSON: created,
      attestationObject,
      authenticatorData: authData,
    },
    assertion: { challenge, clientDataJSON: got, authenticatorData, signature },
  };
}

interface VectorKey {
  readonly cose: Buffer;
  sign(bytes: Buffer): Buffer;
}

function keyOf(algorithm: Recipe['algorithm'], secret: Buffer): VectorKey {
  switch (algorithm) {
    case 'ES256': {
      const point = pointOf(secret);
      const cose = new Map<number, Cbor>([
        [1, 2],
        [3, -7],
        [-1, 1],
        [-2, point.subarray(1, 33)],
        [-3, point.subarray(33)],
      ]);
      return { cose: cbor(cose), sign: (bytes) => signDeterministically(secret, bytes) };
    }
    case 'EdDSA': {
      const head = Buffer.from('302e020100300506032b657004220420', 'hex');
      const key = createPrivateKey({ key: Buffer.concat([head, secret]), format: 'der', type: 'pkcs8' });
      const x = Buffer.from(String(key.export({ format: 'jwk' }).x), 'base64url');
      const cose = new Map<number, Cbor>([
        [1, 1],
        [3, -8],
        [-1, 6],
        [-2, x],
      ]);
      return { cose: cbor(cose), sign: (bytes) => sign(null, bytes, key) };
    }
    case 'RS256': {
      const { key, n, e } = mersenneKey();
      const cose = new Map<number, Cbor>([
        [1, 3],
        [3, -257],
        [-1, n],
        [-2, e],
      ]);
      return { cose: cbor(cose), sign: (bytes) => sign('sha256', bytes, key) };
    }
  }
}

/** Of the two smallest Mersenne primes with an exponent of 1024 or more. */
function mersenneKey(): { readonly key: KeyObject; readonly n: Buffer; readonly e: Buffer } {
  const p = 2n ** 1279n - 1n;
  const q = 2n ** 2203n - 1n;
  const e = 65_537n;
  const d = inverse(e, (p - 1n) * (q - 1n));
  const parts = { n: p * q, e, d, p, q, dp: d % (p - 1n), dq: d % (q - 1n), qi: inverse(q, p) };
  const jwk = Object.fromEntries(
    Object.entries(parts).map(([name, value]) => [name, bytes(value).toString('base64url')]),
  );
  return { key: createPrivateKey({ key: { kty: 'RSA', ...jwk }, format: 'jwk' }), n: bytes(parts.n), e: bytes(e) };
}

/** Order of P-256 (FIPS 186-5). */
const order = 0xffffffff00000000ffffffffffffffffbce6faada7179e84f3b9cac2fc632551n;

/** RFC 6979 section 3.2, for P-256 and SHA-256: as DER. */
function signDeterministically(secret: Buffer, message: Buffer): Buffer {
  const hash = sha256(message);
  const d = numberOf(secret);
  const z = numberOf(hash);
  const seed = Buffer.concat([bytes(d, 32), bytes(z % order, 32)]);
  let v = Buffer.alloc(32, 1);
  let k = Buffer.alloc(32, 0);
  const mac = (...parts: readonly Uint8Array[]): Buffer<ArrayBuffer> =>
    Buffer.from(createHmac('sha256', k).update(Buffer.concat(parts)).digest());
  for (const mark of [0, 1]) {
    k = mac(v, Buffer.of(mark), seed);
    v = mac(v);
  }
  for (;;) {
    v = mac(v);
    const nonce = numberOf(v);
    if (nonce > 0n && nonce < order) {
      const r = numberOf(pointOf(v).subarray(1, 33)) % order;
      const s = (inverse(nonce, order) * (z + r * d)) % order;
      if (r !== 0n && s !== 0n) return der(0x30, Buffer.concat([derInteger(r), derInteger(s)]));
    }
    k = mac(v, Buffer.of(0));
    v = mac(v);
  }
}

function pointOf(secret: Buffer): Buffer {
  const curve = createECDH('prime256v1');
  curve.setPrivateKey(secret);
  return curve.getPublicKey();
}

function derInteger(value: bigint): Buffer {
  const plain = bytes(value);
  return der(2, (plain[0] ?? 0) & 0x80 ? Buffer.concat([Buffer.of(0), plain]) : plain);
}

function der(tag: number, inside: Buffer): Buffer {
  return Buffer.concat([Buffer.of(tag, inside.length), inside]);
}

function numberOf(value: Buffer): bigint {
  return BigInt(`0x${value.toString('hex')}`);
}

function bytes(value: bigint, length = 0): Buffer<ArrayBuffer> {
  const hex = value.toString(16);
  return Buffer.from(hex.padStart(Math.max(length * 2, hex.length + (hex.length % 2)), '0'), 'hex');
}

function inverse(value: bigint, modulus: bigint): bigint {
  let [a, b, x, y] = [value % modulus, modulus, 1n, 0n];
  while (a > 1n) {
    const quotient = a / b;
    [a, b] = [b, a % b];
    [x, y] = [y, x - quotient * y];
  }
  return x < 0n ? x + modulus : x;
}

function sha256(data: Uint8Array): Buffer<ArrayBuffer> {
  return Buffer.from(createHash('sha256').update(data).digest());
}
