/** Tickets for one path, each good once: spent by one statement. Whether its parent still stands is for whoever spends it. */
import type { DatabaseSync } from 'node:sqlite';
import type { PathTicketRow } from '../../rows.ts';
import type { Store } from '../../store.ts';
import { list } from '../accounts/user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function pathTicketWrites(db: DatabaseSync) {
  // Of a user who is gone meanwhile none is kept.
  const insert = db.prepare(`
    INSERT INTO path_tickets (digest, user_id, parent_kind, parent_digest, path, privileges, port, expires_at)
    SELECT ?, id, ?, ?, ?, ?, ?, ? FROM users WHERE id = ?`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM path_tickets WHERE place IN
      (SELECT place FROM path_tickets WHERE parent_digest = ? ORDER BY place DESC LIMIT -1 OFFSET ?)`);
  const spend = db.prepare(`
    DELETE FROM path_tickets WHERE digest = ? AND path = ? AND expires_at > ? AND port IS ?
      AND NOT EXISTS (SELECT 1 FROM json_each(?) WHERE value NOT IN (SELECT value FROM json_each(privileges)))
    RETURNING user_id AS userId, parent_kind AS parentKind, parent_digest AS parentDigest, privileges, expires_at AS expiresAt`);

  return {
    issuePathTicket({ ticket, cap }: { readonly ticket: PathTicketRow; readonly cap: number }): void {
      const { digest, userId, parent, path, privileges, port, expiresAt } = ticket;
      insert.run(digest, parent.kind, parent.digest, path, JSON.stringify(privileges), port, expiresAt, userId);
      dropBeyondCap.run(parent.digest, cap);
    },

    spendPathTicket(spending: Argument<'spendPathTicket'>): Outcome<'spendPathTicket'> {
      const { digest, path, port, at } = spending;
      const spent = spend.get(digest, path, at, port, JSON.stringify(spending.privileges));
      if (spent === undefined) return { kind: 'invalid' };
      const { userId, parentKind, parentDigest, expiresAt } = spent;
      const parent = { kind: parentKind, digest: parentDigest };
      const privileges = list(spent['privileges']);
      return { kind: 'spent', ticket: { digest, userId, parent, path, privileges, port, expiresAt } as PathTicketRow };
    },
  };
}
