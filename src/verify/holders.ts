/** What memory keeps of a genuine session or token: whose it is, and how it stood when it was looked up. */
import type { SessionRow, TokenRow, UserRow } from '../store/rows.ts';
import type { Digest, Millis, SessionId, TokenId, UserId } from '../types.ts';

/** A user as memory keeps it; `current` turns false the moment the user changes in any way. */
export interface KnownUser {
  readonly row: UserRow;
  current: boolean;
}

/** What a genuine session stands for. Built once per known session and shared by every request that shows it. */
export interface SessionHolder {
  readonly kind: 'user';
  readonly user: KnownUser;
  readonly session: SessionRow;
  readonly via: 'session';
}

/** What a genuine API token stands for; shared likewise. */
export interface TokenHolder {
  readonly kind: 'token';
  readonly user: KnownUser;
  readonly token: TokenRow;
  /** Of the secret that was shown: its own, or the one before it, which ends sooner. */
  readonly shown: Digest;
  readonly via: 'api-token';
}

/** What a genuine signed ticket stands for; shared likewise. */
export interface TicketHolder {
  readonly kind: 'ticket';
  readonly user: KnownUser;
  readonly ticket: VerifiedTicket;
  readonly via: 'ticket';
}

export interface VerifiedTicket {
  /** Digest of the ticket as it was shown. */
  readonly shown: Digest;
  /** Digest of its serial, which all tickets of one sign-in have. */
  readonly serial: Digest;
  readonly userId: UserId;
  /** `user@realm` as the person signed in by it. */
  readonly name: string;
  /** Id of the key that signed it: given up, it takes the ticket along. */
  readonly keyId: string;
  readonly generation: number;
  readonly firstSignIn: Millis;
  readonly issuedAt: Millis;
  readonly expiresAt: Millis;
}

/** What a name and a secret over Basic stand for: the password, or a key that was derived for that user. */
export interface BasicHolder {
  readonly kind: 'basic';
  readonly user: KnownUser;
  readonly via: 'basic' | 'user-key';
  /** Id of the service key that a derived key hangs on; empty for passwords. */
  readonly serviceKey: string;
}

/** What the service key stands for, which is nobody. */
export interface ServiceHolder {
  readonly kind: 'service';
  readonly via: 'service-key';
  /** Id of the key that was shown. */
  readonly key: string;
}

/** One known session. `lastSeenAt` moves in memory with each use and is written at most once a minute. */
export interface KnownSession {
  readonly kind: 'known';
  readonly holder: SessionHolder;
  lastSeenAt: Millis;
  writtenAt: Millis;
}

/** One known token, by one of its secrets. */
export interface KnownToken {
  readonly kind: 'known';
  readonly holder: TokenHolder;
}

/** One known ticket. */
export interface KnownTicket {
  readonly kind: 'known';
  readonly holder: TicketHolder;
  /** Of all tickets that came from one sign-in; `current` turns false when they are over. */
  readonly signIn: { readonly current: boolean };
}

/** Whose entry it is, for whoever covers some of them. */
export interface Held {
  readonly digest: Digest;
  readonly userId: UserId;
  /** Empty where it outlives the installation's run. */
  readonly bootId: string;
  /** Null for all but sessions. */
  readonly sessionId: SessionId | null;
  readonly parentId: SessionId | null;
  /** Null for all but API tokens. */
  readonly tokenId: TokenId | null;
  /** Of a signed ticket; null for all others. */
  readonly serial: Digest | null;
}

export function heldSession({ digest, userId, bootId, id, parentId }: SessionRow): Held {
  return { digest, userId, bootId, sessionId: id, parentId, tokenId: null, serial: null };
}

/** By the secret that it was looked up with: its own, or the one before. */
export function heldToken({ userId, id }: TokenRow, digest: Digest): Held {
  return { digest, userId, bootId: '', sessionId: null, parentId: null, tokenId: id, serial: null };
}

export function heldTicket({ shown, userId, serial }: VerifiedTicket): Held {
  return { digest: shown, userId, bootId: '', sessionId: null, parentId: null, tokenId: null, serial };
}

/** What hangs on nothing but the user. */
export function heldUser(userId: UserId): Held {
  return {
    digest: '' as Digest,
    userId,
    bootId: '',
    sessionId: null,
    parentId: null,
    tokenId: null,
    serial: null,
  };
}

export function knownSession(session: SessionRow, user: KnownUser): KnownSession {
  return {
    kind: 'known',
    holder: { kind: 'user', user, session, via: 'session' },
    lastSeenAt: session.lastSeenAt,
    writtenAt: session.lastSeenAt,
  };
}

export function knownToken(token: TokenRow, user: KnownUser, shown: Digest): KnownToken {
  return { kind: 'known', holder: { kind: 'token', user, token, shown, via: 'api-token' } };
}

/** Both only rise, so that their sum is the same as long as neither has changed. */
export function generationOf({ credentialGeneration, ticketGeneration }: UserRow): number {
  return credentialGeneration + ticketGeneration;
}
