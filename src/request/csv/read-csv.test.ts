import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { csvLimits, csvReader } from './read-csv.ts';

/** In pieces of that many bytes. */
function read(text: string | Uint8Array, piece = 65_536) {
  const bytes = typeof text === 'string' ? Buffer.from(text) : text;
  const reader = csvReader();
  for (let at = 0; at < bytes.length; at += piece) {
    const pushed = reader.push(bytes.subarray(at, at + piece));
    if (pushed.kind !== 'taken') return pushed;
  }
  return reader.end();
}

function records(text: string, piece?: number): readonly (readonly string[])[] | string {
  const table = read(text, piece);
  return table.kind === 'table' ? [table.header, ...table.rows] : table.detail;
}

const right: readonly (readonly [string, readonly (readonly string[])[]])[] = [
  [
    'a,b\r\nc,d\r\n',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  [
    'a,b\nc,d',
    [
      ['a', 'b'],
      ['c', 'd'],
    ],
  ],
  ['\ufeffa\nb', [['a'], ['b']]],
  ['a\n\n\r\nb\n\n', [['a'], ['b']]],
  ['a,b\n,\n""\n" "\n', [['a', 'b'], ['', ''], [''], [' ']]],
  ['a\n"x,\r\n""y"""\n', [['a'], ['x,\r\n"y"']]],
  ['"a","b"\r\n"ä"\r', [['a', 'b'], ['ä']]],
  ['a\n=1;2 \n', [['a'], ['=1;2 ']]],
];

const wrong: readonly (readonly [string, RegExp])[] = [
  ['', /is empty/],
  ['\r\n\n', /is empty/],
  ['a\n"x\n', /^Row 1 of the file ends inside quotes/],
  ['a\nb\nx"y\n', /^Row 2 .*a quote inside a cell/],
  ['a\n"x"y\n', /^Row 1 .*text behind the quote/],
  ['a\n"x" ,y\n', /^Row 1 .*text behind the quote/],
  ['a,b\rc', /^The header .*carriage return/],
  ['a\r\r\n', /carriage return/],
  ['a\n"x"\ry', /carriage return/],
  ['a\nb\0', /NUL/],
];

test('lines, quotes, commas and empty lines, in pieces of any size', () => {
  for (const piece of [1, 2, 3, 65_536]) {
    for (const [text, expected] of right) assert.deepEqual(records(text, piece), expected, JSON.stringify(text));
    for (const [text, expected] of wrong) assert.match(String(records(text, piece)), expected, JSON.stringify(text));
  }
});

test('only UTF-8, whole', () => {
  for (const bytes of [
    [0x61, 0x0a, 0xff],
    [0x61, 0x0a, 0xc3],
    [0x61, 0x0a, 0xed, 0xa0, 0x80],
    [0xff, 0xfe, 0x61, 0x00],
  ])
    for (const piece of [1, 64]) {
      const table = read(Uint8Array.from(bytes), piece);
      assert.ok(table.kind === 'malformed' && /UTF-8/.test(table.detail));
    }
});

test('rows, cells, characters of a record and empty lines are bounded', () => {
  const { rows, cells, recordCharacters } = csvLimits;
  const most = read(`a\n${'b\n'.repeat(rows)}`);
  assert.ok(most.kind === 'table' && most.rows.length === rows);
  assert.equal(read(`a\n${'b\n'.repeat(rows + 1)}`).kind, 'too-many');
  assert.equal(read(`${','.repeat(cells - 1)}\n`).kind, 'table');
  assert.match(String(records(`${','.repeat(cells)}\n`)), /more than 32 cells/);
  assert.equal(read(`a\n${'x'.repeat(recordCharacters - 1)}\ny`).kind, 'table');
  for (const long of ['x', '"', '"x', '""'])
    assert.match(String(records(`a\n${long.padEnd(recordCharacters + 1, long)}`)), /longer than|quote/);
  assert.equal(read(`a\n${'\n'.repeat(rows)}b`).kind, 'table');
  assert.match(String(records(`a\n${'\r\n'.repeat(rows + 1)}b`)), /mostly empty/);
});

test('any bytes at all are a table or a fault, and the same in pieces of any size', () => {
  const signs = fc.string({ unit: fc.constantFrom('a', ',', '"', '\r', '\n', 'ä', '\0', '𝒳'), maxLength: 40 });
  fc.assert(
    fc.property(signs, fc.integer({ min: 1, max: 7 }), (text, piece) => {
      const [whole, pieces] = [read(text), read(text, piece)];
      // Of several faults it is the first in the piece that is told.
      assert.deepEqual(pieces.kind === 'table' ? pieces : pieces.kind, whole.kind === 'table' ? whole : whole.kind);
    }),
  );
});
