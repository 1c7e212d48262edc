/** Sign in with a password (2-http-api, 4). The password itself was proven on the walk in `prove.ts`. */
import { refuse } from '../errors.ts';
import { hasPrivilege } from '../principal/principal.ts';
import type { Prover } from '../prove.ts';
import { readPassword } from '../verify/claim.ts';
import type { Recorder } from '../record/recorder.ts';
import { cookieName } from '../request/cookie.ts';
import type { Store } from '../store/store.ts';
import type { SessionKind } from '../types.ts';
import { networkUse } from '../verify/acquaintance.ts';
import type { LoginTokens } from '../verify/login-token.ts';
import { type Call, circumstancesOf, done, noteDenial, type Outcome, whence } from './call.ts';
import { handOverToken, type Issuing, issueSession, rememberDevice, timeText } from './issue-session.ts';
import { loginMode } from './login-mode.ts';

export interface SignInBody {
  readonly username: string;
  readonly password: string;
  readonly login_token?: string | undefined;
  readonly kind?: string | undefined;
}

export interface SignInParts extends Issuing {
  readonly store: Store;
  readonly prover: Prover;
  readonly recorder: Recorder;
  readonly tokens: LoginTokens;
  /** Kinds a sign-in may ask for; `app` is not among them. */
  readonly signInKinds: ReadonlyMap<string, SessionKind>;
}

/** Devices of one user that are remembered (3-rules, Guessing). */
const deviceCap = 10;

const open = { kind: 'open' } as const;

export async function signIn(parts: SignInParts, call: Call<SignInBody>): Promise<Outcome> {
  const kind = parts.signInKinds.get(call.body.kind ?? 'account');
  if (kind === undefined)
    return refuse('invalid_request', { detail: 'There is no such kind of session to sign in to.' });
  const { scheme } = call.arrival;
  const circumstances = circumstancesOf(call, cookieName(parts.cookieStem, scheme, 'device'));
  // A login token is a row once it is spent: nobody gets to make rows faster than to guess.
  const password = readPassword(call.body.password);
  if (password.kind === 'refused') return password;
  const standing = circumstances.device === '' ? await parts.prover.standing(circumstances) : open;
  if (standing.kind === 'refused') return standing;
  const mode = await loginMode(parts, call, call.body.login_token);
  if (mode.kind === 'refused') return mode;
  const proven = await parts.prover.signIn({ ...call.body, way: 'login', kind: kind.name }, circumstances);
  if (proven.kind === 'refused') return { ...proven, cookies: mode.cookies };
  const { user } = proven;
  if (kind.privilege !== null && !hasPrivilege(user, kind.privilege)) {
    await noteDenial(parts, call, user.id);
    return refuse('forbidden', { detail: 'This needs an administrator.', cookies: mode.cookies });
  }

  const { token, opening } = issueSession(parts, call, user, kind, mode.transport);
  const remembered = mode.transport === 'cookie' ? rememberDevice(parts, user, proven.device, scheme) : null;
  const opened = await parts.store.openSession({
    opening,
    device: remembered?.device ?? null,
    deviceCap,
    network: networkUse(circumstances.address, parts.clock),
    attempt: parts.recorder.attempt(opening.session, 'password'),
    audit: parts.recorder.event({
      event: 'signed-in',
      actor: user.id,
      ...whence(call),
      way: 'password',
      target: opening.session.id,
    }),
  });
  // The credentials changed between the check and now: the password that was right is no longer.
  if (opened.kind === 'superseded')
    return refuse('invalid_credentials', { fields: { requires_totp: false }, cookies: mode.cookies });
  parts.recorder.passed({ kind: kind.name, way: 'password' });
  const handed = handOverToken(parts, token, opening.session, kind.sameSite, scheme);
  return done(
    { ...handed.fields, expires_at: timeText(opening.session.expiresAt) },
    { cookies: [...handed.cookies, ...(remembered?.cookies ?? []), ...mode.cookies] },
  );
}
