/** The 422 that says why a new password will not do (2-http-api, 2). */
import { refuse, type Refusal } from '../errors.ts';
import { type PasswordReason, passwordReasons } from '../policy/password-policy.ts';

export function passwordRefused(reasons: readonly PasswordReason[]): Refusal {
  return refuse('password_refused', {
    detail: reasons.map((reason) => passwordReasons[reason]).join(' '),
    fields: { reasons },
  });
}
