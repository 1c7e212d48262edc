import assert from 'node:assert/strict';
import { test } from 'node:test';
import { csrfToken } from '../crypto/digest.ts';
import { adminPrivilege, anonymous, type UserPrincipal } from '../principal/principal.ts';
import type { Address, Digest, Millis, Origin, Secret, SessionId, UserId, Username } from '../types.ts';
import { judgeCsrfToken, judgeProvenance } from './csrf.ts';
import { dutyOf, judgeDuty, type Reach } from './duty.ts';
import { judgeKind, judgeNeed, type Need, reachOf } from './need.ts';
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
      sealedTotp: '',
      passkeys: 0,
      passwordLength: 'full',
      passwordStanding: 'own',
      realm: 'local',
      disabledBy: '',
      ticketGeneration: 0,
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

const accountOrAdmin: Need = { kind: 'session', kinds: ['admin', 'account'], reach: 'whole' };
const onlyAdminKind: Need = { kind: 'session', kinds: ['admin'], reach: 'whole' };
const admin: Need = { kind: 'admin', scope: 'sallyport:users' };

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

const { row } = principal('account', []).user;
const { row: adminRow } = principal('account', [adminPrivilege]).user;
const known = { passwordStanding: 'known-to-others' } as const;

for (const [name, user, required, wanted] of [
  ['nothing is required', row, 'none', 'none'],
  ['of admins, and it is none', row, 'admins', 'none'],
  ['of admins, and it is one', adminRow, 'admins', 'enrol'],
  ['of everybody', row, 'everybody', 'enrol'],
  ['of everybody, and there is TOTP', { ...row, sealedTotp: 'v1.x' }, 'everybody', 'none'],
  ['of everybody, and there is a passkey', { ...adminRow, passkeys: 1 }, 'everybody', 'none'],
  ['the password is known, whatever is required', { ...row, ...known }, 'none', 'change-password'],
  ['the password is known: that comes first', { ...adminRow, ...known }, 'everybody', 'change-password'],
  ['another realm keeps the password', { ...row, ...known, realm: 'corp' }, 'none', 'none'],
  ['another realm keeps the password, of everybody', { ...row, ...known, realm: 'corp' }, 'everybody', 'enrol'],
  ['the password is short, and alone', { ...row, passwordLength: 'short' }, 'none', 'change-password'],
  [
    'the password is short, and alone: that comes first',
    { ...adminRow, passwordLength: 'short' },
    'everybody',
    'change-password',
  ],
  ['the password is short beside a factor', { ...row, passwordLength: 'short', passkeys: 1 }, 'none', 'none'],
  ['the password is known beside a factor', { ...row, ...known, passkeys: 1 }, 'none', 'change-password'],
] as const) {
  test(`dutyOf(): ${name}: ${wanted}`, () => assert.equal(dutyOf(user, required), wanted));
}

test('judgeDuty(): who has a duty reaches what it takes, and who has none everything', () => {
  const judged = (reach: Reach): readonly string[] =>
    (['none', 'enrol', 'change-password'] as const).map((duty) => judgeDuty(reach, duty).kind);
  assert.deepEqual(judged('always'), ['allowed', 'allowed', 'allowed']);
  assert.deepEqual(judged('to-enrol'), ['allowed', 'allowed', 'refused']);
  assert.deepEqual(judged('whole'), ['allowed', 'refused', 'refused']);
  const refused = judgeDuty('whole', 'enrol');
  assert.ok(refused.kind === 'refused');
  assert.deepEqual([refused.code, refused.fields], ['forbidden', { must: 'enrol' }]);
});

test('reachOf(): what an admin alone may is never what a duty takes', () => {
  assert.equal(reachOf(admin), 'whole');
  assert.equal(reachOf({ ...accountOrAdmin, reach: 'to-enrol' }), 'to-enrol');
  for (const kind of ['nobody', 'anybody'] as const) assert.equal(reachOf({ kind }), 'always');
  assert.equal(reachOf({ kind: 'local', scope: 'sallyport:metrics' }), 'always');
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
