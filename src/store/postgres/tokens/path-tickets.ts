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
    const { digest, userId, parent, path, expiresAt } = ticket;
    // Of a user who is gone meanwhile none is kept.
    if ((await lockUser(work, userId)).kind === 'unknown') return;
    await work.run(
      `INSERT INTO path_tickets (digest, user_id, parent_kind, parent_digest, path, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6)`,
      [digest, userId, parent.kind, parent.digest, path, expiresAt],
    );
    await work.run(
      `DELETE FROM path_tickets WHERE place IN
        (SELECT place FROM path_tickets WHERE parent_digest = $1 ORDER BY place DESC OFFSET $2)`,
      [parent.digest, cap],
    );
  },

  async spendPathTicket(
    work: Work,
    { digest, path, at }: Argument<'spendPathTicket'>,
  ): Promise<Outcome<'spendPathTicket'>> {
    const [spent] = await work.rows(
      `DELETE FROM path_tickets WHERE digest = $1 AND path = $2 AND expires_at > $3
      RETURNING user_id AS "userId", parent_kind AS "parentKind", parent_digest AS "parentDigest", expires_at AS "expiresAt"`,
      [digest, path, at],
    );
    if (spent === undefined) return { kind: 'invalid' };
    const { userId, parentKind, parentDigest, expiresAt } = spent;
    const parent = { kind: parentKind, digest: parentDigest };
    return { kind: 'spent', ticket: { digest, userId, parent, path, expiresAt } as PathTicketRow };
  },
};
