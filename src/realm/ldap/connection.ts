/**
 * One connection to a directory, for one piece of work (RFC 4511). Whoever answers must prove who he is before anything is
 * said to him, or is on this machine. It is never made anew under the same client: what was bound, and TLS that was asked for,
 * would be gone and nobody told. Waiting, and what an answer may weigh, have an end.
 */
import { connect as connectPlain, type Socket } from 'node:net';
import { connect as connectTls, type TLSSocket } from 'node:tls';
import type { Client } from 'ldapts';
import type { LdapPlace } from '../../config/ldap/place.ts';
import { ldapUrl } from '../../config/ldap/place.ts';
import { type OutwardTls, towards } from '../../crypto/certificates/outward.ts';
import { messageReader } from './messages.ts';

/** Nobody knows what the directory would have said. Its message is for the log: a few words of ours. */
export class DirectoryAway extends Error {}

/** Bytes of one answer: an entry, as a rule. */
const mostInMessage = 1_048_576;

export interface ConnectionParts {
  readonly place: LdapPlace;
  /** Null where it is spoken to in the clear, on this machine. */
  readonly tls: OutwardTls | null;
  /** Longest wait for a connection, for TLS, and for each answer. */
  readonly timeoutMs: number;
}

export interface Connection {
  /** Whatever is asked through the client. Throws what the client throws for an answer that is no success, or `DirectoryAway`. */
  ask<T>(asking: (client: Client) => Promise<T>): Promise<T>;
  close(): void;
}

export async function connectTo(
  { place, tls, timeoutMs }: ConnectionParts,
  limits: {
    /** Bytes that it may send in all. */ readonly most: number;
    /** For all of the work. */ readonly inAllMs: number;
  },
): Promise<Connection> {
  const { Client } = await import('ldapts');
  const sockets = new Set<Socket>();
  const broken = Promise.withResolvers<never>();
  // Whoever asks nothing meanwhile is told by the next question.
  broken.promise.catch(() => undefined);
  const drop = (why: string): void => {
    broken.reject(new DirectoryAway(why));
    for (const socket of sockets) socket.destroy();
  };
  let heard = 0;
  /** Before TLS and in it alike: the client hears whole messages, and nothing of what comes before in half. */
  const watched = <Kind extends Socket>(socket: Kind): Kind => {
    sockets.add(socket);
    socket.on('close', () => drop('it closed the connection'));
    const read = messageReader(mostInMessage);
    const emit = socket.emit.bind(socket) as (event: string | symbol, ...given: unknown[]) => boolean;
    const emitMessages = (bytes: Buffer): void => {
      heard += bytes.length;
      if (heard > limits.most) return drop('its answer is too large');
      const some = read(bytes);
      if (some.kind === 'unreadable') return drop('its answer could not be read');
      try {
        for (const message of some.all) emit('data', message);
      } catch {
        drop('its answer could not be read');
      }
    };
    socket.emit = (event: string | symbol, ...given: unknown[]): boolean => {
      if (event !== 'data') return emit(event, ...given);
      emitMessages(given[0] as Buffer);
      return true;
    };
    return socket;
  };
  let connected = 'not-yet' as 'not-yet' | 'once';
  const once = (): void => {
    if (connected === 'once') throw new DirectoryAway('it closed the connection');
    connected = 'once';
  };
  const secure = tls === null ? null : { ...towards(place.host, tls), host: place.host };
  const client = new Client({
    url: ldapUrl.format(place),
    timeout: timeoutMs,
    connectTimeout: timeoutMs,
    ...(place.scheme === 'ldaps' && secure !== null ? { tlsOptions: secure } : {}),
    createConnection: ((port: number, host: string): Socket => {
      once();
      return watched(connectPlain({ port, host }));
    }) as typeof connectPlain,
    createSecureConnection: ((...given: Parameters<typeof connectTls>): TLSSocket => {
      // After `StartTLS` it is the same connection.
      if (place.scheme === 'ldaps') once();
      return watched(connectTls(...given));
    }) as typeof connectTls,
  });
  const ending = setTimeout(() => drop('it took too long'), limits.inAllMs);
  const connection: Connection = {
    ask: async (asking) => {
      try {
        return await Promise.race([asking(client), broken.promise]);
      } catch (fault) {
        throw codeOf(fault) === undefined ? awayBy(fault) : fault;
      }
    },
    close: () => {
      clearTimeout(ending);
      const gone = (): void => drop('the connection was closed');
      // It says good-bye where it can; the sockets end in any case.
      const lingering = setTimeout(gone, 1000);
      lingering.unref();
      void client
        .unbind()
        .catch(() => undefined)
        .finally(() => {
          clearTimeout(lingering);
          gone();
        });
    },
  };
  if (place.scheme === 'ldap' && secure !== null)
    try {
      await withTimeout(
        connection.ask((asked) => asked.startTLS(secure)),
        timeoutMs,
        drop,
      );
    } catch (fault) {
      connection.close();
      // An answer in the clear: whatever it says, there is no TLS.
      throw fault instanceof DirectoryAway ? fault : new DirectoryAway('it does without TLS');
    }
  return connection;
}

async function withTimeout<T>(work: Promise<T>, ms: number, drop: (why: string) => void): Promise<T> {
  // A handshake that never ends tells nobody. Connection and answer before it have the same time each.
  const timer = setTimeout(() => drop('it took too long'), ms * 3);
  try {
    return await work;
  } finally {
    clearTimeout(timer);
  }
}

/** The result code of an answer that is no success (RFC 4511 appendix A); none where there was no answer. */
export function codeOf(fault: unknown): number | undefined {
  const code = fault instanceof Error && 'code' in fault ? fault.code : undefined;
  return typeof code === 'number' ? code : undefined;
}

function awayBy(fault: unknown): DirectoryAway {
  if (fault instanceof DirectoryAway) return fault;
  const { message, code } =
    fault instanceof Error ? (fault as NodeJS.ErrnoException) : { message: '', code: undefined };
  if (/tim(?:ed ?out|eout)/i.test(message)) return new DirectoryAway('it took too long');
  // What TLS itself says of a server that is not proven.
  if (/certificate|altnames|unable to (?:get|verify)|self-signed/i.test(message))
    return new DirectoryAway(`its certificate is not accepted${code === undefined ? '' : ` (${code})`}`);
  return new DirectoryAway(code === undefined ? 'its answer could not be read' : `it cannot be reached (${code})`);
}
