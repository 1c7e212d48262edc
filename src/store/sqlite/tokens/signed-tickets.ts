/** Signed tickets that are over before their time: a row until they would be by themselves (3-rules, Tickets). */
import type { DatabaseSync } from 'node:sqlite';
import type { Seq } from '../../../types.ts';
import type { Store } from '../../store.ts';
import { userColumns, userOf } from '../accounts/user-rows.ts';
import type { Records } from '../records.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function signedTicketWrites(db: DatabaseSync, noting: Records) {
  const insert = db.prepare(
    'INSERT INTO revoked_tickets (digest, expires_at) VALUES (?, ?) ON CONFLICT (digest) DO NOTHING',
  );

  return {
    revokeTicket({ digest, expiresAt, audit }: Argument<'revokeTicket'>): Outcome<'revokeTicket'> {
      if (insert.run(digest, expiresAt).changes === 0) return { kind: 'revoked-before' };
      noting.sessionsChanged([digest]);
      noting.audit(audit);
      return { kind: 'revoked' };
    },
  };
}

export function signedTicketReads(db: DatabaseSync) {
  // One statement, with the change number of the very state it was read from, as of a session.
  const holder = db.prepare(`
    SELECT c.seq AS seq, EXISTS (SELECT 1 FROM revoked_tickets WHERE digest IN (?, ?)) AS revoked, ${userColumns}
    FROM change_counter AS c LEFT JOIN users AS u ON u.id = ?`);

  return {
    ticketHolder: ({ userId, serial, shown }: Argument<'ticketHolder'>): Outcome<'ticketHolder'> => {
      const row = holder.get(serial, shown, userId);
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      if (row['revoked'] === 1) return { kind: 'revoked', seq };
      return row['u_id'] === null ? { kind: 'unknown', seq } : { kind: 'found', user: userOf(row), seq };
    },
  };
}
