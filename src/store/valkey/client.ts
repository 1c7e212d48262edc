/**
 * A connection to Valkey or Redis: one server, one found through sentinels, or a cluster. Nothing waits for it: what cannot
 * be answered now fails now, and everybody has something else to go by.
 */
import { Cluster, Redis } from 'ioredis';
import type { ValkeyServers } from '../../config/service-place.ts';
import { type OutwardTls, towards } from '../../crypto/certificates/outward.ts';

/** Where it is and how it is spoken to; everything of it read and checked already. */
export interface ValkeyPlace {
  readonly at: ValkeyServers;
  readonly username: string;
  readonly password: string;
  readonly database: number;
  /** `off`: plain text. Else the server must be who it should be; there is no second try without TLS. */
  readonly tls: 'off' | OutwardTls;
  /** Longest wait for a connection, and for each answer. */
  readonly timeoutMs: number;
}

export interface ValkeyClient {
  /** Rejects at once when there is no connection. */
  command(name: string, ...given: readonly (string | number)[]): Promise<unknown>;
  subscribe(channel: string, listener: () => void): void;
  /** Called for each new connection, and when a cluster has other nodes than before: what is there may be older now. */
  onReached(listener: () => void): void;
  standing(): { readonly kind: 'away' } | { readonly kind: 'reachable' };
  close(): void;
}

/** Reasons told of one absence. */
const mostReasons = 8;
/** Longest pause between two tries to connect. */
const retryMs = 1000;

export function connectValkey(
  place: ValkeyPlace,
  onStanding: (standing: { readonly kind: 'away'; readonly why: string } | { readonly kind: 'reachable' }) => void,
): ValkeyClient {
  const commands = clientOf(place);
  const hearing = clientOf(place);
  let why = '';
  let last: 'away' | 'reachable' | 'starting' = 'starting';
  let closed = false;
  /** Reasons of this absence, each told once: what ended the connection is not always what keeps the next from coming. */
  const told = new Set<string>();
  const away = (): void => {
    if (closed || (last === 'away' && (why === '' || told.has(why) || told.size >= mostReasons))) return;
    last = 'away';
    told.add(why);
    onStanding({ kind: 'away', why: why === '' ? 'the connection was closed' : why });
  };
  const there = (): void => {
    [why, last] = ['', 'reachable'];
    told.clear();
    onStanding({ kind: 'reachable' });
  };
  for (const client of [commands, hearing])
    client.on('error', (fault: Error) => {
      why = fault.message === '' ? fault.name : fault.message;
      if (client === commands && commands.status !== 'ready') away();
    });
  const reached = new Set<() => void>();
  const reach = (): void => reached.forEach((listener) => listener());
  commands.on('ready', () => {
    if (last !== 'reachable') there();
    reach();
  });
  if (commands instanceof Cluster) commands.on('refresh', reach);
  commands.on('close', away);

  /** A server that took our question and says nothing is as good as gone: the connection is made anew. */
  const command: ValkeyClient['command'] = async (name, ...given) => {
    if (commands.status !== 'ready') throw new Error('Valkey is away');
    try {
      return await commands.call(name, ...given);
    } catch (fault) {
      if (fault instanceof Error && /timed out/i.test(fault.message)) {
        why = 'it does not answer in time';
        commands.disconnect(true);
      }
      throw fault;
    }
  };

  return {
    command,
    subscribe: (channel, listener) => {
      hearing.on('message', (on: string) => {
        if (on === channel) listener();
      });
      // Each new connection subscribes anew; meanwhile messages are lost, which nobody relies on.
      hearing.on('ready', () => {
        void hearing.subscribe(channel).catch(() => undefined);
      });
    },
    onReached: (listener) => void reached.add(listener),
    standing: () => ({ kind: commands.status === 'ready' ? 'reachable' : 'away' }),
    close: () => {
      closed = true;
      commands.disconnect();
      hearing.disconnect();
    },
  };
}

function clientOf(place: ValkeyPlace): Redis | Cluster {
  const { at, username, password, database, tls, timeoutMs } = place;
  const retry = (tried: number): number => Math.min(retryMs, 50 * tried);
  const secure = tls === 'off' ? undefined : tls;
  const options = {
    // Understood by every server and service of this kind.
    protocol: 2 as const,
    connectTimeout: timeoutMs,
    commandTimeout: timeoutMs,
    enableOfflineQueue: false,
    autoResubscribe: false,
    maxRetriesPerRequest: 0,
    retryStrategy: retry,
    ...(username === '' ? {} : { username }),
    ...(password === '' ? {} : { password }),
    ...(secure === undefined ? {} : { tls: secure }),
  };
  switch (at.kind) {
    case 'socket':
      return new Redis({ ...options, path: at.path, db: database });
    case 'single':
      return new Redis({
        ...options,
        host: at.host,
        port: at.port,
        db: database,
        ...(secure === undefined ? {} : { tls: towards(at.host, secure) }),
      });
    case 'sentinel':
      return new Redis({
        ...options,
        db: database,
        name: at.master,
        sentinels: at.sentinels.map(({ host, port }) => ({ host, port })),
        sentinelRetryStrategy: retry,
        ...(secure === undefined ? {} : { sentinelTLS: secure, enableTLSForSentinelMode: true }),
      });
    case 'cluster':
      return new Cluster(
        at.nodes.map(({ host, port }) => ({ host, port })),
        {
          redisOptions: options,
          enableOfflineQueue: false,
          clusterRetryStrategy: retry,
          slotsRefreshTimeout: timeoutMs,
          ...(secure === undefined ? {} : { dnsLookup: asItIs }),
        },
      );
  }
}

/** Certificates name hosts: a cluster's nodes are connected to by the names they give, not by their addresses. */
function asItIs(host: string, found: (fault: null, address: string) => void): void {
  found(null, host);
}
