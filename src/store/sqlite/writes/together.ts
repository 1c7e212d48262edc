/** Several writes in the transaction of one: each by the very operation of its name. */
import type { DatabaseSync } from 'node:sqlite';
import type { Write, WriteOutcome } from '../../store.ts';
import { concluded, type Single } from '../../together.ts';
import type { Records } from '../records.ts';

export function togetherWrites(db: DatabaseSync, noting: Records, single: Single<[], WriteOutcome>) {
  const mark = db.prepare('SAVEPOINT together');
  const unmark = db.prepare('RELEASE together');
  const backToMark = db.prepare('ROLLBACK TO together');

  const make = ({ write, given }: Write): WriteOutcome => {
    const operation = single[write] as (given: Write['given']) => WriteOutcome;
    return operation(given);
  };

  return {
    writeTogether({
      writes,
      which,
    }: {
      readonly writes: readonly Write[];
      readonly which: 'each' | 'all';
    }): readonly WriteOutcome[] {
      const noted = noting.noted;
      // A fault leaves it open: the whole operation is taken back then, and this with it.
      mark.run();
      const { kind, outcomes } = concluded(writes.map(make), which);
      if (kind === 'taken-back') {
        backToMark.run();
        noting.forgetAfter(noted);
      }
      unmark.run();
      return outcomes;
    },
  };
}
