/** What may be used only in its named place: cryptography, clocks, randomness, environment, the engine; and what nowhere. */
import assert from 'node:assert/strict';
import { test } from 'node:test';
import { readBareCode, readCode, sources } from './repository.ts';

interface Place {
  readonly what: string;
  readonly pattern: RegExp;
  /** Files, or folders with a slash at the end. Empty: nowhere. */
  readonly places: readonly string[];
  /** Looked for in strings too, where import paths are. */
  readonly text: 'code' | 'code-and-strings';
}

const places: readonly Place[] = [
  {
    what: 'node:crypto',
    pattern: /['"](?:node:)?crypto['"]|\bglobalThis\.crypto\b|\bcrypto\.(?:subtle|getRandomValues|randomUUID)\b/,
    places: ['src/crypto/'],
    text: 'code-and-strings',
  },
  {
    what: 'the wall clock',
    pattern: /\bDate\.now\b|\bnew Date(?:\(\s*\)|\s*[;,)])|(?<!new )\bDate\(/,
    places: ['src/setup.ts'],
    text: 'code',
  },
  {
    what: 'the monotonic clock',
    pattern: /\bperformance\.now\b|\bprocess\.hrtime\b|\bprocess\.uptime\b/,
    places: ['src/setup.ts'],
    text: 'code',
  },
  { what: 'randomness that can be guessed', pattern: /\bMath\.random\b/, places: [], text: 'code' },
  {
    what: 'randomness',
    pattern: /\brandom(?:Bytes|UUID|Int|Fill|FillSync)\b|\bgetRandomValues\b/,
    places: ['src/crypto/random.ts'],
    text: 'code',
  },
  {
    what: 'environment and arguments',
    pattern: /\bprocess\.(?:env|argv)\b|\{[^}]*\b(?:env|argv)\b[^}]*\}\s*=\s*process\b/,
    places: ['src/cli/sallyport.ts'],
    text: 'code',
  },
  {
    what: 'the engine of the store',
    pattern: /['"]node:sqlite['"]|\/sqlite\//,
    places: ['src/store/sqlite/', 'src/index.ts', 'src/cli/open-store.ts'],
    text: 'code-and-strings',
  },
  {
    what: 'evaluation and child processes',
    pattern: /['"](?:node:)?(?:child_process|vm)['"]|\beval\(|\bnew Function\b/,
    // The operator's own command, an argument list for no shell.
    places: ['src/tls/hook.ts'],
    text: 'code-and-strings',
  },
  { what: 'default exports', pattern: /\bexport\s+default\b|\bas\s+default\b/, places: [], text: 'code' },
  { what: 'any', pattern: /(?:[:<,|&(=]|\bas|\bextends)\s*any\b(?!\s*[:(?=])|\bany\[\]/, places: [], text: 'code' },
  {
    what: 'syntax that cannot be stripped',
    pattern: /^\s*(?:export\s+)?(?:const\s+)?enum\s|^\s*(?:export\s+)?namespace\s/m,
    places: [],
    text: 'code',
  },
  {
    // Column lists are constants of the engine's own.
    what: 'SQL put together from values',
    pattern: /\b(?:SELECT|INSERT|UPDATE|DELETE)\b[^`']*\$\{(?!\w*[cC]olumns\})/,
    places: [],
    text: 'code-and-strings',
  },
];

for (const { what, pattern, places: allowed, text } of places) {
  test(`${what}: ${allowed.length === 0 ? 'nowhere' : `only in ${allowed.join(', ')}`}`, () => {
    const using = sources.filter((path) => pattern.test((text === 'code' ? readBareCode : readCode)(path)));
    const inPlace = (path: string, place: string): boolean =>
      place.endsWith('/') ? path.startsWith(place) : path === place;
    assert.deepEqual(
      using.filter((path) => !allowed.some((place) => inPlace(path, place))),
      [],
    );
    // A place that nobody uses is no place any more.
    assert.deepEqual(
      allowed.filter((place) => !using.some((path) => inPlace(path, place))),
      [],
    );
  });
}
