/**
 * Step 6b: may they? Every route states its need; there is no default (4-architecture). Pure.
 */
import { refuse, type Refusal } from '../errors.ts';
import type { Locality } from '../request/arrival.ts';
import type { Reach } from './duty.ts';
import { adminPrivilege, hasPrivilege, type Principal, type UserPrincipal } from '../principal/principal.ts';
import { type OwnScope, ownScope } from '../principal/scopes.ts';
import { type Judgement, judgeScopes } from './scopes.ts';

export type Need =
  /** Reads no session at all; what the route asks for is in its body. */
  | { readonly kind: 'nobody' }
  /** Reads a session and does without: whatever is wrong with it, the asker is simply nobody. */
  | {
      readonly kind: 'anybody';
      /** Somebody who sends a header means it: what is wrong with it is told, and a dead cookie is none all the same. */
      readonly header?: 'judged';
    }
  /** Whoever is on this machine, or a token with that scope. */
  | { readonly kind: 'local'; readonly scope: OwnScope }
  /** A session of one of the kinds named, which is what it is about. */
  | {
      readonly kind: 'session';
      readonly kinds: readonly string[];
      readonly reach: Reach;
      /** Whoever leaves may do so by a signed ticket as well. */
      readonly tickets?: 'admitted';
    }
  /** The person: such a session, a signed ticket, or name and secret over Basic. No token stands in for them. */
  | { readonly kind: 'person'; readonly kinds: readonly string[]; readonly reach: Reach }
  /** The same, or a token: with that scope, or whatever its scopes are. */
  | {
      readonly kind: 'account';
      readonly kinds: readonly string[];
      readonly reach: Reach;
      readonly scope: OwnScope | 'any';
      /** `admitted`: it is about everybody's as well, so that the service key has something to do there. */
      readonly service?: 'admitted';
    }
  /** Whoever is admin now, by any console session, over Basic, or by a token with that scope; and the service key. */
  | { readonly kind: 'admin'; readonly scope: OwnScope };

const allowed: Judgement = { kind: 'allowed' };

export function judgeNeed(need: Need, principal: Principal, locality: Locality): Judgement {
  switch (need.kind) {
    case 'nobody':
    case 'anybody':
      return allowed;
    case 'local':
      if (locality === 'local' || principal.kind === 'service') return allowed;
      return principal.kind === 'token'
        ? judgeScopes([ownScope(need.scope)], principal)
        : refuse('unauthorized', { detail: 'This is answered on this machine, or to a token for it.' });
    case 'session':
      if (principal.kind === 'ticket' && need.tickets === 'admitted') return allowed;
      return principal.kind === 'basic' || principal.kind === 'ticket'
        ? onlyInSession
        : judgePerson(need.kinds, principal);
    case 'person':
      return judgePerson(need.kinds, principal);
    case 'account':
      if (principal.kind === 'service' && need.service === 'admitted') return allowed;
      if (principal.kind === 'token')
        return need.scope === 'any' ? allowed : judgeScopes([ownScope(need.scope)], principal);
      return judgePerson(need.kinds, principal);
    case 'admin':
      if (principal.kind === 'service') return allowed;
      if (principal.kind === 'anonymous' || principal.kind === 'everybody') return refuse('unauthorized');
      if (!hasPrivilege(principal.user.row, adminPrivilege))
        return refuse('forbidden', { detail: 'This needs an administrator.' });
      return judgeScopes([ownScope(need.scope)], principal);
  }
}

function judgePerson(kinds: readonly string[], principal: Principal): Judgement {
  switch (principal.kind) {
    case 'token':
    case 'path-ticket':
    case 'service':
      return onlyInPerson;
    case 'anonymous':
    case 'everybody':
      return missing(kinds);
    case 'user':
      return kinds.includes(principal.session.kind) ? allowed : missing(kinds);
    case 'ticket':
    case 'basic':
      return allowed;
  }
}

const onlyInSession = refuse('forbidden', { detail: 'This is about a session: sign in first.' });
const onlyInPerson = refuse('forbidden', {
  detail: 'This is for people who are signed in, and not for tokens and keys.',
});

/** Whether name and secret over Basic are a way in. Where nobody has to be anybody, none is asked for. */
export function takesBasic({ kind }: Need): 'no' | 'yes' {
  return kind === 'nobody' || kind === 'session' ? 'no' : 'yes';
}

/** Somebody with a duty does no more than it takes; what does without a session shows them as what they are. */
export function reachOf(need: Need): Reach {
  switch (need.kind) {
    case 'session':
    case 'person':
    case 'account':
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
