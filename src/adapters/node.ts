/**
 * The adapter for `node:http`: makes an `Incoming` of a request and writes an `Answer` down. What the server itself
 * runs on; other adapters do the same over the same handler.
 *
 * Requests of one connection are answered one after the other, as they came (RFC 9112 section 9.3.2): none is begun
 * while the one before it is under way, and none after an answer that closes the connection.
 */
import { type IncomingMessage, ServerResponse } from 'node:http';
import { Socket } from 'node:net';
import type { Duplex } from 'node:stream';
import { TLSSocket } from 'node:tls';
import type { Answer, Written } from '../http/answer.ts';
import type { Handler } from '../http/handler.ts';
import { asksFirst } from '../http/expectation.ts';
import { endAfterRequest, stopLingering } from '../http/linger.ts';
import type { Joining, Passing } from '../http/proxy/upstream.ts';
import { asksForSocket } from '../http/proxy/tunnel.ts';
import type { Door, Incoming } from '../request/incoming.ts';

export interface NodeAdapter {
  readonly door: Door;
  /** `local`: a unix socket, whose peers have no address. On a network a peer without one is gone already. */
  readonly peers: 'network' | 'local';
  readonly handle: Handler;
  /** Passes an admitted request on to the application, or joins a WebSocket to it. */
  readonly forward: Forwarder;
  /** Answer when the adapter itself fails. */
  readonly failed: (fault: unknown) => Written;
}

export interface Forwarder {
  pass(passing: Omit<Passing, 'refuse'>, incoming: Incoming): void;
  join(joining: Omit<Joining, 'refuse'>, incoming: Incoming): void;
}

/** For the events of a `node:http` server of the same names. */
export interface NodeListeners {
  /** Also for `checkContinue` and `checkExpectation`: a body is asked for when somebody reads it. */
  readonly request: (message: IncomingMessage, response: ServerResponse) => void;
  /** Also for `connect`, whose requests are only answered. */
  readonly upgrade: (message: IncomingMessage, socket: Duplex, head: Buffer) => void;
  /** For the server's option of that name: only WebSockets are upgrades. */
  readonly shouldUpgradeCallback: (message: IncomingMessage) => boolean;
  /**
   * For `clientError`: what came is no HTTP. `free`: no answer is due on the connection, so one may be written to it.
   * Otherwise it would be taken for the answer that is due, and this has been dealt with: when it was that request's own
   * body that broke, with the refusal; else by ending the connection once what is due has been answered.
   */
  readonly malformed: (socket: Duplex, refusal: Written) => 'free' | 'dealt-with';
  /** Whether an answer is due on a connection. */
  readonly isDue: (socket: Duplex) => boolean;
}

/** A connection with an answer under way that the next has to wait for. */
interface Line {
  busy: boolean;
  current: ServerResponse;
  readonly waiting: (() => void)[];
}

/** How long an answer of ours may lie there without a byte of it being taken. */
const unreadMs = 10_000;

/** As much as goes out at once over TLS. */
const pieceBytes = 16_384;

/** With so many waiting nothing more is read from the connection. */
const mostWaiting = 16;
/** What one read may bring beyond that; a connection that brings more is closed once what waits is answered. */
const mostQueued = 1024;

/** What a request came with when it asks for a WebSocket. */
type Upgrade = Pick<Joining, 'socket' | 'head'> | undefined;

