/** New recovery codes in place of those that are left: shown this once (3-rules, Second factors). */
import { newRecoveryCodes, recoveryCodeDigest } from '../../crypto/code.ts';
import { done, type Outcome, type SignedInCall } from '../call.ts';
import { changeOf, type FactorParts, superseded } from './factors.ts';

export async function renewRecoveryCodes(parts: FactorParts, call: SignedInCall): Promise<Outcome> {
  const codes = newRecoveryCodes(parts.random);
  const replaced = await parts.store.replaceRecoveryCodes({
    ...changeOf(parts, call, { event: 'recovery-codes-renewed', notice: 'recovery-codes-renewed', detail: '' }),
    recoveryCodes: codes.map(recoveryCodeDigest),
  });
  return replaced.kind === 'superseded' ? superseded() : done({ backup_codes: codes });
}
