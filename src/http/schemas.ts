/** Bodies of our routes: one shape for checking and for the OpenAPI document. Unknown fields are ignored. */
import * as z from 'zod';

/** Length is judged where the value is parsed, so that a password that is too long is told apart from a wrong type. */
const text = z.string();
const code = z.string().min(1).max(64);

export const setUpBody = z.object({ setup_code: text, username: text, password: text, login_token: text.optional() });
export const declineBody = z.object({ setup_code: text });
export const loginBody = z.object({
  username: text,
  password: text,
  totp_token: code.optional(),
  login_token: text.optional(),
  kind: text.optional(),
});
export const enableBody = z.object({ username: text, password: text, totp_code: code.optional() });
/** Step-up by password in the same request (2-http-api, 4). */
export const stepUpBody = z.object({
  password: text.optional(),
  totp_code: code.optional(),
  totp_token: code.optional(),
});
export const reauthenticateBody = z.object({ password: text, totp_code: code.optional() });
export const changePasswordBody = z
  .object({
    old_password: text.optional(),
    current_password: text.optional(),
    new_password: text,
    totp_code: code.optional(),
  })
  .refine((body) => (body.old_password === undefined) !== (body.current_password === undefined), {
    message: 'Give the old password once, as "old_password" or "current_password".',
    path: ['old_password'],
  });
/** What to lift; nothing named is all there is. */
export const liftBody = z.object({ username: text.optional(), address: text.optional(), network: text.optional() });
/** Forms may carry the CSRF token in a field. */
export const signOutBody = z.object({ csrf: text.optional() });
