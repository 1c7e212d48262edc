import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Entry } from 'ldapts';
import { nameOf, valuesOf } from './read-entry.ts';

const read = (entry: Entry): string => {
  const name = nameOf(entry, 'uid', 'corp');
  return name.kind === 'name' ? `${name.name} ${name.written}` : 'none';
};

test('values are texts, in any case of the attribute; what is too long is none', () => {
  const entry: Entry = { dn: 'uid=a', UID: ['a', '', 'b'.repeat(2000), 'c'], jpegPhoto: Buffer.from('x'), cn: 'one' };
  assert.deepEqual(valuesOf(entry, 'uid'), ['a', 'c']);
  assert.deepEqual([valuesOf(entry, 'cn'), valuesOf(entry, 'jpegphoto'), valuesOf(entry, 'mail')], [['one'], [], []]);
});

test('an entry has one name: its own, canonical', () => {
  assert.equal(read({ dn: 'uid=Alice,ou=people', uid: 'Alice' }), 'alice Alice');
  // Several names would be several accounts, with a second factor at one of them.
  assert.equal(read({ dn: 'uid=alice,ou=people', uid: ['a.smith', 'Alice'] }), 'alice Alice');
  assert.equal(read({ dn: 'uid=alice+cn=A,ou=people', uid: ['a.smith', 'alice'] }), 'alice alice');
  assert.equal(read({ dn: 'cn=A,ou=people', uid: ['a.smith', 'alice'] }), 'none');
  assert.equal(read({ dn: 'uid=al,ou=people', uid: ['alice', 'bob'] }), 'none');
});

test('what is no user name here is nobody', () => {
  for (const uid of ['', 'a b', 'a:b', 'a/b', 'x'.repeat(64), 'a\0', '\u202ea'])
    assert.equal(read({ dn: 'uid=x', uid }), 'none');
  assert.equal(read({ dn: 'uid=x', uid: [] }), 'none');
  assert.equal(read({ dn: 'uid=x', uid: 'a@b' }), 'a@b a@b');
});
