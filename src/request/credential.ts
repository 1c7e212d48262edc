/**
 * What a request shows for itself (2-http-api, 3. Ways in). Takes headers, gives one credential. Pure.
 * Stops: a bad header that falls through to a weaker one, and two readings of who is meant.
 */
import { afterPrefix, readToken, sessionTokenPrefix } from '../crypto/token.ts';
import type { Secret } from '../types.ts';
import { readCookie, ticketCookieNames } from './cookie.ts';
import { header, type HeaderMap } from './incoming.ts';
import { plainTicket, readProxmoxHeader } from './tokens/proxmox-header.ts';
import { holdsTicket } from './tokens/signed-ticket.ts';
import { shownTicket } from './tokens/path-ticket.ts';

export interface CookieCandidate {
  /** Null: a signed ticket. */
  readonly sessionKind: string | null;
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
  /** A session's token. */
  | { readonly kind: 'bearer'; readonly token: Secret }
  | { readonly kind: 'api-token'; readonly token: Secret }
  /** An API token with whose it is and what it is called, which both have to be right. */
  | { readonly kind: 'named-token'; readonly token: Secret; readonly userId: string; readonly name: string }
  | { readonly kind: 'signed-ticket'; readonly ticket: Secret }
  /** What stands behind the scheme, and the code of a second factor beside it (2-http-api, 3). */
  | { readonly kind: 'basic'; readonly encoded: string; readonly code: string | undefined }
  | { readonly kind: 'path-ticket'; readonly ticket: Secret; readonly path: string }
  | { readonly kind: 'cookies'; readonly candidates: readonly CookieCandidate[] };

/** A cookie that may hold a session of that kind; named for the scheme of the origin that sets it. */
export interface CookieSlot {
  readonly sessionKind: string;
  readonly cookie: string;
}

type ProxmoxCredential =
  | { readonly kind: 'foreign' }
  | { readonly kind: 'unreadable' }
  | Extract<Credential, { kind: 'named-token' | 'signed-ticket' }>;

const none: Credential = { kind: 'none' };
const unusable: Credential = { kind: 'unusable-header' };
const bothKinds: Credential = {
  kind: 'malformed',
  detail: 'Send either an Authorization header or X-API-Key, not both.',
};
const sessionCookieLength = 43;

/** What a request shows, of all that a credential can be in. */
export interface Showing {
  /** Path and query as they were asked for; empty where nobody said. */
  readonly target: string;
  readonly headers: HeaderMap;
  readonly slots: readonly CookieSlot[];
}

/** Tokens of an installation are known by how they begin. */
export interface CredentialReader {
  /** On our own routes: the first that is present decides, and a bad one never falls through to a weaker one. */
  own(showing: Showing): Credential;
  /** On proxied requests only credentials of our shape are ours; any other is the application's (3-rules, Proxied requests). */
  proxied(showing: Showing): Credential;
  /** Signed tickets alone: whatever else there is might as well not be. */
  tickets(headers: HeaderMap): Credential;
}

export function credentialReader(tokenPrefix: string, ticketPrefix: string): CredentialReader {
  const ticketCookies = ticketCookieNames(ticketPrefix);

  /** What a text is that may be a token of ours; `none` for any other. */
  const tokenIn = (text: string): Credential => {
    if (text === '') return none;
    const form = readToken(text, tokenPrefix);
    if (form.kind === 'token') return { kind: 'api-token', token: form.token };
    const session = readToken(text, sessionTokenPrefix);
    return session.kind === 'token' ? { kind: 'bearer', token: session.token } : none;
  };

  /** `foreign`: a header of that form that is none of ours, or none of that form. */
  const inProxmoxForm = (authorization: string): ProxmoxCredential => {
    const shown = readProxmoxHeader(authorization, ticketPrefix);
    switch (shown.kind) {
      case 'other':
        return { kind: 'foreign' };
      case 'malformed':
        return { kind: 'unreadable' };
      case 'ticket':
        return { kind: 'signed-ticket', ticket: shown.ticket };
      case 'token': {
        const form = readToken(shown.secret, tokenPrefix);
        if (form.kind !== 'token') return { kind: 'unreadable' };
        return { kind: 'named-token', token: form.token, userId: shown.userId, name: shown.name };
      }
    }
  };

  /** Sessions first: whoever has both in a browser confirms things on our pages, which a ticket cannot. */
  const inCookies = (headers: HeaderMap, slots: readonly CookieSlot[]): Credential => {
    const text = headers['cookie'];
    if (text === undefined) return none;
    const sessions = sessionCandidates(text, slots);
    const tickets = ticketCandidates(text, headers);
    const candidates = tickets.length === 0 ? sessions : [...sessions, ...tickets];
    return candidates.length === 0 ? none : { kind: 'cookies', candidates };
  };

  /** The bare name can be set by other hosts of the same site: it is read from programs alone, and only without the other. */
  const ticketCandidates = (text: string | string[], headers: HeaderMap): readonly CookieCandidate[] => {
    if (!text.includes(ticketCookies.plain) && typeof text === 'string') return noCandidates;
    for (const cookie of senderOf(headers) === 'program'
      ? [ticketCookies.host, ticketCookies.plain]
      : [ticketCookies.host]) {
      const found = readCookie(text, cookie);
      if (found.kind === 'absent') continue;
      return [{ sessionKind: null, cookie, token: found.kind === 'value' ? plainTicket(found.value) : '' }];
    }
    return noCandidates;
  };

  const bearerOf = (text: string): Credential => {
    const credential = tokenIn(text);
    return credential.kind === 'none' ? unusable : credential;
  };

  return {
    own: ({ target, headers, slots }) => {
      const shown = shownTicket(target);
      if (shown.kind === 'ticket') return { kind: 'path-ticket', ticket: shown.ticket, path: shown.path };
      if (shown.kind !== 'none') return unusable;
      const authorization = header(headers, 'authorization');
      const apiKey = header(headers, 'x-api-key');
      if (authorization === undefined && apiKey === undefined) return inCookies(headers, slots);
      if (authorization === undefined) return bearerOf(apiKey ?? '');
      const proxmox = inProxmoxForm(authorization);
      if (proxmox.kind === 'unreadable') return unusable;
      if (proxmox.kind !== 'foreign') return apiKey === undefined ? proxmox : bothKinds;
      const { scheme, text, after } = partsOf(authorization);
      switch (scheme) {
        case 'bearer':
        case 'token':
          if (apiKey !== undefined) return bothKinds;
          if (text === '' || after === 'more')
            return { kind: 'malformed', detail: 'The Authorization header has no token or more than one.' };
          return bearerOf(text);
        case 'basic':
          if (apiKey !== undefined) return bothKinds;
          if (text === '' || after === 'more')
            return { kind: 'malformed', detail: 'The Basic header has no name and password, or more than one.' };
          // Clients that know the header send it empty where they have no code.
          return { kind: 'basic', encoded: text, code: header(headers, 'x-auth-token') || undefined };
        default:
          return unusable;
      }
    },
    tickets: (headers) => {
      const shown = inProxmoxForm(header(headers, 'authorization') ?? '');
      return shown.kind === 'signed-ticket' ? shown : inCookies(headers, noSlots);
    },
    proxied: ({ target, headers, slots }) => {
      const shown = shownTicket(target);
      if (shown.kind === 'ticket') return { kind: 'path-ticket', ticket: shown.ticket, path: shown.path };
      if (shown.kind === 'repeated') return unusable;
      if (headers['authorization'] !== undefined || headers['x-api-key'] !== undefined) {
        const proxmox = inProxmoxForm(header(headers, 'authorization') ?? '');
        if (proxmox.kind !== 'foreign' && proxmox.kind !== 'unreadable') return proxmox;
        const inScheme = tokenIn(textOfScheme(headers));
        if (inScheme.kind !== 'none') return inScheme;
        const asKey = tokenIn(textOfKey(headers));
        if (asKey.kind !== 'none') return asKey;
      }
      return inCookies(headers, slots);
    },
  };
}

/** Whether a header's value is a credential of ours, in any spelling that we would take. */
export function holdsCredential(
  value: string,
  { tokenPrefix, ticketPrefix }: { readonly tokenPrefix: string; readonly ticketPrefix: string },
): 'ours' | 'none' {
  const shown = readProxmoxHeader(value, ticketPrefix);
  if (shown.kind === 'ticket') return 'ours';
  let text = value;
  for (let round = 0; round < mostEscapes; round += 1) {
    if (holdsToken(text, tokenPrefix) === 'token' || holdsTicket(text, ticketPrefix) === 'ticket') return 'ours';
    if (!text.includes('%')) return 'none';
    text = text.replace(/%([0-7][0-9a-f])/gi, (_, digits: string) => String.fromCharCode(Number.parseInt(digits, 16)));
  }
  return 'none';
}

/** What is escaped oftener is nobody's mistake: whoever wrote it could have sent the application anything. */
const mostEscapes = 4;

/**
 * Whether a token of our shape stands anywhere in a header's value: more than is read as a credential, so that a scheme
 * written twice, a tab for a space or an escape too many does not carry a secret to the application.
 */
function holdsToken(value: string, tokenPrefix: string): 'token' | 'none' {
  for (const prefix of [tokenPrefix, sessionTokenPrefix])
    for (let at = value.indexOf(prefix); at !== -1; at = value.indexOf(prefix, at + 1)) {
      const end = at + prefix.length + afterPrefix;
      const part = letter.test(value.charAt(at - 1)) || letter.test(value.charAt(end));
      if (!part && readToken(value.slice(at, end), prefix).kind === 'token') return 'token';
    }
  return 'none';
}

/** Beside one of these it is part of something longer. */
const letter = /^[0-9A-Za-z]$/;

/** Scheme, what stands behind it, and whether there is more. Read with each request, so without a pattern. */
function partsOf(authorization: string): {
  readonly scheme: string;
  readonly text: string;
  readonly after: 'nothing' | 'more';
} {
  const line = authorization.trim();
  const end = line.indexOf(' ');
  if (end === -1) return { scheme: line.toLowerCase(), text: '', after: 'nothing' };
  const scheme = line.slice(0, end).toLowerCase();
  let start = end + 1;
  while (line[start] === ' ') start += 1;
  const next = line.indexOf(' ', start);
  if (next === -1) return { scheme, text: line.slice(start), after: 'nothing' };
  return { scheme, text: line.slice(start, next), after: 'more' };
}

/** Where a token may stand: beside a scheme that takes one, and by itself. */
function textOfScheme(headers: HeaderMap): string {
  const { scheme, text } = partsOf(header(headers, 'authorization') ?? '');
  return scheme === 'bearer' || scheme === 'token' ? text : '';
}

function textOfKey(headers: HeaderMap): string {
  return header(headers, 'x-api-key')?.trim() ?? '';
}

const noCandidates: readonly CookieCandidate[] = [];
const noSlots: readonly CookieSlot[] = [];

function sessionCandidates(text: string | string[], slots: readonly CookieSlot[]): readonly CookieCandidate[] {
  let candidates: CookieCandidate[] | undefined;
  for (const slot of slots) {
    const found = readCookie(text, slot.cookie);
    if (found.kind === 'absent') continue;
    const token = found.kind === 'value' && found.value.length === sessionCookieLength ? (found.value as Secret) : '';
    (candidates ??= []).push({ sessionKind: slot.sessionKind, cookie: slot.cookie, token });
  }
  return candidates ?? noCandidates;
}

/**
 * Whoever sends Fetch Metadata or an Origin is a browser. A mode alone is none: `fetch` outside of browsers sends it, and no browser
 * sends it without the site.
 */
function senderOf(headers: HeaderMap): 'browser' | 'program' {
  const marks = ['origin', 'sec-fetch-site', 'sec-fetch-dest', 'sec-fetch-user'];
  return marks.some((mark) => headers[mark] !== undefined) ? 'browser' : 'program';
}
