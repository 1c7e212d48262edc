/**
 * Accounts made, changed and deleted by whoever may: an admin, or a command on the host (2-http-api, 5). The last active
 * admin stays one: the store sees to that, however many ask at once. Nobody reads or sets another's password here.
 */
import { newUserId, type Random } from '../../crypto/random.ts';
import { refuse, type Refusal } from '../../errors.ts';
import { adminPrivilege } from '../../principal/principal.ts';
import type { EventName, Occurrence, Recorder } from '../../record/recorder.ts';
import { readDisplayName, readEmail, readWords } from '../../request/person.ts';
import { parseUsername } from '../../request/username.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Store, UserPatch } from '../../store/store.ts';
import type { Clock, UserId } from '../../types.ts';
import { timeText } from '../issue-session.ts';

export interface AccountParts {
  readonly store: Store;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
}

/** Who does it, for the audit log. */
export type By = Pick<Occurrence, 'actor' | 'address' | 'peer' | 'way'>;

/** Whoever runs commands on the host: that person owns the data folder already. */
export const byHost: By = { actor: '', address: '', way: 'host' };

/** As they are written outside; what is left out stays as it is. */
export interface PersonBody {
  readonly email?: string | undefined;
  readonly display_name?: string | undefined;
  readonly groups?: readonly string[] | undefined;
  readonly privileges?: readonly string[] | undefined;
  readonly active?: boolean | undefined;
}

export interface NewAccountBody extends PersonBody {
  readonly username: string;
}

interface OneUser {
  readonly kind: 'user';
  readonly user: UserRow;
}

/** What is told of an account. No secret, no hash: what there is of those is told as a fact. */
export function shownUser(user: UserRow): Readonly<Record<string, unknown>> {
  return {
    id: user.id,
    username: user.username,
    email: user.email,
    display_name: user.displayName,
    groups: user.groups,
    privileges: user.privileges,
    active: user.active,
    totp_enabled: user.sealedTotp !== '',
    passkeys: user.passkeys,
    has_password: user.sealedPassword !== '',
    created_at: timeText(user.createdAt),
  };
}

export async function userNamed(parts: Pick<AccountParts, 'store'>, name: string): Promise<Refusal | OneUser> {
  const form = parseUsername(name);
  const found = form.kind === 'username' ? await parts.store.userByName(form.username) : form;
  return found.kind === 'found' ? { kind: 'user', user: found.user } : noSuchUser();
}

export async function userWithId(parts: Pick<AccountParts, 'store'>, id: string): Promise<Refusal | OneUser> {
  const found = await parts.store.userById(id as UserId);
  return found.kind === 'found' ? { kind: 'user', user: found.user } : noSuchUser();
}

export async function createAccount(parts: AccountParts, body: NewAccountBody, by: By): Promise<Refusal | OneUser> {
  const name = parseUsername(body.username);
  if (name.kind === 'malformed')
    return refuse('invalid_request', { detail: `That user name cannot be used: ${name.why}.` });
  const read = readPerson(body);
  if (read.kind === 'refused') return read;
  const { patch } = read;
  const id = newUserId(parts.random);
  const user: UserRow = {
    id,
    username: name.username,
    displayName: patch.displayName === undefined || patch.displayName === '' ? name.display : patch.displayName,
    email: patch.email ?? '',
    groups: patch.groups ?? [],
    privileges: patch.privileges ?? [],
    active: patch.active ?? true,
    sealedPassword: '',
    sealedTotp: '',
    passkeys: 0,
    passwordLength: 'full',
    passwordStanding: 'own',
    credentialGeneration: 1,
    createdAt: parts.clock.now(),
  };
  const created = await parts.store.createUser(user, event(parts, 'user-created', id, by));
  return created.kind === 'created'
    ? { kind: 'user', user }
    : refuse('conflict', { detail: 'That user name is taken.' });
}

/** Whoever changes the same account at the same moment is waited for so often. */
const mostReadAgain = 5;

/**
 * `change` says what is wanted of the account as it is: where somebody was faster it is asked again, so that nobody's change
 * is lost, and each is written down as what it was.
 */
