/** The PostgreSQL engine: the store's contract over a real server, and what only several nodes over one can get wrong. */
import { after, describe } from 'node:test';
import { openValkey } from '../src/store/valkey/open.ts';
import { withoutPackages } from './support/debian.ts';
import { sharedPostgres } from './support/postgres.ts';
import { openNode } from './support/store-node.ts';
import { startValkey } from './support/valkey.ts';
import { type OpenedStore, storeContract } from './store-contract.ts';

describe('PostgreSQL', { skip: withoutPackages }, () => {
  storeContract('postgres', async (): Promise<OpenedStore> => {
    const database = await (await sharedPostgres()).createDatabase();
    const store = await openNode(database);
    return {
      store,
      discard: async () => {
        await store.close();
        await database.drop();
      },
    };
  });
});

describe('PostgreSQL with Valkey', { skip: withoutPackages }, () => {
  let valkey: ReturnType<typeof startValkey> | undefined;
  after(async () => (await valkey)?.remove());
  storeContract('postgres and valkey', async (): Promise<OpenedStore> => {
    valkey ??= startValkey();
    const { port } = await valkey;
    const database = await (await sharedPostgres()).createDatabase();
    const reachable = Promise.withResolvers<void>();
    const shared = openValkey(
      {
        at: { kind: 'single', host: '127.0.0.1', port },
        username: '',
        password: '',
        database: 0,
        tls: 'off',
        timeoutMs: 5000,
      },
      database.name,
      (standing) => (standing.kind === 'reachable' ? reachable.resolve() : undefined),
    );
    await reachable.promise;
    const store = await openNode(database, shared);
    return {
      store,
      discard: async () => {
        await store.close();
        shared.close();
        await database.drop();
      },
    };
  });
});