/** Nothing thrown on the way leaves these functions: one request must not end the process for all others. */
export function nodeListeners(adapter: NodeAdapter): NodeListeners {
  const lines = new WeakMap<Duplex, Line>();
  /** The last answer begun or due on a connection. */
  const latest = new WeakMap<Duplex, ServerResponse>();
  /** Connections on which nothing more is begun. */
  const ended = new WeakSet<Duplex>();

  const settle = (
    answer: Answer,
    incoming: Incoming,
    passing: Omit<Passing, 'refuse' | 'answer'>,
    upgrade: Upgrade,
  ): void => {
    const { message, response } = passing;
    if (response.headersSent || response.destroyed) return;
    if (answer.kind === 'written') {
      write(response, answer);
      return;
    }
    // How long an exchange with the application may be silent is judged where it is passed on.
    if (message.socket.timeout) message.socket.setTimeout(0);
    if (upgrade === undefined) adapter.forward.pass({ ...passing, answer }, incoming);
    else adapter.forward.join({ ...passing, ...upgrade, answer }, incoming);
  };

  const fail = (response: ServerResponse, fault: unknown): void => {
    const answer = adapter.failed(fault);
    if (response.headersSent || response.destroyed) response.destroy();
    else write(response, answer);
  };

  const begin = (message: IncomingMessage, response: ServerResponse, upgrade: Upgrade): void => {
    const { socket } = message;
    const peer = adapter.peers === 'local' ? '' : socket.remoteAddress;
    if (isOver(socket) || peer === undefined) {
      socket.destroy();
      return;
    }
    const incoming: Incoming = {
      door: adapter.door,
      method: message.method ?? 'GET',
      target: message.url ?? '/',
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      peer,
      transport: socket instanceof TLSSocket ? 'tls' : 'plain',
      body: new RequestBody(message, response),
    };
    const passing = { message, response };
    try {
      const answer = adapter.handle(incoming);
      if (answer instanceof Promise) {
        occupy(socket, response);
        answer
          .then((settled) => settle(settled, incoming, passing, upgrade))
          .catch((fault: unknown) => fail(response, fault));
        return;
      }
      if (answer.kind === 'forward' || closes(response, answer)) occupy(socket, response);
      settle(answer, incoming, passing, upgrade);
    } catch (fault) {
      fail(response, fault);
    }
  };

  /** Until the answer is over, those behind it wait. */
  const occupy = (socket: Socket, response: ServerResponse): void => {
    const line = lines.get(socket) ?? { busy: true, current: response, waiting: [] };
    Object.assign(line, { busy: true, current: response });
    lines.set(socket, line);
    response.once('close', () => {
      line.busy = false;
      while (!line.busy && !isOver(socket)) {
        const next = line.waiting.shift();
        if (next === undefined) break;
        next();
      }
      if (!line.busy) {
        lines.delete(socket);
        if (ended.has(socket)) endAfterAnswers(socket);
      }
      if (socket.isPaused() && line.waiting.length < mostWaiting) socket.resume();
    });
  };

  const isDue = (socket: Duplex): boolean => latest.get(socket)?.destroyed === false;

  const endAfterAnswers = (socket: Duplex): void => {
    ended.add(socket);
    const last = latest.get(socket);
    const end = (): void => void (socket instanceof Socket ? socket.destroySoon() : socket.destroy());
    if (last === undefined || last.destroyed) end();
    else last.once('close', end);
  };

  return {
    request: (message, response) => {
      const { socket } = message;
      if (ended.has(socket)) return;
      const line = lines.get(socket);
      if (line !== undefined && line.waiting.length >= mostQueued) {
        ended.add(socket);
        return;
      }
      latest.set(socket, response);
      if (message.headers.upgrade !== undefined) {
        // What was sent behind a switch that does not happen may be gone, and its rest would be read as a request.
        response.shouldKeepAlive = false;
        ended.add(socket);
      }
      if (line === undefined) {
        begin(message, response, undefined);
        return;
      }
      const full = line.waiting.push(() => begin(message, response, undefined)) >= mostWaiting;
      // After the parser is done with what was read: until then it goes on reading by itself.
      if (full) process.nextTick(() => line.waiting.length >= mostWaiting && socket.pause());
    },
    upgrade: (message, socket, head) => {
      socket.on('error', () => undefined);
      // Behind an answer that is due there is no place for another.
      if (isDue(socket) || ended.has(socket)) {
        socket.destroy();
        return;
      }
      ended.add(socket);
      try {
        const response = new ServerResponse(message);
        response.shouldKeepAlive = false;
        response.assignSocket(message.socket);
        response.once('finish', () => message.socket.destroySoon());
        latest.set(socket, response);
        begin(message, response, { socket, head });
      } catch {
        socket.destroy();
      }
    },
    shouldUpgradeCallback: (message) => asksForSocket(message) === 'socket' && !isDue(message.socket),
    malformed: (socket, refusal) => {
      if (!isDue(socket)) return ended.has(socket) ? 'dealt-with' : 'free';
      const line = lines.get(socket);
      const own = line?.busy === true && line.waiting.length === 0 && bodyLeft(line.current.req) === 'unread';
      if (own && !line.current.headersSent) write(line.current, refusal);
      // What was to be read to its end has none.
      if (stopLingering(socket) === 'not-lingering' && !ended.has(socket)) endAfterAnswers(socket);
      return 'dealt-with';
    },
    isDue,
  };
}

