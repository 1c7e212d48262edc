/** Where the contestants live that need more than this folder, and what is missing when they are not there. */

import { existsSync } from 'node:fs';

export const SALLYPORT = new URL('../sallyport/in-process.ts', import.meta.url);
export const ADMITTING = new URL('../sallyport/admitting.ts', import.meta.url);
export const PEER_GUARD = new URL('../peers/get-session.ts', import.meta.url);
export const PEER_TOKENS = new URL('../peers/verify-api-key.ts', import.meta.url);
export const PEER_SERVER = new URL('../peers/http-server.ts', import.meta.url);
export const PEER_SIGN_IN = new URL('../peers/sign-in-server.ts', import.meta.url);
export const STORM_FLOOR = new URL('../floors/storm-floor.ts', import.meta.url);
export const UPSTREAM = new URL('../floors/upstream.ts', import.meta.url);
export const BARE_PROXY = new URL('../floors/bare-proxy.ts', import.meta.url);
export const HASH_FLOOR = new URL('../floors/argon2-loop.ts', import.meta.url);

export function missingParts(): string | null {
  const installed = ['better-auth', '@better-auth/api-key'].every((name) =>
    existsSync(new URL(`../peers/node_modules/${name}/package.json`, import.meta.url)),
  );
  return installed ? null : 'the peers are not installed: npm ci --prefix bench/peers';
}
