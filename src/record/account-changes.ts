/** What a change of an account is written down as. Pure. */
import type { UserRow } from '../store/rows.ts';
import type { UserPatch } from '../store/store.ts';
import type { EventName } from './recorder.ts';

/** One for each kind of thing that changes; none where it is so already. */
export function accountChanges(user: UserRow, patch: UserPatch): readonly EventName[] {
  const differ = (now: readonly string[], wanted: readonly string[] | undefined): 'different' | 'same' =>
    wanted !== undefined && wanted.join(',') !== now.join(',') ? 'different' : 'same';
  // Whoever disables what its directory has disabled decides anew: the directory lifts it no more.
  const decidedAnew = patch.active === false && user.disabledBy === 'realm' && patch.disabledBy !== 'realm';
  const standing = (patch.active === undefined || patch.active === user.active) && !decidedAnew ? 'same' : 'different';
  const about =
    (patch.email ?? user.email) !== user.email ||
    (patch.displayName ?? user.displayName) !== user.displayName ||
    differ(user.groups, patch.groups) === 'different';
  return [
    ...(about ? (['user-updated'] as const) : []),
    ...(differ(user.privileges, patch.privileges) === 'different' ? (['privileges-changed'] as const) : []),
    ...(standing === 'same' ? [] : [patch.active === true ? ('user-enabled' as const) : ('user-disabled' as const)]),
  ];
}
