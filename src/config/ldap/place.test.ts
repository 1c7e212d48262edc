import assert from 'node:assert/strict';
import { test } from 'node:test';
import { distinguishedName, filterText, groupPrivilege, ldapUrl, realmName } from './place.ts';

test('a directory is named by its scheme and host', () => {
  const cases = {
    'ldaps://ldap.corp.test': 'ldaps://ldap.corp.test:636',
    'ldap://LDAP.corp.test/': 'ldap://ldap.corp.test:389',
    'ldaps://[2001:db8::7]:6360': 'ldaps://[2001:db8::7]:6360',
    'ldap://127.0.0.1': 'ldap://127.0.0.1:389',
  };
  for (const [text, written] of Object.entries(cases)) {
    const parsed = ldapUrl.parse(text);
    assert.ok(parsed.kind === 'value', text);
    assert.equal(ldapUrl.format(parsed.value), written);
  }
  for (const text of [
    'ldap.corp.test',
    'http://ldap.corp.test',
    'ldapi:///run/ldapi',
    'ldaps://cn=x:pw@ldap.corp.test',
    'ldaps://ldap.corp.test/dc=corp',
    'ldaps://ldap.corp.test?starttls=off',
    'ldaps://a,b',
    'ldaps://ldap:0',
    'ldaps://',
    '',
  ])
    assert.equal(ldapUrl.parse(text).kind, 'refused', text);
});

test('realms, places, filters and what groups give have a form', () => {
  for (const text of ['corp', 'a1', 'lab-2.example', '_x']) assert.equal(realmName.parse(text).kind, 'value', text);
  for (const text of ['local', 'Corp', 'c', '-c', 'co@rp', ''])
    assert.equal(realmName.parse(text).kind, 'refused', text);

  assert.equal(distinguishedName.parse('ou=people,dc=corp').kind, 'value');
  for (const text of ['people', '', 'ou=a\nb', `ou=${'x'.repeat(1100)}`])
    assert.equal(distinguishedName.parse(text).kind, 'refused', text);

  const user = filterText(['name'], ['name']);
  for (const text of ['(uid={name})', '(&(objectClass=person)(|(uid={name})(mail={name}@corp.test)))'])
    assert.equal(user.parse(text).kind, 'value', text);
  for (const text of [
    'uid={name}',
    '(uid=alice)',
    '(uid={name})(x=y)',
    '((uid={name})',
    '(uid={name}))',
    '(uid={dn})',
    '()',
    '',
  ])
    assert.equal(user.parse(text).kind, 'refused', text);
  assert.equal(filterText([], []).parse('(userAccountControl:1.2.840.113556.1.4.803:=2)').kind, 'value');

  assert.deepEqual(groupPrivilege.parse('Domain Admins=admin'), {
    kind: 'value',
    value: { group: 'Domain Admins', privilege: 'admin' },
  });
  for (const text of ['admins', '=admin', 'admins=', 'a=b=c', 'admins=two words'])
    assert.equal(groupPrivilege.parse(text).kind, 'refused', text);
});
