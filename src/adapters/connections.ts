/**
 * The connections of one listener: how many there may be, and which give way. Whoever only holds a connection, without a
 * whole request on it, makes room for those who ask (security: many idle or slow connections shut nobody out).
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

export interface Connections {
  /** A request's headers are whole. */
  asked(socket: Duplex): void;
  /** Ends those that never asked anything: browsers open them ahead. */
  endSilent(): void;
  endAll(): void;
}

/** From this share of the most on, room is made. */
const crowded = 0.9;

export function connectionsOf(server: Server, most: number): Connections {
  const all = new Set<Socket>();
  /** Oldest first. */
  const silent = new Set<Duplex>();
  // The system's queue is not the place where people wait: what comes beyond is closed at once.
  server.maxConnections = most;
  server.on('connection', (socket: Socket) => {
    all.add(socket);
    silent.add(socket);
    socket.once('close', () => {
      all.delete(socket);
      silent.delete(socket);
    });
    if (all.size < most * crowded) return;
    server.closeIdleConnections();
    const [oldest] = silent;
    if (oldest !== undefined && oldest !== socket) oldest.destroy();
  });
  return {
    asked: (socket) => void silent.delete(socket),
    endSilent: () => {
      for (const socket of silent) socket.destroy();
    },
    endAll: () => {
      for (const socket of all) socket.destroy();
    },
  };
}
