/**
 * Words that everybody knows who knows the installation: product, host and user names (ASVS 6.1.2, 6.2.11). Pure.
 */
import type { CommonPasswords } from './common-passwords.ts';
import { restOf } from './password-guess.ts';
import { fold, keyOf, reversed, squeeze, type PasswordKey } from './password-key.ts';

export type NameOwner = 'username' | 'product' | 'host';

export interface ContextName {
  readonly owner: NameOwner;
  readonly key: PasswordKey;
}

/** What the product is called, in the words people would use for its password. */
const productNames = ['sallyport', 'sally port'];

/** Shorter names occur in any text. */
const shortestName = 3;
/** So many characters of its own are enough beside any name; fewer must at least outweigh the names. */
const enoughOfItsOwn = 6;

/** All names of one installation and user, with the parts and the reverse of each. */
export function contextNames(username: string, hostNames: readonly string[]): readonly ContextName[] {
  const named: readonly (readonly [NameOwner, readonly string[]])[] = [
    ['username', partsOf(username)],
    ['product', productNames],
    ['host', hostNames.flatMap(hostParts)],
  ];
  return named.flatMap(([owner, names]) => {
    const keys = names.map((name) => keyOf(squeeze(fold(name)))).filter((key) => key.length >= shortestName);
    const backwards = keys.map((key) => keyOf(reversed(key)));
    return [...new Set([...keys, ...backwards])].map((key) => ({ owner, key }));
  });
}

/** `alice.smith@example.org` → itself, `alice`, `smith`, `example`, `org`; only the whole may be without a letter. */
function partsOf(name: string): readonly string[] {
  return [name, ...name.split(/[^\p{L}\p{M}\p{N}]+/u).filter((part) => /\p{L}/u.test(part))];
}

/** Without the port, and without the last label as a name of its own: `com` says nothing. */
function hostParts(host: string): readonly string[] {
  const name = host.replace(/:\d+$/, '').replace(/\.$/, '');
  const last = name.lastIndexOf('.');
  return last === -1 ? partsOf(name) : [name, ...partsOf(name.slice(0, last))];
}

/**
 * Whose names the password is made of: they occur in it, whatever the case, the leet or the separators, and what stands
 * beside them is digits, runs, listed words or too little. A passphrase may contain a name.
 */
export function madeOf(password: string, names: readonly ContextName[], list: CommonPasswords): ReadonlySet<NameOwner> {
  const squeezed = squeeze(fold(password));
  const key = keyOf(squeezed);
  const owners = new Set<NameOwner>();
  const taken = new Uint8Array(key.length);
  for (const name of names) {
    for (let at = key.indexOf(name.key); at !== -1; at = key.indexOf(name.key, at + name.key.length)) {
      if (!readsAsName(squeezed.slice(at, at + name.key.length))) continue;
      taken.fill(1, at, at + name.key.length);
      owners.add(name.owner);
    }
  }
  if (owners.size === 0) return owners;
  const rest = [...squeezed.matchAll(/[^]/g)].map(({ 0: unit, index }) => (taken[index] === 1 ? '\n' : unit)).join('');
  const own = rest.split(/\n+/).reduce((sum, piece) => sum + restOf(piece, list), 0);
  const named = taken.reduce((sum, unit) => sum + unit, 0);
  return own < Math.min(enoughOfItsOwn, named) ? owners : new Set();
}

/**
 * The greater part letters, and short names in letters alone: `n4smith` may be a name, `b41` and `B4|` amid digits and
 * signs are not `lab` backwards.
 */
function readsAsName(text: string): boolean {
  const letters = text.match(/\p{L}/gu)?.length ?? 0;
  return text.length === shortestName ? letters === text.length : letters * 2 >= text.length;
}
