/**
 * The PostgreSQL engine: any number of nodes over one database, none of which owns it. Operations are transactions over a
 * pool; changes are read over a connection of their own. Whatever cannot be reached or answered in time is a fault, and
 * whoever asked refuses.
 */
import { tell, type Listening } from '../listening.ts';
import type { Bus } from '../bus.ts';
import { type Store, StoreFault } from '../store.ts';
import type { VolatileSessions } from '../volatile-sessions.ts';
import { beginChain } from './audit.ts';
import { connectDatabase, type Database, faultOf, type PostgresPlace, textOf } from './server/database.ts';
import { nodeGoneMs } from './installation.ts';
import { type Migration, shippedMigrations } from '../migrations.ts';
import { migrate, type MigrationOutcome } from './server/migrate.ts';
import { type News, openNews } from './server/news.ts';
import { writeOperations } from './operations.ts';
import { reads } from './reads.ts';
import { noting } from './records.ts';
import type { Work } from './work.ts';

export interface PostgresParts {
  readonly place: PostgresPlace;
  /** Name of this node, the same after a restart: whose audit chain, whose setup code. */
  readonly node: string;
  readonly volatile: VolatileSessions;
  /** Tells the other nodes of a change, where the database does not. */
  readonly bus: Bus;
  /** What went wrong beside any operation; one line. */
  readonly onTrouble: (what: string) => void;
}

export type PostgresOpening =
  | { readonly kind: 'unreachable'; readonly detail: string }
  | { readonly kind: 'opened'; readonly store: Store };

/** How often a node says that it runs. */
const heartbeatMs = nodeGoneMs / 3;
/** How long connections that do not answer are waited for at the end. */
const partingMs = 2000;

/** Brings the schema to this version, whichever node is first. Migrations: those that ship; others only in tests. */
export async function databaseName(
  place: PostgresPlace,
  migrations: readonly Migration[] = shippedMigrations('postgres'),
): Promise<MigrationOutcome | Extract<PostgresOpening, { kind: 'unreachable' }>> {
  try {
    return await migrate(place, migrations);
  } catch (fault) {
    return unreachable(fault);
  }
}

/** Of a database whose schema is this version's. */
export async function openPostgresStore(parts: PostgresParts): Promise<PostgresOpening> {
  const { place, node, onTrouble } = parts;
  let db: Database | undefined;
  try {
    db = connectDatabase(place, (fault) => onTrouble(`a connection to the database was lost: ${textOf(fault)}`));
    await db.transaction((transaction) => beginChain(transaction, node));
    const hearing = new Set<() => void>();
    const hear = (): void => {
      for (const listener of hearing) listener();
    };
    const news = await openNews(place, hear, onTrouble);
    parts.bus.onNews(hear);
    return { kind: 'opened', store: storeOver(parts, db, news, hearing) };
  } catch (fault) {
    await db?.close();
    return unreachable(fault);
  }
}

function unreachable(fault: unknown): Extract<PostgresOpening, { kind: 'unreachable' }> {
  return { kind: 'unreachable', detail: `the database cannot be used: ${textOf(fault)}` };
}