export async function changeAccount(
  parts: AccountParts,
  user: UserRow,
  change: (user: UserRow) => PersonBody,
  by: By,
): Promise<Refusal | OneUser> {
  let seen = user;
  for (let tries = 0; tries <= mostReadAgain; tries += 1) {
    const read = readPerson(change(seen));
    if (read.kind === 'refused') return read;
    const { patch } = read;
    const events = eventsOf(seen, patch);
    if (events.length === 0) return { kind: 'user', user: seen };
    const { privileges, groups, active } = seen;
    const updated = await parts.store.updateUser({
      userId: user.id,
      patch,
      from: { privileges, groups, active },
      adminPrivilege,
      audit: events.map((name) => event(parts, name, user.id, by)),
    });
    switch (updated.kind) {
      case 'unknown':
        return noSuchUser();
      case 'last-admin':
        return lastAdmin();
      case 'updated':
        return { kind: 'user', user: updated.user };
      case 'changed-meanwhile': {
        const again = await userWithId(parts, user.id);
        if (again.kind === 'refused') return again;
        seen = again.user;
      }
    }
  }
  return refuse('conflict', { detail: 'The account is changed by others at this moment. Try again.' });
}

export async function deleteAccount(
  parts: AccountParts,
  user: UserRow,
  by: By,
): Promise<Refusal | { readonly kind: 'deleted' }> {
  const audit = event(parts, 'user-deleted', user.id, by);
  const deleted = await parts.store.deleteUser({ userId: user.id, adminPrivilege, audit });
  switch (deleted.kind) {
    case 'unknown':
      return noSuchUser();
    case 'last-admin':
      return lastAdmin();
    case 'deleted':
      return deleted;
  }
}

function readPerson(body: PersonBody): Refusal | { readonly kind: 'person'; readonly patch: UserPatch } {
  const email = body.email === undefined ? undefined : readEmail(body.email);
  const displayName = body.display_name === undefined ? undefined : readDisplayName(body.display_name);
  const groups = body.groups === undefined ? undefined : readWords('groups', body.groups);
  const privileges = body.privileges === undefined ? undefined : readWords('privileges', body.privileges);
  for (const field of [email, displayName, groups, privileges])
    if (field?.kind === 'malformed') return refuse('invalid_request', { detail: field.why });
  return {
    kind: 'person',
    patch: {
      ...(email?.kind === 'field' ? { email: email.value } : {}),
      ...(displayName?.kind === 'field' ? { displayName: displayName.value } : {}),
      ...(groups?.kind === 'field' ? { groups: groups.value } : {}),
      ...(privileges?.kind === 'field' ? { privileges: privileges.value } : {}),
      ...(body.active === undefined ? {} : { active: body.active }),
    },
  };
}

/** One for each kind of thing that changes. */
function eventsOf(user: UserRow, patch: UserPatch): readonly EventName[] {
  const differ = (now: readonly string[], wanted: readonly string[] | undefined): 'different' | 'same' =>
    wanted !== undefined && wanted.join(',') !== now.join(',') ? 'different' : 'same';
  const standing = patch.active === undefined || patch.active === user.active ? 'same' : 'different';
  const about =
    (patch.email ?? user.email) !== user.email ||
    (patch.displayName ?? user.displayName) !== user.displayName ||
    differ(user.groups, patch.groups) === 'different';
  return [
    ...(about ? (['user-updated'] as const) : []),
    ...(differ(user.privileges, patch.privileges) === 'different' ? (['privileges-changed'] as const) : []),
    ...(standing === 'same' ? [] : [patch.active === true ? ('user-enabled' as const) : ('user-disabled' as const)]),
  ];
}

function event(parts: Pick<AccountParts, 'recorder'>, name: EventName, target: UserId, by: By) {
  return parts.recorder.event({ event: name, ...by, target });
}

function noSuchUser(): Refusal {
  return refuse('not_found', { detail: 'There is no such user.' });
}

function lastAdmin(): Refusal {
  return refuse('conflict', { detail: 'This is the last active administrator: make another one first.' });
}
