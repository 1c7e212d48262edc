/**
 * What a request shows for itself (2-http-api, 3. Ways in). Takes headers, gives one credential. Pure.
 * Stops: a bad header that falls through to a weaker one, and two readings of who is meant.
 */
import { readToken, sessionTokenPrefix } from '../crypto/token.ts';
import type { Secret } from '../types.ts';
import { readCookie } from './cookie.ts';
import { header, type HeaderMap } from './incoming.ts';

export interface CookieCandidate {
  readonly sessionKind: string;
  readonly cookie: string;
  /** Empty when the value cannot be a token of ours or came twice: dead without a look-up. */
  readonly token: Secret | '';
}

export type Credential =
  | { readonly kind: 'none' }
  /** The header cannot be read, or there are two: 400. */
  | { readonly kind: 'malformed'; readonly detail: string }
  /** A header that cannot be a living credential here: 401, whatever cookies say. */
  | { readonly kind: 'unusable-header' }
  | { readonly kind: 'bearer'; readonly token: Secret }
  | { readonly kind: 'cookies'; readonly candidates: readonly CookieCandidate[] };

/** A cookie that may hold a session of that kind; named for the scheme of the origin that sets it. */
export interface CookieSlot {
  readonly sessionKind: string;
  readonly cookie: string;
}

const none: Credential = { kind: 'none' };
const unusable: Credential = { kind: 'unusable-header' };
const sessionCookieLength = 43;

/** On our own routes: the first that is present decides, and a bad header never falls through to a cookie. */
export function ownCredential(headers: HeaderMap, slots: readonly CookieSlot[]): Credential {
  const authorization = header(headers, 'authorization');
  const apiKey = header(headers, 'x-api-key');
  if (authorization !== undefined || apiKey !== undefined) {
    const value = apiKey ?? '';
    if (authorization === undefined) return bearerOf(value);
    const [scheme = '', text = '', ...rest] = authorization.trim().split(/ +/);
    switch (scheme.toLowerCase()) {
      case 'bearer':
      case 'token':
        if (apiKey !== undefined)
          return { kind: 'malformed', detail: 'Send either an Authorization header or X-API-Key, not both.' };
        if (text === '' || rest.length > 0)
          return { kind: 'malformed', detail: 'The Authorization header has no token or more than one.' };
        return bearerOf(text);
      case 'basic':
        return /^[A-Za-z0-9+/]+={0,2}$/.test(text) && Buffer.from(text, 'base64').includes(58)
          ? unusable
          : { kind: 'malformed', detail: 'The Basic header does not decode.' };
      default:
        return unusable;
    }
  }
  return cookieCredential(headers, slots);
}

/** On proxied requests only credentials of our shape are ours; any other header is the application's (3-rules, Proxied requests). */
export function proxiedCredential(headers: HeaderMap, slots: readonly CookieSlot[]): Credential {
  if (headers['authorization'] !== undefined || headers['x-api-key'] !== undefined) {
    const [token] = ourTokens(headers);
    if (token !== undefined) return { kind: 'bearer', token };
  }
  return cookieCredential(headers, slots);
}

/** Tokens of our shape among a request's headers; what is stripped before the application sees it. */
export function ourTokens(headers: HeaderMap): readonly Secret[] {
  const [scheme = '', text = ''] = (header(headers, 'authorization') ?? '').trim().split(/ +/);
  const shown = [/^(bearer|token)$/i.test(scheme) ? text : '', header(headers, 'x-api-key')?.trim() ?? ''];
  return shown.flatMap((each) => {
    const form = readToken(each, sessionTokenPrefix);
    return form.kind === 'token' ? [form.token] : [];
  });
}

function bearerOf(text: string): Credential {
  const form = readToken(text, sessionTokenPrefix);
  return form.kind === 'token' ? { kind: 'bearer', token: form.token } : unusable;
}

function cookieCredential(headers: HeaderMap, slots: readonly CookieSlot[]): Credential {
  const text = headers['cookie'];
  if (text === undefined) return none;
  let candidates: CookieCandidate[] | undefined;
  for (const slot of slots) {
    const found = readCookie(text, slot.cookie);
    if (found.kind === 'absent') continue;
    const token = found.kind === 'value' && found.value.length === sessionCookieLength ? (found.value as Secret) : '';
    (candidates ??= []).push({ sessionKind: slot.sessionKind, cookie: slot.cookie, token });
  }
  return candidates === undefined ? none : { kind: 'cookies', candidates };
}
