/** The words of the pages, in the reader's language where there is a catalogue for it. */
import { english } from './english.ts';

type Messages = typeof english;

/** One line for each language that has a file here; the first is for everybody else. */
const catalogues: readonly [Messages, ...Messages[]] = [english];

const wanted = navigator.languages.map((tag) => tag.split('-')[0]);

export const messages: Messages =
  catalogues.toSorted((a, b) => rank(a.language) - rank(b.language))[0] ?? catalogues[0];

function rank(language: string): number {
  const at = wanted.indexOf(language);
  return at < 0 ? wanted.length : at;
}
