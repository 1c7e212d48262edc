/**
 * What goes back, as plain values: adapters only write it down. `forward` asks the adapter to pass the request on to the
 * application with these identity headers.
 */
import { problems, type Refusal } from '../errors.ts';
import type { Admission } from '../guard/admission.ts';
import type { Arrival } from '../request/arrival.ts';
import type { MaybePromise } from '../types.ts';
import type { Use } from '../verify/session.ts';

export interface Written {
  readonly kind: 'written';
  readonly status: number;
  /** Visible ASCII and spaces, in place of the status's own words: some clients read nothing else. */
  readonly reason?: string;
  /** Names and values in turn; with their length where there is no body. */
  readonly headers: readonly string[];
  readonly body: string | Uint8Array | null;
  /** The connection must not be used again: something unread may still be on it. */
  readonly close?: true;
}

export interface Forward {
  readonly kind: 'forward';
  /** Where the request was sent, as it was judged. */
  readonly arrival: Arrival;
  readonly identity: readonly string[];
  /** Header names and values in turn for the client, beside the application's. */
  readonly headers: readonly string[];
  /** Walks the guard once more, for exchanges that go on: sockets and streams end with their session. */
  readonly standing: (use: Use) => MaybePromise<Admission>;
}

export type Answer = Written | Forward;

/** On every answer of ours: never cached, never sniffed, never framed, and no referrer that could carry a query. */
export const guardHeaders: readonly string[] = [
  'cache-control',
  'no-store',
  'x-content-type-options',
  'nosniff',
  'referrer-policy',
  'no-referrer',
  'cross-origin-resource-policy',
  'same-origin',
];

const apiHeaders: readonly string[] = [
  ...guardHeaders,
  'content-security-policy',
  "default-src 'none'; frame-ancestors 'none'; base-uri 'none'; object-src 'none'; sandbox",
];

export function json(status: number, fields: Readonly<Record<string, unknown>>, more: readonly string[] = []): Written {
  return {
    kind: 'written',
    status,
    headers: ['content-type', 'application/json; charset=utf-8', ...apiHeaders, ...more],
    body: JSON.stringify({ success: true, ...fields }),
  };
}

export function text(contentType: string, body: string, more: readonly string[]): Written {
  return { kind: 'written', status: 200, headers: ['content-type', contentType, ...apiHeaders, ...more], body };
}

/** No body, and its length says so already: on the hot path nothing is added to these headers. */
export function empty(status: number, more: readonly string[] = []): Written {
  return { kind: 'written', status, headers: [...apiHeaders, ...more, 'content-length', '0'], body: null };
}

export function redirect(location: string, cookies: readonly string[] = []): Written {
  return empty(302, ['location', location, ...setCookies(cookies)]);
}

export function setCookies(cookies: readonly string[]): readonly string[] {
  return cookies.flatMap((cookie) => ['set-cookie', cookie]);
}

export interface ProblemContext {
  readonly requestId: string;
  /** Header names and values in turn. */
  readonly more?: readonly string[];
  /** A further way in that a 401 names, before Bearer: RFC 9110 section 11.6.1. */
  readonly challenge?: string | undefined;
}

/** RFC 9457, with the fields older clients read (2-http-api, 2). Never the cause. */
export function problem(refusal: Refusal, context: ProblemContext): Written {
  const { status, headers, fields } = problemOf(refusal, context);
  const type = ['content-type', 'application/problem+json; charset=utf-8'];
  return { kind: 'written', status, headers: [...type, ...headers], body: JSON.stringify(fields) };
}

/** The same, for whoever writes it in another form: headers but the content type, and what the body says. */
export function problemOf(
  refusal: Refusal,
  context: ProblemContext,
): {
  readonly status: number;
  readonly headers: readonly string[];
  readonly fields: Readonly<Record<string, unknown>>;
} {
  const { status, title, detail } = problems[refusal.code];
  const shown = refusal.detail ?? detail;
  const wait = refusal.retryAfterSeconds ?? defaultWait(status);
  const fields = {
    type: `urn:sallyport:error:${refusal.code}`,
    title,
    status,
    detail: shown,
    success: false,
    message: shown,
    error: title,
    error_code: refusal.code,
    request_id: context.requestId,
    ...(wait === undefined ? {} : { retry_after: wait }),
    ...refusal.fields,
  };
  const headers = [
    ...apiHeaders,
    ...(status === 401 && context.challenge !== undefined ? ['www-authenticate', context.challenge] : []),
    ...refusalHeaders(refusal),
    ...setCookies(refusal.cookies ?? []),
    ...(context.more ?? []),
  ];
  return { status, headers, fields };
}

/** What a refusal says in headers, whatever form its body has; names and values in turn. */
export function refusalHeaders(refusal: Refusal): readonly string[] {
  const { status } = problems[refusal.code];
  const wait = refusal.retryAfterSeconds ?? defaultWait(status);
  return [
    ...challenge(status, refusal),
    ...(wait === undefined ? [] : ['retry-after', String(wait)]),
    ...(refusal.headers ?? []),
  ];
}

/** 429 and 503 always say when a new try makes sense (RFC 9110 section 10.2.3). */
function defaultWait(status: number): number | undefined {
  return status === 429 || status === 503 ? 5 : undefined;
}

/** RFC 6750 section 3.1: an error code only when a token was shown. */
function challenge(status: number, { code, fields }: Refusal): readonly string[] {
  if (code === 'insufficient_scope') {
    const scope = [fields?.['required_scope']].flat().join(' ');
    return ['www-authenticate', `Bearer realm="Sallyport", error="insufficient_scope", scope="${scope}"`];
  }
  if (status !== 401) return [];
  return [
    'www-authenticate',
    code === 'invalid_token' ? 'Bearer realm="Sallyport", error="invalid_token"' : 'Bearer realm="Sallyport"',
  ];
}
