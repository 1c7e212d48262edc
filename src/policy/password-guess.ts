/**
 * How an attacker would get to a password (3-rules, Passwords; NIST SP 800-63B-4 section 3.1.1.2, blocklist). Pure.
 *
 * Guessable is what consists of **one** listed word, or of **two** of the commonest, and otherwise only of what is
 * free: digits, signs, spaces, keyboard and alphabet runs, repetition, capitals, leet. Three different words are never
 * refused here, unless the whole of them is listed: that is what a passphrase is made of.
 */
import type { CommonPasswords } from './common-passwords.ts';
import { codePoints, fold, keyOf, reversed, squeeze } from './password-key.ts';
import { outsideRuns, repeatedPart, runFrom, undoubled } from './password-runs.ts';

/** `common`: listed, or a listed word with what is free. `sequence`: nothing but runs and repetition. */
export type Guess = 'common' | 'sequence';

/** Fewer letters are no word that digits hang on: every three letters are somebody's initials. */
const shortestWord = 4;
/** What is short enough to be the other half of a pair of words, or to be a run. */
const shortestHalf = 3;
/** No entry of the list is longer, and no pair of entries worth looking for. */
export const longestWord = 48;
/** So many characters may belong to a run and to the word after it. */
const longestOverlap = 3;

type Standing = 'commonest' | 'listed' | 'unlisted';

/**
 * Every way found; none for a password that has to be guessed character by character or word by word. `least` is the
 * length asked for, in code points: a part said twice counts once, and once it must be long enough.
 */
export function guessesOf(password: string, least: number, list: CommonPasswords): readonly Guess[] {
  const folded = fold(password);
  const found: Guess[] = [];
  const squeezed = squeeze(folded);
  if (isListed(squeezed, list) || areFewWords(folded, list)) found.push('common');
  if (isRuns(squeezed) || isRepetition(password, squeezed, least)) found.push('sequence');
  return found;
}

/** What is left to guess of a piece beside a name: its characters, or nothing when they are free or listed. */
export function restOf(squeezed: string, list: CommonPasswords): number {
  if (isRuns(squeezed)) return 0;
  let shortest = squeezed.length;
  for (const core of coresOf(squeezed)) {
    if (standing(core, list) !== 'unlisted') return 0;
    shortest = Math.min(shortest, core.length);
  }
  return shortest;
}

/** `abcabcabc` as it is typed, and `sexsexsex2026` where the part said again is the greater part. */
function isRepetition(password: string, squeezed: string, least: number): boolean {
  const saysAgain = (text: string): boolean => {
    const part = repeatedPart(text);
    return part.length * 2 <= text.length && codePoints(part) < least;
  };
  if (saysAgain(password.toLowerCase())) return true;
  return [...coresOf(squeezed)].some((core) => core.length * 2 >= squeezed.length && saysAgain(core));
}

function isRuns(squeezed: string): boolean {
  const short = undoubled(squeezed);
  if (runsCover(squeezed) || (short.length * 3 <= squeezed.length * 2 && runsCover(short))) return true;
  // `qazwsx` and `abcd` are words that digits hang on, without being listed.
  const word = squeezed.replace(/^\P{L}+|\P{L}+$/gu, '');
  return word.length >= shortestWord && outsideRuns(word) === 0;
}

/** A quarter beside the runs counts as nothing, five characters at most: `cat123456789012`. */
function runsCover(text: string): boolean {
  return outsideRuns(text) <= Math.min(5, Math.floor(text.length / 4));
}

function isListed(squeezed: string, list: CommonPasswords): boolean {
  if (squeezed.length <= longestWord && list.find(keyOf(squeezed)).kind !== 'unlisted') return true;
  for (const core of coresOf(squeezed)) {
    // `fe3d` amid eleven digits is hexadecimal, not "feed" in leet: then the word must be the greater part.
    if (/\P{L}/u.test(core) && core.length * 2 < squeezed.length) continue;
    if (isWordOrPair(core, list)) return true;
    // `passwordpasswor` is `password`; one letter at both ends is chance.
    const part = repeatedPart(core);
    if (core.length - part.length < shortestHalf) continue;
    for (const inner of coresOf(part)) if (isWordOrPair(inner, list)) return true;
  }
  return false;
}

function isWordOrPair(core: string, list: CommonPasswords): boolean {
  return standing(core, list) !== 'unlisted' || isPair(core, list);
}

/** `sommer 2026 sommer`, `Admin-2026-Password`: the words between digits and signs, each counted once. */
function areFewWords(folded: string, list: CommonPasswords): boolean {
  const different = [...new Set(folded.match(/\p{L}+/gu))];
  if (different.length === 0 || different.length > 2) return false;
  const enough: readonly Standing[] = different.length === 1 ? ['listed', 'commonest'] : ['commonest'];
  return different.every((word) => enough.includes(standing(word, list)));
}

/** Two of the commonest words glued together. */
function isPair(core: string, list: CommonPasswords): boolean {
  if (core.length > longestWord) return false;
  for (let at = shortestHalf; at <= core.length - shortestHalf; at += 1) {
    const halves = [keyOf(core.slice(0, at)), keyOf(core.slice(at))];
    if (halves.every((half) => list.find(half).kind === 'commonest')) return true;
  }
  return false;
}

/** Words are letters and digits; not asking for anything else spares false positives. */
function standing(word: string, list: CommonPasswords): Standing {
  const possible = word.length >= shortestWord && word.length <= longestWord && /^[a-z0-9]+$/.test(keyOf(word));
  return possible ? list.find(keyOf(word)).kind : 'unlisted';
}

/** The text, and what remains when digits, signs and runs are taken off either end or both. */
function coresOf(squeezed: string): ReadonlySet<string> {
  const ends = edgesOf(reversed(squeezed));
  const cores = new Set<string>();
  for (const start of edgesOf(squeezed)) {
    for (const end of ends) cores.add(squeezed.slice(start, Math.max(start, squeezed.length - end)));
  }
  return cores;
}

/** Where the word may begin: at once, after a run, after all digits and signs, after a run behind those. */
function edgesOf(text: string): ReadonlySet<number> {
  const signs = /^\P{L}*/u.exec(text)?.[0].length ?? 0;
  const edges = new Set([0, signs]);
  for (const start of [0, signs]) {
    const run = runFrom(text, start);
    if (run < shortestHalf) continue;
    // The last characters of a run may be the first of the word: `aaaapple`, `abcdefghighland`.
    for (let back = 0; back <= Math.min(run - 1, longestOverlap); back += 1) edges.add(start + run - back);
    const after = start + run;
    edges.add(after + (/^\P{L}*/u.exec(text.slice(after))?.[0].length ?? 0));
  }
  return edges;
}
