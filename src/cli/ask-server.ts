/** How commands ask the running server: through the control socket of its data folder. */
import { request } from 'node:http';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { controlSocket } from './control.ts';

export type Answered =
  /** Nobody listens there: whatever was to be done has not been done. */
  | { readonly kind: 'not-running' }
  /** Somebody does, and what became of the command is not known: it is not to be carried out again unasked. */
  | { readonly kind: 'unanswered'; readonly why: string }
  | { readonly kind: 'answered'; readonly status: number; readonly body: string };

/** What a socket says that is missing, that a server has left behind, or whose path is longer than any socket's. */
const nobodyListens: ReadonlySet<string | undefined> = new Set(['ENOENT', 'ENOTDIR', 'ECONNREFUSED', 'EINVAL']);

/** `body` goes as JSON. */
export function askServer(settings: Settings, path: string, body?: object): Promise<Answered> {
  return new Promise((resolve) => {
    const headers = { host: 'control', ...(body === undefined ? {} : { 'content-type': 'application/json' }) };
    const failed = ({ code, message }: NodeJS.ErrnoException): void =>
      resolve(
        nobodyListens.has(code)
          ? { kind: 'not-running' }
          : { kind: 'unanswered', why: `the server on ${settings.data} did not answer (${code ?? message}).` },
      );
    const asking = request(
      { socketPath: join(settings.data, controlSocket), path, method: 'POST', headers },
      (response) => {
        let text = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          text += part;
        });
        response.on('error', failed);
        response.on('end', () => resolve({ kind: 'answered', status: response.statusCode ?? 0, body: text }));
      },
    );
    asking.on('error', failed);
    asking.end(body === undefined ? undefined : JSON.stringify(body));
  });
}
