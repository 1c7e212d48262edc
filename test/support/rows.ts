/** Requests about several things, and what became of each. */
import assert from 'node:assert/strict';
import type { Got } from './client.ts';
import type { Admin } from './invited.ts';

export interface Result {
  readonly row: number;
  readonly status: number;
  readonly id?: string;
  readonly error_code?: string;
  readonly detail?: string;
  readonly token?: string;
}

export function resultsOf(got: Got): readonly Result[] {
  assert.ok(Array.isArray(got.json['results']), got.text);
  const results = got.json['results'] as readonly Result[];
  results.forEach((each, at) => assert.equal(each.row, at + 1));
  const refused = results.filter((each) => each.error_code !== undefined);
  assert.equal(got.json['refused'], refused.length);
  assert.equal(got.json['applied'], results.length - refused.length);
  for (const { status, detail } of refused) assert.ok(status >= 400 && detail !== undefined && detail !== '');
  return results;
}

/** Each as its status, with the code where it was refused. */
export function standings(got: Got): readonly string[] {
  return resultsOf(got).map(({ status, error_code: code }) => (code === undefined ? `${status}` : `${status} ${code}`));
}

export const usersBulk = '/api/auth/users/bulk';
export const tokensBulk = '/api/auth/api-tokens/bulk';
export const importPath = '/api/auth/users/import-csv';

export function importCsv(
  admin: Pick<Admin, 'ask'>,
  text: string | Uint8Array,
  query = '',
  headers: Readonly<Record<string, string>> = {},
): Promise<Got> {
  return admin.ask(`${importPath}${query}`, { body: text, headers: { 'content-type': 'text/csv', ...headers } });
}

/** Events of the audit log, newest first, of that name. */
export async function eventsOf(
  admin: Pick<Admin, 'ask'>,
  name: string,
): Promise<readonly Readonly<Record<string, unknown>>[]> {
  const got = await admin.ask(`/api/auth/audit?limit=1000&event=${name}`);
  assert.equal(got.status, 200, got.text);
  return got.json['events'] as readonly Readonly<Record<string, unknown>>[];
}
