import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { newToken, sessionTokenPrefix } from '../../crypto/token.ts';
import { systemRandom } from '../../crypto/random.ts';
import { identityHeaderNames } from '../../principal/identity.ts';
import type { Arrival } from '../../request/arrival.ts';
import type { Address, Origin } from '../../types.ts';
import { answerHeaders, requestHeaders } from './forward-headers.ts';

const names = { cookieStem: 'sallyport', ticketPrefix: 'SP' };

const arrival: Arrival = {
  kind: 'arrived',
  place: 'application',
  origin: 'https://app.test' as Origin,
  scheme: 'https',
  proxied: 'direct',
  locality: () => 'remote',
  client: () => ({ address: '203.0.113.7' as Address, via: 'direct' }),
};
const identity = [
  'remote-user',
  'alice',
  'remote-groups',
  '',
  'remote-email',
  '',
  'remote-name',
  '',
  'x-auth-via',
  'session',
  'x-auth-scopes',
  '',
];

/** As the application would read it: names folded, values in order. */
function passed(rawHeaders: readonly string[]): [string, string][] {
  const headers: Record<string, string> = {};
  for (let at = 0; at < rawHeaders.length; at += 2)
    headers[(rawHeaders[at] ?? '').toLowerCase()] = rawHeaders[at + 1] ?? '';
  return pairs(requestHeaders({ rawHeaders, headers }, arrival, identity, { ...names, tokenPrefix: 'spt_' }));
}

function pairs(flat: readonly string[]): [string, string][] {
  return Array.from({ length: flat.length / 2 }, (_, at) => [
    (flat[at * 2] ?? '').toLowerCase(),
    flat[at * 2 + 1] ?? '',
  ]);
}

const valueOf = (list: readonly (readonly [string, string])[], name: string): string[] =>
  list.filter(([each]) => each === name).map(([, value]) => value);

test('identity headers are ours, all of them, under every spelling a client can send', () => {
  const spell = fc.constantFrom(...identityHeaderNames).chain((name) =>
    fc.array(fc.boolean(), { minLength: name.length, maxLength: name.length }).map((flips) =>
      Array.from(name)
        .map((letter, at) => (flips[at] ? (letter === '-' ? '_' : letter.toUpperCase()) : letter))
        .join(''),
    ),
  );
  fc.assert(
    fc.property(fc.array(spell, { minLength: 1 }), (names) => {
      const list = passed(names.flatMap((name) => [name, 'root1']));
      assert.deepEqual(
        list.filter(([, value]) => value === 'root1'),
        [],
      );
      for (const name of identityHeaderNames) assert.equal(valueOf(list, name).length, 1, name);
    }),
  );
});

for (const name of [
  'X-Forwarded-For',
  'X_Forwarded_For',
  'x-forwarded-uri',
  'X-Forwarded-Anything',
  'X-Original-URL',
  'x_original_method',
  'Forwarded',
  'X-Real-IP',
  'X-Rewrite-URL',
  'X-HTTP-Method-Override',
  'Proxy',
  'Connection',
  'Keep-Alive',
  'TE',
  'Trailer',
  'Upgrade',
  'Proxy-Authorization',
  'Transfer-Encoding',
  'Expect',
]) {
  test(`a client's ${name} does not reach the application`, () => {
    assert.deepEqual(
      passed([name, 'forged']).filter(([, value]) => value === 'forged'),
      [],
    );
  });
}

test('what is remembered of names serves nobody: the same after a flood of made-up ones, and however often it is asked', () => {
  const raw = ['remote_user', 'root1', 'Host', 'app.test', 'X-Custom', 'a', 'Connection', 'x-custom, host', 'TE', 'x'];
  const first = passed(raw);
  assert.deepEqual(
    first.slice(0, 1).map(([name]) => name),
    ['host'],
  );
  assert.deepEqual(passed(raw), first);
  passed(Array.from({ length: 4000 }, (_, at) => (at % 2 === 0 ? `x-made-up-${at}` : 'v')));
  assert.deepEqual(passed(raw), first);
  assert.deepEqual(passed([`remote-user${' '.repeat(80)}`.trim(), 'root1', 'x'.repeat(65), 'long']).slice(0, 1), [
    ['x'.repeat(65), 'long'],
  ]);
});

test('headers that Connection names are dropped, others stay in order', () => {
  const list = passed([
    'Connection',
    'close, X-Secret',
    'X-Secret',
    '1',
    'Accept',
    'a',
    'X-Custom',
    'b',
    'x-custom',
    'c',
  ]);
  assert.deepEqual(valueOf(list, 'x-secret'), []);
  assert.deepEqual(valueOf(list, 'x-custom'), ['b', 'c']);
  assert.deepEqual(valueOf(list, 'accept'), ['a']);
});

test('our cookies and tokens stay here, the application keeps its own', () => {
  const token = newToken(sessionTokenPrefix, systemRandom);
  const list = passed([
    'Cookie',
    '__Host-sallyport-app=x; theme=dark; sallyport-account=y',
    'Authorization',
    `Bearer ${token}`,
    'X-API-Key',
    'the-applications-own',
  ]);
  assert.deepEqual(valueOf(list, 'cookie'), ['theme=dark']);
  assert.deepEqual(valueOf(list, 'authorization'), []);
  assert.deepEqual(valueOf(list, 'x-api-key'), ['the-applications-own']);
  assert.deepEqual(valueOf(passed(['Authorization', 'Bearer eyJhbGciOi']), 'authorization'), ['Bearer eyJhbGciOi']);
  assert.deepEqual(valueOf(passed(['Authorization', `Bearer ${token}x`]), 'authorization'), [`Bearer ${token}x`]);
});

test('the application is told the truth about where the request came from', () => {
  const list = passed(['X-Forwarded-For', '1.2.3.4', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'evil.test']);
  assert.deepEqual(
    [valueOf(list, 'x-forwarded-for'), valueOf(list, 'x-forwarded-proto'), valueOf(list, 'x-forwarded-host')],
    [['203.0.113.7'], ['https'], ['app.test']],
  );
});

test('from the application: our cookie names and Clear-Site-Data go, everything else comes through', () => {
  const raw = [
    'Set-Cookie',
    'sallyport-app=stolen; Path=/',
    'Set-Cookie',
    'theme=dark',
    'set-cookie',
    '__HOST-sallyport-account=x',
    'Clear-Site-Data',
    '"*"',
    'Connection',
    'keep-alive',
    'ETag',
    '"1"',
  ];
  const list = pairs(answerHeaders(raw, { connection: 'keep-alive' }, names));
  assert.deepEqual(valueOf(list, 'set-cookie'), ['theme=dark']);
  assert.deepEqual(valueOf(list, 'clear-site-data'), []);
  assert.deepEqual(valueOf(list, 'etag'), ['"1"']);
  assert.deepEqual(valueOf(list, 'cache-control'), ['private']);
});

test('what the application says about caching stands', () => {
  assert.deepEqual(
    valueOf(pairs(answerHeaders(['Cache-Control', 'public'], { 'cache-control': 'public' }, names)), 'cache-control'),
    ['public'],
  );
});
