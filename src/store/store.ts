/**
 * The store contract. Every engine offers these operations and nothing more; nothing above this room knows which engine
 * it talks to. `test/store-contract.ts` is the same list as tests.
 *
 * Each operation is atomic by itself: it happens whole or not at all, also across crashes, and once its promise is
 * resolved it is on disk. Whatever is checked inside an operation (a generation, a code, a cap) is checked in the same
 * transaction as the write. Outcomes are returned; a store that cannot be reached or is broken throws `StoreFault`.
 *
 * Changes: an operation that alters what may be cached takes the next number of the one-row counter in its own
 * transaction, and listeners have been told before its promise is resolved (3-rules, The hot path).
 */
import type { KeyRow } from '../crypto/keyring.ts';
import type { Digest, Millis, Origin, Seq, SessionId, TokenId, UserId, Username } from '../types.ts';
import type {
  Attempt,
  AttemptRow,
  AuditCheckpoint,
  AuditEvent,
  AuditFilter,
  AuditHead,
  AuditRow,
  ChallengeRow,
  Change,
  DeviceRow,
  EnrolmentRow,
  Installation,
  KeptAnswer,
  LimitRow,
  LimitsWritten,
  LinkRow,
  NetworkUse,
  NewSession,
  NoticeDraft,
  NoticeRow,
  OneUse,
  PasskeyRow,
  PathTicketRow,
  SessionRow,
  TokenRow,
  TokenUse,
  UserRow,
} from './rows.ts';

/** The store cannot do its work now: disk full, locked, gone, or damaged. Callers refuse; nobody is let in. */
export class StoreFault extends Error {
  override readonly name = 'StoreFault';
}

export interface FirstAdmin {
  readonly codeDigest: Digest;
  readonly user: UserRow;
  readonly recoveryCodes: readonly Digest[];
  readonly session: NewSession;
  readonly device: DeviceRow | null;
  readonly network: NetworkUse;
  readonly audit: AuditEvent;
  readonly at: Millis;
}

export interface SessionOpening {
  readonly opening: NewSession;
  readonly device: DeviceRow | null;
  /** Devices of one user; the one used longest ago gives way. */
  readonly deviceCap: number;
  /** Where it is opened from: known to the user from now on. */
  readonly network: NetworkUse;
  readonly attempt: Attempt;
  readonly audit: AuditEvent;
  /** Told to the owner when the device was not known before and others are; null without a device. */
  readonly newDevice: NoticeDraft | null;
}

export interface PasswordChange {
  readonly userId: UserId;
  /** Generation the old password was proven under; another one by now means somebody was faster. */
  readonly fromGeneration: number;
  readonly sealedPassword: string;
  readonly passwordLength: UserRow['passwordLength'];
  /** Session that stays, under its new digest; every other one of the user ends. */
  readonly keep: { readonly id: SessionId; readonly digest: Digest; readonly authenticatedAt: Millis };
  /** Device that stays; every other one of the user is forgotten. Null keeps none. */
  readonly keepDevice: Digest | null;
  /** Network that stays known; every other one of the user is forgotten. */
  readonly keepNetwork: NetworkUse;
  readonly audit: AuditEvent;
  readonly notice: NoticeDraft;
}

/**
 * Every change of factors: raises the generation, ends all sessions of the user but the one that asked and all tickets,
 * challenges and links; known devices stay (3-rules, What ends what).
 */
export interface FactorChange {
  readonly userId: UserId;
  /** Generation the request was proven under; another one by now means somebody was faster. */
  readonly fromGeneration: number;
  /**
   * Session that stays, under the new generation and its own digest; what was made from it ends. One that has ended by
   * `audit.at` decides nothing any more: `superseded`.
   */
  readonly keep: SessionId;
  readonly audit: AuditEvent;
  readonly notice: NoticeDraft;
}

/** Who comes with a code. `known-network`: somebody else there may be the one who types it. `owner`: a known device, or a session. */
export type CodeSender = 'stranger' | 'known-network' | 'owner';

/** A second factor is spent: of any number of racers one wins. */
export type CodeUse =
  /** Never at or below a step that was used (3-rules, Second factors). Ends what known networks failed in a row, unless a stranger sent it. */
  | { readonly kind: 'totp'; readonly step: number; readonly from: CodeSender }
  /** Also ends what holds TOTP. `detail` of the notice is filled in with how many are left. */
  | {
      readonly kind: 'recovery';
      readonly digest: Digest;
      readonly notice: NoticeDraft;
      readonly audit: AuditEvent;
    };

