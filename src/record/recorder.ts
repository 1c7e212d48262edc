/**
 * Step 4: write down what happened. One vocabulary for attempts, audit and log, so that nothing is told in two ways.
 * Secrets never come here: the callers have only ids, names of causes and addresses to give.
 */
import type { AuditEvent, SessionRow } from '../store/rows.ts';
import type { Attempt, Store } from '../store/store.ts';
import type { GuessableWay } from '../throttle/limits.ts';
import type { Address, Clock, UserId } from '../types.ts';
import type { Attempted, Metrics } from './metrics.ts';

/** Every kind of thing that is written to the audit log. */
export type EventName =
  | 'setup'
  | 'declined'
  | 'authentication-disabled'
  | 'authentication-enabled'
  | 'setup-code-made'
  | 'signed-in'
  | 'sign-in-refused'
  | 'reauthenticated'
  | 'reauthentication-refused'
  | 'setup-code-refused'
  | 'password-changed'
  | 'session-ended'
  | 'sessions-ended'
  | 'handed-over'
  | 'user-created'
  | 'user-enabled'
  | 'user-disabled'
  | 'privileges-changed'
  | 'device-forgotten'
  | 'blocks-lifted';

export interface Occurrence {
  readonly event: EventName;
  /** Who did it: a user id, or empty for a stranger or the host. */
  readonly actor: UserId | '';
  readonly address: Address;
  readonly way: 'password' | 'session' | 'setup-code' | 'host';
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

export interface Recorder {
  /** An audit row, for the store to write in the same step as the change itself. */
  event(occurrence: Occurrence): AuditEvent;
  /** Somebody was let in. */
  passed(attempted: Omit<Attempted, 'result'>): void;
  /** A try that a limit refused, before anything was looked at. */
  limited(way: GuessableWay): void;
  /** An attempt row that a successful sign-in writes together with its session. */
  attempt(session: SessionRow, way: string): Attempt;
  /** A refused attempt: attempts, audit and log. Throws when it cannot be written. */
  refused(
    occurrence: Occurrence & {
      readonly userId: UserId | null;
      readonly cause: string;
      /** Kind of session asked for, or what else was tried. */
      readonly kind: string;
    },
  ): Promise<void>;
}

export function recorder(parts: {
  store: Pick<Store, 'recordAttempt' | 'appendAudit'>;
  clock: Clock;
  log: Log;
  metrics: Metrics;
}): Recorder {
  const { store, clock, log, metrics } = parts;
  const event = (occurrence: Occurrence): AuditEvent => ({
    at: clock.now(),
    event: occurrence.event,
    actor: occurrence.actor,
    address: occurrence.address,
    way: occurrence.way,
    target: occurrence.target ?? '',
    result: occurrence.result ?? 'ok',
  });
  return {
    event,
    passed: (attempted) => metrics.authenticated({ ...attempted, result: 'ok' }),
    limited: (way) => metrics.rateLimited(way),
    attempt: (session, way) => ({
      userId: session.userId,
      address: session.address,
      way,
      result: 'ok',
      at: session.createdAt,
    }),
    refused: async (occurrence) => {
      const { userId, cause, address, way, kind } = occurrence;
      metrics.authenticated({ kind, way, result: cause });
      log.warn({ event: occurrence.event, address, way, user: userId ?? undefined, cause }, 'authentication failure');
      await Promise.all([
        store.recordAttempt({ userId, address, way, result: cause, at: clock.now() }),
        store.appendAudit(event({ ...occurrence, result: cause })),
      ]);
    },
  };
}
