/**
 * The least that recognising a session or a token can cost: find it in its header, hash its value, look the digest up. No
 * expiry, no kinds, no limits, no scopes, no second cookie of the same name. Shared by all floors, so that they do the same work.
 */

import { hash, randomBytes } from 'node:crypto';

const COOKIE = 'floor=';
const SCHEME = 'Bearer ';
const OTHERS = 10_000;

export interface KnownSessions {
  /** Header of the one session that is asked for. */
  readonly cookie: string;
  readonly find: (cookieHeader: string) => string | undefined;
}

export function knownSessions(): KnownSessions {
  const { token, owners } = knownSecrets();
  return {
    cookie: `${COOKIE}${token}`,
    find: (cookieHeader) => owners.get(digest(cookieValue(cookieHeader))),
  };
}

export interface KnownTokens {
  /** Header of the one token that is asked for. */
  readonly authorization: string;
  readonly find: (authorizationHeader: string) => string | undefined;
}

export function knownTokens(): KnownTokens {
  const { token, owners } = knownSecrets();
  return {
    authorization: `${SCHEME}${token}`,
    find: (header) => (header.startsWith(SCHEME) ? owners.get(digest(header.slice(SCHEME.length))) : undefined),
  };
}

function knownSecrets(): { readonly token: string; readonly owners: ReadonlyMap<string, string> } {
  const owners = new Map<string, string>();
  const token = randomBytes(32).toString('base64url');
  owners.set(digest(token), 'alice');
  // One entry would sit in the processor's nearest cache; a server that is in use has more.
  for (let i = 0; i < OTHERS; i++) owners.set(digest(randomBytes(32).toString('base64url')), `user-${i}`);
  return { token, owners };
}

/** Latin-1 ("binary"): of all encodings it is the cheapest to make and to look up, so it belongs to a floor. */
function digest(token: string): string {
  return hash('sha256', token, 'binary');
}

function cookieValue(header: string): string {
  let start = 0;
  while (!header.startsWith(COOKIE, start)) {
    const next = header.indexOf('; ', start);
    if (next === -1) return '';
    start = next + 2;
  }
  const end = header.indexOf(';', start);
  return header.slice(start + COOKIE.length, end === -1 ? undefined : end);
}
