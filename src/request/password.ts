/**
 * Passwords as they arrive, by form, JSON, Basic or command line: normalised once, then compared whole (3-rules,
 * Passwords; RFC 8265 section 4.2, OpaqueString). Pure.
 * Stops: one keyboard's password refused from another, truncation and trimming that make many passwords one, hashing
 * paid for by megabytes, NUL that ends the text early in somebody else's code.
 */
import type { Password } from '../types.ts';

export type MalformedPassword = 'empty' | 'control-character' | 'lone-surrogate';

export type PasswordForm =
  | { readonly kind: 'malformed'; readonly why: MalformedPassword }
  /** Answered with 413 before any hashing. */
  | { readonly kind: 'too-long' }
  | { readonly kind: 'password'; readonly password: Password };

export const passwordLimits = { bytes: 1024 } as const;

/**
 * NFC turns at most three UTF-16 units into two bytes (u, diaeresis, macron into one letter), so a text of more than
 * one and a half times the limit stays above it whatever it is made of: no need to normalise megabytes to know.
 */
const mostUnits = passwordLimits.bytes * 1.5;

const control = /\p{Cc}/u;
const spaces = /\p{Zs}/gu;

/**
 * Wider than the FreeformClass in one place: joiners, variation selectors and code points that this Unicode version
 * does not know are kept. Phones send them inside emoji, any character must be usable (NIST SP 800-63B-4 section
 * 3.1.1.2), and a password must not stop working when the server is older than the phone.
 */
export function parsePassword(raw: string): PasswordForm {
  if (raw === '') return malformed('empty');
  if (raw.length > mostUnits) return { kind: 'too-long' };
  if (!raw.isWellFormed()) return malformed('lone-surrogate');
  if (control.test(raw)) return malformed('control-character');
  const password = raw.replace(spaces, ' ').normalize('NFC');
  if (Buffer.byteLength(password) > passwordLimits.bytes) return { kind: 'too-long' };
  return { kind: 'password', password: password as Password };
}

function malformed(why: MalformedPassword): PasswordForm {
  return { kind: 'malformed', why };
}
