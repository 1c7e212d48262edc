/**
 * Peer of P3: `@better-auth/api-key`, its `verifyApiKey` in process with one permission asked for. `limited` counts requests
 * against a limit that is never reached, as Sallyport's token has one; `unlimited` does not; `in-memory` counts as well, but
 * keeps keys and counts in a `Map` that ends with the process, and writes nothing.
 *
 *   verify-api-key.ts limited|unlimited|in-memory [better-sqlite3]
 */

import { randomBytes } from 'node:crypto';
import { apiKey } from '@better-auth/api-key';
import { betterAuth } from 'better-auth';
import { getMigrations } from 'better-auth/db/migration';
import { contest } from '../measure/contestant.ts';
import { EMAIL, optionsOf } from './better-auth.ts';

const [, , how, driver] = process.argv;
const UNREACHED = 2_147_483_647;

await contest(async () => {
  const options = {
    ...optionsOf(driver === undefined ? {} : { driver }),
    plugins: [
      apiKey({
        rateLimit: { enabled: how !== 'unlimited', timeWindow: 60_000, maxRequests: UNREACHED },
        ...(how === 'in-memory' ? { storage: 'secondary-storage' as const, customStorage: inMemory() } : {}),
      }),
    ],
  };
  await (await getMigrations(options)).runMigrations();
  const auth = betterAuth(options);
  const { user } = await auth.api.signUpEmail({
    body: { name: 'Alice', email: EMAIL, password: randomBytes(16).toString('hex') },
  });
  const { key } = await auth.api.createApiKey({
    body: { userId: user.id, permissions: { projects: ['write', 'read'] } },
  });
  const body = { key, permissions: { projects: ['read'] } };
  return {
    async batch(count) {
      for (let i = 0; i < count; i++) {
        const verified = await auth.api.verifyApiKey({ body });
        if (!verified.valid || verified.key?.referenceId !== user.id)
          throw new Error(`better-auth did not take its key: ${JSON.stringify(verified.error)}`);
      }
    },
  };
});

function inMemory() {
  const kept = new Map<string, string>();
  return {
    get: (key: string) => kept.get(key) ?? null,
    set: (key: string, value: string) => {
      kept.set(key, value);
    },
    delete: (key: string) => {
      kept.delete(key);
    },
    getAndDelete: (key: string) => {
      const value = kept.get(key) ?? null;
      kept.delete(key);
      return value;
    },
    increment: (key: string) => {
      const count = Number(kept.get(key) ?? 0) + 1;
      kept.set(key, String(count));
      return count;
    },
  };
}
