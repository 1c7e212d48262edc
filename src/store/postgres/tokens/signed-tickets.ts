/** Signed tickets that are over before their time: a row until they would be by themselves (3-rules, Tickets). */
import type { Seq } from '../../../types.ts';
import type { Store } from '../../store.ts';
import { userColumns, userOf } from '../accounts/user-rows.ts';
import type { Database } from '../server/database.ts';
import type { Work } from '../work.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export const signedTicketWrites = {
  async revokeTicket(
    work: Work,
    { digest, expiresAt, audit }: Argument<'revokeTicket'>,
  ): Promise<Outcome<'revokeTicket'>> {
    const inserted = await work.run(
      'INSERT INTO revoked_tickets (digest, expires_at) VALUES ($1, $2) ON CONFLICT (digest) DO NOTHING',
      [digest, expiresAt],
    );
    if (inserted === 0) return { kind: 'revoked-before' };
    work.changed({ kind: 'session', digest });
    work.audit(audit);
    return { kind: 'revoked' };
  },
};

export function signedTicketReads(db: Pick<Database, 'rows'>) {
  return {
    ticketHolder: async ({ userId, serial, shown }: Argument<'ticketHolder'>): Promise<Outcome<'ticketHolder'>> => {
      const [row] = await db.rows(
        `SELECT c.seq, EXISTS (SELECT 1 FROM revoked_tickets WHERE digest IN ($1, $2)) AS revoked, ${userColumns}
         FROM change_counter AS c
         LEFT JOIN users AS u ON u.id = $3 WHERE c.one = 1`,
        [serial, shown, userId],
      );
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      if (row['revoked'] === true) return { kind: 'revoked', seq };
      return row['u_id'] === null ? { kind: 'unknown', seq } : { kind: 'found', user: userOf(row), seq };
    },
  };
}
