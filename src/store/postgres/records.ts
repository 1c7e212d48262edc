/**
 * What every operation writes beside its own rows: attempts, notices, the audit log, numbered changes. The last two are written at
 * the end of the transaction and in this order, since each holds a lock until the commit: the chain's head, which only
 * this node takes, and the counter, which all nodes take.
 */
import type { Seq } from '../../types.ts';
import type { AuditEvent, Change, ChangeSubject, NoticeDraft, UserRow } from '../rows.ts';
import type { Attempt } from '../rows.ts';
import { appendAudit } from './audit.ts';
import type { Work } from './work.ts';
import type { Transaction } from './server/database.ts';
import { channel } from './server/news.ts';

const dayMs = 86_400_000;

export interface Noted {
  readonly work: Work;
  /** Writes what was noted; gives the changes with their numbers. */
  finish(): Promise<readonly Change[]>;
  readonly tasks: readonly (() => Promise<void>)[];
}

/** `news`: whether the server can tell other nodes of a change by itself. */
export function noting(transaction: Transaction, node: string, news: 'notify' | 'none'): Noted {
  const subjects: ChangeSubject[] = [];
  const events: AuditEvent[] = [];
  const leaving: UserRow[] = [];
  const tasks: (() => Promise<void>)[] = [];
  const changed = (subject: ChangeSubject): void => void subjects.push(subject);
  return {
    work: {
      ...transaction,
      node,
      changed,
      sessionsChanged: (digests) => {
        for (const digest of digests) changed({ kind: 'session', digest });
      },
      userChanged: (userId) => changed({ kind: 'user', userId }),
      audit: (event, user) => {
        events.push(event);
        if (user !== undefined) leaving.push(user);
      },
      after: (task) => void tasks.push(task),
      mark: () => {
        const lists: readonly unknown[][] = [subjects, events, leaving, tasks];
        const lengths = lists.map(({ length }) => length);
        return () => lists.forEach((list, at) => void list.splice(lengths[at] ?? 0));
      },
    },
    tasks,
    finish: async () => {
      if (events.length > 0) await appendAudit(transaction, node, events, leaving);
      return subjects.length > 0 ? number(transaction, subjects, news) : [];
    },
  };
}

async function number(
  transaction: Transaction,
  subjects: readonly ChangeSubject[],
  news: 'notify' | 'none',
): Promise<readonly Change[]> {
  const newsColumns = news === 'notify' ? `, pg_notify('${channel}', '')` : '';
  const [counted] = await transaction.rows(
    `WITH counted AS (UPDATE change_counter SET seq = seq + $1 RETURNING seq),
      noted AS (INSERT INTO changes (seq, kind, subject)
        SELECT counted.seq - $1 + each.place, each.kind, each.subject
        FROM counted, unnest($2::text[], $3::text[]) WITH ORDINALITY AS each (kind, subject, place))
    SELECT seq ${newsColumns} FROM counted`,
    [subjects.length, subjects.map(({ kind }) => kind), subjects.map(subjectText)],
  );
  if (counted === undefined) throw new Error('the row of the change counter is gone');
  const first = Number(counted['seq']) - subjects.length + 1;
  return subjects.map((subject, place) => ({ seq: (first + place) as Seq, subject }));
}

function subjectText(subject: ChangeSubject): string {
  switch (subject.kind) {
    case 'installation':
      return '';
    case 'user':
      return subject.userId;
    case 'session':
      return subject.digest;
    case 'limits':
      return subject.lifted;
  }
}

/** Counted into the row of the same user, address, way and result of the same UTC day. */
export async function countAttempt(work: Work, { userId, address, way, result, at }: Attempt): Promise<void> {
  await work.run(
    `INSERT INTO attempts (user_id, address, way, result, day, first_at, last_at, count) VALUES ($1, $2, $3, $4, $5, $6, $6, 1)
    ON CONFLICT (user_id, address, way, result, day) DO UPDATE SET count = attempts.count + 1,
      first_at = LEAST(attempts.first_at, excluded.first_at), last_at = GREATEST(attempts.last_at, excluded.last_at)`,
    [userId ?? '', address, way, result, Math.floor(at / dayMs), at],
  );
}

/** For the owner's page and for mail; of a user who is gone there is nobody to tell. */
export async function putNotice(work: Work, { userId, kind, at, address, detail }: NoticeDraft): Promise<void> {
  await work.run(
    `INSERT INTO notices (user_id, kind, at, address, detail)
    SELECT id, $2, $3, $4, $5 FROM users WHERE id = $1 FOR KEY SHARE`,
    [userId, kind, at, address, detail],
  );
}
