/** Peer of P2: better-auth behind `node:http` through its own `toNodeHandler`; `cached` switches its cookie cache on. */

import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from 'better-auth/node';
import { announce, fail } from '../measure/contestant.ts';
import { EMAIL, signedUp } from './better-auth.ts';

try {
  const { auth, cookie } = await signedUp(process.argv[2] === 'cached');
  const server = createServer(toNodeHandler(auth));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  announce({ port, path: '/api/auth/get-session', headers: { cookie }, expect: EMAIL });
} catch (cause) {
  fail(cause);
}
