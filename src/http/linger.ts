/**
 * Ends an answer whose request was not read to its end. Closing at once would reset the connection, and many clients
 * then lose the answer that was meant for them: what still comes is thrown away for a moment first.
 */
import type { ServerResponse } from 'node:http';

const lingerMs = 2000;

/** The whole answer must have been written, so that a client that listens has it already. */
export function endAfterRequest(response: ServerResponse): void {
  const { req } = response;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  req.once('end', end);
  response.once('close', () => clearTimeout(timer));
  req.on('error', () => undefined);
  req.resume();
}
