/** The application's answer on its way back: interim answers, the answer itself as it comes, its trailers, its end. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from '../../errors.ts';
import { endAfterRequest } from '../linger.ts';
import { answerHeaders, framingOf } from './forward-headers.ts';
import { announced, trailersOf } from './trailers.ts';
import type { Ending, Passing } from './upstream.ts';

/** The application's answer, written down as it comes. */
export function relay(
  { message, response: outgoing }: Passing,
  ending: Ending,
  upstream: ClientRequest,
  answer: IncomingMessage,
  how: { readonly connection: 'kept' | 'own'; readonly cookieStem: string },
): void {
  ending.exchange.phase = 'bytes';
  const unread = !message.complete && framingOf(message.rawHeaders) === 'framed';
  const headers = answerHeaders(answer.rawHeaders, answer.headers, how.cookieStem);
  if (unread || how.connection === 'own') headers.push('Connection', 'close');
  const chunked = answer.headers['transfer-encoding'] !== undefined && message.httpVersion === '1.1';
  if (chunked && message.method !== 'HEAD') headers.push(...announced(answer.headers.trailer));
  try {
    // Node refuses to write what no client should read: broken status codes and header values.
    outgoing.writeHead(finalStatus(answer.statusCode), headers);
  } catch (fault) {
    ending.giveUp(refuse('upstream_unreachable'), fault);
    return;
  }
  answer.on('data', (part: Buffer) => {
    if (outgoing.write(part)) return;
    answer.pause();
    outgoing.once('drain', () => answer.resume());
  });
  answer.once('end', () => {
    // Cut short: the client must not take it for whole.
    if (!answer.complete) return void outgoing.destroy();
    if (answer.rawTrailers.length > 0) outgoing.addTrailers(trailersOf(answer.rawTrailers));
    if (message.complete || !unread) {
      ending.whole();
      outgoing.end();
      return;
    }
    upstream.destroy();
    endAfterRequest(outgoing);
  });
  answer.once('close', () => {
    if (!answer.complete) outgoing.destroy();
  });
}

/** An answer that is none (1xx) would leave the client waiting, or switch protocols that nobody asked to switch. */
function finalStatus(status: number | undefined): number {
  if (status === undefined || status < 200) throw new Error(`the application answered ${status}`);
  return status;
}

/** Of the interim answers, those that mean something beyond this hop (RFC 9110 section 15.2, RFC 8297). */
export function passInterim(outgoing: ServerResponse, status: number, link: string | string[] | undefined): void {
  if (outgoing.headersSent || outgoing.req.httpVersion !== '1.1') return;
  if (status === 102) outgoing.writeProcessing();
  if (status !== 103 || link === undefined) return;
  try {
    outgoing.writeEarlyHints({ link });
  } catch {
    // A hint that Node does not take for one is not worth more.
  }
}
