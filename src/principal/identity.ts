/**
 * The identity headers that applications read (2-http-api, 6). All of them always go out, empty when unknown, so that
 * nothing a client sent can stand in for a missing one.
 */
import type { AccountPrincipal, Principal } from './principal.ts';
import { scopesOf } from './scopes.ts';

/** Lower case, as compared; sent in this order. */
export const identityHeaderNames = [
  'remote-user',
  'remote-groups',
  'remote-email',
  'remote-name',
  'x-auth-via',
  'x-auth-scopes',
] as const;

/**
 * Made once per principal, which memory shares between the requests of a session or token and throws away with any change of
 * either or of the user: what is kept here lives no longer than that object.
 */
const made = new WeakMap<AccountPrincipal, readonly string[]>();

/** Names and values in turn. */
export function identityHeaders(principal: Principal): readonly string[] {
  if (!('user' in principal)) return named(['', '', '', '', 'none', '']);
  const known = made.get(principal);
  if (known !== undefined) return known;
  const { row } = principal.user;
  const headers = named([
    row.username,
    [...row.groups, ...row.privileges].join(','),
    row.email,
    row.displayName,
    principal.via,
    (scopesOf(principal) ?? []).join(','),
  ]);
  made.set(principal, headers);
  return headers;
}

function named(values: readonly string[]): readonly string[] {
  return identityHeaderNames.flatMap((name, place) => [name, visibleAscii(values[place] ?? '')]);
}

/** Percent-encoded UTF-8 for everything outside visible ASCII; the percent sign too, so that it reads back. */
function visibleAscii(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}
