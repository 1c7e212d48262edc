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

/** Whose entry it is, for whoever covers some of them. */
export interface Held {
  readonly digest: Digest;
  readonly userId: UserId;
  /** Empty where it outlives the installation's run. */
  readonly bootId: string;
  /** Null for tokens. */
  readonly sessionId: SessionId | null;
  readonly parentId: SessionId | null;
  /** Null for sessions. */
  readonly tokenId: TokenId | null;
}

export function heldSession({ digest, userId, bootId, id, parentId }: SessionRow): Held {
  return { digest, userId, bootId, sessionId: id, parentId, tokenId: null };
}

/** By the secret that it was looked up with: its own, or the one before. */
export function heldToken({ userId, id }: TokenRow, digest: Digest): Held {
  return { digest, userId, bootId: '', sessionId: null, parentId: null, tokenId: id };
}

/** What hangs on nothing but the user. */
export function heldUser(userId: UserId): Held {
  return { digest: '' as Digest, userId, bootId: '', sessionId: null, parentId: null, tokenId: null };
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
