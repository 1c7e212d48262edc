import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { AndFilter, EqualityFilter, type Filter, FilterParser } from 'ldapts';
import { escaped, filled, forAnyName } from './filters.ts';

test('what has a meaning in a filter is escaped (RFC 4515 section 3)', () => {
  assert.equal(escaped('alice)(uid=*'), String.raw`alice\29\28uid=\2a`);
  assert.equal(escaped('\\2a\0'), String.raw`\5c2a\00`);
  assert.equal(escaped('ünïcode, x=y & z'), 'ünïcode, x=y & z');
});

test('a value is a value, whatever is in it; places in it are none', () => {
  const template = '(&(uid={name})(member={dn}))';
  assert.equal(filled(template, { name: '{dn}', dn: '{name}' }), '(&(uid={dn})(member={name}))');
  assert.equal(filled(template, { name: 'a' }), '(&(uid=a)(member={dn}))');
  assert.equal(forAnyName('(&(uid={name})(x=y))'), '(&(uid=*)(x=y))');
  fc.assert(
    fc.property(
      fc.string({ unit: 'grapheme', minLength: 1 }),
      fc.string({ unit: 'binary', minLength: 1 }),
      (name, dn) => {
        const read: Filter = FilterParser.parseString(filled(template, { name, dn }));
        assert.ok(read instanceof AndFilter);
        const values = read.filters.map((each) => (each instanceof EqualityFilter ? each.value : undefined));
        assert.deepEqual(values, [name, dn]);
      },
    ),
  );
});
