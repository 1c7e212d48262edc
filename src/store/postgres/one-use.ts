/** What works once: spent by one statement, first of all, whatever is found wrong with it afterwards. */
import type { Millis, SessionId, UserId } from '../../types.ts';
import type { SessionRow } from '../rows.ts';
import type { Redemption, Store } from '../store.ts';
import type { OneUse } from '../rows.ts';
import type { VolatileSessions } from '../volatile-sessions.ts';
import type { Work } from './work.ts';
import type { SessionParts } from './session-parts.ts';
import { lockUser } from './accounts/user-rows.ts';
import { standingAt } from './volatile.ts';

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

export function oneUseWrites(parts: SessionParts, volatile: VolatileSessions) {
  const liveParent = async (work: Work, id: SessionId, userId: UserId, at: Millis): Promise<Inherited | 'gone'> => {
    // Held until the new session is there, so that whoever ends this one finds it.
    const [row] = await work.rows(
      `SELECT p.credential_generation AS "credentialGeneration", p.boot_id AS "bootId", p.idle_ms AS "idleMs",
        p.expires_at AS "expiresAt", p.authenticated_at AS "authenticatedAt"
      FROM sessions AS p
      JOIN users AS u ON u.id = p.user_id AND u.active AND u.credential_generation = p.credential_generation
      JOIN installation AS i ON i.one = 1 AND p.boot_id IN ('', i.boot_id)
      WHERE p.id = $1 AND p.user_id = $2 AND p.parent_id IS NULL AND p.ends_at > $3 FOR SHARE OF p`,
      [id, userId, at],
    );
    if (row !== undefined) return row as unknown as Inherited;
    const stands = await standingAt(work, await volatile.byId(id), userId, at);
    return stands.kind === 'gone' ? 'gone' : stands.found.session;
  };

  return {
    /** A ticket for a session that has ended meanwhile is dead from the start: redeeming it finds no parent. */
    async issueOneUse(work: Work, { ticket, cap }: { readonly ticket: OneUse; readonly cap: number }): Promise<void> {
      const { purpose, digest, origin, state, expiresAt, sessionId, userId } = ticket;
      await lockUser(work, userId);
      const [row] = await work.rows('SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2', [sessionId, userId]);
      const lookup = row === undefined ? await volatile.byId(sessionId) : null;
      if (lookup !== null && lookup.kind !== 'found') return;
      if (lookup !== null && lookup.found.session.userId !== userId) return;
      await work.run(
        `INSERT INTO one_use_tickets (purpose, digest, user_id, session_id, origin, state, expires_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7)`,
        [purpose, digest, userId, sessionId, origin, state, expiresAt],
      );
      await work.run(
        `DELETE FROM one_use_tickets WHERE place IN (SELECT place FROM one_use_tickets
          WHERE session_id = $1 AND purpose = $2 ORDER BY place DESC OFFSET $3)`,
        [sessionId, purpose, cap],
      );
    },

    async redeemHandOver(work: Work, redemption: Redemption): Promise<Outcome<'redeemHandOver'>> {
      const { digest, origin, state, at, session, audit } = redemption;
      const [owner] = await work.rows(
        `SELECT user_id AS id FROM one_use_tickets WHERE purpose = 'hand-over' AND digest = $1`,
        [digest],
      );
      if (owner === undefined) return { kind: 'invalid' };
      // Before the ticket, as everything that is done to this user's sessions.
      await lockUser(work, owner['id'] as UserId);
      const [spent] = await work.rows(
        `DELETE FROM one_use_tickets WHERE purpose = 'hand-over' AND digest = $1
        RETURNING user_id AS "userId", session_id AS "sessionId", origin, state, expires_at AS "expiresAt"`,
        [digest],
      );
      const ticket = spent as unknown as SpentTicket | undefined;
      if (ticket === undefined) return { kind: 'invalid' };
      // The right host, in time, and the browser that asked; a ticket without a state fits no browser.
      if (ticket.origin !== origin || ticket.expiresAt <= at) return { kind: 'invalid' };
      if (state !== 'not-a-browser' && ticket.state !== state) return { kind: 'invalid' };
      const parent = await liveParent(work, ticket.sessionId, ticket.userId, at);
      if (parent === 'gone') return { kind: 'invalid' };
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
      await parts.insert(work, row);
      work.audit({ ...audit, at, actor: ticket.userId, target: id });
      return { kind: 'redeemed', session: row };
    },

    /** A mark that has expired but was not swept yet still says no: that is the safe side. */
    async claimOnce(work: Work, { purpose, digest, expiresAt }: Argument<'claimOnce'>): Promise<Outcome<'claimOnce'>> {
      const claimed = await work.run(
        'INSERT INTO claims (purpose, digest, expires_at) VALUES ($1, $2, $3) ON CONFLICT (purpose, digest) DO NOTHING',
        [purpose, digest, expiresAt],
      );
      return claimed === 0 ? { kind: 'spent' } : { kind: 'first' };
    },
  };
}
