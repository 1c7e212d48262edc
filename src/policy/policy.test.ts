import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csrfToken } from '../crypto/digest.ts';
import { adminPrivilege, anonymous, type UserPrincipal } from '../principal/principal.ts';
import type { Address, Digest, Millis, Origin, Secret, SessionId, UserId, Username } from '../types.ts';
import { judgeCsrfToken, judgeProvenance } from './csrf.ts';
import { judgeKind, judgeNeed, type Need } from './need.ts';
import { judgeStepUp } from './step-up.ts';

const own = ['https://auth.test' as Origin, 'http://localhost:8420' as Origin];

for (const [name, headers, wanted] of [
  ['our own page', { 'sec-fetch-site': 'same-origin', origin: 'https://auth.test' }, 'ours'],
  ['our own page without Origin', { 'sec-fetch-site': 'same-origin' }, 'ours'],
  ['an old browser on our page', { origin: 'http://localhost:8420' }, 'ours'],
  ['a program', {}, 'ours'],
  ['another site', { 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' }, 'refused'],
  ['another site that says our Origin', { 'sec-fetch-site': 'cross-site', origin: 'https://auth.test' }, 'refused'],
  ['a sibling host', { 'sec-fetch-site': 'same-site' }, 'refused'],
  ['a typed address', { 'sec-fetch-site': 'none' }, 'refused'],
  ['an unknown word', { 'sec-fetch-site': 'Same-Origin' }, 'refused'],
  ['no origin at all', { origin: 'null' }, 'refused'],
  ['an empty origin', { origin: '' }, 'refused'],
  ['our host on another scheme', { origin: 'http://auth.test' }, 'refused'],
  ['our host on another port', { origin: 'https://auth.test:8443' }, 'refused'],
  ['same-origin with a foreign Origin', { 'sec-fetch-site': 'same-origin', origin: 'https://evil.test' }, 'refused'],
] as const) {
  test(`judgeProvenance(): ${name} is ${wanted}`, () => assert.equal(judgeProvenance(headers, own).kind, wanted));
}

test('judgeCsrfToken() takes the token of this session and no other', () => {
  const session = 'a'.repeat(43) as Secret;
  assert.equal(judgeCsrfToken({ 'x-csrf-token': csrfToken(session) }, session).kind, 'ours');
  for (const shown of [
    undefined,
    '',
    csrfToken('b'.repeat(43)),
    `${csrfToken(session)}x`,
    csrfToken(session).toLowerCase(),
  ]) {
    assert.equal(judgeCsrfToken(shown === undefined ? {} : { 'x-csrf-token': shown }, session).kind, 'refused');
  }
});

const principal = (kind: string, privileges: readonly string[], authenticatedAt = 0): UserPrincipal => ({
  kind: 'user',
  via: 'session',
  user: {
    current: true,
    row: {
      id: 'u' as UserId,
      username: 'alice' as Username,
      displayName: 'Alice',
      email: '',
      privileges,
      groups: [],
      active: true,
      sealedPassword: '',
      credentialGeneration: 1,
      createdAt: 0 as Millis,
    },
  },
  session: {
    id: 's' as SessionId,
    digest: 'd' as Digest,
    userId: 'u' as UserId,
    kind,
    transport: 'cookie',
    credentialGeneration: 1,
    bootId: '',
    parentId: null,
    origin: null,
    createdAt: 0 as Millis,
    lastSeenAt: 0 as Millis,
    idleMs: 1,
    expiresAt: 1 as Millis,
    authenticatedAt: authenticatedAt as Millis,
    address: '127.0.0.1' as Address,
    userAgent: '',
  },
});

const accountOrAdmin: Need = { kind: 'session', kinds: ['admin', 'account'] };
const onlyAdminKind: Need = { kind: 'session', kinds: ['admin'] };
const admin: Need = { kind: 'admin' };

for (const [name, need, who, wanted] of [
  ['anybody', { kind: 'anybody' }, anonymous, 'allowed'],
  ['a session, nobody there', accountOrAdmin, anonymous, 'unauthorized'],
  ['a session, account there', accountOrAdmin, principal('account', []), 'allowed'],
  ['a session, app there', accountOrAdmin, principal('app', [adminPrivilege]), 'unauthorized'],
  ['an admin session, account there', onlyAdminKind, principal('account', [adminPrivilege]), 'unauthorized'],
  ['an admin, nobody there', admin, anonymous, 'unauthorized'],
  ['an admin, somebody else there', admin, principal('account', ['user']), 'forbidden'],
  ['an admin, an admin there', admin, principal('account', [adminPrivilege]), 'allowed'],
  ['an admin, everybody there', admin, { kind: 'everybody', state: 'off' }, 'unauthorized'],
] as const) {
  test(`judgeNeed(): ${name}: ${wanted}`, () => {
    const judged = judgeNeed(need, who, 'remote');
    assert.equal(judged.kind === 'refused' ? judged.code : judged.kind, wanted);
  });
}

test('judgeNeed() names the missing kind', () => {
  const judged = judgeNeed(onlyAdminKind, anonymous, 'local');
  assert.match(judged.kind === 'refused' ? (judged.detail ?? '') : '', /"admin" session/);
});

test('judgeKind(): a session kind with a privilege ends in use when the privilege goes', () => {
  assert.equal(judgeKind(principal('admin', [adminPrivilege]), adminPrivilege).kind, 'allowed');
  assert.equal(judgeKind(principal('admin', []), adminPrivilege).kind, 'refused');
  assert.equal(judgeKind(principal('account', []), null).kind, 'allowed');
});

test('judgeStepUp(): the window is open for its length and not a moment longer, and never on a shared origin', () => {
  const { session } = principal('account', [], 1000);
  const rules = { windowMs: 300_000, origin: 'own' } as const;
  assert.equal(judgeStepUp(session, rules, 1000 as Millis).kind, 'within-window');
  assert.equal(judgeStepUp(session, rules, 300_999 as Millis).kind, 'within-window');
  assert.equal(judgeStepUp(session, rules, 301_000 as Millis).kind, 'password-needed');
  assert.equal(judgeStepUp(session, rules, 999 as Millis).kind, 'password-needed');
  assert.equal(judgeStepUp(session, { ...rules, origin: 'shared' }, 1000 as Millis).kind, 'password-needed');
});
