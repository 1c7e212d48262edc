import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import { cellText, csvCell, csvRecord } from './cell.ts';
import { csvReader } from './read-csv.ts';

const starts = ['=', '+', '-', '@', '\t', '\r', '\n', '\0', '＝', '＋', '－', '＠', "'=", "''@"];

test('I-16: a cell that begins like a formula is defused and quoted, whatever else is in it', () => {
  for (const start of starts)
    fc.assert(fc.property(fc.string(), (rest) => assert.ok(csvCell(start + rest).startsWith(`"'${start}`))));
  assert.equal(csvCell('=HYPERLINK("x";"y")'), `"'=HYPERLINK(""x"";""y"")"`);
});

test('any other cell is as it is, in quotes only where it has to be', () => {
  for (const plain of ['203.0.113.7', "O'Brien", "'quoted'", 'a=b', 'a-b', '', ' =x'])
    assert.equal(csvCell(plain), plain);
  assert.equal(csvCell('a,b'), '"a,b"');
  assert.equal(csvCell('a "b"'), '"a ""b"""');
  assert.equal(cellText("'tis"), "'tis");
});

test('what was written is read back as it was, cell by cell', () => {
  const text = fc.oneof(
    fc.string({ unit: 'grapheme' }),
    fc.string({ unit: fc.constantFrom("'", '=', '"', ',', '\r', '\n', 'a') }),
  );
  fc.assert(
    fc.property(fc.array(text, { minLength: 1, maxLength: 8 }), (cells) => {
      // A record of one empty cell is an empty line, and the reader takes no NUL.
      if (cells.join('') === '' || cells.join('').includes('\0')) return;
      const reader = csvReader();
      assert.equal(reader.push(Buffer.from(`head\r\n${csvRecord(cells)}\r\n`)).kind, 'taken');
      const read = reader.end();
      assert.ok(read.kind === 'table');
      assert.deepEqual(
        read.rows.map((row) => row.map(cellText)),
        [cells],
      );
    }),
  );
});
