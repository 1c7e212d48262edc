/** Files and folders that can be read: names, sizes, no drawers; and no check that answers yes or no. */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { files, read, readBareCode, readCode, sources, tests } from './repository.ts';

const mostLines = 300;
const mostTestLines = 800;
const mostFiles = 14;

/** Longer than that, each for its reason. */
const longFiles: Readonly<Record<string, string>> = {
  'src/http/routes.ts': 'a table: a row per route',
  'src/store/rows.ts': 'a list: what is kept, a type per table',
  'src/store/store.ts': 'a list: what every engine offers',
  'test/store-contract.ts': 'a list: what every engine does, in the order of the contract',
  'test/store-contract-factors.ts': 'the rest of that list',
};

const lines = (path: string): number => read(path).split('\n').length - 1;

test(`source files have at most ${mostLines} lines, tests ${mostTestLines}; tables by name`, () => {
  const long = [
    ...sources.filter((path) => lines(path) > mostLines),
    ...tests.filter((path) => lines(path) > mostTestLines),
  ];
  assert.deepEqual(
    long.filter((path) => !Object.hasOwn(longFiles, path)).map((path) => `${path}: ${lines(path)} lines`),
    [],
  );
});

test(`a folder has at most ${mostFiles} source files`, () => {
  const crowded = [...Map.groupBy(sources, (path) => posix.dirname(path))]
    // The files that lie at the top are the corridor's own doors, listed in docs/tour.md.
    .filter(([folder, inside]) => folder !== 'src' && inside.length > mostFiles)
    .map(([folder, inside]) => `${folder}: ${inside.length} files`);
  assert.deepEqual(crowded, []);
});

test('no drawers, no barrel but src/index.ts, names in kebab-case', () => {
  const code = files().filter((path) => /\.(ts|tsx)$/.test(path));
  assert.deepEqual(
    code.filter((path) => /(^|\/)(utils?|helpers?|common|misc|lib|shared)(\/|\.)/.test(path)),
    [],
  );
  assert.deepEqual(
    code.filter((path) => !/^([a-z0-9]+(-[a-z0-9]+)*\/)*[a-z0-9]+(-[a-z0-9]+)*(\.test|\.config)?\.tsx?$/.test(path)),
    [],
  );
  const reExporting = sources.filter((path) => /\bexport\s+(?:type\s+)?(?:\*|\{[^}]*\}\s*from)/.test(readCode(path)));
  assert.deepEqual(reExporting, ['src/index.ts']);
});

/** Such a name promises a verdict. A forgotten `await` on a boolean verdict lets everybody in. */
const verdict =
  /(export\s+(?:async\s+)?function\s+|function\s+|export\s+const\s+|const\s+)?\b((?:verif|check|allow|authori[sz]|authenticat|isValid|isAllowed|validat)\w*)\s*(?:<[^()]*>)?\s*(?::\s*|=\s*(?:async\s*)?)?\(/g;

test('no check answers with a boolean, null or undefined', () => {
  const wrong: string[] = [];
  let looked = 0;
  for (const path of sources) {
    const code = readBareCode(path);
    for (const match of code.matchAll(verdict)) {
      const type = returnType(code, match.index + match[0].length);
      const inside = match[1] !== undefined && !match[1].startsWith('export');
      if (type === undefined || inside) continue;
      looked += 1;
      if (/\b(?:boolean|null|undefined|is)\b/.test(withoutFields(type))) wrong.push(`${path}: ${match[2]}(): ${type}`);
    }
  }
  assert.deepEqual(wrong, []);
  assert.ok(looked > 5, 'the reading of return types finds hardly any');
});

/** The type declared after a parameter list, whose opening bracket lies just before `from`; nothing for calls. */
function returnType(code: string, from: number): string | undefined {
  let depth = 1;
  let at = from;
  for (; depth > 0 && at < code.length; at += 1)
    depth += '([{'.includes(code[at] ?? ' ') ? 1 : ')]}'.includes(code[at] ?? ' ') ? -1 : 0;
  const declared = /^\s*(?::|=>)\s*/.exec(code.slice(at));
  if (declared === null) return undefined;
  let type = '';
  for (at += declared[0].length; at < code.length; at += 1) {
    const sign = code[at] ?? '';
    if (depth === 0 && (sign === ';' || sign === ',' || sign === ')' || sign === '}' || code.startsWith('=>', at)))
      break;
    if (depth === 0 && sign === '{' && type.trim() !== '' && !/[|&<]\s*$/.test(type)) break;
    depth += '([{<'.includes(sign) ? 1 : ')]}>'.includes(sign) ? -1 : 0;
    type += sign;
  }
  const text = type.replaceAll(/\s+/g, ' ').trim();
  // After an arrow comes a type, or a body: a body is no declaration.
  return declared[0].includes('=>') && !/^[\w\s<>|[\].,]+$/.test(withoutFields(text)) ? undefined : text;
}

/** What a union's members hold is theirs; only the members themselves are a verdict. */
function withoutFields(type: string): string {
  let text = type;
  while (/\{[^{}]*\}/.test(text)) text = text.replaceAll(/\{[^{}]*\}/g, 'fields');
  return text;
}
