/**
 * What the product stands on in the HTTP suite (`npm test` runs it on each): SQLite, a PostgreSQL database, that and Valkey,
 * or two nodes over both with a balancer in front. `SALLYPORT_TEST_STORE` says which, also by hand.
 */
import { sharedPostgres, type TestDatabase } from './postgres.ts';
import { startValkey, type TestValkey } from './valkey.ts';

export type Footing = 'sqlite' | 'postgres' | 'valkey' | 'nodes';

const footings: readonly string[] = ['sqlite', 'postgres', 'valkey', 'nodes'] satisfies readonly Footing[];

/** Asked for anew each time: a file that runs suites on another footing says so before it loads them. */
export function footing(): Footing {
  const asked = process.env['SALLYPORT_TEST_STORE'] ?? 'sqlite';
  if (!footings.includes(asked)) throw new TypeError(`SALLYPORT_TEST_STORE is one of ${footings.join(', ')}`);
  return asked as Footing;
}

let valkey: Promise<TestValkey> | undefined;

export function sharedValkey(): Promise<TestValkey> {
  valkey ??= startValkey();
  return valkey;
}

/** A server that starts again in its folder finds its database again. */
const databases = new Map<string, Promise<TestDatabase>>();

/** The settings that give the server of that data folder what it stands on. */
export async function settingsFor(data: string): Promise<Readonly<Record<string, string>>> {
  if (footing() === 'sqlite') return {};
  let database = databases.get(data);
  if (database === undefined) {
    database = sharedPostgres().then((server) => server.createDatabase());
    databases.set(data, database);
  }
  const url = { SALLYPORT_DATABASE: (await database).url };
  return footing() === 'postgres' ? url : { ...url, SALLYPORT_VALKEY: (await sharedValkey()).url };
}

/** Those of a server that was started in that folder. */
export async function knownSettingsFor(data: string): Promise<Readonly<Record<string, string>>> {
  return databases.has(data) ? settingsFor(data) : {};
}

export async function forgetFooting(data: string): Promise<void> {
  const database = databases.get(data);
  databases.delete(data);
  await (await database)?.drop();
}
