/** The second step of a sign-in: what is open, and what answers it, each once. */
import type { DatabaseSync } from 'node:sqlite';
import type { Address, Digest, Millis, UserId } from '../../../types.ts';
import { type ChallengeRow, unansweredMs } from '../../rows.ts';
import type { CodeFailure, Store } from '../../store.ts';
import type { Records } from '../records.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** A challenge that is over without a right answer. */
export interface Unanswered {
  readonly userId: UserId;
  readonly address: Address;
  readonly from: ChallengeRow['from'];
}

/** Whose password a stranger knows is told so, once an hour: whoever does it again and again buries nothing under it. */
export function unansweredNotes(db: DatabaseSync, noting: Records): (over: Unanswered, at: Millis) => void {
  const told = db.prepare(`
    SELECT 1 FROM notices WHERE user_id = ? AND kind = 'code-never-came' AND at > ? AND at < ? LIMIT 1`);
  return ({ userId, address, from }, at) => {
    if (from === 'owner' || told.get(userId, at - unansweredMs, at + unansweredMs) !== undefined) return;
    noting.notice({ userId, kind: 'code-never-came', at, address, detail: '' });
  };
}

export function challengeWrites(db: DatabaseSync, noting: Records) {
  const noteUnanswered = unansweredNotes(db, noting);
  const allowed = db.prepare('SELECT 1 FROM users WHERE id = ? AND active = 1 AND credential_generation = ?');
  const insert = db.prepare(`
    INSERT INTO challenges (digest, user_id, credential_generation, kind, transport, binding, address, came_from, expires_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const dropBeyondCap = db.prepare(`
    DELETE FROM challenges WHERE place IN
      (SELECT place FROM challenges WHERE user_id = ? ORDER BY place DESC LIMIT -1 OFFSET ?)`);
  const spend = db.prepare(`
    DELETE FROM challenges WHERE digest = ? AND expires_at > ? AND EXISTS
      (SELECT 1 FROM users AS u WHERE u.id = challenges.user_id AND u.active = 1 AND u.credential_generation = challenges.credential_generation)
    RETURNING user_id AS userId, address`);
  const noStranger = db.prepare("UPDATE challenges SET came_from = 'owner' WHERE user_id = ? AND address = ?");
  const spendStep = db.prepare(`
    UPDATE users SET totp_step = :step, wrong_codes_nearby = CASE WHEN :from = 'stranger' THEN wrong_codes_nearby ELSE 0 END
    WHERE id = :userId AND active = 1 AND credential_generation = :generation
      AND sealed_totp <> '' AND totp_step < :step`);
  const spendRecovery = db.prepare(`
    DELETE FROM recovery_codes WHERE user_id = :userId AND digest = :digest AND EXISTS
      (SELECT 1 FROM users WHERE id = :userId AND active = 1 AND credential_generation = :generation)`);
  const countRecovery = db.prepare('SELECT count(*) AS count FROM recovery_codes WHERE user_id = ?');
  const endHold = db.prepare('UPDATE users SET wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = ?');
  const countAnswer = db.prepare(`
    UPDATE challenges SET failures = failures + 1 WHERE digest = ? AND user_id = ?
    RETURNING user_id AS userId, address, came_from AS "from", failures`);
  const drop = db.prepare('DELETE FROM challenges WHERE digest = ?');
  const countStranger = db.prepare(`
    UPDATE users SET wrong_codes_in_row = wrong_codes_in_row + 1, wrong_codes_with_password = wrong_codes_with_password + 1
    WHERE id = ?`);
  const countNearby = db.prepare('UPDATE users SET wrong_codes_nearby = wrong_codes_nearby + 1 WHERE id = ?');
  const standing = db.prepare(
    'SELECT password_standing AS standing, wrong_codes_with_password AS wrong FROM users WHERE id = ?',
  );
  const setKnown = db.prepare("UPDATE users SET password_standing = 'known-to-others' WHERE id = ?");

  /** None that could be answered is one that has ended. */
  const countWrongAnswer = ({ userId, challenge, challengeLimit, notice }: CodeFailure): 'ended' | 'open' => {
    const counted = challenge === null ? undefined : countAnswer.get(challenge, userId);
    if (challenge === null || counted === undefined) return 'ended';
    if (Number(counted['failures']) < challengeLimit) return 'open';
    drop.run(challenge);
    noteUnanswered(counted as unknown as Unanswered, notice.at);
    return 'ended';
  };

  return {
    openChallenge({ challenge, cap }: { challenge: ChallengeRow; cap: number }): Outcome<'openChallenge'> {
      const { digest, userId, credentialGeneration, kind, transport, binding, address, from, expiresAt } = challenge;
      if (allowed.get(userId, credentialGeneration) === undefined) return { kind: 'superseded' };
      insert.run(digest, userId, credentialGeneration, kind, transport, binding, address, from, expiresAt);
      dropBeyondCap.run(userId, cap);
      return { kind: 'opened' };
    },

    /** Whoever answered one is no stranger where it was asked: nobody is told of others that he left there. */
    spendChallenge({ digest, at }: { readonly digest: Digest; readonly at: Millis }): Outcome<'spendChallenge'> {
      const spent = spend.get(digest, at);
      if (spent === undefined) return { kind: 'gone' };
      noStranger.run(String(spent['userId']), String(spent['address']));
      return { kind: 'spent' };
    },

    spendCode({ userId, generation, use }: Argument<'spendCode'>): Outcome<'spendCode'> {
      if (use.kind === 'totp') {
        const { changes } = spendStep.run({ step: use.step, from: use.from, userId, generation });
        return { kind: changes === 0 ? 'spent-before' : 'spent' };
      }
      const { digest, notice, audit } = use;
      if (spendRecovery.run({ userId, digest, generation }).changes === 0) return { kind: 'spent-before' };
      endHold.run(userId);
      noting.notice({ ...notice, detail: String(countRecovery.get(userId)?.['count']) });
      noting.audit(audit);
      return { kind: 'spent' };
    },

    /** Notice and event tell that the password is known to others, so they are written only then. */
    countCodeFailure(failure: CodeFailure): Outcome<'countCodeFailure'> {
      const { userId, from, knownAfter, notice, audit } = failure;
      const challenge = countWrongAnswer(failure);
      if (from === 'stranger') countStranger.run(userId);
      if (from === 'known-network') countNearby.run(userId);
      const now = standing.get(userId);
      if (now === undefined) return { challenge, password: 'own' };
      if (now['standing'] === 'known-to-others') return { challenge, password: 'known-to-others' };
      if (from !== 'stranger' || Number(now['wrong']) < knownAfter) return { challenge, password: 'own' };
      setKnown.run(userId);
      noting.notice(notice);
      noting.userChanged(userId);
      noting.audit(audit);
      return { challenge, password: 'known-to-others' };
    },
  };
}
