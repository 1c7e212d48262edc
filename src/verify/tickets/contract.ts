/** Signed tickets (3-rules, Tickets): made, verified, signed out. Nothing of them is stored but what was signed out. */
import type { CheckingKey, SigningKey } from '../../crypto/sign.ts';
import type { Client } from '../../request/address.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Limited } from '../../throttle/limiter.ts';
import type { MaybePromise, Millis, Secret } from '../../types.ts';
import type { TicketHolder } from '../holders.ts';

export interface IssuedTicket {
  readonly text: Secret;
  /** The same without its signature, for scripts that cannot read the cookie. */
  readonly info: string;
  /** What an unsafe request has to say beside the cookie. */
  readonly csrf: string;
  readonly expiresAt: Millis;
}

export type TicketProof =
  /** So many secrets that do not exist were shown from there that nothing is said about another. */
  | Limited
  | {
      readonly kind: 'rejected';
      readonly cause:
        | 'malformed'
        | 'unknown-key'
        | 'wrong-signature'
        | 'unknown'
        | 'revoked'
        | 'expired'
        | 'from-the-future'
        | 'superseded';
    }
  | TicketHolder;

/** The part of the key ring that tickets hang on. */
export interface TicketKeys {
  ticketSigner(): SigningKey;
  /** `unknown`: not in the ring, as of a read that is young enough. */
  ticketKey(id: string): MaybePromise<{ readonly kind: 'unknown' } | CheckingKey>;
}

export interface Tickets {
  /** The first of a sign-in. */
  issue(user: UserRow, name: string): IssuedTicket;
  /** A further one of the same sign-in, for one that was just verified. */
  renew(holder: TicketHolder, text: Secret): IssuedTicket;
  /** Throws when the store cannot answer: then nobody is let in. */
  verify(text: Secret, client: () => Client): MaybePromise<TicketProof>;
  /** One that was verified before, as of now. */
  again(holder: TicketHolder, client: () => Client): MaybePromise<TicketProof>;
}
