/** One request passed on: its headers and body to the application, whose answer `relay.ts` brings back. */
import type { ClientRequest } from 'node:http';
import { refuse } from '../../errors.ts';
import { header, methodSafety } from '../../request/incoming.ts';
import { framingOf, requestHeaders } from './forward-headers.ts';
import { asksFirst } from '../expectation.ts';
import { interimAnswers, relay } from './relay.ts';
import { announced, trailersOf } from './trailers.ts';
import type { Passing, Upstream } from './upstream.ts';

/** How long the application may take to say that a body is welcome, before it is sent all the same (RFC 9110 section 10.1.1). */
const continueMs = 1000;

export function pass(application: Upstream, passing: Passing): void {
  const { bodyLimit } = application;
  const { message, response: outgoing, answer } = passing;
  const ending = application.begin(passing, 'request');
  if (Number(message.headers['content-length'] ?? 0) > bodyLimit) {
    ending.giveUp(refuse('payload_too_large'));
    return;
  }
  const headers = requestHeaders(message, answer.arrival, answer.identity, application);
  const framed = framingOf(headers) === 'framed';
  if (framed && message.headers['transfer-encoding'] !== undefined) headers.push(...announced(message.headers.trailer));
  const te = header(message.headers, 'te');
  if (te !== undefined && /(^|,)\s*trailers\s*(,|$)/i.test(te))
    headers.push('TE', 'trailers', 'Connection', 'keep-alive, TE');
  const waits = framed && asksFirst(message);
  if (waits) headers.push('Expect', '100-continue');

  const sendBody = (upstream: ClientRequest): void => {
    let sent = 0;
    if (bodyLimit !== Number.POSITIVE_INFINITY)
      message.on('data', (part: Buffer) => {
        sent += part.length;
        if (sent > bodyLimit) ending.giveUp(refuse('payload_too_large'));
      });
    message.pipe(upstream, { end: false });
    // The application hears of the request even while its body has not begun to come.
    setImmediate(() => {
      if (!upstream.destroyed && !upstream.writableEnded) upstream.flushHeaders();
    });
    message.once('end', () => {
      if (message.rawTrailers.length > 0) upstream.addTrailers(trailersOf(message.rawTrailers));
      upstream.end();
    });
  };

  const interim = interimAnswers(outgoing);
  const send = (attempt: 'first' | 'second'): void => {
    const upstream = application.ask(message, headers, 'kept');
    ending.asks(upstream);
    let answered = false;
    upstream.once('response', (response) => {
      answered = true;
      relay(passing, ending, upstream, response, { connection: 'kept', ours: application });
    });
    upstream.on('information', ({ statusCode, rawHeaders }) => interim(statusCode, rawHeaders));
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
    else if (waits)
      whenWelcome(upstream, () => {
        if (answered || ending.over()) return;
        outgoing.writeContinue();
        sendBody(upstream);
      });
    else sendBody(upstream);
  };
  send('first');
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
