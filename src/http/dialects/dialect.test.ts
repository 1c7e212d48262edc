import assert from 'node:assert/strict';
import { test } from 'node:test';
import { refuse } from '../../errors.ts';
import type { Written } from '../answer.ts';
import { dialectsOf, render } from './dialect.ts';

const dialects = dialectsOf('PVE');
const context = { requestId: 'r' };
const bodyOf = ({ body }: Written): Record<string, unknown> => JSON.parse(String(body)) as Record<string, unknown>;
const typeOf = ({ headers }: Written): string => headers[headers.indexOf('content-type') + 1] ?? '';

test('the path alone says which: ours everywhere but below the two formats', () => {
  for (const path of [
    '/api/auth/login',
    '/api2',
    '/api2/',
    '/api2/json',
    '/api2/xml/x',
    '/api2/JSON/x',
    '/x/api2/json/x',
  ])
    assert.match(typeOf(dialects(path).refused(refuse('not_found'), context)), /^application\/problem\+json/, path);
  for (const path of ['/api2/json/', '/api2/json/x', '/api2/extjs/access/ticket'])
    assert.match(typeOf(dialects(path).refused(refuse('not_found'), context)), /^application\/json/, path);
});

test('the words beside a 401 say whether signing in again helps; no other refusal has any', () => {
  for (const [code, reason] of [
    ['invalid_credentials', 'authentication failure'],
    ['second_factor_required', 'authentication failure'],
    ['unauthorized', 'No ticket'],
    ['invalid_token', 'permission denied - invalid PVE ticket'],
    ['session_expired', 'permission denied - invalid PVE ticket'],
    ['forbidden', undefined],
    ['rate_limited', undefined],
    ['internal', undefined],
  ] as const)
    assert.equal(dialects('/api2/json/x').refused(refuse(code), context).reason, reason, code);
  assert.equal(dialects('/api/auth/login').refused(refuse('unauthorized'), context).reason, undefined);
});

test('what an action refuses is 200 in one of them, with what it would have been in the body', () => {
  const refusal = refuse('rate_limited', { retryAfterSeconds: 7, errors: { username: 'no' }, cookies: ['a=b'] });
  const json = render(dialects('/api2/json/x'), refusal, { requestId: 'r', deadCookies: ['c=d'] });
  const extjs = render(dialects('/api2/extjs/x'), refusal, { requestId: 'r', deadCookies: [] });
  assert.deepEqual([json.status, extjs.status], [429, 200]);
  for (const each of [json, extjs]) {
    const { data, success, status, errors, error_code } = bodyOf(each);
    assert.deepEqual([data, success, status, error_code], [null, false, 429, 'rate_limited']);
    assert.deepEqual(errors, { username: 'no' });
    assert.equal(each.headers[each.headers.indexOf('retry-after') + 1], '7');
    assert.ok(each.headers.includes('no-store'));
    assert.ok(each.headers.includes('a=b'));
  }
  assert.ok(json.headers.includes('c=d'));
  const before = dialects('/api2/extjs/x').refused(refuse('unauthorized'), context);
  assert.deepEqual([before.status, before.reason], [401, 'No ticket']);
});

test('a success has its data, and in one of them its status', () => {
  const outcome = { kind: 'done', status: 200, fields: { data: null } } as const;
  const none = { requestId: 'r', deadCookies: [] };
  assert.deepEqual(bodyOf(render(dialects('/api2/json/x'), outcome, none)), { success: true, data: null });
  assert.deepEqual(bodyOf(render(dialects('/api2/extjs/x'), outcome, none)), {
    success: true,
    data: null,
    status: 200,
  });
});

test('what was too large, and whoever there is no room for, ends the connection', () => {
  for (const path of ['/api2/json/x', '/api2/extjs/x', '/api/auth/x']) {
    const none = { requestId: 'r', deadCookies: [] };
    assert.equal(render(dialects(path), refuse('payload_too_large'), none).close, true);
    assert.equal(render(dialects(path), refuse('rate_limited', { connection: 'close' }), none).close, true);
    assert.equal(render(dialects(path), refuse('conflict'), none).close, undefined);
  }
});
