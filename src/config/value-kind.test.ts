import assert from 'node:assert/strict';
import { resolve } from 'node:path';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { count } from './quantity.ts';
import {
  choice,
  commandLine,
  cookieStem,
  filePath,
  flag,
  listOf,
  secret,
  type UnitSuffix,
  type ValueKind,
} from './value-kind.ts';

interface Row {
  readonly value: ValueKind<unknown, UnitSuffix>;
  readonly accepts: readonly (readonly [text: string, value: unknown])[];
  readonly refuses: readonly string[];
}

const numbers = listOf(count(1, 9), 'numbers');

const rows: Readonly<Record<string, Row>> = {
  flag: {
    value: flag,
    accepts: [
      ['true', true],
      ['false', false],
    ],
    refuses: ['', 'yes', '1', 'TRUE', ' true', 'on'],
  },
  choice: {
    value: choice('x-forwarded-for', 'forwarded'),
    accepts: [
      ['X-Forwarded-For', 'x-forwarded-for'],
      ['forwarded', 'forwarded'],
    ],
    refuses: ['', 'x_forwarded_for', 'x-forwarded', 'constructor', 'forwarded '],
  },
  path: {
    value: filePath,
    accepts: [
      ['/var/lib/sallyport/', '/var/lib/sallyport'],
      ['./here', resolve('here')],
    ],
    refuses: ['', '/var/\0lib'],
  },
  'cookie stem': {
    value: cookieStem,
    accepts: [
      ['sallyport', 'sallyport'],
      ['__my.host-1', '__my.host-1'],
      ['a'.repeat(64), 'a'.repeat(64)],
    ],
    refuses: ['', '__Host-sallyport', '__host-x', '__Secure-x', 'a b', 'a=b', 'a;b', 'ä', 'a\n', 'a'.repeat(65)],
  },
  secret: {
    value: secret(16),
    accepts: [
      ['sixteen letters!', 'sixteen letters!'],
      ['ü'.repeat(256), 'ü'.repeat(256)],
    ],
    refuses: [
      '',
      'fifteen letters',
      'two lines of\ntext, both long',
      'x'.repeat(257),
      '😀'.repeat(15),
      'sixteen letters!\0',
    ],
  },
  'command line': {
    value: commandLine,
    accepts: [
      ['/bin/true', ['/bin/true']],
      ['/usr/bin/env  -i  sh', ['/usr/bin/env', '-i', 'sh']],
      ['/bin/echo "a', ['/bin/echo', '"a']],
      ['["/bin/echo", "a b", ""]', ['/bin/echo', 'a b', '']],
    ],
    refuses: [
      '',
      'true',
      './run',
      '[]',
      '["true"]',
      '["/bin/true", 1]',
      '[/bin/true]',
      '/bin/true\n/bin/false',
      '{"a":1}',
    ],
  },
  list: {
    value: numbers,
    accepts: [
      ['', []],
      ['1', [1]],
      ['1, 2 ,3', [1, 2, 3]],
    ],
    refuses: ['1,,2', ',', '1,', '1;2', '1,10'],
  },
};

for (const [name, { value, accepts, refuses }] of Object.entries(rows)) {
  suite(`value kind ${name}`, () => {
    for (const [text, expected] of accepts) {
      test(`takes ${JSON.stringify(text.slice(0, 40))}`, () =>
        assert.deepEqual(value.parse(text), { kind: 'value', value: expected }));
    }
    for (const text of refuses) {
      test(`refuses ${JSON.stringify(text.slice(0, 40))}`, () => assert.equal(value.parse(text).kind, 'refused'));
    }
    test('never throws', () => {
      fc.assert(
        fc.property(fc.string({ unit: 'binary' }), (text) => ['refused', 'value'].includes(value.parse(text).kind)),
      );
    });
  });
}

test('a list says which entry is wrong', () => {
  assert.deepEqual(numbers.parse('1,12'), { kind: 'refused', reason: 'entry 2: more than 9' });
});

test('a secret is never printed', () => {
  const kind = secret(16);
  const parsed = kind.parse('correct horse battery');
  assert.ok(parsed.kind === 'value');
  assert.equal(kind.format(parsed.value), '(set)');
});
