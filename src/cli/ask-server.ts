/** How commands ask the running server: through the control socket of its data folder. */
import { request } from 'node:http';
import { join } from 'node:path';
import type { Settings } from '../config/schema.ts';
import { controlSocket } from './control.ts';

export type Answered =
  | { readonly kind: 'not-running' }
  | { readonly kind: 'answered'; readonly status: number; readonly body: string };

export function askServer(settings: Settings, path: string): Promise<Answered> {
  return new Promise((resolve, reject) => {
    const asking = request(
      { socketPath: join(settings.data, controlSocket), path, method: 'POST', headers: { host: 'control' } },
      (response) => {
        let body = '';
        response.setEncoding('utf8');
        response.on('data', (part: string) => {
          body += part;
        });
        response.on('error', reject);
        response.on('end', () => resolve({ kind: 'answered', status: response.statusCode ?? 0, body }));
      },
    );
    asking.on('error', () => resolve({ kind: 'not-running' }));
    asking.end();
  });
}
