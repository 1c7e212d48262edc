/**
 * Floor of P6: sessions answered from a `Map` while wrong passwords are hashed; no limits, no records, and a refusal leaves as
 * soon as its hash is done. With `queue` one hash at a time, with `all` as many as the thread pool takes.
 *
 *   storm-floor.ts queue|all MEMORY-KIB PASSES
 */

import { randomBytes } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { announce } from '../measure/contestant.ts';
import { argon2idAt } from './argon2id.ts';
import { knownSessions } from './known-sessions.ts';

const [, , how, memoryKiB, passes] = process.argv;
const { cookie, find } = knownSessions();
const hash = argon2idAt(Number(memoryKiB), Number(passes));
const salt = randomBytes(16);
let last: Promise<unknown> = Promise.resolve();

async function refused(body: string): Promise<void> {
  const { password } = JSON.parse(body) as { password: string };
  if (how === 'all') await hash(password, salt);
  else await (last = last.then(() => hash(password, salt)));
}

const server = createServer((request, response) => {
  if (request.method === 'GET') {
    if (find(request.headers.cookie ?? '') === undefined) response.statusCode = 401;
    response.end('ok');
    return;
  }
  let body = '';
  request.setEncoding('utf8');
  request.on('data', (part: string) => (body += part));
  request.on('end', () => {
    void refused(body).then(() => {
      response.statusCode = 401;
      response.end('wrong');
    });
  });
});
server.listen(0, '127.0.0.1');
await once(server, 'listening');
announce({ port: (server.address() as AddressInfo).port, path: '/', headers: { cookie }, expect: 'ok' });
