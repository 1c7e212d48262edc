/** Times as clients write them (RFC 3339, UTC). Pure. */
import type { Millis } from '../types.ts';

export type TimeForm = { readonly kind: 'malformed' } | { readonly kind: 'time'; readonly at: Millis };

/** `2026-11-21T22:00:00Z`, with a fraction or without; no other zone. */
export function readTime(text: string): TimeForm {
  const at = /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d{1,9})?Z$/.test(text) ? Date.parse(text) : Number.NaN;
  return Number.isNaN(at) ? { kind: 'malformed' } : { kind: 'time', at: at as Millis };
}
