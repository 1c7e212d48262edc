/**
 * What is known of a person beside the name: as an admin writes it, checked once. It goes into identity headers, mails and
 * lists: bounded so that all of it together fits into the headers of any server, and nothing in it moves other text about.
 * Pure.
 */
import { readMailAddress } from '../config/mail-place.ts';

export type PersonField<T> =
  | { readonly kind: 'malformed'; readonly why: string }
  | { readonly kind: 'field'; readonly value: T };

export const personLimits = { displayName: 128, words: 32, wordLength: 48, search: 256 } as const;

/** A group or a privilege: they stand in a header, separated by commas. */
export const word = new RegExp(`^[A-Za-z0-9][A-Za-z0-9._:@+/-]{0,${personLimits.wordLength - 1}}$`);

/** Controls, separators of lines, and what turns the direction of the text behind it. */
const unfit = /[\p{Cc}\p{Cs}\p{Zl}\p{Zp}\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]/u;

/** A part of what is known of a person, as somebody looks for it. What no field can hold is looked for nowhere. */
export function readSearch(text: string): PersonField<string> {
  if (text.length > personLimits.search) return malformed(`"q" has at most ${personLimits.search} characters.`);
  return unfit.test(text) ? malformed('"q" is one line of text.') : { kind: 'field', value: text };
}

export function readDisplayName(text: string): PersonField<string> {
  const name = text.normalize('NFC').trim();
  if (Array.from(name).length > personLimits.displayName)
    return malformed(`"display_name" has at most ${personLimits.displayName} characters.`);
  return unfit.test(name) ? malformed('"display_name" is one line of text.') : { kind: 'field', value: name };
}

/** Empty: none. */
export function readEmail(text: string): PersonField<string> {
  if (text === '') return { kind: 'field', value: '' };
  const address = readMailAddress(text);
  return address.kind === 'refused'
    ? malformed('"email" is one address such as alice@example.org.')
    : { kind: 'field', value: address.value };
}

/** Each once, in the order in which they came. */
export function readWords(field: 'groups' | 'privileges', words: readonly string[]): PersonField<readonly string[]> {
  const unique = [...new Set(words)];
  if (unique.length > personLimits.words) return malformed(`"${field}" are at most ${personLimits.words}.`);
  return unique.every((each) => word.test(each))
    ? { kind: 'field', value: unique }
    : malformed(
        `"${field}" are words of at most ${personLimits.wordLength} letters, digits and . _ : @ + / -, beginning with a letter or digit.`,
      );
}

function malformed(why: string): { readonly kind: 'malformed'; readonly why: string } {
  return { kind: 'malformed', why };
}
