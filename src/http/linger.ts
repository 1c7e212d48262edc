/**
 * Ends an answer whose request was not read to its end. Closing at once would reset the connection, and many clients
 * then lose the answer that was meant for them: what still comes is thrown away for a moment first.
 */
import type { ServerResponse } from 'node:http';
import type { Duplex } from 'node:stream';

const lingerMs = 2000;

const lingering = new WeakMap<Duplex, () => void>();

/** The whole answer must have been written, so that a client that listens has it already. */
export function endAfterRequest(response: ServerResponse): void {
  const { req } = response;
  const end = (): void => {
    clearTimeout(timer);
    response.end();
  };
  const timer = setTimeout(end, lingerMs);
  lingering.set(req.socket, end);
  req.once('end', end);
  response.once('close', () => clearTimeout(timer));
  req.on('error', () => undefined);
  req.resume();
}

/** What still comes turned out to be no HTTP: there is nothing to wait for. */
export function stopLingering(socket: Duplex): 'ended' | 'not-lingering' {
  const end = lingering.get(socket);
  end?.();
  return end === undefined ? 'not-lingering' : 'ended';
}
