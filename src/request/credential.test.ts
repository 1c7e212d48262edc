import assert from 'node:assert/strict';
import { test } from 'node:test';
import { systemRandom } from '../crypto/random.ts';
import { newToken, sessionTokenPrefix } from '../crypto/token.ts';
import { credentialReader, holdsCredential } from './credential.ts';
import type { HeaderMap } from './incoming.ts';
import { newPathTicket } from './tokens/path-ticket.ts';

const token = newToken('spt_', systemRandom);
const session = newToken(sessionTokenPrefix, systemRandom);
const ticket = newPathTicket(systemRandom);
const cookie = 'a'.repeat(43);
const living = { cookie: `sallyport-account=${cookie}` };
const reader = credentialReader('spt_', 'SP');
const slots = [{ sessionKind: 'account', cookie: 'sallyport-account' }];
const basic = (text: string): string => `Basic ${Buffer.from(text).toString('base64')}`;

/** What stands behind the scheme is not read yet: who it names is the verifier's. */
const asBasic = (text: string, code?: string) => ({ kind: 'basic', encoded: basic(text).slice(6), code });

const byToken = { kind: 'api-token', token };
const bySession = { kind: 'bearer', token: session };
const unusable = { kind: 'unusable-header' };
const byTicket = { kind: 'path-ticket', ticket, path: '/a' };
const byCookie = {
  kind: 'cookies',
  candidates: [{ sessionKind: 'account', cookie: 'sallyport-account', token: cookie }],
};

/** What each shows on our own routes, beside a living cookie, and on a proxied request. */
for (const [name, headers, own, proxied, target] of [
  ['nothing more', {}, byCookie, byCookie, '/a'],
  ['Bearer and a token', { authorization: `Bearer ${token}` }, byToken, byToken, '/a'],
  ['bearer in small letters', { authorization: `bearer  ${token} ` }, byToken, byToken, '/a'],
  ['Token and a token', { authorization: `Token ${token}` }, byToken, byToken, '/a'],
  ['X-API-Key and a token', { 'x-api-key': token }, byToken, byToken, '/a'],
  ["Bearer and a session's", { authorization: `Bearer ${session}` }, bySession, bySession, '/a'],
  ["X-API-Key and a session's", { 'x-api-key': session }, bySession, bySession, '/a'],
  ['a damaged token', { authorization: `Bearer ${token.slice(0, -1)}_` }, unusable, byCookie, '/a'],
  ['a token of another make', { authorization: 'Bearer eyJhbGciOiJub25lIn0.e30.' }, unusable, byCookie, '/a'],
  ['a key of another make', { 'x-api-key': 'x' }, unusable, byCookie, '/a'],
  ['an empty key', { 'x-api-key': '' }, unusable, byCookie, '/a'],
  ['an unknown scheme', { authorization: `Digest ${token}` }, unusable, byCookie, '/a'],
  ['a token without a scheme', { authorization: token }, unusable, byCookie, '/a'],
  ['Basic', { authorization: basic('a:b') }, asBasic('a:b'), byCookie, '/a'],
  [
    'basic in small letters',
    { authorization: basic('a:b').replace('Basic ', 'basic  ') },
    asBasic('a:b'),
    byCookie,
    '/a',
  ],
  ['Basic and a code', { authorization: basic('a:b'), 'x-auth-token': '1' }, asBasic('a:b', '1'), byCookie, '/a'],
  ['Basic and an empty code', { authorization: basic('a:b'), 'x-auth-token': '' }, asBasic('a:b'), byCookie, '/a'],
  ['a code without Basic', { 'x-auth-token': '1' }, byCookie, byCookie, '/a'],
  ['Basic behind a tab', { authorization: basic('a:b').replace(' ', '\t') }, unusable, byCookie, '/a'],
  ['Basic with a token', { authorization: basic(`${token}:`) }, asBasic(`${token}:`), byCookie, '/a'],
  ['Basic with a token as password', { authorization: basic(`a:${token}`) }, asBasic(`a:${token}`), byCookie, '/a'],
  ['a ticket before Basic', { authorization: basic('a:b') }, byTicket, byTicket, `/a?ticket=${ticket}`],
  ['a ticket', {}, byTicket, byTicket, `/a?ticket=${ticket}`],
  ['a ticket before a token', { authorization: `Bearer ${token}` }, byTicket, byTicket, `/a?ticket=${ticket}`],
  ['two tickets', {}, unusable, unusable, `/a?ticket=${ticket}&ticket=${ticket}`],
  ['a ticket of another make', {}, unusable, byCookie, '/a?ticket=x'],
] as const)
  test(`${name}: the first that is there decides on our routes; elsewhere only what is ours`, () => {
    const showing = { target, headers: { ...living, ...headers } as HeaderMap, slots };
    assert.deepEqual(reader.own(showing), own);
    assert.deepEqual(reader.proxied(showing), proxied);
  });

