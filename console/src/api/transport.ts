/** One request to our own server. Keeps the CSRF token in memory, and only there: a reload asks for it again. */
import { type Fields, type Refusal, readFields, readRefusal, readText } from './answers.ts';

export type Answer = { readonly kind: 'answered'; readonly fields: Fields } | Refusal;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const patienceMs = 30_000;

let csrfToken = '';

export async function send(method: Method, path: string, body?: object): Promise<Answer> {
  const answer = await attempt(method, path, body);
  if (answer.kind !== 'refused' || answer.code !== 'csrf_failed') return answer;
  // The session was renewed elsewhere, in another tab for example: take its present token and try once more.
  const status = await attempt('GET', '/api/auth/status');
  return status.kind === 'answered' ? attempt(method, path, body) : status;
}

async function attempt(method: Method, path: string, body?: object): Promise<Answer> {
  // A GET stays as bare as the preload in index.html, so that the browser can take the first answer from there.
  const headers: Record<string, string> = {};
  if (method !== 'GET') headers['Content-Type'] = 'application/json';
  if (method !== 'GET' && csrfToken !== '') headers['X-CSRF-Token'] = csrfToken;
  try {
    const response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      redirect: 'error',
      ...(body === undefined ? {} : { body: JSON.stringify(body) }),
      signal: AbortSignal.timeout(patienceMs),
    });
    return await read(response);
  } catch {
    // Refused, reset, timed out or without a network: for the person it is all the same.
    return { kind: 'offline' };
  }
}

async function read(response: Response): Promise<Answer> {
  const fields = readFields(await response.json().catch(() => ({})));
  if (!response.ok) return readRefusal(response.status, fields);
  if (Object.keys(fields).length === 0) return { kind: 'unreadable' };
  csrfToken = readText(fields, 'csrf_token') || csrfToken;
  return { kind: 'answered', fields };
}
