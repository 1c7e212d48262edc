/**
 * A directory as a realm: search, then bind (RFC 4511, RFC 4513 section 5.1). Somebody's entry is found by a search under our
 * own name, and the password is proven by a bind as that entry, on a connection of its own. A name that is nobody's costs a
 * bind as well. Referrals are not followed.
 */
import type { Client, Entry } from 'ldapts';
import { localRealmName } from '../../config/ldap/place.ts';
import type { Settings } from '../../config/schema.ts';
import type { OutwardTls } from '../../crypto/certificates/outward.ts';
import type { Password } from '../../types.ts';
import type { OutsideRealm, RealmAway, RealmEntry, RealmPasswordChange, RealmProof } from '../contract.ts';
import { codeOf, type Connection, connectTo, DirectoryAway } from './connection.ts';
import { escaped, filled, forAnyName } from './filters.ts';
import { passwordModify } from './password-modify.ts';
import { nameOf, valuesOf } from './read-entry.ts';
import { turns } from './turns.ts';

type LdapSettings = Settings['ldap'];

export interface LdapParts {
  readonly settings: LdapSettings & { readonly url: NonNullable<LdapSettings['url']>; readonly base: string };
  /** Null where it is spoken to in the clear. */
  readonly tls: OutwardTls | null;
  /** The directory answers again, or does not any more: one line each time it changes. */
  readonly onStanding: (standing: 'reachable' | 'unreachable', why: string) => void;
  /** Something in the directory that nobody can sign in with: one line. */
  readonly onTrouble: (what: string) => void;
}

/** Pieces of work at once, of two connections at most. */
const atOnce = 4;
const waiting = 256;
/** Of one person, with groups. */
const mostBytes = 1_048_576;
const mostGroups = 1000;
/** Of the whole directory, in pages (RFC 2696). */
const mostListedBytes = 256 * 1_048_576;
const pageSize = 500;
/** A dozen answers, each in its time. */
const answersOfOne = 6;
const longestListMs = 10 * 60_000;

/** Results of a bind that say that nobody comes in with that, and not that the directory cannot say (RFC 4511 appendix A.2). */
const refusedBinds: ReadonlySet<number> = new Set([19, 32, 48, 49, 50, 53]);

type Found =
  | { readonly kind: 'unknown' | 'ambiguous' }
  | { readonly kind: 'found'; readonly dn: string; readonly entry: RealmEntry };

