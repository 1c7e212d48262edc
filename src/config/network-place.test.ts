import assert from 'node:assert/strict';
import { BlockList } from 'node:net';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { listener, network, origin, reachOf } from './network-place.ts';

const tcp = (host: string, port: number): unknown => ({ kind: 'tcp', host, port });

/** Text, value, and a twin that must be refused. */
const listeners: readonly (readonly [string, unknown, string])[] = [
  ['127.0.0.1:8420', tcp('127.0.0.1', 8420), ':8420'],
  ['127.0.0.1:0', tcp('127.0.0.1', 0), '127.0.0.1:'],
  ['0.0.0.0:65535', tcp('0.0.0.0', 65_535), '0.0.0.0:65536'],
  ['[::1]:8420', tcp('::1', 8420), '::1:8420'],
  ['[2001:DB8:0::1]:80', tcp('2001:db8::1', 80), '[2001:DB8:0::1]'],
  ['[fe80::1]:80', tcp('fe80::1', 80), '[fe80::1%eth0]:80'],
  ['localhost:8420', tcp('localhost', 8420), 'localhost:08420'],
  ['NAS.home:80', tcp('nas.home', 80), 'nas_.home:80'],
  ['nas-1.home:80', tcp('nas-1.home', 80), '-nas.home:80'],
  ['127.0.0.2:80', tcp('127.0.0.2', 80), '127.2:80'],
  ['10.0.0.1:80', tcp('10.0.0.1', 80), '010.0.0.1:80'],
  ['a:1', tcp('a', 1), '[a]:1'],
  ['b:1', tcp('b', 1), '*:1'],
  ['c:1', tcp('c', 1), 'http://c:1'],
  ['d:1', tcp('d', 1), ' d:1'],
  ['e:1', tcp('e', 1), 'e:-1'],
  ['unix:/run/sallyport.sock', { kind: 'unix', path: '/run/sallyport.sock' }, 'unix:run/sallyport.sock'],
  [`unix:/${'x'.repeat(106)}`, { kind: 'unix', path: `/${'x'.repeat(106)}` }, `unix:/${'x'.repeat(107)}`],
  ['unix:/run/a', { kind: 'unix', path: '/run/a' }, 'unix:/run/a/'],
];

const origins: readonly (readonly [string, string, string])[] = [
  ['https://grafana.home', 'https://grafana.home', 'https://grafana.home/path'],
  ['https://grafana.home/', 'https://grafana.home', 'https://grafana.home//'],
  ['HTTPS://Grafana.HOME:443', 'https://grafana.home', 'grafana.home:443'],
  ['http://127.0.0.1:3000', 'http://127.0.0.1:3000', 'http://127.0.0.1:99999'],
  ['http://[::1]:3000', 'http://[::1]:3000', 'http://::1:3000'],
  ['http://host.', 'http://host', 'http://host..'],
  ['https://a.home', 'https://a.home', 'https://*.home'],
  ['https://b.home', 'https://b.home', 'https://b.home?'],
  ['https://c.home', 'https://c.home', 'https://c.home#'],
  ['https://d.home', 'https://d.home', 'https://user:pass@d.home'],
  ['https://e.home', 'https://e.home', 'https:\\\\e.home'],
  ['https://f.home', 'https://f.home', 'ws://f.home'],
  ['https://g.home:1', 'https://g.home:1', 'https://g.home:0'],
  ['https://h.home', 'https://h.home', 'https://h.ho\tme'],
  ['https://i.home', 'https://i.home', 'https://%69.home'],
  ['https://j.home', 'https://j.home', ' https://j.home'],
];

