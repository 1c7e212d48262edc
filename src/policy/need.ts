/**
 * Step 6b: may they? Every route states its need; there is no default (4-architecture). Pure.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { Locality } from '../request/arrival.ts';
import type { Reach } from './duty.ts';
import { adminPrivilege, hasPrivilege, type Principal, type UserPrincipal } from '../principal/principal.ts';

export type Need =
  /** Reads no session at all; what the route asks for is in its body. */
  | { readonly kind: 'nobody' }
  /** Reads a session and does without: whatever is wrong with it, the asker is simply nobody. */
  | { readonly kind: 'anybody' }
  /** Whoever is on this machine. */
  | { readonly kind: 'local' }
  /** Any session of the kinds named. */
  | { readonly kind: 'session'; readonly kinds: readonly string[]; readonly reach: Reach }
  /** Any console session of somebody who is admin now. */
  | { readonly kind: 'admin' };

export type Judgement = Refusal | { readonly kind: 'allowed' };

const allowed: Judgement = { kind: 'allowed' };

export function judgeNeed(need: Need, principal: Principal, locality: Locality): Judgement {
  switch (need.kind) {
    case 'nobody':
    case 'anybody':
      return allowed;
    case 'local':
      return locality === 'local'
        ? allowed
        : refuse('unauthorized', { detail: 'This is answered on this machine only.' });
    case 'session':
      return principal.kind === 'user' && need.kinds.includes(principal.session.kind) ? allowed : missing(need.kinds);
    case 'admin':
      if (principal.kind !== 'user') return refuse('unauthorized');
      return hasPrivilege(principal.user.row, adminPrivilege)
        ? allowed
        : refuse('forbidden', { detail: 'This needs an administrator.' });
  }
}

/** Somebody with a duty does no more than it takes; what does without a session shows them as what they are. */
export function reachOf(need: Need): Reach {
  switch (need.kind) {
    case 'session':
      return need.reach;
    case 'admin':
      return 'whole';
    case 'nobody':
    case 'anybody':
    case 'local':
      return 'always';
  }
}

function missing(kinds: readonly string[]): Refusal {
  const only = kinds.length === 1 ? kinds[0] : undefined;
  return only === undefined
    ? refuse('unauthorized')
    : refuse('unauthorized', { detail: `There is no "${only}" session.` });
}

/** A session kind may demand a privilege for as long as it is used, not only when it began. */
export function judgeKind(principal: UserPrincipal, privilege: string | null): Judgement {
  return privilege === null || hasPrivilege(principal.user.row, privilege)
    ? allowed
    : refuse('forbidden', { detail: `This session needs the privilege "${privilege}".`, cause: 'demoted' });
}
