import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { adminPrivilege, type AccountPrincipal, type TokenPrincipal } from '../principal/principal.ts';
import { type OwnScope, ownScopes, scopesInForce } from '../principal/scopes.ts';
import { parseScope } from '../request/tokens/scope.ts';
import type { TokenRow, UserRow } from '../store/rows.ts';
import type { Digest, Millis, Scope, TokenId, UserId, Username } from '../types.ts';
import { compareScopes, judgeGrant, judgeScopes, judgeUnnamed } from './scopes.ts';

const own = Object.keys(ownScopes) as readonly OwnScope[];

const userWith = (privileges: readonly string[]): UserRow => ({
  id: 'u' as UserId,
  username: 'alice' as Username,
  displayName: '',
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
});
const adminUser = userWith([adminPrivilege]);
const plainUser = userWith(['editor']);

const asScopes = (texts: readonly string[]): readonly Scope[] => texts as readonly Scope[];

function tokenOf(scopes: readonly string[], row = adminUser): TokenPrincipal {
  const token: TokenRow = {
    id: 't' as TokenId,
    userId: row.id,
    digest: 'd' as Digest,
    previous: null,
    name: '',
    prefix: '',
    scopes: asScopes(scopes),
    addresses: [],
    perMinute: 1,
    perHour: 1,
    active: true,
    createdAt: 0 as Millis,
    expiresAt: null,
    lastUsedAt: null,
    lastUsedAddress: '',
    useCount: 0,
  };
  return { kind: 'token', token, user: { row, current: true }, shown: token.digest, via: 'api-token' };
}

const judged = (held: readonly string[], asked: string, row = adminUser): string => {
  const judgement = judgeScopes(asScopes([asked]), tokenOf(held, row));
  return judgement.kind === 'refused' ? judgement.code : judgement.kind;
};

for (const [held, reaches, tooSmall] of [
  ['*', ['*', 'read:a', 'read:*', 'write:a:b', 'x', 'admin:all', 'admin:x', 'admin'], ['sallyport:admin']],
  ['admin:all', ['*', 'read:a', 'admin:x', 'admin:all', 'constructor'], ['admin:credentials', 'sallyport:audit']],
  ['admin:*', ['admin:x', 'admin:*'], ['admin', 'admin:all', 'read:a', '*', 'admin:credentials']],
  ['read:*', ['read:*', 'read:a', 'read:a:b', 'read:a:*'], ['read', 'reading:a', 'write:a', '*', 'admin:x']],
  ['read:a:*', ['read:a:*', 'read:a:b', 'read:a:b:c'], ['read:a', 'read:ab', 'read:b:a', 'read:*', '*']],
  ['read:a', ['read:a'], ['read:a:b', 'read:*', 'read', 'read:ab']],
  ['read', ['read'], ['read:a', 'read:*']],
  ['sallyport:audit', ['sallyport:audit'], ['sallyport:users', 'sallyport:admin', 'read:a', '*', 'admin:credentials']],
  ['sallyport:admin', own.filter((each) => each.startsWith('sallyport:')), ['admin:credentials', 'read:a', '*']],
  ['admin:credentials', ['admin:credentials'], ['admin:x', 'admin:all', 'sallyport:tokens', 'read:a']],
] as const) {
  test(`judgeScopes(): ${held} reaches what it says, and nothing else`, () => {
    for (const asked of reaches) assert.equal(judged([held], asked), 'allowed', asked);
    for (const asked of tooSmall) assert.equal(judged([held], asked), 'insufficient_scope', asked);
  });
}

