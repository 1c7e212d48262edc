/** WebSockets through the proxy: the handshake, judged and passed on like any request, and then two joined sockets. */
import type { Duplex } from 'node:stream';
import { refuse } from '../../errors.ts';
import { answerHeaders, requestHeaders } from './forward-headers.ts';
import { relay } from './relay.ts';
import { joinSockets, switching, switchingHeaders } from './tunnel.ts';
import type { Joining, Upstream } from './upstream.ts';

/** Asks the application for the WebSocket; what it answers instead goes back as an answer. */
export function join(application: Upstream, joining: Joining): void {
  const { message, response, answer, socket, head } = joining;
  const ending = application.begin(joining, 'socket');
  const headers = requestHeaders(message, answer.arrival, answer.identity, application);
  headers.push(...switchingHeaders);
  const upstream = application.ask(message, headers, 'own');
  ending.asks(upstream);
  const waiting = whileWaiting(socket, head, () => ending.giveUp(refuse('upstream_unreachable')));
  upstream.once('response', (refused) =>
    relay(joining, ending, upstream, refused, { connection: 'own', ours: application }),
  );
  upstream.once('upgrade', (welcome, other, otherHead) => {
    if (ending.over() || switching(welcome) === 'elsewhere') {
      other.destroy();
      ending.giveUp(refuse('upstream_unreachable'), new Error('the application switched to another protocol'));
      return;
    }
    ending.exchange.phase = 'bytes';
    response.detachSocket(message.socket);
    ending.exchange.cut = joinSockets({
      client: { socket, head: waiting.stop() },
      application: { socket: other, head: otherHead },
      welcome: [
        ...answerHeaders(welcome.rawHeaders, welcome.headers, application),
        ...(welcome.headers['ratelimit'] === undefined ? answer.headers : []),
      ],
    });
    socket.once('close', () => application.open.delete(ending.exchange));
  });
  upstream.on('error', (fault) => ending.giveUp(refuse('upstream_unreachable'), fault));
  upstream.end();
}

/** Nobody says anything before the handshake is answered; a client that does is listened to, within reason. */
const mostAhead = 65_536;

/** Reads the client's side until the application has answered: only so is it noticed that the client has gone. */
function whileWaiting(socket: Duplex, head: Buffer, gone: () => void): { stop: () => Buffer } {
  const parts = [head];
  let size = head.length;
  const take = (part: Buffer): void => {
    parts.push(part);
    size += part.length;
    if (size > mostAhead) socket.destroy();
  };
  const end = (): void => {
    gone();
    socket.destroy();
  };
  socket.on('data', take);
  socket.once('end', end);
  return {
    stop: () => {
      socket.off('data', take);
      socket.off('end', end);
      socket.pause();
      return Buffer.concat(parts);
    },
  };
}
