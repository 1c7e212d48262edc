/** What is kept of an answer opens for what it is bound to, and nothing else: no row can be moved under another's name. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../../crypto/random.ts';
import type { Digest } from '../../types.ts';
import { type Binding, pack, unpack } from './answers.ts';

const binding: Binding = {
  owner: 'u_ada',
  key: 'a digest' as Digest,
  credential: 'shown',
  text: 'the-key',
  pepper: systemRandom.bytes(32),
};
const value = { id: 1, token: 'spt_secret', list: [{ token: 'another', row: 1 }], tokens: 'no secret' };
const without = { id: 1, list: [{ row: 1 }], tokens: 'no secret' };

test('whole for the same binding, without secrets for any other', () => {
  const kept = pack(value, ['token'], binding, systemRandom);
  assert.deepEqual(JSON.parse(kept.answer), without);
  assert.deepEqual(unpack(kept, binding), value);
  for (const other of [
    { owner: 'u_bob' },
    { key: 'another digest' as Digest },
    { credential: 'Shown' },
    { credential: '' },
    { text: 'The-key' },
    { pepper: systemRandom.bytes(32) },
  ])
    assert.deepEqual(unpack(kept, { ...binding, ...other }), without);
});

test('a seal that was damaged, or is none, tells no secret and loses no answer', () => {
  const kept = pack(value, ['token'], binding, systemRandom);
  for (const sealed of [
    'x',
    'v1.credential.AAAA.AAAA',
    kept.sealed.slice(0, -3),
    `${kept.sealed}.x`,
    kept.sealed.replace('v1', 'v2'),
  ])
    assert.deepEqual(unpack({ ...kept, sealed }, binding), without);
});

test('nothing is sealed where there is nothing to hide, or nobody to hide it for', () => {
  assert.equal(pack(without, ['token'], binding, systemRandom).sealed, '');
  assert.equal(pack(value, [], binding, systemRandom).sealed, '');
  const forNobody = pack(value, ['token'], { ...binding, credential: '' }, systemRandom);
  assert.deepEqual(forNobody, { answer: JSON.stringify(without), sealed: '' });
});
