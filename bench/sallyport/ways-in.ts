/** The same account by each way in, and the service key: what a client sends, and how it is told apart in the answer. */

import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { type SallyportServer, sessionOf } from './server.ts';

export const WAYS = ['session', 'basic', 'user-key', 'service-key'] as const;
/** As `via` says it. */
export type Way = (typeof WAYS)[number];

export interface WayIn {
  readonly via: Way;
  readonly headers: Readonly<Record<string, string>>;
}

export function isWay(text: string): text is Way {
  return (WAYS as readonly string[]).includes(text);
}

/** `data`: the folder of the server that runs. */
export async function wayIn(via: Way, server: SallyportServer, data: string): Promise<WayIn> {
  const { username, password } = server.admin;
  switch (via) {
    case 'session':
      return { via, headers: { cookie: await sessionOf(server) } };
    case 'basic':
      return { via, headers: basic(username, password) };
    case 'user-key':
      return { via, headers: basic(username, await userKeyOf(server)) };
    case 'service-key':
      return { via, headers: basic(readFileSync(join(data, 'api.key'), 'utf8').trim(), '') };
  }
}

function basic(username: string, secret: string): WayIn['headers'] {
  return { authorization: `Basic ${Buffer.from(`${username}:${secret}`).toString('base64')}` };
}

/** As its owner is told it. */
async function userKeyOf({ port, admin }: SallyportServer): Promise<string> {
  const url = `http://127.0.0.1:${port}/api/auth/user-key`;
  const headers = { 'content-type': 'application/json', ...basic(admin.username, admin.password) };
  const answer = await fetch(url, { method: 'POST', headers, body: '{}' });
  if (!answer.ok) throw new Error(`the user key was not told: ${answer.status} ${await answer.text()}`);
  return ((await answer.json()) as { user_key: string }).user_key;
}
