import assert from 'node:assert/strict';
import { describe, it } from 'node:test';
import { ownMac } from '../crypto/digest.ts';
import { systemRandom } from '../crypto/random.ts';
import type { BasicDoor } from '../guard/basic.ts';
import type { UserRow } from '../store/rows.ts';
import type { Address, Circumstances, Clock, Millis, Secret } from '../types.ts';
import type { KnownUser } from '../verify/holders.ts';
import { knownProofs } from '../verify/basic/known-proofs.ts';
import type { ServiceKey } from '../verify/basic/service-key.ts';
import { userKeyOf } from '../verify/basic/user-key.ts';
import { type BasicParts, basicVerifier } from './basic.ts';

const address = '192.0.2.7' as Address;
const door: BasicDoor = {
  client: () => ({ address, via: 'direct' }),
  locality: () => 'local',
  circumstances: () => ({ address, peer: address, arrivedAt: 0, device: '', origin: '' }) as unknown as Circumstances,
};

const row = (more: Partial<UserRow> = {}): UserRow =>
  ({
    id: 'u_1',
    username: 'alice',
    active: true,
    sealedTotp: '',
    passkeys: 0,
    credentialGeneration: 1,
    ...more,
  }) as UserRow;

function serviceKey(id: string): ServiceKey {
  const bytes = Buffer.alloc(32, id);
  const text = bytes.toString('base64url') as Secret;
  return { id, bytes, text, compare: (shown) => ({ kind: shown === text ? 'equal' : 'different' }) };
}

const shown = (username: string, secret: string) => ({
  encoded: Buffer.from(`${username}:${secret}`).toString('base64'),
  code: undefined,
});

/** One account; `writing` is called while an acceptance is written. */
function stage() {
  const clock: Clock = { now: () => 0 as Millis, monotonic: () => 0 };
  let known: KnownUser | null = { row: row(), current: true };
  let key = serviceKey('first');
  const self = {
    hashes: 0,
    written: 0,
    writing: (): void => undefined,
    change: (more: Partial<UserRow> | null): void => {
      if (known === null) return;
      known.current = false;
      known = more === null ? null : { row: row(more), current: true };
    },
    rotate: (): void => void (key = serviceKey('second')),
    key: () => key,
    verify: (name: string, secret: string) => Promise.resolve(verifier.verify(shown(name, secret), door)),
  };
  const verifier = basicVerifier({
    store: {
      noteAccepted: async () => {
        await Promise.resolve();
        self.written += 1;
        self.writing();
      },
      recordAttempt: () => Promise.resolve(),
    },
    memory: {
      loadUser: (username: string) =>
        Promise.resolve(
          known === null || username !== 'alice' ? { kind: 'unknown' } : { kind: 'user', user: known, is: 'kept' },
        ),
    },
    keys: { current: () => key },
    serviceKeyFrom: 'local',
    proofs: knownProofs({ mac: ownMac(systemRandom), clock }),
    prover: {
      signIn: async () => {
        const user = known?.row;
        self.hashes += 1;
        await new Promise((resolve) => setImmediate(resolve));
        return user === undefined
          ? { kind: 'refused', code: 'invalid_credentials' }
          : { kind: 'user', user, device: null };
      },
    },
    unknown: { standing: () => ({ kind: 'open' }), charge: () => undefined },
    recorder: { event: (each: object) => each, passed: () => undefined, refused: () => Promise.resolve() },
    clock,
  } as unknown as BasicParts);
  return self;
}

describe('an acceptance over Basic', () => {
  it('is one walk for equal requests at once, and known afterwards', async () => {
    const house = stage();
    const all = await Promise.all(Array.from({ length: 30 }, () => house.verify('alice', 'right')));
    assert.ok(all.every(({ kind }) => kind === 'basic'));
    assert.equal((await house.verify('alice', 'right')).kind, 'basic');
    assert.deepEqual([house.hashes, house.written], [1, 1]);
  });

  it('is none for an account that was disabled, changed or deleted while it was written down', async () => {
    for (const change of [{ active: false }, { credentialGeneration: 2 }, { id: 'u_2' as UserRow['id'] }, null]) {
      const house = stage();
      house.writing = () => house.change(change);
      const all = await Promise.all([house.verify('alice', 'right'), house.verify('alice', 'right')]);
      assert.deepEqual(
        all.map(({ kind }) => kind),
        ['refused', 'refused'],
      );
    }
  });

  it('carries the privileges of when it was written', async () => {
    const house = stage();
    house.writing = () => house.change({ privileges: ['admin'] });
    const proof = await house.verify('alice', 'right');
    assert.ok(proof.kind === 'basic');
    assert.deepEqual(proof.user.row.privileges, ['admin']);
  });

  it('by a user key is none once the service key was replaced, before, meanwhile and after', async () => {
    const house = stage();
    const keyOf = () => userKeyOf(house.key().bytes, row());
    const old = keyOf();
    house.writing = () => house.rotate();
    assert.equal((await house.verify('alice', old)).kind, 'refused');
    house.writing = () => undefined;
    const next = keyOf();
    assert.equal((await house.verify('alice', next)).kind, 'basic');
    const before = house.written;
    assert.equal((await house.verify('alice', next)).kind, 'basic');
    assert.deepEqual([house.written, house.hashes], [before, 0]);
  });

  it('that cannot be written is none, and is not known afterwards', async () => {
    const house = stage();
    house.writing = () => {
      throw new Error('full');
    };
    await assert.rejects(house.verify('alice', 'right'), /full/);
    await assert.rejects(house.verify('alice', 'right'), /full/);
    assert.equal(house.hashes, 2);
  });
});
