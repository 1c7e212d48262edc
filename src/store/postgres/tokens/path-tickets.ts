/** Tickets for one path, each good once: spent by one statement. Whether its parent still stands is for whoever spends it. */
import type { PathTicketRow } from '../../rows.ts';
import type { Store } from '../../store.ts';
import { lockUser } from '../accounts/user-rows.ts';
import type { Work } from '../work.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export const pathTicketWrites = {
  async issuePathTicket(
    work: Work,
    { ticket, cap }: { readonly ticket: PathTicketRow; readonly cap: number },
  ): Promise<void> {
    const { digest, userId, parent, path, privileges, port, expiresAt } = ticket;
    // Of a user who is gone meanwhile none is kept.
    if ((await lockUser(work, userId)).kind === 'unknown') return;
    await work.run(
      `INSERT INTO path_tickets (digest, user_id, parent_kind, parent_digest, path, privileges, port, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8)`,
      [digest, userId, parent.kind, parent.digest, path, privileges, port, expiresAt],
    );
    await work.run(
      `DELETE FROM path_tickets WHERE place IN
        (SELECT place FROM path_tickets WHERE parent_digest = $1 ORDER BY place DESC OFFSET $2)`,
      [parent.digest, cap],
    );
  },

  async spendPathTicket(work: Work, spending: Argument<'spendPathTicket'>): Promise<Outcome<'spendPathTicket'>> {
    const { digest, path, port, at } = spending;
    const [spent] = await work.rows(
      `DELETE FROM path_tickets WHERE digest = $1 AND path = $2 AND expires_at > $3
        AND port IS NOT DISTINCT FROM $4::integer AND privileges @> $5::text[]
      RETURNING user_id AS "userId", parent_kind AS "parentKind", parent_digest AS "parentDigest", privileges,
        expires_at AS "expiresAt"`,
      [digest, path, at, port, spending.privileges],
    );
    if (spent === undefined) return { kind: 'invalid' };
    const { userId, parentKind, parentDigest, privileges, expiresAt } = spent;
    const parent = { kind: parentKind, digest: parentDigest };
    return { kind: 'spent', ticket: { digest, userId, parent, path, privileges, port, expiresAt } as PathTicketRow };
  },
};
