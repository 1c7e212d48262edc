/** One connection held open, byte by byte: for WebSockets, slow clients and what no client library would send. */
import { connect, type Socket } from 'node:net';

export interface RawConnection {
  readonly socket: Socket;
  /** All that came so far, as latin1. */
  readonly text: () => string;
  readonly send: (bytes: string | Uint8Array) => void;
  /** Resolves when what came matches; rejects when the connection ends first or nothing matches in time. */
  readonly until: (pattern: RegExp, ms?: number) => Promise<string>;
  /** Milliseconds until the other side closed; rejects when it stays open for longer. */
  readonly closed: (ms?: number) => Promise<number>;
}

export function rawConnection(port: number, from?: string): RawConnection {
  const socket = connect({ port, host: '127.0.0.1', ...(from === undefined ? {} : { localAddress: from }) });
  let text = '';
  const changed = new Set<() => void>();
  const tell = (): void => {
    for (const each of changed) each();
  };
  let isClosed = false;
  socket.setEncoding('latin1');
  socket.on('data', (part: string) => {
    text += part;
    tell();
  });
  socket.on('error', () => undefined);
  socket.on('close', () => {
    isClosed = true;
    tell();
  });
  const wait = <T>(ms: number, what: string, look: () => T | undefined): Promise<T> =>
    new Promise((resolve, reject) => {
      const stop = (): void => {
        clearTimeout(timer);
        changed.delete(check);
      };
      const check = (): void => {
        const found = look();
        if (found === undefined && !(isClosed && what !== 'close')) return;
        stop();
        if (found === undefined)
          reject(new Error(`The connection ended before ${what}; it had: ${text.slice(0, 2000)}`));
        else resolve(found);
      };
      const timer = setTimeout(() => {
        stop();
        reject(new Error(`No ${what} within ${ms} ms; it had: ${text.slice(0, 2000)}`));
      }, ms);
      changed.add(check);
      check();
    });
  return {
    socket,
    text: () => text,
    send: (bytes) => void socket.write(bytes),
    until: (pattern, ms = 5000) => wait(ms, String(pattern), () => pattern.exec(text)?.[0]),
    closed: (ms = 10_000) => {
      const began = performance.now();
      return wait(ms, 'close', () => (isClosed ? performance.now() - began : undefined));
    },
  };
}

/** A WebSocket handshake as browsers send it. */
export function handshake(
  host: string,
  path: string,
  headers: Readonly<Record<string, string>> = {},
  without: readonly string[] = [],
): string {
  const all: Record<string, string> = {
    Host: host,
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Version': '13',
    'Sec-WebSocket-Key': 'dGhlIHNhbXBsZSBub25jZQ==',
    ...headers,
  };
  const lines = Object.entries(all)
    .filter(([name]) => !without.includes(name))
    .map(([name, value]) => `${name}: ${value}`);
  return `GET ${path} HTTP/1.1\r\n${lines.join('\r\n')}\r\n\r\n`;
}
