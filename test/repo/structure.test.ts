/** The repository checks itself: rooms, places of clock and randomness, sizes, errors, documents. */
import assert from 'node:assert/strict';
import { existsSync, readdirSync, readFileSync } from 'node:fs';
import { dirname, join, relative, resolve } from 'node:path';
import { test } from 'node:test';
import { fileURLToPath } from 'node:url';
import { settingsReference } from '../../src/config/print.ts';
import { problems } from '../../src/errors.ts';
import { version } from '../../src/version.ts';

const root = fileURLToPath(new URL('../../', import.meta.url));

function files(folder: string, ending: RegExp): string[] {
  return readdirSync(join(root, folder), { recursive: true, encoding: 'utf8' })
    .map((name) => join(folder, name))
    .filter((name) => ending.test(name) && !name.includes('node_modules'))
    .sort();
}

const read = (path: string): string => readFileSync(join(root, path), 'utf8');
const withoutComments = (text: string): string => text.replaceAll(/\/\*[\s\S]*?\*\/|^\s*\/\/.*$/gm, '');
const source = files('src', /\.ts$/).filter((path) => !/\.test\.ts$|-fixture\.ts$/.test(path));

/** In walking order: a file imports from its own room or from one further left. */
const rooms = [
  'types', 'version', 'errors', 'config', 'crypto', 'store', 'request', 'throttle', 'verify', 'record', 'principal', 'policy', 'open-installation', 'guard', 'prove',
  'actions', 'http', 'adapters', 'setup', 'server', 'cli', 'index',
]; // prettier-ignore

const roomOf = (path: string): string => (relative('src', path).split('/')[0] ?? '').replace(/\.ts$/, '');

test('imports point one way: along the corridor', () => {
  const wrong: string[] = [];
  for (const path of source) {
    const from = rooms.indexOf(roomOf(path));
    assert.notEqual(from, -1, `${path} lies in no room`);
    for (const [, target = ''] of read(path).matchAll(/(?:from|import\() ?'(\.[^']+)'/g)) {
      const to = relative(root, resolve(root, dirname(path), target));
      if (rooms.indexOf(roomOf(to)) > from) wrong.push(`${path} imports ${to}`);
    }
  }
  assert.deepEqual(wrong, []);
});

for (const [what, pattern, places] of [
  ['node:crypto', /from 'node:crypto'/, /^src\/crypto\//],
  ['the wall clock', /Date\.now\(|new Date\(\)/, /^src\/setup\.ts$/],
  ['the monotonic clock', /performance\.now\(/, /^src\/setup\.ts$/],
  ['unsafe randomness', /Math\.random\(/, /^$/],
  ['randomness', /randomBytes\(|randomUUID|getRandomValues/, /^src\/crypto\/random\.ts$/],
  ['the environment', /process\.env|\{ env \} = process/, /^src\/cli\/sallyport\.ts$/],
  ['child processes and evaluation', /child_process|\beval\(|new Function|node:vm/, /^$/],
  ['default exports', /export default/, /^$/],
  ['any', /: any\b|as any\b|<any>/, /^$/],
  ['SQL put together from values', /(SELECT|INSERT|UPDATE|DELETE)[^`']*\$\{(?!\w*[cC]olumns)/, /^$/],
] as const) {
  test(`${what} appears only in its place`, () => {
    assert.deepEqual(
      source.filter((path) => pattern.test(withoutComments(read(path))) && !places.test(path)),
      [],
    );
  });
}

test('files are of a size to be read: 300 lines, 800 for tests; tables by name', () => {
  const tables: readonly string[] = ['src/http/routes.ts'];
  const long = source.filter((path) => read(path).split('\n').length > 301 && !tables.includes(path));
  assert.deepEqual(long, []);
  const longTests = [...files('src', /\.test\.ts$/), ...files('test', /\.ts$/)].filter(
    (path) => read(path).split('\n').length > 801,
  );
  assert.deepEqual(
    longTests.filter((path) => path !== 'test/store-contract.ts'),
    [],
  );
});

test('no drawers, no barrels, names in kebab-case', () => {
  for (const path of source) {
    assert.doesNotMatch(path, /\/(utils|helpers|common|misc|lib)\//);
    assert.match(path, /^[a-z0-9/.-]+$/);
    if (path !== 'src/index.ts') assert.doesNotMatch(read(path), /^export \* from/m, path);
  }
});

test('no check answers with a boolean', () => {
  for (const path of source) {
    assert.doesNotMatch(
      read(path),
      /export (async )?function (verify|check|allow|authorize|authenticate|isValid|isAllowed)\w*\([^)]*\): (Promise<)?boolean/,
      path,
    );
  }
});

test('every error is used, and every code a route names exists', () => {
  const text = source
    .filter((path) => path !== 'src/errors.ts')
    .map(read)
    .join('\n');
  for (const code of Object.keys(problems)) assert.ok(text.includes(`'${code}'`), `${code} is never used`);
  for (const [, list = ''] of read('src/http/routes.ts').matchAll(/refusals: \[([^\]]*)\]/g)) {
    for (const [, code = ''] of list.matchAll(/'([a-z_]+)'/g)) assert.ok(code in problems, code);
  }
});

test('every standard named in the code stands in docs/specs.md', () => {
  const specs = read('docs/specs.md');
  for (const path of source) {
    for (const [name] of read(path).matchAll(/RFC \d{4}(bis)?|SP 800-\d+[A-Z]*(-\d)?/g))
      assert.ok(specs.includes(name), `${name} in ${path}`);
  }
});

test('the documents tell the truth about files, scripts, settings and version', () => {
  const scripts = JSON.parse(read('package.json')) as { scripts: Record<string, string>; version: string };
  assert.equal(scripts.version, version);
  assert.match(read('CHANGELOG.md'), new RegExp(`^## ${version.replaceAll('.', '\\.')}`, 'm'));
  assert.ok(Object.keys(scripts.scripts).length <= 10);
  assert.equal(read('docs/reference/settings.md').trim(), settingsReference().trim());
  for (const path of [...files('docs', /\.md$/), 'README.md', 'CONTRIBUTING.md', 'SECURITY.md', 'bench/README.md']) {
    const text = read(path);
    for (const [, target = ''] of text.matchAll(/\]\(([^)#]+)\)/g)) {
      if (!/^https?:/.test(target)) assert.ok(existsSync(join(root, dirname(path), target)), `${path}: ${target}`);
    }
    for (const [, file = ''] of text.matchAll(/`((?:src|test|console|docs)\/[\w./-]+\.(?:ts|md|css))`/g)) {
      assert.ok(existsSync(join(root, file)), `${path} names ${file}`);
    }
    for (const [, script = ''] of text.matchAll(/npm run ([a-z]+)/g))
      assert.ok(script in scripts.scripts, `${path}: npm run ${script}`);
  }
});
