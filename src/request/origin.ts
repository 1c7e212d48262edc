/**
 * Hosts, schemes and origins: normalised once, compared only in that form (3-rules, Addresses, hosts, local). Pure.
 * Stops: host spellings that dodge a rule, forged forwarded hosts, DNS rebinding, open redirects.
 */
import type { Origin } from '../types.ts';

export type Scheme = 'http' | 'https';

export type OriginForm = { readonly kind: 'malformed' } | { readonly kind: 'origin'; readonly origin: Origin };

/** Letters, digits, dots, dashes, underscores; or an IPv6 address in brackets; and a port. Nothing else is a Host. */
const authority = /^(\[[0-9a-f:.]{2,45}\]|[a-z0-9_]([a-z0-9._-]{0,251}[a-z0-9_])?\.?)(?::(\d{1,5}))?$/;

/** Lower-cased, without a trailing dot and without the scheme's default port. */
export function originOf(scheme: Scheme, host: string): OriginForm {
  const match = authority.exec(host.toLowerCase());
  if (!match) return { kind: 'malformed' };
  const [, name = '', , port] = match;
  if (port !== undefined && (Number(port) > 65535 || Number(port) === 0)) return { kind: 'malformed' };
  const written = port === undefined || Number(port) === (scheme === 'https' ? 443 : 80) ? '' : `:${Number(port)}`;
  return { kind: 'origin', origin: `${scheme}://${name.replace(/\.$/, '')}${written}` as Origin };
}

/** An origin as a browser or an operator writes it: `https://host[:port]`, nothing after it. */
export function parseOrigin(text: string): OriginForm {
  const scheme = text.startsWith('https://') ? 'https' : text.startsWith('http://') ? 'http' : undefined;
  return scheme === undefined ? { kind: 'malformed' } : originOf(scheme, text.slice(scheme.length + 3));
}

export function schemeOf(origin: Origin): Scheme {
  return origin.startsWith('https:') ? 'https' : 'http';
}

/** Host and port of an origin, as a Host header carries them. */
export function hostOf(origin: Origin): string {
  return origin.slice(origin.indexOf('//') + 2);
}

/** By a name that means this machine to whoever asks. */
export function isLoopbackOrigin(origin: Origin): boolean {
  return /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:|$)/.test(hostOf(origin));
}

export type ReturnTo =
  | { readonly kind: 'refused' }
  | { readonly kind: 'target'; readonly origin: Origin; readonly path: string };

/**
 * Where to send somebody back to: only the exact origins of protected hosts, and only in canonical form, so that no
 * two parsers can disagree about it (userinfo, backslashes, tabs, foreign schemes, fragments).
 */
export function parseReturnTo(text: string, protectedHosts: ReadonlySet<Origin>): ReturnTo {
  if (text.length > 4096 || !/^[\x21-\x7e]+$/.test(text) || text.includes('\\') || text.includes('#'))
    return { kind: 'refused' };
  const slash = text.indexOf('/', text.indexOf('//') + 2);
  if (slash === -1) return parseReturnTo(`${text}/`, protectedHosts);
  const form = parseOrigin(text.slice(0, slash));
  if (form.kind === 'malformed' || !protectedHosts.has(form.origin)) return { kind: 'refused' };
  const path = text.slice(slash);
  return path.startsWith('//') ? { kind: 'refused' } : { kind: 'target', origin: form.origin, path };
}
