/**
 * Connections to PostgreSQL and what runs over them: single reads, and transactions that are one store operation each.
 * Only what certainly did nothing is tried again: a transaction that the server took back for another one's sake, and a
 * connection that was dead before the first statement. A commit whose answer is lost stays in doubt and is a fault.
 */
import { Pool, types, type ClientConfig, type PoolClient } from 'pg';
import type { OutwardTls } from '../../../crypto/certificates/outward.ts';
import { StoreFault } from '../../store.ts';

export type Row = Readonly<Record<string, unknown>>;

/** Where the server is and how it is spoken to; everything of it read and checked already. */
export interface PostgresPlace {
  /** Name, address, or the folder of a unix socket. */
  readonly host: string;
  readonly port: number;
  readonly user: string;
  readonly password: string;
  readonly database: string;
  /** `off`: plain text. Else the server must be who it should be; there is no second try without TLS. */
  readonly tls: 'off' | OutwardTls;
  /** Connections held at most, the one for news not among them. */
  readonly connections: number;
  /** Longest wait for a connection, and for each answer. */
  readonly timeoutMs: number;
}

/** A transaction while it runs: nothing but its own statements can be waited for. */
export interface Transaction {
  readonly rows: (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** Tells how many rows were touched. */
  run(text: string, values?: readonly unknown[]): Promise<number>;
}

export interface Database {
  readonly rows: (text: string, values?: readonly unknown[]) => Promise<readonly Row[]>;
  /** Whole or not at all; on disk when it resolves. `operation` may run more than once, and must only touch the transaction. */
  transaction<T>(operation: (transaction: Transaction) => Promise<T>): Promise<T>;
  /** Waiting for a connection now. */
  waiting(): number;
  close(): Promise<void>;
}

/** How often what did nothing is tried. */
const tries = 5;

export function clientConfig(place: PostgresPlace): ClientConfig {
  const { host, port, user, password, database, tls, timeoutMs } = place;
  return {
    host,
    port,
    user,
    password,
    database,
    application_name: 'sallyport',
    connectionTimeoutMillis: timeoutMs,
    // Also counts where nothing comes back at all: a cut line says nothing by itself.
    query_timeout: timeoutMs,
    keepAlive: true,
    // The name is checked by the client: the host's, by which it is told apart from others at the same address, too.
    ssl: tls === 'off' ? false : tls,
    types: { getTypeParser: parserOf },
  };
}

const bigint = 20;

/** Times, counts and numbers of changes all fit in a double. */
function parserOf(oid: number, format?: 'text' | 'binary'): (text: string) => unknown {
  return oid === bigint ? Number : types.getTypeParser(oid, format);
}

export function connectDatabase(place: PostgresPlace, onIdleFault: (fault: Error) => void): Database {
  const pool = new Pool({ ...clientConfig(place), max: place.connections, idleTimeoutMillis: 60_000 });
  // A connection that dies while nobody uses it: the pool has dropped it already.
  pool.on('error', onIdleFault);
  let closed: Promise<void> | null = null;

  const rows = async (text: string, values: readonly unknown[] = []): Promise<readonly Row[]> => {
    for (let tried = 1; ; tried += 1) {
      try {
        return (await pool.query<Row>(text, [...values])).rows;
      } catch (fault) {
        if (tried < tries && (isLost(fault) === 'lost' || wasTakenBack(fault) === 'taken-back')) continue;
        throw fault;
      }
    }
  };

  const begin = `
    BEGIN ISOLATION LEVEL READ COMMITTED;
    SET LOCAL statement_timeout = ${place.timeoutMs};
    SET LOCAL lock_timeout = ${place.timeoutMs};
    SET LOCAL idle_in_transaction_session_timeout = ${2 * place.timeoutMs}`;

  const attempt = async <T>(
    operation: (transaction: Transaction) => Promise<T>,
  ): Promise<
    { readonly kind: 'did-nothing'; readonly fault: unknown } | { readonly kind: 'done'; readonly value: T }
  > => {
    const client = await pool.connect();
    // Between here and the release its faults reach us through what we wait for.
    client.on('error', ignore);
    const release = (broken?: Error): void => {
      client.off('error', ignore);
      client.release(broken);
    };
    let step: 'before-commit' | 'commit' = 'before-commit';
    try {
      await client.query(begin);
      const value = await operation(transactionOver(client));
      step = 'commit';
      await client.query('COMMIT');
      release();
      return { kind: 'done', value };
    } catch (fault) {
      release(step === 'commit' ? asError(fault) : await takeBack(client, fault));
      if (wasTakenBack(fault) === 'taken-back') return { kind: 'did-nothing', fault };
      // Without its COMMIT the server forgets the transaction together with the connection.
      if (step === 'before-commit' && isLost(fault) === 'lost') return { kind: 'did-nothing', fault };
      throw fault;
    }
  };

  return {
    rows,
    transaction: async (operation) => {
      for (let tried = 1; ; tried += 1) {
        const outcome = await attempt(operation);
        if (outcome.kind === 'done') return outcome.value;
        if (tried >= tries) throw outcome.fault;
        await new Promise((resolve) => setTimeout(resolve, 2 ** tried));
      }
    },
    waiting: () => pool.waitingCount,
    close: () => {
      closed ??= pool.end();
      return closed;
    },
  };
}

/** Undefined where the connection is as good as new. */
async function takeBack(client: PoolClient, fault: unknown): Promise<Error | undefined> {
  if (isLost(fault) === 'lost') return asError(fault);
  try {
    await client.query('ROLLBACK');
    return undefined;
  } catch (rollback) {
    return asError(rollback);
  }
}

function transactionOver(client: PoolClient): Transaction {
  return {
    rows: async (text, values = []) => (await client.query<Row>(text, [...values])).rows,
    run: async (text, values = []) => (await client.query(text, [...values])).rowCount ?? 0,
  };
}

function codeOf(fault: unknown): string {
  return fault instanceof Error && 'code' in fault ? String(fault.code) : '';
}

/** Serialization failure, deadlock: the server took the whole transaction back, and says so. */
function wasTakenBack(fault: unknown): 'taken-back' | 'other' {
  return ['40001', '40P01'].includes(codeOf(fault)) ? 'taken-back' : 'other';
}

/** The connection is gone: the server ended it, or it broke. What is answered slowly, or not at all, was waited for long enough. */
function isLost(fault: unknown): 'lost' | 'other' {
  const code = codeOf(fault);
  if (['57P01', '57P02', '57P03', 'ECONNRESET', 'EPIPE'].includes(code) || code.startsWith('08')) return 'lost';
  if (!(fault instanceof Error) || /timeout/.test(fault.message)) return 'other';
  return /^Connection terminated|not queryable/.test(fault.message) ? 'lost' : 'other';
}

function asError(fault: unknown): Error {
  return fault instanceof Error ? fault : new Error(String(fault));
}

const ignore = (): void => undefined;

/** The one line of a fault that a log may hold: never a value of a statement, which may be anything. */
export function textOf(fault: unknown): string {
  const error = asError(fault);
  const inner = error instanceof AggregateError ? error.errors.map((each) => asError(each).message).join('; ') : '';
  return error.message === '' ? inner || codeOf(fault) || 'no reason given' : error.message;
}

export function faultOf(name: string, fault: unknown): StoreFault {
  return fault instanceof StoreFault ? fault : new StoreFault(`Cannot ${name}: ${textOf(fault)}`, { cause: fault });
}
