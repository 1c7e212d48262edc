/**
 * The application behind the proxy: how it is asked, and what every exchange with it has: one entry among the open ones,
 * and one end, whoever brings it about.
 */
import type { Duplex } from 'node:stream';
import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import { type ErrorCode, refuse, type Refusal } from '../../errors.ts';
import type { Log } from '../../record/recorder.ts';
import { withoutTickets } from '../../request/tokens/path-ticket.ts';
import type { Origin } from '../../types.ts';
import type { Forward } from '../answer.ts';
import { type Cut, type Exchange, type Exchanges, exchanges, type Limits } from './exchanges.ts';

/** One admitted request as the adapter has it. */
export interface Passing {
  readonly message: IncomingMessage;
  readonly response: ServerResponse;
  readonly answer: Forward;
  /** Writes the answer for an application that gave none. */
  readonly refuse: (refusal: Refusal) => void;
}

/** A WebSocket handshake; `head` is what the client sent behind it already. */
export interface Joining extends Passing {
  readonly socket: Duplex;
  readonly head: Buffer;
}

export interface Ending {
  readonly exchange: Exchange;
  /** An answer of ours if none has begun, else a cut connection. Only the first counts. */
  readonly giveUp: (refusal: Refusal, fault?: unknown) => void;
  readonly over: () => boolean;
  /** The application's answer has come to its end, and its connection may be kept. */
  readonly whole: () => void;
  /** The request to the application that ends with the exchange. */
  readonly asks: (upstream: ClientRequest) => void;
}

export interface UpstreamParts {
  readonly upstream: Origin;
  readonly cookieStem: string;
  readonly tokenPrefix: string;
  readonly ticketPrefix: string;
  readonly limits: Limits & { readonly bodyLimitBytes: number | null };
  readonly monotonic: () => number;
  readonly log: Log;
}

export interface Upstream {
  readonly cookieStem: string;
  readonly tokenPrefix: string;
  readonly ticketPrefix: string;
  /** Bytes; infinite when the application sets its own limit. */
  readonly bodyLimit: number;
  readonly open: Exchanges;
  /** `kept`: over a connection that may be used again. */
  ask(message: IncomingMessage, headers: string[], connection: 'kept' | 'own'): ClientRequest;
  begin(passing: Passing, form: Exchange['form']): Ending;
  close(): void;
}

const refusals: Readonly<Record<Exclude<Cut, 'stopping'>, ErrorCode>> = {
  'no-connection': 'upstream_unreachable',
  'no-answer': 'upstream_timeout',
  silent: 'upstream_timeout',
  'session-ended': 'session_expired',
};

export function upstream(parts: UpstreamParts): Upstream {
  const { log } = parts;
  const target = new URL(parts.upstream);
  const tls = target.protocol === 'https:';
  const agent = tls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const port = target.port === '' ? (tls ? 443 : 80) : Number(target.port);
  const open = exchanges({
    limits: parts.limits,
    monotonic: parts.monotonic,
    onFault: (fault) => log.error({ err: fault }, 'cannot judge an exchange under way'),
  });

  const ask: Upstream['ask'] = ({ method, url: path }, headers, connection) =>
    (tls ? tlsRequest : request)({
      agent: connection === 'kept' && agent,
      host,
      port,
      method,
      path: withoutTickets(path ?? '/'),
      headers,
      setHost: false,
    });

  const begin: Upstream['begin'] = ({ message, response, answer, refuse: refused }, form) => {
    let asking: ClientRequest | undefined;
    let over = false;
    let whole = false;
    const giveUp = (refusal: Refusal, fault?: unknown): void => {
      if (over) return;
      over = true;
      asking?.destroy();
      if (fault !== undefined) log.warn({ err: fault, upstream: parts.upstream }, 'application unreachable');
      if (response.headersSent || response.destroyed) response.destroy();
      else refused(refusal);
    };
    const exchange: Exchange = {
      phase: 'connecting',
      form,
      client: message.socket,
      standing: answer.standing,
      cut: (why, said) => (why === 'stopping' ? response.destroy() : giveUp(said ?? refuse(refusals[why]))),
    };
    open.add(exchange);
    response.once('close', () => {
      open.delete(exchange);
      over = true;
      // The client went away before the end, or was refused meanwhile.
      if (!whole) asking?.destroy();
    });
    return {
      exchange,
      giveUp,
      over: () => over,
      whole: () => void (whole = true),
      asks: (upstream) => {
        asking = upstream;
        upstream.once('socket', (socket) => {
          const connected = (): void => void (exchange.phase = 'answer');
          if (socket.connecting) socket.once(tls ? 'secureConnect' : 'connect', connected);
          else connected();
        });
      },
    };
  };

  return {
    cookieStem: parts.cookieStem,
    tokenPrefix: parts.tokenPrefix,
    ticketPrefix: parts.ticketPrefix,
    bodyLimit: parts.limits.bodyLimitBytes ?? Number.POSITIVE_INFINITY,
    open,
    ask,
    begin,
    close: () => {
      open.close();
      agent.destroy();
    },
  };
}
