/** The guard and what it is made of, over the parts that others share. */
import { guard as makeGuard, type Guard } from '../guard.ts';
import type { Settings } from '../config/schema.ts';
import type { BasicVerifier } from './basic.ts';
import type { Random } from '../crypto/random.ts';
import type { Recorder } from '../record/recorder.ts';
import { type CredentialReader, credentialReader } from '../request/credential.ts';
import { realmNames, type RealmNames } from '../request/tokens/user-id.ts';
import type { SharedCells } from '../store/shared-cells.ts';
import type { Store } from '../store/store.ts';
import { tokenLimits } from '../throttle/token-limits.ts';
import type { UnknownSecrets } from '../throttle/unknown-secrets.ts';
import type { Clock, SessionKind } from '../types.ts';
import { type TokenVerifier, tokenVerifier } from '../verify/api-token.ts';
import type { Realms } from '../realm/realms.ts';
import type { Memory } from '../verify/known/contract.ts';
import { pathTicketVerifier } from '../verify/path-ticket.ts';
import type { SessionVerifier } from '../verify/session.ts';
import type { TicketKeys, Tickets } from '../verify/tickets/contract.ts';
import { signedTickets } from '../verify/tickets/signed-tickets.ts';

export interface OpenedGuard {
  readonly guard: Guard;
  readonly credentials: CredentialReader;
  readonly tokenUses: TokenVerifier;
  readonly tickets: Tickets;
  /** What realms are called in tickets. */
  readonly realmNames: RealmNames;
}

export function openGuard(parts: {
  readonly settings: Pick<Settings, 'tokenPrefix' | 'ticketPrefix' | 'requireFactor'>;
  readonly store: Store;
  readonly memory: Memory;
  readonly sessions: SessionVerifier;
  readonly kinds: ReadonlyMap<string, SessionKind>;
  readonly unknown: UnknownSecrets;
  readonly recorder: Recorder;
  readonly tokenCells: SharedCells | null;
  readonly basic: BasicVerifier;
  readonly realms: Realms;
  readonly keyring: TicketKeys;
  readonly clock: Clock;
  readonly random: Random;
}): OpenedGuard {
  const { settings, store, memory, unknown, recorder, clock } = parts;
  const tokens = tokenVerifier({
    memory,
    store,
    clock,
    unknown,
    over: async (token, what) => {
      const { id } = token;
      const told = { event: 'token-expired', actor: '', address: '', way: 'none', target: id } as const;
      const audit = recorder.event(what === 'expired' ? told : { ...told, result: 'secret-before' });
      const patch = what === 'expired' ? ({ active: false } as const) : ({ previous: null } as const);
      // Of many that see it one writes it.
      await store.updateToken({ id, owner: null, patch, from: token, audit });
    },
  });
  const names = realmNames(
    settings.ticketPrefix,
    parts.realms.outside.map(({ name }) => name),
  );
  const tickets = signedTickets({
    prefix: settings.ticketPrefix,
    keys: parts.keyring,
    memory,
    store,
    unknown,
    clock,
    random: parts.random,
    expired: ({ userId, serial }) =>
      recorder.event({
        event: 'ticket-ended',
        actor: '',
        address: '',
        way: 'none',
        target: userId,
        result: `expired ${serial.slice(0, 16)}`,
      }),
  });
  const credentials = credentialReader(settings.tokenPrefix, settings.ticketPrefix);
  const guard = makeGuard({
    credentials,
    sessions: parts.sessions,
    tokens,
    tickets,
    realms: names,
    pathTickets: pathTicketVerifier({ store, clock, unknown }),
    tokenLimits: tokenLimits({ clock, cells: parts.tokenCells }),
    kinds: parts.kinds,
    basic: parts.basic,
    recorder,
    requireFactor: settings.requireFactor,
  });
  return { guard, credentials, tokenUses: tokens, tickets, realmNames: names };
}
