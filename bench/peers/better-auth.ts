/**
 * better-auth as its documentation sets it up with SQLite, and in its favour where there is a choice: WAL, no rate limiter,
 * no telemetry, no log, and `node:sqlite`, with which it is faster than with better-sqlite3 (P1 shows both).
 */

import { mkdtempSync, rmSync } from 'node:fs';
import { randomBytes } from 'node:crypto';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import BetterSqlite from 'better-sqlite3';

export const EMAIL = 'alice@example.org';

export interface PasswordFunctions {
  readonly hash: (password: string) => Promise<string>;
  readonly verify: (data: { hash: string; password: string }) => Promise<boolean>;
}

/** Its own password functions unless others are given. */
interface Opening {
  readonly cookieCache?: boolean;
  readonly driver?: string;
  readonly password?: PasswordFunctions | Record<string, never>;
}

/** With one user, who has a session. */
export async function signedUp(cookieCache: boolean, driver = 'node:sqlite') {
  const auth = await opened({ cookieCache, driver });
  const { headers } = await auth.api.signUpEmail({
    body: { name: 'Alice', email: EMAIL, password: randomBytes(16).toString('hex') },
    returnHeaders: true,
  });
  const cookie = headers
    .getSetCookie()
    .map((line) => line.slice(0, line.indexOf(';')))
    .join('; ');
  return { auth, cookie };
}

export async function opened(opening: Opening) {
  const options = optionsOf(opening);
  await (await getMigrations(options)).runMigrations();
  return betterAuth(options);
}

/** Its tables are still to be made. */
export function optionsOf({ cookieCache = false, driver = 'node:sqlite', password = {} }: Opening) {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-bench-'));
  process.once('exit', () => rmSync(folder, { recursive: true, force: true }));
  const file = join(folder, 'auth.db');
  const database = driver === 'better-sqlite3' ? new BetterSqlite(file) : new DatabaseSync(file);
  database.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = NORMAL');
  return {
    database,
    secret: randomBytes(32).toString('base64url'),
    baseURL: 'http://127.0.0.1',
    emailAndPassword: { enabled: true, password },
    session: { cookieCache: { enabled: cookieCache, maxAge: 24 * 60 * 60 } },
    rateLimit: { enabled: false },
    telemetry: { enabled: false },
    logger: { disabled: true },
  };
}
