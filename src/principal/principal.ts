/**
 * Step 5: who is that, as of now? A principal hangs on what memory knows of its user; when user, session or token change
 * it is thrown away, so that nothing here can be older than the store (3-rules, The hot path).
 */
import type { InstallationState, UserRow } from '../store/rows.ts';
import type { BasicHolder, KnownUser, SessionHolder, TicketHolder, TokenHolder } from '../verify/holders.ts';

/** Somebody signed in, by a session that was found genuine and alive. */
export type UserPrincipal = SessionHolder;

/** A program, by an API token that is in force; never more than its owner. */
export type TokenPrincipal = TokenHolder;

/** Somebody signed in, by a signed ticket: as that person, and never what has to be confirmed (2-http-api, 3). */
export type TicketPrincipal = TicketHolder;

/** One request by a ticket for its path: as whoever asked for the ticket, and never for what needs the person. */
export interface PathTicketPrincipal {
  readonly kind: 'path-ticket';
  readonly user: KnownUser;
  readonly parent: UserPrincipal | TokenPrincipal;
  readonly via: 'path-ticket';
}

/** One request by name and password, or by a derived key: as that user, without a session. */
export type BasicPrincipal = BasicHolder;

/** A tool that can read the file with the service key: full administration, and nobody's account (3-rules, Service key). */
export interface ServicePrincipal {
  readonly kind: 'service';
  readonly via: 'service-key';
  /** Id of the key that was shown. */
  readonly key: string;
}

/** Whatever acts as an account. */
export type AccountPrincipal = UserPrincipal | TokenPrincipal | TicketPrincipal | PathTicketPrincipal | BasicPrincipal;

/** Whatever stands for a person, as that person. */
export type PersonalPrincipal = UserPrincipal | TicketPrincipal | BasicPrincipal;

/** Whatever was let in. */
export type ActingPrincipal = AccountPrincipal | ServicePrincipal;

export type Principal =
  /** Nobody signed in, on a route that takes that. */
  | { readonly kind: 'anonymous' }
  /** Authentication is declined or off: everybody, with an empty identity. */
  | { readonly kind: 'everybody'; readonly state: Extract<InstallationState, 'declined' | 'off'> }
  | ActingPrincipal;

export const anonymous: Principal = { kind: 'anonymous' };

export const adminPrivilege = 'admin';

/** Pure predicate on a row that was read now. */
export function hasPrivilege(user: UserRow, privilege: string): boolean {
  return user.privileges.includes(privilege);
}

/** The person behind it; undefined for tokens, which no duty of their owner's stops (3-rules, What ends what). */
export function personBehind(principal: Principal): PersonalPrincipal | undefined {
  const holder = principal.kind === 'path-ticket' ? principal.parent : principal;
  return holder.kind === 'user' || holder.kind === 'basic' || holder.kind === 'ticket' ? holder : undefined;
}

/** What a principal holds on to, by id: its session, its token or its ticket; without any, the account. */
export function holderOf(principal: ActingPrincipal): string {
  switch (principal.kind) {
    case 'service':
      return principal.via;
    case 'basic':
      return principal.user.row.id;
    case 'user':
      return principal.session.id;
    case 'token':
      return principal.token.id;
    case 'ticket':
      return principal.ticket.serial;
    case 'path-ticket':
      return holderOf(principal.parent);
  }
}
