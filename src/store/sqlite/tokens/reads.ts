/** What is read of API tokens; as the other reads, one statement each (`../reads.ts`). */
import type { DatabaseSync } from 'node:sqlite';
import type { Seq, Username } from '../../../types.ts';
import type { ListedToken, Store } from '../../store.ts';
import { type Row, userColumns, userOf } from '../accounts/user-rows.ts';
import { tokenColumns, tokenOf } from './token-rows.ts';

type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;
type ReadName = 'tokenByDigest' | 'tokenById' | 'tokens';

export type TokenReads = { readonly [K in ReadName]: (...given: Parameters<Store[K]>) => Outcome<K> };

export function tokenReads(db: DatabaseSync): TokenReads {
  // With the change number of the very state the row was read from, as of a session.
  const byDigest = db.prepare(`
    SELECT c.seq AS seq, ${tokenColumns}, ${userColumns}
    FROM change_counter AS c
    LEFT JOIN tokens AS t ON t.place =
      coalesce((SELECT place FROM tokens WHERE digest = ?1), (SELECT place FROM tokens WHERE previous_digest = ?1))
    LEFT JOIN users AS u ON u.id = t.user_id`);
  const byId = db.prepare(`
    SELECT ${tokenColumns}, u.username AS username FROM tokens AS t JOIN users AS u ON u.id = t.user_id WHERE t.id = ?`);
  // A token to go on from that is gone has nothing before it.
  const ofAll = db.prepare(`
    SELECT ${tokenColumns}, u.username AS username FROM tokens AS t CROSS JOIN users AS u ON u.id = t.user_id
    WHERE (:before IS NULL OR t.place < (SELECT place FROM tokens WHERE id = :before))
    ORDER BY t.place DESC LIMIT :limit`);
  const ofOne = db.prepare(`
    SELECT ${tokenColumns}, u.username AS username FROM tokens AS t CROSS JOIN users AS u ON u.id = t.user_id
    WHERE t.user_id = :userId AND (:before IS NULL OR t.place < (SELECT place FROM tokens WHERE id = :before))
    ORDER BY t.place DESC LIMIT :limit`);

  return {
    tokenByDigest: (digest) => {
      const row = byDigest.get(digest);
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      return row['t_id'] === null
        ? { kind: 'unknown', seq }
        : { kind: 'found', token: tokenOf(row), user: userOf(row), seq };
    },
    tokenById: (id) => {
      const row = byId.get(id);
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', ...listedOf(row) };
    },
    tokens: ({ userId, before, limit }) =>
      (userId === null ? ofAll.all({ before, limit }) : ofOne.all({ userId, before, limit })).map(listedOf),
  };
}

function listedOf(row: Row): ListedToken {
  return { token: tokenOf(row), username: row['username'] as Username };
}
