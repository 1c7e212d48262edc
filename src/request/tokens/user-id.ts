/**
 * Who is meant where a realm may be named: `user@realm` (3-rules, Passwords). The last `@` splits off a realm only if there is
 * one of that name; any other is part of the user's name. Pure.
 * Stops: one account that is reached, counted and logged under two names.
 */
import { localRealmName } from '../../config/ldap/place.ts';
import type { Username } from '../../types.ts';
import { parseUsername, withoutWidth } from '../username.ts';

/** Realms and other names for them, small letters, to the realm that is meant. */
export type RealmNames = ReadonlyMap<string, string>;

/** Accounts whose password is kept here. */
const localRealm = localRealmName;

/** The local realm, under the name that clients of a product with that ticket prefix know as well, and all others by theirs. */
export function realmNames(ticketPrefix: string, others: readonly string[]): RealmNames {
  return new Map([
    [localRealm, localRealm],
    [ticketPrefix.toLowerCase(), localRealm],
    ...others.map((name) => [name, name] as const),
  ]);
}

export type UserIdForm =
  | { readonly kind: 'malformed' }
  | {
      readonly kind: 'account';
      /** Name of the account: bare for local ones, with its realm for all others. */
      readonly username: Username;
      readonly realm: string;
      /** `user@realm` for whoever asked, with the name of the realm that was used; `local` where none was. */
      readonly userId: string;
    };

/** In UTF-16 units: no name is that long, whatever realms stand behind it. */
const mostUnits = 1024;

export function readUserId(typed: string, realms: RealmNames): UserIdForm {
  if (typed.length > mostUnits) return { kind: 'malformed' };
  // A sign of another width names a realm as well, and must do so here: whoever looks the account up reads it so.
  const text = withoutWidth(typed);
  const mark = text.lastIndexOf('@');
  const said = mark === -1 ? '' : text.slice(mark + 1).toLowerCase();
  const realm = realms.get(said);
  if (realm === undefined) return accountOf(text, localRealm, localRealm, realms);
  const user = text.slice(0, mark);
  if (realm !== localRealm) return accountOf(user, realm, realm, realms);
  // What is left may name a realm again: nobody gets past it by saying `@local` behind it.
  const inner = user.slice(user.lastIndexOf('@') + 1).toLowerCase();
  return user.includes('@') && realms.has(inner) ? readUserId(user, realms) : accountOf(user, realm, said, realms);
}

function accountOf(user: string, realm: string, said: string, realms: RealmNames): UserIdForm {
  const local = realm === localRealm;
  const name = parseUsername(local ? user : `${user}@${realm}`);
  // A name that is nothing but its realm is nobody.
  if (name.kind === 'malformed' || user === '') return { kind: 'malformed' };
  const { username } = name;
  // Only now it is seen that an `@` in full width, or a realm, was one.
  if (local && username.includes('@') && realms.has(username.slice(username.lastIndexOf('@') + 1)))
    return readUserId(username, realms);
  return { kind: 'account', username, realm, userId: local ? `${username}@${said}` : username };
}
