/** Clients that ask before they send a body (RFC 9110 section 10.1.1). */
import type { IncomingMessage } from 'node:http';

/** Waits to be asked, and knows how to: before HTTP/1.1 nobody did, and of other expectations none is known. */
export function asksFirst({ headers, httpVersion, complete }: IncomingMessage): boolean {
  return !complete && httpVersion === '1.1' && headers.expect?.toLowerCase() === '100-continue';
}
