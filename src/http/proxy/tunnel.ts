/**
 * WebSockets (RFC 6455): which requests ask for one, and two sockets joined once the application agreed. Nothing but a
 * WebSocket is ever switched to: another protocol behind a kept connection (h2c) would carry requests past the guard.
 */
import type { IncomingMessage } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';

/** A handshake as RFC 6455 section 4.1 has it; anything else that names an upgrade is a plain request. */
export function asksForSocket({ method, httpVersion, headers }: IncomingMessage): 'socket' | 'plain' {
  const handshake =
    method === 'GET' &&
    httpVersion === '1.1' &&
    headers.upgrade?.toLowerCase() === 'websocket' &&
    headers['sec-websocket-version'] === '13' &&
    /^[A-Za-z0-9+/]{22}==$/.test(headers['sec-websocket-key'] ?? '') &&
    headers['transfer-encoding'] === undefined &&
    Number(headers['content-length'] ?? 0) === 0;
  return handshake ? 'socket' : 'plain';
}

export const switchingHeaders: readonly string[] = ['Connection', 'Upgrade', 'Upgrade', 'websocket'];

/** Whether the application switched to what it was asked for. */
export function switching({ headers }: IncomingMessage): 'socket' | 'elsewhere' {
  return headers.upgrade?.toLowerCase() === 'websocket' ? 'socket' : 'elsewhere';
}

interface Side {
  readonly socket: Duplex;
  /** What came with or behind the handshake. */
  readonly head: Buffer;
}

/** After one side has ended, the other has so long to say the rest. */
const farewellMs = 5000;
const keepAliveMs = 30_000;

/** Answers the handshake and joins the two; the result cuts both. */
export function joinSockets(sides: {
  readonly client: Side;
  readonly application: Side;
  /** Header names and values of the application's 101, in turn. */
  readonly welcome: readonly string[];
}): () => void {
  const { client, application, welcome } = sides;
  const lines = ['HTTP/1.1 101 Switching Protocols'];
  const headers = [...switchingHeaders, ...welcome];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  client.socket.write(`${lines.join('\r\n')}\r\n\r\n`, 'latin1');

  const cut = (): void => {
    client.socket.destroy();
    application.socket.destroy();
  };
  for (const [here, there] of [
    [client, application],
    [application, client],
  ] as const) {
    const { socket } = here;
    if (socket instanceof Socket) socket.setNoDelay(true).setKeepAlive(true, keepAliveMs);
    socket.on('error', () => undefined);
    let farewell: NodeJS.Timeout | undefined;
    socket.once('end', () => (farewell = setTimeout(cut, farewellMs)));
    socket.once('close', () => {
      clearTimeout(farewell);
      // What is on its way to the other side still gets there.
      if (there.socket instanceof Socket) there.socket.destroySoon();
      else there.socket.destroy();
    });
    if (here.head.length > 0) there.socket.write(here.head);
    socket.pipe(there.socket);
  }
  return cut;
}