function storeOver(
  { node, volatile, bus, onTrouble }: PostgresParts,
  db: Database,
  news: News,
  hearing: Set<() => void>,
): Store {
  const operations = writeOperations(volatile);
  const read = reads(db, news, node, volatile);
  const listeners = new Set<Listening>();
  const underWay = new Set<Promise<unknown>>();
  let writes = 0;
  let closed: Promise<void> | null = null;
  let proof: Promise<void> | null = null;
  let beating: NodeJS.Timeout | undefined;

  const checkOpen = (name: string): void => {
    if (closed !== null) throw new StoreFault(`Cannot ${name}: the store is closed`);
  };

  const answering =
    <Given extends readonly unknown[], Answer>(name: string, ask: (...given: Given) => Promise<Answer>) =>
    async (...given: Given): Promise<Answer> => {
      checkOpen(`read ${name}`);
      try {
        return await ask(...given);
      } catch (fault) {
        throw faultOf(`read ${name}`, fault);
      }
    };

  type Name = keyof typeof operations;
  type ArgumentOf<K extends Name> = Parameters<(typeof operations)[K]>[1];
  type OutcomeOf<K extends Name> = ReturnType<(typeof operations)[K]>;

  const run = async <K extends Name>(name: K, argument: ArgumentOf<K>): Promise<Awaited<OutcomeOf<K>>> => {
    const operation = operations[name] as (work: Work, argument: unknown) => OutcomeOf<K>;
    try {
      const { outcome, changes, tasks } = await db.transaction(async (transaction) => {
        const noted = noting(transaction, node, news.passing);
        const result = await operation(noted.work, argument);
        return { outcome: result, changes: await noted.finish(), tasks: noted.tasks };
      });
      writes += 1;
      if (changes.length > 0) {
        tell(listeners, changes);
        bus.tell();
      }
      for (const task of tasks) void task().catch((fault: unknown) => onTrouble(textOf(fault)));
      return outcome;
    } catch (fault) {
      throw faultOf(name, fault);
    }
  };

  const write = async <K extends Name>(name: K, argument: ArgumentOf<K>): Promise<Awaited<OutcomeOf<K>>> => {
    checkOpen(name);
    const running = run(name, argument);
    underWay.add(running);
    return running.finally(() => underWay.delete(running));
  };

  /** Every operation by its name; where the contract has other arguments, they are put together below. */
  const written = Object.fromEntries(
    Object.keys(operations).map((name) => [name, (argument: never) => write(name as Name, argument)]),
  ) as unknown as { readonly [K in Name]: (argument: ArgumentOf<K>) => Promise<Awaited<OutcomeOf<K>>> };

  /** A node that says nothing for long is taken for gone (`installation.ts`). */
  const beat = async (): Promise<void> => {
    try {
      await news.rows(
        'INSERT INTO nodes (id, seen_at) VALUES ($1, clock_timestamp()) ON CONFLICT (id) DO UPDATE SET seen_at = excluded.seen_at',
        [node],
      );
    } catch (fault) {
      onTrouble(`the database could not be told that this node runs: ${textOf(fault)}`);
    }
  };

  const close = async (): Promise<void> => {
    clearInterval(beating);
    // What was asked for is finished; each is bounded by its own time-outs.
    await Promise.allSettled(underWay);
    const ends = (async () => {
      if (beating !== undefined) await news.rows('DELETE FROM nodes WHERE id = $1', [node]).catch(() => undefined);
      await Promise.all([news.close(), db.close()]);
    })();
    const late = new Promise<void>((resolve) => setTimeout(resolve, partingMs).unref());
    await Promise.race([ends, late]);
  };

  return {
    installation: answering('the installation', read.installation),
    setupCode: answering('the setup code', read.setupCode),
    userByName: answering('a user', read.userByName),
    userById: answering('a user', read.userById),
    users: answering('users', read.users),
    usersOfRealm: answering('usersOfRealm', read.usersOfRealm),
    challenge: answering('a challenge', read.challenge),
    factorsOf: answering('factors', read.factorsOf),
    recoveryCode: answering('a recovery code', read.recoveryCode),
    enrolment: answering('an enrolment', read.enrolment),
    passkeyById: answering('a passkey', read.passkeyById),
    link: answering('a link', read.link),
    notices: answering('notices', read.notices),
    sessionByDigest: answering('a session', read.sessionByDigest),
    sessionsOf: answering('sessions', read.sessionsOf),
    tokenByDigest: answering('a token', read.tokenByDigest),
    tokenById: answering('a token', read.tokenById),
    tokens: answering('tokens', read.tokens),
    ticketHolder: answering('a ticket', read.ticketHolder),
    deviceByDigest: answering('a device', read.deviceByDigest),
    devicesOf: answering('devices', read.devicesOf),
    attempts: answering('attempts', read.attempts),
    networkStanding: answering('a network', read.networkStanding),
    limits: answering('limits', read.limits),
    auditHead: answering('the audit log', read.auditHead),
    auditHeads: answering('the audit log', read.auditHeads),
    auditEvents: answering('the audit log', read.auditEvents),
    auditPage: answering('the audit log', read.auditPage),
    keys: answering('keys', read.keys),
    keyUses: answering('keys', read.keyUses),
    sealedElsewhere: answering('sealed values', read.sealedElsewhere),
    liveSessions: answering('sessions', read.liveSessions),
    changesSince: answering('changes', read.changesSince),
    figures: () => ({ waiting: db.waiting() + underWay.size, writes }),

    ...written,
    beginBoot: async (bootId, at) => {
      const begun = await write('beginBoot', { bootId, at });
      clearInterval(beating);
      beating = setInterval(() => void beat(), heartbeatMs);
      beating.unref();
      return begun;
    },
    createUser: (user, audit) => write('createUser', { user, audit }),
    openChallenge: (challenge, cap) => write('openChallenge', { challenge, cap }),
    spendChallenge: (digest, at) => write('spendChallenge', { digest, at }),
    unlockTotp: (userId, audit) => write('unlockTotp', { userId, audit }),
    putLink: (link, audit) => write('putLink', { link, audit }),
    dismissNotices: (userId, upTo) => write('dismissNotices', { userId, upTo }),
    writeTogether: (writes, which) => write('writeTogether', { writes, which }),
    issuePathTicket: (ticket, cap) => write('issuePathTicket', { ticket, cap }),
    issueOneUse: (ticket, cap) => write('issueOneUse', { ticket, cap }),

    onChange: (listener) => {
      const listening = { listener };
      listeners.add(listening);
      return () => listeners.delete(listening);
    },
    onNews: (listener) => {
      const hears = (): void => listener();
      hearing.add(hears);
      return () => hearing.delete(hears);
    },
    ready: async () => {
      try {
        // Whoever asks while a proof is under way shares it: asking often costs the database nothing.
        proof ??= write('proveWriting', undefined).finally(() => {
          proof = null;
        });
        await proof;
        return { kind: 'ready' };
      } catch (fault) {
        return { kind: 'unready', reason: textOf(fault) };
      }
    },
    close: () => {
      closed ??= close();
      return closed;
    },
  };
}
