import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { checkSignature, signingKey } from './sign.ts';

test('the public key and a signature are those of RFC 8032 (section 7.1, test 1)', () => {
  const seed = Buffer.from('9d61b19deffd5a60ba844af492ec2cc44449c5697b326919703bac031cae7f60', 'hex');
  const expected = 'd75a980182b10ab7d54bfed3c964073a0ee172f3daa62325af021a68f707511a';
  assert.equal(Buffer.from(signingKey('k', seed).publicKey, 'base64url').toString('hex'), expected);
});

test('a signature is right for its purpose, parts and key only', () => {
  const key = signingKey('k', new Uint8Array(32).fill(1));
  const other = signingKey('k', new Uint8Array(32).fill(2));
  const signature = key.sign('purpose', ['a', 'bc']);
  assert.equal(checkSignature(key, 'purpose', ['a', 'bc'], signature).kind, 'right');
  for (const [purpose, parts, by] of [
    ['other', ['a', 'bc'], key],
    ['purpose', ['ab', 'c'], key],
    ['purpose', ['abc'], key],
    ['purpose', ['a', 'bc', ''], key],
    ['purpose', ['a', 'bc'], other],
    ['purpose', ['a', 'bc'], { id: 'k', publicKey: 'no key' }],
    ['purpose', ['a', 'bc'], { id: 'k', publicKey: '' }],
  ] as const)
    assert.equal(checkSignature(by, purpose, parts, signature).kind, 'wrong');
});

test('a signature has one spelling', () => {
  const key = signingKey('k', new Uint8Array(32).fill(1));
  const signature = key.sign('purpose', []);
  for (const wrong of ['', `${signature}=`, `${signature} `, `${signature}AA`, signature.slice(0, -2), 'x'])
    assert.equal(checkSignature(key, 'purpose', [], wrong).kind, 'wrong', wrong);
  fc.assert(
    fc.property(fc.nat(signature.length - 1), fc.constantFrom('A', 'B', 'b', '0', '1', '-', '_'), (at, sign) => {
      const changed = signature.slice(0, at) + sign + signature.slice(at + 1);
      const kind = changed === signature ? 'right' : 'wrong';
      assert.equal(checkSignature(key, 'purpose', [], changed).kind, kind);
    }),
  );
});
