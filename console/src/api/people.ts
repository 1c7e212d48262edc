/** The calls of an administrator about the people who sign in here. */
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

export interface Someone {
  readonly id: string;
  readonly username: string;
  readonly displayName: string;
  readonly email: string;
  readonly groups: readonly string[];
  readonly privileges: readonly string[];
  readonly active: boolean;
  readonly hasPassword: boolean;
  readonly hasTotp: boolean;
  readonly passkeys: number;
  readonly createdAt: number;
}

/** What can be changed about somebody; what is left out stays. */
export interface Details {
  readonly display_name?: string;
  readonly email?: string;
  readonly groups?: readonly string[];
  readonly privileges?: readonly string[];
  readonly active?: boolean;
}

export type PeopleOutcome =
  /** `next`: where to go on, empty at the end. */
  { readonly kind: 'people'; readonly people: readonly Someone[]; readonly next: string } | Refusal | GivenUp;
export type PersonOutcome = { readonly kind: 'person'; readonly person: Someone } | Refusal | GivenUp;

/** A link as it was made: shown once. */
export interface MadeLink {
  readonly kind: 'made';
  readonly purpose: 'invite' | 'reset';
  readonly url: string;
  readonly expiresAt: number;
  readonly mailed: boolean;
}

export type LinkOutcome = MadeLink | Refusal | GivenUp;

const atOnce = 50;

const pathOf = (id: string): string => `/api/auth/users/${encodeURIComponent(id)}`;

export async function people(query: string, after: string): Promise<PeopleOutcome> {
  const asked = new URLSearchParams({ limit: String(atOnce) });
  if (query !== '') asked.set('q', query);
  if (after !== '') asked.set('after', after);
  const answer = await sendThroughDoor('GET', `/api/auth/users?${asked.toString()}`);
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'people',
    people: readList(answer.fields, 'users').map(readPerson),
    next: readText(answer.fields, 'next'),
  };
}

export async function person(id: string): Promise<PersonOutcome> {
  return personIn(await sendThroughDoor('GET', pathOf(id)));
}

export async function addPerson(username: string, details: Details): Promise<PersonOutcome> {
  return personIn(await sendThroughDoor('POST', '/api/auth/users', { username, ...details }));
}

export async function changePerson(id: string, details: Details): Promise<PersonOutcome> {
  return personIn(await sendThroughDoor('PATCH', pathOf(id), details));
}

export async function removePerson(id: string): Promise<DoneAtLast> {
  return doneAtLast(await sendThroughDoor('DELETE', pathOf(id), {}));
}

export async function makeLink(id: string, purpose: MadeLink['purpose']): Promise<LinkOutcome> {
  const answer = await sendThroughDoor('POST', `${pathOf(id)}/link`, { purpose });
  if (answer.kind !== 'answered') return answer;
  return {
    kind: 'made',
    purpose,
    url: readText(answer.fields, 'link'),
    expiresAt: readTime(answer.fields, 'expires_at'),
    mailed: answer.fields['mailed'] === true,
  };
}

function personIn(answer: Answer | GivenUp): PersonOutcome {
  if (answer.kind !== 'answered') return answer;
  return { kind: 'person', person: readPerson(answer.fields['user']) };
}

function readPerson(value: unknown): Someone {
  const fields: Fields = readFields(value);
  return {
    id: readText(fields, 'id'),
    username: readText(fields, 'username'),
    displayName: readText(fields, 'display_name'),
    email: readText(fields, 'email'),
    groups: readTexts(fields, 'groups'),
    privileges: readTexts(fields, 'privileges'),
    active: fields['active'] === true,
    hasPassword: fields['has_password'] === true,
    hasTotp: fields['totp_enabled'] === true,
    passkeys: readNumber(fields, 'passkeys'),
    createdAt: readTime(fields, 'created_at'),
  };
}
