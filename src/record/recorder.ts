/**
 * Step 4: write down what happened. One vocabulary for attempts, audit and log, so that nothing is told in two ways.
 * Secrets never come here: the callers have only ids, names of causes and addresses to give.
 */
import type { AuditEvent, SessionRow } from '../store/rows.ts';
import { type Store, StoreFault } from '../store/store.ts';
import type { Attempt } from '../store/rows.ts';
import type { Try } from '../throttle/places.ts';
import type { Address, Clock, Millis, UserId } from '../types.ts';
import type { FailureLog } from './failures/failure-log.ts';
import type { Named } from './failures/lines.ts';
import { countedAttempts } from './counted-attempts.ts';
import type { Attempted, Metrics } from './metrics.ts';

/** Every kind of thing that is written to the audit log, and what it tells. */
export const auditEvents = {
  'keys-made': 'Keys of the key ring were made; the target names purpose and id of each',
  'server-started': 'The server started; the target is the id of this start',
  'server-stopped': 'The server stopped in order; the target is the id of its start',
  setup: 'The first admin was made',
  declined: 'Running without sign-in was decided',
  'authentication-disabled': 'Sign-in was switched off',
  'authentication-enabled': 'Sign-in was switched on again',
  'setup-code-made': 'A setup code was made',
  'setup-code-refused': 'A wrong setup code was shown',
  'signed-in': 'A sign-in; the target is the session, or the account where a signed ticket was given for it',
  'sign-in-refused': 'A refused sign-in; the target is the account, if there is one, the result the cause',
  'code-refused': 'The second factor of a sign-in was refused after a right password; the result is the cause',
  'recovery-code-used': 'A recovery code was used; the target is the account',
  'password-known':
    'After too many wrong codes of strangers who had the right password it counts as known to others; the target is the account',
  'passkey-copied': 'The counter of a passkey went back, as that of a copy does; the target is its account',
  reauthenticated: 'Somebody signed in confirmed it with the password or a passkey; the target is the session',
  'reauthentication-refused': 'The same with a wrong password, code or passkey; the result is the cause',
  'attempts-limited': 'Attempts refused by a limit without a look at them: one record per network and minute, counted',
  'attempts-repeated':
    'The same wrong secret for the same name from one network again: one record per network and minute, counted',
  'authorisation-refused':
    'Somebody signed in asked for what is not theirs; the target is the path, or the host that a reverse proxy asked for; at most one record per session and minute',
  'password-changed': 'The password was changed by its owner; all other sessions ended',
  'totp-enabled': 'One-time codes by time were switched on, or their secret was replaced; all other sessions ended',
  'totp-disabled': 'One-time codes by time were switched off; all other sessions ended',
  'recovery-codes-renewed': 'New recovery codes took the place of the old ones; all other sessions ended',
  'passkey-added': 'A passkey was added; the target is its id; all other sessions ended',
  'passkey-renamed': 'A passkey was given another name; the target is its id',
  'passkey-removed': 'A passkey was removed; the target is its id; all other sessions ended',
  'signed-out': 'A session was ended by its own sign-out',
  'session-ended': 'A session was ended from another one, or after too many wrong passwords (then the result says so)',
  'sessions-ended': 'All sessions of an account ended but the one that asked; the target is the account',
  'basic-accepted':
    'A name with its password, or the key derived for it, was accepted over Basic; the target is the account; once an hour for the same client, which is known meanwhile',
  'user-key-told': 'Somebody was told the key derived for their account',
  'service-key-replaced':
    'Another service key took the place of the old one, which is dead, and derived user keys with it; the target is the new one',
  'key-added': 'The next key of a purpose was added to the key ring; the target names purpose and id',
  'key-removed':
    'A key that nothing lives under any more, or that was given up, was removed; the target names purpose and id',
  'keys-resealed': 'Values were sealed anew under the sealing key in use, which is the target; counted',
  'root-key-replaced': 'Another root key took the place of the old one, and every key is sealed under it',
  'certificate-made': 'A certificate of our own was made; the target is its fingerprint',
  'certificate-replaced':
    'Files that are watched hold another certificate, served from then on; the target is its fingerprint',
  'certificate-refused':
    'Files that are watched cannot be served, and the certificate before them goes on, which is the target; the result is the cause',
  'handed-over': 'A session on a protected host was made from a console session; the target is the new session',
  'user-created':
    'An account was made; the result names its realm where that is another one, by whose word it was made',
  'user-enabled': 'An account was enabled; the result names the realm by whose word, where it was one',
  'user-disabled': 'An account was disabled; the result names the realm by whose word, where it was one',
  'privileges-changed': "An account's privileges were changed",
  'user-updated': "An account's address, name or groups were changed",
  'user-deleted': 'An account was deleted, and all that hung on it',
  'factors-reset': 'All second factors and recovery codes of an account were removed by command on the host',
  'totp-unlocked': "Strangers' hold on an account's codes was lifted by command on the host",
  'link-made': 'A link that sets a password, once, was made for an account; the result says what for',
  'link-refused': 'A link that is none, or none any more, was shown',
  'password-set-by-link': 'A password was set with a link; everything the account had open ended',
  'mail-sent': 'A mail was taken by the mail server; the target is the account',
  'mail-failed': 'A mail was not sent; the target is the account, the result the cause',
  'token-created': 'An API token was made; the target is the token',
  'token-changed': 'An API token was changed; the target is the token, the result says what',
  'token-rotated': 'An API token was given a new secret; the target is the token',
  'token-revoked': 'An API token was revoked; the target is the token',
  'token-expired':
    'An API token, or the secret before the one it has (then the result says so), was shown after its time, and is over for good; the target is the token',
  'ticket-ended':
    'A signed ticket was signed out, or shown after its time, and is over for good; the target is its account, the result says which',
  'device-forgotten': 'A known device was forgotten after too many wrong passwords; the target is its account',
  'certificate-chosen': 'Somebody chose the certificate that is served; the target is its fingerprint',
  'certificate-dropped':
    'Somebody dropped the certificate that was chosen; the target is its fingerprint, empty where it was not served',
  'blocks-lifted': 'Limits were lifted; the target is the account, address or network, empty for all',
} as const;

