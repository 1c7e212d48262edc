/**
 * The request that a reverse proxy asks about (2-http-api, 6): read from its headers, and only from listed proxies. Pure.
 * Stops: a decision based on headers that anybody can send, and two descriptions that disagree.
 */
import type { Origin } from '../types.ts';
import type { Arrival } from './arrival.ts';
import { header, type Incoming } from './incoming.ts';
import { originOf, parseOrigin, type Scheme } from './origin.ts';

export interface Original {
  readonly kind: 'original';
  /** `nginx` can pass on 200, 401 and 403 only. */
  readonly family: 'none' | 'forwarded' | 'nginx';
  /** Empty when the proxy did not say, or when the application may read another one. */
  readonly method: string;
  /** By the scheme that some proxies give for WebSockets. */
  readonly exchange: 'request' | 'socket';
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
  const own: Original = {
    kind: 'original',
    family: 'none',
    method: incoming.method,
    exchange: 'request',
    origin: null,
    path: '',
  };
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
  /** What some applications take for the method: what it will be is not known then. */
  const asTheApplicationReads = (reading: OriginalReading): OriginalReading =>
    reading.kind === 'original' && methodHeaders.some((name) => read(name) !== undefined)
      ? { ...reading, method: '' }
      : reading;
  if (nginx) return asTheApplicationReads(fromUrl(originalMethod, originalUrl));
  if (method === undefined && uri === undefined && host === undefined) return own;
  // A bare X-Forwarded-Host is what any proxy adds to any request; only with a path does it describe another one.
  return asTheApplicationReads(
    fromParts({ method: method ?? (uri === undefined ? incoming.method : undefined), proto, host, uri }),
  );
}

const methodHeaders = ['x-http-method-override', 'x-http-method', 'x-method-override'] as const;

function fromUrl(method: string | undefined, url: string | undefined): OriginalReading {
  const malformed = (detail: string): OriginalReading => ({ kind: 'malformed', family: 'nginx', detail });
  if (method !== undefined && !knownMethods.has(method)) return malformed('X-Original-Method is no known method.');
  const asked = { kind: 'original', family: 'nginx', method: method ?? '', exchange: 'request' } as const;
  if (url === undefined || url.startsWith('/')) return { ...asked, origin: null, path: url ?? '' };
  const slash = url.indexOf('/', url.indexOf('//') + 2);
  const form = parseOrigin(slash === -1 ? url : url.slice(0, slash));
  if (form.kind === 'malformed') return malformed('X-Original-URL is no http or https URL.');
  return { ...asked, origin: form.origin, path: slash === -1 ? '/' : url.slice(slash) };
}

interface Parts {
  readonly method: string | undefined;
  readonly proto: string | undefined;
  readonly host: string | undefined;
  readonly uri: string | undefined;
}

function fromParts({ method, proto, host, uri }: Parts): OriginalReading {
  const malformed = (detail: string): OriginalReading => ({ kind: 'malformed', family: 'forwarded', detail });
  if (method !== undefined && !knownMethods.has(method)) return malformed('X-Forwarded-Method is no known method.');
  if (uri !== undefined && !/^\/[\x21-\x7e]*$/.test(uri)) return malformed('X-Forwarded-Uri is no path.');
  const scheme = proto === undefined ? 'https' : schemes[proto];
  if (scheme === undefined) return malformed('X-Forwarded-Proto is neither http nor https.');
  const exchange = proto === 'ws' || proto === 'wss' ? 'socket' : 'request';
  const asked = { kind: 'original', family: 'forwarded', method: method ?? '', exchange, path: uri ?? '' } as const;
  if (host === undefined) return { ...asked, origin: null };
  const form = originOf(scheme, host);
  return form.kind === 'malformed' ? malformed('X-Forwarded-Host is no host.') : { ...asked, origin: form.origin };
}

const schemes: Readonly<Record<string, Scheme | undefined>> = {
  http: 'http',
  ws: 'http',
  https: 'https',
  wss: 'https',
};