test('judgeScopes(): any of those asked for will do; none asks for nothing; a person has no limits', () => {
  const token = tokenOf(['read:a']);
  assert.equal(judgeScopes(asScopes(['write:a', 'read:a']), token).kind, 'allowed');
  assert.equal(judgeScopes([], tokenOf([])).kind, 'allowed');
  const refused = judgeScopes(asScopes(['write:a', 'write:b']), token);
  assert.ok(refused.kind === 'refused');
  assert.deepEqual(refused.fields, { required_scope: ['write:a', 'write:b'], available_scopes: ['read:a'] });
  const person = { kind: 'user', user: token.user } as unknown as AccountPrincipal;
  assert.equal(judgeScopes(asScopes(['admin:credentials']), person).kind, 'allowed');
});

test('judgeScopes(): a ticket reaches what whoever asked for it does', () => {
  const parent = tokenOf(['read:a']);
  const ticket: AccountPrincipal = { kind: 'path-ticket', user: parent.user, parent, via: 'path-ticket' };
  assert.equal(judgeScopes(asScopes(['read:a']), ticket).kind, 'allowed');
  assert.equal(judgeScopes(asScopes(['read:b']), ticket).kind, 'refused');
});

test('without the privilege nothing of administration is reached, whatever a token was given', () => {
  for (const held of [...own, 'admin:all', 'admin:x', '*'])
    for (const asked of [...own, 'admin:x', 'admin:all', 'admin'])
      assert.equal(judged([held], asked, plainUser), 'insufficient_scope', `${held} → ${asked}`);
  assert.equal(judged(['*'], 'read:a', plainUser), 'allowed');
  // One that was an administrator's keeps nothing but what others may have, wildcards of administration included.
  assert.equal(judged(['admin:all'], 'read:a', plainUser), 'insufficient_scope');
  assert.deepEqual(scopesInForce(asScopes(['read:*', 'admin:all', 'sallyport:audit', '*']), plainUser), [
    'read:*',
    '*',
  ]);
  const all = asScopes(['read:*', 'admin:all']);
  assert.equal(scopesInForce(all, adminUser), all);
});

test('judgeUnnamed(): reading needs something of applications, changing something that does more than read', () => {
  const kinds = (...held: string[]) =>
    (['reads', 'changes'] as const).map((use) => judgeUnnamed(use, tokenOf(held)).kind);
  assert.deepEqual(kinds('read:*'), ['allowed', 'refused']);
  assert.deepEqual(kinds('read:a', 'sallyport:admin', 'admin:credentials'), ['allowed', 'refused']);
  assert.deepEqual(kinds('read:a', 'write:a'), ['allowed', 'allowed']);
  assert.deepEqual(kinds('*'), ['allowed', 'allowed']);
  assert.deepEqual(kinds('sallyport:admin', 'admin:credentials'), ['refused', 'refused']);
  assert.deepEqual(kinds(), ['refused', 'refused']);
});

test('judgeGrant(): an own scope is one of the table, and of an administrator', () => {
  const granted = (scope: string, row: UserRow): string => judgeGrant(asScopes(['read:a', scope]), row).kind;
  for (const scope of own) {
    assert.equal(granted(scope, adminUser), 'granted', scope);
    assert.equal(granted(scope, plainUser), 'above-owner', scope);
  }
  for (const scope of ['sallyport:x', 'sallyport:*', 'sallyport:admin:*'])
    for (const row of [adminUser, plainUser]) assert.equal(granted(scope, row), 'unknown', scope);
  for (const scope of ['admin', 'admin:all', 'admin:*', 'admin:credentials:x']) {
    assert.equal(granted(scope, adminUser), 'granted', scope);
    assert.equal(granted(scope, plainUser), 'above-owner', scope);
  }
  for (const scope of ['*', 'read:*', 'administer:x', 'sallyports:x', 'constructor', 'valueof'])
    assert.equal(granted(scope, plainUser), 'granted', scope);
});

