/**
 * The realms there are, and whose a typed name is: the last `@` splits off a realm only if that realm exists
 * (3-rules, Passwords), so that an e-mail address is a name like any other. Pure.
 */
import { localRealmName, realmName } from '../config/ldap/place.ts';
import type { Username } from '../types.ts';
import type { LocalRealm, OutsideRealm, Realm } from './contract.ts';

/** A name, taken apart. */
export interface NamedInRealm {
  readonly realm: Realm;
  /** What stands before the `@`; all of it where no realm was named. */
  readonly name: string;
  /** What the account is called here: with the realm, unless that is the local one. */
  readonly username: Username;
}

export interface Realms {
  /** The local one first. */
  readonly all: readonly Realm[];
  readonly local: LocalRealm;
  readonly outside: readonly OutsideRealm[];
  /** Further names of realms where signed tickets are asked for: nobody is called what they would be read as. */
  readonly aliases: ReadonlyMap<string, string>;
  named(realm: string): Realm | undefined;
  /** `aliases`: further names of realms, for whoever knows them by others; a realm of that name goes before. */
  split(username: Username, aliases?: ReadonlyMap<string, string>): NamedInRealm;
}

export type RealmsMade =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'made'; readonly realms: Realms };

const localRealm: LocalRealm = { kind: 'local', name: localRealmName, comment: 'Accounts of this server' };
const noAliases: ReadonlyMap<string, string> = new Map();

export function realmsOf(outside: readonly OutsideRealm[], aliases = noAliases): RealmsMade {
  const byName = new Map<string, Realm>([[localRealmName, localRealm]]);
  for (const realm of outside) {
    const read = realmName.parse(realm.name);
    if (read.kind === 'refused') return { kind: 'refused', why: `realm "${realm.name}": expected ${realmName.form}` };
    if (byName.has(realm.name)) return { kind: 'refused', why: `there are two realms "${realm.name}"` };
    byName.set(realm.name, realm);
  }
  return {
    kind: 'made',
    realms: {
      all: [localRealm, ...outside],
      local: localRealm,
      outside,
      aliases,
      named: (realm) => byName.get(realm),
      split,
    },
  };

  function split(username: Username, others = noAliases): NamedInRealm {
    const at = username.lastIndexOf('@');
    const [name, behind] = [username.slice(0, at), username.slice(at + 1)];
    const realm = byName.get(behind) ?? byName.get(others.get(behind) ?? '');
    if (at < 1 || realm === undefined) return { realm: localRealm, name: username, username };
    // What is left may name a realm again: nobody gets past it by saying `@local` behind it.
    if (realm.kind === 'local') return split(name as Username, others);
    return { realm, name, username: nameIn(realm, name) };
  }
}

/** No other than the local one. */
export function noRealms(): Realms {
  const made = realmsOf([]);
  if (made.kind === 'refused') throw new Error(made.why);
  return made.realms;
}

/** What an account of that realm is called. */
export function nameIn(realm: Pick<OutsideRealm, 'name'>, name: string): Username {
  return `${name}@${realm.name}` as Username;
}
