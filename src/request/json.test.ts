import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { readJson } from './json.ts';

const read = (text: string) => readJson(Buffer.from(text));

test('readJson() gives what JSON.parse gives for every value without equal keys', () => {
  fc.assert(
    fc.property(fc.jsonValue({ maxDepth: 6 }), (value) => {
      const text = JSON.stringify(value);
      const reading = read(text);
      if (reading.kind === 'value') assert.deepEqual(reading.value, JSON.parse(text));
      else assert.ok(!text.isWellFormed() || /\\ud[89a-f]/i.test(text), `${text}: ${reading.detail}`);
    }),
  );
});

test('readJson() never throws and never takes what JSON.parse refuses', () => {
  fc.assert(
    fc.property(fc.string(), (text) => {
      const reading = read(text);
      if (reading.kind === 'value') assert.deepEqual(reading.value, JSON.parse(text));
    }),
  );
});

for (const text of [
  '{"a":1,"a":2}',
  '{"a":1,"\\u0061":2}',
  '{"a":{"b":1,"b" : 2}}',
  '[{"a":1},{"a":1,"a":1}]',
  '{"a":"\\ud800"}',
  '{"\\udc00":1}',
  `${'['.repeat(33)}${']'.repeat(33)}`,
  '{"a":1,}',
  '{a:1}',
  '{"a":1}//x',
  '\ufeff{}',
  '',
  'nul',
  '"unfinished',
  '{"a":NaN}',
]) {
  test(`readJson() refuses ${JSON.stringify(text.slice(0, 40))}`, () => assert.equal(read(text).kind, 'malformed'));
}

for (const text of [
  '{"a":1,"b":{"a":1}}',
  '[{"a":1},{"a":1}]',
  '{"a":"a","b":"a"}',
  '{"a":"\\ud83d\\ude00"}',
  ' null ',
]) {
  test(`readJson() takes ${text}`, () => assert.equal(read(text).kind, 'value'));
}

test('readJson() refuses bytes that are not UTF-8', () => {
  for (const bytes of [
    [0x22, 0xff, 0x22],
    [0x22, 0xc0, 0x80, 0x22],
    [0x22, 0xed, 0xa0, 0x80, 0x22],
  ])
    assert.equal(readJson(Uint8Array.from(bytes)).kind, 'malformed');
});
