/** What an entry of a directory says of somebody (RFC 4511 section 4.5.2). Pure. */
import type { Entry } from 'ldapts';
import { parseUsername } from '../../request/username.ts';
import { nameIn } from '../realms.ts';

/** Longest value that is looked at. */
const mostCharacters = 1024;

/** In the order of the entry; what is no text, or too long for one, is left out. Names of attributes are the same in any case. */
export function valuesOf(entry: Entry, attribute: string): readonly string[] {
  const wanted = attribute.toLowerCase();
  const [, found] = Object.entries(entry).find(([name]) => name.toLowerCase() === wanted) ?? [];
  const all = Array.isArray(found) ? found : found === undefined ? [] : [found];
  return all
    .filter((value) => typeof value === 'string')
    .filter((value) => value !== '' && value.length <= mostCharacters);
}

export type NameRead =
  | { readonly kind: 'none' }
  /** `written`: as the directory has it. */
  | { readonly kind: 'name'; readonly name: string; readonly written: string };

/**
 * The one name of an entry. Directories find it by others: they fold accents, and search by address. An entry with several
 * names has the one that its own distinguished name says, so that nobody is two accounts and has a second factor at one of
 * them.
 */
export function nameOf(entry: Entry, attribute: string, realm: string): NameRead {
  const values = valuesOf(entry, attribute);
  const [written, ...more] = namedByItself(values, entry, attribute);
  if (written === undefined || more.length > 0) return { kind: 'none' };
  const form = parseUsername(nameIn({ name: realm }, written));
  if (form.kind === 'malformed') return { kind: 'none' };
  return { kind: 'name', name: form.username.slice(0, -realm.length - 1), written };
}

/** Of several, those that stand first in the entry's own name. */
function namedByItself(values: readonly string[], { dn }: Entry, attribute: string): readonly string[] {
  if (values.length < 2) return values;
  const first = dn.toLowerCase();
  return values.filter((value) => {
    const rdn = `${attribute}=${value}`.toLowerCase();
    return first.startsWith(`${rdn},`) || first.startsWith(`${rdn}+`);
  });
}
