import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../crypto/random.ts';
import { proxyList } from '../request/address.ts';
import { knownHosts } from '../request/arrival.ts';
import type { Incoming } from '../request/incoming.ts';
import type { Origin } from '../types.ts';
import type { Written } from './answer.ts';
import { dialectsOf } from './dialects/dialect.ts';
import { handler } from './handler.ts';

const none = knownHosts([]);
const nothing = (): void => undefined;
const reached: string[] = [];

/** A console that has another name by HTTP, on a listener that speaks TLS. */
const handle = handler({
  arrivals: () => ({
    hosts: {
      console: knownHosts([{ own: ['https://auth.test', 'http://localhost:8420'] as Origin[], place: 'console' }]),
      application: none,
      control: none,
      operations: none,
    },
    proxies: proxyList([]),
    forwardedHeader: 'x-forwarded-for',
    peers: { console: 'tls', application: 'any', control: 'any', operations: 'any' },
    overTls: { console: ['strict-transport-security', 'max-age=1'], application: [], control: [], operations: [] },
  }),
  silentProxies: { note: nothing, standing: () => 'all-speak' },
  dialects: dialectsOf('SP'),
  random: systemRandom,
  log: { info: nothing, warn: nothing, error: nothing },
  wings: {
    console: [
      ({ target }) => {
        reached.push(target);
        return { kind: 'not-mine' };
      },
    ],
    application: [],
    'protected-host': [],
    operations: [],
  },
});

/** Whoever reads its body is wrong. */
const body = {
  [Symbol.asyncIterator]: (): AsyncIterator<Uint8Array> => {
    throw new Error('the body was read');
  },
};

const page = { host: 'auth.test', accept: 'text/html,*/*', cookie: 'sallyport-admin=secret' };

function answerTo(
  method: string,
  target: string,
  headers: Record<string, string>,
  transport: Incoming['transport'] = 'plain',
): Written {
  const incoming: Incoming = {
    door: 'console',
    method,
    target,
    headers,
    rawHeaders: Object.entries(headers).flat(),
    peer: '203.0.113.1',
    transport,
    body,
  };
  const answer = handle(incoming);
  assert.ok(!(answer instanceof Promise) && answer.kind === 'written');
  return answer;
}

const valueOf = ({ headers }: Written, name: string): string | undefined =>
  headers.includes(name) ? headers[headers.indexOf(name) + 1] : undefined;

for (const [target, host, wanted] of [
  ['/', 'auth.test', 'https://auth.test/'],
  ['/auth/login?to=%2F', 'AUTH.test.', 'https://auth.test/auth/login?to=%2F'],
  ['//evil.test/', 'auth.test', 'https://auth.test//evil.test/'],
  ['/\\evil.test', 'auth.test', 'https://auth.test/\\evil.test'],
  ['/apis', 'localhost:8420', 'https://localhost:8420/apis'],
] as const) {
  test(`X-02: a page in the clear, ${host} ${target}: led to ${wanted}`, () => {
    const answer = answerTo('GET', target, { ...page, host });
    assert.equal(answer.status, 308);
    assert.equal(valueOf(answer, 'location'), wanted);
    assert.equal(new URL(wanted).host, host.toLowerCase().replace(/\.$/, ''));
    assert.equal(answer.close, true);
    assert.equal(answer.headers.includes('set-cookie'), false);
  });
}

for (const [name, method, target, headers] of [
  ['a form', 'POST', '/auth/login', page],
  ['the API', 'GET', '/api/auth/me', page],
  ['forward-auth', 'GET', '/api/auth/verify', page],
  ['a program', 'GET', '/', { host: 'auth.test', accept: '*/*' }],
  ['a script', 'GET', '/', { ...page, 'sec-fetch-mode': 'cors' }],
  ['a WebSocket', 'GET', '/', { ...page, upgrade: 'websocket' }],
  ['another form of target', 'GET', 'http://evil.test/', page],
  ['a target that goes on with the host', 'GET', '@evil.test/', page],
  ['a target with a line break', 'GET', '/\r\nset-cookie: a=b', page],
] as const) {
  test(`X-02: ${name} in the clear: refused with where to ask, and closed`, () => {
    const answer = answerTo(method, target, headers);
    assert.equal(answer.status, 403);
    assert.match(String(answer.body), /"This port speaks HTTPS: https:\/\/auth\.test"/);
    assert.equal(valueOf(answer, 'location'), undefined);
    assert.equal(answer.headers.includes('set-cookie'), false);
    assert.equal(answer.close, true);
  });
}

test('X-02: a page in the clear for a host that is not ours is led nowhere, and nothing reaches the house', () => {
  const answer = answerTo('GET', '/', { ...page, host: 'evil.test' });
  assert.deepEqual([answer.status, answer.close, valueOf(answer, 'location')], [421, true, undefined]);
  assert.deepEqual(reached, []);
});

test('over TLS HSTS is promised for our names, and not for those that mean every machine', () => {
  const promised = (host: string, transport: Incoming['transport'] = 'tls'): string | undefined =>
    valueOf(answerTo('GET', '/', { host }, transport), 'strict-transport-security');
  assert.equal(promised('auth.test'), 'max-age=1');
  assert.equal(promised('localhost:8420'), undefined);
  assert.equal(promised('evil.test'), undefined);
  assert.equal(promised('auth.test', 'plain'), undefined);
  reached.length = 0;
});
