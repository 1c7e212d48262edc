/**
 * Accounts made, changed and deleted by whoever may: an admin, or a command on the host (2-http-api, 5). The last active
 * admin stays one: the store sees to that, however many ask at once. Nobody reads or sets another's password here.
 */
import { localRealmName } from '../../config/ldap/place.ts';
import { newUserId, type Random } from '../../crypto/random.ts';
import { refuse, type Refusal } from '../../errors.ts';
import { adminPrivilege } from '../../principal/principal.ts';
import { accountChanges } from '../../record/account-changes.ts';
import type { EventName, Recorder } from '../../record/recorder.ts';
import type { Realms } from '../../realm/realms.ts';
import { readDisplayName, readEmail, readWords } from '../../request/person.ts';
import { malformedUsernameText, parseUsername } from '../../request/username.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Store, UserPatch, Write } from '../../store/store.ts';
import type { Clock, UserId, Username } from '../../types.ts';
import { mostReadAgain, noSuchUser, unmade } from '../bulk/unmade.ts';
import type { By } from '../call.ts';
import { timeText } from '../issue-session.ts';

export interface AccountParts {
  readonly store: Store;
  readonly realms: Realms;
  readonly recorder: Recorder;
  readonly clock: Clock;
  readonly random: Random;
}

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
    /** Kept here, or by its realm. */
    has_password: user.sealedPassword !== '' || user.realm !== localRealmName,
    realm: user.realm,
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

export type CreateUser = Extract<Write, { write: 'createUser' }>;
type UpdateUser = Extract<Write, { write: 'updateUser' }>;
type DeleteUser = Extract<Write, { write: 'deleteUser' }>;

/** What a new account is to be, checked, and nothing looked up yet. */
export interface AccountRead {
  readonly kind: 'read';
  readonly user: Pick<UserRow, 'username' | 'displayName' | 'email' | 'groups' | 'privileges' | 'active'>;
}

/** Accounts of another realm are made when their people first sign in, and never beside it. */
export function readLocalName(
  realms: Realms,
  text: string,
): Refusal | { readonly kind: 'name'; readonly username: Username; readonly display: string } {
  const name = parseUsername(text);
  if (name.kind === 'malformed') return refuse('invalid_request', { detail: malformedUsernameText[name.why] });
  const { realm, username } = realms.split(name.username, realms.aliases);
  if (realm.kind !== 'local') {
    const detail = `Names that end in "@${realm.name}" belong to that realm: their accounts are made when their people first sign in.`;
    return refuse('invalid_request', { detail });
  }
  if (username !== name.username)
    return refuse('invalid_request', {
      detail: `"${name.username.slice(name.username.lastIndexOf('@'))}" is said of every account that is kept here: leave it out.`,
    });
  return { kind: 'name', username, display: name.display };
}

export function readNewAccount(realms: Realms, body: NewAccountBody): Refusal | AccountRead {
  const name = readLocalName(realms, body.username);
  if (name.kind === 'refused') return name;
  const read = readPerson(body);
  if (read.kind === 'refused') return read;
  const { patch } = read;
  return {
    kind: 'read',
    user: {
      username: name.username,
      displayName: patch.displayName === undefined || patch.displayName === '' ? name.display : patch.displayName,
      email: patch.email ?? '',
      groups: patch.groups ?? [],
      privileges: patch.privileges ?? [],
      active: patch.active ?? true,
    },
  };
}

/** `sealedHash`: of a password that its owner has already, made elsewhere; without it there is none yet. */
export function plannedCreation(
  parts: AccountParts,
  { user }: AccountRead,
  by: By,
  sealedHash: (id: UserId) => string = () => '',
): CreateUser {
  const id = newUserId(parts.random);
  const row: UserRow = {
    id,
    ...user,
    sealedPassword: sealedHash(id),
    sealedTotp: '',
    passkeys: 0,
    passwordLength: 'full',
    passwordStanding: 'own',
    realm: 'local',
    disabledBy: '',
    ticketGeneration: 0,
    credentialGeneration: 1,
    createdAt: parts.clock.now(),
  };
  return { write: 'createUser', given: { user: row, audit: event(parts, 'user-created', id, by) } };
}

