/** Step 1 for what somebody typed: a name and a password become typed values, and the name a subject that limits can count. */
import { keyedDigest } from '../crypto/digest.ts';
import type { Keyring } from '../crypto/keyring.ts';
import { refuse, type Refusal } from '../errors.ts';
import type { NamedInRealm, Realms } from '../realm/realms.ts';
import { parsePassword } from '../request/password.ts';
import { parseUsername } from '../request/username.ts';
import type { Store, UserLookup } from '../store/store.ts';
import type { Subject } from '../throttle/places.ts';
import type { WrongSecret } from '../throttle/repeats.ts';
import type { Password, UserId, Username } from '../types.ts';
import type { Account } from './password.ts';

/** An account by a name, and whose that name is. */
export interface ClaimedAccount extends Account {
  readonly at: Pick<NamedInRealm, 'realm' | 'name'>;
}

export interface Claim {
  readonly account: ClaimedAccount;
  readonly subject: Exclude<Subject, { kind: 'nobody' }>;
  /** Null: nobody has that name. */
  readonly userId: UserId | null;
}

export interface Claims {
  of(username: string): Promise<Claim>;
  /** One that is known already. */
  ofUser(username: Username, lookup: UserLookup): ClaimedAccount;
  /** Whose wrong secrets come again. */
  voidable(account: Account, subject: Claim['subject']): WrongSecret['subject'];
}

export function claims({
  store,
  realms,
  keyring,
}: {
  readonly store: Pick<Store, 'userByName'>;
  readonly realms: Realms;
  readonly keyring: Keyring;
}): Claims {
  return {
    ofUser: (username, lookup) => ({ name: username, lookup, at: realms.split(username) }),
    of: async (username) => {
      const name = parseUsername(username);
      // What is no name is nobody's here.
      const at = name.kind === 'username' ? realms.split(name.username) : { realm: realms.local, name: username };
      const lookup: UserLookup = 'username' in at ? await store.userByName(at.username) : { kind: 'unknown' };
      const typed = 'username' in at ? at.username : username;
      const account = { name: typed, lookup, at };
      if (lookup.kind === 'found') {
        const { id } = lookup.user;
        return { account, subject: { kind: 'user', userId: id }, userId: id };
      }
      // Counted like an account's name, and never kept as it was typed: people type passwords there.
      const [pseudonym = '', ...others] = keyring.cookieKeys().map((key) => keyedDigest(key, 'unknown-name', typed));
      return { account, subject: { kind: 'unknown', pseudonym, others }, userId: null };
    },
    voidable,
  };
}

/** What was wrong may be right once the account has changed: a new password, or switched on again. */
function voidable({ name, lookup }: Account, subject: Claim['subject']): WrongSecret['subject'] {
  if (subject.kind === 'unknown') return { kind: 'unknown', id: name, standing: '' };
  const standing =
    lookup.kind === 'found' ? `${lookup.user.credentialGeneration} ${lookup.user.active ? 'active' : 'disabled'}` : '';
  return { kind: 'user', id: subject.userId, standing };
}

/** A password as typed becomes one that can be checked; what cannot be one is told so before any hash. */
export function readPassword(typed: string): Refusal | { readonly kind: 'password'; readonly password: Password } {
  const form = parsePassword(typed);
  switch (form.kind) {
    case 'malformed':
      return refuse('invalid_request', {
        detail: 'The password is empty or holds characters that no password may have.',
      });
    case 'too-long':
      return refuse('payload_too_large', { detail: 'A password has at most 1024 bytes.' });
    case 'password':
      return form;
  }
}
