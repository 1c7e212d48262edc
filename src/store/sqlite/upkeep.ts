/**
 * Upkeep: removes what expired, a bounded amount per call: what is left waits for the next, and no other write waits long.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Millis, SessionId } from '../../types.ts';
import type { Records } from './records.ts';
import { type Unanswered, unansweredNotes } from './accounts/challenges.ts';
import type { SessionParts } from './sessions.ts';
import { tokenSweep } from './tokens/tokens.ts';

const rowsPerCall = 1000;
/** Fewer: each takes rows of other tables and a change along, and touches pages all over the file. */
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

export function upkeepWrites(db: DatabaseSync, noting: Records, parts: SessionParts) {
  const expiredSessions = db.prepare('SELECT id FROM sessions WHERE ends_at <= ? ORDER BY ends_at LIMIT ?');
  const dropTokens = tokenSweep(db, noting);
  const dropTickets = db.prepare(
    'DELETE FROM one_use_tickets WHERE place IN (SELECT place FROM one_use_tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const dropPathTickets = db.prepare(
    'DELETE FROM path_tickets WHERE place IN (SELECT place FROM path_tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const dropRevoked = db.prepare(
    'DELETE FROM revoked_tickets WHERE digest IN (SELECT digest FROM revoked_tickets WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const dropClaims = db.prepare(`
    DELETE FROM claims WHERE (purpose, digest) IN (SELECT purpose, digest FROM claims WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`);
  const dropDevices = db.prepare(
    'DELETE FROM devices WHERE digest IN (SELECT digest FROM devices WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const dropNetworks = db.prepare(`
    DELETE FROM known_networks WHERE (user_id, network) IN
      (SELECT user_id, network FROM known_networks WHERE used_at <= ? ORDER BY used_at LIMIT ?)`);
  const dropLimits = db.prepare(
    'DELETE FROM limits WHERE key IN (SELECT key FROM limits WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)',
  );
  const dropChallenges = db.prepare(`
    DELETE FROM challenges WHERE place IN (SELECT place FROM challenges WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)
    RETURNING user_id AS userId, address, came_from AS "from", expires_at AS expiresAt`);
  const noteUnanswered = unansweredNotes(db, noting);
  const dropEnrolments = db.prepare(`
    DELETE FROM enrolments WHERE user_id IN (SELECT user_id FROM enrolments WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)`);
  const dropLinks = db.prepare(
    'DELETE FROM links WHERE digest IN (SELECT digest FROM links WHERE expires_at <= ? ORDER BY expires_at LIMIT ?)',
  );
  const dropNotices = db.prepare(
    'DELETE FROM notices WHERE id IN (SELECT id FROM notices WHERE at <= ? ORDER BY at LIMIT ?)',
  );
  const dropOldAttempts = db.prepare(
    'DELETE FROM attempts WHERE id IN (SELECT id FROM attempts WHERE last_at <= ? ORDER BY last_at LIMIT ?)',
  );
  const dropSurplusAttempts = db.prepare(`
    DELETE FROM attempts WHERE id IN (
      SELECT id FROM attempts ORDER BY last_at LIMIT min(?2, max(0, (SELECT count(*) FROM attempts) - ?1)))`);
  const dropRequests = db.prepare(`
    DELETE FROM idempotent_requests WHERE rowid IN
      (SELECT rowid FROM idempotent_requests WHERE ends_at <= ? ORDER BY ends_at LIMIT ?)`);
  const oldMark = db.prepare('SELECT at, seq FROM change_marks WHERE at <= ? ORDER BY at DESC LIMIT 1');
  const dropMarks = db.prepare('DELETE FROM change_marks WHERE at <= ?');
  const dropChanges = db.prepare('DELETE FROM changes WHERE seq <= ?');
  const raiseFloor = db.prepare('UPDATE change_counter SET kept_after = max(kept_after, ?)');
  const putMark = db.prepare(
    'INSERT INTO change_marks (at, seq) SELECT ?, seq FROM change_counter WHERE true ON CONFLICT (at) DO NOTHING',
  );
  const putProof = db.prepare("INSERT INTO claims (purpose, digest, expires_at) VALUES ('proof', '', 0)");
  const dropProof = db.prepare("DELETE FROM claims WHERE purpose = 'proof'");

  return {
    sweep(at: Millis): { kind: 'more' } | { kind: 'done' } {
      const sessions = expiredSessions.all(at, sessionsPerCall);
      for (const row of sessions) parts.end(row['id'] as SessionId);
      const tokens = dropTokens(at - tokensMs, tokensPerCall);
      const challenges = dropChallenges.all(at, rowsPerCall);
      for (const row of challenges) noteUnanswered(row as unknown as Unanswered, row['expiresAt'] as Millis);
      const dropped = [
        dropTickets.run(at, rowsPerCall),
        dropPathTickets.run(at, rowsPerCall),
        dropRevoked.run(at - claimsMs, rowsPerCall),
        dropClaims.run(at - claimsMs, rowsPerCall),
        dropDevices.run(at, rowsPerCall),
        dropNetworks.run(at - networksMs, rowsPerCall),
        dropLimits.run(at, rowsPerCall),
        dropEnrolments.run(at, rowsPerCall),
        dropLinks.run(at, rowsPerCall),
        dropRequests.run(at, rowsPerCall),
        dropNotices.run(at - noticesMs, rowsPerCall),
        dropOldAttempts.run(at - attemptsMs, rowsPerCall),
        dropSurplusAttempts.run(attemptsKept, rowsPerCall),
      ].some(({ changes }) => Number(changes) >= rowsPerCall);
      const mark = oldMark.get(at - changesMs);
      if (mark !== undefined) {
        dropChanges.run(Number(mark['seq']));
        raiseFloor.run(Number(mark['seq']));
        dropMarks.run(Number(mark['at']));
      }
      putMark.run(at);
      const cut = noting.auditing.cut(at);
      const taken = sessions.length >= sessionsPerCall || tokens >= tokensPerCall || challenges.length >= rowsPerCall;
      return { kind: dropped || taken ? 'more' : cut.kind };
    },

    /** For `/readyz`: a row put and taken back, since SQLite writes no page for an update that alters nothing. */
    proveWriting(): void {
      putProof.run();
      dropProof.run();
    },
  };
}
