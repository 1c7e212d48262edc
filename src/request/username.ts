/**
 * User names: one spelling for limits, look-ups and logs (3-rules, Passwords; RFC 8265 section 3.3,
 * UsernameCaseMapped). Pure.
 * Stops: one account under many spellings, invisible and reordering characters in lists and logs, names that read as
 * `user:password` or as a path.
 */
import type { Username } from '../types.ts';

export type MalformedUsername =
  | 'empty'
  | 'too-long'
  /** White space, control, `:`, `/`, invisible, private, unassigned, symbols outside ASCII, half a surrogate pair. */
  | 'character'
  /** Right-to-left and left-to-right letters in one name, or an edge that a reader would see elsewhere. */
  | 'direction'
  /** No spelling that normalisation leaves alone. */
  | 'unstable';

export type UsernameForm =
  | { readonly kind: 'malformed'; readonly why: MalformedUsername }
  /** `display` is what was typed, with its capitals; everything else works on `username`. */
  | { readonly kind: 'username'; readonly username: Username; readonly display: string };

export const usernameLimits = { codePoints: 64, bytes: 256 } as const;

/** What a name has to be, for whoever gave one that is not. */
export const malformedUsernameText: Readonly<Record<MalformedUsername, string>> = {
  empty: 'The user name is missing.',
  'too-long': `A user name has at most ${usernameLimits.codePoints} characters.`,
  character: 'A user name has no spaces, no ":" or "/", and nothing that cannot be seen.',
  direction: 'A user name is written in one direction, from its first letter to its last.',
  unstable: 'This user name has no one spelling.',
};

/**
 * No code point of a name is written with more than eight UTF-16 units before normalisation, and a longer text is not
 * worth the work of finding out.
 */
const mostUnits = usernameLimits.codePoints * 8;

/** Full-width and half-width forms: letters, digits, signs, katakana, hangul and symbols. */
const widthVariants = /[\u3000\uff01-\uffef]/gu;
/** IdentifierClass (RFC 8264 section 4.2): printable ASCII, letters, digits and marks; ours without `:` and `/`. */
const permitted = /^[\x21-\x2e\x30-\x39\x3b-\x7e\p{Ll}\p{Lu}\p{Lo}\p{Lm}\p{Nd}\p{Mn}\p{Mc}]+$/u;
/**
 * What that class takes out again: default-ignorable code points, old hangul jamo, the code points that RFC 5892
 * section 2.6 refuses by name, and the Greek and Hebrew signs that it allows in certain places only.
 */
const refused =
  /[\u302e-\u302f\p{Default_Ignorable_Code_Point}\u1100-\u11ff\ua960-\ua97c\ud7b0-\ud7fb\u0640\u07fa\u3031-\u3035\u303b\u00b7\u0375\u05f3\u05f4\u30fb]/u;
const arabicIndicDigit = /[\u0660-\u0669]/u;
const extendedArabicIndicDigit = /[\u06f0-\u06f9]/u;
/** Scripts written from right to left; stands in for the bidi classes R and AL, which regular expressions lack. */
const rightToLeft =
  '\\p{Script=Hebrew}\\p{Script=Arabic}\\p{Script=Syriac}\\p{Script=Thaana}\\p{Script=Nko}\\p{Script=Samaritan}\\p{Script=Mandaic}\\p{Script=Adlam}\\p{Script=Hanifi_Rohingya}\\p{Script=Mende_Kikakui}\\p{Script=Yezidi}';
const anyRightToLeft = new RegExp(`[${rightToLeft}]`, 'u');
/** Starts with a letter of such a script, ends with one or with a digit, with or without marks (RFC 5893 section 2). */
const rightToLeftEdges = new RegExp(`^(?=\\p{L})[${rightToLeft}].*?(?<=[${rightToLeft}\\p{Nd}])\\p{M}*$`, 'u');
const leftToRightLetter = new RegExp(`(?![${rightToLeft}])\\p{L}`, 'u');

export function parseUsername(raw: string): UsernameForm {
  if (raw === '') return malformed('empty');
  if (raw.length > mostUnits) return malformed('too-long');
  if (!raw.isWellFormed()) return malformed('character');
  const display = withoutWidth(raw).normalize('NFC');
  const canonical = stable(display);
  if (canonical === undefined) return malformed('unstable');
  // Every rule holds for both: what is shown must be as harmless as what is compared.
  for (const form of [canonical, display]) {
    const fault = faultOf(form);
    if (fault !== 'none') return malformed(fault);
  }
  return { kind: 'username', username: canonical as Username, display };
}

/** Width mapping, case mapping, NFC: the enforcement steps of RFC 8265 section 3.3.3, in their order. */
function mapped(text: string): string {
  return withoutWidth(text).toLowerCase().normalize('NFC');
}

/** Full-width and half-width letters and signs as the plain ones that they stand for, before anything is split off at one. */
export function withoutWidth(text: string): string {
  return text.replace(widthVariants, (variant) => variant.normalize('NFKC'));
}

/** The steps are repeated until nothing changes, three more times at most (RFC 8264 section 7). */
function stable(text: string): string | undefined {
  let form = mapped(text);
  for (let round = 0; round < 3; round += 1) {
    const next = mapped(form);
    if (next === form) return form;
    form = next;
  }
  return undefined;
}

function faultOf(text: string): MalformedUsername | 'none' {
  if (Buffer.byteLength(text) > usernameLimits.bytes || Array.from(text).length > usernameLimits.codePoints)
    return 'too-long';
  if (!permitted.test(text) || refused.test(text)) return 'character';
  // A mark at the start would join whatever is printed before the name.
  if (/^\p{M}/u.test(text)) return 'character';
  // RFC 5892 appendices A.8 and A.9: the two sets look alike.
  if (arabicIndicDigit.test(text) && extendedArabicIndicDigit.test(text)) return 'character';
  // HasCompat (RFC 8264 section 9.17): what has a compatibility form is one more spelling of something else.
  if (text.normalize('NFKC') !== text) return 'character';
  // The Bidi Rule of RFC 5893 section 2, narrowed: a name with right-to-left letters has no other letters.
  if (!anyRightToLeft.test(text)) return 'none';
  return rightToLeftEdges.test(text) && !leftToRightLetter.test(text) ? 'none' : 'direction';
}

function malformed(why: MalformedUsername): UsernameForm {
  return { kind: 'malformed', why };
}
