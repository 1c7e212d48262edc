/**
 * Brings the schema to this version: numbered files, all that are missing in one transaction, under a lock that only one
 * node holds, so that several may start in the same second. Expand, then contract, as with the other engine.
 */
import { Client, DatabaseError } from 'pg';
import type { Migration } from '../../migrations.ts';
import { clientConfig, type PostgresPlace } from './database.ts';

export type MigrationOutcome =
  | { readonly kind: 'newer-schema'; readonly detail: string }
  | { readonly kind: 'not-ours'; readonly detail: string }
  /** By the name that the database was given when it was made. */
  | { readonly kind: 'named'; readonly name: string };

/** "SPRT": nobody else's lock in this database. */
const lockNumber = 0x53505254;
const duplicateTable = '42P07';
/** Longest wait for another node's migration, and for a statement of ours. */
const patienceMs = 120_000;

export async function migrate(place: PostgresPlace, migrations: readonly Migration[]): Promise<MigrationOutcome> {
  const client = new Client({ ...clientConfig(place), query_timeout: patienceMs });
  // Told to whoever waits for the statement.
  client.on('error', () => undefined);
  await client.connect();
  try {
    await client.query('BEGIN');
    await client.query('SELECT pg_advisory_xact_lock($1)', [lockNumber]);
    await client.query('CREATE TABLE IF NOT EXISTS sallyport_schema (version integer PRIMARY KEY)');
    const { rows } = await client.query<{ version: number | null }>(
      'SELECT max(version) AS version FROM sallyport_schema',
    );
    const from = rows[0]?.version ?? 0;
    if (from > migrations.length) {
      await client.query('ROLLBACK');
      const detail = `database ${place.database} was written by a newer version (schema ${from}, this one knows ${migrations.length}): use that version, or restore an older copy`;
      return { kind: 'newer-schema', detail };
    }
    for (const { version, sql } of migrations.slice(from)) {
      await client.query(sql);
      await client.query('INSERT INTO sallyport_schema (version) VALUES ($1)', [version]);
    }
    const named = await client.query<{ name: string }>('SELECT name FROM this_database');
    await client.query('COMMIT');
    const name = named.rows[0]?.name;
    if (name === undefined) throw new Error('the name of the database is gone');
    return { kind: 'named', name };
  } catch (fault) {
    if (!(fault instanceof DatabaseError) || fault.code !== duplicateTable) throw fault;
    return {
      kind: 'not-ours',
      detail: `database ${place.database} holds tables of another program: Sallyport needs a database, or a schema, of its own`,
    };
  } finally {
    // Whatever was not committed goes with the connection.
    await client.end().catch(() => undefined);
  }
}
