/**
 * The client's address behind real reverse proxies (PM8; security.md P-01, P-02, O-09): right where the proxy is listed,
 * whatever its client writes into headers; and where it is not, nobody's headers are believed.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { type ReverseProxy, startReverseProxy } from '../support/reverse-proxies.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const forged: Readonly<Record<string, string>> = {
  'x-forwarded-for': '8.8.8.8, 127.0.0.1',
  'x-real-ip': '8.8.8.8',
  forwarded: 'for=8.8.8.8',
  'cf-connecting-ip': '8.8.8.8',
  'true-client-ip': '8.8.8.8',
  'x-client-ip': '8.8.8.8',
  'x-cluster-client-ip': '8.8.8.8',
  x_forwarded_for: '8.8.8.8',
};

describe('addresses behind', { skip: withoutPackages }, () => {
  const servers: Partial<Record<'listed' | 'unlisted', RunningServer>> = {};
  let number = 0;
  before(async () => {
    servers.listed = await startServer({ args: ['--trusted-proxies', '127.0.0.1'] });
    servers.unlisted = await startServer();
    for (const each of Object.values(servers)) await setUp(each);
  });
  after(async () => {
    for (const each of Object.values(servers)) await each.remove();
  });

  for (const name of ['nginx', 'haproxy', 'caddy', 'apache'] as const) {
    for (const kind of ['listed', 'unlisted'] as const) {
      describe(`${name}, ${kind}`, () => {
        let front: ReverseProxy;
        let server: RunningServer;
        before(async () => {
          const running = servers[kind];
          assert.ok(running);
          server = running;
          front = await startReverseProxy(name, Number(new URL(server.console).port));
        });
        after(() => front.close());

        const login = (from: string, headers: Readonly<Record<string, string>>): Promise<Got> =>
          send(`${front.url}/api/auth/login`, {
            headers: { host: new URL(server.console).host, ...headers },
            from,
            body: { username: `nobody-${name}`, password: wrongPasswordNo((number += 1)) },
          });

        const seen = async (): Promise<readonly string[]> => {
          const authorization = `Bearer ${await signInBearer(server)}`;
          const got = await send(`${server.console}/api/auth/login-attempts?all=1&limit=1000`, {
            headers: { authorization },
          });
          return (got.json['attempts'] as { address: string; result: string }[])
            .filter((each) => each.result === 'unknown-user')
            .map((each) => each.address);
        };

        it(`P-01, P-02: the client is ${kind === 'listed' ? 'who spoke to the proxy' : 'the proxy'}, whatever headers say`, async () => {
          const from = `127.${20 + name.length}.${kind.length}.9`;
          assert.equal((await login(from, {})).status, 401);
          assert.equal((await login(from, forged)).status, 401);
          const addresses = await seen();
          assert.ok(addresses.includes(kind === 'listed' ? from : '127.0.0.1'), addresses.join());
          assert.ok(
            addresses.every((address) => address.startsWith('127.')),
            addresses.join(),
          );
          if (kind === 'unlisted') assert.deepEqual([...new Set(addresses)], ['127.0.0.1']);
        });

        it('another address in the header each time is no way around the limit', async () => {
          const from = `127.${30 + name.length}.${kind.length}.9`;
          const statuses = await Promise.all(
            Array.from(
              { length: 12 },
              async (_, at) => (await login(from, { 'x-forwarded-for': `203.0.113.${at}` })).status,
            ),
          );
          assert.ok(statuses.filter((status) => status === 401).length <= 5, statuses.join());
          assert.ok(statuses.includes(429));
          // Where nobody is told apart all are one client; elsewhere others are not touched.
          if (kind === 'listed') assert.equal((await login(`127.40.${name.length}.9`, {})).status, 401);
          else await lift(server);
        });
      });
    }
  }

  async function lift(server: RunningServer): Promise<void> {
    const signedIn = await send(`${server.console}/api/auth/login`, { from: '127.99.0.1', body: admin });
    const headers = { authorization: `Bearer ${String(signedIn.json['token'])}` };
    const lifted = await send(`${server.console}/api/auth/blocks`, { method: 'DELETE', headers });
    assert.equal(lifted.status, 200, lifted.text);
  }
});
