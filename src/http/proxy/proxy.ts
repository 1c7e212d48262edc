/**
 * The built-in proxy: passes an admitted request on and the answer back, in pieces as they come, never whole in memory.
 */
import { Agent, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { pipeline } from 'node:stream';
import type { Log } from '../../record/recorder.ts';
import type { Arrival } from '../../request/arrival.ts';
import type { Origin } from '../../types.ts';
import { methodSafety } from '../../request/incoming.ts';
import { answerHeaders, framingOf, requestHeaders } from './forward-headers.ts';

export interface Proxy {
  /** `unreachable` writes the answer for an application that did not give one. */
  pass(
    incoming: IncomingMessage,
    outgoing: ServerResponse,
    arrival: Arrival,
    identity: readonly string[],
    unreachable: () => void,
  ): void;
  close(): void;
}

const connectMs = 10_000;

export function proxy(parts: { readonly upstream: Origin; readonly cookieStem: string; readonly log: Log }): Proxy {
  const target = new URL(parts.upstream);
  const tls = target.protocol === 'https:';
  const agent = tls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });

  const pass: Proxy['pass'] = (incoming, outgoing, arrival, identity, unreachable) => {
    const headers = requestHeaders(incoming, arrival, identity, parts.cookieStem);
    const framed = framingOf(headers) === 'framed';

    /** Whatever the application does, this ends the exchange once: an answer if none has begun, else a cut connection. */
    const giveUp = (fault: unknown): void => {
      if (outgoing.destroyed) return;
      parts.log.warn({ err: fault, upstream: parts.upstream }, 'application unreachable');
      if (outgoing.headersSent) outgoing.destroy();
      else unreachable();
    };

    const send = (attempt: 'first' | 'second'): void => {
      const upstream = (tls ? tlsRequest : request)({
        agent,
        host: target.hostname.replace(/^\[|\]$/g, ''),
        port: target.port === '' ? (tls ? 443 : 80) : target.port,
        method: incoming.method,
        path: incoming.url,
        headers,
        setHost: false,
      });
      const abandon = (): void => void upstream.destroy();
      outgoing.once('close', abandon);
      const timer = setTimeout(() => upstream.destroy(new Error('no connection in time')), connectMs);
      const connected = (): void => clearTimeout(timer);
      upstream.once('socket', (socket) => {
        if (socket.connecting) socket.once(tls ? 'secureConnect' : 'connect', connected);
        else connected();
      });
      upstream.once('response', (response) => {
        connected();
        try {
          // Node refuses to write what no client should read: broken status codes and header values.
          outgoing.writeHead(
            finalStatus(response.statusCode),
            answerHeaders(response.rawHeaders, response.headers, parts.cookieStem),
          );
        } catch (fault) {
          upstream.destroy();
          giveUp(fault);
          return;
        }
        pipeline(response, outgoing, (fault) => {
          if (fault && !outgoing.writableEnded) outgoing.destroy();
        });
      });
      // Nothing was asked to be upgraded: an application that does so anyway has not answered.
      upstream.once('upgrade', (_response, socket) => {
        socket.destroy();
        giveUp(new Error('the application switched protocols unasked'));
      });
      upstream.on('error', (fault: NodeJS.ErrnoException) => {
        connected();
        outgoing.off('close', abandon);
        // A kept connection that the application closed in the same moment. Only what may be done twice is asked again.
        const again =
          attempt === 'first' &&
          upstream.reusedSocket &&
          !framed &&
          methodSafety(incoming.method ?? '') === 'safe' &&
          fault.code === 'ECONNRESET';
        if (again && !outgoing.headersSent && !outgoing.destroyed) send('second');
        else giveUp(fault);
      });
      if (framed) pipeline(incoming, upstream, () => undefined);
      else upstream.end();
    };
    send('first');
  };

  return { pass, close: () => agent.destroy() };
}

/** An answer that is none (1xx) would leave the client waiting, or switch protocols that nobody asked to switch. */
function finalStatus(status: number | undefined): number {
  if (status === undefined || status < 200) throw new Error(`the application answered ${status}`);
  return status;
}
