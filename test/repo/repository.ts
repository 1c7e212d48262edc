/** The repository as its own checks see it: files, and their text without comments or strings. */
import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';

const root = fileURLToPath(new URL('../../', import.meta.url));

export const inRepository = (path: string): string => join(root, path);
export const read = (path: string): string => readFileSync(inRepository(path), 'utf8');

/** What is installed, built or left by a run is not part of the repository. */
const foreign: ReadonlySet<string> = new Set(['node_modules', 'dist', '.git', 'sallyport-data']);

export function files(folder = ''): readonly string[] {
  return readdirSync(inRepository(folder), { withFileTypes: true })
    .filter((entry) => !foreign.has(entry.name))
    .flatMap((entry) => {
      const path = folder === '' ? entry.name : `${folder}/${entry.name}`;
      return entry.isDirectory() ? files(path) : [path];
    })
    .toSorted();
}

const isTest = (path: string): boolean => /\.test\.ts$|-fixture\.ts$/.test(path);

/** What runs in production: `src/` without tests and their fixtures. */
export const sources = files('src').filter((path) => path.endsWith('.ts') && !isTest(path));
export const tests = [...files('src').filter(isTest), ...files('test').filter((path) => path.endsWith('.ts'))];

/** A file's code without its comments. Strings stay: import paths and codes are strings. */
export function readCode(path: string): string {
  return strip(read(path), 'comments');
}

/** Without what strings say, too: what is left is code alone. */
export function readBareCode(path: string): string {
  return strip(read(path), 'comments-and-strings');
}

/** Comments, strings and regular expressions. Templates are matched so that what looks like a comment in one is none. */
const token =
  /\/\*[\s\S]*?\*\/|\/\/[^\n]*|'(?:[^'\\\n]|\\.)*'|"(?:[^"\\\n]|\\.)*"|`(?:[^`\\]|\\[\s\S])*`|(?<=(?:[=(,:[!&|?{};]|=>|return)\s*)\/(?![/*])(?:[^/\\\n[]|\\.|\[(?:[^\]\\\n]|\\.)*\])+\/[a-z]*/g;

function strip(text: string, what: 'comments' | 'comments-and-strings'): string {
  return text.replaceAll(token, (found) => {
    if (found.startsWith('/*') || found.startsWith('//')) return found.replaceAll(/[^\n]/g, ' ');
    // Templates hold code.
    return what === 'comments' || found.startsWith('`') ? found : found.replaceAll(/(?<=.)[^\n](?=.)/g, ' ');
  });
}

/** What the comments of a file say, line breaks taken out, so that a name is found wherever it is broken. */
export function readComments(path: string): string {
  const comments = [...read(path).matchAll(token)].map(([found]) => found).filter((found) => /^\/[/*]/.test(found));
  return comments.join('\n').replaceAll(/\s*\n\s*(?:\*|\/\/)?\s*/g, ' ');
}
