import { fileURLToPath } from 'node:url';
import { readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { brotliCompressSync } from 'node:zlib';
import { defineConfig, type Plugin } from 'vite';
import { gate } from './src/words/english/gate.ts';

/** What the shell says before any script runs, from the same catalogue as everything else. */
const words: Plugin = { name: 'words', transformIndexHtml: (html) => html.replace('%no-script%', gate.noScript) };

/** A compressed copy beside each file that is served as it is. */
const compressed: Plugin = {
  name: 'compressed',
  writeBundle({ dir = '' }, files) {
    for (const name of Object.keys(files)) {
      if (!name.endsWith('.html'))
        writeFileSync(join(dir, `${name}.br`), brotliCompressSync(readFileSync(join(dir, name))));
    }
  },
};

// One shell for all pages: the server hands it out everywhere and replaces the nonce in it.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/auth/',
  publicDir: false,
  html: { cspNonce: '__CSP_NONCE__' },
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  plugins: [words, compressed],
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    assetsDir: 'assets',
    sourcemap: false,
    // The polyfill would be an inline script.
    modulePreload: { polyfill: false },
  },
});
