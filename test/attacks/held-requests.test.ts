/** Requests whose body is held back until whoever sent it may no longer (3-rules, What ends what). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { asAdmin, type Admin, bearer, passwordOf, settle } from '../support/invited.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { rawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { makeToken } from '../support/tokens.ts';
import { pause } from '../support/waiting.ts';

describe('a body that is held back', () => {
  let server: RunningServer;
  let root: string;
  let house: Admin;
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
  });
  after(() => server.remove());

  /** Admitted by its headers; `then` happens before the last byte goes. Its answer. */
  const held = async (method: string, path: string, credential: string, body: object, then: () => Promise<unknown>) => {
    const { host, port } = new URL(server.console);
    const text = JSON.stringify(body);
    const connection = rawConnection(Number(port));
    connection.send(
      `${method} ${path} HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${credential}\r\nContent-Type: application/json\r\nContent-Length: ${text.length}\r\nConnection: close\r\n\r\n${text.slice(0, -1)}`,
    );
    await pause(300);
    await then();
    connection.send(text.slice(-1));
    await connection.until(/\r\n\r\n[^]*\}/);
    connection.socket.destroy();
    return connection.text();
  };
  const all = async (session: string) =>
    assert.equal(
      (await send(`${server.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer(session), body: {} }))
        .status,
      200,
    );

  it('makes, renews and widens no token once its session has ended', async () => {
    const bob = await settle(server.console, house, 'bob');
    const { id } = await makeToken(server, bob.token);
    const own = await signInBearer(server, { username: 'bob', password: passwordOf('bob') });
    const thiefs = async () => signInBearer(server, { username: 'bob', password: passwordOf('bob') });
    for (const [method, path, body] of [
      ['POST', '/api/auth/api-tokens', { token_name: 'stolen', never: true }],
      ['POST', `/api/auth/api-tokens/${id}/rotate`, {}],
      ['PATCH', `/api/auth/api-tokens/${id}`, { scopes: ['*'] }],
    ] as const) {
      const answer = await held(method, path, await thiefs(), body, () => all(own));
      assert.match(answer, /^HTTP\/1\.1 401 [\s\S]*invalid_token/, `${method} ${path}`);
    }
  });

  it('changes nothing by somebody who is no administrator any more', async () => {
    const eve = await settle(server.console, house, 'eve', { privileges: ['admin'] });
    const answer = await held('PATCH', `/api/auth/users/${eve.id}`, eve.token, { privileges: ['admin'] }, async () => {
      assert.equal((await house.patch(eve.id, { privileges: [] })).status, 200);
    });
    assert.match(answer, /^HTTP\/1\.1 403 [\s\S]*forbidden/);
  });
});
