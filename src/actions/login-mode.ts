/**
 * Cookie or bearer (2-http-api, 4): a `login_token` asks for cookies and must match its cookie before any credential is
 * looked at; without one the answer is a bearer token and never a cookie.
 */
import { refuse, type Refusal } from '../errors.ts';
import { cookieName, setCookie } from '../request/cookie.ts';
import type { Transport } from '../store/rows.ts';
import { loginTokenSeconds, type LoginTokens } from '../verify/login-token.ts';
import { type Call, cookieOf, type Done, done } from './call.ts';
import { expireNamed } from './issue-session.ts';

export interface LoginMode {
  readonly kind: 'mode';
  readonly transport: Transport;
  /** Expires the login cookie: it is good for one attempt, whatever comes of it. */
  readonly cookies: readonly string[];
}

/** As it would be; the token is good and not spent yet. */
export interface LookedMode extends LoginMode {
  /** That is a row. Whoever is refused had the token spent by somebody before. */
  readonly spend: () => Promise<Refusal | { readonly kind: 'spent' }>;
}

interface ModeParts {
  readonly tokens: LoginTokens;
  readonly cookieStem: string;
}

export function lookAtMode(
  parts: ModeParts,
  call: Pick<Call, 'incoming' | 'arrival'>,
  loginToken: string | undefined,
): Refusal | LookedMode {
  if (loginToken === undefined)
    return { kind: 'mode', transport: 'bearer', cookies: [], spend: () => Promise.resolve({ kind: 'spent' }) };
  const { scheme } = call.arrival;
  const nonce = cookieOf(call, cookieName(parts.cookieStem, scheme, 'login'));
  const cookies = expireNamed(parts.cookieStem, scheme, 'login');
  const detail =
    nonce === undefined
      ? 'The login cookie did not arrive: cookies are blocked, or a proxy in front drops them.'
      : undefined;
  const refused = refuse('login_token_invalid', { cookies, ...(detail === undefined ? {} : { detail }) });
  if (parts.tokens.look(loginToken, nonce).kind === 'invalid') return refused;
  const spend = async (): ReturnType<LookedMode['spend']> => {
    const spent = await parts.tokens.spend(loginToken, nonce);
    return spent.kind === 'spent' ? spent : refused;
  };
  return { kind: 'mode', transport: 'cookie', cookies, spend };
}

export async function loginMode(
  parts: ModeParts,
  call: Pick<Call, 'incoming' | 'arrival'>,
  loginToken: string | undefined,
): Promise<Refusal | LoginMode> {
  const mode = lookAtMode(parts, call, loginToken);
  if (mode.kind === 'refused') return mode;
  const spent = await mode.spend();
  return spent.kind === 'refused' ? spent : mode;
}

export function prepareSignIn(parts: { readonly tokens: LoginTokens; readonly cookieStem: string }, call: Call): Done {
  const { token, nonce } = parts.tokens.make();
  const { scheme } = call.arrival;
  const cookie = setCookie(cookieName(parts.cookieStem, scheme, 'login'), nonce, {
    scheme,
    sameSite: 'Strict',
    maxAgeSeconds: loginTokenSeconds,
  });
  return done({ login_token: token }, { cookies: [cookie] });
}
