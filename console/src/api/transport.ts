/** One request to our own server. Keeps the CSRF token in memory, and only there: a reload asks for it again. */
import { type Fields, type Refusal, readFields, readRefusal, readText } from './answers.ts';

export type Answer = { readonly kind: 'answered'; readonly fields: Fields } | Refusal;

/** What came as a text that is no JSON. */
export type FileAnswer = { readonly kind: 'file'; readonly text: string } | Refusal;

export type Method = 'GET' | 'POST' | 'PATCH' | 'DELETE';

const patienceMs = 30_000;
/** Thousands of rows take their time to travel and to be written. */
const filePatienceMs = 600_000;

interface Sent {
  readonly type?: string;
  readonly accept?: string;
  readonly body?: string | undefined;
  readonly patience?: number;
}

let csrfToken = '';

export function send(method: Method, path: string, body?: object): Promise<Answer> {
  const sent: Sent = {
    ...(method === 'GET' ? {} : { type: 'application/json' }),
    ...(body === undefined ? {} : { body: JSON.stringify(body) }),
  };
  return withToken(() => attempt(method, path, sent, readAnswer));
}

export function sendCsv(path: string, csv: string): Promise<Answer> {
  return withToken(() => attempt('POST', path, { type: 'text/csv', body: csv, patience: filePatienceMs }, readAnswer));
}

export function fetchCsv(path: string): Promise<FileAnswer> {
  return attempt('GET', path, { accept: 'text/csv', patience: filePatienceMs }, readCsv);
}

async function withToken(sendIt: () => Promise<Answer>): Promise<Answer> {
  const answer = await sendIt();
  if (answer.kind !== 'refused' || answer.code !== 'csrf_failed') return answer;
  // The session was renewed elsewhere, in another tab for example: take its present token and try once more.
  const status = await attempt('GET', '/api/auth/status', {}, readAnswer);
  return status.kind === 'answered' ? sendIt() : status;
}

async function attempt<Read>(
  method: Method,
  path: string,
  { type, accept, body, patience = patienceMs }: Sent,
  read: (response: Response) => Promise<Read>,
): Promise<Read | Refusal> {
  // A GET stays as bare as the preload in index.html, so that the browser can take the first answer from there.
  const headers: Record<string, string> = {};
  if (type !== undefined) headers['Content-Type'] = type;
  if (accept !== undefined) headers['accept'] = accept;
  if (method !== 'GET' && csrfToken !== '') headers['X-CSRF-Token'] = csrfToken;
  try {
    const response = await fetch(path, {
      method,
      headers,
      credentials: 'same-origin',
      redirect: 'error',
      ...(body === undefined ? {} : { body }),
      signal: AbortSignal.timeout(patience),
    });
    return await read(response);
  } catch {
    // Refused, reset, timed out or without a network: for the person it is all the same.
    return { kind: 'offline' };
  }
}

async function readAnswer(response: Response): Promise<Answer> {
  const fields = readFields(await response.json().catch(() => ({})));
  if (!response.ok) return readRefusal(response.status, fields);
  if (Object.keys(fields).length === 0) return { kind: 'unreadable' };
  csrfToken = readText(fields, 'csrf_token') || csrfToken;
  return { kind: 'answered', fields };
}

async function readCsv(response: Response): Promise<FileAnswer> {
  if (!response.ok) return readRefusal(response.status, readFields(await response.json().catch(() => ({}))));
  const isCsv = /^text\/csv\b/.test(response.headers.get('content-type') ?? '');
  return isCsv ? { kind: 'file', text: await response.text() } : { kind: 'unreadable' };
}
