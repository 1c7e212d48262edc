import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Origin } from '../types.ts';
import { proxyList } from './address.ts';
import { type ArrivalRules, arrive, knownHosts } from './arrival.ts';
import type { Incoming } from './incoming.ts';

const auth = 'https://auth.test' as Origin;
const app = 'https://app.test' as Origin;

const rules = (peers: ArrivalRules['peers']['console']): ArrivalRules => ({
  hosts: {
    console: knownHosts([
      { own: [auth, 'http://localhost:8420' as Origin], place: 'console' },
      { own: [app], place: 'protected-host' },
    ]),
    application: knownHosts([]),
    control: knownHosts([]),
    operations: knownHosts([{ own: ['http://10.1.2.3:9000' as Origin], place: 'operations' }]),
  },
  proxies: proxyList([{ address: '10.0.0.0', prefix: 8, family: 'ipv4' }]),
  forwardedHeader: 'x-forwarded-for',
  peers: { console: peers, application: 'any', control: 'any', operations: 'any' },
  overTls: { console: [], application: [], control: [], operations: [] },
});

const request = (
  peer: string,
  headers: Record<string, string>,
  transport: Incoming['transport'] = 'plain',
): Incoming => ({
  door: 'console',
  method: 'GET',
  target: '/',
  headers,
  rawHeaders: Object.entries(headers).flat(),
  peer,
  transport,
  body: (async function* () {})(),
});

for (const [name, peer, headers, reading, wanted] of [
  ['our own host', '203.0.113.1', { host: 'auth.test' }, 'read', `console ${auth}`],
  ['any spelling of it', '203.0.113.1', { host: 'AUTH.test.:443' }, 'read', `console ${auth}`],
  ['a protected host', '203.0.113.1', { host: 'app.test' }, 'read', `protected-host ${app}`],
  ['a foreign host', '203.0.113.1', { host: 'evil.test' }, 'read', 'misdirected'],
  ['another port', '203.0.113.1', { host: 'auth.test:8443' }, 'read', 'misdirected'],
  ['no host', '203.0.113.1', {}, 'read', 'malformed'],
  [
    'a forwarded host from anybody',
    '203.0.113.1',
    { host: 'auth.test', 'x-forwarded-host': 'app.test' },
    'read',
    `console ${auth}`,
  ],
  [
    'a forwarded host from a listed proxy',
    '10.0.0.1',
    { host: 'auth.test', 'x-forwarded-host': 'app.test' },
    'read',
    `protected-host ${app}`,
  ],
  [
    'a foreign forwarded host from a listed proxy',
    '10.0.0.1',
    { host: 'auth.test', 'x-forwarded-host': 'evil.test' },
    'read',
    'misdirected',
  ],
  [
    'a forwarded host that describes another request',
    '10.0.0.1',
    { host: 'auth.test', 'x-forwarded-host': 'evil.test' },
    'ignore',
    `console ${auth}`,
  ],
] as const) {
  test(`arrive(): ${name}: ${wanted}`, () => {
    const arrival = arrive(request(peer, headers), rules('any'), reading);
    assert.equal(arrival.kind === 'arrived' ? `${arrival.place} ${arrival.origin}` : arrival.kind, wanted);
  });
}

test('X-03: a listener for proxies alone answers nobody else, whatever they send', () => {
  for (const headers of [
    { host: 'auth.test' },
    { host: 'auth.test', 'x-forwarded-for': '10.0.0.1' },
    { host: 'auth.test', 'x-forwarded-proto': 'https' },
  ]) {
    assert.equal(arrive(request('203.0.113.1', headers), rules('listed'), 'read').kind, 'unlisted-peer');
    // Whoever embeds this may speak TLS by a listener of their own.
    const overTls = { ...request('203.0.113.1', headers), transport: 'tls' } as const;
    assert.equal(arrive(overTls, rules('listed'), 'read').kind, 'arrived');
  }
  assert.equal(arrive(request('10.0.0.1', { host: 'auth.test' }), rules('listed'), 'read').kind, 'arrived');
});

test('X-02: a listener that speaks TLS reads nothing in the clear, from whomever it comes', () => {
  const said = { host: 'auth.test', 'x-forwarded-for': '203.0.113.9', 'x-forwarded-host': 'app.test' };
  for (const peer of ['203.0.113.1', '10.0.0.1', '127.0.0.1']) {
    const judged = arrive(request(peer, said), rules('tls'), 'read');
    assert.deepEqual(judged, { kind: 'in-the-clear', host: auth });
  }
  const foreign = arrive(request('10.0.0.1', { ...said, host: 'evil.test' }), rules('tls'), 'read');
  assert.deepEqual(foreign, { kind: 'in-the-clear', host: null });
  assert.equal(arrive(request('203.0.113.1', said, 'tls'), rules('tls'), 'read').kind, 'arrived');
  assert.equal(arrive(request('203.0.113.1', said, 'tls'), rules('any'), 'read').kind, 'arrived');
});
