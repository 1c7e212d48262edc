/** The documents tell the truth: about files, links, scripts, versions, standards, and what is not told: where they were made. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { posix } from 'node:path';
import { test } from 'node:test';
import { version } from '../../src/version.ts';
import { files, inRepository, read, readComments } from './repository.ts';

const all = files();
const pages = all.filter((path) => path.endsWith('.md'));
const manifest = JSON.parse(read('package.json')) as { version: string; scripts: Readonly<Record<string, string>> };
const withoutCode = (text: string): string => text.replaceAll(/^```[\s\S]*?^```/gm, '').replaceAll(/`[^`\n]*`/g, '');

test('every relative link leads somewhere, headings included', () => {
  const broken: string[] = [];
  for (const path of pages) {
    for (const [, target = ''] of withoutCode(read(path)).matchAll(/\]\(([^)\s]+)\)/g)) {
      if (/^[a-z]+:/.test(target)) continue;
      const [file = '', anchor] = target.split('#', 2);
      const to = file === '' ? path : posix.join(posix.dirname(path), file);
      const there = existsSync(inRepository(to));
      if (!there || (anchor !== undefined && !anchors(to).includes(anchor))) broken.push(`${path}: ${target}`);
    }
  }
  assert.deepEqual(broken, []);
});

/** Names of a page's headings, as GitHub makes them. */
function anchors(path: string): readonly string[] {
  return [...read(path).matchAll(/^#+ (.+)$/gm)].map(([, heading = '']) =>
    heading
      .toLowerCase()
      .replaceAll(/[^\p{L}\p{N} _-]/gu, '')
      .replaceAll(' ', '-'),
  );
}

/** Named before it is there, for its reason. */
const toCome: Readonly<Record<string, string>> = { 'test/regressions/': 'the first bug fix makes it' };

test('every file of the repository that a page names is there', () => {
  const named = /`((?:src|test|console|docs|bench|tools)\/[\w./-]*)`/g;
  const missing = pages.flatMap((path) =>
    [...read(path).matchAll(named)]
      .map(([, file = '']) => file)
      .filter((file) => !existsSync(inRepository(file)) && !Object.hasOwn(toCome, file))
      .map((file) => `${path}: ${file}`),
  );
  assert.deepEqual(missing, []);
});

test('every page that the code names is there', () => {
  const missing = all
    .filter((path) => /^(src|console|test)\/.*\.tsx?$/.test(path))
    .flatMap((path) => [...readComments(path).matchAll(/\bdocs\/[\w./-]*\w/g)].map(([named]) => ({ path, named })))
    .filter(({ named }) => !all.some((file) => file.startsWith(named)))
    .map(({ path, named }) => `${path}: ${named}`);
  assert.deepEqual(missing, []);
});

test('every row of the threat model names a file that stops the attack, and tests that are there', () => {
  const rows = read('docs/threat-model.md')
    .split('\n')
    .filter((line) => line.startsWith('| ') && line.includes('`'));
  assert.ok(rows.length > 10);
  for (const row of rows) {
    const [, , stopped = '', proven = ''] = row.split('|');
    assert.match(stopped, /`src\/[\w./-]+`/, row);
    assert.match(proven, /`[\w./-]+\.test\.ts`/, row);
  }
});

test('the identifiers of attacks in the threat model are those that tests prove', () => {
  const identifier = /\b(?:S|L|M|SE|CS|P|I|D|F|O|ST|MX)-?\d{1,2}\b/g;
  const proven = new Set(
    all.filter((path) => path.endsWith('.test.ts')).flatMap((path) => read(path).match(identifier) ?? []),
  );
  const claimed = withoutLast(read('docs/threat-model.md')).match(identifier) ?? [];
  assert.deepEqual(
    claimed.filter((each) => !proven.has(each)),
    [],
  );
});

/** The last chapter says what is not covered. */
function withoutLast(text: string): string {
  return text.slice(0, text.lastIndexOf('\n## '));
}

test('every script that a page names exists, and there are at most ten', () => {
  const scripts = Object.keys(manifest.scripts);
  assert.ok(scripts.length <= 10, scripts.join());
  for (const path of [...pages, '.ci/run']) {
    for (const [, script = ''] of read(path).matchAll(/\bnpm run ([\w:-]+)/g))
      assert.ok(scripts.includes(script), `${path}: npm run ${script}`);
    for (const [, script = ''] of read(path).matchAll(/\bnpm (start|test)\b/g))
      assert.ok(scripts.includes(script), `${path}: npm ${script}`);
  }
});

test('one version: package.json, src/version.ts, the top of the changelog', () => {
  assert.equal(manifest.version, version);
  const [, top] = /^## (\S+)/m.exec(read('CHANGELOG.md')) ?? [];
  assert.equal(top, version);
});

/** Standards as they are written in this repository: in comments of the code, and in the tables of docs/specs.md. */
const standard =
  /\bRFC \d{4}(?:bis)?\b|\bSP 800-\d+[A-Z]*(?:-\d+)?\b|\bFIPS \d+-\d+\b|\bFetch Metadata\b|\bASVS\b|\bOpenAPI \d\.\d\b/g;

test('every standard that the code names stands in docs/specs.md, and what is followed is named in the code', () => {
  const rows = read('docs/specs.md')
    .split('\n')
    .flatMap((line) => {
      const [, name = '', standing = ''] = line.split('|').map((cell) => cell.trim());
      return ['yes', 'partial', 'no'].includes(standing) ? [{ name, standing }] : [];
    });
  assert.ok(rows.length > 15);
  const listed = new Set(rows.flatMap(({ name }) => name.match(standard) ?? []));
  const code = all.filter((path) => path.startsWith('src/') && path.endsWith('.ts'));
  const inCode = code.flatMap((path) =>
    [...(path.endsWith('.test.ts') ? read(path) : readComments(path)).matchAll(standard)].map(([name]) => ({
      path,
      name,
    })),
  );
  assert.deepEqual(
    inCode.filter(({ name }) => !listed.has(name)).map(({ path, name }) => `${path} names ${name}`),
    [],
  );
  const known = new Set(inCode.map(({ name }) => name));
  const followed = rows.filter(({ standing }) => standing !== 'no').flatMap(({ name }) => name.match(standard) ?? []);
  assert.deepEqual(
    [...new Set(followed)].filter((name) => !known.has(name)),
    [],
    'marked yes or partial, and named nowhere under src/',
  );
});

test('nothing says on which machine, or from which registry, it was made', () => {
  const machine = new RegExp(`(?<![\\w.})\\]-])/(?:${['work', 'root', 'tmp', 'home', 'Users'].join('|')})/`);
  const text = all.filter((path) => !/\.(bin|png|ico|woff2)$/.test(path));
  const naming = text.filter((path) =>
    read(path)
      .split('\n')
      .some((line) => machine.test(line)),
  );
  assert.deepEqual(naming, []);
  const lockfiles = all.filter((path) => /(^|\/)(package-lock\.json|\.npmrc)$/.test(path));
  assert.ok(lockfiles.includes('package-lock.json'));
  assert.deepEqual(
    lockfiles.filter((path) => /registry\.|"resolved": "https?:/.test(read(path))),
    [],
  );
});
