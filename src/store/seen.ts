/** What somebody saw of an account or a token who decided by it: whether it is so still, judged in the transaction that changes it. */
import type { TokenRow, UserRow } from './rows.ts';
import type { SeenToken, SeenUser } from './store.ts';

export function sinceSeen(user: UserRow, seen: SeenUser | undefined): 'as-seen' | 'changed' {
  if (seen === undefined) return 'as-seen';
  const lists = (of: SeenUser): string => JSON.stringify([of.privileges, of.groups, of.active]);
  return lists(user) === lists(seen) ? 'as-seen' : 'changed';
}

export function tokenSinceSeen(token: TokenRow, seen: SeenToken | undefined): 'as-seen' | 'changed' {
  if (seen === undefined) return 'as-seen';
  const lists = (of: SeenToken): string =>
    JSON.stringify([of.digest, of.active, of.scopes, of.addresses, of.perMinute, of.perHour]);
  return lists(token) === lists(seen) ? 'as-seen' : 'changed';
}
