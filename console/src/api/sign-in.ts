/** The calls that signing in takes, one function each. Outcomes are unions on `kind`; nothing here throws. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  type Status,
  readFields,
  readStatus,
  readText,
  readTexts,
  readTime,
} from './answers.ts';
import { type Answer, send } from './transport.ts';

export type Done = { readonly kind: 'done' } | Refusal;
/** Of what may ask for a proof first. */
export type DoneAtLast = Done | GivenUp;
export type StatusOutcome = Status | Refusal;
export type SignInOutcome = { readonly kind: 'signed-in' } | SecondStep | Refusal;
export type PasskeyOptions = { readonly kind: 'options'; readonly options: Fields } | Refusal;

/** The password was right; a second factor is still to come. */
export interface SecondStep {
  readonly kind: 'code-wanted';
  readonly challenge: string;
  /** `totp`, `recovery`, `passkey`: what this account has. */
  readonly methods: readonly string[];
  /** For the browser, where a passkey is among them. */
  readonly passkeyOptions: Fields;
  /** After that the password is asked again. */
  readonly expiresAt: number;
}

export type SecondFactor =
  | { readonly kind: 'code'; readonly code: string }
  | { readonly kind: 'passkey'; readonly assertion: object };

export interface PasswordProof {
  readonly password: string;
  /** The second factor's code; empty where the account has none. */
  readonly code: string;
}

export async function status(): Promise<StatusOutcome> {
  const answer = await send('GET', '/api/auth/status');
  return answer.kind === 'answered' ? readStatus(answer.fields) : answer;
}

export async function signIn(username: string, password: string): Promise<SignInOutcome> {
  return signedIn(
    await withLoginToken((loginToken) =>
      send('POST', '/api/auth/login', { username, password, login_token: loginToken }),
    ),
  );
}

export async function proveFactor(challenge: string, factor: SecondFactor): Promise<SignInOutcome> {
  const proof = factor.kind === 'code' ? { totp_token: factor.code } : { passkey: factor.assertion };
  return signedIn(await send('POST', '/api/auth/login/verify', { challenge, ...proof }));
}

/** For a passkey of whoever it is; good for two minutes. Refused with 409 where the address is a number. */
export async function passkeyOptions(): Promise<PasskeyOptions> {
  const answer = await send('POST', '/api/auth/login/passkey/options', {});
  return answer.kind === 'answered' ? { kind: 'options', options: answer.fields } : answer;
}

export async function signInWithPasskey(assertion: object): Promise<SignInOutcome> {
  return signedIn(
    await withLoginToken((loginToken) =>
      send('POST', '/api/auth/login/passkey', { passkey: assertion, login_token: loginToken }),
    ),
  );
}

export async function switchOn(username: string, proof: PasswordProof): Promise<Done> {
  return done(await send('POST', '/api/auth/enable', { username, ...passwordFields(proof) }));
}

export function passwordFields(proof: PasswordProof): { password: string; totp_code?: string } {
  return { password: proof.password, ...(proof.code === '' ? {} : { totp_code: proof.code }) };
}

export function done(answer: Answer): Done {
  return answer.kind === 'answered' ? { kind: 'done' } : answer;
}

export function signedIn(answer: Answer): SignInOutcome {
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  if (fields['success'] === true) return { kind: 'signed-in' };
  const challenge = readText(fields, 'challenge');
  if (challenge === '') return { kind: 'unreadable' };
  return {
    kind: 'code-wanted',
    challenge,
    methods: readTexts(fields, 'methods'),
    passkeyOptions: readFields(fields['passkey_options']),
    expiresAt: readTime(fields, 'expires_at'),
  };
}

/**
 * A login token lives 30 seconds and serves one attempt, so each attempt fetches its own. When it is refused it may just
 * have come too late: a second one is tried in silence, and only then the cookie is the suspect.
 */
export async function withLoginToken(use: (loginToken: string) => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; tries < 2; tries += 1) {
    const prepared = await send('POST', '/api/auth/login/prepare');
    if (prepared.kind !== 'answered') return prepared;
    const answer = await use(readText(prepared.fields, 'login_token'));
    if (answer.kind !== 'refused' || answer.code !== 'login_token_invalid') return answer;
  }
  return { kind: 'cookies-blocked' };
}
