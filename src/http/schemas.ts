/** Bodies of our routes: one shape for checking and for the OpenAPI document. Unknown fields are ignored. */
import * as z from 'zod';
import { rotatedPurposes } from '../actions/keys/ages.ts';
import { lifetimeDays } from '../actions/tokens/values.ts';
import { scopeSets } from '../principal/scopes.ts';
import { personLimits, word } from '../request/person.ts';
import { usernameLimits } from '../request/username.ts';
import { tokenLimits } from '../throttle/limits.ts';

/** Length is judged where the value is parsed, so that a password that is too long is told apart from a wrong type. */
const text = z.string();
/** What cannot be a code is a wrong code, and no bad request: only what nobody would type is refused here. */
const code = text.max(1024);
/** A browser's assertion (AuthenticationResponseJSON), read where it is proven. */
const assertion = z.looseObject({ response: z.looseObject({}) });

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
export const answerBody = z.object({
  challenge: text.max(1024),
  totp_token: code.optional(),
  passkey: assertion.optional(),
});
/** The assertion beside the other fields, or as `passkey`. */
export const passkeySignInBody = z.looseObject({
  passkey: assertion.optional(),
  login_token: text.optional(),
  kind: text.optional(),
});
/** Step-up in the same request (2-http-api, 4). */
export const stepUpBody = z.object({
  password: text.optional(),
  totp_code: code.optional(),
  totp_token: code.optional(),
  passkey: assertion.optional(),
});
export type StepUpBody = z.infer<typeof stepUpBody>;
/** Shown on pages and in mails, to somebody who has to know what they gave it. */
const label = text
  .normalize()
  .trim()
  .min(1)
  .max(64)
  .regex(/^[^\p{C}\p{Zl}\p{Zp}]*$/u, 'A name holds no signs that cannot be seen.');
const perMinute = z.int().min(1).max(tokenLimits.perMinute.most);
const perHour = z.int().min(1).max(tokenLimits.perHour.most);
const tokenFields = {
  token_name: label.optional(),
  scopes: z.array(z.string().max(1024)).max(256).optional(),
  ip_allowlist: z.array(z.string().max(1024)).max(256).optional(),
  rate_limit: z.object({ per_minute: perMinute.optional(), per_hour: perHour.optional() }).optional(),
};
const newTokenFields = {
  ...tokenFields,
  scope: z.enum(Object.keys(scopeSets) as [keyof typeof scopeSets]).optional(),
  expires_in_days: z.int().min(1).max(lifetimeDays.most).optional(),
  never: z.boolean().optional(),
};
export const createTokenBody = stepUpBody.extend(newTokenFields);
/** What is left out stays as it is. */
export const updateTokenBody = stepUpBody.extend({ ...tokenFields, active: z.boolean().optional() });
/** An item has one of the forms, by its fields: with a field of another one it is none of them. */
const absent = z.never().optional();
const id = text.max(64);
const several = <Item extends z.ZodType>(item: Item) =>
  stepUpBody.extend({ items: z.array(item).min(1).max(100), atomic: z.boolean().default(false) });
export const tokensBody = several(
  z.union([
    z.object({ id, action: z.enum(['enable', 'disable', 'revoke']), token_name: absent }),
    z.object({ ...newTokenFields, token_name: label, id: absent, action: absent }),
  ]),
);
export const rotateTokenBody = stepUpBody.extend({ overlap_seconds: z.int().min(0).max(86_400).default(0) });
const registration = z.looseObject({ response: z.looseObject({ attestationObject: text }) });
/** RegistrationResponseJSON beside the other fields, or as `passkey`; an assertion in that field is a step-up like any other. */
export const addPasskeyBody = z
  .looseObject({ ...stepUpBody.shape, name: label.default('Passkey'), passkey: z.unknown().optional() })
  .transform(({ passkey, ...body }) =>
    registration.safeParse(passkey).success
      ? { ...body, registration: passkey }
      : { ...body, passkey, registration: body },
  );
