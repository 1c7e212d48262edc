/**
 * The one header function for requests on their way to the application and answers on their way back (3-rules, Proxied
 * requests). Pure. Stops: forged identity under any spelling, our secrets in the application's hands, hop-by-hop
 * headers that mean something to the next hop, and an application that overwrites our cookies.
 */
import { identityHeaderNames } from '../../principal/identity.ts';
import type { Arrival } from '../../request/arrival.ts';
import { addressOf } from '../../request/arrival.ts';
import { type CookieNames, cookieOwner, withoutOurCookies } from '../../request/cookie.ts';
import { holdsCredential } from '../../request/credential.ts';
import { header, type HeaderMap } from '../../request/incoming.ts';
import { hostOf } from '../../request/origin.ts';

/** RFC 9110 section 7.6.1, and what old proxies used. */
const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'keep-alive',
  'proxy-connection',
  'proxy-authenticate',
  'proxy-authorization',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'expect',
]);

/** From an application: what would take our pages' storage away, or lead clients past us to a port of its own (RFC 7838). */
const notForClients: ReadonlySet<string> = new Set(['clear-site-data', 'alt-svc']);

/** Passed on whatever Connection says. */
const essential: ReadonlySet<string> = new Set(['host', 'content-length']);

/** Names a client may not speak under, compared after case, with every sign as `-`: some applications fold more than `_`. */
const reserved: ReadonlySet<string> = new Set([
  ...identityHeaderNames,
  'forwarded',
  'x-real-ip',
  'x-rewrite-url',
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'proxy',
]);
const reservedPrefixes = ['x-forwarded-', 'x-original-'] as const;

/** Of a name in lower case with every sign as `-`: whether only we may speak under it. */
export function isReserved(folded: string): 'reserved' | 'free' {
  return reserved.has(folded) || reservedPrefixes.some((prefix) => folded.startsWith(prefix)) ? 'reserved' : 'free';
}

/** Names whose standing is remembered, for each direction. */
const mostRemembered = 512;
const longestRemembered = 64;

export interface ForwardRequest {
  readonly headers: HeaderMap;
  readonly rawHeaders: readonly string[];
}

/** What a name alone decides about a header on its way to the application. */
interface Standing {
  readonly lower: string;
  readonly kind: 'essential' | 'never' | 'credential' | 'cookie' | 'plain';
}

const standingOf = rememberedByName<Standing>((name) => {
  const lower = name.toLowerCase();
  const folded = lower.replaceAll(/[^a-z0-9]/g, '-');
  // Framing and routing are not the client's to take away by naming them in Connection.
  if (essential.has(lower)) return { lower, kind: 'essential' };
  const never = hopByHop.has(folded) || essential.has(folded) || isReserved(folded) === 'reserved';
  if (never) return { lower, kind: 'never' };
  if (folded === 'authorization' || folded === 'x-api-key') return { lower, kind: 'credential' };
  return { lower, kind: lower === 'cookie' ? 'cookie' : 'plain' };
});

/** Names and values in turn, for the application. */
export function requestHeaders(
  incoming: ForwardRequest,
  arrival: Arrival,
  identity: readonly string[],
  ours: CookieNames & { readonly tokenPrefix: string },
): string[] {
  const dropped = connectionNames(incoming.headers);
  const out: string[] = [];
  for (let at = 0; at < incoming.rawHeaders.length; at += 2) {
    const name = incoming.rawHeaders[at] ?? '';
    const value = incoming.rawHeaders[at + 1] ?? '';
    const { lower, kind } = standingOf(name);
    if (kind === 'never' || (kind !== 'essential' && dropped.has(lower))) continue;
    if (kind === 'credential' && holdsCredential(value, ours) === 'ours') continue;
    if (kind === 'cookie') {
      const others = withoutOurCookies(value, ours);
      if (others !== undefined) out.push(name, others);
      continue;
    }
    out.push(name, value);
  }
  // A body that came in chunks goes on in chunks: without framing of its own it would be read as the next request.
  if (incoming.headers['transfer-encoding'] !== undefined) out.push('Transfer-Encoding', 'chunked');
  out.push(...identity);
  out.push(
    'X-Forwarded-For',
    addressOf(arrival),
    'X-Forwarded-Proto',
    arrival.scheme,
    'X-Forwarded-Host',
    hostOf(arrival.origin),
  );
  return out;
}

/** Whether the request has a body, by the very headers that tell the application. */
export function framingOf(headers: readonly string[]): 'framed' | 'none' {
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at] ?? '';
    // 14 and 17: most names are told apart by their length.
    if (name.length === 14 && name.toLowerCase() === 'content-length') return 'framed';
    if (name.length === 17 && name.toLowerCase() === 'transfer-encoding') return 'framed';
  }
  return 'none';
}

const answerStandingOf = rememberedByName<Standing>((name) => {
  const lower = name.toLowerCase();
  if (hopByHop.has(lower) || notForClients.has(lower)) return { lower, kind: 'never' };
  return { lower, kind: lower === 'set-cookie' ? 'cookie' : 'plain' };
});

/** Names and values in turn, for the client. */
export function answerHeaders(rawHeaders: readonly string[], headers: HeaderMap, names: CookieNames): string[] {
  const dropped = connectionNames(headers);
  const out: string[] = [];
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const name = rawHeaders[at] ?? '';
    const value = rawHeaders[at + 1] ?? '';
    const { lower, kind } = answerStandingOf(name);
    if (kind === 'never' || dropped.has(lower)) continue;
    if (kind === 'cookie' && cookieOwner(value, names) === 'ours') continue;
    out.push(name, value);
  }
  // What was made for one person must not be kept for the next by a cache that was told nothing.
  if (headers['cache-control'] === undefined && headers['expires'] === undefined) out.push('Cache-Control', 'private');
  return out;
}

function connectionNames(headers: HeaderMap): ReadonlySet<string> {
  const text = header(headers, 'connection');
  if (text === undefined) return none;
  return new Set(text.split(',').map((name) => name.trim().toLowerCase()));
}

const none: ReadonlySet<string> = new Set();

/**
 * The same few names come with every request. What is remembered follows from the name alone and from nothing a client can
 * change; made-up names push each other out, and long ones are not kept.
 */
function rememberedByName<T>(make: (name: string) => T): (name: string) => T {
  const known = new Map<string, T>();
  return (name) => {
    const found = known.get(name);
    if (found !== undefined) return found;
    const made = make(name);
    if (name.length <= longestRemembered) {
      if (known.size >= mostRemembered) known.clear();
      known.set(name, made);
    }
    return made;
  };
}
