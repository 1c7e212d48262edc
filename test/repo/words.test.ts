/** The words of the pages: every sentence in the catalogue, every key there in use, and nothing said beside it. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { account } from '../../console/src/words/english/account.ts';
import { certificates } from '../../console/src/words/english/certificates.ts';
import { factors } from '../../console/src/words/english/factors.ts';
import { gate } from '../../console/src/words/english/gate.ts';
import { keys as keyWords } from '../../console/src/words/english/keys.ts';
import { links } from '../../console/src/words/english/links.ts';
import { many } from '../../console/src/words/english/many.ts';
import { people } from '../../console/src/words/english/people.ts';
import { secrets } from '../../console/src/words/english/secrets.ts';
import { setup } from '../../console/src/words/english/setup.ts';
import { tokens } from '../../console/src/words/english/tokens.ts';
import { files, read, readBareCode, readCode } from './repository.ts';

const inConsole = files('console/src').filter((path) => /\.tsx?$/.test(path));
const components = inConsole.filter((path) => !path.startsWith('console/src/words/'));
const inCatalogue = (path: string): boolean => path.startsWith('console/src/words/english/');
/** A file for what is loaded together; `accountMessages.sessions` and `messages.signIn` are found by their second part. */
const catalogues = {
  gate,
  setup,
  secrets,
  links,
  account,
  factors,
  people,
  tokens,
  many,
  certificates,
  keys: keyWords,
};

/** Every key down to its sentence: `signIn.heading`. */
function keysOf(value: object, above = ''): readonly string[] {
  return Object.entries(value).flatMap(([key, inside]: [string, unknown]) =>
    typeof inside === 'object' && inside !== null ? keysOf(inside, `${above}${key}.`) : [`${above}${key}`],
  );
}

const keys = Object.values(catalogues).flatMap((each) => keysOf(each));
const within = (path: string): readonly string[] => keys.filter((key) => key === path || key.startsWith(`${path}.`));

/**
 * What one file takes from the catalogue, each with all the keys it can mean: short names given to a part of it
 * (`const words = messages.signIn`) may be given twice.
 */
function takenIn(code: string): readonly { readonly written: string; readonly meant: readonly string[] }[] {
  const parts = new Map<string, string[]>([['messages', ['']]]);
  const naming = /\bconst (\w+) = ((?:\w+ \? )?messages\.[\w.]+(?: : messages\.[\w.]+)?);/g;
  for (const [, name = '', value = ''] of code.matchAll(naming)) {
    const named = [...value.matchAll(/\bmessages\.([\w.]+)/g)].map(([, path = '']) => `${path}.`);
    parts.set(name, [...(parts.get(name) ?? []), ...named]);
  }
  return [...parts].flatMap(([name, prefixes]) =>
    [...code.matchAll(new RegExp(`(?<![\\w./])${name}\\.(\\w+(?:\\.\\w+)*)`, 'g'))].map(([written, path = '']) => ({
      written,
      meant: prefixes.map((prefix) => `${prefix}${path}`),
    })),
  );
}

test('every key that is used exists, and none is unused', () => {
  const missing: string[] = [];
  const used = new Set<string>();
  for (const path of [...inConsole.filter((each) => !inCatalogue(each)), 'console/vite.config.ts']) {
    const code = readBareCode(path).replaceAll(/\b(?:gate|\w+Messages)\.(?=\w)/g, 'messages.');
    const tables = new Set([...code.matchAll(/\bknown\(\s*([\w.]+),/g)].map(([, table = '']) => table));
    for (const { written, meant } of takenIn(code)) {
      if (meant.every((each) => within(each).length === 0)) missing.push(`${path}: ${written}`);
      // A part counts as used only where it is looked up in as a whole; else its keys are used one by one.
      for (const each of meant) if (keys.includes(each)) used.add(each);
      if (tables.has(written)) for (const key of meant.flatMap(within)) used.add(key);
    }
  }
  assert.deepEqual(missing, []);
  assert.equal(new Set(keys).size, keys.length, 'a key is in one catalogue');
  assert.equal(inConsole.filter(inCatalogue).length, Object.keys(catalogues).length + 1, 'all of them, and the plural');
  assert.deepEqual(
    keys.filter((key) => !used.has(key)),
    [],
  );
  assert.deepEqual(takenIn('const words = messages.code; words.lead; known(messages.a.b, x)'), [
    { written: 'messages.code', meant: ['code'] },
    { written: 'messages.a.b', meant: ['a.b'] },
    { written: 'words.lead', meant: ['code.lead'] },
  ]);
});

test('no sentence is built from pieces: what a key takes are names, numbers and times', () => {
  const takes = inConsole
    .filter(inCatalogue)
    .flatMap((path) => [...read(path).matchAll(/\(((?:\w+: \w+(?:, )?)+)\)(?:: \w+)? =>/g)])
    .flatMap(([, list = '']) =>
      [...list.matchAll(/(\w+): (\w+)/g)].map(([, name = '', type = '']) => `${name}: ${type}`),
    );
  const allowed = [
    'page: string',
    'host: string',
    'username: string',
    'wait: string',
    'id: string',
    'name: string',
    'device: string',
    'browser: string',
    'system: string',
    'relative: string',
    'exact: string',
    'count: number',
    'done: number',
    'total: number',
  ];
  const own = new Set(['count: number', 'one: string', 'many: string']); // the plural itself
  assert.deepEqual(
    [...new Set(takes)].filter((each) => !allowed.includes(each) && !own.has(each)),
    [],
  );
  assert.ok(takes.length > 10, 'the reading of parameters finds hardly any');
});

/** Names that are the same in every language. */
const proper: readonly string[] = ['console/src/inside/device-name.ts'];

test('the components say nothing of their own', () => {
  const said: string[] = [];
  for (const path of components) {
    const code = readCode(path);
    for (const [, text = ''] of code.matchAll(/(?<![=])>\s*([^<>{}();=]*[A-Za-z]{2}[^<>{}();=]*?)\s*<\/?[A-Za-z]/g))
      said.push(`${path}: ${text}`);
    for (const [, name = '', text = ''] of code.matchAll(
      /\s(title|alt|placeholder|label|aria-label|help|heading|lead|summary)="([^"]+)"/g,
    ))
      said.push(`${path}: ${name} ${text}`);
    if (proper.includes(path)) continue;
    for (const [, text = ''] of code.matchAll(/'([^'\n]*)'/g)) if (isProse(text)) said.push(`${path}: ${text}`);
  }
  assert.deepEqual(said, []);
  assert.ok(isProse('Sign in') && isProse('you can try again now') && isProse('Copied.'), 'what a sentence looks like');
  assert.ok(!isProse('danger certain') && !isProse('GET') && !isProse('X-CSRF-Token') && !isProse('/auth/sign-in'));
});

/** Begins like a sentence, or is longer than a pair of class names. */
function isProse(text: string): boolean {
  return /^[A-Z][a-z]+( [a-z]|[.!?…]|$)/.test(text) || /[a-z]+ [a-z]+ [a-z]+/.test(text);
}

test('the shell takes its words from the catalogue, too', () => {
  const words = read('console/index.html')
    .replaceAll(/<!--[\s\S]*?-->|<[^>]+>/g, ' ')
    .split(/\s+/)
    .filter((word) => word !== '');
  assert.deepEqual(words, [gate.product, '%no-script%']);
});
