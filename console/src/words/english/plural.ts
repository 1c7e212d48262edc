/**
 * Every sentence of the pages, in English, a file for what is loaded together. A sentence is always whole: parameters are
 * names, hosts, times and numbers, never halves of sentences, so that a translator can move them freely. Another language
 * is one more folder of this shape, with plurals of its own, and a line in each of the files beside this folder.
 */
export const plural = (count: number, one: string, many: string): string => (count === 1 ? one : many);
