/**
 * The adapter for `node:http`: makes an `Incoming` of a request and writes an `Answer` down. What the server itself
 * runs on; other adapters do the same over the same handler.
 */
import type { IncomingMessage, RequestListener, ServerResponse } from 'node:http';
import type { Answer, Written } from '../http/answer.ts';
import type { Handler } from '../http/handler.ts';
import type { Door, Incoming } from '../request/incoming.ts';

export interface NodeAdapter {
  readonly door: Door;
  /** `local`: a unix socket, whose peers have no address. On a network a peer without one is gone already. */
  readonly peers: 'network' | 'local';
  readonly handle: Handler;
  /** Passes an admitted request on to the application. */
  readonly forward: (
    incoming: Incoming,
    message: IncomingMessage,
    response: ServerResponse,
    identity: readonly string[],
  ) => void;
  /** Answer when the adapter itself fails. */
  readonly failed: (fault: unknown) => Written;
}

/** Nothing thrown on the way leaves this function: one request must not end the process for all others. */
export function nodeListener(adapter: NodeAdapter): RequestListener {
  const { door, handle } = adapter;

  const settle = (answer: Answer, incoming: Incoming, message: IncomingMessage, response: ServerResponse): void => {
    if (response.destroyed) return;
    if (answer.kind === 'forward') adapter.forward(incoming, message, response, answer.identity);
    else write(response, answer);
  };

  const fail = (response: ServerResponse, fault: unknown): void => {
    const answer = adapter.failed(fault);
    if (response.headersSent || response.destroyed) response.destroy();
    else write(response, answer);
  };

  return function sallyport(message: IncomingMessage, response: ServerResponse): void {
    const { socket } = message;
    const peer = adapter.peers === 'local' ? '' : socket.remoteAddress;
    if (socket.destroyed || peer === undefined) {
      socket.destroy();
      return;
    }
    const incoming: Incoming = {
      door,
      method: message.method ?? 'GET',
      target: message.url ?? '/',
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      peer,
      body: message,
    };
    try {
      const answer = handle(incoming);
      if (answer instanceof Promise) {
        answer
          .then((settled) => settle(settled, incoming, message, response))
          .catch((fault: unknown) => fail(response, fault));
      } else settle(answer, incoming, message, response);
    } catch (fault) {
      fail(response, fault);
    }
  };
}

/**
 * An empty body says so: proxies keep the connection only when they know where an answer ends. When the request's own
 * body was not read to its end, nobody waits for the rest: the connection is closed.
 */
export function write(response: ServerResponse, answer: Written): void {
  const { status, headers, body } = answer;
  const ending = answer.close || bodyLeft(response.req) === 'unread' ? closing : none;
  if (body === null) {
    // Node does not change the list it is given.
    response.writeHead(status, ending === none ? (headers as string[]) : [...headers, ...ending]);
    response.end();
    return;
  }
  const length = typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  response.writeHead(status, [...headers, 'content-length', String(length), ...ending]);
  response.end(body);
}

const none: readonly string[] = [];
const closing = ['connection', 'close'];

/** By its headers: a request without a body is not complete either while it is being answered at once. */
function bodyLeft({ complete, headers }: IncomingMessage): 'unread' | 'none' {
  if (complete) return 'none';
  const length = headers['content-length'];
  return headers['transfer-encoding'] === undefined && (length === undefined || Number(length) === 0)
    ? 'none'
    : 'unread';
}
