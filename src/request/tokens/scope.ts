/**
 * What a token may be used for, and what is asked for: one parser for both (2-http-api, 5). Pure.
 * Stops: a scope that is read in two ways.
 */
import type { Scope } from '../../types.ts';

export type ScopeForm = { readonly kind: 'malformed' } | { readonly kind: 'scope'; readonly scope: Scope };

/** `*`; or words with colons between, the last of which may be `*`. */
const form = /^(?:\*|[a-z][a-z0-9_.-]*(?::[a-z0-9_.-]+)*(?::\*)?)$/;

export const scopeLimits = { characters: 128, perToken: 32 } as const;

export function parseScope(text: string): ScopeForm {
  return text.length <= scopeLimits.characters && form.test(text)
    ? { kind: 'scope', scope: text as Scope }
    : { kind: 'malformed' };
}
