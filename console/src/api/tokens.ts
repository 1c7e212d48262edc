/** The calls about API tokens: one's own, and for an administrator those of everybody. */
import {
  type Fields,
  type GivenUp,
  type Refusal,
  readFields,
  readList,
  readNumber,
  readText,
  readTexts,
  readTime,
} from './answers.ts';
import { doneAtLast } from './account.ts';
import { sendThroughDoor } from './door.ts';
import type { DoneAtLast } from './sign-in.ts';
import type { Answer } from './transport.ts';

export interface Token {
  readonly id: string;
  readonly name: string;
  /** How its secret begins. */
  readonly prefix: string;
  readonly scopes: readonly string[];
  readonly createdAt: number;
  /** 0: never. */
  readonly expiresAt: number;
  /** 0: never. */
  readonly lastUsedAt: number;
  readonly lastUsedAddress: string;
  readonly useCount: number;
  readonly active: boolean;
  readonly addresses: readonly string[];
  readonly perMinute: number;
  readonly perHour: number;
  /** Until when the secret before this one is good as well; 0: it is not. */
  readonly previousUntil: number;
  readonly expired: boolean;
  /** Whose it is, in a list of everybody's; empty in one's own. */
  readonly owner: string;
}

/** What can be changed about a token; what is left out stays. */
export interface TokenChange {
  readonly token_name?: string;
  readonly active?: boolean;
  readonly ip_allowlist?: readonly string[];
  readonly rate_limit?: { readonly per_minute?: number; readonly per_hour?: number };
}

export interface NewToken extends TokenChange {
  readonly token_name: string;
  readonly scope?: 'read_only' | 'full_admin';
  readonly scopes?: readonly string[];
  readonly expires_in_days?: number;
  readonly never?: true;
}

export type TokensOutcome =
  /** `next`: where to go on, empty at the end. */
  { readonly kind: 'tokens'; readonly tokens: readonly Token[]; readonly next: string } | Refusal | GivenUp;
export type TokenOutcome = { readonly kind: 'token'; readonly token: Token } | Refusal | GivenUp;
export type Gone = { readonly kind: 'gone' };

/** A secret as it was made: shown once. */
export interface MadeSecret {
  readonly kind: 'made';
  readonly name: string;
  readonly secret: string;
  readonly scopes: readonly string[];
  /** Of what it replaces: until when that is good as well; 0: it is not. */
  readonly previousUntil: number;
}

export type SecretOutcome = MadeSecret | Refusal | GivenUp;

export type WhoseTokens = 'own' | 'everybody';

const atOnce = 50;
const path = '/api/auth/api-tokens';
const pathOf = (id: string): string => `${path}/${encodeURIComponent(id)}`;

export async function tokens(whose: WhoseTokens, before: string): Promise<TokensOutcome> {
  const asked = new URLSearchParams({ limit: String(atOnce) });
  if (whose === 'everybody') asked.set('all', '1');
  if (before !== '') asked.set('before', before);
  const answer = await sendThroughDoor('GET', `${path}?${asked.toString()}`);
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'tokens',
    tokens: readList(answer.fields, 'tokens').map(readToken),
    next: readText(answer.fields, 'next'),
  };
}

/** Looked for in the list, which is all there is. */
export async function token(whose: WhoseTokens, id: string): Promise<TokenOutcome | Gone> {
  let before = '';
  do {
    const page = await tokens(whose, before);
    if (page.kind !== 'tokens') return page;
    const found = page.tokens.find((each) => each.id === id);
    if (found !== undefined) return { kind: 'token', token: found };
    before = page.next;
  } while (before !== '');
  return { kind: 'gone' };
}

/** How many of one's own work; undefined when that cannot be had. */
export async function workingTokens(): Promise<number | undefined> {
  let count = 0;
  let before = '';
  do {
    const page = await tokens('own', before);
    if (page.kind !== 'tokens') return undefined;
    count += page.tokens.filter((each) => each.active && !each.expired).length;
    before = page.next;
  } while (before !== '');
  return count;
}

export async function makeToken(wanted: NewToken): Promise<SecretOutcome> {
  return secretIn(await sendThroughDoor('POST', path, wanted), wanted.token_name);
}

export async function changeToken(token: Token, change: TokenChange): Promise<TokenOutcome> {
  const answer = await sendThroughDoor('PATCH', pathOf(token.id), change);
  if (answer.kind !== 'answered') return answer;
  // The owner is only told in lists.
  return { kind: 'token', token: { ...readToken(answer.fields), owner: token.owner } };
}

export async function rotateToken(token: Token, overlapSeconds: number): Promise<SecretOutcome> {
  const body = { overlap_seconds: overlapSeconds };
  const outcome = secretIn(await sendThroughDoor('POST', `${pathOf(token.id)}/rotate`, body), token.name);
  return outcome.kind === 'made' ? { ...outcome, scopes: token.scopes } : outcome;
}

export async function revokeToken(id: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', pathOf(id), {}));
}

export type UserKeyOutcome =
  | { readonly kind: 'user-key'; readonly username: string; readonly key: string }
  | Refusal
  | GivenUp;

/** The key for programs that know Basic alone: the same each time, until something ends it. */
export async function ownUserKey(): Promise<UserKeyOutcome> {
  const answer = await sendThroughDoor('POST', '/api/auth/user-key', {});
  if (answer.kind !== 'answered') return answer;
  return { kind: 'user-key', username: readText(answer.fields, 'username'), key: readText(answer.fields, 'user_key') };
}

function secretIn(answer: Answer | GivenUp, name: string): SecretOutcome {
  if (answer.kind !== 'answered') return answer;
  const { fields } = answer;
  return {
    kind: 'made',
    name: readText(fields, 'token_name') || name,
    secret: readText(fields, 'token'),
    scopes: readTexts(fields, 'scopes'),
    previousUntil: readTime(fields, 'previous_valid_until'),
  };
}

function readToken(value: unknown): Token {
  const fields: Fields = readFields(value);
  const limits = readFields(fields['rate_limit']);
  return {
    id: readText(fields, 'id'),
    name: readText(fields, 'name'),
    prefix: readText(fields, 'token_prefix'),
    scopes: readTexts(fields, 'scopes'),
    createdAt: readTime(fields, 'created_at'),
    expiresAt: readTime(fields, 'expires_at'),
    lastUsedAt: readTime(fields, 'last_used_at'),
    lastUsedAddress: readText(fields, 'last_used_address'),
    useCount: readNumber(fields, 'use_count'),
    active: fields['active'] === true,
    addresses: readTexts(fields, 'ip_allowlist'),
    perMinute: readNumber(limits, 'per_minute'),
    perHour: readNumber(limits, 'per_hour'),
    previousUntil: readTime(fields, 'previous_valid_until'),
    expired: fields['expired'] === true,
    owner: readText(fields, 'username'),
  };
}
