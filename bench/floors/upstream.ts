/**
 * The application behind the proxies of P12: two bytes, ten kilobytes, bodies that it counts, and long streams. What a proxy
 * loses or adds is answered 400.
 */

import { once } from 'node:events';
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announce } from '../measure/contestant.ts';

const page = Buffer.from('page '.repeat(2048));
const piece = Buffer.alloc(64 * 1024, 'x');

const server = createServer((request, response) => {
  const url = request.url ?? '';
  if (request.method === 'POST') count(request, response);
  else if (url === '/page') response.end(page);
  else if (url === '/who') response.end(String(request.headers['remote-user']));
  else if (url.startsWith('/stream?')) stream(response, Number(url.slice('/stream?'.length)));
  else response.end('ok');
});
// The application is not what is measured: it keeps its connections longer than any pause between rounds.
server.keepAliveTimeout = 600_000;
server.listen(0, '127.0.0.1');
await once(server, 'listening');
announce({ port: (server.address() as AddressInfo).port, path: '/', headers: {}, expect: 'ok' });

/** The header says how much there should be; the request's own framing is the proxy's affair. */
function count(request: IncomingMessage, response: ServerResponse): void {
  let bytes = 0;
  request.on('data', (part: Buffer) => (bytes += part.length));
  request.on('end', () => {
    if (String(bytes) !== request.headers['x-bytes']) response.statusCode = 400;
    response.end(`took ${bytes}`);
  });
}

function stream(response: ServerResponse, bytes: number): void {
  let left = bytes;
  response.setHeader('content-length', bytes);
  const more = (): void => {
    while (left > 0) {
      const part = left >= piece.length ? piece : piece.subarray(0, left);
      left -= part.length;
      if (!response.write(part)) {
        response.once('drain', more);
        return;
      }
    }
    response.end();
  };
  more();
}
