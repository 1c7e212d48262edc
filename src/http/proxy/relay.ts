/** The application's answer on its way back: interim answers, the answer itself as it comes, its trailers, its end. */
import type { ClientRequest, IncomingMessage, ServerResponse } from 'node:http';
import { refuse } from '../../errors.ts';
import type { CookieNames } from '../../request/cookie.ts';
import { endAfterRequest } from '../linger.ts';
import { answerHeaders, framingOf } from './forward-headers.ts';
import { announced, trailersOf } from './trailers.ts';
import type { Ending, Passing } from './upstream.ts';

/** The application's answer, written down as it comes. */
export function relay(
  { message, response: outgoing, answer: judged }: Passing,
  ending: Ending,
  upstream: ClientRequest,
  answer: IncomingMessage,
  how: { readonly connection: 'kept' | 'own'; readonly ours: CookieNames },
): void {
  ending.exchange.phase = 'bytes';
  const status = answer.statusCode ?? 0;
  // An answer that is none (1xx) would leave the client waiting, or switch protocols that nobody asked to switch.
  if (status < 200 || status > 999) {
    ending.giveUp(refuse('upstream_unreachable'), new Error(`the application answered ${status}`));
    return;
  }
  const unread = !message.complete && framingOf(message.rawHeaders) === 'framed';
  const bodiless = message.method === 'HEAD' || status === 204 || status === 304;
  const headers = answerHeaders(answer.rawHeaders, answer.headers, how.ours);
  // Where the application says how much it takes itself, its word stands.
  if (answer.headers['ratelimit'] === undefined) headers.push(...judged.headers);
  if (unread || how.connection === 'own') headers.push('Connection', 'close');
  const chunked = answer.headers['transfer-encoding'] !== undefined && message.httpVersion === '1.1';
  if (chunked && !bodiless) headers.push(...announced(answer.headers.trailer));
  try {
    outgoing.writeHead(status, status === 204 ? withoutLength(headers) : headers);
  } catch (fault) {
    // Node does not write what no client should read, and what it has understood by then is not to be built upon.
    ending.giveUp(refuse('upstream_unreachable'), fault);
    outgoing.destroy();
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
    // Else the pipe to nobody would keep the rest of the body from being read.
    message.unpipe(upstream);
    upstream.destroy();
    endAfterRequest(outgoing);
  });
  answer.once('close', () => {
    if (!answer.complete) outgoing.destroy();
  });
}

/** RFC 9110 section 8.6: no length where there can be no body. */
function withoutLength(headers: readonly string[]): string[] {
  const kept: string[] = [];
  for (let at = 0; at < headers.length; at += 2) {
    if (headers[at]?.toLowerCase() !== 'content-length') kept.push(headers[at] ?? '', headers[at + 1] ?? '');
  }
  return kept;
}

/** More than any application has to say before it answers. */
const mostInterim = 8;

/**
 * A link as it is commonly written. What Node takes for one is wider, and read by a pattern that strings can be made for
 * which it never finishes.
 */
const plainLink = /^<[^<>"\s]{1,512}>(?:; ?[a-z-]{1,32}(?:=(?:[\w./-]{1,128}|"[\w./-]{0,128}"))?){0,8}$/i;

/** Of the interim answers, those that mean something beyond this hop (RFC 9110 section 15.2, RFC 8297). */
export function interimAnswers(outgoing: ServerResponse): (status: number, rawHeaders: readonly string[]) => void {
  let left = mostInterim;
  return (status, rawHeaders) => {
    if (left === 0 || outgoing.headersSent || outgoing.writableNeedDrain || outgoing.req.httpVersion !== '1.1') return;
    left -= 1;
    if (status === 102) outgoing.writeProcessing();
    if (status !== 103) return;
    const link = rawHeaders.filter((_, at) => at % 2 === 1 && rawHeaders[at - 1]?.toLowerCase() === 'link');
    if (link.length > 0 && link.length <= mostInterim && link.every((each) => plainLink.test(each)))
      outgoing.writeEarlyHints({ link });
  };
}
