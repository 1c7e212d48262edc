/**
 * What vouches for people: a realm. The local one is the accounts that are kept here, and their passwords are proven by
 * `verify/password.ts`. Every other one is asked: a directory, or whatever an embedding application has
 * (`SallyportOptions.realms`). Its people are accounts here under `name@realm`, made when they first sign in; second factors,
 * sessions, tokens and limits are ours for them as for everybody (3-rules, Passwords).
 *
 * Outcomes are returned. A realm that throws is taken for one that cannot be asked.
 */
import type { Password } from '../types.ts';

/** What a realm knows of somebody. What no account may hold of it is left out by whoever takes it. */
export interface RealmEntry {
  /** Canonical, as it stands before the `@`. */
  readonly name: string;
  readonly displayName: string;
  /** Empty: none is known. */
  readonly email: string;
  readonly groups: readonly string[];
  /** Null where the realm gives none: whoever administers gives them here. */
  readonly privileges: readonly string[] | null;
  readonly standing: 'active' | 'disabled';
}

/** Nobody knows. `why`: words for the log, without a secret. */
export interface RealmAway {
  readonly kind: 'unavailable';
  readonly why: string;
}

export type RealmLookup =
  | RealmAway
  | { readonly kind: 'unknown' }
  | { readonly kind: 'found'; readonly entry: RealmEntry };

export type RealmProof =
  | RealmAway
  | {
      readonly kind: 'rejected';
      /** `ambiguous`: it cannot be said whose name that is. */
      readonly cause: 'unknown-user' | 'wrong-password' | 'ambiguous';
    }
  /** The password is right; whether its owner may come in, the entry says. */
  | { readonly kind: 'proven'; readonly entry: RealmEntry };

export type RealmPasswordChange =
  | RealmAway
  | { readonly kind: 'rejected' }
  /** `not-accepted`: the new one. `not-possible`: this realm changes no passwords, or not for them. */
  | { readonly kind: 'refused'; readonly why: 'not-accepted' | 'not-possible' }
  | { readonly kind: 'changed' };

/** Names that are not in `entries` were looked for. */
export type RealmListing = RealmAway | { readonly kind: 'listed'; readonly entries: readonly RealmEntry[] };

interface AnyRealm {
  /** What stands behind the `@`: 2 to 32 small letters, digits, dots, dashes or underscores. */
  readonly name: string;
  /** For whoever chooses one. */
  readonly comment: string;
}

export interface LocalRealm extends AnyRealm {
  readonly kind: 'local';
}

/** One that is asked. Names are canonical (RFC 8265), and without the `@`. */
export interface OutsideRealm extends AnyRealm {
  /** `ldap`, or another word of whoever embeds this. */
  readonly kind: 'ldap' | 'custom';
  /** `given`: entries say them, and nobody else does. */
  readonly privileges: 'given' | 'not-given';
  lookUp(name: string): Promise<RealmLookup>;
  authenticate(name: string, password: Password): Promise<RealmProof>;
  changePassword(name: string, old: Password, wanted: Password): Promise<RealmPasswordChange>;
  /** Those of these names that it has. What is read in part is `unavailable`. */
  list(names: ReadonlySet<string>): Promise<RealmListing>;
  /** As it answered last. */
  standing(): 'not-asked' | 'reachable' | 'unreachable';
}

export type Realm = LocalRealm | OutsideRealm;
