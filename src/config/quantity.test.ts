import assert from 'node:assert/strict';
import { suite, test } from 'node:test';
import * as fc from 'fast-check';
import { count, duration, formatDuration, formatSize, size } from './quantity.ts';
import type { UnitSuffix, ValueKind } from './value-kind.ts';

const anyDuration = duration('0ms', '100000000d');
const anySize = size('0KiB', '8000000GiB');

interface Row {
  readonly value: ValueKind<number, UnitSuffix>;
  readonly text: string;
  readonly is: number;
  /** The same thing, written so that it must be refused. */
  readonly twin: string;
}

const rows: readonly Row[] = [
  { value: anyDuration, text: '500ms', is: 500, twin: '500' },
  { value: anyDuration, text: '30s', is: 30_000, twin: '30 s' },
  { value: anyDuration, text: '5m', is: 300_000, twin: '5min' },
  { value: anyDuration, text: '24h', is: 86_400_000, twin: '24H' },
  { value: anyDuration, text: '30d', is: 2_592_000_000, twin: '30.0d' },
  { value: anyDuration, text: '0s', is: 0, twin: '-0s' },
  { value: anyDuration, text: '90s', is: 90_000, twin: '1m30s' },
  { value: anyDuration, text: '7s', is: 7000, twin: '07s' },
  { value: anyDuration, text: '999999999999999ms', is: 999_999_999_999_999, twin: '1000000000000000ms' },
  { value: anyDuration, text: '100000000d', is: 8_640_000_000_000_000, twin: '999999999999999d' },
  { value: duration('1s', '12h'), text: '12h', is: 43_200_000, twin: '43200001ms' },
  { value: duration('1s', '12h'), text: '1s', is: 1000, twin: '999ms' },
  { value: anySize, text: '64KiB', is: 65_536, twin: '64KB' },
  { value: anySize, text: '19MiB', is: 19_922_944, twin: '19M' },
  { value: anySize, text: '1GiB', is: 1_073_741_824, twin: '1gib' },
  { value: size('19MiB', '1GiB'), text: '19MiB', is: 19_922_944, twin: '18MiB' },
  { value: size('19MiB', '1GiB'), text: '1024MiB', is: 1_073_741_824, twin: '2GiB' },
  { value: count(1, 100), text: '1', is: 1, twin: '0' },
  { value: count(1, 100), text: '100', is: 100, twin: '101' },
  { value: count(1, 100), text: '50', is: 50, twin: '50s' },
  { value: count(1, 100), text: '10', is: 10, twin: '1e1' },
];

suite('quantities', () => {
  for (const { value, text, is, twin } of rows) {
    test(`takes ${text}, refuses ${twin}`, () => {
      assert.deepEqual(value.parse(text), { kind: 'value', value: is });
      assert.equal(value.parse(twin).kind, 'refused');
    });
  }

  test('what is out of bounds is told with the bound and its unit', () => {
    assert.deepEqual(duration('1s', '12h').parse('13h'), { kind: 'refused', reason: 'more than 12h' });
    assert.deepEqual(size('19MiB', '1GiB').parse('1MiB'), { kind: 'refused', reason: 'less than 19MiB' });
    assert.match(duration('1s', '12h').form, /from 1s to 12h$/);
  });

  test('a bound without a unit is a fault of the table', () => {
    assert.throws(() => duration('5x' as '5s', '1h'), TypeError);
  });

  const formats: readonly (readonly [string, string])[] = [
    [formatDuration(86_400_000), '24h'],
    [formatDuration(2 * 86_400_000), '2d'],
    [formatDuration(90_000), '90s'],
    [formatDuration(1001), '1001ms'],
    [formatDuration(0), '0ms'],
    [formatSize(19 * 1024 ** 2), '19MiB'],
    [formatSize(1024 ** 3), '1GiB'],
    [formatSize(1024 * 1025), '1025KiB'],
  ];
  for (const [written, expected] of formats) test(`writes ${expected}`, () => assert.equal(written, expected));

  test('no text makes a parser throw or a value leave its bounds', () => {
    const narrow = duration('1s', '12h');
    const garbage = fc.oneof(
      fc.string({ unit: 'binary' }),
      fc.stringMatching(/^-?\d{1,40}(\.\d)?(ms|s|m|h|d|KiB|GiB|)$/),
    );
    fc.assert(
      fc.property(garbage, (text) => {
        for (const value of [narrow, size('64KiB', '1GiB'), count(0, 10)]) value.parse(text);
        const parsed = narrow.parse(text);
        return parsed.kind === 'refused' || (parsed.value >= 1000 && parsed.value <= 43_200_000);
      }),
    );
  });

  test('what is written is read back', () => {
    const days = fc
      .nat({ max: 100_000 })
      .chain((amount) => fc.constantFrom(1, 1000, 60_000, 3_600_000, 86_400_000).map((unit) => amount * unit));
    fc.assert(
      fc.property(days, (ms) => assert.deepEqual(anyDuration.parse(formatDuration(ms)), { kind: 'value', value: ms })),
    );
    const bytes = fc
      .nat({ max: 100_000 })
      .chain((amount) => fc.constantFrom(1024, 1024 ** 2, 1024 ** 3).map((unit) => amount * unit));
    fc.assert(
      fc.property(bytes, (amount) =>
        assert.deepEqual(anySize.parse(formatSize(amount)), { kind: 'value', value: amount }),
      ),
    );
  });
});
