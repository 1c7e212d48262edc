/**
 * Makes the published form in `dist/server/`: the command line as one file that plain `node` starts, the library as
 * another, the threads that write the store and check imported hashes, and beside them the files they read and the
 * licences of what was bundled.
 */
import {
  copyFileSync,
  cpSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs';
import { basename, dirname, join, relative, resolve } from 'node:path';
import { fileURLToPath } from 'node:url';
import { type Plugin, rolldown } from 'rolldown';

const root = fileURLToPath(new URL('../', import.meta.url));
const out = join(root, 'dist/server');

/** Dependencies of the package: one has binaries of its own, the other stands in the library's types. */
const external = ['@node-rs/argon2', 'zod'];

const entries: Readonly<Record<string, string>> = {
  sallyport: 'src/cli/launch.ts',
  index: 'src/index.ts',
  writer: 'src/store/sqlite/writer.ts',
  'hash-worker': 'src/crypto/foreign/worker.ts',
};

const place = /new URL\(\s*'([^']+)',\s*import\.meta\.url\s*\)/g;

/** What a module reads beside itself it finds beside the bundle: threads as their own entry, anything else copied. */
const besideTheBundle: Plugin = {
  name: 'beside-the-bundle',
  transform(code, id) {
    if (!id.startsWith(join(root, 'src/'))) return null;
    return code.replaceAll(
      place,
      (_all, path: string) => `new URL('${moved(resolve(dirname(id), path))}', import.meta.url)`,
    );
  },
};

function moved(source: string): string {
  if (source === join(root, 'dist/console')) return '../console';
  const [entry] = Object.entries(entries).find(([, file]) => join(root, file) === source) ?? [];
  if (entry !== undefined) return `./${entry}.js`;
  const name = basename(source);
  if (statSync(source).isDirectory()) {
    const folder = relative(join(root, 'src/store'), source);
    cpSync(source, join(out, folder), { recursive: true });
    return `./${folder}/`;
  }
  copyFileSync(source, join(out, name));
  return `./${name}`;
}

/** The package that a bundled module belongs to; our own belong to none. */
function packageOf(module: string): string | undefined {
  return /^.*\/node_modules\/(?:@[^/]+\/)?[^/]+/.exec(module)?.[0];
}

/** Whoever hands on somebody's code hands on its licence. */
function licenceOf(folder: string): string {
  const { name, version, license } = JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8')) as Record<
    string,
    string
  >;
  const file = readdirSync(folder).find((each) => /^licen[cs]e/i.test(each));
  const text = file === undefined ? `Licence: ${license}` : readFileSync(join(folder, file), 'utf8').trim();
  return `${name} ${version}\n\n${text}\n`;
}

rmSync(out, { recursive: true, force: true });
mkdirSync(out, { recursive: true });
const bundled = new Set<string>();
for (const [name, file] of Object.entries(entries)) {
  const bundle = await rolldown({
    input: { [name]: join(root, file) },
    platform: 'node',
    // The server has all it can have in its one file, and starts the sooner.
    external: name === 'index' ? external : external.filter((each) => each !== 'zod'),
    plugins: [besideTheBundle],
    // Names of files on the machine that builds are nobody's business.
    experimental: { attachDebugInfo: 'none' },
  });
  const { output } = await bundle.write({
    dir: out,
    format: 'esm',
    entryFileNames: '[name].js',
    // Each has parts of its own: what is loaded late is cut another way for each.
    chunkFileNames: name === 'sallyport' ? '[name].part.js' : `${name}.[name].part.js`,
    generatedCode: { profilerNames: false },
  });
  await bundle.close();
  for (const part of output) {
    for (const module of part.type === 'chunk' ? Object.keys(part.modules) : []) {
      const folder = packageOf(module);
      if (folder !== undefined && existsSync(join(folder, 'package.json'))) bundled.add(folder);
    }
  }
}
writeFileSync(
  join(out, 'LICENSES.txt'),
  [...bundled]
    .toSorted()
    .map(licenceOf)
    .join(`\n${'-'.repeat(72)}\n\n`),
);
