/**
 * Upkeep: removes what expired, a bounded amount per call: what is left waits for the next. Every node does this; what
 * another one has in hand is passed over.
 */
import type { Millis, SessionId, UserId } from '../../types.ts';
import { noteUnanswered, type Unanswered } from './accounts/challenges.ts';
import { cutAudit } from './audit.ts';
import type { Work } from './work.ts';
import type { SessionParts } from './session-parts.ts';
import { sweepTokens } from './tokens/tokens.ts';

const rowsPerCall = 1000;
/** Fewer: each takes rows of other tables and a change along. */
const sessionsPerCall = 250;
const tokensPerCall = 250;
/** So long its owner is still shown that a token has expired. */
const tokensMs = 90 * 86_400_000;
const attemptsKept = 100_000;
const attemptsMs = 90 * 86_400_000;
const noticesMs = 90 * 86_400_000;
const changesMs = 3_600_000;
/** Marks of what is used stay a day longer than what they mark: so far back a clock may be set, and it stays used. */
const claimsMs = 86_400_000;
/** Networks are looked at with the time they are known for; rows are kept a while longer. */
const networksMs = 91 * 86_400_000;

/** What expired, by table: what goes, and how long it stays after its end. */
const expired: readonly (readonly [statement: string, keptMs: number])[] = [
  [
    `DELETE FROM one_use_tickets WHERE ctid = ANY (ARRAY(SELECT ctid FROM one_use_tickets WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM path_tickets WHERE ctid = ANY (ARRAY(SELECT ctid FROM path_tickets WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM revoked_tickets WHERE ctid = ANY (ARRAY(SELECT ctid FROM revoked_tickets WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    claimsMs,
  ],
  [
    `DELETE FROM claims WHERE ctid = ANY (ARRAY(SELECT ctid FROM claims WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    claimsMs,
  ],
  [
    `DELETE FROM devices WHERE ctid = ANY (ARRAY(SELECT ctid FROM devices WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM known_networks WHERE ctid = ANY (ARRAY(SELECT ctid FROM known_networks WHERE used_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    networksMs,
  ],
  [
    `DELETE FROM limits WHERE ctid = ANY (ARRAY(SELECT ctid FROM limits WHERE ends_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM ended_volatile WHERE ctid = ANY (ARRAY(SELECT ctid FROM ended_volatile WHERE until <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM enrolments WHERE ctid = ANY (ARRAY(SELECT ctid FROM enrolments WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM links WHERE ctid = ANY (ARRAY(SELECT ctid FROM links WHERE expires_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM idempotent_requests WHERE ctid = ANY (ARRAY(SELECT ctid FROM idempotent_requests WHERE ends_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    0,
  ],
  [
    `DELETE FROM notices WHERE ctid = ANY (ARRAY(SELECT ctid FROM notices WHERE at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    noticesMs,
  ],
  [
    `DELETE FROM attempts WHERE ctid = ANY (ARRAY(SELECT ctid FROM attempts WHERE last_at <= $1
      LIMIT $2 FOR UPDATE SKIP LOCKED))`,
    attemptsMs,
  ],
];

const unanswered = `
  DELETE FROM challenges WHERE ctid = ANY (ARRAY(SELECT ctid FROM challenges WHERE expires_at <= $1
    LIMIT $2 FOR UPDATE SKIP LOCKED))
  RETURNING user_id AS "userId", address, came_from AS "from", expires_at AS "expiresAt"`;

const surplusAttempts = `
  DELETE FROM attempts WHERE ctid = ANY (ARRAY(SELECT ctid FROM attempts
    WHERE last_at <= (SELECT last_at FROM attempts ORDER BY last_at DESC OFFSET $1 LIMIT 1)
    LIMIT $2 FOR UPDATE SKIP LOCKED))`;

export function upkeepWrites(parts: SessionParts) {
  return {
    async sweep(work: Work, at: Millis): Promise<{ kind: 'more' } | { kind: 'done' }> {
      const sessions = await work.rows(
        `SELECT id, user_id AS "userId" FROM sessions WHERE ends_at <= $1 ORDER BY ends_at LIMIT $2 FOR UPDATE SKIP LOCKED`,
        [at, sessionsPerCall],
      );
      for (const { id, userId } of sessions) await parts.end(work, id as SessionId, userId as UserId);
      const challenges = await work.rows(unanswered, [at, rowsPerCall]);
      for (const row of challenges)
        await noteUnanswered(work, row as unknown as Unanswered, row['expiresAt'] as Millis);
      const tokens = await sweepTokens(work, at - tokensMs, tokensPerCall);
      let dropped = await work.run(surplusAttempts, [attemptsKept, rowsPerCall]);
      for (const [statement, keptMs] of expired)
        dropped = Math.max(dropped, await work.run(statement, [at - keptMs, rowsPerCall]));
      const cut = await cutAudit(work, at);
      const [mark] = await work.rows(
        'SELECT at, seq FROM change_marks WHERE at <= $1 ORDER BY at DESC LIMIT 1 FOR UPDATE SKIP LOCKED',
        [at - changesMs],
      );
      if (mark !== undefined) {
        await work.run('DELETE FROM changes WHERE seq <= $1', [mark['seq']]);
        await work.run('DELETE FROM change_marks WHERE at <= $1', [mark['at']]);
        await work.run('UPDATE change_counter SET kept_after = GREATEST(kept_after, $1)', [mark['seq']]);
      }
      await work.run(
        'INSERT INTO change_marks (at, seq) SELECT $1, seq FROM change_counter ON CONFLICT (at) DO NOTHING',
        [at],
      );
      dropped = Math.max(dropped, challenges.length);
      const left = dropped >= rowsPerCall || sessions.length >= sessionsPerCall || tokens >= tokensPerCall;
      return { kind: left ? 'more' : cut.kind };
    },

    /** For `/readyz`: a row put and taken back. */
    async proveWriting(work: Work): Promise<void> {
      await work.run(
        `INSERT INTO claims (purpose, digest, expires_at) VALUES ('proof', $1, 0) ON CONFLICT (purpose, digest) DO NOTHING`,
        [work.node],
      );
      await work.run("DELETE FROM claims WHERE purpose = 'proof' AND digest = $1", [work.node]);
    },
  };
}