/** An answer that closes the connection has gone out, or nobody is there any more. */
function isOver(socket: Socket): boolean {
  return socket.destroyed || socket.writableEnded;
}

/** Whoever reads the body asks for it; until then a client that waits to be asked sends none. */
class RequestBody implements AsyncIterable<Uint8Array> {
  readonly #message: IncomingMessage;
  readonly #response: ServerResponse;

  constructor(message: IncomingMessage, response: ServerResponse) {
    this.#message = message;
    this.#response = response;
  }

  [Symbol.asyncIterator](): AsyncIterator<Uint8Array> {
    if (asksFirst(this.#message)) this.#response.writeContinue();
    // What is left unread is the connection's affair, not the reader's.
    return this.#message.iterator({ destroyOnReturn: false });
  }
}

/**
 * An empty body says so: proxies keep the connection only when they know where an answer ends. When the request's own
 * body was not read to its end, nobody waits for the rest: the connection is closed.
 */
export function write(response: ServerResponse, answer: Written): void {
  const { status, reason, headers, body } = answer;
  const closing = closes(response, answer);
  const length =
    body === null ? [] : ['content-length', String(typeof body === 'string' ? Buffer.byteLength(body) : body.length)];
  if (reason !== undefined) response.statusMessage = reason;
  // Node does not change the list it is given.
  response.writeHead(
    status,
    body === null && !closing
      ? (headers as string[])
      : [...headers, ...length, ...(closing ? ['connection', 'close'] : [])],
  );
  if (bodyLeft(response.req) === 'none') {
    if (body !== null && body.length > pieceBytes && response.req.socket instanceof TLSSocket)
      endInPieces(response, Buffer.from(body));
    else response.end(body);
    // Whoever does not read what was asked for is waited for, but not for ever.
    if (response.writableLength > 0) response.req.socket.setTimeout(unreadMs);
    return;
  }
  if (body === null) response.flushHeaders();
  else response.write(body);
  endAfterRequest(response);
}

/** TLS tells of a write once all of it was taken: in pieces, so that whoever reads slowly is seen to read. */
function endInPieces(response: ServerResponse, body: Buffer): void {
  const piece = body.subarray(0, pieceBytes);
  if (piece.length === body.length) response.end(piece);
  else response.write(piece, (fault) => fault ?? endInPieces(response, body.subarray(pieceBytes)));
}

function closes(response: ServerResponse, answer: Written): boolean {
  return answer.close === true || bodyLeft(response.req) === 'unread' || !response.shouldKeepAlive;
}

/** By its headers: a request without a body is not complete either while it is being answered at once. */
function bodyLeft({ complete, headers }: IncomingMessage): 'unread' | 'none' {
  if (complete) return 'none';
  const length = headers['content-length'];
  return headers['transfer-encoding'] === undefined && (length === undefined || Number(length) === 0)
    ? 'none'
    : 'unread';
}
