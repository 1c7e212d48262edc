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

type Standing = 'commonest' | 'listed' | 'unlisted';

/**
 * Every way found; none for a password that has to be guessed character by character or word by word. `least` is the
 * length asked for, in code points: a part said twice counts once, and once it must be long enough.
 */
export function guessesOf(password: string, least: number, list: CommonPasswords): readonly Guess[] {
  const folded = fold(password);
  const found: Guess[] = [];
  if (isListed(folded, list)) found.push('common');
  if (isRuns(folded) || isRepetition(password.toLowerCase(), least)) found.push('sequence');
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

function isRepetition(text: string, least: number): boolean {
  const part = repeatedPart(text);
  return part.length * 2 <= text.length && codePoints(part) < least;
}

function isRuns(folded: string): boolean {
  const text = squeeze(folded);
  const short = undoubled(text);
  return runsCover(text) || (short.length * 3 <= text.length * 2 && runsCover(short));
}

/** Up to a quarter beside the runs counts as nothing, within bounds: `cat123456789012`. */
function runsCover(text: string): boolean {
  return outsideRuns(text) <= Math.min(5, Math.max(2, Math.floor(text.length / 4)));
}

function isListed(folded: string, list: CommonPasswords): boolean {
  const squeezed = squeeze(folded);
  for (const core of coresOf(squeezed)) {
    // `fe3d` amid eleven digits is hexadecimal, not "feed" in leet: then the word must be the greater part.
    if (/\P{L}/u.test(core) && core.length * 2 < squeezed.length) continue;
    if (isWordOrPair(core, list)) return true;
    // `passwordpasswor` is `password`; one letter at both ends is chance.
    const part = repeatedPart(core);
    if (core.length - part.length < shortestHalf) continue;
    for (const inner of coresOf(part)) if (isWordOrPair(inner, list)) return true;
  }
  return areFewWords(folded.match(/\p{L}+/gu) ?? [], list);
}

function isWordOrPair(core: string, list: CommonPasswords): boolean {
  return standing(core, list) !== 'unlisted' || isPair(core, list);
}

/** `sommer 2026 sommer`, `Admin-2026-Password`: the words between digits and signs, each counted once. */
function areFewWords(words: readonly string[], list: CommonPasswords): boolean {
  const different = [...new Set(words)];
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

function standing(word: string, list: CommonPasswords): Standing {
  const possible = word.length >= shortestWord && word.length <= longestWord;
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

/** Where the word may begin: at once, after digits and signs, after a run, and after what follows that. */
function edgesOf(text: string): ReadonlySet<number> {
  const edges = new Set([0]);
  let at = 0;
  for (let layer = 0; layer < 2; layer += 1) {
    at += /^[^\p{L}]*/u.exec(text.slice(at))?.[0].length ?? 0;
    edges.add(at);
    const run = runFrom(text, at);
    if (run < shortestHalf) break;
    // The last character of a run may be the first of the word: `aaaapple`.
    edges.add(at + run - 1);
    at += run;
    edges.add(at);
  }
  return edges;
}