const net = (address: string, prefix: number, family: 'ipv4' | 'ipv6'): unknown => ({ address, prefix, family });
const networks: readonly (readonly [string, unknown, string])[] = [
  ['10.0.0.0/8', net('10.0.0.0', 8, 'ipv4'), '10.0.0.0/33'],
  ['192.0.2.7', net('192.0.2.7', 32, 'ipv4'), '192.0.2'],
  ['fd00::/8', net('fd00::', 8, 'ipv6'), 'fd00::/129'],
  ['2001:DB8::1', net('2001:db8::1', 128, 'ipv6'), '[2001:db8::1]'],
  ['::ffff:10.0.0.0/104', net('10.0.0.0', 8, 'ipv4'), '::ffff:0.0.0.0/95'],
  ['::ffff:a00:1', net('10.0.0.1', 32, 'ipv4'), 'fe80::1%eth0'],
  ['0.0.0.0/0', net('0.0.0.0', 0, 'ipv4'), '0.0.0.0/00'],
  ['10.1.2.3/16', net('10.1.2.3', 16, 'ipv4'), '10.1.2.3/16/8'],
  ['10.0.0.1', net('10.0.0.1', 32, 'ipv4'), '10.0.0.1/'],
  ['10.0.0.2', net('10.0.0.2', 32, 'ipv4'), 'proxy.home'],
  ['10.0.0.3', net('10.0.0.3', 32, 'ipv4'), '10.0.0.3/-1'],
];

const tables = { listener: [listener, listeners], origin: [origin, origins], network: [network, networks] } as const;

for (const [name, [value, rows]] of Object.entries(tables)) {
  suite(name, () => {
    for (const [text, expected, twin] of rows) {
      test(`takes ${text.slice(0, 40)}, refuses ${JSON.stringify(twin.slice(0, 40))}`, () => {
        assert.deepEqual(value.parse(text), { kind: 'value', value: expected });
        assert.equal(value.parse(twin).kind, 'refused');
      });
    }
    test('never throws', () => {
      const near = fc.stringMatching(/^(unix:|https?:\/\/|\[)?[a-f0-9.:%\]/@*-]{0,40}$/);
      fc.assert(
        fc.property(fc.oneof(fc.string({ unit: 'binary' }), near), (text) =>
          ['refused', 'value'].includes(value.parse(text).kind),
        ),
      );
    });
  });
}

test('listeners, origins and networks are read back as they are written', () => {
  const host = fc.oneof(
    fc.ipV4(),
    fc.ipV6().map((address) => `[${address}]`),
    fc.domain(),
  );
  fc.assert(
    fc.property(host, fc.nat({ max: 65_535 }), (name, port) => {
      const first = listener.parse(`${name}:${port}`);
      if (first.kind === 'value') assert.deepEqual(listener.parse(listener.format(first.value)), first);
      else assert.doesNotMatch(name, /^\[|^\d+\.\d+\.\d+\.\d+$/);
      const url = origin.parse(`https://${name}:${port}`);
      if (url.kind === 'value') assert.deepEqual(origin.parse(origin.format(url.value)), url);
      else assert.equal(port, 0);
      const cidr = network.parse(`${name.replaceAll(/[[\]]/g, '')}/${port % 33}`);
      if (cidr.kind === 'value') assert.deepEqual(network.parse(network.format(cidr.value)), cidr);
    }),
  );
});

test('a block list takes every network, and host bits do not matter to it', () => {
  const list = new BlockList();
  for (const text of ['10.1.2.3/16', 'fd00::/8', '::ffff:192.0.2.0/120']) {
    const parsed = network.parse(text);
    assert.ok(parsed.kind === 'value');
    list.addSubnet(parsed.value.address, parsed.value.prefix, parsed.value.family);
  }
  assert.equal(list.check('10.1.9.9', 'ipv4'), true);
  assert.equal(list.check('10.2.0.1', 'ipv4'), false);
  assert.equal(list.check('fd12::1', 'ipv6'), true);
  assert.equal(list.check('192.0.2.200', 'ipv4'), true);
});

suite('reach', () => {
  const machine = ['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1', 'localhost', 'a.localhost'];
  const everywhere = [
    '0.0.0.0',
    '::',
    '::ffff:10.0.0.1',
    '192.168.1.2',
    'nas.home',
    'localhost.evil.example',
    'notlocalhost',
  ];
  for (const host of machine) test(`${host}: this machine`, () => assert.equal(reachOf(host), 'machine'));
  for (const host of everywhere) test(`${host}: the network`, () => assert.equal(reachOf(host), 'network'));
});