export interface CodeFailure {
  readonly userId: UserId;
  /** Null where the code came together with the password. */
  readonly challenge: Digest | null;
  /** Wrong answers that end a challenge. */
  readonly challengeLimit: number;
  /** Wrong codes of strangers are counted in a row, and those after a right password; those of known networks in a row of their own. */
  readonly from: CodeSender;
  /** So many of strangers after a right password: it counts as known to others from then on, and the owner is told. */
  readonly knownAfter: number;
  readonly notice: NoticeDraft;
  readonly audit: AuditEvent;
}

export interface Factors {
  /** Null without TOTP. */
  readonly totpAddedAt: Millis | null;
  /** Wrong codes in a row: of strangers, and of networks the account is known in. */
  readonly strangersFailures: number;
  readonly knownNetworkFailures: number;
  readonly passkeys: readonly PasskeyRow[];
  readonly recoveryCodes: number;
}

/** What is left out stays as it is. */
export interface UserPatch {
  readonly email?: string;
  readonly displayName?: string;
  readonly groups?: readonly string[];
  readonly privileges?: readonly string[];
  readonly active?: boolean;
  /** Left out beside `active`: a person did it. */
  readonly disabledBy?: UserRow['disabledBy'];
}

/** What a change of an account is decided by. */
export type SeenUser = Pick<UserRow, 'privileges' | 'groups' | 'active' | 'disabledBy'>;

export interface LinkRedemption {
  readonly digest: Digest;
  readonly at: Millis;
  readonly sealedPassword: string;
  readonly passwordLength: UserRow['passwordLength'];
  /** Replace those that are there; empty leaves them. */
  readonly recoveryCodes: readonly Digest[];
  /** `credentialGeneration` is filled in. Null where a second factor is still to come: then device and network stay unknown. */
  readonly session: NewSession | null;
  readonly device: DeviceRow | null;
  readonly network: NetworkUse;
  readonly attempt: Attempt;
  readonly audit: AuditEvent;
  readonly notice: NoticeDraft;
}

export interface Redemption {
  readonly digest: Digest;
  readonly origin: Origin;
  /** What the redeeming request shows; must equal what the ticket was made with. Null: a client that is no browser. */
  readonly state: Digest | 'not-a-browser';
  readonly at: Millis;
  /** New `app` session; user, parent, generation, idle and end are taken from the parent, live and in the same step. */
  readonly session: Pick<SessionRow, 'id' | 'digest' | 'address' | 'userAgent'>;
  readonly audit: Pick<AuditEvent, 'event' | 'address' | 'peer' | 'way' | 'result' | 'count'>;
}

export type SessionLookup =
  | { readonly kind: 'unknown'; readonly seq: Seq }
  | { readonly kind: 'found'; readonly session: SessionRow; readonly user: UserRow; readonly seq: Seq };

export type UserLookup = { readonly kind: 'unknown' } | { readonly kind: 'found'; readonly user: UserRow };

export type NamedUserLookup =
  | { readonly kind: 'unknown'; readonly seq: Seq }
  | { readonly kind: 'found'; readonly user: UserRow; readonly seq: Seq };

export type TokenLookup =
  | { readonly kind: 'unknown'; readonly seq: Seq }
  /** Whatever its standing: active or not, expired or not, its owner active or not. */
  | { readonly kind: 'found'; readonly token: TokenRow; readonly user: UserRow; readonly seq: Seq };

/** `revoked`: over, whatever its user. */
export type TicketLookup =
  | { readonly kind: 'unknown' | 'revoked'; readonly seq: Seq }
  | { readonly kind: 'found'; readonly user: UserRow; readonly seq: Seq };

/** What is left out stays as it is. */
export type TokenPatch = Partial<Pick<TokenRow, 'name' | 'active' | 'scopes' | 'addresses' | 'perMinute' | 'perHour'>>;

/** What a change of a token is decided by. */
export type SeenToken = Pick<TokenRow, 'digest' | 'active' | 'scopes' | 'addresses' | 'perMinute' | 'perHour'>;

/** A token as lists show it. */
export interface ListedToken {
  readonly token: TokenRow;
  readonly username: Username;
}

/** One of several writes that are made together; each as the operation of that name. */
export type Write =
  | { readonly write: 'createUser'; readonly given: { readonly user: UserRow; readonly audit: AuditEvent } }
  | { readonly write: 'updateUser'; readonly given: Parameters<Store['updateUser']>[0] }
  | { readonly write: 'deleteUser'; readonly given: Parameters<Store['deleteUser']>[0] }
  | { readonly write: 'createToken'; readonly given: Parameters<Store['createToken']>[0] }
  | { readonly write: 'updateToken'; readonly given: Parameters<Store['updateToken']>[0] }
  | { readonly write: 'deleteToken'; readonly given: Parameters<Store['deleteToken']>[0] };

