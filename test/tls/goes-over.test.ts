/** A running server on loopback goes from HTTP to HTTPS: what came before it, and what it takes for a credential after it. */
import assert from 'node:assert/strict';
import { copyFileSync, realpathSync, rmSync } from 'node:fs';
import { Agent, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { withoutPackages } from '../support/debian.ts';
import { setUp, signIn } from '../support/people.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';
import { makePairs, type Pairs } from '../support/tls-door.ts';

const asked = {
  'x-forwarded-method': 'GET',
  'x-forwarded-proto': 'https',
  'x-forwarded-host': 'wiki.test',
  'x-forwarded-uri': '/',
};

describe('from HTTP to HTTPS while running', { skip: withoutPackages }, () => {
  let server: RunningServer;
  let pairs: Pairs;
  let readable = '';
  before(async () => {
    pairs = await makePairs();
    readable = realpathSync(await temporaryFolder());
    const { serving } = pairs.one;
    if (serving.kind === 'plain') throw new Error('no pair');
    copyFileSync(serving.proven.files.certPath, join(readable, 'cert.pem'));
    copyFileSync(serving.proven.files.keyPath, join(readable, 'key.pem'));
    server = await startServer({
      // A program that cannot be run, and that says so in a way of its own.
      args: [
        '--trusted-proxies',
        '127.0.0.0/9',
        '--protected-hosts',
        'https://wiki.test',
        '--tls-allowed-dirs',
        readable,
        '--tls-hook',
        '/etc/passwd/program',
      ],
      listen: '127.0.0.1:0',
    });
    await setUp(server);
  });
  after(async () => {
    await server.remove();
    await pairs.remove();
    rmSync(readable, { recursive: true, force: true });
  });

  const port = (): number => Number(new URL(server.console).port);
  const get = (
    how: 'http' | 'https',
    path: string,
    headers: Readonly<Record<string, string>>,
    agent?: Agent,
  ): Promise<number> =>
    new Promise((resolve, reject) => {
      const options = { host: '127.0.0.1', port: port(), path, headers };
      const asking =
        how === 'http'
          ? request({ ...options, agent: agent ?? false })
          : secureRequest({ ...options, agent: false, ca: pairs.ca });
      asking.on('response', (response) => {
        response.resume();
        response.on('end', () => resolve(response.statusCode ?? 0));
      });
      asking.on('error', reject);
      asking.end();
    });

  it('a connection from before it is answered no more, and cookies count by the names that they have now', async () => {
    const person = await signIn(server);
    const [name, value] = [...person.cookies].find(([each]) => each.endsWith('-account')) ?? assert.fail();
    assert.equal(name, 'sallyport-account');
    const verify = (how: 'http' | 'https', cookie: string): Promise<number> =>
      get(how, '/api/auth/verify', { ...asked, cookie: `${cookie}=${value}` });
    assert.equal(await verify('http', name), 200);

    const kept = new Agent({ keepAlive: true, maxSockets: 1 });
    assert.equal(await get('http', '/api/auth/status', { cookie: `${name}=${value}` }, kept), 200);
    const files = [join(readable, 'cert.pem'), join(readable, 'key.pem')];
    const used = await runCommand(['tls', 'use', ...files, '--data', server.data]);
    assert.equal(used.code, 0, JSON.stringify(used));
    assert.equal(Object.values(kept.freeSockets).length, 1);
    assert.equal(await get('http', '/api/auth/status', { cookie: `${name}=${value}` }, kept), 403);
    kept.destroy();

    assert.equal(await verify('http', name), 403);
    assert.equal(await verify('https', '__Host-sallyport-account'), 200);
    assert.equal(await verify('https', name), 401);
  });
});
