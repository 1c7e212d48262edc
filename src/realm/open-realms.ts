/** The realms as the settings and whoever embeds us ask for them. */
import { localRealmName } from '../config/ldap/place.ts';
import type { Settings } from '../config/schema.ts';
import { outwardTls } from '../crypto/certificates/outward.ts';
import type { OutsideRealm } from './contract.ts';
import { judgeFilters, ldapRealm } from './ldap/ldap-realm.ts';
import { type RealmsMade, realmsOf } from './realms.ts';

export interface RealmParts {
  readonly settings: Settings;
  /** Of an embedding application. */
  readonly given: readonly OutsideRealm[];
  /** One line, without a secret. */
  readonly onTrouble: (what: string) => void;
}

/** Nobody is asked yet: a directory that is away keeps nothing from starting. */
export async function openRealms({ settings, given, onTrouble }: RealmParts): Promise<RealmsMade> {
  const { ldap, ticketPrefix } = settings;
  const { url, base, realm } = ldap;
  const aliases = new Map([[ticketPrefix.toLowerCase(), localRealmName]]);
  if (url === null || base === null) return realmsOf(given, aliases);
  const filters = await judgeFilters(ldap);
  if (filters.kind === 'refused') return filters;
  const read =
    url.scheme === 'ldap' && !ldap.starttls
      ? ({ kind: 'ready', tls: null } as const)
      : outwardTls('ldap', { ca: ldap.caFile, cert: null, key: null }, onTrouble);
  if (read.kind === 'refused') return read;
  const directory = ldapRealm({
    settings: { ...ldap, url, base },
    tls: read.tls,
    onStanding: (standing, why) =>
      onTrouble(
        standing === 'reachable'
          ? `the directory of realm "${realm}" answers`
          : `the directory of realm "${realm}" cannot be asked, and its people cannot sign in: ${why}`,
      ),
    onTrouble: (what) => onTrouble(`the directory of realm "${realm}": ${what}`),
  });
  return realmsOf([directory, ...given], aliases);
}
