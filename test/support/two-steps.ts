/** Signing in with a second factor, step by step, and what each answer has to be. */
import assert from 'node:assert/strict';
import { type Got, send } from './client.ts';
import { type Embedded, embed } from './library.ts';
import { admin } from './people.ts';
import { enrol, type Phone, type Watch } from './phone.ts';
import { assertProblem } from './problem.ts';

export type House = { readonly console: string };
export const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });

/** The first step, without cookies unless there is a browser for them. */
export async function pending(
  house: House,
  more: Readonly<Record<string, unknown>> = {},
  from?: string,
): Promise<string> {
  const got = await login(house, more, from);
  assertHalf(got);
  return String(got.json['challenge']);
}

export function login(house: House, more: Readonly<Record<string, unknown>> = {}, from?: string): Promise<Got> {
  return send(`${house.console}/api/auth/login`, {
    body: { ...admin, ...more },
    ...(from === undefined ? {} : { from }),
  });
}

export function answer(house: House, challenge: string, totp_token: unknown, from?: string): Promise<Got> {
  return send(`${house.console}/api/auth/login/verify`, {
    body: { challenge, totp_token },
    ...(from === undefined ? {} : { from }),
  });
}

export function assertHalf(got: Got): void {
  assert.equal(got.status, 200, got.text);
  assert.equal(got.json['success'], false);
  assert.equal(got.json['requires_totp'], true);
  assert.match(String(got.json['challenge']), /^[A-Za-z0-9_-]{43}$/);
  for (const name of ['token', 'csrf_token', 'token_type']) assert.equal(got.json[name], undefined);
}

export function assertIn(got: Got): string {
  assert.equal(got.status, 200, got.text);
  assert.equal(got.json['success'], true);
  const token = String(got.json['token']);
  assert.match(token, /^sps_/);
  return token;
}

export function assertWrongCode(got: Got): void {
  assertProblem(got, 401, 'invalid_credentials');
  assert.equal(got.json['requires_totp'], true);
  assert.equal(got.cookies.filter((each) => !/Max-Age=0/.test(each)).length, 0, got.cookies.join());
  assert.equal(got.json['token'], undefined);
}

export interface Stage {
  readonly house: Embedded;
  readonly watch: Watch;
  readonly phone: Phone;
  readonly recoveryCodes: string[];
  readonly token: string;
}

/** A house of its own, whose time the test moves, with an admin who has codes. */
export async function stage(...argv: readonly string[]): Promise<Stage> {
  const house = await embed({ argv });
  const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
  assert.equal(got.status, 201, got.text);
  const token = String(got.json['token']);
  const watch: Watch = { now: house.now, wait: house.pass };
  const { phone, recoveryCodes } = await enrol(house.console, token, watch);
  return { house, watch, phone, recoveryCodes: [...recoveryCodes], token };
}

export async function sessionsOf(house: House, token: string): Promise<number> {
  const got = await send(`${house.console}/api/auth/sessions`, { headers: bearer(token) });
  assert.equal(got.status, 200, got.text);
  return (got.json['sessions'] as unknown[]).length;
}

export async function eventsOf(
  house: House,
  token: string,
  event: string,
): Promise<readonly Record<string, unknown>[]> {
  const got = await send(`${house.console}/api/auth/audit?event=${event}&limit=1000`, { headers: bearer(token) });
  assert.equal(got.status, 200, got.text);
  return got.json['events'] as Record<string, unknown>[];
}

/** A session of whoever is on that stage. */
export async function signedIn({ house, phone }: Stage): Promise<string> {
  return assertIn(await login(house, { totp_token: await phone.next() }));
}

/** Everything that was failed is forgiven, by the word of an admin. */
export async function forgive(house: House, token: string): Promise<void> {
  const got = await send(`${house.console}/api/auth/blocks`, { method: 'DELETE', headers: bearer(token), body: {} });
  assert.equal(got.status, 200, got.text);
}
