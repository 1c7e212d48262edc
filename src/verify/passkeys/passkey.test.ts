import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import {
  authenticator,
  type Algorithm,
  newKey,
  type PasskeyResponse,
  type Twist,
} from '../../../test/support/authenticator.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { PasskeyRow, UserRow } from '../../store/rows.ts';
import type { Digest, Millis, Origin, UserId, Username } from '../../types.ts';
import { passkeyVerifier, rpIdOf } from './passkey.ts';
import { passkeyChallenges } from './passkey-challenge.ts';
import { registrationOptions, verifyRegistration } from './passkey-registration.ts';
import { challengeNamedBy } from './passkey-wire.ts';

const origin = 'https://door.test:8443' as Origin;
const rpId = 'door.test';
const challenge = Buffer.alloc(32, 7).toString('base64url');

function userNamed(name: string): UserRow {
  return {
    id: `u_${name}` as UserId,
    username: name as Username,
    displayName: name,
    email: '',
    privileges: [],
    groups: [],
    active: true,
    sealedPassword: '',
    sealedTotp: '',
    passkeys: 1,
    passwordLength: 'full',
    passwordStanding: 'own',
    realm: 'local',
    disabledBy: '',
    ticketGeneration: 0,
    credentialGeneration: 1,
    createdAt: 0 as Millis,
  };
}

const alice = userNamed('alice');
const bob = userNamed('bob');

/** Passkeys of both, and a verifier that knows them. */
async function stage(algorithm: Algorithm = 'ES256') {
  const known = new Map<string, { passkey: PasskeyRow; user: UserRow }>();
  const verifier = passkeyVerifier({
    store: {
      passkeyById: async (id) => {
        const found = known.get(id);
        return found === undefined ? { kind: 'unknown' } : { kind: 'found', ...found };
      },
    },
  });
  const enrol = async (user: UserRow) => {
    const device = authenticator();
    const options = registrationOptions({ challenge, rpId, user, passkeys: [] });
    const proof = await verifyRegistration({
      response: device.create(options, origin, { algorithm }),
      challenge,
      origin,
      rpId,
    });
    assert.ok(proof.kind === 'proven', JSON.stringify(proof));
    const passkey = {
      ...proof.passkey,
      userId: user.id,
      name: 'Key',
      createdAt: 0 as Millis,
      usedAt: null,
      flaggedAt: null,
    };
    known.set(passkey.id, { passkey, user });
    return { device, passkey };
  };
  const verify = (response: unknown, userId: UserId | null = alice.id, more: object = {}) =>
    verifier.verify({ response, challenge, origin, rpId, userId, userVerification: 'preferred', ...more });
  const options = verifier.requestOptions({ challenge, rpId, passkeys: [], userVerification: 'preferred' });
  return { known, verifier, enrol, verify, options };
}

