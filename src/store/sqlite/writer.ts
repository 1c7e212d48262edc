/**
 * The writer thread. Takes groups of operations, runs each in its own savepoint inside one transaction, and answers when
 * the group is on disk: one flush for many writes, and a slow disk never stops the event loop (3-rules, State).
 */
import type { DatabaseSync, StatementSync } from 'node:sqlite';
import { parentPort, workerData } from 'node:worker_threads';
import type { Change } from '../rows.ts';
import { causeOf, connect, standingAfter, textOf, troubleOf } from './file/database-file.ts';
import { accountParts } from './accounts/account-parts.ts';
import { challengeWrites } from './accounts/challenges.ts';
import { factorWrites } from './accounts/factors.ts';
import { linkWrites } from './accounts/links.ts';
import { userWrites } from './accounts/users.ts';
import { chainOldRows } from './audit.ts';
import { guessingWrites, networkParts } from './guessing.ts';
import { installationWrites } from './installation.ts';
import { keyWrites } from './keys.ts';
import { oneUseWrites } from './one-use.ts';
import { type Records, records } from './records.ts';
import { sessionParts, sessionWrites } from './sessions.ts';
import { pathTicketWrites } from './tokens/path-tickets.ts';
import { signedTicketWrites } from './tokens/signed-tickets.ts';
import { tokenWrites } from './tokens/tokens.ts';
import { upkeepWrites } from './upkeep.ts';
import { idempotentWrites } from './writes/idempotent.ts';
import { togetherWrites } from './writes/together.ts';

export type WriteOperations = ReturnType<typeof writeOperations>;
export type WriteName = keyof WriteOperations;

export interface Call {
  readonly name: WriteName;
  readonly argument: unknown;
}

export type Order = { readonly kind: 'close' } | { readonly kind: 'group'; readonly calls: readonly Call[] };

/** A fault as it travels between threads. */
export interface Fault {
  readonly message: string;
  readonly resultCode: number | undefined;
}

export type CallOutcome =
  | { readonly kind: 'failed'; readonly fault: Fault }
  | { readonly kind: 'done'; readonly value: unknown };

/** One outcome per call, in their order, and what they changed. */
interface GroupReport {
  readonly kind: 'group';
  readonly outcomes: readonly CallOutcome[];
  readonly changes: readonly Change[];
  /** The write lock was another program's until the busy time-out: nothing was done. Null otherwise. */
  readonly locked: Fault | null;
}

export type Report =
  | { readonly kind: 'unusable'; readonly trouble: ReturnType<typeof troubleOf> }
  | { readonly kind: 'open' }
  | GroupReport
  | { readonly kind: 'closed'; readonly fault: Fault | null };

export interface WriterData {
  readonly path: string;
}

function writeOperations(db: DatabaseSync, noting: Records) {
  const parts = { ...sessionParts(db, noting), ...networkParts(db), ...accountParts(db) };
  const users = userWrites(db, noting, parts);
  const tokens = tokenWrites(db, noting);
  return {
    ...installationWrites(db, noting, parts),
    ...keyWrites(db, noting),
    ...users,
    ...challengeWrites(db, noting),
    ...factorWrites(db, noting, parts),
    ...linkWrites(db, noting, parts),
    ...sessionWrites(db, noting, parts),
    ...tokens,
    ...pathTicketWrites(db),
    ...signedTicketWrites(db, noting),
    ...oneUseWrites(db, noting, parts),
    ...togetherWrites(db, noting, { ...users, ...tokens }),
    ...idempotentWrites(db),
    ...guessingWrites(db, noting, parts),
    ...upkeepWrites(db, noting, parts),
    recordAttempt: noting.attempt,
    appendAudit: noting.audit,
    putCheckpoint: noting.auditing.putCheckpoint,
  };
}

interface Connection {
  readonly db: DatabaseSync;
  readonly noting: Records;
  readonly operations: WriteOperations;
  readonly steps: Readonly<Record<'begin' | 'commit' | 'mark' | 'unmark' | 'backToMark', StatementSync>>;
}

