/** The calls of the account page: sessions, attempts, notices, the password. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  readFields,
  readList,
  readNumber,
  readText,
  readTime,
} from './answers.ts';
import { sendThroughDoor } from './door.ts';
import { type Done, type DoneAtLast, type PasswordProof, done, passwordFields } from './sign-in.ts';
import { type Answer, send } from './transport.ts';

export interface Session {
  readonly id: string;
  readonly sort: string;
  readonly createdAt: number;
  readonly lastSeenAt: number;
  readonly address: string;
  readonly userAgent: string;
  /** The protected host that an `app` session belongs to; empty for the others. */
  readonly origin: string;
  readonly current: boolean;
}

/** A browser that signed in before: what strangers get wrong does not keep it out. */
export interface KnownDevice {
  readonly id: string;
  readonly createdAt: number;
  readonly usedAt: number;
  readonly current: boolean;
}

export interface SignInAttempt {
  readonly firstAt: number;
  readonly lastAt: number;
  readonly count: number;
  readonly address: string;
  readonly way: string;
  readonly result: string;
}

/** What somebody is told about their account. */
export interface AccountNotice {
  readonly id: number;
  readonly sort: string;
  readonly at: number;
  /** Empty where it came from the host. */
  readonly address: string;
  /** One word or name more. */
  readonly detail: string;
}

export type SessionsOutcome =
  | { readonly kind: 'sessions'; readonly sessions: readonly Session[]; readonly devices: readonly KnownDevice[] }
  | Refusal
  | GivenUp;
export type AttemptsOutcome =
  | { readonly kind: 'attempts'; readonly attempts: readonly SignInAttempt[]; readonly end: 'reached' | 'further-on' }
  | Refusal
  | GivenUp;
export type NoticesOutcome =
  | { readonly kind: 'notices'; readonly notices: readonly AccountNotice[] }
  | Refusal
  | GivenUp;

const attemptsAtOnce = 10;

export async function signOut(): Promise<Done> {
  return done(await send('POST', '/api/auth/logout'));
}

export async function switchOff(): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/disable', {}));
}

/** `passkey`: in the place of a code, where there is one. */
export async function changePassword(
  old: PasswordProof,
  passkey: object | undefined,
  newPassword: string,
): Promise<DoneAtLast> {
  const { password, ...code } = passwordFields(old);
  const factor = passkey === undefined ? code : { passkey };
  const body = { old_password: password, new_password: newPassword, ...factor };
  return doneAtLast(await sendThroughDoor('POST', '/api/auth/change-password', body, 'resume'));
}

/** Whose: one's own, or for an administrator those of anybody. */
export type Whose = { readonly kind: 'own' } | { readonly kind: 'of'; readonly id: string; readonly username: string };

function sessionsPath(whose: Whose): string {
  return whose.kind === 'own' ? '/api/auth/sessions' : `/api/auth/users/${encodeURIComponent(whose.id)}/sessions`;
}

export async function sessions(whose: Whose): Promise<SessionsOutcome> {
  const answer = await sendThroughDoor('GET', sessionsPath(whose));
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'sessions',
    sessions: readList(answer.fields, 'sessions').map(readSession),
    devices: readList(answer.fields, 'devices').map(readDevice),
  };
}

export async function endSession(whose: Whose, id: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', `${sessionsPath(whose)}/${encodeURIComponent(id)}`));
}

/** One's own but for this one; all of somebody else. */
export async function endOtherSessions(whose: Whose): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', sessionsPath(whose)));
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

export async function notices(): Promise<NoticesOutcome> {
  const answer = await sendThroughDoor('GET', '/api/auth/notices');
  if (answer.kind !== 'answered') return answer;
  return { kind: 'notices', notices: readList(answer.fields, 'notices').map(readNotice) };
}

/** That one and all before it. */
export async function dismissNotices(upTo: number): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', '/api/auth/notices', { up_to: upTo }));
}

export function doneAtLast(answer: Answer | GivenUp): DoneAtLast {
  return answer.kind === 'given-up' ? answer : done(answer);
}

function readSession(value: unknown): Session {
  const fields = readFields(value);
  return {
    id: readText(fields, 'id'),
    sort: readText(fields, 'kind'),
    createdAt: readTime(fields, 'created_at'),
    lastSeenAt: readTime(fields, 'last_seen_at'),
    address: readText(fields, 'address'),
    userAgent: readText(fields, 'user_agent'),
    origin: readText(fields, 'origin'),
    current: fields['current'] === true,
  };
}

function readDevice(value: unknown): KnownDevice {
  const fields = readFields(value);
  return {
    id: readText(fields, 'id'),
    createdAt: readTime(fields, 'created_at'),
    usedAt: readTime(fields, 'last_used_at'),
    current: fields['current'] === true,
  };
}

function readAttempt(value: unknown): SignInAttempt {
  const fields = readFields(value);
  return {
    firstAt: readTime(fields, 'first_at'),
    lastAt: readTime(fields, 'last_at'),
    count: Math.max(1, readNumber(fields, 'count')),
    address: readText(fields, 'address'),
    way: readText(fields, 'way'),
    result: readText(fields, 'result'),
  };
}

function readNotice(value: unknown): AccountNotice {
  const fields: Fields = readFields(value);
  return {
    id: readNumber(fields, 'id'),
    sort: readText(fields, 'kind'),
    at: readTime(fields, 'at'),
    address: readText(fields, 'address'),
    detail: readText(fields, 'detail'),
  };
}
