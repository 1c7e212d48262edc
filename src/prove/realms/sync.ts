/**
 * Who is still in a realm, and what they may: looked at in the background, for everybody who has an account of it here. Whom it
 * has no more, or has disabled, is disabled here at once, with all that is open; and enabled again when it says so. Nothing is
 * changed by what was read in part. Several nodes may each do it: they come to the same.
 */
import type { OutsideRealm, RealmEntry } from '../../realm/contract.ts';
import { nameIn } from '../../realm/realms.ts';
import type { UserRow } from '../../store/rows.ts';
import type { Store } from '../../store/store.ts';
import type { Username } from '../../types.ts';
import type { Adoption, Bringing } from './adopt.ts';

export interface SyncParts {
  readonly store: Pick<Store, 'usersOfRealm'>;
  readonly adoption: Adoption;
  /** Looked at before each change: none is made of a server that stops. */
  readonly standing: () => 'going' | 'stopped';
  /** One line. */
  readonly onTrouble: (what: string) => void;
}

const pageSize = 500;
const bringing: Bringing = { address: '', way: 'none' };

export async function syncRealm(parts: SyncParts, realm: OutsideRealm): Promise<void> {
  const users = await accountsOf(parts.store, realm);
  const names = new Map(users.map((user) => [user.username.slice(0, -realm.name.length - 1), user]));
  const listing = await realm.list(new Set(names.keys()));
  // It says itself that it cannot be asked.
  if (listing.kind === 'unavailable') return;
  const entries = new Map<string, RealmEntry>(listing.entries.map((entry) => [entry.name, entry]));
  if (names.size > 1 && entries.size === 0) {
    parts.onTrouble(
      `realm "${realm.name}" names nobody who has an account here, and none of them is disabled for it: whoever searches may see nothing any more`,
    );
    return;
  }
  for (const [name, user] of names) {
    const entry = entries.get(name) ?? (await missing(realm, name));
    if (entry === 'unknown-now' || parts.standing() === 'stopped') return;
    await parts.adoption.bringUpToDate(user, entry, bringing);
  }
}

async function accountsOf(store: SyncParts['store'], realm: OutsideRealm): Promise<readonly UserRow[]> {
  const all: UserRow[] = [];
  let after: Username | null = null;
  for (;;) {
    const page: readonly UserRow[] = await store.usersOfRealm({ realm: realm.name, after, limit: pageSize });
    all.push(...page.filter(({ username }) => username.endsWith(nameIn(realm, ''))));
    after = page.at(-1)?.username ?? null;
    if (page.length < pageSize) return all;
  }
}

/** A list may leave out somebody, by a page that came empty: whoever is taken for gone is asked for by name. */
async function missing(realm: OutsideRealm, name: string): Promise<RealmEntry | 'gone' | 'unknown-now'> {
  const found = await realm.lookUp(name);
  switch (found.kind) {
    case 'found':
      return found.entry;
    case 'unknown':
      return 'gone';
    case 'unavailable':
      return 'unknown-now';
  }
}
