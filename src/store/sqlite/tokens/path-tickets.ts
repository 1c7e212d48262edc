/** Tickets for one path, each good once: spent by one statement. Whether its parent still stands is for whoever spends it. */
import type { DatabaseSync } from 'node:sqlite';
import type { PathTicketRow } from '../../rows.ts';
import type { Store } from '../../store.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function pathTicketWrites(db: DatabaseSync) {
  // Of a user who is gone meanwhile none is kept.
  const insert = db.prepare(`
    INSERT INTO path_tickets (digest, user_id, parent_kind, parent_digest, path, expires_at)
    SELECT ?, id, ?, ?, ?, ? FROM users WHERE id = ?`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM path_tickets WHERE place IN
      (SELECT place FROM path_tickets WHERE parent_digest = ? ORDER BY place DESC LIMIT -1 OFFSET ?)`);
  const spend = db.prepare(`
    DELETE FROM path_tickets WHERE digest = ? AND path = ? AND expires_at > ?
    RETURNING user_id AS userId, parent_kind AS parentKind, parent_digest AS parentDigest, expires_at AS expiresAt`);

  return {
    issuePathTicket({ ticket, cap }: { readonly ticket: PathTicketRow; readonly cap: number }): void {
      const { digest, userId, parent, path, expiresAt } = ticket;
      insert.run(digest, parent.kind, parent.digest, path, expiresAt, userId);
      dropBeyondCap.run(parent.digest, cap);
    },

    spendPathTicket({ digest, path, at }: Argument<'spendPathTicket'>): Outcome<'spendPathTicket'> {
      const spent = spend.get(digest, path, at);
      if (spent === undefined) return { kind: 'invalid' };
      const { userId, parentKind, parentDigest, expiresAt } = spent;
      const parent = { kind: parentKind, digest: parentDigest };
      return { kind: 'spent', ticket: { digest, userId, parent, path, expiresAt } as PathTicketRow };
    },
  };
}