describe('assertions', () => {
  for (const algorithm of ['ES256', 'EdDSA', 'RS256'] as const) {
    it(`${algorithm}: registered, then genuine`, async () => {
      const { enrol, verify, options } = await stage(algorithm);
      const { device } = await enrol(alice);
      const proof = await verify(device.get(options, origin, { counter: 7, synced: true }));
      assert.deepEqual(
        proof.kind === 'proven' && [proof.user.id, proof.counter, proof.backedUp],
        [alice.id, 7, true],
        JSON.stringify(proof),
      );
    });
  }

  const wrong: readonly (readonly [string, Twist, string])[] = [
    ['another origin', { clientData: { origin: 'https://evil.test' } }, 'wrong-origin'],
    ['the origin without TLS', { clientData: { origin: 'http://door.test:8443' } }, 'wrong-origin'],
    ['the origin on another port', { clientData: { origin: 'https://door.test' } }, 'wrong-origin'],
    ['a host below ours', { clientData: { origin: 'https://a.door.test:8443' } }, 'wrong-origin'],
    ['an origin that is no text', { clientData: { origin: [origin] } }, 'wrong-origin'],
    ['another relying party', { rpId: 'evil.test' }, 'not-genuine'],
    ['a registration relabelled', { clientData: { type: 'webauthn.create' } }, 'wrong-type'],
    ['another challenge', { clientData: { challenge: Buffer.alloc(32, 8).toString('base64url') } }, 'wrong-challenge'],
    ['the challenge padded', { clientData: { challenge: `${challenge}=` } }, 'wrong-challenge'],
    ['a frame of another site', { clientData: { crossOrigin: true } }, 'cross-origin'],
    ['a frame of another site, named', { clientData: { topOrigin: 'https://evil.test' } }, 'cross-origin'],
    ['a byte order mark', { clientDataText: (text) => `\u{feff}${text}` }, 'wrong-type'],
    ['a key twice', { clientDataText: (text) => text.replace('{', '{"type":"webauthn.create",') }, 'wrong-type'],
    ['no JSON', { clientDataText: () => 'null' }, 'wrong-type'],
    ['the signature of another key', { key: newKey('ES256').key }, 'not-genuine'],
    ['a signature cut short', { signature: (bytes) => bytes.subarray(0, 20) }, 'not-genuine'],
    ['a signature of nothing', { signature: () => Buffer.from('3006020100020100', 'hex') }, 'not-genuine'],
    ['nobody present', { userPresent: false }, 'not-genuine'],
    ['authenticator data cut short', { authenticatorData: (data) => data.subarray(0, 36) }, 'not-genuine'],
    [
      'more behind the authenticator data',
      { authenticatorData: (data) => Buffer.concat([data, Buffer.of(0)]) },
      'not-genuine',
    ],
    [
      'the user handle of somebody else',
      { userHandle: Buffer.from(bob.id).toString('base64url') },
      'wrong-user-handle',
    ],
  ];
  for (const [what, twist, cause] of wrong) {
    it(`are refused: ${what}`, async () => {
      const { enrol, verify, options } = await stage();
      const { device } = await enrol(alice);
      assert.deepEqual(await verify(device.get(options, origin, twist)), { kind: 'rejected', cause });
    });
  }

  it('any bit of what was signed, or of the signature, changed afterwards', async () => {
    const { enrol, verify, options } = await stage();
    const { device } = await enrol(alice);
    const good = device.get(options, origin);
    for (const field of ['clientDataJSON', 'authenticatorData', 'signature']) {
      const bytes = Buffer.from(String(good.response[field]), 'base64url');
      for (let at = 0; at < bytes.length; at += 1) {
        // How long the two numbers are is written around them, and some readers forgive it: the numbers are the signature.
        if (field === 'signature' && frameOf(bytes).has(at)) continue;
        const changed = Buffer.from(bytes);
        changed[at] = (bytes[at] ?? 0) ^ (1 << (at % 8));
        const response = { ...good.response, [field]: changed.toString('base64url') };
        const { kind } = await verify({ ...good, response });
        assert.equal(kind, 'rejected', `${field} ${at}`);
      }
    }
    assert.equal((await verify(good)).kind, 'proven');
  });

  it('verification by the authenticator where it is required', async () => {
    const { enrol, verify, options } = await stage();
    const { device } = await enrol(alice);
    const required = { userVerification: 'required' };
    const without = device.get(options, origin, { userVerified: false });
    assert.deepEqual(await verify(without, alice.id, required), { kind: 'rejected', cause: 'not-genuine' });
    assert.equal((await verify(without)).kind, 'proven');
    assert.equal((await verify(device.get(options, origin), alice.id, required)).kind, 'proven');
  });

  it('whose it is: the account asked for, or the one that the user handle names', async () => {
    const { enrol, verify, options } = await stage();
    const { device } = await enrol(bob);
    const good = device.get(options, origin);
    assert.deepEqual(await verify(good, alice.id), { kind: 'rejected', cause: 'passkey-of-another' });
    const found = await verify(good, null);
    assert.equal(found.kind === 'proven' && found.user.id, bob.id);
    const nameless = device.get(options, origin, { userHandle: null });
    assert.deepEqual(await verify(nameless, null), { kind: 'rejected', cause: 'wrong-user-handle' });
    // Beside a password it need not be there: old security keys have none to give.
    assert.equal((await verify(nameless, bob.id)).kind, 'proven');
    const foreign = device.get(options, origin, { userHandle: Buffer.from(alice.id).toString('base64url') });
    assert.deepEqual(await verify(foreign, null), { kind: 'rejected', cause: 'wrong-user-handle' });
  });

  it('passkeys that are not known, of another host, of somebody disabled', async () => {
    const { known, enrol, verify, options } = await stage();
    const { device, passkey } = await enrol(alice);
    const good = device.get(options, origin);
    known.set(passkey.id, { passkey: { ...passkey, rpId: 'other.test' }, user: alice });
    assert.deepEqual(await verify(good), { kind: 'rejected', cause: 'other-relying-party' });
    known.set(passkey.id, { passkey, user: { ...alice, active: false } });
    assert.deepEqual(await verify(good), { kind: 'rejected', cause: 'disabled' });
    known.delete(passkey.id);
    assert.deepEqual(await verify(good), { kind: 'rejected', cause: 'unknown-passkey' });
  });

  it('whatever else comes is malformed, and never a fault', async () => {
    const { enrol, verify, options } = await stage();
    const { device } = await enrol(alice);
    const good = device.get(options, origin);
    const inside = (response: object): object => ({ ...good, response: { ...good.response, ...response } });
    const shapes: readonly unknown[] = [
      undefined,
      null,
      7,
      '',
      [],
      [good],
      {},
      { ...good, id: 7 },
      { ...good, id: '' },
      { ...good, id: `${good.id}=`, rawId: `${good.id}=` },
      { ...good, id: 'A'.repeat(1365), rawId: 'A'.repeat(1365) },
      { ...good, rawId: 'other' },
      { ...good, type: 'password' },
      { ...good, response: null },
      { ...good, response: [] },
      inside({ clientDataJSON: 7 }),
      inside({ authenticatorData: {} }),
      inside({ signature: ['x'] }),
      inside({ signature: 'not base64url' }),
      inside({ userHandle: 7 }),
      inside({ userHandle: { toString: 'x' } }),
    ];
    for (const shape of shapes)
      assert.deepEqual(await verify(shape), { kind: 'rejected', cause: 'malformed' }, JSON.stringify(shape));
    for (const empty of [undefined, null, 7, [], {}, { response: 7 }, inside({ clientDataJSON: 'AAAA' })])
      assert.deepEqual(challengeNamedBy(empty), { kind: 'none' });
    assert.deepEqual(challengeNamedBy(good), { kind: 'named', challenge });
  });
});

