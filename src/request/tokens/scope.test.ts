import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { parseScope, scopeLimits } from './scope.ts';

for (const text of [
  '*',
  'read',
  'read:*',
  'read:projects',
  'read:projects:*',
  'read:a.b-c_d:9',
  'admin:all',
  'sallyport:admin',
  'r2:x',
  `r${'x'.repeat(scopeLimits.characters - 1)}`,
])
  test(`parseScope() takes "${text.slice(0, 40)}" as it is`, () => {
    assert.deepEqual(parseScope(text), { kind: 'scope', scope: text });
  });

for (const text of [
  '',
  ' ',
  '**',
  '*:read',
  'read:',
  ':read',
  'read::a',
  'read:*:a',
  'read:a*',
  'read*',
  'Read',
  'read:A',
  'read a',
  'read\n',
  ' read',
  '1read',
  '_x',
  '__proto__',
  '.x',
  'réad',
  'read:"a"',
  'read,write',
  'read:a/b',
  `r${'x'.repeat(scopeLimits.characters)}`,
])
  test(`parseScope() takes no ${JSON.stringify(text.slice(0, 40))}`, () => {
    assert.equal(parseScope(text).kind, 'malformed');
  });

test('what is a scope needs no quoting in a header, and is a list of words however it is split', () => {
  fc.assert(
    fc.property(
      fc.string({ unit: fc.constantFrom('*', ':', 'a', 'r', 'z', '0', '_', '.', '-', ' ', '"', 'A') }),
      (text) => {
        if (parseScope(text).kind === 'malformed') return;
        assert.match(text, /^[a-z0-9_.:*-]+$/);
        const words = text.split(':');
        assert.ok(
          words.every(
            (word, place) => word !== '' && (!word.includes('*') || (word === '*' && place === words.length - 1)),
          ),
        );
      },
    ),
    { numRuns: 2000 },
  );
});
