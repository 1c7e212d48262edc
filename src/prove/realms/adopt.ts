/**
 * Accounts of people whom another realm knows: made when they first come, and brought up to what their realm says of them. The
 * realm is the source: name, address and groups are its own, privileges where it gives any; whom it has not, or has
 * disabled, is disabled here. Whom a person disabled here, no realm enables again.
 */
import { newUserId, type Random } from '../../crypto/random.ts';
import { adminPrivilege } from '../../principal/principal.ts';
import type { OutsideRealm, RealmEntry } from '../../realm/contract.ts';
import { nameIn } from '../../realm/realms.ts';
import { accountChanges } from '../../record/account-changes.ts';
import type { Occurrence, Recorder } from '../../record/recorder.ts';
import { personLimits, readDisplayName, readEmail, word } from '../../request/person.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Store, UserPatch } from '../../store/store.ts';
import type { Clock } from '../../types.ts';

/** Who is written down as having done it. */
export type Bringing = Pick<Occurrence, 'address' | 'peer' | 'way'>;

export type Adopted =
  /** Another realm's account has that name. */
  { readonly kind: 'not-theirs'; readonly user: UserRow } | { readonly kind: 'account'; readonly user: UserRow };

export interface Adoption {
  /** Whoever the realm has proven: an account is made where there is none. */
  whoCame(realm: OutsideRealm, entry: RealmEntry, bringing: Bringing): Promise<Adopted>;
  /** `gone`: the realm has nobody of that name. What may not be (the last admin) is left as it is, and told. */
  bringUpToDate(user: UserRow, entry: RealmEntry | 'gone', bringing: Bringing): Promise<UserRow>;
}

export interface AdoptionParts {
  readonly store: Pick<Store, 'userByName' | 'userById' | 'createUser' | 'updateUser'>;
  readonly recorder: Pick<Recorder, 'event'>;
  readonly clock: Clock;
  readonly random: Random;
  /** One line. */
  readonly onTrouble: (what: string) => void;
}

/** Others change the same account: so often it is looked at anew. */
const mostTries = 4;

export function adoption(parts: AdoptionParts): Adoption {
  const { store, recorder } = parts;

  const bringUpToDate: Adoption['bringUpToDate'] = async (user, entry, bringing) => {
    let seen = user;
    for (let tries = 0; tries < mostTries; tries += 1) {
      const patch = patchFor(seen, entry);
      const events = accountChanges(seen, patch);
      if (events.length === 0) return seen;
      const { id: userId, privileges, groups, active, disabledBy, realm } = seen;
      const updated = await store.updateUser({
        userId,
        patch,
        from: { privileges, groups, active, disabledBy },
        adminPrivilege,
        audit: events.map((event) => recorder.event({ event, actor: '', ...bringing, target: userId, result: realm })),
      });
      if (updated.kind === 'updated') return updated.user;
      if (updated.kind === 'last-admin') {
        parts.onTrouble(
          `realm "${realm}" takes the last administrator, ${userId}, who stays one: make another one who signs in without it`,
        );
        return seen;
      }
      const now = await store.userById(userId);
      if (now.kind === 'unknown') return seen;
      seen = now.user;
    }
    return seen;
  };

  const newAccount = (realm: OutsideRealm, entry: RealmEntry): UserRow => {
    const { displayName, email, groups, privileges } = fieldsOf(entry);
    return {
      id: newUserId(parts.random),
      username: nameIn(realm, entry.name),
      displayName,
      email,
      privileges: privileges ?? [],
      groups,
      active: true,
      sealedPassword: '',
      sealedTotp: '',
      passkeys: 0,
      passwordLength: 'full',
      passwordStanding: 'own',
      credentialGeneration: 1,
      realm: realm.name,
      disabledBy: '',
      ticketGeneration: 0,
      createdAt: parts.clock.now(),
    };
  };

  return {
    bringUpToDate,
    whoCame: async (realm, entry, bringing) => {
      const user = newAccount(realm, entry);
      const before = await store.userByName(user.username);
      if (before.kind === 'unknown') {
        const { id } = user;
        const event = { event: 'user-created', actor: id, ...bringing, target: id, result: realm.name } as const;
        const created = await store.createUser(user, recorder.event(event));
        if (created.kind === 'created') return { kind: 'account', user };
      }
      // Somebody was faster.
      const found = before.kind === 'found' ? before : await store.userByName(user.username);
      if (found.kind === 'unknown') throw new Error('an account was made and is gone');
      if (found.user.realm !== realm.name) return { kind: 'not-theirs', user: found.user };
      return { kind: 'account', user: await bringUpToDate(found.user, entry, bringing) };
    },
  };
}

/** What an account may hold of an entry: a word that is none, and what is too much, is left out. */
function fieldsOf({ name, displayName, email, groups, privileges }: RealmEntry) {
  const shown = readDisplayName(displayName);
  const address = readEmail(email);
  return {
    displayName: shown.kind === 'field' && shown.value !== '' ? shown.value : name,
    email: address.kind === 'field' ? address.value : '',
    groups: wordsOf(groups),
    privileges: privileges === null ? null : wordsOf(privileges),
  };
}

function wordsOf(words: readonly string[]): readonly string[] {
  return [...new Set(words)]
    .filter((each) => word.test(each))
    .toSorted()
    .slice(0, personLimits.words);
}

function patchFor(user: UserRow, entry: RealmEntry | 'gone'): UserPatch {
  if (entry === 'gone' || entry.standing === 'disabled')
    return user.active ? { active: false, disabledBy: 'realm' } : {};
  const { privileges, ...fields } = fieldsOf(entry);
  return {
    ...fields,
    ...(privileges === null ? {} : { privileges }),
    ...(!user.active && user.disabledBy === 'realm' ? { active: true, disabledBy: '' as const } : {}),
  };
}
