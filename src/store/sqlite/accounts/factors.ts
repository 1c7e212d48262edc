/**
 * Second factors: TOTP, recovery codes, passkeys. Every change of them raises the generation and ends all that was open
 * but the session that asked; nothing of it happens unless that session still stands.
 */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, UserId } from '../../../types.ts';
import type { FactorChange, Store } from '../../store.ts';
import type { Records } from '../records.ts';
import type { SessionParts } from '../sessions.ts';
import type { AccountParts } from './account-parts.ts';

type Argument<K extends keyof Store> = Parameters<Store[K]>[0];
type Outcome<K extends keyof Store> = Awaited<ReturnType<Store[K]>>;

/** What the account has while the change is decided. */
interface Held {
  readonly sealedTotp: string;
  readonly passkeys: number;
  readonly passwordLength: 'full' | 'short';
}

export function factorWrites(db: DatabaseSync, noting: Records, parts: SessionParts & AccountParts) {
  const readHeld = db.prepare(`
    SELECT u.sealed_totp AS sealedTotp, u.passkeys, u.password_length AS passwordLength FROM users AS u
    JOIN sessions AS s ON s.id = ? AND s.user_id = u.id AND s.credential_generation = u.credential_generation
      AND s.parent_id IS NULL AND s.ends_at > ?
    WHERE u.id = ? AND u.active = 1 AND u.credential_generation = ?`);
  const raise = db.prepare('UPDATE users SET credential_generation = credential_generation + 1 WHERE id = ?');
  const carryOver = db.prepare('UPDATE sessions SET credential_generation = ? WHERE id = ?');
  const upsertEnrolment = db.prepare(`
    INSERT INTO enrolments (user_id, id, session_id, sealed_totp, recovery_codes, expires_at)
    SELECT id, ?, ?, ?, ?, ? FROM users WHERE id = ?
    ON CONFLICT (user_id) DO UPDATE SET id = excluded.id, session_id = excluded.session_id,
      sealed_totp = excluded.sealed_totp, recovery_codes = excluded.recovery_codes, expires_at = excluded.expires_at`);
  const spendEnrolment = db.prepare(`
    DELETE FROM enrolments WHERE user_id = ? AND id = ? AND session_id = ? AND expires_at > ?
    RETURNING sealed_totp AS sealedTotp, recovery_codes AS recoveryCodes`);
  const setTotp = db.prepare(
    'UPDATE users SET sealed_totp = ?, totp_added_at = ?, totp_step = ?, wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = ?',
  );
  const dropTotp = db.prepare(
    "UPDATE users SET sealed_totp = '', totp_added_at = NULL, totp_step = 0, wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = ?",
  );
  const exists = db.prepare('SELECT 1 FROM passkeys WHERE id = ?');
  const insertPasskey = db.prepare(`
    INSERT INTO passkeys (id, user_id, rp_id, public_key, counter, transports, name, device_type, backed_up, created_at, used_at, flagged_at)
    VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`);
  const dropPasskey = db.prepare('DELETE FROM passkeys WHERE id = ?');
  const ownPasskey = db.prepare('SELECT 1 FROM passkeys WHERE id = ? AND user_id = ?');
  const dropPasskeys = db.prepare('DELETE FROM passkeys WHERE user_id = ?');
  const countPasskeys = db.prepare(
    'UPDATE users SET passkeys = (SELECT count(*) FROM passkeys WHERE user_id = users.id) WHERE id = ?',
  );
  const rename = db.prepare('UPDATE passkeys SET name = ? WHERE id = ? AND user_id = ?');
  const usable = db.prepare(`
    SELECT p.counter FROM passkeys AS p JOIN users AS u ON u.id = p.user_id AND u.active = 1 AND u.credential_generation = ?
    WHERE p.id = ? AND p.user_id = ?`);
  const used = db.prepare(`
    UPDATE passkeys SET counter = max(counter, ?), backed_up = ?, used_at = max(coalesce(used_at, 0), ?) WHERE id = ?`);
  const flag = db.prepare('UPDATE passkeys SET flagged_at = coalesce(flagged_at, ?) WHERE id = ?');
  const endHold = db.prepare('UPDATE users SET wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = ?');

  const held = ({ keep, userId, fromGeneration, audit }: FactorChange): Held | undefined =>
    readHeld.get(keep, audit.at, userId, fromGeneration) as unknown as Held | undefined;

  const conclude = ({ userId, fromGeneration, keep, notice, audit }: FactorChange): void => {
    raise.run(userId);
    parts.endOthers(userId, keep);
    carryOver.run(fromGeneration + 1, keep);
    parts.forgetPending(userId, keep);
    noting.notice(notice);
    noting.userChanged(userId);
    noting.audit(audit);
  };

  return {
    putEnrolment({ userId, id, sessionId, sealedTotp, recoveryCodes, expiresAt }: Argument<'putEnrolment'>): void {
      upsertEnrolment.run(id, sessionId, sealedTotp, JSON.stringify(recoveryCodes), expiresAt, userId);
    },

    enableTotp(change: Argument<'enableTotp'>): Outcome<'enableTotp'> {
      const { userId, enrolmentId, keep, step, audit } = change;
      if (held(change) === undefined) return { kind: 'superseded' };
      const enrolment = spendEnrolment.get(userId, enrolmentId, keep, audit.at);
      if (enrolment === undefined) return { kind: 'superseded' };
      setTotp.run(String(enrolment['sealedTotp']), audit.at, step, userId);
      parts.replaceRecoveryCodes(userId, JSON.parse(String(enrolment['recoveryCodes'])) as readonly Digest[]);
      conclude(change);
      return { kind: 'enabled' };
    },

    disableTotp(change: Argument<'disableTotp'>): Outcome<'disableTotp'> {
      const before = held(change);
      if (before === undefined || before.sealedTotp === '') return { kind: 'superseded' };
      if (before.passkeys === 0 && before.passwordLength === 'short') return { kind: 'password-too-short' };
      dropTotp.run(change.userId);
      conclude(change);
      return { kind: 'disabled' };
    },

    replaceRecoveryCodes(change: Argument<'replaceRecoveryCodes'>): Outcome<'replaceRecoveryCodes'> {
      if (held(change) === undefined) return { kind: 'superseded' };
      parts.replaceRecoveryCodes(change.userId, change.recoveryCodes);
      conclude(change);
      return { kind: 'replaced' };
    },

    addPasskey(change: Argument<'addPasskey'>): Outcome<'addPasskey'> {
      const { userId, passkey, cap } = change;
      const before = held(change);
      if (before === undefined) return { kind: 'superseded' };
      if (exists.get(passkey.id) !== undefined) return { kind: 'exists' };
      if (before.passkeys >= cap) return { kind: 'too-many' };
      insertPasskey.run(
        passkey.id,
        userId,
        passkey.rpId,
        passkey.publicKey,
        passkey.counter,
        JSON.stringify(passkey.transports),
        passkey.name,
        passkey.deviceType,
        passkey.backedUp ? 1 : 0,
        passkey.createdAt,
        passkey.usedAt,
        passkey.flaggedAt,
      );
      countPasskeys.run(userId);
      conclude(change);
      return { kind: 'added' };
    },

    /** No factor changes by it, and nothing of a name is cached. */
    renamePasskey({ id, userId, name, audit }: Argument<'renamePasskey'>): Outcome<'renamePasskey'> {
      if (rename.run(name, id, userId).changes === 0) return { kind: 'unknown' };
      noting.audit(audit);
      return { kind: 'renamed' };
    },

    removePasskey(change: Argument<'removePasskey'>): Outcome<'removePasskey'> {
      const { id, userId } = change;
      const before = held(change);
      if (before === undefined) return { kind: 'superseded' };
      if (ownPasskey.get(id, userId) === undefined) return { kind: 'unknown' };
      if (before.sealedTotp === '' && before.passkeys === 1 && before.passwordLength === 'short')
        return { kind: 'password-too-short' };
      dropPasskey.run(id);
      countPasskeys.run(userId);
      conclude(change);
      return { kind: 'removed' };
    },

    /** A counter that stands still went back, too, but for those that never count. What was flagged stays flagged. */
    usePasskey(use: Argument<'usePasskey'>): Outcome<'usePasskey'> {
      const { id, userId, generation, counter, backedUp, at, notice, audit } = use;
      const before = usable.get(generation, id, userId);
      if (before === undefined) return { kind: 'gone' };
      const known = Number(before['counter']);
      used.run(counter, backedUp ? 1 : 0, at, id);
      endHold.run(userId);
      if (counter > known || (counter === 0 && known === 0)) return { kind: 'used', counter: 'moved' };
      flag.run(at, id);
      noting.notice(notice);
      noting.audit(audit);
      return { kind: 'used', counter: 'went-back' };
    },

    resetFactors({ userId, audit, notice }: Argument<'resetFactors'>): Outcome<'resetFactors'> {
      if (raise.run(userId).changes === 0) return { kind: 'unknown' };
      dropTotp.run(userId);
      dropPasskeys.run(userId);
      countPasskeys.run(userId);
      parts.replaceRecoveryCodes(userId, []);
      parts.endAllBut(userId, null);
      parts.forgetPending(userId, null);
      noting.notice(notice);
      noting.userChanged(userId);
      noting.audit(audit);
      return { kind: 'reset' };
    },

    unlockTotp({ userId, audit }: { readonly userId: UserId; readonly audit: Argument<'appendAudit'> }): void {
      if (endHold.run(userId).changes > 0) noting.audit(audit);
    },
  };
}