export const renamePasskeyBody = stepUpBody.extend({ name: label });
export const enableTotpBody = z.object({ token: code });
/** Both, always: no open window stands in for them. */
export const disableTotpBody = z.object({ password: text, totp_code: code });
export const reauthenticateBody = z
  .object({ password: text.optional(), totp_code: code.optional(), passkey: assertion.optional() })
  .refine((body) => body.password !== undefined || body.passkey !== undefined, {
    message: 'Give "password", with "totp_code" where there is a second factor, or "passkey".',
    path: ['password'],
  });
export const changePasswordBody = z
  .object({
    old_password: text.optional(),
    current_password: text.optional(),
    new_password: text,
    totp_code: code.optional(),
    passkey: assertion.optional(),
  })
  .refine((body) => (body.old_password === undefined) !== (body.current_password === undefined), {
    message: 'Give the old password once, as "old_password" or "current_password".',
    path: ['old_password'],
  });
const words = z.array(z.string().regex(word)).max(personLimits.words);
export const port = z.int().min(1).max(65_535);
export const pathTicketBody = z.object({
  path: text,
  ttl_seconds: z.int().min(5).max(60).default(5),
  privileges: words.optional(),
  port: port.optional(),
});
/** Lengths that no value can have are refused here, forms where the value is read (`request/person.ts`). */
const person = {
  email: z.string().max(254).optional(),
  display_name: z
    .string()
    .max(personLimits.displayName * 4)
    .optional(),
  groups: words.optional(),
  privileges: words.optional(),
  active: z.boolean().optional(),
};
/** Confirmed by a password of whoever asks, where there is one in it; the account's own is set by a link. */
const username = z.string().max(usernameLimits.codePoints * 8);
export const createUserBody = stepUpBody.extend({ username, ...person });
export const updateUserBody = stepUpBody.extend(person);
export const usersBody = several(
  z.union([
    z.object({ id, action: z.enum(['enable', 'disable', 'delete']), username: absent }),
    z.object({ id, ...person, username: absent, action: absent }),
    z.object({ username, ...person, id: absent, action: absent }),
  ]),
);
export const makeLinkBody = stepUpBody.extend({ purpose: z.enum(['invite', 'reset']) });
const link = z.string().max(256);
export const lookAtLinkBody = z.object({ link });
export const redeemLinkBody = z.object({ link, password: text, login_token: text.optional() });
export const forgotPasswordBody = z.object({ username: text });
export const dismissNoticesBody = z.object({ up_to: z.int().nonnegative() });
/** What to lift; nothing named is all there is. */
export const liftBody = z.object({ username: text.optional(), address: text.optional(), network: text.optional() });
/** A file of the machine; whether it may be read at all is judged where it is. */
const filePath = text
  .min(1)
  .max(4096)
  .regex(/^\/[^\p{Cc}]*$/u, 'A path begins with "/" and holds no control characters.');
export const validatePairBody = z.object({ cert_path: filePath, key_path: filePath });
/** `auto_restart` is from clients of old: nothing is restarted. */
const noRestart = { auto_restart: z.boolean().optional() };
export const configureTlsBody = stepUpBody.extend({
  source: z.enum(['proxmox', 'letsencrypt', 'custom']).default('proxmox'),
  cert_path: filePath.optional(),
  key_path: filePath.optional(),
  ...noRestart,
});
export const disableTlsBody = stepUpBody.extend(noRestart);
export const rotateKeysBody = stepUpBody.extend({
  purpose: z.enum([...rotatedPurposes, 'service', 'all'], {
    error:
      'One of ticket, cookie, seal, audit, service, all. The root key is replaced on the host: sallyport key rotate root.',
  }),
  /** At once, and not in ten minutes. */
  now: z.boolean().optional(),
  /** Of tickets: those before it are gone at once, and every ticket with them. */
  compromised: z.boolean().optional(),
});
/** Forms may carry the CSRF token in a field. */
export const signOutBody = z.object({ csrf: text.optional() });
