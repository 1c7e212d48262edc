/** The settings of a directory, as rows of the table of settings. */
import { duration } from '../quantity.ts';
import { optional, setting } from '../table/setting.ts';
import { filePath, flag, listOf, secret } from '../value-kind.ts';
import { attributeName, distinguishedName, filterText, groupPrivilege, ldapUrl, realmName } from './place.ts';

export const ldapSettings = {
  'ldap.url': optional(ldapUrl, 'none: every account is kept here', 'Directory whose people may sign in'),
  'ldap.starttls': setting(
    flag,
    'true',
    'Ask for TLS before anything is said to `ldap://`; without it on loopback alone',
  ),
  'ldap.ca-file': optional(filePath, "the system's", 'Who may vouch for the directory (PEM)'),
  'ldap.realm': setting(realmName, 'ldap', "What stands behind the @ of the directory's people: `alice@ldap`"),
  'ldap.bind-dn': optional(distinguishedName, 'none: searched without a name', 'Who searches in the directory'),
  'ldap.bind-password': optional(secret(1), 'none', 'The password of whoever searches'),
  'ldap.base': optional(distinguishedName, 'none', "Where people's entries are, at any depth"),
  'ldap.user-filter': setting(filterText(['name'], ['name']), '(uid={name})', "Which entry is somebody's"),
  'ldap.name-attribute': setting(attributeName, 'uid', "Attribute with somebody's name as it is typed before the @"),
  'ldap.display-name-attribute': setting(attributeName, 'cn', "Attribute with somebody's name as it is shown"),
  'ldap.email-attribute': setting(attributeName, 'mail', "Attribute with somebody's address"),
  'ldap.group-base': optional(distinguishedName, 'that of people', 'Where the entries of groups are'),
  'ldap.group-filter': setting(
    filterText(['name', 'dn'], ['name', 'dn']),
    '(|(member={dn})(uniqueMember={dn})(memberUid={name}))',
    'Which groups somebody is in',
  ),
  'ldap.group-name-attribute': setting(attributeName, 'cn', "Attribute with a group's name"),
  'ldap.group-privileges': setting(
    listOf(groupPrivilege, 'groups and what they may (`admins=admin`)'),
    '',
    'Privileges that groups give, and then nobody here; without any they are given here',
  ),
  'ldap.disabled-filter': optional(filterText([], []), 'none: nobody', 'Which of the entries may not sign in'),
  'ldap.timeout': setting(
    duration('100ms', '1m'),
    '5s',
    'Longest wait for a connection to the directory, and for each answer',
  ),
  'ldap.sync-every': setting(
    duration('1s', '24h'),
    '15m',
    'How often it is looked at who is still in the directory, and what they may',
  ),
} as const;
