/** A signed ticket looked at by whoever runs commands on the host: whose it is, and whether it would let anybody in. */
import { refuse } from '../../errors.ts';
import { readTicket } from '../../request/tokens/signed-ticket.ts';
import type { Store } from '../../store/store.ts';
import type { Clock, Secret } from '../../types.ts';
import type { TicketKeys } from '../../verify/tickets/contract.ts';
import { accountStanding, signatureOf, ticketLifetimes, verifiedTicket } from '../../verify/tickets/signed-tickets.ts';
import { done, type Outcome } from '../call.ts';
import { timeText } from '../issue-session.ts';

export interface TicketCommand {
  readonly action: 'show';
  readonly ticket: string;
}

export interface HostTicketParts {
  readonly store: Pick<Store, 'ticketHolder'>;
  readonly keyring: TicketKeys;
  readonly clock: Clock;
  readonly ticketPrefix: string;
}

export type HostTickets = (command: TicketCommand) => Promise<Outcome>;

/** Nothing is written: it is a look, and no use. */
export function hostTickets(parts: HostTicketParts): HostTickets {
  return async ({ ticket: text }) => {
    const form = readTicket(text, parts.ticketPrefix);
    if (form.kind !== 'ticket')
      return refuse('invalid_request', { detail: `that is no ticket that begins with "${parts.ticketPrefix}:".` });
    const ticket = verifiedTicket(text as Secret, form.ticket);
    const signature = await signatureOf(parts, form.ticket);
    // What it says of itself is worth nothing without its signature: nobody is looked up by it.
    const lookup = signature === 'right' ? await parts.store.ticketHolder(ticket) : null;
    const now = parts.clock.now();
    const over = now >= ticket.expiresAt ? 'expired' : 'alive';
    const early = ticket.issuedAt > now + ticketLifetimes.aheadMs ? 'from-the-future' : over;
    const standing =
      lookup === null
        ? signature
        : lookup.kind !== 'found'
          ? lookup.kind
          : accountStanding(lookup.user, ticket) === 'superseded'
            ? 'superseded'
            : early;
    return done({
      name: ticket.name,
      user_id: ticket.userId,
      username: lookup?.kind === 'found' ? lookup.user.username : null,
      issued_at: timeText(ticket.issuedAt),
      first_sign_in_at: timeText(ticket.firstSignIn),
      expires_at: timeText(ticket.expiresAt),
      key: form.ticket.keyId,
      signature,
      standing,
    });
  };
}
