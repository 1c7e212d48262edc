/**
 * Durations, sizes and counts as operators write them: whole numbers that carry their unit (2-http-api, 1. Starting). Pure.
 * Stops: `24` that means hours to one reader and seconds to another, fractions, numbers that overflow.
 */
import { accepted, refused, type UnitSuffix, type ValueKind } from './value-kind.ts';

const durationUnits = { ms: 1, s: 1_000, m: 60_000, h: 3_600_000, d: 86_400_000 } as const;
const sizeUnits = { KiB: 1024, MiB: 1024 ** 2, GiB: 1024 ** 3 } as const;

/** Bounds and defaults in the table are written as an operator would; a missing unit does not compile. */
export type DurationText = `${bigint}${keyof typeof durationUnits}`;
export type SizeText = `${bigint}${keyof typeof sizeUnits}`;

interface Measure<Suffix extends UnitSuffix> {
  readonly suffix: Suffix;
  readonly writing: 'text' | 'count';
  readonly described: string;
  /** From small to large. */
  readonly units: Readonly<Record<string, number>>;
  readonly format: (value: number) => string;
}

/** Fifteen digits are exact; the product is checked for it. No sign, no fraction, no leading zero, no white space. */
const quantity = /^(0|[1-9]\d{0,14})([a-z]{0,3})$/i;

type Amount = { readonly kind: 'malformed' } | { readonly kind: 'amount'; readonly value: number };

function read(text: string, units: Readonly<Record<string, number>>): Amount {
  const [, digits, unit] = quantity.exec(text) ?? [];
  if (digits === undefined || unit === undefined || !Object.hasOwn(units, unit)) return { kind: 'malformed' };
  const value = Number(digits) * (units[unit] ?? Number.NaN);
  return Number.isSafeInteger(value) ? { kind: 'amount', value } : { kind: 'malformed' };
}

function measured<Suffix extends UnitSuffix>(
  measure: Measure<Suffix>,
  least: string,
  most: string,
): ValueKind<number, Suffix> {
  const { suffix, writing, described, units, format } = measure;
  const [low, high] = [read(least, units), read(most, units)];
  if (low.kind === 'malformed' || high.kind === 'malformed') throw new TypeError(`Not a bound: "${least}", "${most}"`);
  return {
    writing,
    suffix,
    form: `${described}, from ${least} to ${most}`,
    parse: (text) => {
      const amount = read(text, units);
      if (amount.kind === 'malformed') return refused();
      if (amount.value < low.value) return refused(`less than ${least}`);
      return amount.value > high.value ? refused(`more than ${most}`) : accepted(amount.value);
    },
    format,
  };
}

/** The largest unit that divides it; a single day is written as hours, as everybody says it. */
export function formatDuration(ms: number): string {
  const fits = (unit: keyof typeof durationUnits, atLeast: number): boolean =>
    ms % durationUnits[unit] === 0 && ms >= atLeast * durationUnits[unit];
  const unit = fits('d', 2) ? 'd' : fits('h', 1) ? 'h' : fits('m', 1) ? 'm' : fits('s', 1) ? 's' : 'ms';
  return `${ms / durationUnits[unit]}${unit}`;
}

export function formatSize(bytes: number): string {
  const unit = bytes % sizeUnits.GiB === 0 ? 'GiB' : bytes % sizeUnits.MiB === 0 ? 'MiB' : 'KiB';
  return `${bytes / sizeUnits[unit]}${unit}`;
}

/** `500ms`, `30s`, `5m`, `24h`, `30d`; the value is in milliseconds. */
export function duration(least: DurationText, most: DurationText): ValueKind<number, 'Ms'> {
  const described = 'a whole number with a unit of time (500ms, 30s, 5m, 24h, 30d)';
  return measured(
    { suffix: 'Ms', writing: 'text', described, units: durationUnits, format: formatDuration },
    least,
    most,
  );
}

/** `64KiB`, `19MiB`, `1GiB`; the value is in bytes. */
export function size(least: SizeText, most: SizeText): ValueKind<number, 'Bytes'> {
  const described = 'a whole number with a unit of size (64KiB, 19MiB, 1GiB)';
  return measured({ suffix: 'Bytes', writing: 'text', described, units: sizeUnits, format: formatSize }, least, most);
}

/** How many of something. */
export function count(least: number, most: number): ValueKind<number> {
  const described = 'a whole number without a unit';
  return measured(
    { suffix: '', writing: 'count', described, units: { '': 1 }, format: String },
    String(least),
    String(most),
  );
}
