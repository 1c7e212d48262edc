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

/** Names and values in turn. */
export function identityHeaders(principal: Principal): readonly string[] {
  const values =
    principal.kind === 'user'
      ? [
          principal.user.row.username,
          [...principal.user.row.groups, ...principal.user.row.privileges].join(','),
          principal.user.row.email,
          principal.user.row.displayName,
          principal.via,
          '',
        ]
      : ['', '', '', '', 'none', ''];
  return identityHeaderNames.flatMap((name, place) => [name, visibleAscii(values[place] ?? '')]);
}

/** Percent-encoded UTF-8 for everything outside visible ASCII; the percent sign too, so that it reads back. */
function visibleAscii(text: string): string {
  return text.replace(/[^\x21-\x24\x26-\x7e]+/g, (part) => encodeURIComponent(part.toWellFormed()));
}
