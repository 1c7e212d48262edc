/** The catalogue in the reader's language where there is one; the first is for everybody else. */
const wanted = navigator.languages.map((tag) => tag.split('-')[0]);

export interface Translated<Words> {
  readonly language: string;
  readonly words: Words;
}

export function inLanguage<Words>(catalogues: readonly [Translated<Words>, ...Translated<Words>[]]): Words {
  return (catalogues.toSorted((a, b) => rank(a.language) - rank(b.language))[0] ?? catalogues[0]).words;
}

function rank(language: string): number {
  const at = wanted.indexOf(language);
  return at < 0 ? wanted.length : at;
}