/** What one of them came to: as the operation says it. `undone`: it would have been made, and another one was not. */
export type WriteOutcome =
  | { readonly kind: 'undone' }
  | Awaited<
      ReturnType<
        | Store['createUser']
        | Store['updateUser']
        | Store['deleteUser']
        | Store['createToken']
        | Store['updateToken']
        | Store['deleteToken']
      >
    >;

/** A request with an Idempotency-Key (3-rules, Idempotency). */
export interface IdempotentRequest {
  /** Whose: a user id, or a word for what is no user. */
  readonly owner: string;
  /** Keyed digest of the Idempotency-Key. */
  readonly key: Digest;
}

export type IdempotentBeginning =
  /** That key was used for another request. */
  | { readonly kind: 'mismatch' }
  /** Somebody is at it. */
  | { readonly kind: 'in-progress' }
  /** Whoever was at it is gone, and what came of it was not written. */
  | { readonly kind: 'unknown' }
  /** `key`: which of those that were asked for it is kept under. */
  | { readonly kind: 'kept'; readonly key: Digest; readonly answer: KeptAnswer }
  /** It is the caller's now. */
  | { readonly kind: 'begun' };

/** A key, and the text it is sealed in. */
export type SealedKey = Pick<KeyRow, 'id' | 'sealed'>;

export interface KeyUse {
  readonly id: string;
  readonly count: number;
}

/** A value of an account that is sealed under the key ring. */
export interface SealedValue {
  readonly userId: UserId;
  readonly what: 'password' | 'totp';
  readonly sealed: string;
}

