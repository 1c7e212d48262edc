/**
 * Step 1 for the code of a second factor: what somebody typed becomes one of the codes there are, or none. Pure.
 * Stops: digits of other scripts, and text of any length taken for a code.
 */
import { canonicalCode } from '../crypto/code.ts';

export type FactorCode =
  /** Counts as a wrong code (3-rules, Second factors). */
  | { readonly kind: 'unreadable' }
  /** Six digits. */
  | { readonly kind: 'totp'; readonly code: string }
  /** In its one spelling. */
  | { readonly kind: 'recovery'; readonly code: string };

/** Spaces and dashes, of any kind, are how people and programs group codes. */
export function readFactorCode(typed: string): FactorCode {
  const text = typed.replace(/[\s\p{Pd}]/gu, '');
  if (/^[0-9]{6}$/.test(text)) return { kind: 'totp', code: text };
  if (!/^[0-9A-Za-z]{25}$/.test(text)) return { kind: 'unreadable' };
  const code = canonicalCode(text);
  return code.includes('U') ? { kind: 'unreadable' } : { kind: 'recovery', code };
}
