/** Requests with an Idempotency-Key: who begins, and what came of it. Whose row it is decides, on whatever node. */
import { type IdempotentRow, judged } from '../../idempotent.ts';
import type { IdempotentBeginning, Store } from '../../store.ts';
import type { Work } from '../work.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];

/** Makes the row, or takes one that has ended; whoever else would make it waits for this, and finds it. */
const begin = `
  INSERT INTO idempotent_requests (owner, key, fingerprint, holder, lease_until, made_at, ends_at)
  VALUES ($1, $2, $3, $4, $5, $6, $7)
  ON CONFLICT (owner, key) DO UPDATE SET fingerprint = excluded.fingerprint, holder = excluded.holder,
    lease_until = excluded.lease_until, made_at = excluded.made_at, ends_at = excluded.ends_at, answer = NULL, sealed = ''
  WHERE idempotent_requests.ends_at <= excluded.made_at`;

const columns = 'key, fingerprint, lease_until AS "leaseUntil", answer, sealed';

/** What another node has in hand is passed over: whoever begins next takes it. */
const dropBeyondCap = `
  DELETE FROM idempotent_requests WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotent_requests
    WHERE owner = $1 AND key <> $2 AND (answer IS NOT NULL OR lease_until <= $3) ORDER BY made_at, key
    LIMIT GREATEST(0, (SELECT count(*) FROM idempotent_requests WHERE owner = $1) - $4) FOR UPDATE SKIP LOCKED))`;

export const idempotentWrites = {
  async beginIdempotent(work: Work, given: Argument<'beginIdempotent'>): Promise<IdempotentBeginning> {
    const { owner, key, fingerprint, holder, at, leaseUntil, endsAt, cap, others = [] } = given;
    if (others.length > 0) {
      // Two who begin it under two keys make two rows, neither of which waits for the other: one after another, per owner.
      await work.run('SELECT pg_advisory_xact_lock(hashtextextended($1, 0))', [`sallyport idempotent ${owner}`]);
      const [row] = await work.rows(
        `SELECT ${columns} FROM idempotent_requests WHERE owner = $1 AND key = ANY ($2) AND ends_at > $3 LIMIT 1`,
        [owner, others.map((other) => other.key), at],
      );
      if (row !== undefined) return judged(row as unknown as IdempotentRow, given);
    }
    for (;;) {
      if ((await work.run(begin, [owner, key, fingerprint, holder, leaseUntil, at, endsAt])) > 0) {
        await work.run(dropBeyondCap, [owner, key, at, cap]);
        return { kind: 'begun' };
      }
      const [row] = await work.rows(
        `SELECT ${columns} FROM idempotent_requests
        WHERE owner = $1 AND key = $2`,
        [owner, key],
      );
      if (row !== undefined) return judged(row as unknown as IdempotentRow, given);
      // Freed between the two statements: whoever comes first now begins.
    }
  },

  async keepAnswer(work: Work, { owner, key, holder, answer }: Argument<'keepAnswer'>): Promise<void> {
    await work.run(
      `UPDATE idempotent_requests SET answer = $4, sealed = $5
      WHERE owner = $1 AND key = $2 AND holder = $3 AND answer IS NULL`,
      [owner, key, holder, answer.answer, answer.sealed],
    );
  },

  async freeIdempotent(work: Work, { owner, key, holder }: Argument<'freeIdempotent'>): Promise<void> {
    await work.run('DELETE FROM idempotent_requests WHERE owner = $1 AND key = $2 AND holder = $3 AND answer IS NULL', [
      owner,
      key,
      holder,
    ]);
  },

  /** What is locked is about to be answered, or to go. */
  async renewIdempotent(work: Work, { holder, at, leaseUntil }: Argument<'renewIdempotent'>): Promise<void> {
    await work.run(
      `UPDATE idempotent_requests SET lease_until = GREATEST(lease_until, $2) WHERE ctid = ANY (ARRAY(
        SELECT ctid FROM idempotent_requests WHERE holder = $1 AND answer IS NULL AND lease_until > $3
        FOR UPDATE SKIP LOCKED))`,
      [holder, leaseUntil, at],
    );
  },
};

/** Of an account that goes. */
export async function forgetRequests(work: Work, owner: string): Promise<void> {
  await work.run('DELETE FROM idempotent_requests WHERE owner = $1', [owner]);
}
