/**
 * Step 6d: what has to be done before anything else (3-rules, Second factors)? Their session is a real one, and reaches what
 * they need for that. Pure. Stops: an account that policy wants a second factor of and that never gets one; a password that
 * others know, or that would do beside a second factor only and stands alone.
 */
import { localRealmName } from '../config/ldap/place.ts';
import { refuse, type Refusal } from '../errors.ts';
import { secondFactorOf } from '../principal/factors.ts';
import { adminPrivilege, hasPrivilege } from '../principal/principal.ts';
import type { UserRow } from '../store/rows.ts';

/** Who has to have a second factor. */
export type RequireFactor = 'none' | 'admins' | 'everybody';

export type Duty = 'none' | 'enrol' | 'change-password';

/** Who reaches a route: whoever has a session; also whoever has still to enrol a second factor; those without a duty alone. */
export type Reach = 'always' | 'to-enrol' | 'whole';

export function dutyOf(user: UserRow, required: RequireFactor): Duty {
  // One that another realm keeps may be another one by now, and nobody here would hear of it: its owner was told.
  if (user.passwordStanding === 'known-to-others' && user.realm === localRealmName) return 'change-password';
  if (secondFactorOf(user) === 'present') return 'none';
  // The host took the factor away.
  if (user.passwordLength === 'short') return 'change-password';
  if (required === 'none') return 'none';
  return required === 'everybody' || hasPrivilege(user, adminPrivilege) ? 'enrol' : 'none';
}

export type DutyJudgement = (Refusal & { readonly duty: Exclude<Duty, 'none'> }) | { readonly kind: 'allowed' };

export function judgeDuty(reach: Reach, duty: Duty): DutyJudgement {
  if (duty === 'none' || reach === 'always' || (reach === 'to-enrol' && duty === 'enrol')) return { kind: 'allowed' };
  return { ...refuse('forbidden', { detail: sentences[duty], cause: duty, fields: { must: duty } }), duty };
}

const sentences = {
  enrol: 'This account needs a second factor first. Add one on your account page.',
  'change-password':
    'This password is known to others, or too short without a second factor. Change it first, on your account page.',
} as const satisfies Readonly<Record<Exclude<Duty, 'none'>, string>>;
