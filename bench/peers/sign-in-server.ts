/**
 * Peer of P5 and P6: better-auth's sign-in by e-mail and password over HTTP, and its `get-session` for the sessions that a storm
 * disturbs. Users are `user0@example.org` and so on, each with the password given and its number.
 *
 *   sign-in-server.ts scrypt|argon2id PASSWORD USERS MEMORY-KIB PASSES
 */

import { randomBytes, timingSafeEqual } from 'node:crypto';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import { toNodeHandler } from 'better-auth/node';
import { argon2idAt } from '../floors/argon2id.ts';
import { announce, fail } from '../measure/contestant.ts';
import { opened, type PasswordFunctions } from './better-auth.ts';

const [, , how, password = '', users, memoryKiB, passes] = process.argv;

function argon2id(): PasswordFunctions {
  const hashed = argon2idAt(Number(memoryKiB), Number(passes));
  return {
    hash: async (text) => {
      const salt = randomBytes(16);
      return `${salt.toString('base64')}.${(await hashed(text, salt)).toString('base64')}`;
    },
    verify: async ({ hash, password: text }) => {
      const [salt = '', tag = ''] = hash.split('.');
      return timingSafeEqual(await hashed(text, Buffer.from(salt, 'base64')), Buffer.from(tag, 'base64'));
    },
  };
}

try {
  const auth = await opened(how === 'argon2id' ? { password: argon2id() } : {});
  const cookies: string[] = [];
  for (let at = 0; at < Number(users); at++) {
    const { headers } = await auth.api.signUpEmail({
      body: { name: `User ${at}`, email: `user${at}@example.org`, password: `${password}${at}` },
      returnHeaders: true,
    });
    cookies.push(
      headers
        .getSetCookie()
        .map((line) => line.slice(0, line.indexOf(';')))
        .join('; '),
    );
  }
  const server = createServer(toNodeHandler(auth));
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  const [cookie = ''] = cookies;
  announce({ port, path: '/api/auth/get-session', headers: { cookie }, expect: 'user0@example.org' });
} catch (cause) {
  fail(cause);
}
