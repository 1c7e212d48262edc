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
    if (socket.destroyed) return;
    const incoming: Incoming = {
      door,
      method: message.method ?? 'GET',
      target: message.url ?? '/',
      headers: message.headers,
      rawHeaders: message.rawHeaders,
      peer: socket.remoteAddress ?? '',
      encrypted: 'encrypted' in socket,
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

/** An empty body says so: proxies keep the connection only when they know where an answer ends. */
export function write(response: ServerResponse, answer: Written): void {
  const { status, headers, body } = answer;
  const length = body === null ? 0 : typeof body === 'string' ? Buffer.byteLength(body) : body.length;
  const framing = ['content-length', String(length), ...(answer.close ? ['connection', 'close'] : [])];
  response.writeHead(status, [...headers, ...framing]);
  if (body === null) response.end();
  else response.end(body);
}
