/**
 * From the console to a protected host and back (2-http-api, 6): people sign in on the console's origin; a one-use ticket
 * carries that to the host, which gets an `app` session of its own.
 *
 * The state cookie ties the ticket to the browser that asked: without it, somebody could sign another's browser in to an
 * application under his own name by sending a link with a fresh ticket.
 */
import { digest } from '../crypto/digest.ts';
import { newSecret, newSessionId, type Random } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { UserPrincipal } from '../principal/principal.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName, expireCookie, setCookie } from '../request/cookie.ts';
import type { HeaderMap } from '../request/incoming.ts';
import { clientOfHeaders } from '../request/navigation.ts';
import { parseReturnTo, type ReturnTo, schemeOf } from '../request/origin.ts';
import { readCookie } from '../request/cookie.ts';
import type { Store } from '../store/store.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Clock, Digest, Millis, Origin, Secret } from '../types.ts';
import { type Call, clientAddress, cookieOf, type Redirect, urlOn, userAgentOf, whence } from './call.ts';

export interface HandOverParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
  readonly cookieStem: string;
  readonly consoleOrigin: () => Origin;
  readonly protectedOrigins: () => ReadonlySet<Origin>;
  readonly unknownSecrets: UnknownSecrets;
}

const ticketSeconds = 60;
const stateSeconds = 600;
/** Unspent tickets of one session: tabs that open at once. */
const ticketCap = 20;

export const callbackPath = '/.sallyport/callback';
export const signOutPath = '/.sallyport/sign-out';
/** On the console: where whoever has to do something first can do it. */
export const accountPath = '/auth/account';

/**
 * Leads a browser without a session from a protected host to the console. `again`: it has been led once already in this
 * sign-in, so that one whose cookies never arrive is told so instead of going in circles.
 */
export function leadToSignIn(
  parts: HandOverParts,
  headers: HeaderMap,
  origin: Origin,
  path: string,
  turn: 'first' | 'again' = 'first',
): Redirect {
  const scheme = schemeOf(origin);
  const name = cookieName(parts.cookieStem, scheme, 'state');
  const shown = readCookie(headers['cookie'], name);
  const value = shown.kind === 'value' && shown.value.length === 43 ? shown.value : newSecret(parts.random);
  const query = { return_to: `${origin}${path}`, state: digest(value), ...(turn === 'again' ? { again: '1' } : {}) };
  return {
    kind: 'redirect',
    location: urlOn(parts.consoleOrigin(), '/auth/sign-in', query),
    cookies: [setCookie(name, value, { scheme, sameSite: 'Lax', maxAgeSeconds: stateSeconds })],
  };
}

/** Somebody signed in who has to do something first: no application before that. */
export function leadToAccount(parts: Pick<HandOverParts, 'consoleOrigin'>): Redirect {
  return { kind: 'redirect', location: urlOn(parts.consoleOrigin(), accountPath) };
}

export function returnToOf(parts: HandOverParts, query: URLSearchParams): ReturnTo {
  const text = query.get('return_to');
  return text === null ? { kind: 'refused' } : parseReturnTo(text, parts.protectedOrigins());
}

/** Somebody signed in is sent on at once, with a ticket. */
export async function sendBack(
  parts: HandOverParts,
  call: Call,
  principal: UserPrincipal,
  target: Extract<ReturnTo, { kind: 'target' }>,
): Promise<Redirect> {
  const ticket = newSecret(parts.random);
  const stateText = call.query.get('state');
  const state = stateText !== null && /^[A-Za-z0-9_-]{43}$/.test(stateText) ? (stateText as Digest) : null;
  await parts.store.issueOneUse(
    {
      purpose: 'hand-over',
      digest: digest(ticket),
      userId: principal.user.row.id,
      sessionId: principal.session.id,
      origin: target.origin,
      state,
      expiresAt: (parts.clock.now() + ticketSeconds * 1000) as Millis,
    },
    ticketCap,
  );
  const again = call.query.get('again') === '1' ? { again: '1' } : {};
  const query = { ticket, to: target.path, ...again };
  return { kind: 'redirect', location: urlOn(target.origin, callbackPath, query) };
}

/** The protected host's end: spends the ticket, sets the `app` session, goes on to the page first asked for. */
export async function callback(parts: HandOverParts, call: Call): Promise<Refusal | Redirect> {
  const { origin, scheme } = call.arrival;
  const path = returnPath(call.query.get('to'));
  const restart: Redirect = { kind: 'redirect', location: `${origin}${path}` };
  const ticket = call.query.get('ticket') ?? '';
  const stateCookie = cookieName(parts.cookieStem, scheme, 'state');
  const shown = cookieOf(call, stateCookie);
  const browser = clientOfHeaders(call.incoming.headers) === 'browser';
  if (browser && shown === undefined) {
    // The sign-in began on the console, or took longer than the cookie lives: one more turn gives it a new one.
    if (call.query.get('again') === null) return leadToSignIn(parts, call.incoming.headers, origin, path, 'again');
    return refuse('login_token_invalid', {
      detail: 'The sign-in cookie did not arrive: cookies are blocked, or a proxy in front drops them.',
    });
  }
  const address = clientAddress(call);
  const standing = parts.unknownSecrets.standing(address);
  if (standing.kind === 'limited')
    return refuse('rate_limited', { retryAfterSeconds: standing.retryAfterSeconds, cause: 'unknown-secrets' });
  const token: Secret = newSecret(parts.random);
  const redeemed = await parts.store.redeemHandOver({
    digest: digest(ticket),
    origin,
    state: shown === undefined ? 'not-a-browser' : digest(shown),
    at: parts.clock.now(),
    session: {
      id: newSessionId(parts.random),
      digest: digest(token),
      address,
      userAgent: userAgentOf(call),
    },
    audit: parts.recorder.event({ event: 'handed-over', actor: '', ...whence(call), way: 'session' }),
  });
  if (redeemed.kind === 'invalid') {
    parts.unknownSecrets.charge(address);
    return browser ? restart : refuse('invalid_token', { cause: 'ticket' });
  }
  return {
    kind: 'redirect',
    location: `${origin}${path}`,
    // The state cookie stays for its ten minutes: another tab that was led away with it is still to come back.
    cookies: [setCookie(cookieName(parts.cookieStem, scheme, 'app'), token, { scheme, sameSite: 'Lax' })],
  };
}

/** Signs out for good: the console session goes too, or the next click would sign straight in again. */
export async function signOutOfApplication(
  parts: HandOverParts,
  call: Call,
  principal: UserPrincipal,
): Promise<Redirect> {
  const { user, session } = principal;
  const target = session.parentId ?? session.id;
  await parts.store.endSession({
    id: target,
    userId: user.row.id,
    ...(target === session.id ? { shown: session.digest } : {}),
    audit: parts.recorder.event({
      event: 'signed-out',
      actor: user.row.id,
      ...whence(call),
      way: 'session',
      target,
    }),
  });
  return signedOut(parts, call);
}

export function signedOut(parts: HandOverParts, call: Call): Redirect {
  const { scheme } = call.arrival;
  return {
    kind: 'redirect',
    location: urlOn(parts.consoleOrigin(), '/auth/sign-in', { 'signed-out': '1' }),
    cookies: [expireCookie(cookieName(parts.cookieStem, scheme, 'app'))],
  };
}

/** A path on this very host, in visible ASCII; anything else is the front page. */
function returnPath(text: string | null): string {
  return text !== null && text.length <= 4096 && /^\/(?![/\\])[\x21-\x7e]*$/.test(text) && !text.includes('\\')
    ? text
    : '/';
}
