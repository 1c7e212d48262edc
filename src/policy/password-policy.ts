/**
 * May this be somebody's password? Length, the offline list, and names (3-rules, Passwords; NIST SP 800-63B-4 section
 * 3.1.1.2; ASVS 6.2). No composition rules, no expiry. Pure; the list comes in as an argument.
 * Stops: passwords that fall to the first few thousand guesses, the same ones padded to the length, the product's or
 * the user's name as a password.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { UserRow } from '../store/rows.ts';
import type { Password, Username } from '../types.ts';
import type { CommonPasswords } from './common-passwords.ts';
import { guessesOf } from './password-guess.ts';
import { codePoints } from './password-key.ts';
import { contextNames, madeOf } from './password-names.ts';

/** One sentence each, in the order in which they are reported. */
export const passwordReasons = {
  too_short: 'The password is too short: at least 15 characters, or 8 when the account has a second factor.',
  common: 'The password is on the list of common and breached passwords, or is little more than a word from it.',
  sequence: 'The password is a sequence or a repetition, such as neighbouring keys, counting, or a part said again.',
  contains_username: 'The password is made of the user name.',
  contains_product: 'The password is made of the name of this product.',
  contains_host: 'The password is made of the name of this server.',
  same_as_old: 'The password is the same as the old one.',
} as const;

export type PasswordReason = keyof typeof passwordReasons;

/** Code points, not bytes: one character of any script counts one. */
const shortestPassword = { alone: 15, withSecondFactor: 8 } as const;

export interface PasswordCandidate {
  readonly password: Password;
  readonly username: Username;
  /** Public URL, listeners, protected hosts: names only, with or without a port. */
  readonly hostNames: readonly string[];
  /** Whether the account has a second factor once this password is set. */
  readonly secondFactor: 'none' | 'present';
  /** The old password as just proven, where there is one. */
  readonly previous?: Password;
}

export type PasswordJudgement =
  | { readonly kind: 'refused'; readonly reasons: readonly PasswordReason[] }
  | { readonly kind: 'accepted' };

export function judgePassword(candidate: PasswordCandidate, commonPasswords: CommonPasswords): PasswordJudgement {
  const { password, username, hostNames, secondFactor, previous } = candidate;
  const found = new Set<PasswordReason>();
  const least = secondFactor === 'present' ? shortestPassword.withSecondFactor : shortestPassword.alone;
  if (codePoints(password) < least) found.add('too_short');
  for (const guess of guessesOf(password, least, commonPasswords)) found.add(guess);
  const names = contextNames(username, hostNames);
  for (const owner of madeOf(password, names, commonPasswords)) found.add(`contains_${owner}`);
  // Both are in this one request, so a comparison that stops early tells nobody anything.
  if (password === previous) found.add('same_as_old');
  if (found.size === 0) return { kind: 'accepted' };
  return { kind: 'refused', reasons: allReasons.filter((reason) => found.has(reason)) };
}

/** `short`: it will not do by itself, so the last second factor cannot go before it. */
export function passwordLengthOf(password: Password): UserRow['passwordLength'] {
  return codePoints(password) < shortestPassword.alone ? 'short' : 'full';
}

const allReasons = Object.keys(passwordReasons) as readonly PasswordReason[];

/** The 422 that says why a new password will not do (2-http-api, 2). */
export function passwordRefused(reasons: readonly PasswordReason[]): Refusal {
  return refuse('password_refused', {
    detail: reasons.map((reason) => passwordReasons[reason]).join(' '),
    fields: { reasons },
  });
}
