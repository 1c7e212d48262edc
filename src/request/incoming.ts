/**
 * Step 1: what arrived. One shape for every adapter, so that the path embedders run is the path that is tested.
 * Takes plain values, gives plain values, touches nothing.
 */

/** Header names in lower case. Repeated ones are joined as Node joins them; `rawHeaders` has them as they came. */
export type HeaderMap = Readonly<Record<string, string | string[] | undefined>>;

/**
 * Which door it came in by. `console`: pages and API. `application`: a protected host served by the built-in proxy.
 * `operations`: health and metrics, on a listener of their own. `control`: the socket in the data folder, open to whoever may read the folder.
 */
export type Door = 'console' | 'application' | 'control' | 'operations';

export interface Incoming {
  readonly door: Door;
  readonly method: string;
  /** Request target as it came, query included. */
  readonly target: string;
  readonly headers: HeaderMap;
  readonly rawHeaders: readonly string[];
  /** Address of the socket's other end; empty on a unix socket. */
  readonly peer: string;
  /** How the connection itself came; what a proxy in front of it had is another matter. */
  readonly transport: 'plain' | 'tls';
  readonly body: AsyncIterable<Uint8Array>;
}

/** A header that must not be repeated; joined or first-wins readings of these have opened doors elsewhere. */
const single = new Set([
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'host',
  'origin',
  'sec-fetch-site',
  'sec-fetch-mode',
  'transfer-encoding',
  'x-api-key',
  'x-csrf-token',
  'csrfpreventiontoken',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-forwarded-method',
  'x-forwarded-uri',
  'x-original-method',
  'x-original-url',
  'x-real-ip',
]);

export type Singles = { readonly kind: 'repeated'; readonly name: string } | { readonly kind: 'single' };

const lengths: ReadonlySet<number> = new Set([...single].map((name) => name.length));

/** Every header that may come once comes at most once. */
export function checkSingleHeaders(rawHeaders: readonly string[]): Singles {
  let first: string | undefined;
  let more: string[] | undefined;
  for (let at = 0; at < rawHeaders.length; at += 2) {
    const raw = rawHeaders[at];
    if (raw === undefined || !lengths.has(raw.length)) continue;
    const name = raw.toLowerCase();
    if (!single.has(name)) continue;
    if (first === undefined) first = name;
    else if (first === name || more?.includes(name)) return { kind: 'repeated', name };
    else (more ??= []).push(name);
  }
  return once;
}

const once: Singles = { kind: 'single' };

/** One header as text; undefined when absent. */
export function header(headers: HeaderMap, name: string): string | undefined {
  const value = headers[name];
  return typeof value === 'string' ? value : value?.join(', ');
}

/** Path of a target, without its query. */
export function pathOf(target: string): string {
  const query = target.indexOf('?');
  return query === -1 ? target : target.slice(0, query);
}

/** Query of a target. */
export function queryOf(target: string): URLSearchParams {
  const query = target.indexOf('?');
  return new URLSearchParams(query === -1 ? '' : target.slice(query + 1));
}

const safeMethods: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE']);

/** RFC 9110 section 9.2.1. */
export function methodSafety(method: string): 'safe' | 'unsafe' {
  return safeMethods.has(method) ? 'safe' : 'unsafe';
}
