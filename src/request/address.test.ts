import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { Address } from '../types.ts';
import { clientOf, networkOf, parseAddress, proxyList } from './address.ts';

const spelled = (text: string): string => {
  const form = parseAddress(text);
  return form.kind === 'address' ? form.address : 'malformed';
};

for (const [given, wanted] of [
  ['203.0.113.7', '203.0.113.7'],
  ['::ffff:203.0.113.7', '203.0.113.7'],
  ['::FFFF:CB00:7107', '203.0.113.7'],
  ['2001:DB8:0:0:0:0:0:1', '2001:db8::1'],
  ['2001:db8::1%eth0', '2001:db8::1'],
  ['2001:db8:0:1:1:1:1:1', '2001:db8:0:1:1:1:1:1'],
  ['0:0:1:0:0:0:1:0', '0:0:1::1:0'],
  ['::', '::'],
  ['::1', '::1'],
  ['fe80::1:2', 'fe80::1:2'],
  ['', 'malformed'],
  ['203.0.113', 'malformed'],
  ['203.0.113.007', 'malformed'],
  ['0x7f.1', 'malformed'],
  ['2130706433', 'malformed'],
  ['2001:db8::1::2', 'malformed'],
  ['localhost', 'malformed'],
] as const) {
  test(`parseAddress() reads "${given}" as ${wanted}`, () => assert.equal(spelled(given), wanted));
}

test('parseAddress() gives every spelling of an address the same form, and that form itself again', () => {
  fc.assert(
    fc.property(fc.oneof(fc.ipV4(), fc.ipV6()), (text) => {
      const once = spelled(text);
      assert.notEqual(once, 'malformed');
      assert.equal(spelled(once), once);
      assert.equal(spelled(text.toUpperCase()), once);
    }),
  );
});

test('parseAddress() never throws', () => {
  fc.assert(fc.property(fc.string(), (text) => void parseAddress(text)));
});

for (const [address, bits, wanted] of [
  ['203.0.113.77', { v4: 26, v6: 48 }, '203.0.113.64/26'],
  ['203.0.113.77', { v4: 32, v6: 64 }, '203.0.113.77/32'],
  ['255.255.255.255', { v4: 21, v6: 32 }, '255.255.248.0/21'],
  ['2001:db8:1:2:3:4:5:6', { v4: 32, v6: 64 }, '2001:db8:1:2::/64'],
  ['2001:db8:1:2:3:4:5:6', { v4: 26, v6: 48 }, '2001:db8:1::/48'],
  ['2001:db8:1:2:3:4:5:6', { v4: 21, v6: 32 }, '2001:db8::/32'],
] as const) {
  test(`networkOf() puts ${address} in ${wanted}`, () => assert.equal(networkOf(address as Address, bits), wanted));
}

const proxies = proxyList([
  { address: '10.0.0.0', prefix: 8, family: 'ipv4' },
  { address: 'fd00::', prefix: 8, family: 'ipv6' },
]);

for (const { name, peer, headers, believed = 'x-forwarded-for', address, via } of [
  {
    name: 'an unlisted peer is the client, whatever its headers say',
    peer: '203.0.113.66',
    headers: { 'x-forwarded-for': '127.0.0.1' },
    address: '203.0.113.66',
    via: 'direct',
  },
  {
    name: 'a listed proxy is believed',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '203.0.113.9' },
    address: '203.0.113.9',
    via: 'proxy',
  },
  {
    name: 'the walk goes from the right',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '127.0.0.1, 203.0.113.9' },
    address: '203.0.113.9',
    via: 'proxy',
  },
  {
    name: 'the walk passes listed proxies',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '198.51.100.1, 203.0.113.9, 10.1.1.1' },
    address: '203.0.113.9',
    via: 'proxy',
  },
  {
    name: 'all listed: the left-most',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '10.1.1.1, 10.1.1.2' },
    address: '10.1.1.1',
    via: 'proxy',
  },
  {
    name: 'an unreadable entry ends the walk at the last good one',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '203.0.113.9, junk, 10.1.1.1' },
    address: '10.1.1.1',
    via: 'proxy',
  },
  { name: 'no header: the proxy itself', peer: '10.9.0.2', headers: {}, address: '10.9.0.2', via: 'proxy' },
  {
    name: 'another header is not believed',
    peer: '10.9.0.2',
    headers: { 'x-real-ip': '203.0.113.9' },
    address: '10.9.0.2',
    via: 'proxy',
  },
  {
    name: 'mapped peers are folded before the list is asked',
    peer: '::ffff:10.9.0.2',
    headers: { 'x-forwarded-for': '203.0.113.9' },
    address: '203.0.113.9',
    via: 'proxy',
  },
  {
    name: 'ports are dropped',
    peer: '10.9.0.2',
    headers: { 'x-forwarded-for': '203.0.113.9:4711' },
    address: '203.0.113.9',
    via: 'proxy',
  },
  {
    name: 'brackets are dropped',
    peer: 'fd00::2',
    headers: { 'x-forwarded-for': '[2001:db8::9]:4711' },
    address: '2001:db8::9',
    via: 'proxy',
  },
  {
    name: 'Forwarded is read by its for= elements',
    peer: '10.9.0.2',
    headers: { forwarded: 'for=198.51.100.1, for="[2001:db8::9]:80";proto=https' },
    believed: 'forwarded',
    address: '2001:db8::9',
    via: 'proxy',
  },
  {
    name: 'Forwarded with an obfuscated element stops there',
    peer: '10.9.0.2',
    headers: { forwarded: 'for=198.51.100.1, for=_hidden' },
    believed: 'forwarded',
    address: '10.9.0.2',
    via: 'proxy',
  },
] as const) {
  test(`clientOf(): ${name}`, () => {
    const client = clientOf(peer, headers, proxies, believed);
    assert.deepEqual([client.address, client.via], [address, via]);
  });
}

test('clientOf() answers for any header a listed proxy may send', () => {
  fc.assert(
    fc.property(fc.string(), (value) => {
      const client = clientOf('10.9.0.2', { 'x-forwarded-for': value }, proxies, 'x-forwarded-for');
      assert.equal(parseAddress(client.address).kind, 'address');
    }),
  );
});

test('proxyList(): a network of one family takes no address of the other', () => {
  const [v6, v4] = [
    proxyList([{ address: '::', prefix: 0, family: 'ipv6' }]),
    proxyList([{ address: '0.0.0.0', prefix: 0, family: 'ipv4' }]),
  ];
  assert.deepEqual(
    ['::1', '10.0.0.1'].map((each) => v6.standing(each as Address)),
    ['listed', 'unlisted'],
  );
  assert.deepEqual(
    ['::1', '10.0.0.1'].map((each) => v4.standing(each as Address)),
    ['unlisted', 'listed'],
  );
});
