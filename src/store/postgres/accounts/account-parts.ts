/** Pieces that several operations on accounts are made of. Each is called under the user's lock. */
import type { Digest, UserId } from '../../../types.ts';
import type { UserRow } from '../../rows.ts';
import type { Work } from '../work.ts';

/** A password that was proven to be the person's own, and the generation that begins with it. */
export interface NewPassword {
  readonly sealedPassword: string;
  readonly passwordLength: UserRow['passwordLength'];
}

export async function setPassword(
  work: Work,
  userId: UserId,
  generation: number,
  { sealedPassword, passwordLength }: NewPassword,
): Promise<void> {
  await work.run(
    `UPDATE users SET sealed_password = $2, password_length = $3, password_standing = 'own', wrong_codes_with_password = 0,
      credential_generation = $4 WHERE id = $1`,
    [userId, sealedPassword, passwordLength, generation],
  );
}

export async function replaceRecoveryCodes(work: Work, userId: UserId, digests: readonly Digest[]): Promise<void> {
  await work.run('DELETE FROM recovery_codes WHERE user_id = $1', [userId]);
  await work.run('INSERT INTO recovery_codes (user_id, digest) SELECT $1, unnest($2::text[])', [userId, digests]);
}

/** What holds TOTP is over. */
export async function endHold(work: Work, userId: UserId): Promise<number> {
  return work.run('UPDATE users SET wrong_codes_in_row = 0, wrong_codes_nearby = 0 WHERE id = $1', [userId]);
}
