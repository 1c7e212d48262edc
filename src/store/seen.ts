/**
 * What somebody saw of an account or a token who decided by it: whether it is so still, judged in the transaction that changes
 * it; and what an account is after a change. The same for every engine.
 */
import type { TokenRow, UserRow } from './rows.ts';
import type { SeenToken, SeenUser, UserPatch } from './store.ts';

export function sinceSeen(user: UserRow, seen: SeenUser | undefined): 'as-seen' | 'changed' {
  if (seen === undefined) return 'as-seen';
  const lists = (of: SeenUser): string => JSON.stringify([of.privileges, of.groups, of.active, of.disabledBy]);
  return lists(user) === lists(seen) ? 'as-seen' : 'changed';
}

/**
 * The account as a change leaves it. Disabling is what raises a generation; an account that was disabled already has nothing
 * more to end.
 */
export function patched(user: UserRow, patch: UserPatch): UserRow {
  const disabled = user.active && patch.active === false;
  const disabledBy = patch.disabledBy ?? (patch.active === undefined ? user.disabledBy : '');
  return { ...user, ...patch, disabledBy, credentialGeneration: user.credentialGeneration + (disabled ? 1 : 0) };
}

export function tokenSinceSeen(token: TokenRow, seen: SeenToken | undefined): 'as-seen' | 'changed' {
  if (seen === undefined) return 'as-seen';
  const lists = (of: SeenToken): string =>
    JSON.stringify([of.digest, of.active, of.scopes, of.addresses, of.perMinute, of.perHour]);
  return lists(token) === lists(seen) ? 'as-seen' : 'changed';
}
