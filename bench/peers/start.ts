/**
 * Peer of P7: better-auth on a database that is there already, from the first line to the first answer.
 *
 *   start.ts DATABASE PORT [migrate]
 */

import { createServer } from 'node:http';
import { DatabaseSync } from 'node:sqlite';
import { betterAuth } from 'better-auth';
import { toNodeHandler } from 'better-auth/node';

const [, , file = '', port, migrate] = process.argv;
const database = new DatabaseSync(file);
database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
const options = {
  database,
  secret: 'a secret of the length that the peer asks for, 32 characters or more',
  baseURL: `http://127.0.0.1:${port}`,
  emailAndPassword: { enabled: true },
  rateLimit: { enabled: false },
  telemetry: { enabled: false },
  logger: { disabled: true },
};
if (migrate !== undefined) {
  // Loaded only here: a start on a database that is up to date does not need it.
  const { getMigrations } = await import('better-auth/db/migration');
  await (await getMigrations(options)).runMigrations();
}
createServer(toNodeHandler(betterAuth(options))).listen(Number(port), '127.0.0.1');
