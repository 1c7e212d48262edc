/**
 * What the store keeps, as plain rows, the same for every engine. Secrets appear here only as digests or sealed text.
 */
import type { Address, Digest, Millis, Origin, Scope, Seq, SessionId, TokenId, UserId, Username } from '../types.ts';

/** Setup states (3-rules, Setup states). `off` is "switched off": accounts exist, nobody is asked. */
export type InstallationState = 'fresh' | 'declined' | 'configured' | 'off';

export interface Installation {
  /** Random, made with the database; part of what the root key seals. */
  readonly id: string;
  readonly state: InstallationState;
  /** Changes at each start of the installation; sessions that are not durable carry it. */
  readonly bootId: string;
  /** A known text sealed under the root key: proves at start that key and database belong together. */
  readonly canary: string;
}

export interface UserRow {
  readonly id: UserId;
  readonly username: Username;
  /** As the person typed it when the account was made. */
  readonly displayName: string;
  readonly email: string;
  readonly privileges: readonly string[];
  readonly groups: readonly string[];
  readonly active: boolean;
  /** PHC string sealed under the key ring with the user id as additional data; empty before the first password is set. */
  readonly sealedPassword: string;
  /** TOTP secret sealed under the key ring with the user id as additional data; empty without one. */
  readonly sealedTotp: string;
  /** How many passkeys the account has. */
  readonly passkeys: number;
  /** `short`: under the length that an account without a second factor needs; its last factor cannot go. */
  readonly passwordLength: 'full' | 'short';
  /** `known-to-others`: it is changed before anything else is done (3-rules, Second factors). */
  readonly passwordStanding: 'own' | 'known-to-others';
  /** Raised by password, factor and disable changes; whatever was made under another one is dead. */
  readonly credentialGeneration: number;
  /** Who vouches for the password: `local`, or the realm whose directory the account comes from (`realm/contract.ts`). */
  readonly realm: string;
  /** `realm`: by its directory, which may lift it again. Empty while active, or where a person did it. */
  readonly disabledBy: '' | 'realm';
  /** How often everything was signed out: signed tickets from before the last time are dead, whatever any clock said. */
  readonly ticketGeneration: number;
  readonly createdAt: Millis;
}

/** How the token travels: a cookie's token is never taken as a bearer token, nor the other way round. */
export type Transport = 'cookie' | 'bearer';

export interface SessionRow {
  readonly id: SessionId;
  readonly digest: Digest;
  readonly userId: UserId;
  readonly kind: string;
  readonly transport: Transport;
  readonly credentialGeneration: number;
  /** Empty for durable kinds; else the boot it dies with. */
  readonly bootId: string;
  /** Console session an `app` session was made from and ends with; null for all others. */
  readonly parentId: SessionId | null;
  /** Protected host an `app` session belongs to; null for all others. */
  readonly origin: Origin | null;
  readonly createdAt: Millis;
  readonly lastSeenAt: Millis;
  /** Idle expiry is `lastSeenAt + idleMs`; carried by the row, so that an `app` session follows its parent's kind. */
  readonly idleMs: number;
  readonly expiresAt: Millis;
  /** Last complete sign-in or re-authentication: what the step-up window is counted from. */
  readonly authenticatedAt: Millis;
  readonly address: Address;
  readonly userAgent: string;
}

/** An API token: what a program carries (3-rules, API tokens). */
export interface TokenRow {
  readonly id: TokenId;
  readonly userId: UserId;
  readonly digest: Digest;
  /** The secret that the last rotation replaced, and until when it is good as well; null without one. */
  readonly previous: { readonly digest: Digest; readonly until: Millis } | null;
  /** What its owner calls it. */
  readonly name: string;
  /** How the secret begins: what lists show. */
  readonly prefix: string;
  /** As they were given; what they come to is judged with the owner, live. */
  readonly scopes: readonly Scope[];
  /** Networks in CIDR form that it may come from; empty: any. */
  readonly addresses: readonly string[];
  /** Requests let through in any minute, and in any hour. */
  readonly perMinute: number;
  readonly perHour: number;
  readonly active: boolean;
  readonly createdAt: Millis;
  /** Null: never. */
  readonly expiresAt: Millis | null;
  /** As far as it was written down; null: never used. */
  readonly lastUsedAt: Millis | null;
  readonly lastUsedAddress: Address | '';
  readonly useCount: number;
}

/** Uses of one token that were counted in memory. */
export interface TokenUse {
  readonly id: TokenId;
  readonly lastUsedAt: Millis;
  readonly address: Address;
  readonly count: number;
}

