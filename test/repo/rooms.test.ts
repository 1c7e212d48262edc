/** Imports run one way along the corridor, and never in a circle (docs/tour.md). */
import assert from 'node:assert/strict';
import { posix } from 'node:path';
import { test } from 'node:test';
import { inRepository, readCode, sources } from './repository.ts';
import { existsSync } from 'node:fs';

/** In walking order. A file imports from its own room, or from one further left. */
const rooms: readonly string[] = [
  'types',
  'version',
  'errors',
  'config',
  'crypto',
  'store',
  'request',
  'throttle',
  'realm',
  'verify',
  'record',
  'mail',
  'tls',
  'principal',
  'policy',
  'open-installation',
  'guard',
  'prove',
  'actions',
  'http',
  'adapters',
  'setup',
  'server',
  'cli',
  'index',
];

/** Imports against the order that are let stand, each as `from → to`, with its reason. There are none. */
const exceptions: Readonly<Record<string, string>> = {};

interface Import {
  readonly from: string;
  readonly to: string;
}

/** Static, dynamic and type imports, re-exports, and files started as workers. */
const reference =
  /\b(?:import|export)\b[^'"`;]*?\bfrom\s*['"](\.[^'"]+)['"]|\bimport\s*\(?\s*['"](\.[^'"]+)['"]|new URL\(\s*['"](\.[^'"]+\.ts)['"]\s*,\s*import\.meta\.url/g;

function importsOf(path: string): readonly Import[] {
  return [...readCode(path).matchAll(reference)].map(([, named, bare, worker]) => ({
    from: path,
    to: posix.join(posix.dirname(path), named ?? bare ?? worker ?? ''),
  }));
}

const imports = sources.flatMap(importsOf);
const roomOf = (path: string): number => rooms.indexOf((path.split('/')[1] ?? '').replace(/\.ts$/, ''));

test('every file lies in a room, and imports files that are there', () => {
  assert.deepEqual(
    sources.filter((path) => roomOf(path) === -1),
    [],
  );
  assert.deepEqual(
    imports.filter(({ to }) => !existsSync(inRepository(to))),
    [],
  );
  // The reading of imports is itself checked: nearly every file has some.
  assert.ok(imports.length > sources.length);
});

test('imports point one way: along the corridor', () => {
  const against = imports
    .filter(({ from, to }) => !to.startsWith('src/') || roomOf(to) > roomOf(from))
    .map(({ from, to }) => `${from} → ${to}`);
  assert.deepEqual(
    against.filter((each) => !Object.hasOwn(exceptions, each)),
    [],
  );
  // An exception that nobody needs any more goes.
  assert.deepEqual(
    Object.keys(exceptions).filter((each) => !against.includes(each)),
    [],
  );
});

test('no imports in a circle, not even of types', () => {
  assert.deepEqual(circles(), []);
});

/** Each circle once, from its alphabetically first file. */
function circles(): readonly string[] {
  const found = new Set<string>();
  const done = new Set<string>();
  const walk = (path: string, way: readonly string[]): void => {
    const at = way.indexOf(path);
    if (at !== -1) {
      const circle = way.slice(at);
      const first = circle.indexOf(circle.toSorted()[0] ?? '');
      const turned = [...circle.slice(first), ...circle.slice(0, first)];
      found.add([...turned, turned[0]].join(' → '));
      return;
    }
    if (done.has(path)) return;
    for (const { from, to } of imports) if (from === path) walk(to, [...way, path]);
    done.add(path);
  };
  for (const path of sources) walk(path, []);
  return [...found].toSorted();
}
