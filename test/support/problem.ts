/** What every refusal must look like (2-http-api, 2). */
import assert from 'node:assert/strict';
import type { Got } from './client.ts';

/** Basic comes first, where the route takes it and a program asks. */
const challenges = /^(Basic realm="[^"]+", charset="UTF-8", )?Bearer realm="Sallyport"/;

/** An error is a problem answer of the contract, whole, and nothing is cached. */
export function assertProblem(got: Got, status: number, code: string): void {
  assert.equal(got.status, status, got.text);
  assert.match(got.headers['content-type'] ?? '', /^application\/problem\+json/);
  assert.equal(got.headers['cache-control'], 'no-store');
  const { json } = got;
  assert.equal(json['error_code'], code, got.text);
  assert.equal(json['status'], status);
  assert.equal(json['success'], false);
  assert.equal(json['message'], json['detail']);
  assert.equal(json['error'], json['title']);
  assert.match(String(json['request_id']), /^[A-Za-z0-9_-]{16}$/);
  if (status === 401) assert.match(got.headers['www-authenticate'] ?? '', challenges);
  if (status === 405) assert.ok(got.headers['allow']);
  if (status === 429 || status === 503) {
    assert.match(got.headers['retry-after'] ?? '', /^\d+$/);
    assert.equal(typeof json['retry_after'], 'number');
  }
}
