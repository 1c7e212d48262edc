/** Requests with an Idempotency-Key: who begins, and what came of it. One thread writes: whoever finds no row begins. */
import type { DatabaseSync } from 'node:sqlite';
import { type IdempotentRow, judged } from '../../idempotent.ts';
import type { IdempotentBeginning, Store } from '../../store.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];

export function idempotentWrites(db: DatabaseSync) {
  const read = db.prepare(`
    SELECT key, fingerprint, lease_until AS leaseUntil, answer, sealed FROM idempotent_requests
    WHERE owner = ? AND key = ? AND ends_at > ?`);
  // In the place of one that has ended.
  const begin = db.prepare(`
    INSERT OR REPLACE INTO idempotent_requests (owner, key, fingerprint, holder, lease_until, made_at, ends_at)
    VALUES (?, ?, ?, ?, ?, ?, ?)`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM idempotent_requests WHERE rowid IN (SELECT rowid FROM idempotent_requests
      WHERE owner = :owner AND key <> :key AND (answer IS NOT NULL OR lease_until <= :at) ORDER BY made_at, rowid
      LIMIT max(0, (SELECT count(*) FROM idempotent_requests WHERE owner = :owner) - :cap))`);
  const keep = db.prepare(`
    UPDATE idempotent_requests SET answer = ?, sealed = ? WHERE owner = ? AND key = ? AND holder = ? AND answer IS NULL`);
  const free = db.prepare(
    'DELETE FROM idempotent_requests WHERE owner = ? AND key = ? AND holder = ? AND answer IS NULL',
  );
  const renew = db.prepare(`
    UPDATE idempotent_requests SET lease_until = max(lease_until, ?)
    WHERE holder = ? AND answer IS NULL AND lease_until > ?`);

  return {
    beginIdempotent(begun: Argument<'beginIdempotent'>): IdempotentBeginning {
      const { owner, key, fingerprint, holder, at, leaseUntil, endsAt, cap, others = [] } = begun;
      for (const each of [key, ...others.map((other) => other.key)]) {
        const row = read.get(owner, each, at);
        if (row !== undefined) return judged(row as unknown as IdempotentRow, begun);
      }
      begin.run(owner, key, fingerprint, holder, leaseUntil, at, endsAt);
      dropBeyondCap.run({ owner, key, at, cap });
      return { kind: 'begun' };
    },

    keepAnswer({ owner, key, holder, answer }: Argument<'keepAnswer'>): void {
      keep.run(answer.answer, answer.sealed, owner, key, holder);
    },

    freeIdempotent({ owner, key, holder }: Argument<'freeIdempotent'>): void {
      free.run(owner, key, holder);
    },

    renewIdempotent({ holder, at, leaseUntil }: Argument<'renewIdempotent'>): void {
      renew.run(leaseUntil, holder, at);
    },
  };
}
