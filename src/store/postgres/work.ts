/** What an operation has in hand: its transaction, and what it notes for the end of it (`records.ts`). */
import type { Digest, UserId } from '../../types.ts';
import type { AuditEvent, ChangeSubject, UserRow } from '../rows.ts';
import type { Transaction } from './server/database.ts';

/** One operation's transaction, with what it notes. */
export interface Work extends Transaction {
  /** Name of this node: whose chain, whose setup code. */
  readonly node: string;
  readonly changed: (subject: ChangeSubject) => void;
  readonly sessionsChanged: (digests: readonly Digest[]) => void;
  readonly userChanged: (userId: UserId) => void;
  /** `leaving`: somebody who is gone when it is written, and keeps the name. */
  readonly audit: (event: AuditEvent, leaving?: UserRow) => void;
  /** Gives what forgets all that is noted from here on: changes, events, tidying up. */
  readonly mark: () => () => void;
  /** Tidying up that is done once this is on disk, and that may fail. */
  readonly after: (task: () => Promise<void>) => void;
}
