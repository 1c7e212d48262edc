/**
 * Floor of P12: what passing a request on costs with `node:http` when nobody asks who it is from. Headers go as they came, both
 * ways; connections are kept as the product keeps them.
 *
 *   bare-proxy.ts UPSTREAM-PORT
 */

import { once } from 'node:events';
import { Agent, createServer, request } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announce } from '../measure/contestant.ts';

const port = Number(process.argv[2]);
const agent = new Agent({ keepAlive: true });

const server = createServer((incoming, outgoing) => {
  const { method, url: path, rawHeaders: headers } = incoming;
  const upstream = request({ agent, host: '127.0.0.1', port, method, path, headers, setHost: false });
  upstream.on('response', (response) => {
    outgoing.writeHead(response.statusCode ?? 502, response.rawHeaders);
    response.pipe(outgoing);
  });
  upstream.on('error', () => outgoing.destroy());
  if (incoming.headers['content-length'] === undefined && incoming.headers['transfer-encoding'] === undefined)
    upstream.end();
  else incoming.pipe(upstream);
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
announce({ port: (server.address() as AddressInfo).port, path: '/', headers: {}, expect: 'ok' });
