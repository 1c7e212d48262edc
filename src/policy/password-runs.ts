/**
 * What can be typed without thinking: `aaaa`, `1234`, `8642`, `qwertz`, `1qaz2wsx`, `abcabcabc`, `2026`. Pure, linear.
 */

import { reversed } from './password-key.ts';

/** Fingers along the keyboard, on the three common Latin layouts; read in both directions. Rows are runs of their own. */
const paths = [
  'qwertyuiop asdfghjkl zxcvbnm',
  'qwertzuiop asdfghjkl yxcvbnm',
  'azertyuiop qsdfghjklm wxcvbn',
  '1qaz2wsx3edc4rfv5tgb6yhn7ujm8ik9ol0p',
  'qazwsxedcrfvtgbyhnujmikolp',
  '1q2w3e4r5t6y7u8i9o0p',
  'q1w2e3r4t5y6u7i8o9p0',
  '1a2b3c4d5e6f7g8h9i0j',
  'a1b2c3d4e5f6g7h8i9j0',
  '1234567890',
];
const bothWays: readonly string[] = [...paths, ...paths.map(reversed)];
/** For each path, every two characters that follow each other on it. */
const neighbours: readonly ReadonlySet<string>[] = bothWays.map(
  (path) => new Set(Array.from(path.slice(1), (_, at) => path.slice(at, at + 2))),
);

/** Longer runs are read as several, which keeps the work linear. */
const longestRun = 64;

/** How far a run starting at `at` goes, counted in UTF-16 units; 1 when nothing continues. */
export function runFrom(text: string, at: number): number {
  const limit = Math.min(text.length, at + longestRun);
  let longest = Math.max(evenSteps(text, at, limit), yearAt(text, at));
  for (const pairs of neighbours) {
    let end = at + 1;
    while (end < limit && pairs.has(text.slice(end - 1, end + 1))) end += 1;
    longest = Math.max(longest, end - at);
  }
  return longest;
}

/** A year of our time is no more than a run: `1984`, `2026`. */
function yearAt(text: string, at: number): number {
  return /^(?:19|20)\d\d/.test(text.slice(at, at + 4)) ? 4 : 1;
}

/** The same character again, or up or down by one or two: `aaa`, `abc`, `321`, `2468`, and `890123` over the edge. */
function evenSteps(text: string, at: number, limit: number): number {
  const step = stepBetween(text, at);
  if (Math.abs(step) > 2) return 1;
  let end = at + 2;
  while (end < limit && stepBetween(text, end - 1) === step) end += 1;
  // Steps of two are common by chance: three characters of them say nothing.
  return Math.abs(step) === 2 && end - at === 3 ? 1 : end - at;
}

function stepBetween(text: string, at: number): number {
  const step = text.charCodeAt(at + 1) - text.charCodeAt(at);
  if (Number.isNaN(step)) return Infinity;
  // After nine comes nought.
  return /^(?:09|90)$/.test(text.slice(at, at + 2)) ? -Math.sign(step) : step;
}

/** Shorter runs happen in any word. */
const shortestRun = 3;

/** The fewest characters of `text` that no run explains. */
export function outsideRuns(text: string): number {
  const fewest = Array.from({ length: text.length + 1 }, (_, end) => end);
  for (let at = 0; at < text.length; at += 1) {
    const here = fewest[at] ?? 0;
    const reach = runFrom(text, at);
    // A part of a run is a run, so every length up to the longest is a way to go on.
    for (const length of [1, ...Array.from({ length: reach }, (_, less) => reach - less)]) {
      const cost = length < shortestRun ? length : 0;
      fewest[at + length] = Math.min(fewest[at + length] ?? 0, here + cost);
    }
  }
  return fewest[text.length] ?? 0;
}

/** Each character once where it stands doubled: `112233` is `123`. */
export function undoubled(text: string): string {
  return text.replace(/(.)\1+/gsu, '$1');
}

/**
 * The shortest beginning that, said again and again, gives the whole text; the last time may be cut short. The text
 * itself when there is none (Knuth, Morris and Pratt's failure function).
 */
export function repeatedPart(text: string): string {
  const border = [0];
  let length = 0;
  for (let at = 1; at < text.length; at += 1) {
    while (length > 0 && text[at] !== text[length]) length = border[length - 1] ?? 0;
    if (text[at] === text[length]) length += 1;
    border.push(length);
  }
  return text.slice(0, text.length - (border.at(-1) ?? 0));
}