describe('registrations', () => {
  const registering = async (twist: Twist, change: (response: PasskeyResponse) => unknown = (same) => same) => {
    const options = registrationOptions({ challenge, rpId, user: alice, passkeys: [] });
    const response = change(authenticator().create(options, origin, twist));
    return verifyRegistration({ response, challenge, origin, rpId });
  };

  it('keep what is needed, and of the transports what is known', async () => {
    const proof = await registering({ synced: true, transports: ['usb', 'telepathy', 7, 'nfc', 'usb'], counter: 3 });
    assert.ok(proof.kind === 'proven');
    const { transports, counter, deviceType, backedUp } = proof.passkey;
    assert.deepEqual(
      [transports, counter, deviceType, backedUp, proof.passkey.rpId],
      [['nfc', 'usb'], 3, 'multiDevice', true, rpId],
    );
  });

  const wrong: readonly (readonly [string, Twist, string])[] = [
    ['another origin', { clientData: { origin: 'https://evil.test' } }, 'wrong-origin'],
    ['another relying party', { rpId: 'evil.test' }, 'not-genuine'],
    ['an assertion relabelled', { clientData: { type: 'webauthn.get' } }, 'wrong-type'],
    ['another challenge', { clientData: { challenge: 'x' } }, 'wrong-challenge'],
    ['a frame of another site', { clientData: { crossOrigin: true } }, 'cross-origin'],
    ['nobody present', { userPresent: false }, 'not-genuine'],
    ['an id that is too long', { idBytes: 1024 }, 'malformed'],
    ['certificates', { attestation: { fmt: 'packed', attStmt: new Map([['x5c', [Buffer.alloc(8)]]]) } }, 'attested'],
    ['another attestation', { attestation: { fmt: 'apple', attStmt: new Map() } }, 'attested'],
    ['a statement where there is none', { attestation: { fmt: 'none', attStmt: new Map([['a', 1]]) } }, 'not-genuine'],
    ['authenticator data cut short', { authenticatorData: (data) => data.subarray(0, 90) }, 'not-genuine'],
  ];
  for (const [what, twist, cause] of wrong) {
    it(`are refused: ${what}`, async () => {
      assert.deepEqual(await registering(twist), { kind: 'rejected', cause });
    });
  }

  it('are refused: CBOR of any kind that is none, nested without end, or says another id', async () => {
    const texts = [
      Buffer.from('{}'),
      Buffer.alloc(40_000, 0x81),
      Buffer.of(0x9b, 255, 255, 255, 255, 255, 255, 255, 255),
    ];
    for (const bytes of texts) {
      const attestationObject = bytes.toString('base64url');
      const proof = await registering({}, (good) => ({ ...good, response: { ...good.response, attestationObject } }));
      assert.deepEqual(proof, { kind: 'rejected', cause: 'not-genuine' });
    }
    const other = await registering({}, (good) => ({ ...good, id: 'AAAA', rawId: 'AAAA' }));
    assert.deepEqual(other, { kind: 'rejected', cause: 'malformed' });
  });
});

