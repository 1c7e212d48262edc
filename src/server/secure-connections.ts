/**
 * One listener, two languages. While it speaks TLS each new connection is looked at by its first byte: a handshake is
 * taken up, anything else is read as HTTP in the clear, which `arrive` refuses by name. Either way the connection goes to
 * the one HTTP server, whose limits, times and stop hold for both. What is spoken may change while the port stays open:
 * it counts for new connections, and those that are open go on.
 */
import type { Server } from 'node:http';
import type { Socket } from 'node:net';
import { createServer, type Server as TlsServer } from 'node:tls';
import { contextOptions } from '../crypto/certificates/server-options.ts';
import type { CertificatePair } from '../crypto/certificates/pair.ts';
import type { Log } from '../record/recorder.ts';
import type { Serving } from '../tls/contract.ts';

export interface Securing {
  readonly server: Server;
  /** Asked for each new connection. */
  readonly serving: () => Serving;
  /** From the connection to the end of its handshake. */
  readonly handshakeMs: number;
  /** A handshake is done: what was `raw` is read and written as `secured` from now on. */
  readonly onSecured: (raw: Socket, secured: Socket) => void;
  readonly log: Log;
}

/** Content type of a TLS record that carries a handshake. No HTTP method begins like that. */
const handshakeRecord = 0x16;

interface Shaking {
  readonly raw: Socket;
  readonly deadline: NodeJS.Timeout;
}

/** Call the result when what is served has changed, and once before listening. */
export function secureConnections(parts: Securing): () => void {
  const { server, serving, handshakeMs, onSecured, log } = parts;
  const [http] = server.listeners('connection');
  server.removeAllListeners('connection');
  const speak = (socket: Socket): void => void http?.call(server, socket);
  /** By both ends: the connection that a handshake was done on is not named by what it became. */
  const shaking = new Map<string, Shaking>();
  let secure: TlsServer | undefined;
  let served: CertificatePair | undefined;

  const take = (socket: Socket): void => {
    const deadline = setTimeout(() => socket.destroy(), handshakeMs);
    const drop = (): void => void socket.destroy();
    socket.once('close', () => clearTimeout(deadline));
    socket.on('error', drop);
    socket.once('end', drop);
    const look = (): void => {
      const first = socket.read(1) as Buffer | null;
      if (first === null) return;
      socket.off('readable', look);
      socket.unshift(first);
      if (first[0] === handshakeRecord) {
        shake({ raw: socket, deadline });
        return;
      }
      clearTimeout(deadline);
      socket.off('error', drop);
      socket.off('end', drop);
      speak(socket);
    };
    socket.on('readable', look);
  };

  const shake = (begun: Shaking): void => {
    const { raw } = begun;
    const ends = endsOf(raw);
    shaking.set(ends, begun);
    raw.once('close', () => {
      if (shaking.get(ends) === begun) shaking.delete(ends);
    });
    // Without a pair there is nothing to shake hands with, and plain HTTP instead is not an answer.
    if (secure === undefined) raw.destroy();
    else secure.emit('connection', raw);
  };

  const open = (pair: CertificatePair): TlsServer => {
    const made = createServer({
      ...contextOptions(pair),
      ALPNProtocols: ['http/1.1'],
      handshakeTimeout: handshakeMs,
    });
    made.on('secureConnection', (socket) => {
      const done = shaking.get(endsOf(socket));
      // Gone already.
      if (done === undefined) {
        socket.destroy();
        return;
      }
      shaking.delete(endsOf(done.raw));
      clearTimeout(done.deadline);
      onSecured(done.raw, socket);
      speak(socket);
    });
    // Whatever scans the network fails at it: nobody is told.
    made.on('tlsClientError', (_fault, socket) => void socket.destroy());
    return made;
  };

  server.on('connection', (socket: Socket) => {
    if (serving().kind === 'plain') speak(socket);
    else take(socket);
  });

  return () => {
    const now = serving();
    if (now.kind === 'plain' || now.proven.pair === served) return;
    const { pair } = now.proven;
    try {
      // A new context has new keys for tickets: no session that began with another certificate is taken up again.
      if (secure === undefined) secure = open(pair);
      else secure.setSecureContext(contextOptions(pair));
      served = pair;
    } catch (fault) {
      log.error({ err: fault }, 'certificate not taken; the one before it is served');
    }
  };
}

function endsOf({ remoteAddress, remotePort, localAddress, localPort }: Socket): string {
  return `${remoteAddress} ${remotePort} ${localAddress} ${localPort}`;
}
