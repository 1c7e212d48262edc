/**
 * The connections of one listener: how many there may be, and which give way. Whoever holds a connection without a whole
 * request on it makes room for those who ask: within the address that holds most, the one that asked longest ago. So many
 * idle, slow or half-sent connections cost the holder his own, and nobody else.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Connections {
  /** A request's headers are whole. */
  asked(socket: Duplex): void;
  /** What is asked and answered on a counted connection is asked and answered there from now on. */
  secured(raw: Socket, secured: Socket): void;
  /** Ends those that never asked anything: browsers open them ahead. */
  endSilent(): void;
  endAll(): void;
}

/** Between making room and closing at once: room is made by connections that are already counted. */
const slack = 64;

export function connectionsOf(server: Server, most: number, isDue: (socket: Duplex) => boolean): Connections {
  /** By address; in each, the one that asked longest ago first. */
  const byAddress = new Map<string, Set<Duplex>>();
  const addresses = new WeakMap<Duplex, string>();
  const silent = new Set<Duplex>();
  /** Both ways between a counted connection and the TLS on it. */
  const raws = new WeakMap<Duplex, Duplex>();
  const secures = new WeakMap<Duplex, Duplex>();
  let count = 0;
  server.maxConnections = most + slack;

  const heaviest = (): Iterable<Duplex> => {
    let found: ReadonlySet<Duplex> = new Set();
    for (const sockets of byAddress.values()) if (sockets.size > found.size) found = sockets;
    return found;
  };

  server.on('connection', (socket: Socket) => {
    const address = socket.remoteAddress ?? '';
    const own = byAddress.get(address) ?? new Set();
    byAddress.set(address, own.add(socket));
    addresses.set(socket, address);
    silent.add(socket);
    count += 1;
    socket.once('close', () => {
      count -= 1;
      silent.delete(socket);
      own.delete(socket);
      if (own.size === 0) byAddress.delete(address);
    });
    if (count <= most) return;
    for (const each of heaviest()) {
      if (isDue(secures.get(each) ?? each)) continue;
      each.destroy();
      return;
    }
    socket.destroy();
  });

  return {
    asked: (asking) => {
      const socket = raws.get(asking) ?? asking;
      silent.delete(socket);
      const own = byAddress.get(addresses.get(socket) ?? '');
      if (own?.delete(socket) === true) own.add(socket);
    },
    secured: (raw, secured) => {
      raws.set(secured, raw);
      secures.set(raw, secured);
    },
    endSilent: () => {
      for (const socket of silent) socket.destroy();
    },
    endAll: () => {
      for (const sockets of byAddress.values()) for (const socket of sockets) socket.destroy();
    },
  };
}
