/**
 * C1: the figures that `docs/capacity.md` calculates with: what a session and a user cost the database, how look-ups, sign-ins
 * and revocations of one node and of two go, with more and more of them. No goals: an input, not a promise.
 */

import type { Cores } from './measure/cores.ts';
import { noBus } from '../src/store/bus.ts';
import { databaseName, openPostgresStore } from '../src/store/postgres/open.ts';
import { noVolatileSessions } from '../src/store/volatile-sessions.ts';
import type { AuditEvent, SessionRow } from '../src/store/rows.ts';
import type { Store } from '../src/store/store.ts';
import type { Address, Digest, Millis, SessionId, UserId } from '../src/types.ts';
import { startPostgres, type TestDatabase, type TestPostgres } from '../test/support/postgres.ts';
import { table, whole } from './measure/table.ts';
import type { Rounds } from './measure/compare.ts';

/** Seconds of each kind of load at each size. */
export const C1_ROUNDS: Rounds = { rounds: 1, seconds: 3, warmUp: 0 };

const sizes = [10_000, 100_000, 1_000_000] as const;
const usersPerSession = 0.1;
const inFlight = 16;
const now = Date.now() as Millis;
const address = '203.0.113.7' as Address;

export async function c1(_cores: Cores, { seconds }: Rounds): Promise<string> {
  const postgres = await startPostgres();
  const stores: Store[] = [];
  try {
    const database = await postgres.createDatabase();
    for (const node of ['node-one', 'node-two']) stores.push(await openNode(database, node));
    const rows: string[][] = [];
    let had = 0;
    for (const size of sizes) {
      await fill(postgres, database, had, size);
      had = size;
      const bytes = await sizeOf(postgres, database);
      const rates = [];
      for (const nodes of [stores.slice(0, 1), stores])
        for (const load of [lookUp(size), signIn(size), signOut]) rates.push(await rateOf(nodes, load, seconds));
      const [look = 0, open = 0, end = 0, , openTwo = 0, endTwo = 0] = rates;
      rows.push([
        whole(size),
        whole(bytes.sessions / size),
        whole(bytes.users / (size * usersPerSession)),
        ...[look, open, openTwo, end, endTwo].map(whole),
      ]);
    }
    return [
      `C1  PostgreSQL with ${inFlight} in flight a node, ${seconds} s each; nodes, database and load share this machine`,
      '',
      table([
        [
          'sessions',
          'B a session',
          'B a user',
          'first looks/s',
          'sign-ins/s',
          'by two nodes',
          'in and out/s',
          'by two nodes',
        ],
        ...rows,
      ]),
      '',
      'Bytes with indexes. A sign-in is the whole transaction without the password hash; a sign-out takes a number of the',
      'change counter, which one transaction at a time may hold. Looks are for sessions that no node has in memory.',
    ].join('\n');
  } finally {
    await Promise.all(stores.map((store) => store.close()));
    await postgres.remove();
  }
}

async function openNode(database: TestDatabase, node: string): Promise<Store> {
  const place = { ...database.place, tls: 'off', connections: 10, timeoutMs: 30_000 } as const;
  const named = await databaseName(place);
  if (named.kind !== 'named') throw new Error(named.detail);
  const opened = await openPostgresStore({
    place,
    node,
    volatile: noVolatileSessions,
    bus: noBus,
    onTrouble: (what) => console.error(what),
  });
  if (opened.kind !== 'opened') throw new Error(opened.detail);
  return opened.store;
}

const userOf = (session: number): number => Math.floor(session * usersPerSession);
const digestOf = (session: number): Digest => `digest-of-session-${String(session).padStart(25, '0')}` as Digest;

async function fill(postgres: TestPostgres, database: TestDatabase, from: number, to: number): Promise<void> {
  const [firstUser, lastUser] = [userOf(from), userOf(to) - 1];
  await postgres.sql(
    `INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, credential_generation, created_at)
    SELECT 'u_' || lpad(n::text, 22, '0'), 'user' || n, 'User ' || n, 'user' || n || '@example.org', '{read}', '{}', true, repeat('s', 200), 1, ${now}
    FROM generate_series(${firstUser}, ${lastUser}) AS n`,
    database.name,
  );
  await postgres.sql(
    `INSERT INTO sessions (id, digest, user_id, kind, transport, credential_generation, boot_id, created_at, last_seen_at, idle_ms, expires_at, authenticated_at, address, user_agent)
    SELECT 's_' || lpad(n::text, 22, '0'), 'digest-of-session-' || lpad(n::text, 25, '0'), 'u_' || lpad(floor(n * ${usersPerSession})::text, 22, '0'),
      'account', 'cookie', 1, '', ${now}, ${now}, 86400000, ${now + 30 * 86_400_000}, ${now}, '203.0.113.7', repeat('a', 110)
    FROM generate_series(${from}, ${to - 1}) AS n`,
    database.name,
  );
  await postgres.sql('VACUUM ANALYZE', database.name);
}

async function sizeOf(postgres: TestPostgres, database: TestDatabase): Promise<{ sessions: number; users: number }> {
  const [row] = await postgres.sql(
    "SELECT pg_total_relation_size('sessions') AS sessions, pg_total_relation_size('users') AS users",
    database.name,
  );
  return { sessions: Number(row?.['sessions']), users: Number(row?.['users']) };
}

type Load = (store: Store) => Promise<unknown>;
let made = 0;

const lookUp =
  (size: number): Load =>
  (store) =>
    store.sessionByDigest(digestOf(Math.floor(Math.random() * size)));

const audit = (event: string): AuditEvent => ({
  at: now,
  event,
  actor: '',
  address,
  peer: '',
  way: 'password',
  target: '',
  result: 'ok',
  count: 1,
});

async function open(store: Store, size: number): Promise<SessionRow> {
  made += 1;
  const session: SessionRow = {
    id: `s_new_${made}` as SessionId,
    digest: `digest-of-new-${made}` as Digest,
    userId: `u_${String(Math.floor(Math.random() * userOf(size))).padStart(22, '0')}` as UserId,
    kind: 'account',
    transport: 'cookie',
    credentialGeneration: 1,
    bootId: '',
    parentId: null,
    origin: null,
    createdAt: now,
    lastSeenAt: now,
    idleMs: 86_400_000,
    expiresAt: (now + 30 * 86_400_000) as Millis,
    authenticatedAt: now,
    address,
    userAgent: 'bench',
  };
  await store.openSession({
    opening: { session, cap: 100 },
    device: null,
    deviceCap: 10,
    network: { network: `${address}/32`, at: now, cap: 100 },
    attempt: { userId: session.userId, address, way: 'password', result: 'ok', at: now },
    audit: audit('signed-in'),
    newDevice: null,
  });
  return session;
}

const signIn =
  (size: number): Load =>
  (store) =>
    open(store, size);

/** Of one made for it: a sign-in and a sign-out together. */
const signOut: Load = async (store) => {
  const { id, userId } = await open(store, sizes[0]);
  await store.endSession({ id, userId, audit: audit('signed-out') });
};

async function rateOf(nodes: readonly Store[], load: Load, seconds: number): Promise<number> {
  const until = performance.now() + seconds * 1000;
  let done = 0;
  const worker = async (store: Store): Promise<void> => {
    while (performance.now() < until) {
      await load(store);
      done += 1;
    }
  };
  await Promise.all(nodes.flatMap((store) => Array.from({ length: inFlight }, () => worker(store))));
  return done / seconds;
}
