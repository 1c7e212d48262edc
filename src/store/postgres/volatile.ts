/** Whether a volatile session stands: what the place that keeps it says counts only as far as the database agrees. */
import type { Millis, SessionId, UserId } from '../../types.ts';
import type { SessionRow } from '../rows.ts';
import type { VolatileLookup, VolatileSession } from '../volatile-sessions.ts';
import type { Row } from './server/database.ts';
import type { Work } from './work.ts';

/**
 * Of `users AS u`; the first value is `marksOf` the sessions. Read in one statement with whatever
 * else is asked, and so in one moment.
 */
export const groundColumns = `
  u.volatile_epoch AS epoch, u.volatile_kept AS kept, u.volatile_kept_generation AS kept_generation, (SELECT boot_id FROM installation WHERE one = 1) AS boot,
  ARRAY(SELECT e.mark FROM ended_volatile AS e WHERE e.user_id = u.id AND e.mark = ANY ($1)) AS marks`;

/** By what a session may have been said to be over. */
export function marksOf(sessions: readonly VolatileSession[]): readonly string[] {
  return sessions.flatMap(({ session }) => [session.id, session.digest]);
}

/** One that stayed when factors changed lies there as it was: its generation is the user's all the same. */
export function standing(
  { session, epoch }: VolatileSession,
  ground: Row,
): { readonly kind: 'over' } | { readonly kind: 'stands'; readonly session: SessionRow } {
  const marks = ground['marks'] as readonly string[];
  if (marks.includes(session.id) || marks.includes(session.digest)) return { kind: 'over' };
  if (ground['boot'] !== session.bootId) return { kind: 'over' };
  const isKept = ground['kept'] === session.id;
  const { credentialGeneration } = session;
  const carriedOver = isKept && ground['kept_generation'] === credentialGeneration;
  if (ground['generation'] !== credentialGeneration && !carriedOver) return { kind: 'over' };
  if (ground['epoch'] !== epoch && !isKept) return { kind: 'over' };
  return { kind: 'stands', session: { ...session, credentialGeneration: ground['generation'] as number } };
}

export function endsAt({ session }: VolatileSession): number {
  return Math.min(session.expiresAt, session.lastSeenAt + session.idleMs);
}

/** Those that stand, of a user in force, whatever their time. */
export async function standingOnes(
  { rows }: Pick<Work, 'rows'>,
  userId: UserId,
  candidates: readonly VolatileSession[],
): Promise<readonly VolatileSession[]> {
  if (candidates.length === 0) return [];
  const [ground] = await rows(
    `SELECT ${groundColumns}, u.credential_generation AS generation
    FROM users AS u WHERE u.id = $2 AND u.active`,
    [marksOf(candidates), userId],
  );
  if (ground === undefined) return [];
  return candidates.flatMap((each): readonly VolatileSession[] => {
    const stands = standing(each, ground);
    return stands.kind === 'stands' && each.session.userId === userId ? [{ ...each, session: stands.session }] : [];
  });
}

/** Live at `at`. Throws where it cannot be told. */
export async function standingAt(
  work: Work,
  lookup: VolatileLookup,
  userId: UserId,
  at: Millis,
): Promise<{ readonly kind: 'gone' } | { readonly kind: 'stands'; readonly found: VolatileSession }> {
  if (lookup.kind === 'away') throw outOfReach();
  if (lookup.kind === 'unknown' || endsAt(lookup.found) <= at) return { kind: 'gone' };
  const [found] = await standingOnes(work, userId, [lookup.found]);
  return found === undefined ? { kind: 'gone' } : { kind: 'stands', found };
}

export function outOfReach(): Error {
  return new Error('volatile sessions are out of reach');
}

/** Marks of one user: beyond them all volatile sessions of that user end together, and need none. */
const mostMarks = 1000;

/** From now on the session of that id, or under that digest, is over; remembered while anything of it may be left. */
export async function markEnded(work: Work, mark: string, userId: UserId, until: number): Promise<void> {
  await work.run(
    `INSERT INTO ended_volatile (mark, user_id, until) SELECT $1, id, $3 FROM users WHERE id = $2
    ON CONFLICT (mark, user_id) DO UPDATE SET until = GREATEST(ended_volatile.until, excluded.until)`,
    [mark, userId, until],
  );
  const [marks] = await work.rows('SELECT count(*) AS count FROM ended_volatile WHERE user_id = $1', [userId]);
  if (Number(marks?.['count']) <= mostMarks) return;
  await raiseEpoch(work, userId, null);
  await work.run('DELETE FROM ended_volatile WHERE user_id = $1', [userId]);
  work.userChanged(userId);
}

/** All volatile sessions of the user but that one are over. */
export async function raiseEpoch(work: Work, userId: UserId, except: SessionId | null): Promise<void> {
  await work.run(
    `UPDATE users SET volatile_epoch = volatile_epoch + 1, volatile_kept = $2,
      volatile_kept_generation = CASE WHEN volatile_kept = $2 THEN volatile_kept_generation END WHERE id = $1`,
    [userId, except],
  );
}

/** The same, and that one, which was written under `generation`, goes on under whatever the user's is. */
export async function raiseEpochAround(
  work: Work,
  userId: UserId,
  kept: SessionId,
  generation: number | null,
): Promise<void> {
  await work.run(
    `UPDATE users SET volatile_epoch = volatile_epoch + 1, volatile_kept = $2, volatile_kept_generation = $3 WHERE id = $1`,
    [userId, kept, generation],
  );
}
