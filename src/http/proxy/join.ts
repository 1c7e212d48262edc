/** WebSockets through the proxy: the handshake, judged and passed on like any request, and then two joined sockets. */
import { refuse } from '../../errors.ts';
import { answerHeaders, requestHeaders } from './forward-headers.ts';
import { relay } from './relay.ts';
import { joinSockets, switching, switchingHeaders } from './tunnel.ts';
import type { Joining, Upstream } from './upstream.ts';

/** Asks the application for the WebSocket; what it answers instead goes back as an answer. */
export function join(application: Upstream, joining: Joining): void {
  const { cookieStem } = application;
  const { message, response, answer, socket, head } = joining;
  const ending = application.begin(joining, 'socket');
  const headers = requestHeaders(message, answer.arrival, answer.identity, cookieStem);
  headers.push(...switchingHeaders);
  const upstream = application.ask(message, headers, 'own');
  ending.asks(upstream);
  upstream.once('response', (refused) => relay(joining, ending, upstream, refused, { connection: 'own', cookieStem }));
  upstream.once('upgrade', (welcome, other, otherHead) => {
    if (ending.over() || switching(welcome) === 'elsewhere') {
      other.destroy();
      ending.giveUp(refuse('upstream_unreachable'), new Error('the application switched to another protocol'));
      return;
    }
    ending.exchange.phase = 'bytes';
    response.detachSocket(message.socket);
    ending.exchange.cut = joinSockets({
      client: { socket, head },
      application: { socket: other, head: otherHead },
      welcome: answerHeaders(welcome.rawHeaders, welcome.headers, cookieStem),
    });
    socket.once('close', () => application.open.delete(ending.exchange));
  });
  upstream.on('error', (fault) => ending.giveUp(refuse('upstream_unreachable'), fault));
  upstream.end();
}
