/**
 * The server: a user of the library like any other. Listeners, their time and size limits, and a stop that finishes
 * what was begun (2-http-api, 1).
 */
import { chmodSync, lstatSync, unlinkSync } from 'node:fs';
import { createServer, type IncomingMessage, type Server, type ServerResponse, STATUS_CODES } from 'node:http';
import { type AddressInfo, connect } from 'node:net';
import type { Duplex } from 'node:stream';
import { type Connections, connectionsOf } from './adapters/connections.ts';
import { nodeListeners, write } from './adapters/node.ts';
import type { Listener } from './config/network-place.ts';
import { type ErrorCode, refuse } from './errors.ts';
import { problem, type Written } from './http/answer.ts';
import { newName, systemRandom } from './crypto/random.ts';
import type { Log } from './record/recorder.ts';
import { secureConnections } from './server/secure-connections.ts';
import { systemClock } from './setup.ts';
import type { Door } from './request/incoming.ts';
import type { NodeAdapter } from './adapters/node.ts';
import type { Serving } from './tls/contract.ts';

/** Longest a request's headers may take to arrive, and a handshake before them. */
const headersMs = 10_000;
/** Idle connections; longer than common proxies keep theirs, so that they close first. */
const idleMs = 75_000;
const mostHeaderBytes = 16_384;
const stopMs = 10_000;

export type Opening =
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'open'; readonly server: OpenServer };

export interface OpenServer {
  /** `host:port`, or the socket's path. */
  readonly at: Listener;
  /** Requests are answered 503 until this is called. */
  serve(adapter: Omit<NodeAdapter, 'door' | 'peers'>): void;
  /** What is to be served has changed: new connections get it, and those that are open go on. */
  secure(): void;
  /** No new connections; running requests finish, within a bound. */
  stop(): Promise<void>;
}

export interface Opened {
  readonly door: Door;
  readonly listener: Listener;
  /** What the listener speaks now; a unix socket's is always plain. */
  readonly serving: () => Serving;
  /** Connections held at once. */
  readonly mostConnections: number;
  readonly log: Log;
  /** For tests that wait for its end. */
  readonly handshakeMs?: number;
}

export async function openServer(opened: Opened): Promise<Opening> {
  const { door, listener, serving, mostConnections, log, handshakeMs = headersMs } = opened;
  const entrance = { door, peers: listener.kind === 'unix' ? 'local' : 'network' } as const;
  let listeners = nodeListeners({ ...notReady(), ...entrance });
  const server = createServer({
    maxHeaderSize: mostHeaderBytes,
    headersTimeout: headersMs,
    // Uploads to the application may take their time; our own routes set a limit where they read (`http/body.ts`).
    requestTimeout: 0,
    keepAliveTimeout: idleMs,
    connectionsCheckingInterval: 1000,
    // A missing Host gets an answer of ours.
    requireHostHeader: false,
    shouldUpgradeCallback: (message) => listeners.shouldUpgradeCallback(message),
  });
  // Counted where requests are judged: Node would leave out what is over its bound, and say nothing.
  server.maxHeadersCount = 0;
  const secure =
    listener.kind === 'unix'
      ? () => undefined
      : secureConnections({
          server,
          serving,
          handshakeMs,
          onSecured: (raw, secured) => connections.secured(raw, secured),
          log,
        });
  const connections = connectionsOf(server, mostConnections, (socket) => listeners.isDue(socket));
  secure();
  const request = (message: IncomingMessage, response: ServerResponse): void => {
    connections.asked(message.socket);
    listeners.request(message, response);
  };
  const upgrade = (message: IncomingMessage, socket: Duplex, head: Buffer): void => {
    connections.asked(socket);
    listeners.upgrade(message, socket, head);
  };
  server.on('request', request);
  server.on('checkContinue', request);
  server.on('checkExpectation', request);
  server.on('upgrade', upgrade);
  server.on('connect', upgrade);
  server.on('clientError', (fault: NodeJS.ErrnoException, socket) => {
    if (fault.code === 'ECONNRESET' || !socket.writable) {
      socket.destroy();
      return;
    }
    const refusal = refusalOf(fault);
    if (listeners.malformed(socket, refusal) === 'free') writeRefusal(refusal, socket);
  });
  const refused = await listen(server, listener);
  if (refused !== undefined) return { kind: 'refused', why: refused };
  server.on('error', (fault) => log.error({ err: fault }, 'listener failed'));
  const bound = server.address();
  return {
    kind: 'open',
    server: {
      at: listener.kind === 'tcp' ? { ...listener, port: (bound as AddressInfo).port } : listener,
      serve: (adapter) => {
        listeners = nodeListeners({ ...adapter, ...entrance });
      },
      secure,
      stop: () => stop(server, connections),
    },
  };
}

