/**
 * The identity headers that applications read (2-http-api, 6). All of them always go out, empty when unknown, so that
 * nothing a client sent can stand in for a missing one.
 */
import type { Principal } from './principal.ts';

/** Lower case, as compared; sent in this order. */
export const identityHeaderNames = [
  'remote-user',
  'remote-groups',
  'remote-email',
  'remote-name',
  'x-auth-via',
  'x-auth-scopes',
] as const;

/** Whoever is known is known by one object for as long as nothing about him changes, so this is made once. */
const made = new WeakMap<Principal, readonly string[]>();

/** Names and values in turn. */
export function identityHeaders(principal: Principal): readonly string[] {
  const known = made.get(principal);
  if (known !== undefined) return known;
  const values = valuesOf(principal);
  const headers = identityHeaderNames.flatMap((name, place) => [name, visibleAscii(values[place] ?? '')]);
  made.set(principal, headers);
  return headers;
}

function valuesOf(principal: Principal): readonly string[] {
  if (principal.kind !== 'user') return ['', '', '', '', 'none', ''];
  const { username, groups, privileges, email, displayName } = principal.user.row;
  return [username, [...groups, ...privileges].join(','), email, displayName, principal.via, ''];
}

/** Percent-encoded UTF-8 for everything outside visible ASCII; the percent sign too, so that it reads back. */
function visibleAscii(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}
