/** What works once: spent by one statement, first of all, whatever is found wrong with it afterwards. */
import type { DatabaseSync } from 'node:sqlite';
import type { SessionId, UserId } from '../../types.ts';
import type { SessionRow } from '../rows.ts';
import type { Redemption, Store } from '../store.ts';
import type { OneUse } from '../rows.ts';
import type { Records } from './records.ts';
import type { SessionParts } from './sessions.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** A ticket as it was just before it was spent. */
interface SpentTicket {
  readonly userId: UserId;
  readonly sessionId: SessionId;
  readonly origin: string;
  readonly state: string | null;
  readonly expiresAt: number;
}

/** What an `app` session takes from the session it is made from. */
type Inherited = Pick<SessionRow, 'credentialGeneration' | 'bootId' | 'idleMs' | 'expiresAt' | 'authenticatedAt'>;

export function oneUseWrites(db: DatabaseSync, noting: Records, parts: SessionParts) {
  // A ticket for a session that has ended meanwhile is dead from the start, and is not kept.
  const insert = db.prepare(`
    INSERT INTO one_use_tickets (purpose, digest, user_id, session_id, origin, state, expires_at)
    SELECT ?, ?, user_id, id, ?, ?, ? FROM sessions WHERE id = ? AND user_id = ?`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM one_use_tickets WHERE place IN
      (SELECT place FROM one_use_tickets WHERE session_id = ? AND purpose = ? ORDER BY place DESC LIMIT -1 OFFSET ?)`);
  const spend = db.prepare(`
    DELETE FROM one_use_tickets WHERE purpose = 'hand-over' AND digest = ?
    RETURNING user_id AS userId, session_id AS sessionId, origin, state, expires_at AS expiresAt`);
  const liveParent = db.prepare(`
    SELECT p.credential_generation AS credentialGeneration, p.boot_id AS bootId, p.idle_ms AS idleMs, p.expires_at AS expiresAt,
      p.authenticated_at AS authenticatedAt
    FROM sessions AS p
    JOIN users AS u ON u.id = p.user_id AND u.active = 1 AND u.credential_generation = p.credential_generation
    JOIN installation AS i ON p.boot_id IN ('', i.boot_id)
    WHERE p.id = ? AND p.user_id = ? AND p.parent_id IS NULL AND p.ends_at > ?`);
  const claim = db.prepare(
    'INSERT INTO claims (purpose, digest, expires_at) VALUES (?, ?, ?) ON CONFLICT (purpose, digest) DO NOTHING',
  );

  return {
    issueOneUse({ ticket, cap }: { readonly ticket: OneUse; readonly cap: number }): void {
      const { purpose, digest, origin, state, expiresAt, sessionId, userId } = ticket;
      insert.run(purpose, digest, origin, state, expiresAt, sessionId, userId);
      dropBeyondCap.run(sessionId, purpose, cap);
    },

    redeemHandOver({ digest, origin, state, at, session, audit }: Redemption): Outcome<'redeemHandOver'> {
      const ticket = spend.get(digest) as unknown as SpentTicket | undefined;
      if (ticket === undefined) return { kind: 'invalid' };
      // The right host, in time, and the browser that asked; a ticket without a state fits no browser.
      if (ticket.origin !== origin || ticket.expiresAt <= at) return { kind: 'invalid' };
      if (state !== 'not-a-browser' && ticket.state !== state) return { kind: 'invalid' };
      const parent = liveParent.get(ticket.sessionId, ticket.userId, at) as unknown as Inherited | undefined;
      if (parent === undefined) return { kind: 'invalid' };
      const { id, digest: token, address, userAgent } = session;
      const row: SessionRow = {
        id,
        digest: token,
        userId: ticket.userId,
        kind: 'app',
        transport: 'cookie',
        credentialGeneration: parent.credentialGeneration,
        bootId: parent.bootId,
        parentId: ticket.sessionId,
        origin,
        createdAt: at,
        lastSeenAt: at,
        idleMs: parent.idleMs,
        expiresAt: parent.expiresAt,
        authenticatedAt: parent.authenticatedAt,
        address,
        userAgent,
      };
      parts.insert(row);
      noting.audit({ ...audit, at, actor: ticket.userId, target: id });
      return { kind: 'redeemed', session: row };
    },

    /** A mark that has expired but was not swept yet still says no: that is the safe side. */
    claimOnce({ purpose, digest, expiresAt }: Argument<'claimOnce'>): Outcome<'claimOnce'> {
      return claim.run(purpose, digest, expiresAt).changes === 0 ? { kind: 'spent' } : { kind: 'first' };
    },
  };
}
