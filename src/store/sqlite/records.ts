/** What every operation writes beside its own rows: numbered changes, the audit log, attempts, notices. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, Seq, UserId } from '../../types.ts';
import type { AuditEvent, Change, ChangeSubject, NoticeDraft } from '../rows.ts';
import type { Attempt } from '../rows.ts';
import { auditWrites, type AuditWrites } from './audit.ts';

const dayMs = 86_400_000;

export interface Records {
  /** Takes the next number for a change of this subject, in the transaction of the operation that makes it. */
  readonly changed: (subject: ChangeSubject) => void;
  readonly sessionsChanged: (digests: readonly Digest[]) => void;
  readonly userChanged: (userId: UserId) => void;
  /** Takes the chain's next link, in the transaction of the operation it tells of. */
  readonly audit: (event: AuditEvent) => void;
  readonly auditing: Omit<AuditWrites, 'append'>;
  /** Counted into the row of the same user, address, way and result of the same UTC day. */
  readonly attempt: (attempt: Attempt) => void;
  /** For the owner's page and for mail; of a user who is gone there is nobody to tell. */
  readonly notice: (notice: NoticeDraft) => void;
  /** Changes noted since the last `take`; `keep` of them stay when an operation is rolled back. */
  readonly noted: number;
  readonly forgetAfter: (keep: number) => void;
  readonly take: () => readonly Change[];
}

export function records(db: DatabaseSync): Records {
  const nextSeq = db.prepare('UPDATE change_counter SET seq = seq + 1 RETURNING seq');
  const insertChange = db.prepare('INSERT INTO changes (seq, kind, subject) VALUES (?, ?, ?)');
  const auditing = auditWrites(db);
  const countAttempt = db.prepare(`
    INSERT INTO attempts (user_id, address, way, result, day, first_at, last_at, count) VALUES (?, ?, ?, ?, ?, ?, ?, 1)
    ON CONFLICT (user_id, address, way, result, day) DO UPDATE
    SET count = count + 1, first_at = min(first_at, excluded.first_at), last_at = max(last_at, excluded.last_at)`);
  const insertNotice = db.prepare(
    'INSERT INTO notices (user_id, kind, at, address, detail) SELECT id, ?, ?, ?, ? FROM users WHERE id = ?',
  );
  let noted: Change[] = [];

  const changed = (subject: ChangeSubject): void => {
    const seq = Number(nextSeq.get()?.['seq']) as Seq;
    insertChange.run(seq, subject.kind, subjectText(subject));
    noted.push({ seq, subject });
  };

  return {
    changed,
    sessionsChanged: (digests) => {
      for (const digest of digests) changed({ kind: 'session', digest });
    },
    userChanged: (userId) => changed({ kind: 'user', userId }),
    audit: auditing.append,
    auditing,
    attempt: ({ userId, address, way, result, at }) => {
      countAttempt.run(userId ?? '', address, way, result, Math.floor(at / dayMs), at, at);
    },
    notice: ({ userId, kind, at, address, detail }) => {
      insertNotice.run(kind, at, address, detail, userId);
    },
    get noted() {
      return noted.length;
    },
    forgetAfter: (keep) => {
      noted.length = keep;
    },
    take: () => {
      const taken = noted;
      noted = [];
      return taken;
    },
  };
}

function subjectText(subject: ChangeSubject): string {
  if (subject.kind === 'user') return subject.userId;
  return subject.kind === 'session' ? subject.digest : '';
}
