/** What is read of API tokens; as the other reads, one statement each (`../reads.ts`). */
import type { Seq, Username } from '../../../types.ts';
import type { ListedToken, Store, TokenLookup } from '../../store.ts';
import { userColumns, userOf } from '../accounts/user-rows.ts';
import type { Database, Row } from '../server/database.ts';
import { tokenColumns, tokenOf } from './token-rows.ts';

type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function tokenReads({ rows }: Pick<Database, 'rows'>) {
  return {
    /** With the change number of the very state the row was read from, as of a session. */
    tokenByDigest: async (...[digest]: Parameters<Store['tokenByDigest']>): Promise<TokenLookup> => {
      const [row] = await rows(
        `SELECT c.seq, ${tokenColumns}, ${userColumns} FROM change_counter AS c
        LEFT JOIN tokens AS t ON t.place =
          coalesce((SELECT place FROM tokens WHERE digest = $1), (SELECT place FROM tokens WHERE previous_digest = $1))
        LEFT JOIN users AS u ON u.id = t.user_id WHERE c.one = 1`,
        [digest],
      );
      if (row === undefined) throw new Error('the row of the change counter is gone');
      const seq = row['seq'] as Seq;
      return row['t_id'] === null
        ? { kind: 'unknown', seq }
        : { kind: 'found', token: tokenOf(row), user: userOf(row), seq };
    },

    tokenById: async (...[id]: Parameters<Store['tokenById']>): Promise<Outcome<'tokenById'>> => {
      const [row] = await rows(
        `SELECT ${tokenColumns}, u.username FROM tokens AS t JOIN users AS u ON u.id = t.user_id WHERE t.id = $1`,
        [id],
      );
      return row === undefined ? { kind: 'unknown' } : { kind: 'found', ...listedOf(row) };
    },

    /** A token to go on from that is gone has nothing before it. */
    tokens: async (...[{ userId, before, limit }]: Parameters<Store['tokens']>): Promise<readonly ListedToken[]> => {
      const found = await rows(
        `SELECT ${tokenColumns}, u.username FROM tokens AS t JOIN users AS u ON u.id = t.user_id
        WHERE ($1::text IS NULL OR t.user_id = $1)
          AND ($2::text IS NULL OR t.place < (SELECT place FROM tokens WHERE id = $2))
        ORDER BY t.place DESC LIMIT $3`,
        [userId, before, limit],
      );
      return found.map(listedOf);
    },
  };
}

function listedOf(row: Row): ListedToken {
  return { token: tokenOf(row), username: row['username'] as Username };
}
