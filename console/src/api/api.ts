/** Every call the pages make, one function each. Outcomes are unions on `kind`; nothing here throws. */
import {
  type Refusal,
  type Session,
  type SignInAttempt,
  type Status,
  readAttempt,
  readList,
  readSession,
  readStatus,
  readText,
  readTexts,
} from './answers.ts';
import { type Answer, send } from './transport.ts';

export type Done = { readonly kind: 'done' } | Refusal;
export type StatusOutcome = Status | Refusal;
export type SignInOutcome =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'code-wanted'; readonly challenge: string }
  | Refusal;
export type SetUpOutcome = { readonly kind: 'set-up'; readonly recoveryCodes: readonly string[] } | Refusal;
export type SessionsOutcome = { readonly kind: 'sessions'; readonly sessions: readonly Session[] } | Refusal;
export type AttemptsOutcome = { readonly kind: 'attempts'; readonly attempts: readonly SignInAttempt[] } | Refusal;

export interface Proof {
  readonly password: string;
  /** The second factor's code; empty where the account has none. */
  readonly code: string;
}

export async function status(): Promise<StatusOutcome> {
  const answer = await send('GET', '/api/auth/status');
  return answer.kind === 'answered' ? readStatus(answer.fields) : answer;
}

export async function setUp(setupCode: string, username: string, password: string): Promise<SetUpOutcome> {
  const answer = await withLoginToken((loginToken) =>
    send('POST', '/api/auth/setup', { setup_code: setupCode, username, password, login_token: loginToken }),
  );
  return answer.kind === 'answered'
    ? { kind: 'set-up', recoveryCodes: readTexts(answer.fields, 'backup_codes') }
    : answer;
}

export async function decline(setupCode: string): Promise<Done> {
  return done(await send('POST', '/api/auth/decline', { setup_code: setupCode }));
}

export async function signIn(username: string, password: string): Promise<SignInOutcome> {
  return signedIn(
    await withLoginToken((loginToken) =>
      send('POST', '/api/auth/login', { username, password, login_token: loginToken }),
    ),
  );
}

export async function proveCode(challenge: string, code: string): Promise<SignInOutcome> {
  return signedIn(await send('POST', '/api/auth/login/verify', { challenge, totp_token: code }));
}

export async function signOut(): Promise<Done> {
  return done(await send('POST', '/api/auth/logout'));
}

export async function switchOn(username: string, proof: Proof): Promise<Done> {
  return done(await send('POST', '/api/auth/enable', { username, ...proofFields(proof) }));
}

export async function switchOff(proof: Proof): Promise<Done> {
  return done(await send('POST', '/api/auth/disable', proofFields(proof)));
}

export async function changePassword(old: Proof, newPassword: string): Promise<Done> {
  const { password, ...code } = proofFields(old);
  return done(
    await send('POST', '/api/auth/change-password', { old_password: password, new_password: newPassword, ...code }),
  );
}

export async function sessions(): Promise<SessionsOutcome> {
  const answer = await send('GET', '/api/auth/sessions');
  if (answer.kind !== 'answered') return answer;
  return { kind: 'sessions', sessions: readList(answer.fields, 'sessions').map(readSession) };
}

export async function endSession(id: string): Promise<Done> {
  return done(await send('DELETE', `/api/auth/sessions/${encodeURIComponent(id)}`));
}

export async function endOtherSessions(): Promise<Done> {
  return done(await send('DELETE', '/api/auth/sessions'));
}

export async function signInAttempts(): Promise<AttemptsOutcome> {
  const answer = await send('GET', '/api/auth/login-attempts?limit=20');
  if (answer.kind !== 'answered') return answer;
  return { kind: 'attempts', attempts: readList(answer.fields, 'attempts').map(readAttempt) };
}

function done(answer: Answer): Done {
  return answer.kind === 'answered' ? { kind: 'done' } : answer;
}

function proofFields(proof: Proof): { password: string; totp_code?: string } {
  return { password: proof.password, ...(proof.code === '' ? {} : { totp_code: proof.code }) };
}

function signedIn(answer: Answer): SignInOutcome {
  if (answer.kind !== 'answered') return answer;
  if (answer.fields['success'] === true) return { kind: 'signed-in' };
  const challenge = readText(answer.fields, 'challenge');
  return challenge === '' ? { kind: 'unreadable' } : { kind: 'code-wanted', challenge };
}

/**
 * A login token lives 30 seconds and serves one attempt, so each attempt fetches its own. When it is refused it may just
 * have come too late: a second one is tried in silence, and only then the cookie is the suspect.
 */
async function withLoginToken(use: (loginToken: string) => Promise<Answer>): Promise<Answer> {
  for (let tries = 0; tries < 2; tries += 1) {
    const prepared = await send('POST', '/api/auth/login/prepare');
    if (prepared.kind !== 'answered') return prepared;
    const answer = await use(readText(prepared.fields, 'login_token'));
    if (answer.kind !== 'refused' || answer.code !== 'login_token_invalid') return answer;
  }
  return { kind: 'cookies-blocked' };
}
