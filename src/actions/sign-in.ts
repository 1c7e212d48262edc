/** Sign in with a password (2-http-api, 4). The password itself was proven on the walk in `prove.ts`. */
import { refuse } from '../errors.ts';
import { readPassword } from '../verify/claim.ts';
import { cookieName } from '../request/cookie.ts';
import type { LoginTokens } from '../verify/login-token.ts';
import { type Call, circumstancesOf, type Outcome } from './call.ts';
import { loginMode } from './login-mode.ts';
import { completeSignIn } from './signing-in/complete.ts';
import { askForSecondFactor, type SecondStepParts } from './signing-in/second-step.ts';

export interface SignInBody {
  readonly username: string;
  readonly password: string;
  readonly totp_token?: string | undefined;
  readonly login_token?: string | undefined;
  readonly kind?: string | undefined;
}

export interface SignInParts extends SecondStepParts {
  readonly tokens: LoginTokens;
}

const open = { kind: 'open' } as const;

export async function signIn(parts: SignInParts, call: Call<SignInBody>): Promise<Outcome> {
  const kind = parts.signInKinds.get(call.body.kind ?? 'account');
  if (kind === undefined)
    return refuse('invalid_request', { detail: 'There is no such kind of session to sign in to.' });
  const circumstances = circumstancesOf(call, cookieName(parts.cookieStem, call.arrival.scheme, 'device'));
  // A login token is a row once it is spent: nobody gets to make rows faster than to guess.
  const password = readPassword(call.body.password);
  if (password.kind === 'refused') return password;
  const { username, totp_token: code } = call.body;
  const standing = circumstances.device === '' ? await parts.prover.standing({ username, code }, circumstances) : open;
  if (standing.kind === 'refused') return standing;
  const mode = await loginMode(parts, call, call.body.login_token);
  if (mode.kind === 'refused') return mode;
  const { transport, cookies } = mode;
  const proven = await parts.prover.signIn({ ...call.body, code, way: 'login', kind: kind.name }, circumstances);
  switch (proven.kind) {
    case 'refused':
      return { ...proven, cookies };
    case 'half':
      return askForSecondFactor(parts, call, proven, { kind, transport, cookies });
    case 'user':
      return completeSignIn(parts, call, {
        ...proven,
        kind,
        transport,
        way: 'password',
        superseded: refuse('invalid_credentials', { fields: { requires_totp: false } }),
        cookies,
      });
  }
}
