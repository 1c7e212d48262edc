/**
 * Fields that come after a body (RFC 9110 section 6.5). Many applications read them as headers, so the same names are
 * reserved, and those besides that say who asks, where to, or how the message is framed. Pure.
 */
import { isReserved } from './forward-headers.ts';

/** Never in a trailer section: framing, routing, credentials, and what says how to read the body. */
const neverTrailing: ReadonlySet<string> = new Set([
  'authorization',
  'cache-control',
  'clear-site-data',
  'connection',
  'content-encoding',
  'content-length',
  'content-range',
  'content-type',
  'cookie',
  'expect',
  'host',
  'keep-alive',
  'location',
  'origin',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'range',
  'set-cookie',
  'te',
  'trailer',
  'transfer-encoding',
  'upgrade',
  'www-authenticate',
  'x-api-key',
]);

function passes(name: string): 'passes' | 'stays' {
  const folded = name.toLowerCase().replaceAll(/[^a-z0-9]/g, '-');
  return neverTrailing.has(folded) || folded.startsWith('sec-') || isReserved(folded) === 'reserved'
    ? 'stays'
    : 'passes';
}

/** The fields that may go on, as pairs. */
export function trailersOf(rawTrailers: readonly string[]): [string, string][] {
  const out: [string, string][] = [];
  for (let at = 0; at < rawTrailers.length; at += 2) {
    const name = rawTrailers[at] ?? '';
    if (passes(name) === 'passes') out.push([name, rawTrailers[at + 1] ?? '']);
  }
  return out;
}

/** The announcement of trailers, without what will not be passed on; nothing when nothing is left. */
export function announced(trailer: string | undefined): readonly string[] {
  const names = (trailer ?? '')
    .split(',')
    .map((name) => name.trim())
    .filter((name) => /^[\w!#$%&'*+.^`|~-]+$/.test(name) && passes(name) === 'passes');
  return names.length === 0 ? [] : ['Trailer', names.join(', ')];
}
