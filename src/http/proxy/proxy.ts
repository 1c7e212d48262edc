/**
 * The built-in proxy: passes an admitted request on and the answer back, in pieces as they come, never whole in memory.
 * WebSockets are joined in `tunnel.ts`; how long anything may take is watched in `exchanges.ts`.
 */
import { Agent, type ClientRequest, type IncomingMessage, request, type ServerResponse } from 'node:http';
import { Agent as TlsAgent, request as tlsRequest } from 'node:https';
import type { Duplex } from 'node:stream';
import { type ErrorCode, refuse, type Refusal } from '../../errors.ts';
import type { Log } from '../../record/recorder.ts';
import { header, methodSafety } from '../../request/incoming.ts';
import type { Origin } from '../../types.ts';
import type { Forward } from '../answer.ts';
import { endAfterRequest } from '../linger.ts';
import { type Cut, type Exchange, exchanges, type Limits } from './exchanges.ts';
import { answerHeaders, framingOf, requestHeaders } from './forward-headers.ts';
import { announced, trailersOf } from './trailers.ts';
import { joinSockets, switching, switchingHeaders } from './tunnel.ts';

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

export interface Proxy {
  pass(passing: Passing): void;
  join(joining: Joining): void;
  /** WebSockets end; requests go on. */
  stop(): void;
  close(): void;
}

export interface ProxyParts {
  readonly upstream: Origin;
  readonly cookieStem: string;
  readonly limits: Limits & { readonly bodyLimitBytes: number | null };
  readonly monotonic: () => number;
  readonly log: Log;
}

/** How long the application may take to say that a body is welcome, before it is sent all the same (RFC 9110 section 10.1.1). */
const continueMs = 1000;

const refusals: Readonly<Record<Exclude<Cut, 'stopping'>, ErrorCode>> = {
  'no-connection': 'upstream_unreachable',
  'no-answer': 'upstream_timeout',
  silent: 'upstream_timeout',
  'session-ended': 'session_expired',
};

