import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from '../../types.ts';
import { addressList, compareNetworks, parseNetworks } from './address-list.ts';

const networksOf = (...texts: readonly string[]): readonly string[] => {
  const form = parseNetworks(texts);
  assert.ok(form.kind === 'networks', JSON.stringify(form));
  return form.networks;
};
const standing = (networks: readonly string[], address: string): string =>
  addressList(networks).standing(address as Address);

for (const [texts, kept] of [
  [[], []],
  [['192.0.2.7', '192.0.2.7/32', ' 192.0.2.7 ', '::ffff:192.0.2.7', '::ffff:c000:207/128'], ['192.0.2.7']],
  [['10.0.0.0/8', '10.0.0.7/8', '10.255.255.255/8', '::ffff:10.0.0.0/104'], ['10.0.0.0/8']],
  [['FD00::1', 'fd00:0:0::1', 'fd00::1/128'], ['fd00::1']],
  [['fd12:3456:789a::1/10', 'fd00::/10'], ['fd00::/10']],
  [['203.0.113.9/0'], ['0.0.0.0/0']],
  [['2001:db8::1/0'], ['::/0']],
] as const)
  test(`parseNetworks() keeps ${texts.join()} as ${kept.join()}`, () => assert.deepEqual(networksOf(...texts), kept));

for (const text of [
  '',
  ' ',
  'localhost',
  '10.0.0',
  '010.0.0.1',
  '10.0.0.0/33',
  '10.0.0.0/08',
  '10.0.0.0/',
  '::/129',
  '::ffff:0:0/95',
  'fe80::1%eth0',
  '10.0.0.0/8,10.0.0.1',
  '10.0.0.0-10.0.0.9',
])
  test(`parseNetworks() takes no ${JSON.stringify(text)}, and says which it was`, () => {
    const form = parseNetworks(['192.0.2.7', text]);
    assert.ok(form.kind === 'malformed');
    assert.equal(form.entry, text);
  });

test('addressList(): listed is what lies in one of them; an empty list is anywhere', () => {
  const list = ['10.0.0.0/8', '2001:db8::/32', '192.0.2.7'];
  for (const address of ['10.0.0.0', '10.255.255.255', '2001:db8::1', '192.0.2.7'])
    assert.equal(standing(list, address), 'listed', address);
  for (const address of ['9.255.255.255', '11.0.0.0', '2001:db9::', '192.0.2.8', '::1', '::a00:1'])
    assert.equal(standing(list, address), 'unlisted', address);
  for (const address of ['10.0.0.1', '::1']) assert.equal(standing([], address), 'listed');
  assert.equal(standing(['0.0.0.0/0'], '::1'), 'unlisted');
  assert.equal(standing(['::/0'], '10.0.0.1'), 'unlisted');
});

test('addressList(): what was said of one address is not said of the next', () => {
  const list = addressList(['10.0.0.0/8']);
  for (let turn = 0; turn < 3; turn += 1) {
    assert.equal(list.standing('10.0.0.1' as Address), 'listed');
    assert.equal(list.standing('11.0.0.1' as Address), 'unlisted');
    assert.equal(list.standing('11.0.0.1' as Address), 'unlisted');
  }
});

test('addressList(): a list that cannot be read lets nobody in', () => {
  assert.throws(() => addressList(['10.0.0.0/8', 'x']));
});

const v4 = fc.tuple(fc.constantFrom(10, 11, 192), fc.nat(255), fc.nat(3), fc.nat(255)).map((parts) => parts.join('.'));
const v6 = fc
  .tuple(fc.constantFrom('fd00', 'fe00', '2001'), fc.nat(3), fc.nat(3))
  .map(([a, b, c]) => `${a}:${b}::${c}`);
const network = fc.oneof(
  fc.tuple(v4, fc.integer({ min: 0, max: 32 })).map(([address, bits]) => `${address}/${bits}`),
  fc.tuple(v6, fc.integer({ min: 0, max: 128 })).map(([address, bits]) => `${address}/${bits}`),
);
const networks = fc.array(network, { maxLength: 4 });

test('what is kept reads as itself, and takes the same addresses', () => {
  fc.assert(
    fc.property(network, fc.oneof(v4, v6), (text, address) => {
      const kept = networksOf(text);
      assert.deepEqual(networksOf(...kept), kept);
      assert.equal(standing([text], address), standing(kept, address));
      assert.equal(standing(kept, text.split('/')[0] ?? ''), 'listed');
    }),
  );
});

test('compareNetworks(): what is contained takes nothing that was not taken before; each contains itself', () => {
  let contained = 0;
  fc.assert(
    fc.property(networks, networks, fc.oneof(v4, v6), fc.boolean(), (one, other, address, part) => {
      const before = networksOf(...other);
      const now = part ? before.slice(1) : networksOf(...one);
      assert.equal(compareNetworks(before, before), 'contained');
      if (compareNetworks(now, before) === 'wider') return;
      contained += 1;
      for (const each of [address, ...now.map((text) => text.split('/')[0] ?? '')])
        if (standing(now, each) === 'listed')
          assert.equal(standing(before, each), 'listed', `${now.join()} in ${before.join()}`);
    }),
    { numRuns: 1000 },
  );
  assert.ok(contained > 100, `only ${contained}`);
});

for (const [now, before, wanted] of [
  [['10.1.0.0/16'], ['10.0.0.0/8'], 'contained'],
  [['10.0.0.0/8'], ['10.1.0.0/16'], 'wider'],
  [['10.0.0.0/8', '192.0.2.7'], ['10.0.0.0/8'], 'wider'],
  [['10.0.0.7'], [], 'contained'],
  [[], ['10.0.0.0/8'], 'wider'],
  [[], [], 'contained'],
  [['10.0.0.0/8'], ['::/0'], 'wider'],
  [['fd00::/16'], ['fd00::/8'], 'contained'],
] as const)
  test(`compareNetworks(): ${now.join()} after ${before.join()} is ${wanted}`, () =>
    assert.equal(compareNetworks(now, before), wanted));
