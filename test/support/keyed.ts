/** Requests with an Idempotency-Key in tests: sent again, and what may come of them. */
import assert from 'node:assert/strict';
import { randomUUID } from 'node:crypto';
import { type Got, send, type Sent } from './client.ts';
import { bearer } from './invited.ts';
import { assertProblem } from './problem.ts';

export interface Keyed {
  /** Empty: a stranger, or whoever the headers say. */
  readonly held: string;
  readonly method?: string;
  readonly path: string;
  readonly body?: unknown;
  readonly key?: string | readonly string[];
  readonly headers?: Sent['headers'];
}

export const newKey = (): string => randomUUID();

export function sendKeyed(console: string, { held, method = 'POST', path, body, key, headers }: Keyed): Promise<Got> {
  return send(`${console}${path}`, {
    method,
    ...(body === undefined ? {} : { body }),
    headers: {
      ...(held === '' ? {} : bearer(held)),
      ...(key === undefined ? {} : { 'idempotency-key': key }),
      ...headers,
    },
  });
}

/** What an answer says, but for the request it was given to. */
export function saidIn({ status, json }: Got): Readonly<Record<string, unknown>> {
  return { status, ...json, request_id: null };
}

export function assertFirst(got: Got, status: number): void {
  assert.equal(got.status, status, got.text);
  assert.equal(got.headers['idempotency-replayed'], undefined, 'it is no replay');
}

/** The first answer once more, and told apart from it. */
export function assertReplay(got: Got, first: Got): void {
  assert.deepEqual(saidIn(got), saidIn(first));
  assert.equal(got.headers['idempotency-replayed'], 'true');
  assert.equal(got.headers['cache-control'], 'no-store');
  if (first.status >= 400) assert.notEqual(got.json['request_id'], first.json['request_id']);
}

export function assertInProgress(got: Got): void {
  assertProblem(got, 409, 'idempotency_in_progress');
  assert.equal(got.headers['retry-after'], '1');
}