export function ldapRealm(parts: LdapParts): OutsideRealm {
  const { settings } = parts;
  const { url: place, base, realm, timeoutMs } = settings;
  const groupBase = settings.groupBase ?? base;
  const toDirectory = { place, tls: parts.tls, timeoutMs };
  const turnOf = turns({ atOnce, waiting, waitMs: timeoutMs });
  const attributes = [settings.nameAttribute, settings.displayNameAttribute, settings.emailAttribute];
  const seconds = Math.max(1, Math.ceil(timeoutMs / 1000));
  const privilegesOf = Map.groupBy(settings.groupPrivileges, ({ group }) => group.toLowerCase());
  let standing: ReturnType<OutsideRealm['standing']> = 'not-asked';

  const note = (now: 'reachable' | 'unreachable', why: string): void => {
    if (standing === now) return;
    standing = now;
    parts.onStanding(now, why);
  };

  const connect = (limits?: Parameters<typeof connectTo>[1]): Promise<Connection> =>
    connectTo(toDirectory, limits ?? { most: mostBytes, inAllMs: timeoutMs * answersOfOne });

  /** Under our own name; what comes of it, and nothing left open. */
  const searching = async <T>(
    work: (connection: Connection) => Promise<T>,
    limits?: Parameters<typeof connect>[0],
  ): Promise<T> => {
    const connection = await connect(limits);
    try {
      const { bindDn, bindPassword } = settings;
      if (bindDn !== null && bindPassword !== null)
        try {
          await connection.ask((client) => client.bind(bindDn, bindPassword));
        } catch (fault) {
          const code = codeOf(fault);
          throw code === undefined ? fault : new DirectoryAway(`it does not accept ldap.bind-dn (code ${code})`);
        }
      return await work(connection);
    } finally {
      connection.close();
    }
  };

  /** In its turn. What the directory could not be asked is told once, and comes back as an outcome. */
  const working = async <T>(work: () => Promise<T>): Promise<T | RealmAway> => {
    const turn = await turnOf();
    if (turn.kind === 'crowded') return { kind: 'unavailable', why: 'too many ask it at once' };
    try {
      const done = await work();
      note('reachable', '');
      return done;
    } catch (fault) {
      const code = codeOf(fault);
      if (code === undefined && !(fault instanceof DirectoryAway)) throw fault;
      const why = fault instanceof DirectoryAway ? fault.message : `it answered with code ${code}`;
      note('unreachable', why);
      return { kind: 'unavailable', why };
    } finally {
      turn.end();
    }
  };

  const search = (
    connection: Connection,
    where: string,
    options: Parameters<Client['search']>[1],
  ): Promise<readonly Entry[]> =>
    connection.ask(async (client) => {
      const { searchEntries } = await client.search(where, { timeLimit: seconds, derefAliases: 'never', ...options });
      // What cannot be bound as, or searched for, is no entry.
      return searchEntries.filter(({ dn }) => typeof dn === 'string' && dn.includes('='));
    });

  const groupsOf = async (connection: Connection, dn: string, written: string): Promise<readonly string[]> => {
    const attribute = settings.groupNameAttribute;
    const filter = filled(settings.groupFilter, { dn, name: written });
    const groups = await search(connection, groupBase, { filter, attributes: [attribute], sizeLimit: mostGroups });
    return groups.flatMap((group) => valuesOf(group, attribute));
  };

  const standingOf = async (connection: Connection, dn: string): Promise<RealmEntry['standing']> => {
    if (settings.disabledFilter === null) return 'active';
    const matching = await search(connection, dn, {
      scope: 'base',
      filter: settings.disabledFilter,
      attributes: ['1.1'],
    });
    return matching.length === 0 ? 'active' : 'disabled';
  };

  const readEntry = async (
    connection: Connection,
    entry: Entry,
    name: string,
    written: string,
  ): Promise<RealmEntry> => {
    const { dn } = entry;
    const groups = await groupsOf(connection, dn, written);
    const given = groups.flatMap((group) => privilegesOf.get(group.toLowerCase()) ?? []);
    return {
      name,
      displayName: valuesOf(entry, settings.displayNameAttribute)[0] ?? '',
      email: valuesOf(entry, settings.emailAttribute)[0] ?? '',
      groups,
      privileges: settings.groupPrivileges.length === 0 ? null : [...new Set(given.map(({ privilege }) => privilege))],
      standing: await standingOf(connection, dn),
    };
  };

  /** `read`: what becomes of the one entry. */
  const find = async (
    connection: Connection,
    name: string,
  ): Promise<
    (Found & { readonly read?: never }) | { readonly kind: 'one'; readonly entry: Entry; readonly written: string }
  > => {
    const filter = filled(settings.userFilter, { name });
    const [entry, ...more] = await search(connection, base, { filter, attributes, sizeLimit: 2 });
    if (entry === undefined) return { kind: 'unknown' };
    if (more.length > 0) {
      parts.onTrouble(`there are several entries for one name, which nobody can sign in with: ${filter}`);
      return { kind: 'ambiguous' };
    }
    const read = nameOf(entry, settings.nameAttribute, realm);
    if (read.kind === 'none' || read.name !== name) return { kind: 'unknown' };
    return { kind: 'one', entry, written: read.written };
  };

  /** As that entry, on a connection of its own, which goes on with what is done as them. */
  const boundAs = async <T>(
    dn: string,
    password: Password,
    work: (connection: Connection) => Promise<T>,
  ): Promise<T | 'refused'> => {
    const connection = await connect();
    try {
      try {
        await connection.ask((client) => client.bind(dn, password));
      } catch (fault) {
        if (refusedBinds.has(codeOf(fault) ?? -1)) return 'refused';
        throw fault;
      }
      return await work(connection);
    } finally {
      connection.close();
    }
  };

  /** There is nobody under it: it begins where no entry of anybody does. */
  const nobody = `cn=nobody-${localRealmName}-6f1c,${base}`;

  return {
    kind: 'ldap',
    name: realm,
    comment: 'Directory (LDAP)',
    privileges: settings.groupPrivileges.length === 0 ? 'not-given' : 'given',
    standing: () => standing,

    lookUp: (name) =>
      working(() =>
        searching(async (connection) => {
          const found = await find(connection, name);
          // Whoever may add an entry must not get somebody disabled by it: of several nobody knows which one it is.
          if (found.kind === 'ambiguous')
            return { kind: 'unavailable', why: 'there are several entries for that name' };
          if (found.kind !== 'one') return { kind: 'unknown' };
          return { kind: 'found', entry: await readEntry(connection, found.entry, name, found.written) };
        }),
      ),

    authenticate: (name, password) =>
      working(() =>
        searching(async (connection): Promise<RealmProof> => {
          const found = await find(connection, name);
          // A bind without a password succeeds, and proves nothing (RFC 4513 section 5.1.2).
          if (password === '') return { kind: 'rejected', cause: 'wrong-password' };
          const one = found.kind === 'one' ? found : null;
          const bound = await boundAs(one?.entry.dn ?? nobody, password, () => Promise.resolve('bound' as const));
          if (one === null)
            return { kind: 'rejected', cause: found.kind === 'ambiguous' ? 'ambiguous' : 'unknown-user' };
          if (bound === 'refused') return { kind: 'rejected', cause: 'wrong-password' };
          return { kind: 'proven', entry: await readEntry(connection, one.entry, name, one.written) };
        }),
      ),

    changePassword: (name, old, wanted) =>
      working(() =>
        searching(async (connection): Promise<RealmPasswordChange> => {
          const found = await find(connection, name);
          if (found.kind !== 'one' || old === '') return { kind: 'rejected' };
          const changed = await boundAs(found.entry.dn, old, (own) => passwordModify(own, old, wanted));
          return changed === 'refused' ? { kind: 'rejected' } : changed;
        }),
      ),

    list: (names) =>
      working(() =>
        searching(
          async (connection) => {
            const entries: RealmEntry[] = [];
            if (names.size === 0) return { kind: 'listed', entries };
            const filter = forAnyName(settings.userFilter);
            const found = await connection.ask(async (client) => {
              const all: { readonly entry: Entry; readonly name: string; readonly written: string }[] = [];
              const pages = client.searchPaginated(base, {
                filter,
                attributes,
                derefAliases: 'never',
                paged: { pageSize },
              });
              for await (const { searchEntries } of pages)
                for (const entry of searchEntries) {
                  const read = nameOf(entry, settings.nameAttribute, realm);
                  if (read.kind === 'name' && names.has(read.name)) all.push({ ...read, entry });
                }
              return all;
            });
            const times = Map.groupBy(found, ({ name }) => name);
            for (const { entry, name, written } of found)
              if (times.get(name)?.length === 1) entries.push(await readEntry(connection, entry, name, written));
            return { kind: 'listed', entries };
          },
          { most: mostListedBytes, inAllMs: longestListMs },
        ),
      ),
  };
}

/** For the start: whether those are filters, which only the client knows. */
export async function judgeFilters(
  settings: LdapSettings,
): Promise<{ readonly kind: 'refused'; readonly why: string } | { readonly kind: 'filters' }> {
  const { FilterParser } = await import('ldapts');
  const { userFilter, groupFilter, disabledFilter } = settings;
  const all = Object.entries({
    'user-filter': userFilter,
    'group-filter': groupFilter,
    'disabled-filter': disabledFilter,
  });
  for (const [name, filter] of all) {
    if (filter === null) continue;
    try {
      FilterParser.parseString(filled(filter, { name: 'a', dn: `cn=${escaped('a')}` }));
    } catch {
      return { kind: 'refused', why: `ldap.${name}: it is no filter: ${filter}` };
    }
  }
  return { kind: 'filters' };
}