export async function createAccount(parts: AccountParts, body: NewAccountBody, by: By): Promise<Refusal | OneUser> {
  const read = readNewAccount(parts.realms, body);
  if (read.kind === 'refused') return read;
  const { user, audit } = plannedCreation(parts, read, by).given;
  const created = await parts.store.createUser(user, audit);
  return created.kind === 'created' ? { kind: 'user', user } : unmade(created.kind, 'account');
}

export type PlannedChange =
  | Refusal
  /** It is so already, and nothing is written down. */
  | { readonly kind: 'as-it-is' }
  | { readonly kind: 'planned'; readonly write: UpdateUser };

/** A change of the account as it was seen: the store makes it only while it is so. */
export function plannedChange(parts: AccountParts, seen: UserRow, body: PersonBody, by: By): PlannedChange {
  const read = readPerson(body);
  if (read.kind === 'refused') return read;
  const { patch } = read;
  const refusal = refusalOfRealm(parts.realms, seen, patch);
  if (refusal !== null) return refusal;
  const events = accountChanges(seen, patch);
  if (events.length === 0) return { kind: 'as-it-is' };
  const { id: userId, privileges, groups, active, disabledBy } = seen;
  const audit = events.map((name) => event(parts, name, userId, by));
  const given = { userId, patch, from: { privileges, groups, active, disabledBy }, adminPrivilege, audit };
  return { kind: 'planned', write: { write: 'updateUser', given } };
}

/** What its realm says of an account is changed there. Of a realm that is none any more, nothing is said. */
function refusalOfRealm(realms: Realms, seen: UserRow, patch: UserPatch): Refusal | null {
  const realm = realms.named(seen.realm);
  if (realm === undefined || realm.kind === 'local') return null;
  const from = `This account comes from the realm "${realm.name}"`;
  if (patch.active === true && seen.disabledBy === 'realm')
    return refuse('conflict', { detail: `${from}, which has disabled it, and enables it again.` });
  const changed = accountChanges(seen, patch);
  if (changed.includes('user-updated'))
    return refuse('conflict', { detail: `${from}: name, address and groups are changed there.` });
  return changed.includes('privileges-changed') && realm.privileges === 'given'
    ? refuse('conflict', { detail: `${from}: its privileges are those of its groups there.` })
    : null;
}

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
    const plan = plannedChange(parts, seen, change(seen), by);
    if (plan.kind === 'refused') return plan;
    if (plan.kind === 'as-it-is') return { kind: 'user', user: seen };
    const updated = await parts.store.updateUser(plan.write.given);
    if (updated.kind === 'updated') return { kind: 'user', user: updated.user };
    if (updated.kind !== 'changed-meanwhile') return unmade(updated.kind, 'account');
    const again = await userWithId(parts, user.id);
    if (again.kind === 'refused') return again;
    seen = again.user;
  }
  return unmade('changed-meanwhile', 'account');
}

export function plannedDeletion(parts: AccountParts, { id }: UserRow, by: By): DeleteUser {
  return { write: 'deleteUser', given: { userId: id, adminPrivilege, audit: event(parts, 'user-deleted', id, by) } };
}

export async function deleteAccount(
  parts: AccountParts,
  user: UserRow,
  by: By,
): Promise<Refusal | { readonly kind: 'deleted' }> {
  const deleted = await parts.store.deleteUser(plannedDeletion(parts, user, by).given);
  return deleted.kind === 'deleted' ? deleted : unmade(deleted.kind, 'account');
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

function event(parts: Pick<AccountParts, 'recorder'>, name: EventName, target: UserId, by: By) {
  return parts.recorder.event({ event: name, ...by, target });
}
