/** Every call the pages make, one function each. Outcomes are unions on `kind`; nothing here throws. */
import {
  type GivenUp,
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
import { type Proof, proofFields, sendThroughDoor } from './door.ts';
import { type Answer, send } from './transport.ts';

export type Done = { readonly kind: 'done' } | Refusal;
/** Of what may ask for a proof first. */
export type DoneAtLast = Done | GivenUp;
export type StatusOutcome = Status | Refusal;
export type SignInOutcome =
  | { readonly kind: 'signed-in' }
  | { readonly kind: 'code-wanted'; readonly challenge: string }
  | Refusal;
export type SetUpOutcome = { readonly kind: 'set-up'; readonly recoveryCodes: readonly string[] } | Refusal;
export type SessionsOutcome = { readonly kind: 'sessions'; readonly sessions: readonly Session[] } | Refusal | GivenUp;
export type AttemptsOutcome =
  | { readonly kind: 'attempts'; readonly attempts: readonly SignInAttempt[]; readonly end: 'reached' | 'further-on' }
  | Refusal
  | GivenUp;

const attemptsAtOnce = 10;

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

export async function switchOff(): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/disable', {}));
}

/** Proves that it is still the same person; the session gets a new token. */
export async function reauthenticate(proof: Proof): Promise<Done> {
  return done(await send('POST', '/api/auth/reauthenticate', proofFields(proof)));
}

export async function changePassword(old: Proof, newPassword: string): Promise<DoneAtLast> {
  const { password, ...code } = proofFields(old);
  const body = { old_password: password, new_password: newPassword, ...code };
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/change-password', body));
}

export async function sessions(): Promise<SessionsOutcome> {
  const answer = await sendThroughDoor('GET', '/api/auth/sessions');
  if (answer.kind !== 'answered') return answer;
  return { kind: 'sessions', sessions: readList(answer.fields, 'sessions').map(readSession) };
}

export async function endSession(id: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', `/api/auth/sessions/${encodeURIComponent(id)}`));
}

export async function endOtherSessions(): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', '/api/auth/sessions'));
}

/** The latest, or the latest before a time. */
export async function signInAttempts(before?: number): Promise<AttemptsOutcome> {
  const query = new URLSearchParams({ limit: String(attemptsAtOnce) });
  if (before !== undefined) query.set('before', new Date(before).toISOString());
  const answer = await sendThroughDoor('GET', `/api/auth/login-attempts?${query.toString()}`);
  if (answer.kind !== 'answered') return answer;
  const attempts = readList(answer.fields, 'attempts').map(readAttempt);
  return { kind: 'attempts', attempts, end: attempts.length < attemptsAtOnce ? 'reached' : 'further-on' };
}

function done(answer: Answer): Done {
  return answer.kind === 'answered' ? { kind: 'done' } : answer;
}

function doneAtLast(answer: Answer | GivenUp): DoneAtLast {
  return answer.kind === 'given-up' ? answer : done(answer);
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
