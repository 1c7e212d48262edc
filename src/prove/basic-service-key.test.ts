import assert from 'node:assert/strict';
import { test } from 'node:test';
import { compareDigests, digest, ownMac } from '../crypto/digest.ts';
import { systemRandom } from '../crypto/random.ts';
import type { BasicDoor } from '../guard/basic.ts';
import type { Locality } from '../request/arrival.ts';
import type { Address, Millis, Origin, Secret } from '../types.ts';
import { knownProofs } from '../verify/basic/known-proofs.ts';
import type { ServiceKey } from '../verify/basic/service-key.ts';
import { type BasicParts, basicVerifier } from './basic.ts';

const clock = { now: () => 0 as Millis, monotonic: () => 0 };
const address = '127.0.0.1' as Address;

function keyNamed(id: string): ServiceKey {
  const text = `${id}-secret` as Secret;
  return { id, bytes: Buffer.from(text), text, compare: (shown) => compareDigests(digest(shown), digest(text)) };
}

function door(locality: Locality): BasicDoor {
  return {
    client: () => ({ address, via: 'direct' }),
    locality: () => locality,
    circumstances: () => ({ address, peer: address, arrivedAt: 0, device: '', origin: 'http://localhost' as Origin }),
  };
}

/** Whoever is found by the service key alone: nothing else may be asked. */
function verifierUnder(current: () => ServiceKey) {
  const never = (what: string) => (): never => assert.fail(`${what} was asked`);
  const told = { passed: 0, refused: 0 };
  const proofs = knownProofs({ mac: ownMac(systemRandom), clock });
  const parts: BasicParts = {
    store: { noteAccepted: never('the store'), recordAttempt: never('the store') },
    memory: { loadUser: () => Promise.resolve({ kind: 'unknown' }) },
    keys: { current },
    serviceKeyFrom: 'local',
    proofs,
    prover: { signIn: () => Promise.resolve({ kind: 'refused', code: 'invalid_credentials' }) },
    unknown: { standing: never('a limit'), charge: never('a limit') },
    recorder: {
      event: never('an event'),
      passed: () => void told.passed++,
      keyRefused: never('a figure'),
      refused: () => Promise.resolve(void told.refused++),
    },
    clock,
  };
  const verifier = basicVerifier(parts);
  const verify = (...asked: Parameters<typeof verifier.verify>) => verifier.verify(...asked);
  return { verify, told, proofs };
}

const shown = (key: ServiceKey) => ({ encoded: Buffer.from(`${key.text}:x`).toString('base64'), code: undefined });

test('the service key is known after the first time, and told once', () => {
  const key = keyNamed('a');
  const { verify, told, proofs } = verifierUnder(() => key);
  const service = { kind: 'service', via: 'service-key', key: 'a' };
  assert.deepEqual(verify(shown(key), door('local')), service);
  assert.deepEqual(verify(shown(key), door('local')), service);
  assert.deepEqual([told.passed, proofs.size], [1, 1]);
});

test('a known service key is refused from elsewhere, also at the same address', async () => {
  const key = keyNamed('a');
  const { verify, told } = verifierUnder(() => key);
  await verify(shown(key), door('local'));
  const answer = await verify(shown(key), door('remote'));
  assert.equal(answer.kind, 'refused');
  assert.equal(told.refused, 1);
});

test('one that was refused from elsewhere is not known', async () => {
  const key = keyNamed('a');
  const { verify, proofs } = verifierUnder(() => key);
  assert.equal((await verify(shown(key), door('remote'))).kind, 'refused');
  assert.equal(proofs.size, 0);
});

test('a known service key is dead as soon as another one is in its place', async () => {
  const before = keyNamed('a');
  let current = before;
  const { verify, proofs } = verifierUnder(() => current);
  await verify(shown(before), door('local'));
  current = keyNamed('b');
  assert.equal((await verify(shown(before), door('local'))).kind, 'refused');
  assert.equal(proofs.size, 0);
});
