/** API tokens as their owners make them over HTTP, and requests that show them. */
import assert from 'node:assert/strict';
import { type Got, send, type Sent } from './client.ts';
import { bearer } from './invited.ts';

export interface IssuedToken {
  readonly id: string;
  readonly secret: string;
}

export const tokensPath = '/api/auth/api-tokens';

/** Beyond what any test sends. */
export const wideLimits = { per_minute: 100_000, per_hour: 1_000_000 } as const;

/** As whoever holds that: a session's token, or an API token. */
export const askAs =
  (console: string, held: string) =>
  (method: string, path: string, body?: unknown, more: Sent = {}): Promise<Got> =>
    send(`${console}${path}`, {
      method,
      ...(body === undefined ? {} : { body }),
      ...more,
      headers: { ...bearer(held), ...more.headers },
    });

export type AskAs = ReturnType<typeof askAs>;

export async function issue(ask: AskAs, body: Readonly<Record<string, unknown>> = {}): Promise<IssuedToken> {
  const got = await ask('POST', tokensPath, body);
  assert.equal(got.status, 201, got.text);
  return { id: String(got.json['id']), secret: String(got.json['token']) };
}

export async function ticketFor(ask: AskAs, path: string, ttlSeconds = 60): Promise<string> {
  const got = await ask('POST', '/api/auth/tickets', { path, ttl_seconds: ttlSeconds });
  assert.equal(got.status, 201, got.text);
  return String(got.json['ticket']);
}