export type EventName = keyof typeof auditEvents;

/** Where something came from. */
export interface Whence {
  /** The client, after headers of listed proxies were weighed. */
  readonly address: Address;
  /** Who the connection came from. */
  readonly peer: Address;
}

export interface Occurrence {
  readonly event: EventName;
  /** Who did it: a user id, or empty for a stranger or the host. */
  readonly actor: UserId | '';
  /** Empty for the host. */
  readonly address: Address | '';
  /** Left out where the connection came from the host, or from the client itself. */
  readonly peer?: Address;
  readonly way:
    | 'password'
    | 'passkey'
    | 'session'
    | 'api-token'
    | 'ticket'
    | 'path-ticket'
    | 'basic'
    | 'user-key'
    | 'service-key'
    | 'setup-code'
    | 'link'
    | 'host'
    | 'none';
  /** What it was done to: a user id, a session id, or empty. */
  readonly target?: string;
  readonly result?: string;
}

/** Where log lines go; every line is one JSON object. */
export interface Log {
  info(fields: object, message: string): void;
  warn(fields: object, message: string): void;
  error(fields: object, message: string): void;
}

/** A refusal for want of a privilege. */
export interface Denial extends Whence {
  /** Empty for the service key, which is nobody. */
  readonly actor: UserId | '';
  /** What is counted as one: the id of a session or token, or a user id where there is no session yet. */
  readonly holder: string;
  readonly way: Occurrence['way'];
  /** The path that was asked for, or the host. */
  readonly target: string;
}

