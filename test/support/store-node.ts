/** A node's store over a test's database. */
import assert from 'node:assert/strict';
import { type Bus, noBus } from '../../src/store/bus.ts';
import { databaseName, openPostgresStore } from '../../src/store/postgres/open.ts';
import type { Store } from '../../src/store/store.ts';
import { noVolatileSessions, type VolatileSessions } from '../../src/store/volatile-sessions.ts';
import type { TestDatabase } from './postgres.ts';

export async function openNode(
  database: TestDatabase,
  beside: { readonly node?: string; readonly volatile?: VolatileSessions; readonly bus?: Bus } = {},
): Promise<Store> {
  // Two hundred at once wait for ten connections, on a machine that has other things to do.
  const place = { ...database.place, tls: 'off', connections: 10, timeoutMs: 20_000 } as const;
  assert.equal((await databaseName(place)).kind, 'named');
  const opened = await openPostgresStore({
    place,
    node: beside.node ?? 'node-1',
    volatile: beside.volatile ?? noVolatileSessions,
    bus: beside.bus ?? noBus,
    onTrouble: () => undefined,
  });
  assert.ok(opened.kind === 'opened', opened.kind === 'unreachable' ? opened.detail : '');
  return opened.store;
}
