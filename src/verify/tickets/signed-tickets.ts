/**
 * Step 3 for signed tickets: made, and found genuine and alive. What was verified once is answered from memory, like a
 * session; the signature is looked at once, and the store asked once whether it was signed out (3-rules, Tickets, The hot path).
 * Stops: forged, stale and borrowed tickets, tickets of somebody who signed out, and refreshing for ever.
 */
import { digest } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import type { Client } from '../../request/address.ts';
import {
  partsOf,
  readTicket,
  type SignedTicket,
  type TicketClaims,
  ticketCsrf,
  writeTicket,
  writeTicketInfo,
} from '../../request/tokens/signed-ticket.ts';
import type { AuditEvent, UserRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { UnknownSecrets } from '../../throttle/unknown-secrets.ts';
import type { Clock, MaybePromise, Millis, Secret } from '../../types.ts';
import { generationOf, type KnownTicket, type TicketHolder, type VerifiedTicket } from '../holders.ts';
import type { Memory } from '../known/contract.ts';
import type { IssuedTicket, TicketKeys, TicketProof, Tickets } from './contract.ts';

/** How long a ticket is good, how far from its first sign-in the last one ends, and how far ahead another node's clock may be. */
export const ticketLifetimes = { ms: 7_200_000, absoluteMs: 86_400_000, aheadMs: 60_000 } as const;

/** One that was over for longer is not worth a row: a clock is set back by less than that, or by somebody who means it. */
const expiredKeptMs = 86_400_000;

export function signedTickets(parts: {
  readonly prefix: string;
  readonly keys: TicketKeys;
  readonly memory: Pick<Memory, 'recallTicket' | 'loadTicket' | 'refresh'>;
  readonly store: Pick<Store, 'revokeTicket'>;
  readonly unknown: UnknownSecrets;
  readonly clock: Clock;
  readonly random: Random;
  /** What is written down where one was seen to be over. */
  readonly expired: (ticket: VerifiedTicket) => AuditEvent;
}): Tickets {
  const { prefix, keys, memory, clock, random } = parts;

  /** Everything but who it is of, which memory knows. */
  const judge = async (known: KnownTicket): Promise<TicketProof> => {
    const { ticket } = known.holder;
    const now = clock.now();
    if (now < ticket.expiresAt) return standing(known, now);
    // Before anybody is told: a clock that is set back in between must not bring it back.
    const { shown, expiresAt } = ticket;
    if (now - expiresAt < expiredKeptMs)
      await parts.store.revokeTicket({ digest: shown, expiresAt, audit: parts.expired(ticket) });
    return { kind: 'rejected', cause: 'expired' };
  };

  const standing = ({ holder }: KnownTicket, now: Millis): MaybePromise<TicketProof> => {
    const { ticket, user } = holder;
    if (ticket.issuedAt > now + ticketLifetimes.aheadMs) return { kind: 'rejected', cause: 'from-the-future' };
    if (accountStanding(user.row, ticket) === 'superseded') return { kind: 'rejected', cause: 'superseded' };
    // Its signature was right under a key that may have been given up since.
    const judged = ({ kind }: Awaited<ReturnType<TicketKeys['ticketKey']>>): TicketProof =>
      kind === 'key' ? holder : { kind: 'rejected', cause: 'unknown-key' };
    const key = keys.ticketKey(ticket.keyId);
    return key instanceof Promise ? key.then(judged) : judged(key);
  };

  const fromStore = async (ticket: VerifiedTicket): Promise<TicketProof> => {
    const loaded = await memory.loadTicket(ticket);
    return loaded.kind === 'known' ? judge(loaded) : { kind: 'rejected', cause: loaded.kind };
  };

  /** One that this process has not seen: a signature to look at and a question to the store, which strangers get a few of. */
  const unseen = async (text: Secret, client: () => Client): Promise<TicketProof> => {
    const { address } = client();
    const open = parts.unknown.standing(address);
    if (open.kind === 'limited') return open;
    const form = readTicket(text, prefix);
    if (form.kind !== 'ticket') return { kind: 'rejected', cause: 'malformed' };
    const signature = await signatureOf({ keyring: keys, ticketPrefix: prefix }, form.ticket);
    const proof: TicketProof =
      signature === 'right'
        ? await fromStore(verifiedTicket(text, form.ticket))
        : { kind: 'rejected', cause: signature };
    if (proof.kind === 'rejected') parts.unknown.charge(address);
    return proof;
  };

  const recalled = (
    shown: VerifiedTicket['shown'],
    otherwise: () => Promise<TicketProof>,
  ): MaybePromise<TicketProof> => {
    const known = memory.recallTicket(shown);
    switch (known.kind) {
      case 'known': {
        const now = clock.now();
        const proof = now < known.holder.ticket.expiresAt ? standing(known, now) : judge(known);
        // One whose key was given up is a stranger's again, and counted as one.
        const judged = (is: TicketProof): MaybePromise<TicketProof> =>
          is.kind === 'rejected' && is.cause === 'unknown-key' ? otherwise() : is;
        return proof instanceof Promise ? proof.then(judged) : judged(proof);
      }
      case 'not-known':
        return otherwise();
      case 'stale':
        return memory.refresh().then(() => {
          const fresh = memory.recallTicket(shown);
          if (fresh.kind === 'stale') throw new Error('Cannot judge a ticket: changes could not be read in time');
          return fresh.kind === 'known' ? judge(fresh) : otherwise();
        });
    }
  };

  const make = (user: UserRow, of: Pick<TicketClaims, 'name' | 'serial' | 'firstSignIn'>): IssuedTicket => {
    const signer = keys.ticketSigner();
    const claims: TicketClaims = {
      ...of,
      issuedAt: (Math.floor(clock.now() / 1000) * 1000) as Millis,
      keyId: signer.id,
      userId: user.id,
      generation: generationOf(user),
      nonce: Buffer.from(random.bytes(4)).toString('base64url'),
    };
    const text = writeTicket(prefix, { ...claims, signature: signer.sign('ticket', partsOf(prefix, claims)) });
    const { expiresAt } = verifiedTicket(text, claims);
    return { text, info: writeTicketInfo(prefix, claims), csrf: ticketCsrf(text), expiresAt };
  };

  return {
    issue: (user, name) => {
      const serial = Buffer.from(random.bytes(16)).toString('base64url');
      return make(user, { name, serial, firstSignIn: clock.now() });
    },
    renew: ({ user }, text) => {
      const form = readTicket(text, prefix);
      if (form.kind !== 'ticket') throw new Error('Cannot renew what is no ticket');
      const { name, serial, firstSignIn } = form.ticket;
      return make(user.row, { name, serial, firstSignIn });
    },
    verify: (text, client) => recalled(digest(text), () => unseen(text, client)),
    again: ({ ticket }) => recalled(ticket.shown, () => fromStore(ticket)),
  };
}

/** What is kept of one whose signature is right; its end is the sooner of its own and that of all that came from one sign-in. */
export function verifiedTicket(text: Secret, ticket: TicketClaims): VerifiedTicket {
  const { name, userId, keyId, generation, firstSignIn, issuedAt } = ticket;
  const expiresAt = Math.min(issuedAt + ticketLifetimes.ms, firstSignIn + ticketLifetimes.absoluteMs) as Millis;
  return {
    shown: digest(text),
    serial: digest(ticket.serial),
    userId,
    name,
    keyId,
    generation,
    firstSignIn,
    issuedAt,
    expiresAt,
  };
}

/** Of one whose text could be read. */
export async function signatureOf(
  { keyring, ticketPrefix }: { readonly keyring: TicketKeys; readonly ticketPrefix: string },
  ticket: SignedTicket,
): Promise<'right' | 'unknown-key' | 'wrong-signature'> {
  const key = await keyring.ticketKey(ticket.keyId);
  if (key.kind === 'unknown') return 'unknown-key';
  const checked = key.check('ticket', partsOf(ticketPrefix, ticket), ticket.signature);
  return checked.kind === 'right' ? 'right' : 'wrong-signature';
}

/** Whether its account is still as it was given to. */
export function accountStanding(user: UserRow, { generation }: VerifiedTicket): 'same' | 'superseded' {
  return user.active && generationOf(user) === generation ? 'same' : 'superseded';
}

/** For whoever refreshes: whether there is anything left of the sign-in that it came from. */
export function refreshable({ ticket }: TicketHolder, now: Millis): 'over' | 'goes-on' {
  return now < ticket.firstSignIn + ticketLifetimes.absoluteMs ? 'goes-on' : 'over';
}
