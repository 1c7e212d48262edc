/**
 * The request that a reverse proxy asks about (2-http-api, 6): read from its headers, and only from listed proxies. Pure.
 * Stops: a decision based on headers that anybody can send, and two descriptions that disagree.
 */
import type { Origin } from '../types.ts';
import type { Arrival } from './arrival.ts';
import { header, type Incoming } from './incoming.ts';
import { originOf, parseOrigin } from './origin.ts';

export interface Original {
  readonly kind: 'original';
  /** `nginx` can pass on 200, 401 and 403 only. */
  readonly family: 'none' | 'forwarded' | 'nginx';
  readonly method: string;
  /** Null when the request names no host. */
  readonly origin: Origin | null;
  readonly path: string;
}

export type OriginalReading =
  | { readonly kind: 'malformed'; readonly family: Original['family']; readonly detail: string }
  | Original;

const knownMethods: ReadonlySet<string> = new Set([
  'GET',
  'HEAD',
  'POST',
  'PUT',
  'PATCH',
  'DELETE',
  'OPTIONS',
  'PROPFIND',
  'PROPPATCH',
  'MKCOL',
  'COPY',
  'MOVE',
  'LOCK',
  'UNLOCK',
  'REPORT',
  'SEARCH',
]);

export function originalOf(incoming: Incoming, arrival: Arrival): OriginalReading {
  const own: Original = { kind: 'original', family: 'none', method: incoming.method, origin: null, path: '' };
  if (arrival.proxied === 'direct') return own;
  const read = (name: string): string | undefined => header(incoming.headers, name);
  const [method, proto, host, uri] = [
    read('x-forwarded-method'),
    read('x-forwarded-proto'),
    read('x-forwarded-host'),
    read('x-forwarded-uri'),
  ];
  const [originalMethod, originalUrl] = [read('x-original-method'), read('x-original-url')];
  const nginx = originalMethod !== undefined || originalUrl !== undefined;
  if (nginx && (method !== undefined || uri !== undefined)) {
    return {
      kind: 'malformed',
      family: 'forwarded',
      detail: 'X-Forwarded-Method/-Uri and X-Original-Method/-URL describe one request twice.',
    };
  }
  if (nginx) return fromUrl(originalMethod ?? incoming.method, originalUrl);
  if (method === undefined && uri === undefined && host === undefined) return own;
  return fromParts(method ?? incoming.method, proto, host, uri ?? '');
}

function fromUrl(method: string, url: string | undefined): OriginalReading {
  const malformed = (detail: string): OriginalReading => ({ kind: 'malformed', family: 'nginx', detail });
  if (!knownMethods.has(method)) return malformed('X-Original-Method is no known method.');
  if (url === undefined || url.startsWith('/'))
    return { kind: 'original', family: 'nginx', method, origin: null, path: url ?? '' };
  const slash = url.indexOf('/', url.indexOf('//') + 2);
  const form = parseOrigin(slash === -1 ? url : url.slice(0, slash));
  if (form.kind === 'malformed') return malformed('X-Original-URL is no http or https URL.');
  return {
    kind: 'original',
    family: 'nginx',
    method,
    origin: form.origin,
    path: slash === -1 ? '/' : url.slice(slash),
  };
}

function fromParts(method: string, proto: string | undefined, host: string | undefined, path: string): OriginalReading {
  const malformed = (detail: string): OriginalReading => ({ kind: 'malformed', family: 'forwarded', detail });
  if (!knownMethods.has(method)) return malformed('X-Forwarded-Method is no known method.');
  if (path !== '' && !/^\/[\x21-\x7e]*$/.test(path)) return malformed('X-Forwarded-Uri is no path.');
  if (host === undefined) return { kind: 'original', family: 'forwarded', method, origin: null, path };
  if (proto !== undefined && proto !== 'http' && proto !== 'https' && proto !== 'ws' && proto !== 'wss')
    return malformed('X-Forwarded-Proto is neither http nor https.');
  const form = originOf(proto === 'http' || proto === 'ws' ? 'http' : 'https', host);
  return form.kind === 'malformed'
    ? malformed('X-Forwarded-Host is no host.')
    : { kind: 'original', family: 'forwarded', method, origin: form.origin, path };
}
