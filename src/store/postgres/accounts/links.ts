/** Links to set a password by, each good once, and what people are told about their account. */
import type { Millis, UserId } from '../../../types.ts';
import { type LinkRow, type NoticeRow, noticesShown } from '../../rows.ts';
import type { LinkRedemption, Store } from '../../store.ts';
import { forgetNetworks, keepNetwork } from '../guessing.ts';
import { countAttempt, putNotice } from '../records.ts';
import type { SessionParts } from '../session-parts.ts';
import type { Work } from '../work.ts';
import { replaceRecoveryCodes, setPassword } from './account-parts.ts';
import { lockInForce, lockUser, userColumns, userOf } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function linkWrites(parts: SessionParts) {
  return {
    async putLink(
      work: Work,
      { link, audit }: { readonly link: LinkRow; readonly audit: Argument<'appendAudit'> },
    ): Promise<Outcome<'putLink'>> {
      const { digest, userId, purpose, credentialGeneration, expiresAt } = link;
      if ((await lockInForce(work, userId, credentialGeneration)).kind === 'unknown') return { kind: 'superseded' };
      await work.run(
        `INSERT INTO links (digest, user_id, purpose, credential_generation, expires_at) VALUES ($1, $2, $3, $4, $5)
        ON CONFLICT (user_id, purpose) DO UPDATE SET digest = excluded.digest,
          credential_generation = excluded.credential_generation, expires_at = excluded.expires_at`,
        [digest, userId, purpose, credentialGeneration, expiresAt],
      );
      work.audit(audit);
      return { kind: 'put' };
    },

    async redeemLink(work: Work, redemption: LinkRedemption): Promise<Outcome<'redeemLink'>> {
      const { digest, at, recoveryCodes, session, device, network } = redemption;
      const [owner] = await work.rows('SELECT user_id AS id FROM links WHERE digest = $1', [digest]);
      if (owner === undefined) return { kind: 'invalid' };
      const userId = owner['id'] as UserId;
      // Before the link, as everything that is done to this user's sessions.
      const locked = await lockUser(work, userId);
      const [spent] = await work.rows(
        `DELETE FROM links WHERE digest = $1
        RETURNING credential_generation AS "credentialGeneration", expires_at AS "expiresAt"`,
        [digest],
      );
      const link = spent as unknown as Pick<LinkRow, 'credentialGeneration' | 'expiresAt'> | undefined;
      if (locked.kind === 'unknown' || link === undefined || link.expiresAt <= at) return { kind: 'invalid' };
      if (!locked.user.active || locked.user.credentialGeneration !== link.credentialGeneration)
        return { kind: 'invalid' };
      const generation = link.credentialGeneration + 1;
      await setPassword(work, userId, generation, redemption);
      await parts.endAllBut(work, userId, null);
      await parts.forgetPending(work, userId, null);
      await parts.forgetDevicesBut(work, userId, null);
      await forgetNetworks(work, userId);
      if (recoveryCodes.length > 0) await replaceRecoveryCodes(work, userId, recoveryCodes);
      if (session !== null) {
        await parts.insert(work, { ...session.session, credentialGeneration: generation });
        if (device !== null) await parts.keepDevice(work, device);
        await keepNetwork(work, userId, network);
      }
      await countAttempt(work, redemption.attempt);
      await putNotice(work, redemption.notice);
      work.userChanged(userId);
      work.audit(redemption.audit);
      const [row] = await work.rows(`SELECT ${userColumns} FROM users AS u WHERE u.id = $1`, [userId]);
      if (row === undefined) throw new Error('the user of the link is gone');
      return { kind: 'redeemed', user: userOf(row) };
    },

    putNotice,

    async dismissNotices(
      work: Work,
      { userId, upTo }: { readonly userId: UserId; readonly upTo: number },
    ): Promise<void> {
      await work.run(
        `UPDATE notices SET dismissed = true WHERE id = ANY (ARRAY(SELECT id FROM notices
          WHERE user_id = $1 AND id <= $2 AND NOT dismissed ORDER BY id DESC LIMIT $3 FOR UPDATE))`,
        [userId, upTo, noticesShown],
      );
    },

    /** What another node has in hand is passed over: it is taken. */
    async takeNoticeToMail(work: Work, since: Millis): Promise<Outcome<'takeNoticeToMail'>> {
      await work.run(
        `UPDATE notices SET mail = 'passed-over' WHERE id = ANY (ARRAY(SELECT id FROM notices
          WHERE mail = 'waiting' AND at < $1 ORDER BY id FOR UPDATE SKIP LOCKED))`,
        [since],
      );
      const [row] = await work.rows(
        `WITH taken AS (UPDATE notices SET mail = 'taken' WHERE id = (SELECT id FROM notices
            WHERE mail = 'waiting' AND at >= $1 ORDER BY id LIMIT 1 FOR UPDATE SKIP LOCKED)
          RETURNING id, user_id, kind, at, address, detail)
        SELECT t.id, t.user_id AS "userId", t.kind, t.at, t.address, t.detail, ${userColumns}
        FROM taken AS t JOIN users AS u ON u.id = t.user_id`,
        [since],
      );
      if (row === undefined) return { kind: 'none' };
      const { id, userId, kind, at, address, detail } = row;
      return { kind: 'taken', notice: { id, userId, kind, at, address, detail } as NoticeRow, user: userOf(row) };
    },
  };
}
