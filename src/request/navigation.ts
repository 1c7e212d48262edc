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

/**
 * Whether a browser sent this: it says so by Fetch Metadata, by Origin, or by the name every browser still goes by. A
 * program that wants to be taken for one only gets what a browser gets.
 */
export function clientOfHeaders(headers: HeaderMap): 'browser' | 'program' {
  const telling = ['sec-fetch-site', 'sec-fetch-dest', 'origin', 'upgrade-insecure-requests'];
  const named = /^mozilla\//i.test(header(headers, 'user-agent') ?? '');
  return named || telling.some((name) => headers[name] !== undefined) ? 'browser' : 'program';
}

/** Whether whoever asks may show a person a window for name and password when it is challenged for Basic: a browser does. */
export function promptsOf(headers: HeaderMap): 'prompts' | 'answers' {
  const telling = ['sec-fetch-site', 'sec-fetch-mode', 'sec-fetch-dest', 'sec-fetch-user', 'x-requested-with'];
  const page = (header(headers, 'accept') ?? '').toLowerCase().includes('text/html');
  return page || telling.some((name) => headers[name] !== undefined) ? 'prompts' : 'answers';
}

/**
 * WebSocket handshakes open a channel without a CSRF token. Proxies that ask for forward-auth drop the Upgrade header
 * itself, so its companions count too.
 */
export function opensSocket(headers: HeaderMap): 'socket' | 'plain' {
  const socket =
    headers['upgrade'] !== undefined ||
    headers['sec-websocket-key'] !== undefined ||
    headers['sec-websocket-version'] !== undefined ||
    header(headers, 'sec-fetch-mode') === 'websocket';
  return socket ? 'socket' : 'plain';
}
