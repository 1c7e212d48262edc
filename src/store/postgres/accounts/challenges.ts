/** The second step of a sign-in: what is open, and what answers it, each once. */
import type { Address, Digest, Millis, UserId } from '../../../types.ts';
import { type ChallengeRow, unansweredMs } from '../../rows.ts';
import type { CodeFailure, Store } from '../../store.ts';
import { putNotice } from '../records.ts';
import type { Work } from '../work.ts';
import { endHold } from './account-parts.ts';
import { lockInForce, lockUser } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** A challenge that is over without a right answer. */
export interface Unanswered {
  readonly userId: UserId;
  readonly address: Address;
  readonly from: ChallengeRow['from'];
}

/** Whose password a stranger knows is told so, once an hour: whoever does it again and again buries nothing under it. */
export async function noteUnanswered(work: Work, { userId, address, from }: Unanswered, at: Millis): Promise<void> {
  if (from === 'owner') return;
  const told = await work.rows(
    `SELECT 1 AS told FROM notices WHERE user_id = $1 AND kind = 'code-never-came' AND at > $2 AND at < $3 LIMIT 1`,
    [userId, at - unansweredMs, at + unansweredMs],
  );
  if (told.length === 0) await putNotice(work, { userId, kind: 'code-never-came', at, address, detail: '' });
}

/** None that could be answered is one that has ended. */
async function countWrongAnswer(work: Work, failure: CodeFailure): Promise<'ended' | 'open'> {
  const { userId, challenge, challengeLimit, notice } = failure;
  if (challenge === null) return 'ended';
  const [counted] = await work.rows(
    `UPDATE challenges SET failures = failures + 1 WHERE digest = $1 AND user_id = $2
    RETURNING user_id AS "userId", address, came_from AS "from", failures`,
    [challenge, userId],
  );
  if (counted === undefined) return 'ended';
  if (Number(counted['failures']) < challengeLimit) return 'open';
  await work.run('DELETE FROM challenges WHERE digest = $1', [challenge]);
  await noteUnanswered(work, counted as unknown as Unanswered, notice.at);
  return 'ended';
}

export const challengeWrites = {
  async openChallenge(
    work: Work,
    { challenge, cap }: { readonly challenge: ChallengeRow; readonly cap: number },
  ): Promise<Outcome<'openChallenge'>> {
    const { digest, userId, credentialGeneration, kind, transport, binding, address, from, expiresAt } = challenge;
    if ((await lockInForce(work, userId, credentialGeneration)).kind === 'unknown') return { kind: 'superseded' };
    await work.run(
      `INSERT INTO challenges (digest, user_id, credential_generation, kind, transport, binding, address, came_from, expires_at)
      VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)`,
      [digest, userId, credentialGeneration, kind, transport, binding, address, from, expiresAt],
    );
    await work.run(
      `DELETE FROM challenges WHERE place IN
        (SELECT place FROM challenges WHERE user_id = $1 ORDER BY place DESC OFFSET $2)`,
      [userId, cap],
    );
    return { kind: 'opened' };
  },

  /** Whoever answered one is no stranger where it was asked: nobody is told of others that he left there. */
  async spendChallenge(
    work: Work,
    { digest, at }: { readonly digest: Digest; readonly at: Millis },
  ): Promise<Outcome<'spendChallenge'>> {
    const [owner] = await work.rows('SELECT user_id AS id FROM challenges WHERE digest = $1', [digest]);
    if (owner === undefined) return { kind: 'gone' };
    await lockUser(work, owner['id'] as UserId);
    const [spent] = await work.rows(
      `DELETE FROM challenges WHERE digest = $1 AND expires_at > $2 AND EXISTS (SELECT 1 FROM users AS u
        WHERE u.id = challenges.user_id AND u.active AND u.credential_generation = challenges.credential_generation)
      RETURNING user_id AS "userId", address`,
      [digest, at],
    );
    if (spent === undefined) return { kind: 'gone' };
    await work.run("UPDATE challenges SET came_from = 'owner' WHERE user_id = $1 AND address = $2", [
      spent['userId'],
      spent['address'],
    ]);
    return { kind: 'spent' };
  },

  async spendCode(work: Work, { userId, generation, use }: Argument<'spendCode'>): Promise<Outcome<'spendCode'>> {
    if (use.kind === 'totp') {
      const spent = await work.run(
        `UPDATE users SET totp_step = $3, wrong_codes_nearby = CASE WHEN $4 = 'stranger' THEN wrong_codes_nearby ELSE 0 END
        WHERE id = $1 AND active AND credential_generation = $2 AND sealed_totp <> '' AND totp_step < $3`,
        [userId, generation, use.step, use.from],
      );
      return { kind: spent === 0 ? 'spent-before' : 'spent' };
    }
    const { digest, notice, audit } = use;
    if ((await lockInForce(work, userId, generation)).kind === 'unknown') return { kind: 'spent-before' };
    const spent = await work.run('DELETE FROM recovery_codes WHERE user_id = $1 AND digest = $2', [userId, digest]);
    if (spent === 0) return { kind: 'spent-before' };
    await endHold(work, userId);
    const [left] = await work.rows('SELECT count(*) AS count FROM recovery_codes WHERE user_id = $1', [userId]);
    await putNotice(work, { ...notice, detail: String(left?.['count']) });
    work.audit(audit);
    return { kind: 'spent' };
  },

  /** Notice and event tell that the password is known to others, so they are written only then. */
  async countCodeFailure(work: Work, failure: CodeFailure): Promise<Outcome<'countCodeFailure'>> {
    const { userId, from, knownAfter, notice, audit } = failure;
    const locked = await lockUser(work, userId);
    if (locked.kind === 'unknown') return { challenge: 'ended', password: 'own' };
    const challenge = await countWrongAnswer(work, failure);
    const password = locked.user.passwordStanding;
    if (from === 'known-network')
      await work.run('UPDATE users SET wrong_codes_nearby = wrong_codes_nearby + 1 WHERE id = $1', [userId]);
    if (from !== 'stranger') return { challenge, password };
    const [counted] = await work.rows(
      `UPDATE users SET wrong_codes_in_row = wrong_codes_in_row + 1, wrong_codes_with_password = wrong_codes_with_password + 1
      WHERE id = $1 RETURNING wrong_codes_with_password AS wrong`,
      [userId],
    );
    if (password === 'known-to-others' || Number(counted?.['wrong']) < knownAfter) return { challenge, password };
    await work.run("UPDATE users SET password_standing = 'known-to-others' WHERE id = $1", [userId]);
    await putNotice(work, notice);
    work.userChanged(userId);
    work.audit(audit);
    return { challenge, password: 'known-to-others' };
  },
};
