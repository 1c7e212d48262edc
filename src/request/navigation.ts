/** Telling a person's browser that opens a page from everything else (2-http-api, 6). Pure. */
import { header, type HeaderMap } from './incoming.ts';

export type Asker = 'navigation' | 'other';

/** Only these are led to a sign-in page; a script or a program gets a 401 it can understand. */
export function askerOf(method: string, headers: HeaderMap): Asker {
  const mode = header(headers, 'sec-fetch-mode');
  const wantsPage =
    (header(headers, 'accept') ?? '').includes('text/html') && (mode === undefined || mode === 'navigate');
  return (method === 'GET' || method === 'HEAD') && wantsPage ? 'navigation' : 'other';
}

/** Headers that every browser sends and no program needs to. */
export function clientOfHeaders(headers: HeaderMap): 'browser' | 'program' {
  return headers['sec-fetch-site'] !== undefined ||
    headers['sec-fetch-mode'] !== undefined ||
    headers['origin'] !== undefined
    ? 'browser'
    : 'program';
}
