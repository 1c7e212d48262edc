/** Whether a token is in use, so far as that can be told from its last time. */
import type { Token } from '../api/tokens.ts';

const dayMs = 86_400_000;
/** Not used for so long: probably nothing needs it. */
const longUnusedDays = 90;
/** Made so long ago and never used: probably the same. */
const neverUsedDays = 7;

export type Use =
  | { readonly kind: 'lately' }
  | { readonly kind: 'not-yet' }
  | { readonly kind: 'never' }
  | { readonly kind: 'long-ago'; readonly days: number };

export function useOf(token: Token, now: number): Use {
  const days = Math.floor((now - (token.lastUsedAt || token.createdAt)) / dayMs);
  if (token.lastUsedAt === 0) return { kind: days < neverUsedDays ? 'not-yet' : 'never' };
  return days < longUnusedDays ? { kind: 'lately' } : { kind: 'long-ago', days };
}

/** Those that could go. What has ended does no harm. */
export function isUnused(token: Token, now: number): boolean {
  return !token.expired && ['never', 'long-ago'].includes(useOf(token, now).kind);
}