/** Good once, for one path, seconds long, as whoever asked for it: for URLs that cannot carry a header (3-rules, Tickets). */
export interface PathTicketRow {
  readonly digest: Digest;
  readonly userId: UserId;
  /** The session or token that asked for it, by its digest: the ticket dies with it. */
  readonly parent: { readonly kind: 'session' | 'token'; readonly digest: Digest };
  readonly path: string;
  /** What it was made for besides, where programs compare it (2-http-api, 8): all that it may be shown for, and the port. */
  readonly privileges: readonly string[];
  readonly port: number | null;
  readonly expiresAt: Millis;
}

/** A new session, before the store fills in what it knows better. */
export interface NewSession {
  readonly session: SessionRow;
  /** Live sessions allowed for this user, kind and transport, this one included. */
  readonly cap: number;
}

export interface DeviceRow {
  readonly digest: Digest;
  readonly userId: UserId;
  readonly createdAt: Millis;
  readonly usedAt: Millis;
  readonly expiresAt: Millis;
}

/** A network somebody signs in from: the narrowest one, in CIDR form. */
export interface NetworkUse {
  readonly network: string;
  readonly at: Millis;
  /** Networks remembered of one user. */
  readonly cap: number;
}

/** A counter of failed attempts; what it means is the limiter's. */
export interface LimitRow {
  readonly key: string;
  readonly state: string;
  /** Nothing is left to remember by then. */
  readonly endsAt: Millis;
}

export interface LimitsWritten {
  readonly put: readonly LimitRow[];
  readonly drop: readonly string[];
  /** What an operator lifted, in the limiter's words: the other nodes forget what they have counted of it. */
  readonly lifted?: string;
}

export interface AttemptRow {
  readonly id: number;
  readonly userId: UserId | null;
  readonly address: Address;
  readonly way: string;
  readonly result: string;
  readonly firstAt: Millis;
  readonly lastAt: Millis;
  readonly count: number;
}

export interface AuditEvent {
  readonly at: Millis;
  readonly event: string;
  /** User id, or empty for a stranger or the host. */
  readonly actor: string;
  /** The client's address; a network where many are counted in one. */
  readonly address: string;
  /** Who the connection came from, where that was not the client: a listed proxy. Empty otherwise. */
  readonly peer: string;
  readonly way: string;
  readonly target: string;
  readonly result: string;
  /** How often, for what is counted; else 1. */
  readonly count: number;
}

/** How long audit events are kept (3-rules, Logs, audit, metrics). */
export const auditKeptMs = 400 * 86_400_000;

/** An event as it is kept: a link of the chain. */
export interface AuditRow extends AuditEvent {
  /** Whose link it is. */
  readonly chain: string;
  /** From 1, without gaps in its chain. */
  readonly number: number;
  /** Among the events of all chains, in the order they were written as far as that can be told; what a listing goes on from. */
  readonly place: number;
  /** Name of the actor's account when it happened; empty for a stranger or the host. */
  readonly actorName: string;
  /** SHA-256 over the chain, the row before and every field, base64url (`audit-chain.ts`). */
  readonly hash: string;
}

/** Where the chain stands, and what else lies there, read in one moment. */
export interface AuditHead {
  /** Random, made with the database; one per writing node. */
  readonly chain: string;
  /** Of the last row; 0 and an empty hash before the first. */
  readonly number: number;
  readonly hash: string;
  /** Highest number that a row has, and that a checkpoint has; 0 without any. Higher than `number` only when tampered with. */
  readonly lastRow: number;
  readonly lastCheckpoint: number;
  /** Rows that are no part of the chain. */
  readonly strays: number;
}

/** A signed statement that the chain had this hash at this number. */
export interface AuditCheckpoint {
  readonly chain: string;
  readonly number: number;
  readonly hash: string;
  readonly at: Millis;
  readonly keyId: string;
  /** Ed25519, base64url, by the key of that id (`record/checkpoint.ts`). */
  readonly signature: string;
}

/** Null: any. */
export interface AuditFilter {
  readonly event: string | null;
  /** Of the actor, or of the account it was done to. */
  readonly user: Username | null;
  readonly since: Millis | null;
  /** The moment itself is no longer among them. */
  readonly until: Millis | null;
}

/** What changed, for whoever keeps it in memory. */
export type ChangeSubject =
  | { readonly kind: 'installation' }
  | { readonly kind: 'user'; readonly userId: UserId }
  /** A session or an API token, by what it is looked up with. */
  | { readonly kind: 'session'; readonly digest: Digest }
  /** Nothing of it is cached: whoever counts for itself forgets what was lifted. */
  | { readonly kind: 'limits'; readonly lifted: string };

