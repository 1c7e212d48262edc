/**
 * A directory as an operator names it: where it is, what is looked for in it and how it is written there (2-http-api,
 * 1. Starting; RFC 4511, RFC 4515). Pure. Filters are only held against their form here; whether they are filters, the
 * client says at the start.
 */
import { type Endpoint, endpointOf, partsOf, unknownParameter } from '../service-place.ts';
import { accepted, refused, type ValueKind } from '../value-kind.ts';

export interface LdapPlace extends Endpoint {
  /** `ldaps`: TLS from the first byte. */
  readonly scheme: 'ldap' | 'ldaps';
}

/** `ldaps://host:636`. */
export const ldapUrl: ValueKind<LdapPlace> = {
  writing: 'text',
  suffix: '',
  form: '`ldaps://host` (port 636) or `ldap://host` (port 389, with StartTLS), with another port or without',
  parse: (text) => {
    const parts = partsOf(text);
    if (parts.kind === 'refused') return parts;
    const { scheme, user, password, place, path, query } = parts.value;
    if (scheme !== 'ldap' && scheme !== 'ldaps') return refused();
    if (user !== '' || password !== '') return refused('who asks is said by ldap.bind-dn and ldap.bind-password');
    if (path !== '' && path !== '/') return refused('where to search is said by ldap.base');
    const unknown = unknownParameter(query, []);
    if (unknown !== undefined) return refused(unknown);
    const endpoint = endpointOf(place, scheme === 'ldap' ? 389 : 636);
    return endpoint.kind === 'refused' ? endpoint : accepted({ ...endpoint.value, scheme });
  },
  format: ({ scheme, host, port }) => `${scheme}://${host.includes(':') ? `[${host}]` : host}:${port}`,
};

/** What stands behind the `@` of the names of a realm's accounts. */
const realmNamePattern = /^[a-z0-9_][a-z0-9._-]{1,31}$/;

/** The realm of the accounts that are kept here. */
export const localRealmName = 'local';

export const realmName: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: '2 to 32 small letters, digits, dots, dashes or underscores, beginning with a letter, a digit or an underscore; not `local`',
  parse: (text) => (realmNamePattern.test(text) && text !== localRealmName ? accepted(text) : refused()),
  format: String,
};

/** Of an entry, or of where entries are (RFC 4514). */
export const distinguishedName: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: 'a distinguished name such as `ou=people,dc=example,dc=org`, of at most 1024 characters',
  // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
  parse: (text) => (text.length <= 1024 && /^[\w.-]+=[^\0-\x1f\x7f]+$/.test(text) ? accepted(text) : refused()),
  format: String,
};

export const attributeName: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: 'the name of an attribute such as `uid`',
  parse: (text) => (/^[A-Za-z][A-Za-z0-9-]{0,63}$/.test(text) ? accepted(text) : refused()),
  format: String,
};

/** `needs`: what has to be in it; `knows`: what may be, replaced by what it stands for, escaped. */
export function filterText(needs: readonly string[], knows: readonly string[]): ValueKind<string> {
  const places = (words: readonly string[]): string => words.map((word) => `\`{${word}}\``).join(' or ');
  return {
    writing: 'text',
    suffix: '',
    form: `a filter in brackets such as \`(objectClass=person)\`${knows.length === 0 ? '' : `, with ${places(knows)} in it`}`,
    parse: (text) => {
      // oxlint-disable-next-line no-control-regex -- control characters are what is looked for
      if (text.length > 2048 || !/^\([^\0-\x1f\x7f]+\)$/.test(text)) return refused();
      let depth = 0;
      for (const [at, sign] of Array.from(text).entries()) {
        depth += sign === '(' ? 1 : sign === ')' ? -1 : 0;
        if (depth < 1 && at < Array.from(text).length - 1) return refused('its brackets do not fit together');
      }
      if (depth !== 0) return refused('its brackets do not fit together');
      const used = [...text.matchAll(/\{([^{}]*)\}/g)].map(([, word = '']) => word);
      const strange = used.find((word) => !knows.includes(word));
      if (strange !== undefined) return refused(`nothing is known as {${strange}}`);
      return needs.length === 0 || used.some((word) => needs.includes(word))
        ? accepted(text)
        : refused(`it needs ${places(needs)}`);
    },
    format: String,
  };
}

export interface GroupPrivilege {
  /** As the directory writes it; compared in any case. */
  readonly group: string;
  readonly privilege: string;
}

/** `admins=admin`. */
export const groupPrivilege: ValueKind<GroupPrivilege> = {
  writing: 'text',
  suffix: '',
  form: '`group=privilege`',
  parse: (text) => {
    const [, group, privilege] = /^([^\p{C}=]{1,256})=([A-Za-z0-9][A-Za-z0-9._:@+/-]{0,47})$/u.exec(text) ?? [];
    return group === undefined || privilege === undefined
      ? refused('it is written `group=privilege`')
      : accepted({ group: group.trim(), privilege });
  },
  format: ({ group, privilege }) => `${group}=${privilege}`,
};
