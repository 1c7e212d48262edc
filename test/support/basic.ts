/** Name and secret over Basic in tests: requests, keys, and what is counted meanwhile. */
import assert from 'node:assert/strict';
import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { type Got, send, type Sent } from './client.ts';
import { bearer, type Admin, redeem } from './invited.ts';
import type { RunningServer } from './server.ts';
import { basic } from './tokens.ts';

type House = Pick<RunningServer, 'console'> & Partial<Pick<RunningServer, 'nodes'>>;

export type AskBasic = (path: string, sent?: Sent) => Promise<Got>;

/** Requests with that name and secret, as programs send them. */
export const asBasic =
  (console: string, username: string, secret: string, from?: string): AskBasic =>
  (path, sent = {}) =>
    send(`${console}${path}`, {
      ...(from === undefined ? {} : { from }),
      ...sent,
      headers: { authorization: basic(`${username}:${secret}`), ...sent.headers },
    });

/** As tools of this machine read it. */
export async function serviceKeyOf(server: { readonly data: string }): Promise<string> {
  return (await readFile(join(server.data, 'api.key'), 'utf8')).trim();
}

/** Told to whoever signed in just now. */
export async function userKeyOf(console: string, session: string): Promise<string> {
  const got = await send(`${console}/api/auth/user-key`, { headers: bearer(session), body: {} });
  assert.equal(got.status, 200, got.text);
  const key = String(got.json['user_key']);
  assert.match(key, /^[A-Za-z0-9_-]{43}$/);
  return key;
}

/** An account with that password, and a session of its owner. */
export async function settleWith(
  console: string,
  admin: Admin,
  username: string,
  password: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly token: string }> {
  const id = await admin.create({ username, ...more });
  const got = await redeem(console, (await admin.link(id, 'invite')).json['link'], password);
  assert.equal(got.status, 201, got.text);
  return { id, token: String(got.json['token']) };
}

/** Of all nodes together, where there are several. */
export async function hashesOf({ console, nodes = [] }: House): Promise<number> {
  const each = nodes.length === 0 ? [console] : nodes.map((node) => node.console);
  const figures = await Promise.all(
    each.map(async (base) => {
      const got = await send(`${base}/metrics`);
      assert.equal(got.status, 200, got.text);
      return Number(/^sallyport_hashes_total (\S+)$/m.exec(got.text)?.[1]);
    }),
  );
  return figures.reduce((sum, one) => sum + one, 0);
}

/** How many are in the audit log. */
export async function eventsOf(
  console: string,
  session: string,
  query: string,
): Promise<readonly Record<string, unknown>[]> {
  const got = await send(`${console}/api/auth/audit?limit=1000&${query}`, { headers: bearer(session) });
  assert.equal(got.status, 200, got.text);
  return got.json['events'] as Record<string, unknown>[];
}