export interface Store {
  /** Null until `initialise`: an empty database. The caller decides whether that is a first run. */
  installation(): Promise<
    { readonly kind: 'empty' } | { readonly kind: 'found'; readonly installation: Installation; readonly seq: Seq }
  >;
  /** Makes the installation of an empty database, with its first keys, in one step. */
  initialise(first: {
    readonly installation: Installation;
    readonly keys: readonly KeyRow[];
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'already-initialised' } | { readonly kind: 'initialised' }>;
  /**
   * A node starts. Where none runs already, the installation does: sessions that carry another boot id end. Gives the boot in
   * force. Where one process has the database for itself, whoever was at an idempotent request before is gone.
   */
  beginBoot(bootId: string, at: Millis): Promise<{ readonly bootId: string }>;

  /** A setup code in the place of others, while setting up is possible (fresh, declined). */
  putSetupCode(code: {
    readonly digest: Digest;
    readonly expiresAt: Millis;
    /** `own`: those that this node made; each node tells its own. */
    readonly replacing: 'all' | 'own';
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'already-configured' } | { readonly kind: 'put' }>;
  /** A look without spending: wrong and expired codes are told apart by nobody. */
  setupCode(digest: Digest, at: Millis): Promise<{ readonly kind: 'already-configured' | 'invalid' | 'valid' }>;
  /** First run: spends the code, makes the first admin and the session; of any number of racers one wins. */
  createFirstAdmin(
    first: FirstAdmin,
  ): Promise<
    { readonly kind: 'already-configured' } | { readonly kind: 'code-invalid' } | { readonly kind: 'created' }
  >;
  /** Fresh to declined; the code stays good for a later set-up until it expires. */
  decline(decision: {
    readonly codeDigest: Digest;
    readonly at: Millis;
    readonly audit: AuditEvent;
  }): Promise<
    { readonly kind: 'already-configured' } | { readonly kind: 'code-invalid' } | { readonly kind: 'declined' }
  >;
  /** Configured to off, or off to configured. Accounts and sessions stay. */
  switchAuthentication(change: {
    readonly to: 'configured' | 'off';
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'not-possible'; readonly state: Installation['state'] } | { readonly kind: 'switched' }>;

  /** `seq`: the change number it was read at, for whoever keeps what was found. */
  userByName(username: Username): Promise<NamedUserLookup>;
  userById(id: UserId): Promise<UserLookup>;
  /** Refuses a name that is taken (same canonical form). */
  createUser(user: UserRow, audit: AuditEvent): Promise<{ readonly kind: 'name-taken' } | { readonly kind: 'created' }>;
  /** By name; those after `after`, at most `limit`; `matching` is a part of name, display name or address, in any case. */
  users(query: {
    readonly after: Username | null;
    readonly limit: number;
    readonly matching: string;
  }): Promise<readonly UserRow[]>;
  /** Accounts of a realm other than `local`, by name; those after `after`, at most `limit`. */
  usersOfRealm(query: {
    readonly realm: string;
    readonly after: Username | null;
    readonly limit: number;
  }): Promise<readonly UserRow[]>;
  /**
   * Disabling raises the generation, ends sessions, tickets, challenges and links of the user, and forgets devices and
   * networks. New privileges: sessions live on and are judged by them at their next request. `last-admin`: the last active
   * one stays active and admin, and nothing is changed. `changed-meanwhile`: it is not as it was seen, so that what was
   * decided by that, and what is written down about it, may be wrong; nothing is changed.
   */
  updateUser(change: {
    readonly userId: UserId;
    readonly patch: UserPatch;
    /** Left out: whatever it is by now. */
    readonly from?: SeenUser;
    readonly adminPrivilege: string;
    readonly audit: readonly AuditEvent[];
  }): Promise<
    | { readonly kind: 'unknown' }
    | { readonly kind: 'changed-meanwhile' }
    | { readonly kind: 'last-admin' }
    | { readonly kind: 'updated'; readonly user: UserRow }
  >;
  /** Takes all that hangs on the account along. */
  deleteUser(deletion: {
    readonly userId: UserId;
    readonly adminPrivilege: string;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'last-admin' } | { readonly kind: 'deleted' }>;
  /** New password: raises the generation, ends all other sessions, devices and tickets, renews the session that stays. */
  changePassword(change: PasswordChange): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'changed' }>;
  /** Same password under a new cost; no generation. Does nothing when the password has changed meanwhile. */
  rehashPassword(change: {
    readonly userId: UserId;
    readonly generation: number;
    readonly sealedPassword: string;
  }): Promise<void>;

  /** At most `cap` open ones of a user, the oldest gives way. */
  openChallenge(
    challenge: ChallengeRow,
    cap: number,
  ): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'opened' }>;
  /** With its user, if that one is active and still of the generation it was made under. */
  challenge(
    digest: Digest,
    at: Millis,
  ): Promise<
    { readonly kind: 'unknown' } | { readonly kind: 'found'; readonly challenge: ChallengeRow; readonly user: UserRow }
  >;
  /** The first right answer wins. */
  spendChallenge(digest: Digest, at: Millis): Promise<{ readonly kind: 'gone' } | { readonly kind: 'spent' }>;
  spendCode(spending: {
    readonly userId: UserId;
    readonly generation: number;
    readonly use: CodeUse;
  }): Promise<{ readonly kind: 'spent-before' } | { readonly kind: 'spent' }>;
  /** Whether the account still has that recovery code; spends nothing. */
  recoveryCode(userId: UserId, digest: Digest): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'held' }>;
  /** Counts a wrong answer to a challenge, and a wrong code of the account. Notice and event are written when the password becomes known to others. */
  countCodeFailure(
    failure: CodeFailure,
  ): Promise<{ readonly challenge: 'ended' | 'open'; readonly password: 'own' | 'known-to-others' }>;

  factorsOf(userId: UserId): Promise<Factors>;
  putEnrolment(enrolment: EnrolmentRow): Promise<void>;
  enrolment(
    userId: UserId,
    at: Millis,
  ): Promise<{ readonly kind: 'none' } | { readonly kind: 'found'; readonly enrolment: EnrolmentRow }>;
  /** Spends the enrolment; its secret and its recovery codes take the place of those before. The code that proved it counts as used. */
  enableTotp(
    change: FactorChange & { readonly enrolmentId: string; readonly step: number },
  ): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'enabled' }>;
  disableTotp(
    change: FactorChange,
  ): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'password-too-short' } | { readonly kind: 'disabled' }>;
  replaceRecoveryCodes(
    change: FactorChange & { readonly recoveryCodes: readonly Digest[] },
  ): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'replaced' }>;
  /** Its user may be disabled: `usePasskey` refuses that. */
  passkeyById(
    id: string,
  ): Promise<
    { readonly kind: 'unknown' } | { readonly kind: 'found'; readonly passkey: PasskeyRow; readonly user: UserRow }
  >;
  /** `exists`: whoever it belongs to. */
  addPasskey(
    change: FactorChange & { readonly passkey: PasskeyRow; readonly cap: number },
  ): Promise<
    | { readonly kind: 'superseded' }
    | { readonly kind: 'exists' }
    | { readonly kind: 'too-many' }
    | { readonly kind: 'added' }
  >;
  renamePasskey(renaming: {
    readonly id: string;
    readonly userId: UserId;
    readonly name: string;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'renamed' }>;
  removePasskey(
    change: FactorChange & { readonly id: string },
  ): Promise<
    | { readonly kind: 'unknown' }
    | { readonly kind: 'superseded' }
    | { readonly kind: 'password-too-short' }
    | { readonly kind: 'removed' }
  >;
  /** An assertion by it was genuine. Ends what holds TOTP. Where its counter went back the notice and the event are written. */
  usePasskey(use: {
    readonly id: string;
    readonly userId: UserId;
    readonly generation: number;
    readonly counter: number;
    readonly backedUp: boolean;
    readonly at: Millis;
    readonly notice: NoticeDraft;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'gone' } | { readonly kind: 'used'; readonly counter: 'went-back' | 'moved' }>;
  /** By the host's word: no factor, no recovery code, no session is left. */
  resetFactors(reset: {
    readonly userId: UserId;
    readonly audit: AuditEvent;
    readonly notice: NoticeDraft;
  }): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'reset' }>;
  /** Ends what holds TOTP, by the host's word. */
  unlockTotp(userId: UserId, audit: AuditEvent): Promise<void>;

  /** At most one of a purpose and user: a new one makes the one before void, and those of another purpose stay. `superseded`: disabled, removed, or changed since. */
  putLink(link: LinkRow, audit: AuditEvent): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'put' }>;
  link(
    digest: Digest,
    at: Millis,
  ): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'valid'; readonly link: LinkRow; readonly user: UserRow }>;
  /** Spends the link and sets the password: everything the account had open ends, second factors stay. */
  redeemLink(
    redemption: LinkRedemption,
  ): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'redeemed'; readonly user: UserRow }>;

  putNotice(notice: NoticeDraft): Promise<void>;
  /** Not dismissed yet, newest first, the newest hundred. */
  notices(userId: UserId): Promise<readonly NoticeRow[]>;
  /** Those that a list up to that id shows: who has seen a hundred has not seen what lies behind them. */
  dismissNotices(userId: UserId, upTo: number): Promise<void>;
  /** Takes the oldest that nobody has mailed yet, for this process to mail: no other gets it. Those older than `since` are passed over for good. */
  takeNoticeToMail(
    since: Millis,
  ): Promise<
    { readonly kind: 'none' } | { readonly kind: 'taken'; readonly notice: NoticeRow; readonly user: UserRow }
  >;

  /** `durable`: only those that outlive the installation's run are looked for. */
  sessionByDigest(digest: Digest, which?: 'durable'): Promise<SessionLookup>;
  /** Live sessions at `at`, newest first. */
  sessionsOf(userId: UserId, at: Millis): Promise<readonly SessionRow[]>;
  /** `superseded`: the user was disabled, removed or changed credentials after the secret was proven. */
  openSession(opening: SessionOpening): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'opened' }>;
  /** New token and `authenticatedAt` for a live session, wrong answers forgotten; the old token is dead, `app` sessions made from it live on. */
  renewSession(renewal: {
    readonly id: SessionId;
    readonly fromDigest: Digest;
    readonly digest: Digest;
    readonly authenticatedAt: Millis;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'gone' } | { readonly kind: 'renewed' }>;
  /** Counts a wrong re-authentication; at `limit` in a row the session and its `app` sessions end. */
  countReauthenticationFailure(failure: {
    readonly id: SessionId;
    readonly userId: UserId;
    /** Digest of the session that was shown. */
    readonly digest: Digest;
    readonly limit: number;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'ended' } | { readonly kind: 'counted' }>;
  /** Writes `lastSeenAt` where it moves forward and the session had not expired by then; never revives one. */
  touchSessions(touches: readonly { readonly id: SessionId; readonly lastSeenAt: Millis }[]): Promise<void>;
  /** Ends one session of that user and the `app` sessions made from it. */
  endSession(end: {
    readonly id: SessionId;
    readonly userId: UserId;
    /** Its digest, where the caller holds the session: what was lost of it somewhere is over as well. */
    readonly shown?: Digest;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'ended' }>;
  /** Ends all sessions of that user but one (and the `app` sessions made from that one), and all signed tickets; `except` null ends all. */
  endSessions(end: {
    readonly userId: UserId;
    readonly except: SessionId | null;
    readonly audit: AuditEvent;
  }): Promise<{ readonly ended: number }>;

  /** `too-many`: the owner has `cap` already. `superseded`: the owner is gone, disabled, or of another generation by now. */
  createToken(creation: {
    readonly token: TokenRow;
    readonly cap: number;
    /** Null: whatever it is. */
    readonly fromGeneration: number | null;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'superseded' } | { readonly kind: 'too-many' } | { readonly kind: 'created' }>;
  /** By its secret, or by the one before it as long as `previous` says; by that one the row is found as it is. */
  tokenByDigest(digest: Digest): Promise<TokenLookup>;
  tokenById(id: TokenId): Promise<{ readonly kind: 'unknown' } | ({ readonly kind: 'found' } & ListedToken)>;
  /** Newest first, those before `before`; `userId` null lists everybody's. */
  tokens(query: {
    readonly userId: UserId | null;
    readonly before: TokenId | null;
    readonly limit: number;
  }): Promise<readonly ListedToken[]>;
  /** `changed-meanwhile`: it is not as it was seen, and nothing is changed. `owner` null: whoever it belongs to. */
  updateToken(change: {
    readonly id: TokenId;
    readonly owner: UserId | null;
    /** `previous: null`: the secret before it is dead. */
    readonly patch: TokenPatch & { readonly previous?: null };
    /** Left out: whatever it is by now. */
    readonly from?: SeenToken;
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly kind: 'unknown' }
    | { readonly kind: 'changed-meanwhile' }
    | { readonly kind: 'updated'; readonly token: TokenRow }
  >;
  /** A new secret in the place of `fromDigest`, which stays good until `previousUntil` (null: it dies now); one before it is dead. */
  rotateToken(rotation: {
    readonly id: TokenId;
    readonly owner: UserId | null;
    readonly fromDigest: Digest;
    readonly digest: Digest;
    readonly prefix: string;
    readonly previousUntil: Millis | null;
    readonly audit: AuditEvent;
  }): Promise<
    | { readonly kind: 'unknown' }
    | { readonly kind: 'changed-meanwhile' }
    | { readonly kind: 'rotated'; readonly token: TokenRow }
  >;
  /** Revoked: nothing of it is left but what the audit log tells. */
  deleteToken(deletion: {
    readonly id: TokenId;
    readonly owner: UserId | null;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'deleted' }>;
  /** Adds the counts; `lastUsedAt` and its address only move forward. Tokens that are gone are passed over. Nothing of it is a change. */
  noteTokenUses(uses: readonly TokenUse[]): Promise<void>;
  /** At most `cap` unspent ones of one parent, the oldest gives way. */
  issuePathTicket(ticket: PathTicketRow, cap: number): Promise<void>;
  /**
   * One statement: the first that shows it for its own path and port, and for no privilege that it was not made for, in time
   * gets it. Shown for anything else it is not spent.
   */
  spendPathTicket(spending: {
    readonly digest: Digest;
    readonly path: string;
    readonly privileges: readonly string[];
    readonly port: number | null;
    readonly at: Millis;
  }): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'spent'; readonly ticket: PathTicketRow }>;

  /** Whose a signed ticket is, and whether it, or all that came from the same sign-in, is over. */
  ticketHolder(query: {
    readonly userId: UserId;
    readonly serial: Digest;
    readonly shown: Digest;
  }): Promise<TicketLookup>;
  /**
   * Over for good: one ticket, by the digest of its text, or all of one sign-in, by that of their serial; `expiresAt`: when the
   * last of them would be. A change of that digest.
   */
  revokeTicket(revocation: {
    readonly digest: Digest;
    readonly expiresAt: Millis;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'revoked-before' } | { readonly kind: 'revoked' }>;

  /**
   * Several writes in one transaction, in their order, each judged by what those before it have left. `each`: each by itself,
   * whatever outcome the others have. `all`: all of them, or none and nothing noted: where one is not made (its outcome says
   * why), those behind it are judged like those before it, and all that would have been made are `undone`. A fault is one of
   * all of them, and none is made.
   */
  writeTogether(writes: readonly Write[], which: 'each' | 'all'): Promise<readonly WriteOutcome[]>;

  /**
   * One statement decides who begins, of any number at once. What has ended is as good as gone. At most `cap` of one owner:
   * the oldest that nobody is at gives way, and none that somebody is at. Nothing of requests is a change.
   */
  beginIdempotent(
    begin: IdempotentRequest & {
      /** Keyed digest over what was asked for. */
      readonly fingerprint: Digest;
      /**
       * The same request as it may have been begun under other keys of those digests, which rotate: whoever has begun it under
       * one of them has begun it. Nobody of whom one names the other's key begins beside another.
       */
      readonly others?: readonly { readonly key: Digest; readonly fingerprint: Digest }[];
      /** Which process is at it, and until when it is taken for alive unless `renewIdempotent` says more. */
      readonly holder: string;
      readonly at: Millis;
      readonly leaseUntil: Millis;
      /** Forgotten by then. */
      readonly endsAt: Millis;
      readonly cap: number;
    },
  ): Promise<IdempotentBeginning>;
  /** What came of it, for whoever asks again. Does nothing where it is not that holder's any more, or has its answer. */
  keepAnswer(kept: IdempotentRequest & { readonly holder: string; readonly answer: KeptAnswer }): Promise<void>;
  /** Nothing came of it: the next one begins anew. Does nothing where it is not that holder's any more, or has its answer. */
  freeIdempotent(freed: IdempotentRequest & { readonly holder: string }): Promise<void>;
  /** Everything that holder is at goes on; what was over for want of a renewal by `at` stays over. */
  renewIdempotent(renewal: {
    readonly holder: string;
    readonly at: Millis;
    readonly leaseUntil: Millis;
  }): Promise<void>;

  /** A password or a derived key was accepted, and no session was made for it: the network is known to that user from now on. Nothing where the user is gone. No change. */
  noteAccepted(accepted: {
    readonly userId: UserId;
    readonly network: NetworkUse;
    readonly attempt: Attempt;
    readonly audit: AuditEvent;
  }): Promise<void>;

  deviceByDigest(
    digest: Digest,
    at: Millis,
  ): Promise<{ readonly kind: 'unknown' } | { readonly kind: 'found'; readonly device: DeviceRow }>;

  /** Counts a wrong secret from a known device; at `limit` in all the device is forgotten. */
  countDeviceFailure(failure: {
    readonly digest: Digest;
    readonly limit: number;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'ended' } | { readonly kind: 'counted' }>;
  /** Who signed in from that network since then: nobody, somebody, or that very user (null: a name that is nobody's). */
  networkStanding(query: {
    readonly userId: UserId | null;
    readonly network: string;
    readonly since: Millis;
  }): Promise<{ readonly kind: 'never-seen' | 'seen-before' | 'known' }>;
  /** Counters that still mean something at `at`. */
  limits(at: Millis): Promise<readonly LimitRow[]>;
  writeLimits(written: LimitsWritten): Promise<void>;

  /** Known devices of that user at `at`, the one used last first. */
  devicesOf(userId: UserId, at: Millis): Promise<readonly DeviceRow[]>;

  /** Keeps a one-use ticket; at most `cap` unspent ones of a session, the oldest gives way. */
  issueOneUse(ticket: OneUse, cap: number): Promise<void>;
  /** Spends a hand-over ticket and opens the `app` session in one step; a ticket shown at the wrong host is spent too. */
  redeemHandOver(
    redemption: Redemption,
  ): Promise<{ readonly kind: 'invalid' } | { readonly kind: 'redeemed'; readonly session: SessionRow }>;
  /** First claim of a self-contained secret wins; the mark is kept a day longer than the secret lives: clocks are set back. */
  claimOnce(claim: {
    readonly purpose: 'login-token' | 'passkey-challenge';
    readonly digest: Digest;
    readonly expiresAt: Millis;
  }): Promise<{ readonly kind: 'spent' } | { readonly kind: 'first' }>;

  /** Counted into the row of the same user, address, way and result of the same UTC day. */
  recordAttempt(attempt: Attempt): Promise<void>;
  /** Newest first, those last seen before `before`; `userId` null lists everybody's, unknown names included. */
  attempts(query: {
    readonly userId: UserId | null;
    readonly limit: number;
    readonly before: Millis | null;
  }): Promise<readonly AttemptRow[]>;
  appendAudit(event: AuditEvent): Promise<void>;
  /** Of the chain that this process writes. */
  auditHead(): Promise<AuditHead>;
  /** Of every chain there is, by name; one whose head is gone has number 0 and no hash. */
  auditHeads(): Promise<readonly AuditHead[]>;
  /** Newest first over all chains, those below place `before`. `next`: where to go on, also when nothing matched so far; null at the end. */
  auditEvents(query: {
    readonly filter: AuditFilter;
    readonly before: number | null;
    readonly limit: number;
  }): Promise<{ readonly events: readonly AuditRow[]; readonly next: number | null }>;
  /** Of one chain in order, those above `after` and up to `upTo`, at most `limit`; with the checkpoints among them, and, at the end, those up to `upTo`. */
  auditPage(query: {
    readonly chain: string;
    readonly after: number;
    readonly upTo: number;
    readonly limit: number;
  }): Promise<{ readonly events: readonly AuditRow[]; readonly checkpoints: readonly AuditCheckpoint[] }>;
  /** Refused unless the chain has that hash at that number. */
  putCheckpoint(
    checkpoint: AuditCheckpoint,
  ): Promise<{ readonly kind: 'not-of-this-chain' } | { readonly kind: 'put' }>;

  keys(): Promise<readonly KeyRow[]>;
  /** Sessions that have not ended at `at`. */
  liveSessions(at: Millis): Promise<number>;
  /**
   * The next key of its purpose. `changed-meanwhile`: `after` is not its newest any more, or not as it was sealed, since the root
   * key is another one by now (null: there was none); nothing is changed. `others`: whether those before it stay. A change of
   * the installation.
   */
  addKey(addition: {
    readonly key: KeyRow;
    readonly after: SealedKey | null;
    readonly others: 'stay' | 'go';
    readonly audit: readonly AuditEvent[];
  }): Promise<{ readonly kind: 'changed-meanwhile' } | { readonly kind: 'added' }>;
  /**
   * The only key of its purpose, in the place of `from` (null: there was none). `changed-meanwhile`: there is another one by
   * now, and nothing is changed. `fromSealed`: as that one was sealed; left out: whatever its root key. A change of the
   * installation.
   */
  replaceKey(replacement: {
    readonly key: KeyRow;
    readonly from: string | null;
    readonly fromSealed?: string;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'changed-meanwhile' } | { readonly kind: 'replaced' }>;
  /**
   * `newest`: the last of its purpose stays. `needed`: something is sealed under it, or a checkpoint is signed by it. A change of
   * the installation.
   */
  removeKey(removal: {
    readonly id: string;
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'unknown' | 'newest' | 'needed' | 'removed' }>;
  /** What hangs on keys by their ids: sealed values, and checkpoints. Keys without any are left out. Reads them all. */
  keyUses(): Promise<readonly KeyUse[]>;
  /** Among the `limit` accounts after `after`, what is not sealed under that key. `next`: where to go on; null at the end. */
  sealedElsewhere(query: {
    readonly key: string;
    readonly after: UserId | '';
    readonly limit: number;
  }): Promise<{ readonly values: readonly SealedValue[]; readonly next: UserId | null }>;
  /** Each only where it still is as it was read. A change of each user; the event, where there was any, tells how many. */
  reseal(resealing: {
    readonly values: readonly (SealedValue & { readonly resealed: string })[];
    readonly audit: AuditEvent;
  }): Promise<{ readonly resealed: number }>;
  /**
   * Every key, and the canary, under another root key. `changed-meanwhile`: the canary is not `from`, or the keys are not just
   * these as they were sealed; nothing is changed. A change of the installation.
   */
  replaceRoot(replacement: {
    readonly from: string;
    readonly canary: string;
    readonly keys: readonly { readonly id: string; readonly from: string; readonly sealed: string }[];
    readonly audit: AuditEvent;
  }): Promise<{ readonly kind: 'changed-meanwhile' } | { readonly kind: 'replaced' }>;

  /** Changes after `seq`. `lost`: some are no longer kept, so that the reader must forget everything. */
  changesSince(
    seq: Seq,
  ): Promise<
    | { readonly kind: 'lost'; readonly last: Seq }
    | { readonly kind: 'changes'; readonly changes: readonly Change[]; readonly last: Seq }
  >;
  /**
   * Told of each change before the operation that made it resolves; of operations side by side in any order. Returns how
   * to stop listening.
   */
  onChange(listener: (changes: readonly Change[]) => void): () => void;
  /** Told that another node may have changed something; messages can be lost. Returns how to stop listening. */
  onNews(listener: () => void): () => void;

  /** Removes what expired, a bounded amount: sessions, tokens that expired 90 days ago, tickets, signed tickets that were signed out and are over, claims, devices, networks, counters, enrolments, links, old notices and attempts, answers to idempotent requests, challenges (the owner is told of a stranger's that was never answered, once an hour), audit events behind a checkpoint of 400 days ago, changes older than an hour. `more`: call again. */
  sweep(at: Millis): Promise<{ readonly kind: 'more' } | { readonly kind: 'done' }>;
  /** Cheap proof that reads and writes work, for `/readyz`. */
  ready(): Promise<{ readonly kind: 'unready'; readonly reason: string } | { readonly kind: 'ready' }>;
  /** How writing goes, since the store was opened. */
  figures(): { readonly waiting: number; readonly writes: number };
  /** Everything acknowledged is on disk; the owner's lock is free. */
  close(): Promise<void>;
}
