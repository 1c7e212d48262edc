/** Pieces that several operations on accounts are made of. */
import type { DatabaseSync } from 'node:sqlite';
import type { Digest, UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';

/** A password that was proven to be the person's own, and under which generation that holds. */
export interface NewPassword {
  readonly userId: UserId;
  readonly fromGeneration: number;
  readonly sealedPassword: string;
  readonly passwordLength: UserRow['passwordLength'];
}

export interface AccountParts {
  /** Raises the generation. Nothing happens to a user that is disabled or of another generation by now. */
  setPassword(password: NewPassword): { readonly kind: 'superseded' | 'set' };
  replaceRecoveryCodes(userId: UserId, digests: readonly Digest[]): void;
}

export function accountParts(db: DatabaseSync): AccountParts {
  const setPassword = db.prepare(`
    UPDATE users SET sealed_password = ?, password_length = ?, password_standing = 'own', wrong_codes_with_password = 0,
      credential_generation = credential_generation + 1
    WHERE id = ? AND credential_generation = ? AND active = 1`);
  const dropCodes = db.prepare('DELETE FROM recovery_codes WHERE user_id = ?');
  const insertCode = db.prepare('INSERT INTO recovery_codes (user_id, digest) VALUES (?, ?)');
  return {
    setPassword: ({ userId, fromGeneration, sealedPassword, passwordLength }) => {
      const set = setPassword.run(sealedPassword, passwordLength, userId, fromGeneration);
      return { kind: set.changes === 0 ? 'superseded' : 'set' };
    },
    replaceRecoveryCodes: (userId, digests) => {
      dropCodes.run(userId);
      for (const digest of digests) insertCode.run(userId, digest);
    },
  };
}
