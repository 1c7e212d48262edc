/** Accounts for admins: listed, shown, made, changed, deleted (2-http-api, 5). */
import { refuse } from '../../errors.ts';
import { askedForm } from '../../request/csv/accept.ts';
import { header } from '../../request/incoming.ts';
import { readSearch } from '../../request/person.ts';
import { parseUsername } from '../../request/username.ts';
import { type AdminCall, byOf, done, type Outcome } from '../call.ts';
import {
  type AccountParts,
  changeAccount,
  createAccount,
  deleteAccount,
  type NewAccountBody,
  type PersonBody,
  shownUser,
  userWithId,
} from './accounts.ts';
import { exportUsers } from './files/export.ts';

const mostListed = 500;
const byDefault = 100;

/** A page of them, or everybody as a file. */
export async function listUsers(parts: AccountParts, call: AdminCall): Promise<Outcome> {
  if (askedForm(header(call.incoming.headers, 'accept'), { 'text/csv': 'csv' }) === 'csv') {
    const matching = readSearch(call.query.get('q') ?? '');
    return matching.kind === 'malformed'
      ? refuse('invalid_request', { detail: matching.why })
      : exportUsers(parts, matching.value);
  }
  return usersPage(parts, {
    matching: call.query.get('q') ?? '',
    after: call.query.get('after'),
    limit: call.query.get('limit'),
  });
}

/** As text, from a query or a command line. */
export interface UsersQuery {
  readonly matching: string;
  readonly after: string | null;
  readonly limit: string | null;
}

export async function usersPage(parts: Pick<AccountParts, 'store'>, query: UsersQuery): Promise<Outcome> {
  const matching = readSearch(query.matching);
  if (matching.kind === 'malformed') return refuse('invalid_request', { detail: matching.why });
  const limitText = query.limit ?? String(byDefault);
  const limit = /^[1-9]\d{0,2}$/.test(limitText) ? Number(limitText) : 0;
  if (limit < 1 || limit > mostListed)
    return refuse('invalid_request', { detail: `"limit" is a number from 1 to ${mostListed}.` });
  const after = query.after === null ? null : parseUsername(query.after);
  if (after?.kind === 'malformed') return refuse('invalid_request', { detail: '"after" is what "next" said.' });
  const rows = await parts.store.users({
    after: after?.username ?? null,
    limit: limit + 1,
    matching: matching.value,
  });
  const page = rows.slice(0, limit);
  return done({ users: page.map(shownUser), next: rows.length > limit ? (page.at(-1)?.username ?? null) : null });
}

export async function showUser(parts: AccountParts, call: AdminCall): Promise<Outcome> {
  const found = await userWithId(parts, call.params['id'] ?? '');
  return found.kind === 'refused' ? found : done({ user: shownUser(found.user) });
}

export async function createUser(parts: AccountParts, call: AdminCall<NewAccountBody>): Promise<Outcome> {
  const created = await createAccount(parts, call.body, byOf(call));
  return created.kind === 'refused' ? created : done({ user: shownUser(created.user) }, { status: 201 });
}

export async function updateUser(parts: AccountParts, call: AdminCall<PersonBody>): Promise<Outcome> {
  const found = await userWithId(parts, call.params['id'] ?? '');
  if (found.kind === 'refused') return found;
  const changed = await changeAccount(parts, found.user, () => call.body, byOf(call));
  return changed.kind === 'refused' ? changed : done({ user: shownUser(changed.user) });
}

export async function deleteUser(parts: AccountParts, call: AdminCall): Promise<Outcome> {
  const found = await userWithId(parts, call.params['id'] ?? '');
  if (found.kind === 'refused') return found;
  const deleted = await deleteAccount(parts, found.user, byOf(call));
  return deleted.kind === 'refused' ? deleted : done({});
}
