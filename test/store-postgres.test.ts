/** The PostgreSQL engine: the store's contract over a real server, and what only several nodes over one can get wrong. */
import assert from 'node:assert/strict';
import { after, describe, test } from 'node:test';
import { Client } from 'pg';
import { shippedMigrations } from '../src/store/migrations.ts';
import { databaseName } from '../src/store/postgres/open.ts';
import { clientConfig } from '../src/store/postgres/server/database.ts';
import { openValkey } from '../src/store/valkey/open.ts';
import { withoutPackages } from './support/debian.ts';
import { sharedPostgres } from './support/postgres.ts';
import { openNode } from './support/store-node.ts';
import { startValkey } from './support/valkey.ts';
import { digestOf, type OpenedStore, storeContract } from './store-contract.ts';
import { factorContract } from './store-contract-factors.ts';
import { keyContract } from './store-contract-keys.ts';
import { signedTicketContract } from './store-contract-signed-tickets.ts';
import { creating, token, tokenContract, tokenId } from './store-contract-tokens.ts';
import { beginning, writesContract } from './store-contract-writes.ts';

describe('PostgreSQL', { skip: withoutPackages }, () => {
  const open = async (): Promise<OpenedStore> => {
    const database = await (await sharedPostgres()).createDatabase();
    const store = await openNode(database);
    return {
      store,
      discard: async () => {
        await store.close();
        await database.drop();
      },
    };
  };
  storeContract('postgres', open);
  factorContract('postgres', open);
  tokenContract('postgres', open);
  signedTicketContract('postgres', open);
  writesContract('postgres', open);
  keyContract('postgres', open);
});

describe('PostgreSQL: migrations', { skip: withoutPackages }, () => {
  test('accounts from before second factors have none, and are found; the version before still writes its own', async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const place = { ...database.place, tls: 'off', connections: 1, timeoutMs: 5000 } as const;
    const [first] = shippedMigrations('postgres');
    assert.ok(first);
    assert.equal((await databaseName(place, [first])).kind, 'named');
    const client = new Client(clientConfig(place));
    await client.connect();
    const write = (name: string) =>
      client.query(
        `INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
          credential_generation, created_at) VALUES ($1, $2, 'Old', '', '{}', '{}', true, 'x', 1, 0)`,
        [`u_${name}`, name],
      );
    await write('ada');
    const store = await openNode(database);
    try {
      await write('bob');
      const users = await store.users({ after: null, limit: 9, matching: 'OLD' });
      assert.deepEqual(
        users.map(({ username, sealedTotp, passkeys, passwordLength, passwordStanding }) =>
          [username, sealedTotp, passkeys, passwordLength, passwordStanding].join(),
        ),
        ['ada,,0,full,own', 'bob,,0,full,own'],
      );
    } finally {
      await client.end();
      await store.close();
      await database.drop();
    }
  });

  test('tokens come to a database from before them; the version before still takes them along with their owner', async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const place = { ...database.place, tls: 'off', connections: 1, timeoutMs: 5000 } as const;
    assert.equal((await databaseName(place, shippedMigrations('postgres').slice(0, 2))).kind, 'named');
    const client = new Client(clientConfig(place));
    await client.connect();
    await client.query(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
      credential_generation, created_at) VALUES ('u_ada', 'ada', 'Ada', '', '{}', '{}', true, 'x', 1, 0)`);
    const store = await openNode(database);
    try {
      assert.deepEqual(await store.tokens({ userId: null, before: null, limit: 9 }), []);
      assert.deepEqual(await store.createToken(creating(token('one'), { fromGeneration: 1 })), { kind: 'created' });
      assert.equal((await store.tokenByDigest(digestOf('one'))).kind, 'found');
      await client.query("DELETE FROM users WHERE id = 'u_ada'");
      assert.deepEqual(await store.tokenById(tokenId('one')), { kind: 'unknown' });
    } finally {
      await client.end();
      await store.close();
      await database.drop();
    }
  });

  test('requests come to a database from before them; those the version before leaves behind end by themselves', async () => {
    const database = await (await sharedPostgres()).createDatabase();
    const place = { ...database.place, tls: 'off', connections: 1, timeoutMs: 5000 } as const;
    assert.equal((await databaseName(place, shippedMigrations('postgres').slice(0, 3))).kind, 'named');
    const client = new Client(clientConfig(place));
    await client.connect();
    await client.query(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
      credential_generation, created_at) VALUES ('u_ada', 'ada', 'Ada', '', '{}', '{}', true, 'x', 1, 0)`);
    const store = await openNode(database);
    try {
      assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'begun' });
      await client.query("DELETE FROM users WHERE id = 'u_ada'");
      assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'in-progress' });
      await store.sweep(beginning().endsAt);
      assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'begun' });
    } finally {
      await client.end();
      await store.close();
      await database.drop();
    }
  });
});

describe('PostgreSQL with Valkey', { skip: withoutPackages }, () => {
  let valkey: ReturnType<typeof startValkey> | undefined;
  after(async () => (await valkey)?.remove());
  const open = async (): Promise<OpenedStore> => {
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
  };
  storeContract('postgres and valkey', open);
  factorContract('postgres and valkey', open);
  tokenContract('postgres and valkey', open);
  writesContract('postgres and valkey', open);
});
