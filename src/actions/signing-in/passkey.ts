/** Signing in with a passkey alone (2-http-api, 4): it says itself whose it is, and stands for password and second factor. */
import { refuse } from '../../errors.ts';
import type { Prover } from '../../prove.ts';
import { cookieName } from '../../request/cookie.ts';
import type { SessionKind } from '../../types.ts';
import type { LoginTokens } from '../../verify/login-token.ts';
import { type Call, circumstancesOf, done, type Outcome } from '../call.ts';
import { lookAtMode } from '../login-mode.ts';
import { completeSignIn, type CompletionParts } from './complete.ts';

export interface PasskeySignInParts extends CompletionParts {
  readonly prover: Prover;
  readonly tokens: LoginTokens;
  readonly signInKinds: ReadonlyMap<string, SessionKind>;
}

export interface PasskeySignInBody {
  readonly login_token?: string | undefined;
  readonly kind?: string | undefined;
  /** AuthenticationResponseJSON; where it is missing the body itself is one. */
  readonly passkey?: unknown;
}

/** Whoever asks is nobody yet, so no passkey is named. Serves whoever confirms with one, too. */
export function passkeySignInOptions(parts: Pick<PasskeySignInParts, 'prover'>, call: Call): Outcome {
  const asked = parts.prover.passkeyOptions(call.arrival.origin, { kind: 'anybody' });
  return asked.kind === 'options' ? done(asked.options) : asked;
}

export async function signInByPasskey(parts: PasskeySignInParts, call: Call<PasskeySignInBody>): Promise<Outcome> {
  const kind = parts.signInKinds.get(call.body.kind ?? 'account');
  if (kind === undefined)
    return refuse('invalid_request', { detail: 'There is no such kind of session to sign in to.' });
  // A login token is a row once it is spent: nobody makes any but with a genuine passkey.
  const mode = lookAtMode(parts, call, call.body.login_token);
  if (mode.kind === 'refused') return mode;
  const { cookies } = mode;
  const proven = await parts.prover.signInByPasskey(
    { response: call.body.passkey ?? call.body, kind: kind.name, admit: mode.spend },
    circumstancesOf(call, cookieName(parts.cookieStem, call.arrival.scheme, 'device')),
  );
  if (proven.kind === 'refused') return { ...proven, cookies };
  return completeSignIn(parts, call, {
    ...proven,
    kind,
    transport: mode.transport,
    way: 'passkey',
    superseded: refuse('invalid_credentials', { fields: { requires_totp: false } }),
    cookies,
  });
}