export interface Recorder {
  /** An audit row, for the store to write in the same step as the change itself. */
  event(occurrence: Occurrence): AuditEvent;
  /** Somebody was let in. */
  passed(attempted: Omit<Attempted, 'result'>): void;
  /**
   * A try that a limit refused, before anything was looked at: counted in memory, written as one row per network and
   * minute by `settle`.
   */
  limited(attempt: Pick<Try, 'way' | 'address'>, retryAfterSeconds: number): void;
  /** An attempt row that a successful sign-in writes together with its session. */
  attempt(session: SessionRow, way: string): Attempt;
  /** A refused attempt: attempts, audit and log. Throws when it cannot be written. */
  refused(
    occurrence: Occurrence & {
      readonly address: Address;
      readonly userId: UserId | null;
      readonly cause: string;
      /** Kind of session asked for, or what else was tried. */
      readonly kind: string;
      /**
       * Whose secret was guessed; null where it is no new guess: nobody is banned for it. `unguessable`: told, and no
       * ban either.
       */
      readonly guessed: Named | 'unguessable' | null;
    },
  ): Promise<void>;
  /** An API token, or what should have been one, was refused: counted alone, since nobody guesses one. */
  tokenRefused(cause: string): void;
  /** Neither a key nor a password came over Basic: an old service key, as a rule. In figures alone. */
  keyRefused(): void;
  /** A refused authorisation, once per holder and minute. It is refused, written or not. */
  denied(denial: Denial): Promise<void>;
  /** Writes what was counted in minutes that are over; `all`: in this one, too. */
  settle(which: 'over' | 'all'): Promise<void>;
}

export function auditEvent(occurrence: Occurrence, at: Millis): AuditEvent {
  const { event, actor, address, peer = '', way, target = '', result = 'ok' } = occurrence;
  return { at, event, actor, address, peer: peer === address ? '' : peer, way, target, result, count: 1 };
}

const minuteMs = 60_000;
/** Holders whose last denial is remembered; beyond it the oldest is forgotten, and may be written once more. */
const mostHolders = 4096;

export function recorder(parts: {
  store: Pick<Store, 'recordAttempt' | 'appendAudit'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
  failures: FailureLog;
}): Recorder {
  const { store, clock, log, metrics, failures } = parts;
  const limited = countedAttempts({ event: 'attempts-limited', result: 'limited', store, clock, log });
  const repeated = countedAttempts({ event: 'attempts-repeated', result: 'repeated', store, clock, log });
  /** Monotonic time of the denial that was written last, by holder. */
  const denied = new Map<string, number>();
  const event = (occurrence: Occurrence): AuditEvent => auditEvent(occurrence, clock.now());
  return {
    event,
    passed: (attempted) => metrics.authenticated({ ...attempted, result: 'ok' }),
    limited: ({ way, address }, retryAfterSeconds) => {
      failures.limited(address, retryAfterSeconds);
      metrics.rateLimited(way);
      limited.count(address);
    },
    attempt: (session, way) => ({
      userId: session.userId,
      address: session.address,
      way,
      result: 'ok',
      at: session.createdAt,
    }),
    refused: async (occurrence) => {
      const { userId, cause, address, way, kind, guessed } = occurrence;
      metrics.authenticated({ kind, way, result: cause });
      const attempt = { userId, address, way, result: cause, at: clock.now() };
      if (guessed === null) {
        // It costs nobody anything, so there may be any number of them.
        repeated.count(address);
        await store.recordAttempt(attempt);
        return;
      }
      if (guessed !== 'unguessable') failures.failed(address, guessed);
      log.warn({ event: occurrence.event, address, way, user: userId ?? undefined, cause }, 'authentication failure');
      await Promise.all([store.recordAttempt(attempt), store.appendAudit(event({ ...occurrence, result: cause }))]);
    },
    tokenRefused: (cause) => metrics.authenticated({ kind: 'token', way: 'api-token', result: cause }),
    keyRefused: () => metrics.authenticated({ kind: 'service', way: 'service-key', result: 'unknown' }),
    denied: async ({ holder, ...denial }) => {
      const now = clock.monotonic();
      const last = denied.get(holder);
      if (last !== undefined && now - last < minuteMs) return;
      denied.delete(holder);
      denied.set(holder, now);
      const [oldest] = denied.keys();
      if (denied.size > mostHolders && oldest !== undefined) denied.delete(oldest);
      try {
        await store.appendAudit(event({ event: 'authorisation-refused', ...denial, result: 'forbidden' }));
      } catch (fault) {
        if (!(fault instanceof StoreFault)) throw fault;
        denied.delete(holder);
        log.error({ err: fault }, 'a refused authorisation could not be written to the audit log');
      }
    },
    settle: async (which) => {
      await Promise.all([limited.settle(which), repeated.settle(which)]);
    },
  };
}
