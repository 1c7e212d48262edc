/** Floors of P2: `node:http` answering 200 with two bytes; with `map` it recognises a session first. */

import { once } from 'node:events';
import { createServer, type RequestListener } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announce } from '../measure/contestant.ts';
import { knownSessions } from './known-sessions.ts';

const { cookie, find } = knownSessions();

const bare: RequestListener = (_request, response) => {
  response.end('ok');
};

const withMap: RequestListener = (request, response) => {
  if (find(request.headers.cookie ?? '') === undefined) response.statusCode = 401;
  response.end('ok');
};

const server = createServer(process.argv[2] === 'map' ? withMap : bare);
server.listen(0, '127.0.0.1');
await once(server, 'listening');
// The cookie is sent to the bare server as well: reading the request's head is part of both.
announce({ port: (server.address() as AddressInfo).port, path: '/', headers: { cookie }, expect: 'ok' });
