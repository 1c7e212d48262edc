/**
 * Step 3 for path tickets: spent by the one request that shows it at its path, in one step. Who is behind it is asked
 * afterwards, live (3-rules, Tickets).
 */
import { digest } from '../crypto/digest.ts';
import type { Client } from '../request/address.ts';
import type { PathTicketRow } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Limited } from '../throttle/limiter.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Clock, Secret } from '../types.ts';

export type PathTicketProof =
  | Limited
  | { readonly kind: 'rejected'; readonly cause: 'unknown' }
  | { readonly kind: 'spent'; readonly parent: PathTicketRow['parent'] };

/** A ticket, and what it is shown for. */
export interface PathTicketShown {
  readonly ticket: Secret;
  readonly path: string;
  /** In a URL none, and no port. */
  readonly privileges: readonly string[];
  readonly port: number | null;
}

export interface PathTicketVerifier {
  /** Throws when the store cannot spend it: then nobody is let in. */
  spend(shown: PathTicketShown, client: () => Client): Promise<PathTicketProof>;
}

export function pathTicketVerifier(parts: {
  readonly store: Pick<Store, 'spendPathTicket'>;
  readonly clock: Clock;
  readonly unknown: UnknownSecrets;
}): PathTicketVerifier {
  return {
    spend: async ({ ticket, ...shownFor }, client) => {
      const { address } = client();
      const standing = parts.unknown.standing(address);
      if (standing.kind === 'limited') return standing;
      const spending = await parts.store.spendPathTicket({
        digest: digest(ticket),
        ...shownFor,
        at: parts.clock.now(),
      });
      if (spending.kind === 'spent') return { kind: 'spent', parent: spending.ticket.parent };
      parts.unknown.charge(address);
      return { kind: 'rejected', cause: 'unknown' };
    },
  };
}
