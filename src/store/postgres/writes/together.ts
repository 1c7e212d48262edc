/** Several writes in the transaction of one: each by the very operation of its name. */
import type { TokenId, UserId } from '../../../types.ts';
import type { Write, WriteOutcome } from '../../store.ts';
import { concluded, type Single } from '../../together.ts';
import type { Work } from '../work.ts';

/** "SPRN": whoever makes several accounts. */
const namesLock = 0x5350524e;

/**
 * All that the writes lock one by one, here in an order that every node keeps to: of two that write the same rows together one
 * waits, whatever order each writes them in. Names that are about to be taken have no rows to lock: those who make several
 * accounts wait for each other.
 */
async function lockAhead(work: Work, writes: readonly Write[]): Promise<void> {
  if (writes.filter(({ write }) => write === 'createUser').length > 1)
    await work.run('SELECT pg_advisory_xact_lock($1)', [namesLock]);
  const users = writes.flatMap(userOf);
  const admins = new Set(writes.flatMap(adminPrivilegeOf));
  if (users.length > 0)
    await work.run(
      'SELECT 1 FROM users WHERE id = ANY ($1) OR (active AND privileges && $2::text[]) ORDER BY id FOR NO KEY UPDATE',
      [users, [...admins]],
    );
  const tokens = writes.flatMap(tokenOf);
  if (tokens.length > 0) await work.run('SELECT 1 FROM tokens WHERE id = ANY ($1) ORDER BY id FOR UPDATE', [tokens]);
}

/** Whose row the operation locks. */
function userOf(each: Write): readonly UserId[] {
  switch (each.write) {
    case 'updateUser':
    case 'deleteUser':
      return [each.given.userId];
    case 'createToken':
      return [each.given.token.userId];
    case 'createUser':
    case 'updateToken':
    case 'deleteToken':
      return [];
  }
}

/** Whose holders the operation may lock as well. */
function adminPrivilegeOf(each: Write): readonly string[] {
  return each.write === 'updateUser' || each.write === 'deleteUser' ? [each.given.adminPrivilege] : [];
}

function tokenOf(each: Write): readonly TokenId[] {
  return each.write === 'updateToken' || each.write === 'deleteToken' ? [each.given.id] : [];
}

export function togetherWrites(single: Single<[Work], Promise<WriteOutcome>>) {
  const make = (work: Work, { write, given }: Write): Promise<WriteOutcome> => {
    const operation = single[write] as (work: Work, given: Write['given']) => Promise<WriteOutcome>;
    return operation(work, given);
  };

  return {
    async writeTogether(
      work: Work,
      { writes, which }: { readonly writes: readonly Write[]; readonly which: 'each' | 'all' },
    ): Promise<readonly WriteOutcome[]> {
      await lockAhead(work, writes);
      const forget = work.mark();
      if (which === 'all') await work.run('SAVEPOINT together');
      const made: WriteOutcome[] = [];
      for (const write of writes) made.push(await make(work, write));
      const { kind, outcomes } = concluded(made, which);
      if (kind === 'taken-back') {
        await work.run('ROLLBACK TO SAVEPOINT together');
        forget();
      }
      return outcomes;
    },
  };
}
