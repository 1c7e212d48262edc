/** Links to set a password by, each good once, and what people are told about their account. */
import type { DatabaseSync } from 'node:sqlite';
import type { Millis, UserId } from '../../../types.ts';
import { type LinkRow, type NoticeDraft, type NoticeRow, noticesShown } from '../../rows.ts';
import type { LinkRedemption, Store } from '../../store.ts';
import type { NetworkParts } from '../guessing.ts';
import type { Records } from '../records.ts';
import type { SessionParts } from '../sessions.ts';
import type { AccountParts } from './account-parts.ts';
import { userColumns, userOf } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

export function linkWrites(db: DatabaseSync, noting: Records, parts: SessionParts & NetworkParts & AccountParts) {
  const put = db.prepare(`
    INSERT INTO links (digest, user_id, purpose, credential_generation, expires_at)
    SELECT ?1, id, ?3, credential_generation, ?5 FROM users WHERE id = ?2 AND active = 1 AND credential_generation = ?4
    ON CONFLICT (user_id, purpose) DO UPDATE SET digest = excluded.digest,
      credential_generation = excluded.credential_generation, expires_at = excluded.expires_at`);
  const spend = db.prepare(`
    DELETE FROM links WHERE digest = ?
    RETURNING user_id AS userId, credential_generation AS credentialGeneration, expires_at AS expiresAt`);
  const readUser = db.prepare(`SELECT ${userColumns} FROM users AS u WHERE u.id = ?`);
  const dismiss = db.prepare(`
    UPDATE notices SET dismissed = 1 WHERE id IN
      (SELECT id FROM notices WHERE user_id = ? AND id <= ? AND dismissed = 0 ORDER BY id DESC LIMIT ?)`);
  const passOver = db.prepare("UPDATE notices SET mail = 'passed-over' WHERE mail = 'waiting' AND at < ?");
  const take = db.prepare(`
    UPDATE notices SET mail = 'taken' WHERE id = (SELECT id FROM notices WHERE mail = 'waiting' ORDER BY id LIMIT 1)
    RETURNING id, user_id AS userId, kind, at, address, detail`);

  return {
    putLink({ link, audit }: { readonly link: LinkRow; readonly audit: Argument<'appendAudit'> }): Outcome<'putLink'> {
      const { digest, userId, purpose, credentialGeneration, expiresAt } = link;
      if (put.run(digest, userId, purpose, credentialGeneration, expiresAt).changes === 0)
        return { kind: 'superseded' };
      noting.audit(audit);
      return { kind: 'put' };
    },

    redeemLink(redemption: LinkRedemption): Outcome<'redeemLink'> {
      const { digest, at, recoveryCodes, session, device } = redemption;
      const link = spend.get(digest) as unknown as Omit<LinkRow, 'digest' | 'purpose'> | undefined;
      if (link === undefined || link.expiresAt <= at) return { kind: 'invalid' };
      const { userId, credentialGeneration } = link;
      const set = parts.setPassword({ ...redemption, userId, fromGeneration: credentialGeneration });
      if (set.kind === 'superseded') return { kind: 'invalid' };
      parts.endAllBut(userId, null);
      parts.forgetPending(userId, null);
      parts.forgetDevicesBut(userId, null);
      parts.forgetNetworks(userId);
      if (recoveryCodes.length > 0) parts.replaceRecoveryCodes(userId, recoveryCodes);
      if (session !== null) {
        parts.insert({ ...session.session, credentialGeneration: credentialGeneration + 1 });
        if (device !== null) parts.keepDevice(device);
        parts.keepNetwork(userId, redemption.network);
      }
      noting.attempt(redemption.attempt);
      noting.notice(redemption.notice);
      noting.userChanged(userId);
      noting.audit(redemption.audit);
      const row = readUser.get(userId);
      if (row === undefined) throw new Error('the user of the link is gone');
      return { kind: 'redeemed', user: userOf(row) };
    },

    putNotice: (notice: NoticeDraft): void => noting.notice(notice),

    dismissNotices({ userId, upTo }: { readonly userId: UserId; readonly upTo: number }): void {
      dismiss.run(userId, upTo, noticesShown);
    },

    takeNoticeToMail(since: Millis): Outcome<'takeNoticeToMail'> {
      passOver.run(since);
      const row = take.get();
      if (row === undefined) return { kind: 'none' };
      const notice = { ...row } as unknown as NoticeRow;
      const user = readUser.get(notice.userId);
      if (user === undefined) throw new Error('the user of the notice is gone');
      return { kind: 'taken', notice, user: userOf(user) };
    },
  };
}
