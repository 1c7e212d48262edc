/** Everything that several nodes share in Valkey, under one name: that of their database. */
import type { Bus } from '../bus.ts';
import type { SharedCells } from '../shared-cells.ts';
import type { VolatileSessions } from '../volatile-sessions.ts';
import { sharedCells } from './cells.ts';
import { connectValkey, type ValkeyPlace } from './client.ts';
import { volatileSessions } from './volatile.ts';

export interface Valkey {
  readonly volatile: VolatileSessions;
  readonly cells: SharedCells;
  /** Others, for what tokens use: whoever counts there fills them, and neither forgets what the other knows. */
  readonly tokenCells: SharedCells;
  readonly bus: Bus;
  close(): void;
}

export function openValkey(
  place: ValkeyPlace,
  database: string,
  onStanding: Parameters<typeof connectValkey>[1],
): Valkey {
  const client = connectValkey(place, onStanding);
  // The braces keep all of it on one node of a cluster, as scripts over several keys need.
  const prefix = `sallyport:{${database}}:`;
  const channel = `${prefix}changes`;
  return {
    volatile: volatileSessions(client, prefix),
    cells: sharedCells(client, `${prefix}limit:`),
    tokenCells: sharedCells(client, `${prefix}token:`),
    bus: {
      tell: () => void client.command('PUBLISH', channel, '').catch(() => undefined),
      onNews: (listener) => client.subscribe(channel, listener),
    },
    close: () => client.close(),
  };
}
