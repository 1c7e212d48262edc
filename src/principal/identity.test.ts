import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { SessionRow, UserRow } from '../store/rows.ts';
import { identityHeaderNames, identityHeaders } from './identity.ts';
import type { UserPrincipal } from './principal.ts';

const row = {
  username: 'alice',
  displayName: 'Älice % A',
  email: 'alice@example.org',
  privileges: ['admin'],
  groups: ['staff'],
} as unknown as UserRow;
const holder = (user: UserRow): UserPrincipal => ({
  kind: 'user',
  user: { row: user, current: true },
  session: {} as SessionRow,
  via: 'session',
});
const valuesOf = (headers: readonly string[]): readonly string[] => headers.filter((_, at) => at % 2 === 1);

test('every identity header, in order, in visible ASCII; empty when nobody is signed in', () => {
  const headers = identityHeaders(holder(row));
  assert.deepEqual(
    headers.filter((_, at) => at % 2 === 0),
    identityHeaderNames,
  );
  assert.deepEqual(valuesOf(headers), [
    'alice',
    'staff,admin',
    'alice@example.org',
    '%C3%84lice%20%25%20A',
    'session',
    '',
  ]);
  for (const kind of ['anonymous', 'everybody'] as const)
    assert.deepEqual(valuesOf(identityHeaders({ kind, state: 'off' })), ['', '', '', '', 'none', '']);
});

test('made once for a principal, and never for another one of the same user', () => {
  const before = holder(row);
  assert.equal(identityHeaders(before), identityHeaders(before));
  const after = holder({ ...row, privileges: [] });
  assert.deepEqual(valuesOf(identityHeaders(after))[1], 'staff');
  assert.deepEqual(valuesOf(identityHeaders(before))[1], 'staff,admin');
});