describe('challenges', () => {
  it('are good once, for two minutes, for their purpose and whoever they were made for', async () => {
    let now = 1_800_000_000_000;
    const claimed = new Set<Digest>();
    const challenges = passkeyChallenges({
      keys: () => [Buffer.alloc(32, 1)],
      random: systemRandom,
      clock: { now: () => now as Millis, monotonic: () => now },
      store: {
        claimOnce: async ({ digest }) => {
          const kind = claimed.has(digest) ? 'spent' : 'first';
          claimed.add(digest);
          return { kind };
        },
      },
    });
    const enrol = { purpose: 'enrol', context: 's_1' } as const;
    const made = challenges.make(enrol);
    assert.equal(Buffer.from(made, 'base64url').length, 32);
    const flipped = Buffer.from(made, 'base64url');
    flipped[0] = (flipped[0] ?? 0) ^ 1;
    for (const wrong of ['', 'x', made.slice(1), `${made}=`, `${made}A`, flipped.toString('base64url')])
      assert.equal((await challenges.spend(wrong, enrol)).kind, 'invalid', wrong);
    assert.equal((await challenges.spend(made, { purpose: 'enrol', context: 's_2' })).kind, 'invalid');
    assert.equal((await challenges.spend(made, { purpose: 'sign-in', context: 's_1' })).kind, 'invalid');
    assert.equal(challenges.look(`${made}A`, enrol).kind, 'invalid');
    assert.equal(challenges.look(made, { purpose: 'sign-in', context: 's_1' }).kind, 'invalid');
    assert.equal(challenges.look(made, enrol).kind, 'ours');
    assert.equal(claimed.size, 0);
    assert.equal((await challenges.spend(made, enrol)).kind, 'spent');
    assert.equal((await challenges.spend(made, enrol)).kind, 'invalid');
    const late = challenges.make(enrol);
    now += 120_000;
    assert.equal((await challenges.spend(late, enrol)).kind, 'invalid');
  });
});

describe('the relying party of an origin', () => {
  const cases: readonly (readonly [string, string])[] = [
    ['https://door.test', 'door.test'],
    ['https://door.test:8443', 'door.test'],
    ['http://localhost:8420', 'localhost'],
    ['https://1.door.test', '1.door.test'],
    ['http://127.0.0.1:8420', ''],
    ['https://[2001:db8::1]:8443', ''],
    ['https://127.1', ''],
    ['https://0x7f000001', ''],
    ['https://door.0x1', ''],
  ];
  for (const [text, expected] of cases) {
    it(text, () => {
      const party = rpIdOf(text as Origin);
      assert.equal(party.kind === 'name' ? party.rpId : '', expected);
    });
  }
});

/** Places of tags and lengths in an ECDSA signature: a sequence of two integers in DER. */
function frameOf(signature: Buffer): ReadonlySet<number> {
  const second = 4 + (signature[3] ?? 0);
  return new Set([0, 1, 2, 3, second, second + 1]);
}
