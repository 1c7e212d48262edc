/** Signed tickets on the way to an application, and what its clients are told there (2-http-api, 3, 6 and 8). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { admin, setUp } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { assertRefused, dataOf, type HeldTicket, ticketOf, ticketPath } from '../support/signed-tickets.ts';

const nodes = '/api2/json/nodes';

describe('an application on an origin shared with ours', () => {
  let server: RunningServer;
  let echo: Echo;
  let root: HeldTicket;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url, args: ['--shared-origin', '--ticket-prefix', 'PVE'] });
    await setUp(server);
    root = await ticketOf(server);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  const at = (path: string, sent: Sent = {}): Promise<Got> => send(`${server.console}${path}`, sent);
  const last = () => echo.seen.at(-1) ?? assert.fail('nothing reached the application');

  it('in the cookie and in the header: it is told who it is, and gets no ticket', async () => {
    const { ticket } = await ticketOf(server, { ...admin, realm: 'pve' });
    for (const headers of [
      { cookie: `PVEAuthCookie=${ticket}; theirs=1` },
      { cookie: `__Host-PVEAuthCookie=${ticket}; theirs=1` },
      { authorization: `PVEAuthCookie=${ticket}`, cookie: 'theirs=1' },
    ] as const) {
      const got = await at(nodes, { headers });
      assert.equal(got.status, 200, got.text);
      const { headers: passed } = last();
      assert.deepEqual(
        [passed['remote-user'], passed['remote-groups'], passed['x-auth-via']],
        ['root1', 'admin', 'ticket'],
      );
      assert.equal(passed.cookie, 'theirs=1');
      assert.equal(passed.authorization, undefined);
      assert.ok(!JSON.stringify(last()).includes(ticket));
    }
    // Clients send their token with whatever changes something; it is not asked for.
    const change = { method: 'POST', headers: { cookie: `PVEAuthCookie=${ticket}` }, body: {} };
    assert.equal((await at(nodes, change)).status, 200);
    const foreign = { cookie: `__Host-PVEAuthCookie=${ticket}`, origin: 'https://evil.test' };
    assertRefused(await at(nodes, { method: 'POST', headers: foreign, body: {} }), 403, 'csrf_failed');
  });

  it('who has none, or a dead one, is told as its clients know it, and the dead cookie goes', async () => {
    const seen = echo.seen.length;
    for (const path of [nodes, '/api2/extjs/nodes']) {
      const none = await at(path);
      assertRefused(none, 401, 'unauthorized');
      assert.equal(none.reason, 'No ticket');
      const dead = await at(path, { headers: { cookie: '__Host-PVEAuthCookie=x' } });
      assertRefused(dead, 401, 'session_expired');
      assert.equal(dead.reason, 'permission denied - invalid PVE ticket');
      assert.match(dead.cookies.join(), /^__Host-PVEAuthCookie=;.*Max-Age=0/);
      const header = await at(path, { headers: { authorization: 'PVEAuthCookie=x' } });
      assertRefused(header, 401, 'invalid_token');
    }
    assertProblem(await at('/api/nodes'), 401, 'unauthorized');
    assert.equal(echo.seen.length, seen);
  });

  it('a dead session beside a living ticket goes with what the application answers', async () => {
    const cookie = `sallyport-account=${'a'.repeat(43)}; PVEAuthCookie=${root.ticket}`;
    const got = await at(nodes, { headers: { cookie } });
    assert.equal(got.status, 200, got.text);
    assert.match(got.cookies.join(), /^sallyport-account=;.*Max-Age=0/);
  });

  it('a person is led to the page of ours as from anywhere else', async () => {
    const got = await at(nodes, { headers: { accept: 'text/html', 'sec-fetch-mode': 'navigate' } });
    assert.equal(got.status, 302);
  });

  it('ours are the paths of sign-in, known or not, and the version; everything else is the application’s', async () => {
    const headers = { authorization: `PVEAuthCookie=${root.ticket}` };
    const seen = echo.seen.length;
    for (const base of ['/api2/json', '/api2/extjs']) {
      assertRefused(await at(`${base}/access/users`, { headers }), 404, 'not_found');
      assert.equal(dataOf(await at(`${base}/version`, { headers }))['repoid'], 'sallyport');
    }
    assert.equal(echo.seen.length, seen);
    for (const path of [
      '/api2/json/access',
      '/api2/json/versions',
      '/api2/json/version/',
      '/api2/xml/access/ticket',
      '/api2/json/nodes/version',
    ]) {
      const got = await at(path, { headers });
      assert.equal(got.status, 200, path);
      assert.equal(last().target, path);
    }
  });

  it('what was dropped is dead there as well', async () => {
    const { ticket } = await ticketOf(server, admin);
    const headers = { authorization: `PVEAuthCookie=${ticket}` };
    assert.equal((await at(nodes, { headers })).status, 200);
    assert.equal((await at(ticketPath, { method: 'DELETE', headers })).status, 200);
    assertRefused(await at(nodes, { headers }), 401, 'invalid_token');
  });
});
