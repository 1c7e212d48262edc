/** What happens to sessions: opening within their caps, use, renewing, ending (`session-parts.ts`). */
import type { Millis, SessionId, UserId } from '../../types.ts';
import type { DeviceRow, NoticeDraft, SessionRow } from '../rows.ts';
import type { SessionOpening, Store } from '../store.ts';
import type { VolatileSessions } from '../volatile-sessions.ts';
import { keepNetwork } from './guessing.ts';
import { countAttempt, putNotice } from './records.ts';
import type { Work } from './work.ts';
import type { SessionParts } from './session-parts.ts';
import { lockInForce, lockUser } from './accounts/user-rows.ts';
import { endsAt, outOfReach, standingAt, standingOnes } from './volatile.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

const nobody = '' as UserId;

export function sessionWrites(parts: SessionParts, volatile: VolatileSessions) {
  const keepDeviceWithin = async (work: Work, device: DeviceRow, cap: number): Promise<void> => {
    await parts.keepDevice(work, device);
    await work.run('DELETE FROM devices WHERE user_id = $1 AND expires_at <= $2', [device.userId, device.usedAt]);
    await work.run(
      `DELETE FROM devices WHERE digest IN (SELECT digest FROM devices WHERE user_id = $1
        ORDER BY digest = $2 DESC, used_at DESC, created_at DESC OFFSET $3)`,
      [device.userId, device.digest, cap],
    );
  };

  const tellOfNew = async (work: Work, device: DeviceRow, at: Millis, notice: NoticeDraft): Promise<void> => {
    const [known] = await work.rows(
      'SELECT count(*) AS count, bool_or(digest = $1) AS own FROM devices WHERE user_id = $2 AND expires_at > $3',
      [device.digest, device.userId, at],
    );
    if (Number(known?.['count']) > 0 && known?.['own'] === false) await putNotice(work, notice);
  };

  /** Those of that kind and transport that expired, and the oldest beyond the cap, give way to the one that is opened. */
  const makeRoom = async (work: Work, session: SessionRow, cap: number): Promise<void> => {
    const { userId, kind, transport, createdAt } = session;
    const rows = (await work.rows(
      `SELECT id, created_at AS "createdAt", ends_at AS "endsAt" FROM sessions
      WHERE user_id = $1 AND kind = $2 AND transport = $3 ORDER BY place`,
      [userId, kind, transport],
    )) as unknown as readonly { id: SessionId; createdAt: number; endsAt: number }[];
    const others = session.bootId === '' ? [] : await standingOnes(work, userId, await volatile.ofUser(userId));
    const volatiles = others
      .filter((each) => each.session.kind === kind && each.session.transport === transport)
      .map((each) => ({ id: each.session.id, createdAt: each.session.createdAt, endsAt: endsAt(each) }));
    // Newest first; of two in one millisecond the one made later.
    const all = [...rows, ...volatiles].toReversed().sort((a, b) => b.createdAt - a.createdAt);
    const live = all.filter((each) => each.endsAt > createdAt);
    const leaving = [...all.filter((each) => each.endsAt <= createdAt), ...live.slice(Math.max(cap - 1, 0))];
    for (const { id } of leaving) await parts.end(work, id, userId);
  };

  type Failure = Argument<'countReauthenticationFailure'>;

  /** The audit event tells of the end, so it is written only then. */
  const endAt = async (
    work: Work,
    { id, userId, digest, limit, audit }: Failure,
    failures: number,
  ): Promise<{ readonly kind: 'ended' | 'counted' }> => {
    if (failures < limit) return { kind: 'counted' };
    await parts.end(work, id, userId, digest);
    work.audit(audit);
    return { kind: 'ended' };
  };

  const countVolatileFailure = async (work: Work, failure: Failure) => {
    const lookup = await volatile.byId(failure.id);
    if (lookup.kind === 'away') throw outOfReach();
    const counted = lookup.kind === 'unknown' ? lookup : await volatile.countFailure(lookup.found.session.digest);
    if (counted.kind === 'away') throw outOfReach();
    await lockUser(work, failure.userId);
    // Lost there, and maybe in the memory of nodes: nothing counts its failures any more, so it is over.
    return endAt(work, failure, counted.kind === 'unknown' ? failure.limit : counted.failures);
  };

  return {
    async openSession(work: Work, given: SessionOpening): Promise<Outcome<'openSession'>> {
      const { opening, device, deviceCap, network, attempt, audit, newDevice } = given;
      const { session, cap } = opening;
      const user = await lockInForce(work, session.userId, session.credentialGeneration);
      if (user.kind === 'unknown') return { kind: 'superseded' };
      await makeRoom(work, session, cap);
      await parts.insert(work, session);
      if (device !== null) {
        if (newDevice !== null) await tellOfNew(work, device, session.createdAt, newDevice);
        await keepDeviceWithin(work, device, deviceCap);
      }
      await keepNetwork(work, session.userId, network);
      await countAttempt(work, attempt);
      work.audit(audit);
      return { kind: 'opened' };
    },

    async renewSession(work: Work, renewal: Argument<'renewSession'>): Promise<Outcome<'renewSession'>> {
      const { id, fromDigest, digest, authenticatedAt, audit } = renewal;
      const renewed = await work.run(
        `UPDATE sessions SET digest = $1, authenticated_at = $2, reauthentication_failures = 0
        WHERE id = $3 AND digest = $4 AND ends_at > $2 AND EXISTS (SELECT 1 FROM users
          WHERE users.id = sessions.user_id AND active AND users.credential_generation = sessions.credential_generation)`,
        [digest, authenticatedAt, id, fromDigest],
      );
      if (renewed === 0) {
        const lookup = await volatile.byDigest(fromDigest);
        if (lookup.kind === 'found') await lockUser(work, lookup.found.session.userId);
        const owner = lookup.kind === 'found' ? lookup.found.session.userId : nobody;
        const stands = await standingAt(work, lookup, owner, authenticatedAt);
        if (stands.kind === 'gone' || stands.found.session.id !== id) return { kind: 'gone' };
        await parts.replace(work, stands.found.session, { digest, authenticatedAt });
      }
      work.sessionsChanged([fromDigest]);
      work.audit(audit);
      return { kind: 'renewed' };
    },

    async countReauthenticationFailure(
      work: Work,
      failure: Argument<'countReauthenticationFailure'>,
    ): Promise<Outcome<'countReauthenticationFailure'>> {
      const { id, userId } = failure;
      const rows = await work.rows('SELECT 1 FROM sessions WHERE id = $1 AND user_id = $2', [id, userId]);
      if (rows.length === 0) return countVolatileFailure(work, failure);
      await lockUser(work, userId);
      const [row] = await work.rows(
        `UPDATE sessions SET reauthentication_failures = reauthentication_failures + 1 WHERE id = $1
        RETURNING reauthentication_failures AS failures`,
        [id],
      );
      return row === undefined ? { kind: 'ended' } : endAt(work, failure, Number(row['failures']));
    },

    async endSession(work: Work, { id, userId, shown, audit }: Argument<'endSession'>): Promise<Outcome<'endSession'>> {
      await lockUser(work, userId);
      const ended = await parts.end(work, id, userId, shown);
      if (ended.kind === 'ended') work.audit(audit);
      return ended;
    },

    /** In the order of their ids, as every node takes them. */
    async touchSessions(work: Work, touches: Argument<'touchSessions'>): Promise<void> {
      const sorted = touches.toSorted((a, b) => (a.id < b.id ? -1 : 1));
      const rows = await work.rows('SELECT id FROM sessions WHERE id = ANY ($1) ORDER BY id FOR NO KEY UPDATE', [
        sorted.map(({ id }) => id),
      ]);
      await work.run(
        `UPDATE sessions SET last_seen_at = each.at FROM unnest($1::text[], $2::bigint[]) AS each (id, at)
        WHERE sessions.id = each.id AND last_seen_at < each.at AND ends_at > each.at`,
        [sorted.map(({ id }) => id), sorted.map(({ lastSeenAt }) => lastSeenAt)],
      );
      const known = new Set(rows.map(({ id }) => id));
      const others = sorted.filter(({ id }) => !known.has(id));
      if (others.length > 0) work.after(() => volatile.touch(others));
    },

    /** One change for the user covers all sessions: what is cached of a session hangs on its user. */
    async endSessions(work: Work, { userId, except, audit }: Argument<'endSessions'>): Promise<Outcome<'endSessions'>> {
      await lockUser(work, userId);
      const [row] = await work.rows(
        `SELECT count(*) AS count FROM sessions
        WHERE user_id = $1 AND ends_at > $2 AND id IS DISTINCT FROM $3 AND parent_id IS DISTINCT FROM coalesce($3, '')`,
        [userId, audit.at, except],
      );
      let ended = Number(row?.['count']);
      for (const each of await standingOnes(work, userId, await volatile.ofUser(userId)))
        if (endsAt(each) > audit.at && each.session.id !== except) ended += 1;
      await parts.endAllBut(work, userId, except);
      await work.run('UPDATE users SET ticket_generation = ticket_generation + 1 WHERE id = $1', [userId]);
      work.userChanged(userId);
      work.audit(audit);
      return { ended };
    },
  };
}
