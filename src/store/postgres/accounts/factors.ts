/**
 * Second factors: TOTP, recovery codes, passkeys. Every change of them raises the generation and ends all that was open
 * but the session that asked; nothing of it happens unless that session still stands.
 */
import type { Digest, UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';
import type { FactorChange, Store } from '../../store.ts';
import { putNotice } from '../records.ts';
import type { Remaining, SessionParts } from '../session-parts.ts';
import type { Work } from '../work.ts';
import { endHold, replaceRecoveryCodes } from './account-parts.ts';
import { lockInForce, lockUser } from './user-rows.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** The account as it is while the change is decided, and the session that will stay. */
type Begun =
  | { readonly kind: 'superseded' }
  | { readonly kind: 'begun'; readonly user: UserRow; readonly remaining: Remaining };

const dropTotp = `
  UPDATE users SET sealed_totp = '', totp_added_at = NULL, totp_step = 0, wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = $1`;
const countPasskeys = `
  UPDATE users SET passkeys = (SELECT count(*) FROM passkeys WHERE user_id = users.id) WHERE id = $1`;

export function factorWrites(parts: SessionParts) {
  /** Writes nothing: what is found wrong afterwards leaves everything as it was. */
  const begin = async (work: Work, { userId, fromGeneration, keep, audit }: FactorChange): Promise<Begun> => {
    const locked = await lockInForce(work, userId, fromGeneration);
    if (locked.kind === 'unknown') return { kind: 'superseded' };
    const stays = await parts.mayStay(work, { id: keep, userId, generation: fromGeneration, at: audit.at });
    if (stays.kind === 'gone') return { kind: 'superseded' };
    return { kind: 'begun', user: locked.user, remaining: stays.remaining };
  };

  const raise = async (work: Work, userId: UserId, generation: number): Promise<void> => {
    await work.run('UPDATE users SET credential_generation = $2 WHERE id = $1', [userId, generation]);
  };

  const conclude = async (
    work: Work,
    { userId, fromGeneration, notice, audit }: FactorChange,
    remaining: Remaining,
  ): Promise<void> => {
    await raise(work, userId, fromGeneration + 1);
    await parts.carryOver(work, userId, remaining, fromGeneration + 1);
    await parts.forgetPending(work, userId, remaining.id);
    await putNotice(work, notice);
    work.userChanged(userId);
    work.audit(audit);
  };

  return {
    async putEnrolment(work: Work, enrolment: Argument<'putEnrolment'>): Promise<void> {
      const { userId, id, sessionId, sealedTotp, recoveryCodes, expiresAt } = enrolment;
      if ((await lockUser(work, userId)).kind === 'unknown') return;
      await work.run(
        `INSERT INTO enrolments (user_id, id, session_id, sealed_totp, recovery_codes, expires_at) VALUES ($1, $2, $3, $4, $5, $6)
        ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, session_id = excluded.session_id,
          sealed_totp = excluded.sealed_totp, recovery_codes = excluded.recovery_codes, expires_at = excluded.expires_at`,
        [userId, id, sessionId, sealedTotp, recoveryCodes, expiresAt],
      );
    },

    async enableTotp(work: Work, change: Argument<'enableTotp'>): Promise<Outcome<'enableTotp'>> {
      const { userId, enrolmentId, keep, step, audit } = change;
      const begun = await begin(work, change);
      if (begun.kind === 'superseded') return begun;
      const [enrolment] = await work.rows(
        `DELETE FROM enrolments WHERE user_id = $1 AND id = $2 AND session_id = $3 AND expires_at > $4
        RETURNING sealed_totp AS "sealedTotp", recovery_codes AS "recoveryCodes"`,
        [userId, enrolmentId, keep, audit.at],
      );
      if (enrolment === undefined) return { kind: 'superseded' };
      await work.run(
        'UPDATE users SET sealed_totp = $2, totp_added_at = $3, totp_step = $4, wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = $1',
        [userId, enrolment['sealedTotp'], audit.at, step],
      );
      await replaceRecoveryCodes(work, userId, enrolment['recoveryCodes'] as readonly Digest[]);
      await conclude(work, change, begun.remaining);
      return { kind: 'enabled' };
    },

    async disableTotp(work: Work, change: Argument<'disableTotp'>): Promise<Outcome<'disableTotp'>> {
      const begun = await begin(work, change);
      if (begun.kind === 'superseded' || begun.user.sealedTotp === '') return { kind: 'superseded' };
      if (begun.user.passkeys === 0 && begun.user.passwordLength === 'short') return { kind: 'password-too-short' };
      await work.run(dropTotp, [change.userId]);
      await conclude(work, change, begun.remaining);
      return { kind: 'disabled' };
    },

    async replaceRecoveryCodes(
      work: Work,
      change: Argument<'replaceRecoveryCodes'>,
    ): Promise<Outcome<'replaceRecoveryCodes'>> {
      const begun = await begin(work, change);
      if (begun.kind === 'superseded') return begun;
      await replaceRecoveryCodes(work, change.userId, change.recoveryCodes);
      await conclude(work, change, begun.remaining);
      return { kind: 'replaced' };
    },

    async addPasskey(work: Work, change: Argument<'addPasskey'>): Promise<Outcome<'addPasskey'>> {
      const { userId, passkey, cap } = change;
      const begun = await begin(work, change);
      if (begun.kind === 'superseded') return begun;
      const there = await work.rows('SELECT 1 FROM passkeys WHERE id = $1', [passkey.id]);
      if (there.length > 0) return { kind: 'exists' };
      if (begun.user.passkeys >= cap) return { kind: 'too-many' };
      const inserted = await work.run(
        `INSERT INTO passkeys (id, user_id, rp_id, public_key, counter, transports, name, device_type, backed_up, created_at,
          used_at, flagged_at)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12) ON CONFLICT (id) DO NOTHING`,
        [
          passkey.id,
          userId,
          passkey.rpId,
          passkey.publicKey,
          passkey.counter,
          passkey.transports,
          passkey.name,
          passkey.deviceType,
          passkey.backedUp,
          passkey.createdAt,
          passkey.usedAt,
          passkey.flaggedAt,
        ],
      );
      if (inserted === 0) return { kind: 'exists' };
      await work.run(countPasskeys, [userId]);
      await conclude(work, change, begun.remaining);
      return { kind: 'added' };
    },

    /** No factor changes by it, and nothing of a name is cached. */
    async renamePasskey(
      work: Work,
      { id, userId, name, audit }: Argument<'renamePasskey'>,
    ): Promise<Outcome<'renamePasskey'>> {
      const renamed = await work.run('UPDATE passkeys SET name = $3 WHERE id = $1 AND user_id = $2', [
        id,
        userId,
        name,
      ]);
      if (renamed === 0) return { kind: 'unknown' };
      work.audit(audit);
      return { kind: 'renamed' };
    },

    async removePasskey(work: Work, change: Argument<'removePasskey'>): Promise<Outcome<'removePasskey'>> {
      const { id, userId } = change;
      const begun = await begin(work, change);
      if (begun.kind === 'superseded') return begun;
      const { sealedTotp, passkeys, passwordLength } = begun.user;
      const own = await work.rows('SELECT 1 FROM passkeys WHERE id = $1 AND user_id = $2', [id, userId]);
      if (own.length === 0) return { kind: 'unknown' };
      if (sealedTotp === '' && passkeys === 1 && passwordLength === 'short') return { kind: 'password-too-short' };
      await work.run('DELETE FROM passkeys WHERE id = $1', [id]);
      await work.run(countPasskeys, [userId]);
      await conclude(work, change, begun.remaining);
      return { kind: 'removed' };
    },

    /** A counter that stands still went back, too, but for those that never count. What was flagged stays flagged. */
    async usePasskey(work: Work, use: Argument<'usePasskey'>): Promise<Outcome<'usePasskey'>> {
      const { id, userId, generation, counter, backedUp, at, notice, audit } = use;
      if ((await lockInForce(work, userId, generation)).kind === 'unknown') return { kind: 'gone' };
      const [before] = await work.rows('SELECT counter FROM passkeys WHERE id = $1 AND user_id = $2', [id, userId]);
      if (before === undefined) return { kind: 'gone' };
      const known = Number(before['counter']);
      await work.run(
        `UPDATE passkeys SET counter = GREATEST(counter, $2), backed_up = $3, used_at = GREATEST(used_at, $4) WHERE id = $1`,
        [id, counter, backedUp, at],
      );
      await endHold(work, userId);
      if (counter > known || (counter === 0 && known === 0)) return { kind: 'used', counter: 'moved' };
      await work.run('UPDATE passkeys SET flagged_at = coalesce(flagged_at, $2) WHERE id = $1', [id, at]);
      await putNotice(work, notice);
      work.audit(audit);
      return { kind: 'used', counter: 'went-back' };
    },

    async resetFactors(
      work: Work,
      { userId, audit, notice }: Argument<'resetFactors'>,
    ): Promise<Outcome<'resetFactors'>> {
      const locked = await lockUser(work, userId);
      if (locked.kind === 'unknown') return locked;
      await raise(work, userId, locked.user.credentialGeneration + 1);
      await work.run(dropTotp, [userId]);
      await work.run('DELETE FROM passkeys WHERE user_id = $1', [userId]);
      await work.run(countPasskeys, [userId]);
      await replaceRecoveryCodes(work, userId, []);
      await parts.endAllBut(work, userId, null);
      await parts.forgetPending(work, userId, null);
      await putNotice(work, notice);
      work.userChanged(userId);
      work.audit(audit);
      return { kind: 'reset' };
    },

    async unlockTotp(
      work: Work,
      { userId, audit }: { readonly userId: UserId; readonly audit: Argument<'appendAudit'> },
    ): Promise<void> {
      if ((await endHold(work, userId)) > 0) work.audit(audit);
    },
  };
}
