/** Rules that join the settings of a directory. Pure. */
import { reachOf } from '../network-place.ts';
import type { SettingName } from '../schema.ts';
import { fine, problem, type Rule, warning } from '../table/rule.ts';
import { ldapSettings } from './settings.ts';

/** Without a directory, none of them says anything. */
function idle(name: SettingName): Rule {
  return {
    reads: [name, 'ldap.url'],
    check: (values, standings) =>
      values['ldap.url'] === null && standings[name] === 'given'
        ? warning(`${name} has no effect without ldap.url`)
        : fine,
  };
}

export const ldapRules: readonly Rule[] = [
  {
    reads: ['ldap.url', 'ldap.base'],
    check: (values) =>
      values['ldap.url'] !== null && values['ldap.base'] === null
        ? problem('ldap.url needs ldap.base: where people are in the directory')
        : fine,
  },
  {
    reads: ['ldap.url', 'ldap.starttls'],
    check: (values) => {
      const place = values['ldap.url'];
      return place?.scheme === 'ldap' && !values['ldap.starttls'] && reachOf(place.host) === 'network'
        ? problem('ldap.url needs TLS (ldaps://, or ldap.starttls): passwords never cross a network in the clear')
        : fine;
    },
  },
  {
    reads: ['ldap.ca-file', 'ldap.url', 'ldap.starttls'],
    check: (values) =>
      values['ldap.ca-file'] !== null && values['ldap.url']?.scheme === 'ldap' && !values['ldap.starttls']
        ? problem('ldap.ca-file has no effect: the directory is spoken to without TLS')
        : fine,
  },
  {
    reads: ['ldap.bind-dn', 'ldap.bind-password'],
    check: (values) =>
      (values['ldap.bind-dn'] === null) === (values['ldap.bind-password'] === null)
        ? fine
        : problem('ldap.bind-dn and ldap.bind-password are given together'),
  },
  ...(Object.keys(ldapSettings) as readonly (keyof typeof ldapSettings)[])
    .filter((name) => name !== 'ldap.url')
    .map((name) => idle(name)),
];