/** Words that often meet each other, and names that every object has. */
const word = fc.constantFrom(
  'read',
  'write',
  'admin',
  'all',
  'a',
  'ab',
  'b',
  'credentials',
  'sallyport',
  'constructor',
);
const scope: fc.Arbitrary<string> = fc.oneof(
  { weight: 1, arbitrary: fc.constantFrom<string>('*', 'admin:all', ...own) },
  {
    weight: 3,
    arbitrary: fc
      .tuple(fc.array(word, { minLength: 1, maxLength: 3 }), fc.boolean())
      .map(([words, wild]) => `${words.join(':')}${wild ? ':*' : ''}`),
  },
);
const scopes = fc.array(scope, { minLength: 1, maxLength: 5 });

test('the scopes that are made up here are scopes', () => {
  fc.assert(fc.property(scope, (each) => assert.equal(parseScope(each).kind, 'scope', each)));
});

test('no wildcard ever reaches an own scope', () => {
  const wild = fc.array(
    scope.filter((each) => !(own as readonly string[]).includes(each)),
    { maxLength: 5 },
  );
  fc.assert(
    fc.property(wild, fc.constantFrom(...own), (held, asked) =>
      assert.equal(judged(held, asked), 'insufficient_scope', `${held.join()} → ${asked}`),
    ),
  );
});

test('more scopes reach no less, and each reaches itself', () => {
  fc.assert(
    fc.property(scopes, scope, scope, (held, more, asked) => {
      if (judged(held, asked) === 'allowed') assert.equal(judged([...held, more], asked), 'allowed');
      assert.equal(judged([more, ...held], more), 'allowed');
    }),
  );
});

test('a token never reaches more by an owner who may less', () => {
  fc.assert(
    fc.property(scopes, scope, (held, asked) => {
      if (judged(held, asked, plainUser) === 'allowed') assert.equal(judged(held, asked), 'allowed');
    }),
  );
});

test('compareScopes(): what is called contained reaches nothing that was not reached before', () => {
  let contained = 0;
  fc.assert(
    fc.property(scopes, scopes, scope, fc.nat(), (now, before, asked, dice) => {
      // Often a part of what was there.
      const some = dice % 2 === 0 ? before.slice(dice % before.length) : now;
      // What a token is changed from is what it comes to; its owner may have lost some of it.
      for (const row of [adminUser, plainUser]) {
        if (compareScopes(asScopes(some), scopesInForce(asScopes(before), row)) === 'wider') continue;
        contained += 1;
        for (const each of [asked, ...some])
          if (judged(some, each, row) === 'allowed')
            assert.equal(judged(before, each, row), 'allowed', `${some.join()} in ${before.join()}: ${each}`);
        for (const use of ['reads', 'changes'] as const)
          if (judgeUnnamed(use, tokenOf(some, row)).kind === 'allowed')
            assert.equal(
              judgeUnnamed(use, tokenOf(before, row)).kind,
              'allowed',
              `${some.join()} in ${before.join()}: ${use}`,
            );
      }
    }),
    { numRuns: 3000 },
  );
  assert.ok(contained > 500, `only ${contained}`);
});

for (const [now, before, wanted] of [
  [['read:a'], ['read:*'], 'contained'],
  [['read:*'], ['read:a'], 'wider'],
  [['read:a:*'], ['read:*'], 'contained'],
  [['*'], ['admin:all'], 'contained'],
  [['admin:all'], ['admin:*'], 'wider'],
  [['admin:*'], ['admin:all'], 'contained'],
  [['*'], ['read:*', 'write:*'], 'wider'],
  [['sallyport:audit'], ['sallyport:admin'], 'contained'],
  [['sallyport:admin'], own.filter((each) => each !== 'sallyport:admin'), 'wider'],
  [['admin:credentials'], ['*', 'admin:all', 'sallyport:admin'], 'wider'],
  [['read:a', 'write:a'], ['read:*'], 'wider'],
  [[], ['read:*'], 'contained'],
] as const) {
  test(`compareScopes(): ${now.join()} after ${before.join()} is ${wanted}`, () =>
    assert.equal(compareScopes(asScopes(now), asScopes(before)), wanted));
}
