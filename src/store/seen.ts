/** What somebody saw of an account who decided by it: whether it is so still, judged in the transaction that changes it. */
import type { UserRow } from './rows.ts';
import type { SeenUser } from './store.ts';

export function sinceSeen(user: UserRow, seen: SeenUser | undefined): 'as-seen' | 'changed' {
  if (seen === undefined) return 'as-seen';
  const lists = (of: SeenUser): string => JSON.stringify([of.privileges, of.groups, of.active]);
  return lists(user) === lists(seen) ? 'as-seen' : 'changed';
}