function open(path: string): Connection {
  const db = connect(path, 'write');
  chainOldRows(db);
  const noting = records(db);
  return {
    db,
    noting,
    operations: writeOperations(db, noting),
    steps: {
      begin: db.prepare('BEGIN IMMEDIATE'),
      commit: db.prepare('COMMIT'),
      mark: db.prepare('SAVEPOINT operation'),
      unmark: db.prepare('RELEASE operation'),
      backToMark: db.prepare('ROLLBACK TO operation'),
    },
  };
}

/** Fails alone: what this operation did and noted is undone, the rest of the group goes on. */
function runOne({ db, noting, operations, steps }: Connection, { name, argument }: Call): CallOutcome {
  const noted = noting.noted;
  steps.mark.run();
  try {
    const operation = operations[name] as (argument: unknown) => unknown;
    const value = operation(argument);
    steps.unmark.run();
    return { kind: 'done', value };
  } catch (fault) {
    // Some faults end the transaction by themselves, and some leave it in doubt: then the whole group has failed.
    if (!db.isTransaction || standingAfter(fault) !== 'sound') throw fault;
    steps.backToMark.run();
    steps.unmark.run();
    noting.forgetAfter(noted);
    return { kind: 'failed', fault: faultOf(fault) };
  }
}

function runGroup(connection: Connection, calls: readonly Call[]): GroupReport {
  connection.steps.begin.run();
  const outcomes = calls.map((call) => runOne(connection, call));
  connection.steps.commit.run();
  return { kind: 'group', outcomes, changes: connection.noting.take(), locked: null };
}

/** Nothing of a group that did not reach the disk is reported as done. */
function groupFailed(calls: readonly Call[], fault: unknown): GroupReport {
  const told = faultOf(fault);
  const locked = causeOf(fault) === 'locked' ? told : null;
  return { kind: 'group', outcomes: calls.map(() => ({ kind: 'failed', fault: told })), changes: [], locked };
}

function faultOf(fault: unknown): Fault {
  const resultCode = fault instanceof Error && 'errcode' in fault ? Number(fault.errcode) : undefined;
  return { message: textOf(fault), resultCode };
}

function serve(path: string, report: (report: Report) => void): (order: Order) => void {
  let connection: Connection | null = open(path);

  const answer = (calls: readonly Call[]): GroupReport => {
    try {
      connection ??= open(path);
      return runGroup(connection, calls);
    } catch (fault) {
      if (connection !== null) giveUp(connection, fault);
      return groupFailed(calls, fault);
    }
  };

  /** After a fault of the disk the connection's memory is not trusted again: the next group begins with a new one. */
  const giveUp = (failed: Connection, fault: unknown): void => {
    let inDoubt = standingAfter(fault) === 'in-doubt';
    failed.noting.take();
    try {
      if (failed.db.isTransaction) failed.db.exec('ROLLBACK');
    } catch {
      // Not even rolled back: nothing of this connection is believed any more.
      inDoubt = true;
    }
    if (inDoubt) {
      connection = null;
      try {
        failed.db.close();
      } catch {
        // Given up all the same; the thread lives on, and the next group begins anew.
      }
    }
  };

  const close = (): Fault | null => {
    const last = connection;
    connection = null;
    try {
      last?.db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
      return null;
    } catch (fault) {
      return faultOf(fault);
    } finally {
      last?.db.close();
    }
  };

  return (order) => {
    report(order.kind === 'group' ? answer(order.calls) : { kind: 'closed', fault: close() });
  };
}

const port = parentPort;
if (port !== null) {
  const { path } = workerData as WriterData;
  try {
    const take = serve(path, (report) => port.postMessage(report));
    port.on('message', (order: Order) => {
      take(order);
      if (order.kind === 'close') port.close();
    });
    port.postMessage({ kind: 'open' } satisfies Report);
  } catch (fault) {
    port.postMessage({ kind: 'unusable', trouble: troubleOf(fault, path) } satisfies Report);
    port.close();
  }
}