/** What an adapter answers when it has nothing to answer with. */
export function failedAnswer(log: Log): (fault: unknown) => Written {
  return (fault) => {
    const requestId = newName(systemRandom);
    log.error({ err: fault, request: requestId }, 'request failed');
    return problem(refuse('internal'), { requestId });
  };
}

function notReady(): Omit<NodeAdapter, 'door' | 'peers'> {
  const answer = (): Written =>
    problem(refuse('unavailable', { retryAfterSeconds: 1 }), { requestId: newName(systemRandom) });
  return {
    handle: answer,
    forward: {
      pass: ({ response }) => write(response, answer()),
      join: ({ response }) => write(response, answer()),
    },
    failed: answer,
  };
}

/** Requests that cannot be parsed have an answer in our form, too. */
function refusalOf(fault: NodeJS.ErrnoException): Written {
  const codes: Readonly<Record<string, ErrorCode>> = {
    HPE_HEADER_OVERFLOW: 'headers_too_large',
    ERR_HTTP_REQUEST_TIMEOUT: 'request_timeout',
  };
  return problem(refuse(codes[fault.code ?? ''] ?? 'invalid_request'), { requestId: newName(systemRandom) });
}

/** Where there is no request there is no response object: the lines as they are, and the connection is closed. */
function writeRefusal({ status, headers, body }: Written, socket: Duplex): void {
  const text = String(body);
  const lines = [`HTTP/1.1 ${status} ${STATUS_CODES[status]}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`content-length: ${Buffer.byteLength(text)}`, 'connection: close', '', text);
  socket.end(lines.join('\r\n'), () => socket.destroy());
}

async function listen(server: Server, listener: Listener): Promise<string | undefined> {
  if (listener.kind === 'unix' && (await socketStanding(listener.path)) === 'dead') unlinkSync(listener.path);
  return new Promise((resolve) => {
    server.once('error', (fault: NodeJS.ErrnoException) =>
      resolve(`Cannot listen on ${placeText(listener)}: ${reasonOf(fault)}`),
    );
    const listening = (): void => {
      if (listener.kind === 'unix') chmodSync(listener.path, 0o600);
      server.removeAllListeners('error');
      resolve(undefined);
    };
    if (listener.kind === 'unix') server.listen(listener.path, listening);
    else server.listen({ host: listener.host, port: listener.port }, listening);
  });
}

/** A socket file that a crash left behind refuses connections; only such a one is taken over. */
async function socketStanding(path: string): Promise<'alive' | 'dead' | 'no-socket'> {
  // A plain file refuses connections, too, and is somebody's.
  if (lstatSync(path, { throwIfNoEntry: false })?.isSocket() !== true) return 'no-socket';
  return new Promise((resolve) => {
    const attempt = connect(path);
    attempt.once('connect', () => {
      attempt.destroy();
      resolve('alive');
    });
    attempt.once('error', (fault: NodeJS.ErrnoException) => resolve(fault.code === 'ECONNREFUSED' ? 'dead' : 'alive'));
  });
}

async function stop(server: Server, connections: Connections): Promise<void> {
  const closed = new Promise<void>((resolve) => server.close(() => resolve()));
  server.closeIdleConnections();
  connections.endSilent();
  const began = systemClock.monotonic();
  const idle = setInterval(() => {
    server.closeIdleConnections();
    if (systemClock.monotonic() - began >= stopMs) connections.endAll();
  }, 100);
  await closed;
  clearInterval(idle);
}

function placeText(listener: Listener): string {
  if (listener.kind === 'unix') return `unix:${listener.path}`;
  return `${listener.host.includes(':') ? `[${listener.host}]` : listener.host}:${listener.port}`;
}

function reasonOf(fault: NodeJS.ErrnoException): string {
  const known: Readonly<Record<string, string>> = {
    EADDRINUSE: 'something else listens there already.',
    EACCES: 'this user may not.',
    EADDRNOTAVAIL: 'this machine has no such address.',
  };
  return known[fault.code ?? ''] ?? fault.message;
}
