import { fileURLToPath } from 'node:url';
import { defineConfig } from 'vite';
import { english } from './src/words/english.ts';

// One small bundle for all pages: the server hands out the same shell everywhere and replaces the nonce in it.
export default defineConfig({
  root: fileURLToPath(new URL('.', import.meta.url)),
  base: '/auth/',
  publicDir: false,
  html: { cspNonce: '__CSP_NONCE__' },
  // What the shell says before any script runs, from the same catalogue as everything else.
  plugins: [{ name: 'words', transformIndexHtml: (html) => html.replace('%no-script%', english.noScript) }],
  oxc: { jsx: { runtime: 'automatic', importSource: 'preact' } },
  build: {
    outDir: '../dist/console',
    emptyOutDir: true,
    assetsDir: 'assets',
    sourcemap: false,
    // The polyfill would be an inline script; nothing is loaded later, so nothing needs preloading.
    modulePreload: { polyfill: false },
  },
});