export interface Change {
  readonly seq: Seq;
  readonly subject: ChangeSubject;
}

export interface Attempt {
  readonly userId: UserId | null;
  readonly address: Address;
  readonly way: string;
  readonly result: string;
  readonly at: Millis;
}

export interface OneUse {
  /** What it is for: digests of one purpose are never looked at by another. */
  readonly purpose: 'hand-over';
  readonly digest: Digest;
  readonly userId: UserId;
  /** Session that asked for it; it dies with that session. */
  readonly sessionId: SessionId;
  /** Protected host it is good for. */
  readonly origin: Origin;
  /** SHA-256 of the state cookie it was asked with; null when there was none. */
  readonly state: Digest | null;
  readonly expiresAt: Millis;
}

/** A sign-in whose password was right and whose second factor is still to come (3-rules, Second factors). */
export interface ChallengeRow {
  readonly digest: Digest;
  readonly userId: UserId;
  /** The password was proven under this one. */
  readonly credentialGeneration: number;
  /** Kind of session that is asked for. */
  readonly kind: string;
  readonly transport: Transport;
  /** SHA-256 of the cookie that has to come with it; null where there are no cookies. */
  readonly binding: Digest | null;
  /** Where the password came from. */
  readonly address: Address;
  /** `stranger`: neither device nor network were known. When it ends unanswered, the owner is told. */
  readonly from: 'stranger' | 'owner';
  readonly expiresAt: Millis;
}

/** A TOTP secret on its way: nothing holds until a code proves it. One per user; a new one takes its place. */
export interface EnrolmentRow {
  readonly id: string;
  readonly userId: UserId;
  /** The session that asked for it, which alone may complete it. */
  readonly sessionId: SessionId;
  readonly sealedTotp: string;
  /** Recovery codes that come with it. */
  readonly recoveryCodes: readonly Digest[];
  readonly expiresAt: Millis;
}

export interface PasskeyRow {
  /** Credential id, base64url. */
  readonly id: string;
  readonly userId: UserId;
  /** Relying party it was made for: works on that host alone. */
  readonly rpId: string;
  /** COSE key, base64url. */
  readonly publicKey: string;
  readonly counter: number;
  readonly transports: readonly string[];
  /** What its owner calls it. */
  readonly name: string;
  /** Whether it lies on one device or is synchronised, and whether it was backed up when it was last used. */
  readonly deviceType: 'singleDevice' | 'multiDevice';
  readonly backedUp: boolean;
  readonly createdAt: Millis;
  /** Null: never. */
  readonly usedAt: Millis | null;
  /** When its counter was first seen to go back, as that of a copy does; null: never. */
  readonly flaggedAt: Millis | null;
}

/** What somebody is told about their account, on its page and by mail. */
export type NoticeKind =
  | 'factor-added'
  | 'factor-removed'
  | 'factors-reset'
  | 'recovery-codes-renewed'
  | 'recovery-code-used'
  | 'new-device'
  | 'code-never-came'
  | 'password-known'
  | 'password-changed'
  | 'password-reset'
  | 'passkey-copied';

export interface NoticeDraft {
  readonly userId: UserId;
  readonly kind: NoticeKind;
  readonly at: Millis;
  /** Empty where it came from the host. */
  readonly address: Address | '';
  /** One word or name more: which factor, which browser, how many codes are left. No secret. */
  readonly detail: string;
}

/** Listed at once; those before them come up when these are dismissed. */
export const noticesShown = 100;

/** Sign-ins whose second step never came are told of once in so long. */
export const unansweredMs = 3_600_000;

export interface NoticeRow extends NoticeDraft {
  readonly id: number;
}

/** What an invitation or a reset is good for: setting a password, once. */
export interface LinkRow {
  readonly digest: Digest;
  readonly userId: UserId;
  /** `forgotten`: a reset that anybody may ask for, beside one that was handed out. */
  readonly purpose: 'invite' | 'reset' | 'forgotten';
  /** It dies when the account's credentials change. */
  readonly credentialGeneration: number;
  readonly expiresAt: Millis;
}

/** The first answer to a request with an Idempotency-Key. */
export interface KeptAnswer {
  /** The answer as JSON, without its secrets. */
  readonly answer: string;
  /** The same with them, sealed under a key of the credential that was shown; empty where it has none. */
  readonly sealed: string;
}
