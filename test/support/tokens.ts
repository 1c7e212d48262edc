/** API tokens and path tickets in tests: made over HTTP, shown in every form, and forged. */
import assert from 'node:assert/strict';
import { crc32 } from 'node:zlib';
import { type Got, send, type Sent } from './client.ts';
import { bearer } from './invited.ts';
import type { RunningServer } from './server.ts';

type Console = Pick<RunningServer, 'console'>;

export interface MadeToken {
  readonly id: string;
  readonly token: string;
}

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

async function takeTicket(ask: AskAs, body: Readonly<Record<string, unknown>>): Promise<string> {
  const got = await ask('POST', '/api/auth/tickets', body);
  assert.equal(got.status, 201, got.text);
  return String(got.json['ticket']);
}

export function ticketFor(ask: AskAs, path: string): Promise<string> {
  return takeTicket(ask, { path, ttl_seconds: 60 });
}

export function makeTicket(
  server: Console,
  credential: string,
  path: string,
  more: Readonly<Record<string, unknown>> = {},
): Promise<string> {
  return takeTicket(askAs(server.console, credential), { path, ...more });
}

/** By somebody who signed in just now. */
export async function makeToken(
  server: Console,
  session: string,
  body: Readonly<Record<string, unknown>> = {},
): Promise<MadeToken> {
  const { id, secret } = await issue(askAs(server.console, session), body);
  return { id, token: secret };
}

/** What is asked about one token at its own address. */
export function onToken(
  server: Console,
  credential: string,
  id: string,
  method: 'PATCH' | 'DELETE' | 'ROTATE',
  body: Readonly<Record<string, unknown>> = {},
  sent: Sent = {},
): Promise<Got> {
  const path = `/api/auth/api-tokens/${id}${method === 'ROTATE' ? '/rotate' : ''}`;
  return send(`${server.console}${path}`, {
    ...sent,
    method: method === 'ROTATE' ? 'POST' : method,
    headers: { ...bearer(credential), ...sent.headers },
    ...(method === 'DELETE' ? {} : { body }),
  });
}

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz';

/** That prefix and body with the checksum that belongs behind them. */
export function withChecksum(stem: string): string {
  let rest = crc32(stem);
  let digits = '';
  for (let place = 0; place < 6; place += 1) {
    digits = alphabet.charAt(rest % 62) + digits;
    rest = Math.floor(rest / 62);
  }
  return stem + digits;
}

/** Of the right form, and nobody's. */
export function unknownToken(at: number, prefix = 'spt_'): string {
  return withChecksum(`${prefix}${String(at).padStart(30, 'x')}`);
}

export function basic(text: string): string {
  return `Basic ${Buffer.from(text).toString('base64')}`;
}

export interface Quota {
  readonly limit: number;
  readonly remaining: number;
  readonly reset: number;
  readonly seconds: number;
}

/** The two fields of draft-ietf-httpapi-ratelimit-headers-10, as structured fields; fails where either is missing. */
export function quotaOf(headers: Readonly<Record<string, string>>): { readonly minute: Quota; readonly hour: Quota } {
  const policy = /^"minute";q=(\d+);w=(\d+), "hour";q=(\d+);w=(\d+)$/.exec(headers['ratelimit-policy'] ?? '');
  const now = /^"minute";r=(\d+);t=(\d+), "hour";r=(\d+);t=(\d+)$/.exec(headers['ratelimit'] ?? '');
  assert.ok(policy !== null && now !== null, `${headers['ratelimit-policy']} / ${headers['ratelimit']}`);
  const of = (at: number): Quota => ({
    limit: Number(policy[at]),
    seconds: Number(policy[at + 1]),
    remaining: Number(now[at]),
    reset: Number(now[at + 1]),
  });
  return { minute: of(1), hour: of(3) };
}