export function proxy(parts: ProxyParts): Proxy {
  const { cookieStem, log } = parts;
  const target = new URL(parts.upstream);
  const tls = target.protocol === 'https:';
  const agent = tls ? new TlsAgent({ keepAlive: true }) : new Agent({ keepAlive: true });
  const host = target.hostname.replace(/^\[|\]$/g, '');
  const port = target.port === '' ? (tls ? 443 : 80) : Number(target.port);
  const bodyLimit = parts.limits.bodyLimitBytes ?? Number.POSITIVE_INFINITY;
  const open = exchanges({
    limits: parts.limits,
    monotonic: parts.monotonic,
    onFault: (fault) => log.error({ err: fault }, 'cannot judge an exchange under way'),
  });

  const ask = ({ method, url: path }: IncomingMessage, headers: string[], connection: 'kept' | 'own'): ClientRequest =>
    (tls ? tlsRequest : request)({
      agent: connection === 'kept' && agent,
      host,
      port,
      method,
      path,
      headers,
      setHost: false,
    });

  /** What every exchange has: one entry among the open ones, and one end, whoever brings it about. */
  const begin = ({ message, response, answer, refuse: refused }: Passing, form: Exchange['form']): Ending => {
    let asking: ClientRequest | undefined;
    let over = false;
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
      cut: (why) => (why === 'stopping' ? response.destroy() : giveUp(refuse(refusals[why]))),
    };
    open.add(exchange);
    response.once('close', () => {
      open.delete(exchange);
      // The client went away before the end.
      if (!response.writableFinished) {
        over = true;
        asking?.destroy();
      }
    });
    return {
      exchange,
      giveUp,
      over: () => over,
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

  /** The application's answer, written down as it comes. */
  const relay = (
    { message, response: outgoing }: Passing,
    ending: Ending,
    upstream: ClientRequest,
    answer: IncomingMessage,
    connection: 'kept' | 'own',
  ): void => {
    ending.exchange.phase = 'bytes';
    const unread = !message.complete && framingOf(message.rawHeaders) === 'framed';
    const headers = answerHeaders(answer.rawHeaders, answer.headers, cookieStem);
    if (unread || connection === 'own') headers.push('Connection', 'close');
    const chunked = answer.headers['transfer-encoding'] !== undefined && message.httpVersion === '1.1';
    if (chunked && message.method !== 'HEAD') headers.push(...announced(answer.headers.trailer));
    try {
      // Node refuses to write what no client should read: broken status codes and header values.
      outgoing.writeHead(finalStatus(answer.statusCode), headers);
    } catch (fault) {
      ending.giveUp(refuse('upstream_unreachable'), fault);
      return;
    }
    answer.pipe(outgoing, { end: false });
    answer.once('end', () => {
      // Cut short: the client must not take it for whole.
      if (!answer.complete) return void outgoing.destroy();
      if (answer.rawTrailers.length > 0) outgoing.addTrailers(trailersOf(answer.rawTrailers));
      if (message.complete || !unread) return void outgoing.end();
      upstream.destroy();
      endAfterRequest(outgoing);
    });
    answer.once('close', () => {
      if (!answer.complete) outgoing.destroy();
    });
  };

  const pass: Proxy['pass'] = (passing) => {
    const { message, response: outgoing, answer } = passing;
    const ending = begin(passing, 'request');
    if (Number(message.headers['content-length'] ?? 0) > bodyLimit) {
      ending.giveUp(refuse('payload_too_large'));
      return;
    }
    const headers = requestHeaders(message, answer.arrival, answer.identity, cookieStem);
    const framed = framingOf(headers) === 'framed';
    if (framed && message.headers['transfer-encoding'] !== undefined)
      headers.push(...announced(message.headers.trailer));
    const trailing = /(^|,)\s*trailers\s*(,|$)/i.test(header(message.headers, 'te') ?? '');
    if (trailing) headers.push('TE', 'trailers', 'Connection', 'keep-alive, TE');
    const asksFirst = framed && message.headers.expect !== undefined;
    if (asksFirst) headers.push('Expect', '100-continue');

    const sendBody = (upstream: ClientRequest): void => {
      let sent = 0;
      if (bodyLimit !== Number.POSITIVE_INFINITY)
        message.on('data', (part: Buffer) => {
          sent += part.length;
          if (sent > bodyLimit) ending.giveUp(refuse('payload_too_large'));
        });
      message.pipe(upstream, { end: false });
      message.once('end', () => {
        if (message.rawTrailers.length > 0) upstream.addTrailers(trailersOf(message.rawTrailers));
        upstream.end();
      });
    };

    const send = (attempt: 'first' | 'second'): void => {
      const upstream = ask(message, headers, 'kept');
      ending.asks(upstream);
      let answered = false;
      upstream.once('response', (response) => {
        answered = true;
        relay(passing, ending, upstream, response, 'kept');
      });
      upstream.on('information', ({ statusCode, headers: hints }) => passInterim(outgoing, statusCode, hints['link']));
      // Nothing was asked to be upgraded: an application that does so anyway has not answered.
      upstream.once('upgrade', (_response, socket) => {
        socket.destroy();
        ending.giveUp(refuse('upstream_unreachable'), new Error('the application switched protocols unasked'));
      });
      upstream.on('error', (fault: NodeJS.ErrnoException) => {
        // Once an answer has begun, its own end says how it went.
        if (answered || ending.over()) return;
        // A kept connection that the application closed in the same moment. Only what may be done twice is asked again.
        const again =
          attempt === 'first' &&
          upstream.reusedSocket &&
          !framed &&
          methodSafety(message.method ?? '') === 'safe' &&
          fault.code === 'ECONNRESET';
        if (again && !outgoing.headersSent) send('second');
        else ending.giveUp(refuse('upstream_unreachable'), fault);
      });
      if (!framed) upstream.end();
      else if (asksFirst)
        whenWelcome(upstream, () => {
          if (answered || ending.over()) return;
          outgoing.writeContinue();
          sendBody(upstream);
        });
      else sendBody(upstream);
    };
    send('first');
  };

  const join: Proxy['join'] = (joining) => {
    const { message, response, answer, socket, head } = joining;
    const ending = begin(joining, 'socket');
    const headers = requestHeaders(message, answer.arrival, answer.identity, cookieStem);
    headers.push(...switchingHeaders);
    const upstream = ask(message, headers, 'own');
    ending.asks(upstream);
    upstream.once('response', (refused) => relay(joining, ending, upstream, refused, 'own'));
    upstream.once('upgrade', (welcome, other, otherHead) => {
      if (ending.over() || switching(welcome) === 'elsewhere') {
        other.destroy();
        ending.giveUp(refuse('upstream_unreachable'), new Error('the application switched to another protocol'));
        return;
      }
      ending.exchange.phase = 'bytes';
      response.detachSocket(message.socket);
      const cut = joinSockets({
        client: { socket, head },
        application: { socket: other, head: otherHead },
        welcome: answerHeaders(welcome.rawHeaders, welcome.headers, cookieStem),
      });
      Object.assign(ending.exchange, { cut });
      socket.once('close', () => open.delete(ending.exchange));
    });
    upstream.on('error', (fault) => ending.giveUp(refuse('upstream_unreachable'), fault));
    upstream.end();
  };

  return {
    pass,
    join,
    stop: () => open.endSockets(),
    close: () => {
      open.close();
      agent.destroy();
    },
  };
}

interface Ending {
  readonly exchange: Exchange;
  /** An answer of ours if none has begun, else a cut connection. Only the first counts. */
  readonly giveUp: (refusal: Refusal, fault?: unknown) => void;
  readonly over: () => boolean;
  /** The request to the application that ends with the exchange. */
  readonly asks: (upstream: ClientRequest) => void;
}

/** An answer that is none (1xx) would leave the client waiting, or switch protocols that nobody asked to switch. */
function finalStatus(status: number | undefined): number {
  if (status === undefined || status < 200) throw new Error(`the application answered ${status}`);
  return status;
}

/** Of the interim answers, those that mean something beyond this hop (RFC 9110 section 15.2, RFC 8297). */
function passInterim(outgoing: ServerResponse, status: number, link: string | string[] | undefined): void {
  if (outgoing.headersSent || outgoing.req.httpVersion !== '1.1') return;
  if (status === 102) outgoing.writeProcessing();
  if (status !== 103 || link === undefined) return;
  try {
    outgoing.writeEarlyHints({ link });
  } catch {
    // A hint that Node does not take for one is not worth more.
  }
}

/** When the application says so, or says nothing for a moment. */
function whenWelcome(upstream: ClientRequest, welcome: () => void): void {
  let asked = false;
  const once = (): void => {
    clearTimeout(timer);
    if (!asked) welcome();
    asked = true;
  };
  const timer = setTimeout(once, continueMs);
  upstream.once('continue', once);
  upstream.once('close', () => clearTimeout(timer));
  upstream.once('response', () => clearTimeout(timer));
}
