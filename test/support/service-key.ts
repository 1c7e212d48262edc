/** The service key in tests: as tools of this machine read and show it, and the key derived for a user. */
import assert from 'node:assert/strict';
import { lstatSync, readdirSync, readFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { type Got, send } from './client.ts';
import { admin, signInBearer } from './people.ts';
import type { RunningServer } from './server.ts';

type Console = Pick<RunningServer, 'console'>;

export function basic(name: string, secret = ''): { readonly authorization: string } {
  return { authorization: `Basic ${Buffer.from(`${name}:${secret}`).toString('base64')}` };
}

export function serviceKeyFileOf(data: string): string {
  return join(data, 'api.key');
}

/** What the file holds: it is a file, alone, with its mode, and holds a key and nothing else. */
export function heldIn(path: string): string {
  const about = lstatSync(path);
  assert.ok(about.isFile());
  assert.equal((about.mode & 0o7777).toString(8), '640');
  const name = basename(path);
  assert.deepEqual(
    readdirSync(dirname(path)).filter((each) => each.startsWith(name)),
    [name],
  );
  const text = readFileSync(path, 'utf8');
  assert.match(text, /^[\w-]{43}$/);
  return text;
}

/** A list that administration alone reads. */
export function usersBy(server: Console, serviceKey: string, from?: string): Promise<Got> {
  return send(`${server.console}/api/auth/users`, {
    headers: basic(serviceKey),
    ...(from === undefined ? {} : { from }),
  });
}

export async function statusesOf(server: Console, ...serviceKeys: readonly string[]): Promise<readonly number[]> {
  const statuses: number[] = [];
  for (const each of serviceKeys) statuses.push((await usersBy(server, each)).status);
  return statuses;
}

/** The key derived for the admin. */
export async function userKeyAt(server: Console): Promise<string> {
  const got = await send(`${server.console}/api/auth/user-key`, {
    headers: { authorization: `Bearer ${await signInBearer(server)}` },
    body: { password: admin.password },
  });
  assert.equal(got.status, 200, got.text);
  return String(got.json['user_key']);
}

export async function statusOfUserKey(server: Console, userKey: string, from = '127.0.0.1'): Promise<number> {
  const headers = basic(admin.username, userKey);
  return (await send(`${server.console}/api/auth/sessions`, { headers, from })).status;
}
