/**
 * A data folder with very many sessions, ten a user, all of them good: copies of one that the real server made. Written
 * while no server is running, since signing in a million times would take hours.
 */

import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { digest } from '../../src/crypto/digest.ts';
import { type Account, sessionOf, startSallyport } from './server.ts';
import { temporaryFolder } from '../measure/temporary.ts';

export interface ManySessions {
  readonly data: string;
  readonly admin: Account;
  /** Name of the cookie that carries them. */
  readonly cookie: string;
  readonly count: number;
}

/** How the users' names begin. */
export const OWNERS = 'owner-';

/** Fewer than memory holds, so that all of them stay known. */
export const MOST_KNOWN = 200_000;

const SESSIONS_A_USER = 10;

export async function manySessions(count: number): Promise<ManySessions> {
  const data = temporaryFolder();
  const server = await startSallyport({ core: null, data });
  const [cookie = '', token = ''] = (await sessionOf(server)).split('=');
  await server.stop();
  const db = new DatabaseSync(join(data, 'sallyport.db'));
  try {
    db.exec('PRAGMA synchronous = OFF; BEGIN');
    const user = db.prepare(`
      INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password, credential_generation, created_at)
      SELECT ?, ?, display_name, email, '["read"]', groups, active, sealed_password, credential_generation, created_at
      FROM users WHERE username = ?`);
    const session = db.prepare(`
      INSERT INTO sessions (id, digest, user_id, kind, transport, credential_generation, boot_id, parent_id, origin, created_at,
        last_seen_at, idle_ms, expires_at, authenticated_at, address, user_agent)
      SELECT ?, ?, ?, kind, transport, credential_generation, boot_id, parent_id, origin, created_at, last_seen_at, idle_ms,
        expires_at, authenticated_at, address, user_agent
      FROM sessions WHERE digest = ?`);
    const source = digest(token);
    for (let at = 0; at < count; at += 1) {
      const owner = Math.floor(at / SESSIONS_A_USER);
      const ownerId = `u_${digest(`owner ${owner}`).slice(0, 22)}`;
      if (at % SESSIONS_A_USER === 0) user.run(ownerId, `${OWNERS}${owner}`, server.admin.username);
      session.run(`s_${digest(`id ${at}`).slice(0, 22)}`, digest(tokenOf(at)), ownerId, source);
    }
    db.exec('COMMIT; ANALYZE');
    db.exec('PRAGMA wal_checkpoint(TRUNCATE)');
  } finally {
    db.close();
  }
  return { data, admin: server.admin, cookie, count };
}

/** Cookie headers of `wanted` of `count` sessions, all over the table; the same ones each time. */
export function cookiesOf(name: string, count: number, wanted: number): readonly string[] {
  // Has no factor in common with a power of ten: no session comes twice.
  const stride = 611_953;
  return Array.from({ length: Math.min(wanted, count) }, (_, at) => `${name}=${tokenOf((at * stride) % count)}`);
}

/** As long as a real one, of the same letters. */
function tokenOf(at: number): string {
  return digest(`token ${at}`);
}
