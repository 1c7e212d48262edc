/**
 * The one cookie parser, and the names of our cookies (2-http-api, 3). Pure.
 * Stops: two readings of one header, cookie tossing by a second cookie of our name, prefix look-alikes.
 */
import type { Millis } from '../types.ts';
import type { Scheme } from './origin.ts';

export type CookieValue =
  | { readonly kind: 'absent' }
  /** One of our names twice: somebody else set one of them. */
  | { readonly kind: 'repeated' }
  | { readonly kind: 'value'; readonly value: string };

const absent: CookieValue = { kind: 'absent' };
const repeated: CookieValue = { kind: 'repeated' };

/** Names are compared case-sensitively (RFC 6265bis section 5.7): `__host-` is somebody else's. */
export function readCookie(header: string | string[] | undefined, name: string): CookieValue {
  if (header === undefined) return absent;
  const text = typeof header === 'string' ? header : header.join('; ');
  // Most names that are asked for are not there.
  if (!text.includes(name)) return absent;
  let value: string | undefined;
  let at = 0;
  while (at < text.length) {
    let end = text.indexOf(';', at);
    if (end === -1) end = text.length;
    while (text.charCodeAt(at) === 32 || text.charCodeAt(at) === 9) at += 1;
    if (text.startsWith(name, at) && text.charCodeAt(at + name.length) === 61 && at + name.length < end) {
      if (value !== undefined) return repeated;
      value = text.slice(at + name.length + 1, end).trimEnd();
    }
    at = end + 1;
  }
  return value === undefined ? absent : { kind: 'value', value };
}

/** Cookies besides those of session kinds; their names are reserved. */
export type SpecialCookie = 'login' | 'device' | 'challenge' | 'state';

export const reservedCookieNames: readonly SpecialCookie[] = ['login', 'device', 'challenge', 'state'];

/** `__Host-` needs Secure, so plain loopback HTTP gets the bare name. */
export function cookieName(stem: string, scheme: Scheme, which: string): string {
  return scheme === 'https' ? `__Host-${stem}-${which}` : `${stem}-${which}`;
}

export interface CookieOptions {
  readonly scheme: Scheme;
  readonly sameSite: 'Lax' | 'Strict';
  /** Absent: ends with the browser, unless `expiresAt` says otherwise. Zero expires it. */
  readonly maxAgeSeconds?: number;
  readonly expiresAt?: Millis;
}

/** Always HttpOnly, Path=/, no Domain; Secure wherever the browser would keep it. */
export function setCookie(name: string, value: string, options: CookieOptions): string {
  const age = options.maxAgeSeconds === undefined ? '' : `; Max-Age=${options.maxAgeSeconds}`;
  const secure = options.scheme === 'https' ? '; Secure' : '';
  const end = options.expiresAt === undefined ? '' : `; Expires=${new Date(options.expiresAt).toUTCString()}`;
  return `${name}=${value}; Path=/; HttpOnly; SameSite=${options.sameSite}${secure}${age}${end}`;
}

export function expireCookie(name: string): string {
  return setCookie(name, '', {
    scheme: name.startsWith('__Host-') ? 'https' : 'http',
    sameSite: 'Lax',
    maxAgeSeconds: 0,
  });
}

/** What is ours among cookies: the stem of our names, and the prefix of the ticket's. */
export interface CookieNames {
  readonly cookieStem: string;
  readonly ticketPrefix: string;
}

/** Names that a signed ticket's cookie may have: ours, and the one that scripts of its clients set themselves. */
export function ticketCookieNames(prefix: string): { readonly host: string; readonly plain: string } {
  return { host: `__Host-${prefix}AuthCookie`, plain: `${prefix}AuthCookie` };
}

/** Takes our cookies out of a Cookie header on its way to the application; undefined when nothing is left. */
export function withoutOurCookies(header: string, names: CookieNames): string | undefined {
  const ours = ourNames(names);
  const kept = header
    .split(';')
    .map((pair) => pair.trim())
    .filter((pair) => pair !== '' && !ours.test(nameOf(pair)));
  return kept.length === 0 ? undefined : kept.join('; ');
}

/** Whether an application's Set-Cookie would come back to us under one of our names. */
export function cookieOwner(setCookieLine: string, names: CookieNames): 'ours' | 'application' {
  return ourNames(names).test(nameOf(setCookieLine.split(';', 1)[0] ?? '')) ? 'ours' : 'application';
}

let madeFor: (CookieNames & { readonly names: RegExp }) | undefined;

/** Under any prefix that browsers give meaning to, now or later. An installation has one stem: made once for it. */
function ourNames({ cookieStem, ticketPrefix }: CookieNames): RegExp {
  if (madeFor?.cookieStem !== cookieStem || madeFor.ticketPrefix !== ticketPrefix) {
    const stem = cookieStem.replace(/[^A-Za-z0-9_-]/g, '\\$&');
    const names = new RegExp(`^(__[a-z-]+-)?(${stem}-[a-z0-9-]+|${ticketPrefix}AuthCookie)$`, 'i');
    madeFor = { cookieStem, ticketPrefix, names };
  }
  return madeFor.names;
}

/** A cookie without a name is sent back as its value alone, so its value is what counts as the name. */
function nameOf(pair: string): string {
  const [name = '', value = ''] = pair.split(/=(.*)/s);
  return name.trim() === '' ? (value.split('=', 1)[0] ?? '').trim() : name.trim();
}
