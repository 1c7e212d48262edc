/**
 * The forms in which the password policy compares (3-rules, Passwords). Nothing here is ever hashed, stored or shown:
 * a password is verified exactly as typed, only the question "would somebody guess it" looks away from spelling. Pure.
 */
import type { Brand } from '../types.ts';

/** What the offline list holds: small, without separators, with simple leet undone. Minted in `keyOf`. */
export type PasswordKey = Brand<string, 'PasswordKey'>;

/**
 * Leet signs and the letter each stands for. `i`, `l`, `1`, `!` and `|` are one: all are written for each other, and a
 * key that knows only one letter for them needs a single look-up.
 */
const leet: Readonly<Record<string, string>> = {
  '0': 'o', '1': 'i', '3': 'e', '4': 'a', '5': 's', '7': 't',
  '!': 'i', '|': 'i', '@': 'a', $: 's', '+': 't', l: 'i',
}; // prettier-ignore

/** Small letters without width, compatibility forms or Latin and Greek accents: `Ｐäſſ` is `pass`. Idempotent. */
export function fold(text: string): string {
  // The capital of a small sharp s is two letters, the small form of a capital one is not yet: down, up, down.
  const letters = text.normalize('NFKD').toLowerCase().toUpperCase().toLowerCase().normalize('NFKD');
  return letters.replace(/[\u0300-\u036f]/g, '').normalize('NFKC');
}

/** A folded text without what people put between words; every other sign stays, and so do the signs of leet. */
export function squeeze(folded: string): string {
  return folded.replace(/[\s\p{Pd}._,'’]/gu, '');
}

/** A squeezed text with leet undone; character for character, so that positions agree with `squeezed`. */
export function keyOf(squeezed: string): PasswordKey {
  return squeezed.replace(/[0-9!|@$+l]/g, (sign) => leet[sign] ?? sign) as PasswordKey;
}

export function reversed(text: string): string {
  return Array.from(text).toReversed().join('');
}

/** What the length of a password is counted in (NIST SP 800-63B-4 section 3.1.1.2). */
export function codePoints(text: string): number {
  return Array.from(text).length;
}
