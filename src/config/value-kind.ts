/**
 * What a setting's value may be: read from the text an operator wrote, printed back in the same form (2-http-api,
 * 1. Starting). Everything arrives as text, so that a flag, a variable and a line of the file mean the same. Pure.
 */
import { resolve } from 'node:path';
import type { Secret } from '../types.ts';

export type Parsed<T> =
  | { readonly kind: 'refused'; /** What is wrong, beyond the expected form; may be empty. */ readonly reason: string }
  | { readonly kind: 'value'; readonly value: T };

/** How a value is written: `flag` needs no value on the command line, `list` may be an array in the file, `count` an integer. */
export type Writing = 'text' | 'flag' | 'count' | 'list' | 'secret';

/** What is appended to the name of the typed field, so that no number is read without its unit. */
export type UnitSuffix = '' | 'Ms' | 'Bytes';

export interface ValueKind<T, Suffix extends UnitSuffix = ''> {
  readonly writing: Writing;
  readonly suffix: Suffix;
  /** Completes "expected …": form, unit and bounds. */
  readonly form: string;
  /** Never throws. */
  parse(text: string): Parsed<T>;
  /** Text that `parse` reads back as the same value; for a secret `(set)`. */
  format(value: T): string;
}

export function refused(reason = ''): { readonly kind: 'refused'; readonly reason: string } {
  return { kind: 'refused', reason };
}

export function accepted<T>(value: T): { readonly kind: 'value'; readonly value: T } {
  return { kind: 'value', value };
}

/** `true` or `false`. */
export const flag: ValueKind<boolean> = {
  writing: 'flag',
  suffix: '',
  form: '`true` or `false`',
  parse: (text) => (text === 'true' || text === 'false' ? accepted(text === 'true') : refused()),
  format: String,
};

/** One of some words; upper and lower case are the same. */
export function choice<const Words extends readonly string[]>(...words: Words): ValueKind<Words[number]> {
  return {
    writing: 'text',
    suffix: '',
    form: words.length === 1 ? `\`${words[0]}\`` : `one of ${words.map((word) => `\`${word}\``).join(', ')}`,
    parse: (text) => {
      const word = words.find((each) => each === text.toLowerCase());
      return word === undefined ? refused() : accepted(word);
    },
    format: String,
  };
}

/** A file or folder; relative ones count from the working directory, the value is absolute. */
export const filePath: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: 'a path',
  parse: (text) => (text === '' || text.includes('\0') ? refused() : accepted(resolve(text))),
  format: String,
};

/** A program and its arguments, for no shell: what quotes mean is not asked. */
export const commandLine: ValueKind<readonly [string, ...string[]]> = {
  writing: 'text',
  suffix: '',
  form: 'an absolute path of a program and its arguments, separated by spaces; or a JSON array of them',
  parse: (text) => {
    const words = text.trimStart().startsWith('[') ? wordsOf(text) : text.split(' ').filter((word) => word !== '');
    const [program, ...rest] = words;
    // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
    if (words.some((word) => /[\0-\x1f\x7f]/.test(word))) return refused('it has control characters in it');
    return program?.startsWith('/') === true ? accepted([program, ...rest]) : refused();
  },
  format: (words) => (words.some((word) => word === '' || /[ []/.test(word)) ? JSON.stringify(words) : words.join(' ')),
};

/** None, when the text is no array of texts. */
function wordsOf(text: string): readonly string[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) && value.every((word) => typeof word === 'string') ? value : [];
  } catch {
    return [];
  }
}

/**
 * The stem of our cookies' names: token characters (RFC 6265 section 4.1.1). The prefixes that browsers give a meaning
 * are added by us where they hold (2-http-api, 3. Ways in), never by the operator.
 */
export const cookieStem: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: '1 to 64 letters, digits, dashes, dots, underscores or other token characters, without `__Host-` or `__Secure-` in front',
  parse: (text) => (/^(?!__(?:host|secure)-)[a-z0-9!#$%&'*+.^_`|~-]{1,64}$/i.test(text) ? accepted(text) : refused()),
  format: String,
};

/** What a program calls itself in logs. */
export const logTag: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: '1 to 32 letters, digits, dashes or underscores',
  parse: (text) => (/^[A-Za-z0-9_-]{1,32}$/.test(text) ? accepted(text) : refused()),
  format: String,
};

/** What a program shows its user when it asks for a password: as it stands between quotes in a header. */
export const realmText: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: '1 to 64 visible ASCII characters and spaces, without quotes and backslashes',
  parse: (text) =>
    /^[\x20\x21\x23-\x5b\x5d-\x7e]{1,64}$/.test(text) && text.trim() === text ? accepted(text) : refused(),
  format: String,
};

/** How API tokens begin; those of sessions are told from them by theirs. */
export const tokenPrefix: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: '2 to 15 small letters and digits, then an underscore; not `sps_`',
  parse: (text) => (/^(?!sps_)[a-z][a-z0-9]{1,14}_$/.test(text) ? accepted(text) : refused()),
  format: String,
};

/** How signed tickets begin, and the names of their cookie and headers. */
export const ticketPrefix: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: "2 to 8 capital letters: `SP`, or `PVE`, `PBS`, `PDM` for these products' clients",
  parse: (text) => (/^[A-Z]{2,8}$/.test(text) ? accepted(text) : refused()),
  format: String,
};

/** A secret of at least so many characters; the only kind that is never shown and that may be given as a file. */
export function secret(minimum: number): ValueKind<Secret> {
  return {
    writing: 'secret',
    suffix: '',
    form: `${minimum} to 256 characters in one line`,
    parse: (text) => {
      const length = Array.from(text.slice(0, 1024)).length;
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      return length < minimum || length > 256 || /[\0-\x1f\x7f]/.test(text) ? refused() : accepted(text as Secret);
    },
    format: () => '(set)',
  };
}

/** Comma-separated; an array in the file. The empty text is the empty list. */
export function listOf<T>(item: ValueKind<T>, things: string): ValueKind<readonly T[]> {
  return {
    writing: 'list',
    suffix: '',
    form: `a comma-separated list of ${things}`,
    parse: (text) => {
      if (text.trim() === '') return accepted([]);
      const values: T[] = [];
      for (const [index, part] of text.split(',').entries()) {
        const parsed = item.parse(part.trim());
        if (parsed.kind === 'refused')
          return refused(`entry ${index + 1}${parsed.reason === '' ? '' : `: ${parsed.reason}`}`);
        values.push(parsed.value);
      }
      return accepted(values);
    },
    format: (values) => values.map((value) => item.format(value)).join(','),
  };
}
