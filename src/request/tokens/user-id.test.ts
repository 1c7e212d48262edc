import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readUserId, realmNames } from './user-id.ts';

const own = realmNames('SP', []);
const pve = realmNames('PVE', []);
/** As it is with a directory beside. */
const more = new Map([...pve, ['corp', 'corp'], ['ad', 'corp']]);

for (const [text, realms, username, realm, userId] of [
  ['bob', own, 'bob', 'local', 'bob@local'],
  ['Bob@LOCAL', own, 'bob', 'local', 'bob@local'],
  ['bob@sp', own, 'bob', 'local', 'bob@sp'],
  ['bob@pve', own, 'bob@pve', 'local', 'bob@pve@local'],
  ['bob@pve', pve, 'bob', 'local', 'bob@pve'],
  ['bob@pam', pve, 'bob@pam', 'local', 'bob@pam@local'],
  ['bob@example.com', pve, 'bob@example.com', 'local', 'bob@example.com@local'],
  ['bob@example.com@pve', pve, 'bob@example.com', 'local', 'bob@example.com@pve'],
  ['bob@corp', more, 'bob@corp', 'corp', 'bob@corp'],
  ['bob@AD', more, 'bob@corp', 'corp', 'bob@corp'],
  ['bob@pve@corp', more, 'bob@pve@corp', 'corp', 'bob@pve@corp'],
  // Full width: what it is after the name is read says the realm, as it does wherever else somebody signs in.
  ['bob\uff20local', more, 'bob', 'local', 'bob@local'],
  ['bob@\uff50\uff56\uff45', more, 'bob', 'local', 'bob@pve'],
  ['bob\uff20corp', more, 'bob@corp', 'corp', 'bob@corp'],
  ['bob\uff20corp@local', more, 'bob@corp', 'corp', 'bob@corp'],
] as const)
  test(`readUserId(): ${text} is ${username} of ${realm}`, () =>
    assert.deepEqual(readUserId(text, realms), { kind: 'account', username, realm, userId }));

for (const text of ['', '@pve', '@local', 'a b', 'a:b', 'a/b@pve', `${'x'.repeat(65)}@pve`, '@corp', 'x\u0000'])
  test(`readUserId(): ${JSON.stringify(text.slice(0, 20))} is nobody`, () =>
    assert.deepEqual(readUserId(text, more), { kind: 'malformed' }));

test('one account under each name of its realm', () => {
  const names = ['Bob', 'bob@local', 'bob@pve', 'BOB@PVE'].map((text) => readUserId(text, pve));
  assert.deepEqual(new Set(names.map((each) => (each.kind === 'account' ? each.username : ''))), new Set(['bob']));
});
