/**
 * Step 5: who is that, as of now? A principal hangs on what memory knows of its user; when user or session change it is
 * thrown away, so that nothing here can be older than the store (3-rules, The hot path).
 */
import type { InstallationState, UserRow } from '../store/rows.ts';
import type { SessionHolder } from '../verify/memory.ts';

/** Somebody signed in, by a session that was found genuine and alive. */
export type UserPrincipal = SessionHolder;

export type Principal =
  /** Nobody signed in, on a route that takes that. */
  | { readonly kind: 'anonymous' }
  /** Authentication is declined or off: everybody, with an empty identity. */
  | { readonly kind: 'everybody'; readonly state: Extract<InstallationState, 'declined' | 'off'> }
  | UserPrincipal;

export const anonymous: Principal = { kind: 'anonymous' };

export const adminPrivilege = 'admin';

/** Pure predicate on a row that was read now. */
export function hasPrivilege(user: UserRow, privilege: string): boolean {
  return user.privileges.includes(privilege);
}
