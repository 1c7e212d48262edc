/** What an entry of the table of settings is made of: a value with its default, or one that may be left out. Pure. */
import type { DurationText, SizeText } from '../quantity.ts';
import type { UnitSuffix, ValueKind } from '../value-kind.ts';

export interface WithDefault<T, Suffix extends UnitSuffix> {
  readonly kind: 'with-default';
  readonly value: ValueKind<T, Suffix>;
  /** As an operator would write it; `<data>` in front stands for the data folder. */
  readonly byDefault: string;
  readonly meaning: string;
}

export interface Optional<T, Suffix extends UnitSuffix> {
  readonly kind: 'optional';
  readonly value: ValueKind<T, Suffix>;
  /** What holds when it is not given; the value is then `null`. */
  readonly otherwise: string;
  readonly meaning: string;
}

export type Setting = WithDefault<unknown, UnitSuffix> | Optional<unknown, UnitSuffix>;

/** A duration's default needs its unit, as its bounds do. */
type DefaultText<Suffix extends UnitSuffix> = Suffix extends 'Ms'
  ? DurationText
  : Suffix extends 'Bytes'
    ? SizeText
    : string;

export function setting<T, Suffix extends UnitSuffix>(
  value: ValueKind<T, Suffix>,
  byDefault: DefaultText<Suffix>,
  meaning: string,
): WithDefault<T, Suffix> {
  return { kind: 'with-default', value, byDefault, meaning };
}

export function optional<T, Suffix extends UnitSuffix>(
  value: ValueKind<T, Suffix>,
  otherwise: string,
  meaning: string,
): Optional<T, Suffix> {
  return { kind: 'optional', value, otherwise, meaning };
}