for (const [name, headers] of [
  ['Bearer alone', { authorization: 'Bearer' }],
  ['two tokens in one', { authorization: `Bearer ${token} ${token}` }],
  ['a bearer and a key', { authorization: `Bearer ${token}`, 'x-api-key': token }],
  ['Basic alone', { authorization: 'Basic' }],
  ['two pairs in one', { authorization: `${basic('a:b')} ${basic('a:b').slice(6)}` }],
  ['Basic and a key', { authorization: basic('a:b'), 'x-api-key': token }],
  ['Basic and an empty key', { authorization: basic('a:b'), 'x-api-key': '' }],
] as const)
  test(`${name} cannot be read, whatever cookies say`, () => {
    const showing = { target: '/a', headers: { ...living, ...headers } as HeaderMap, slots };
    assert.equal(reader.own(showing).kind, 'malformed');
  });

test('nothing at all is nothing; a cookie that cannot be one of ours is dead without a look-up', () => {
  assert.deepEqual(reader.own({ target: '/a', headers: {}, slots }), { kind: 'none' });
  assert.deepEqual(reader.own({ target: '/a', headers: { cookie: 'x=y' }, slots }), { kind: 'none' });
  const dead = { sessionKind: 'account', cookie: 'sallyport-account', token: '' };
  const shown = reader.own({ target: '/a', headers: { cookie: 'sallyport-account=short' }, slots });
  assert.deepEqual(shown, { kind: 'cookies', candidates: [dead] });
});

test('tokens begin as the installation says, and others are foreign', () => {
  const headers = { authorization: `Bearer ${token}` };
  assert.deepEqual(credentialReader('acme_', 'SP').own({ target: '/a', headers, slots }), unusable);
  const acme = newToken('acme_', systemRandom);
  const shown = credentialReader('acme_', 'SP').own({ target: '/a', headers: { 'x-api-key': acme }, slots });
  assert.deepEqual(shown, { kind: 'api-token', token: acme });
});

test('a token of ours is seen wherever it stands in a header that goes on to the application', () => {
  for (const value of [token, `Bearer ${token}`, `Bearer Bearer ${token}`, `Bearer\t${token}`, `x ${session},`])
    assert.equal(holdsCredential(value, { tokenPrefix: 'spt_', ticketPrefix: 'SP' }), 'ours', value);
  for (const value of ['', 'Bearer x', basic(`${token}:`), `a${token}`, `${token}a`, `${token.slice(0, -1)}_`])
    assert.equal(holdsCredential(value, { tokenPrefix: 'spt_', ticketPrefix: 'SP' }), 'none', value);
});

const proxied = (headers: HeaderMap) => reader.proxied({ target: '/', headers, slots: [] });

test('on proxied requests a token of ours counts however its scheme is written', () => {
  const spellings = [
    `Bearer ${token}`,
    `bearer  ${token}`,
    `TOKEN ${token}`,
    ` Bearer   ${token} `,
    `Bearer ${token} more`,
  ];
  for (const authorization of spellings) {
    assert.deepEqual(proxied({ authorization }), { kind: 'api-token', token }, authorization);
  }
  assert.deepEqual(proxied({ 'x-api-key': ` ${token} ` }), { kind: 'api-token', token });
  assert.deepEqual(proxied({ authorization: `Bearer ${session}` }), { kind: 'bearer', token: session });
});

test('whatever is not of our shape is left to the application', () => {
  const damaged = `${token.slice(0, -1)}${token.endsWith('0') ? '1' : '0'}`;
  const others = [
    '',
    ' ',
    'Bearer',
    'Bearer ',
    token,
    `Bearer${token}`,
    `Basic ${token}`,
    `Bearer\t${token}`,
    `Bearer \t${token}`,
    `Bearer more ${token}`,
    `Bearer ${damaged}`,
    `Bearer ${token}0`,
    `Bearer ${token.slice(0, -1)}\u0130`,
  ];
  for (const authorization of others) {
    assert.deepEqual(proxied({ authorization }), { kind: 'none' }, authorization);
  }
});

test('beside what is none the key counts, and else the header', () => {
  assert.deepEqual(proxied({ authorization: 'Bearer other', 'x-api-key': token }), { kind: 'api-token', token });
  const both = { authorization: `Bearer ${session}`, 'x-api-key': token };
  assert.deepEqual(proxied(both), { kind: 'bearer', token: session });
});
