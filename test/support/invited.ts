/** Accounts as an admin makes them, and their owners as they come in by a link. */
import assert from 'node:assert/strict';
import { type Got, send, type Sent } from './client.ts';

export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

export const passwordOf = (name: string): string => `${name} walks under 12 green lanterns`;

/** The secret in a link, as its page reads it. */
export function secretOf(link: unknown): string {
  return new URL(String(link)).hash.replace(/^#link=/, '');
}

/** Requests of an admin who signed in just now. */
export function asAdmin(console: string, token: string) {
  const ask = (path: string, sent: Sent = {}): Promise<Got> =>
    send(`${console}${path}`, { ...sent, headers: { ...bearer(token), ...sent.headers } });
  const made = async (path: string, body: unknown): Promise<Got> => {
    const got = await ask(path, { body });
    assert.equal(got.status, 201, got.text);
    return got;
  };
  return {
    ask,
    patch: (id: string, body: unknown): Promise<Got> => ask(`/api/auth/users/${id}`, { method: 'PATCH', body }),
    remove: (id: string): Promise<Got> => ask(`/api/auth/users/${id}`, { method: 'DELETE' }),
    /** Its id. */
    create: async (body: Readonly<Record<string, unknown>>): Promise<string> => {
      const { user } = (await made('/api/auth/users', body)).json as { user: { id: string } };
      return user.id;
    },
    link: (id: string, purpose: 'invite' | 'reset'): Promise<Got> => made(`/api/auth/users/${id}/link`, { purpose }),
  };
}

export type Admin = ReturnType<typeof asAdmin>;

export function redeem(console: string, link: unknown, password: string, sent: Sent = {}): Promise<Got> {
  return send(`${console}/api/auth/link`, { body: { link: secretOf(link), password }, ...sent });
}

/** An account with a password, and a session of its owner. */
export async function settle(
  console: string,
  admin: Admin,
  username: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<{ readonly id: string; readonly token: string }> {
  const id = await admin.create({ username, ...more });
  const link = await admin.link(id, 'invite');
  const got = await redeem(console, link.json['link'], passwordOf(username));
  assert.equal(got.status, 201, got.text);
  return { id, token: String(got.json['token']) };
}

export const login = (console: string, username: string, password: string, sent: Sent = {}): Promise<Got> =>
  send(`${console}/api/auth/login`, { body: { username, password }, ...sent });
