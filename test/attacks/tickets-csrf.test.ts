/**
 * Signed tickets in a browser (security.md 2.5; 2-http-api, 3 and 8): other sites that use the cookie, sign somebody in or out,
 * or set a cookie of the same name; and which of several credentials decides.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Browser, browser, type Got, send, type Sent, sendRaw } from '../support/client.ts';
import { asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp, signIn, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import {
  askForTicket,
  assertRefused,
  dataOf,
  type HeldTicket,
  inForm,
  ticketOf,
  ticketPath,
  spoiled,
} from '../support/signed-tickets.ts';
import { makeToken, makeTicket } from '../support/tokens.ts';

type Headers = Readonly<Record<string, string>>;

const host = '__Host-SPAuthCookie';
const plain = 'SPAuthCookie';
const bob = { username: 'bob', password: passwordOf('bob') };

// In one suite: beside others in one process nothing of it begins before its turn.
describe('signed tickets in a browser', () => {
  let server: RunningServer;
  let root: string;
  before(async () => {
    server = await startServer();
    root = String((await setUp(server)).json['token']);
    await settle(server.console, asAdmin(server.console, root), 'bob');
  });
  after(() => server.remove());

  const ask = (path: string, sent: Sent = {}): Promise<Got> => send(`${server.console}${path}`, sent);
  const cookieOf = ({ ticket }: HeldTicket): Headers => ({ cookie: `${host}=${ticket}` });
  const version = (headers: Readonly<Record<string, string | readonly string[]>>): Promise<Got> =>
    ask('/api2/json/version', { headers });
  const ownPage = (): Headers => ({
    origin: server.console,
    'sec-fetch-site': 'same-origin',
    'sec-fetch-mode': 'cors',
  });

  const elsewhere = (): readonly Headers[] => [
    { 'sec-fetch-site': 'cross-site' },
    { 'sec-fetch-site': 'same-site' },
    { 'sec-fetch-site': 'none' },
    { 'sec-fetch-site': 'cross-site', origin: server.console },
    { 'sec-fetch-site': 'SAME-ORIGIN' },
    { origin: 'https://evil.test' },
    { origin: 'null' },
    { origin: '' },
    { origin: server.console.replace('http:', 'https:') },
    { origin: server.console.replace(/\d+$/, '1') },
    { origin: `${server.console}.evil.test` },
    { origin: `${server.console}/` },
  ];

  function assertForgery(got: Got, what = ''): void {
    assert.equal(got.status, 403, `${what}: ${got.text}`);
    assert.equal(got.json['error_code'], 'csrf_failed', `${what}: ${got.text}`);
    assert.equal(got.headers['cache-control'], 'no-store');
    assert.deepEqual(got.cookies, [], what);
  }

  async function alive(one: HeldTicket): Promise<void> {
    assert.equal((await version({ authorization: `SPAuthCookie=${one.ticket}` })).status, 200);
  }

  describe('CS-01 to CS-05: what another site can send with the cookie', () => {
    let page: Browser;
    before(async () => {
      page = await signIn(server);
    });

    const unsafe: Readonly<Record<string, (more: Sent) => Promise<Got>>> = {
      'signing out': (more) => ask(ticketPath, { method: 'DELETE', ...more }),
      'signing out, in the other form': (more) => ask('/api2/extjs/access/ticket', { method: 'DELETE', ...more }),
      'our own way out': (more) => ask('/api/auth/logout', { method: 'POST', ...more }),
      'our own way out, by form': (more) =>
        ask('/api/auth/logout', inForm({ csrf_token: 'x' }, { ...more, headers: { ...more.headers } })),
      refreshing: (more) => ask(ticketPath, inForm({}, more)),
      'refreshing, in the other form': async (more) => {
        const got = await ask('/api2/extjs/access/ticket', inForm({ 'http-only': '1' }, more));
        // There an action that refuses says so in the body.
        return { ...got, status: Number(got.json['status']) };
      },
      'what it may not do anyway': (more) =>
        ask('/api/auth/users', { method: 'POST', body: { username: 'x' }, ...more }),
    };

    for (const [what, act] of Object.entries(unsafe))
      it(`${what} needs the token of this very ticket, from our own pages`, async () => {
        const [one, other] = [await ticketOf(server), await ticketOf(server)];
        const bobs = await ticketOf(server, bob);
        const [time = '', mac = ''] = one.csrf.split(':');
        const earlier = (Number.parseInt(time, 16) - 1).toString(16).toUpperCase().padStart(8, '0');
        const wrong: readonly (string | undefined)[] = [
          undefined,
          '',
          'invalid',
          other.csrf,
          bobs.csrf,
          page.csrf,
          one.ticket,
          mac,
          `${time}:`,
          `:${mac}`,
          `${earlier}:${mac}`,
          `${time.toLowerCase()}x:${mac}`,
          `${time}:${mac.toLowerCase()}`,
          `${time}:${mac.slice(0, -1)}`,
          `${one.csrf}=`,
          `${one.csrf}, ${one.csrf}`,
          `${time}:${other.csrf.split(':')[1]}`,
          one.csrf.toLowerCase(),
        ];
        for (const token of wrong)
          for (const name of ['csrfpreventiontoken', 'x-csrf-token']) {
            const headers = { ...cookieOf(one), ...(token === undefined ? {} : { [name]: token }) };
            assertForgery(await act({ headers }), `${name}: ${token}`);
            assertForgery(await act({ headers: { ...headers, ...ownPage() } }), `${name}: ${token}, from our page`);
          }
        for (const headers of elsewhere())
          assertForgery(
            await act({ headers: { ...cookieOf(one), csrfpreventiontoken: one.csrf, ...headers } }),
            JSON.stringify(headers),
          );
        await alive(one);
        const got = await act({ headers: { ...cookieOf(one), csrfpreventiontoken: one.csrf, ...ownPage() } });
        const barred = what === 'what it may not do anyway';
        assert.equal(
          got.status === 403 ? got.json['error_code'] : got.status,
          barred ? 'reauthentication_required' : 200,
        );
        for (const each of [other, bobs]) await alive(each);
      });

    it('the older name of the header does as well, and a token of a ticket none for a session', async () => {
      const one = await ticketOf(server);
      const got = await ask(ticketPath, {
        method: 'DELETE',
        headers: { ...cookieOf(one), 'x-csrf-token': one.csrf, ...ownPage() },
      });
      assert.equal(got.status, 200, got.text);
      const two = await ticketOf(server);
      const mixed = browser(server.console);
      for (const [name, value] of page.cookies) mixed.cookies.set(name, value);
      mixed.cookies.set(host, two.ticket);
      for (const headers of [{ csrfpreventiontoken: two.csrf }, { 'x-csrf-token': two.csrf }] as readonly Headers[])
        assertForgery(await mixed.page('/api/auth/sessions', { method: 'DELETE', headers }));
      await alive(two);
    });

    it('in a header no page of another site can send it: it needs no token there', async () => {
      const one = await ticketOf(server);
      const headers = { authorization: `SPAuthCookie=${one.ticket}` };
      assert.equal((await ask(ticketPath, { method: 'DELETE', headers })).status, 200);
      assert.equal((await version(headers)).status, 401);
    });

    it('CS-09: no safe method changes anything, whatever it says that it is', async () => {
      const one = await ticketOf(server);
      const own = { ...cookieOf(one), csrfpreventiontoken: one.csrf, ...ownPage() };
      const query = `username=root1&password=${encodeURIComponent(admin.password)}`;
      for (const headers of [
        own,
        { ...own, 'x-http-method-override': 'DELETE' },
        { ...own, 'x-http-method': 'DELETE' },
        { ...own, 'x-method-override': 'POST' },
      ])
        for (const method of ['GET', 'HEAD'])
          for (const path of [ticketPath, `${ticketPath}?_method=DELETE`, `${ticketPath}?${query}`]) {
            const got = await ask(path, { method, headers });
            assert.ok([200, 405].includes(got.status), `${method} ${path}: ${got.status}`);
            assert.deepEqual(got.cookies, []);
            if (got.status === 200 && method === 'GET') assert.deepEqual(got.json, { success: true, data: null });
          }
      await alive(one);
    });

    it('CS-10: no other site reads an answer', async () => {
      const one = await ticketOf(server);
      for (const origin of ['https://evil.test', 'null', server.console.replace('127.0.0.1', 'a.localhost')])
        for (const [method, path] of [
          ['GET', '/api2/json/version'],
          ['GET', '/api2/json/access/domains'],
          ['POST', ticketPath],
          ['OPTIONS', ticketPath],
          ['OPTIONS', '/api2/extjs/access/ticket'],
        ] as const) {
          const got = await ask(path, {
            method,
            headers: { ...cookieOf(one), origin, 'access-control-request-method': 'POST' },
          });
          assert.ok(!Object.keys(got.headers).some((name) => name.startsWith('access-control-')), `${method} ${path}`);
          if (method === 'OPTIONS') assert.equal(got.status, 405);
        }
    });
  });

  describe('L-18, L-19: signing somebody in or out from another site', () => {
    const fields = { ...admin, 'http-only': '1' };

    it('a form of another site signs nobody in', async () => {
      for (const base of [ticketPath, '/api2/extjs/access/ticket'])
        for (const headers of elsewhere()) {
          assertForgery(await ask(base, inForm(fields, { headers })), JSON.stringify(headers));
          assertForgery(await ask(base, { body: fields, headers }), JSON.stringify(headers));
        }
      for (const type of ['text/plain', 'multipart/form-data; boundary=x', 'application/jsonp', '']) {
        const body = `{"username":"root1","password":"${admin.password}","http-only":true,"x":"="}`;
        const got = await ask(ticketPath, { method: 'POST', body, headers: { 'content-type': type, ...ownPage() } });
        assertRefused(got, 415, 'unsupported_media_type');
        assert.deepEqual(got.cookies, []);
      }
      const got = await askForTicket(server, fields, { headers: ownPage() });
      assert.equal(got.status, 200, got.text);
      assert.match(got.cookies.join(), new RegExp(`^${host}=SP:`));
      const vnc = inForm({ authid: 'root1', vncticket: 'x', path: '/', privs: 'admin' });
      for (const headers of elsewhere())
        assertForgery(await ask('/api2/json/access/vncticket', { ...vnc, headers: { ...vnc.headers, ...headers } }));
    });

    it('a refusal from elsewhere is no guess, and none that was wrong there is counted', async () => {
      const from = '127.81.0.1';
      for (let number = 0; number < 12; number += 1)
        assertForgery(
          await askForTicket(
            server,
            { password: wrongPasswordNo(number) },
            { from, headers: { origin: 'https://evil.test' } },
          ),
        );
      assert.equal((await askForTicket(server, {}, { from })).status, 200);
    });

    it('without a ticket, or with a dead one, nothing is left to sign out but the cookie', async () => {
      const dead = await ticketOf(server);
      const out = { method: 'DELETE', headers: { ...cookieOf(dead), csrfpreventiontoken: dead.csrf } } as const;
      assert.equal((await ask(ticketPath, out)).status, 200);
      const again = await ask(ticketPath, out);
      assert.equal(again.status, 200, again.text);
      assert.match(again.cookies.join('\n'), new RegExp(`^${host}=; .*Max-Age=0`, 'm'));
      assert.equal((await ask(ticketPath, { method: 'DELETE' })).status, 200);
      // A session is none of its business.
      const page = await signIn(server);
      const kept = await page.page(ticketPath, { method: 'DELETE' });
      assert.equal(kept.status, 200, kept.text);
      assert.equal((await page.page('/api/auth/sessions')).status, 200);
      // Nor is a token, nor a session in a header.
      const held = await signInBearer(server);
      assert.equal((await ask(ticketPath, { method: 'DELETE', headers: bearer(held) })).status, 200);
      assert.equal((await ask('/api/auth/sessions', { headers: bearer(held) })).status, 200);
    });
  });

  describe('refreshing from the cookie', () => {
    const refresh = (headers: Headers, fields: Readonly<Record<string, string>> = {}): Promise<Got> =>
      ask(ticketPath, inForm(fields, { headers }));
    const own = (one: HeldTicket): Headers => ({ ...cookieOf(one), csrfpreventiontoken: one.csrf, ...ownPage() });

    it('gives another cookie, and the ticket to no script, whatever form was asked for', async () => {
      const one = await ticketOf(server);
      for (const fields of [
        {},
        { username: 'root1' },
        { 'http-only': '0' },
        { 'http-only': '1', username: 'root1@sp' },
      ]) {
        const got = await refresh(own(one), fields);
        const data = dataOf(got);
        assert.deepEqual(Object.keys(data).sort(), ['CSRFPreventionToken', 'ticket-info', 'username']);
        const value = /^__Host-SPAuthCookie=([^;]+);/.exec(got.cookies.join())?.[1] ?? '';
        assert.notEqual(value, one.ticket);
        assert.ok(!got.text.includes(value.slice(-60)), 'it is told in the body');
        const next = { ticket: value, csrf: String(data['CSRFPreventionToken']) };
        await alive(next);
        // The token of the one before is good beside it; that of another sign-in is not.
        assert.equal((await refresh({ ...own(next), csrfpreventiontoken: one.csrf })).status, 200);
        assertForgery(await refresh({ ...own(next), csrfpreventiontoken: (await ticketOf(server)).csrf }));
        assert.equal((await refresh(own(next))).status, 200);
      }
    });

    it('any password that is given decides, and a living cookie beside it counts for nothing', async () => {
      const one = await ticketOf(server, bob);
      for (const password of [wrongPasswordNo(7), 'x', one.csrf, spoiled(one.ticket)]) {
        const got = await refresh(own(one), { username: 'bob', password });
        assertRefused(got, 401, 'invalid_credentials');
        assert.deepEqual(got.cookies, []);
      }
      const empty = await refresh(own(one), { username: 'bob', password: '' });
      assertRefused(empty, 400, 'invalid_request');
      await alive(one);
      const right = await refresh(own(one), { ...bob });
      assert.equal(dataOf(right)['username'], 'bob@local');
    });

    it('is for whoever it is of, and from the cookie that no other host can set', async () => {
      const one = await ticketOf(server, bob);
      for (const username of ['root1', 'root1@local', 'nobody', 'bob@pve', 'bob@local@pve']) {
        const got = await refresh(own(one), { username });
        assertRefused(got, 401, 'invalid_credentials');
        assert.deepEqual(got.cookies, []);
      }
      assertRefused(await refresh(own(one), { username: 'bob', realm: 'pve' }), 401, 'invalid_credentials');
      const csrf = { csrfpreventiontoken: one.csrf };
      for (const headers of [
        { cookie: `${plain}=${one.ticket}`, ...csrf },
        { cookie: `${plain}=${one.ticket}`, ...csrf, ...ownPage() },
        { authorization: `SPAuthCookie=${one.ticket}` },
        { cookie: `__host-SPAuthCookie=${one.ticket}`, ...csrf },
        { cookie: `__Secure-SPAuthCookie=${one.ticket}`, ...csrf },
        { cookie: `__Host-PVEAuthCookie=${one.ticket}`, ...csrf },
        { cookie: `x__Host-SPAuthCookie=${one.ticket}`, ...csrf },
        {},
      ] as readonly Headers[])
        assertRefused(await refresh(headers, { username: 'bob' }), 400, 'invalid_request');
      for (const cookie of [
        `${host}=${one.ticket}; ${host}=${one.ticket}`,
        `${host}=; ${host}=${one.ticket}`,
        `${host}=`,
        `${host}=x`,
      ]) {
        const got = await refresh({ cookie, ...csrf });
        assertRefused(got, 401, 'invalid_credentials');
        assert.match(got.cookies.join(), /^__Host-SPAuthCookie=; .*Max-Age=0/);
      }
      for (const username of ['bob', 'BOB', 'bob@local', 'bob@sp', 'Bob@LOCAL'])
        assert.equal((await refresh(own(one), { username })).status, 200, username);
      assert.equal((await refresh(own(one), { username: 'bob', realm: 'sp' })).status, 200);
    });
  });

  describe('which of several decides', () => {
    it('the plain cookie of a browser is somebody else’s, and beside the other one it is not read', async () => {
      const [one, other] = [await ticketOf(server), await ticketOf(server, bob)];
      assert.equal((await version({ cookie: `${plain}=${one.ticket}` })).status, 200);
      for (const headers of [
        { 'sec-fetch-site': 'same-origin' },
        { 'sec-fetch-site': 'none', 'sec-fetch-mode': 'navigate' },
        { 'sec-fetch-mode': 'cors', 'sec-fetch-site': 'same-site' },
        { 'sec-fetch-dest': 'empty' },
        { 'sec-fetch-user': '?1' },
        { origin: server.console },
        { origin: 'https://evil.test' },
      ] as readonly Headers[]) {
        const got = await version({ cookie: `${plain}=${one.ticket}`, ...headers });
        assert.equal(got.status, 401, JSON.stringify(headers));
        assert.equal(got.json['error_code'], 'unauthorized');
        assert.equal((await version({ cookie: `${host}=${one.ticket}`, ...headers })).status, 200);
      }
      const status = async (cookie: string): Promise<unknown> =>
        (await ask('/api/auth/status', { headers: { cookie } })).json['username'];
      for (const cookie of [
        `${host}=${one.ticket}; ${plain}=${other.ticket}`,
        `${plain}=${other.ticket}; ${host}=${one.ticket}`,
      ])
        assert.equal(await status(cookie), 'root1');
      // A dead one of the name that no other host can set does not make room for the one that any can.
      assert.equal((await version({ cookie: `${host}=x; ${plain}=${other.ticket}` })).status, 401);
    });

    it('one of our names twice is dead, in one header or in two', async () => {
      const one = await ticketOf(server);
      for (const name of [host, plain])
        for (const cookie of [
          `${name}=${one.ticket}; ${name}=${one.ticket}`,
          `${name}=x; ${name}=${one.ticket}`,
          `${name}=${one.ticket}; a=b; ${name}=`,
          [`${name}=${one.ticket}`, `${name}=${one.ticket}`],
        ]) {
          const got = await version({ cookie });
          assert.equal(got.status, 401, JSON.stringify(cookie));
          assert.equal(got.json['error_code'], 'session_expired');
          assert.match(got.cookies.join(), new RegExp(`^${name}=; .*Max-Age=0`));
        }
      assert.equal((await version({ cookie: ['a=b', `${host}=${one.ticket}`] })).status, 200);
    });

    it('a dead cookie counts as absent beside one that lives; sessions come first', async () => {
      const page = await signIn(server, bob);
      const session = `sallyport-account=${page.cookies.get('sallyport-account')}`;
      const ticket = `${host}=${(await ticketOf(server)).ticket}`;
      const status = (cookie: string): Promise<Got> => ask('/api/auth/status', { headers: { cookie } });
      for (const [cookie, username, via, expired] of [
        [`${session}; ${ticket}`, 'bob', 'session', ''],
        [`${ticket}; ${session}`, 'bob', 'session', ''],
        [`${session}; ${host}=x`, 'bob', 'session', ''],
        [`sallyport-account=x; ${ticket}`, 'root1', 'ticket', 'sallyport-account'],
        [`sallyport-account=${'A'.repeat(43)}; ${ticket}`, 'root1', 'ticket', 'sallyport-account'],
        [`${session}; ${session}; ${ticket}`, 'root1', 'ticket', 'sallyport-account'],
      ] as const) {
        const got = await status(cookie);
        assert.equal(got.json['username'], username, cookie);
        assert.equal(got.json['via'], via);
        if (expired !== '') assert.match(got.cookies.join(), new RegExp(`^${expired}=; .*Max-Age=0`));
      }
    });

    it('a header decides, and a bad one never falls through', async () => {
      const { ticket } = await ticketOf(server);
      const page = await signIn(server);
      const { token } = await makeToken(server, root, { scope: 'full_admin' });
      const cookie = `${host}=${ticket}; sallyport-account=${page.cookies.get('sallyport-account')}`;
      const dead = `SPAuthCookie=${spoiled(ticket)}`;
      const tell = (headers: Headers, query = ''): Promise<Got> => ask(`/api2/json/version${query}`, { headers });
      for (const headers of [
        { authorization: dead },
        { authorization: 'SPAuthCookie=' },
        { authorization: 'SPAuthCookie' },
        { authorization: `SPAuthCookie ${ticket}` },
        { authorization: `SPAuthCookie:${ticket}` },
        { authorization: `spauthcookie=${ticket}` },
        { authorization: `PVEAuthCookie=${ticket}` },
        { authorization: `Bearer ${ticket}` },
        { authorization: ticket },
        { 'x-api-key': ticket },
        { authorization: `SPAPIToken=root1@local!ticket=${ticket}` },
      ] as readonly Headers[]) {
        const got = await tell({ cookie, ...headers });
        assert.equal(got.status, 401, `${JSON.stringify(headers)}: ${got.text}`);
      }
      for (const headers of [
        { authorization: `SPAuthCookie=${ticket}`, 'x-api-key': token },
        { authorization: dead, 'x-api-key': token },
      ])
        assert.equal((await tell({ cookie, ...headers })).status, 400);
      const { port } = new URL(server.console);
      const two = await sendRaw(
        Number(port),
        `GET /api2/json/version HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nAuthorization: SPAuthCookie=${ticket}\r\nAuthorization: Bearer ${token}\r\nConnection: close\r\n\r\n`,
      );
      assert.match(two, /^HTTP\/1\.1 400 /);
      // The one in the URL comes first, and opens less than what it stands beside.
      const path = await makeTicket(server, root, '/api2/json/version');
      for (const [authorization, status] of [
        [dead, 403],
        [`SPAuthCookie=${ticket}`, 401],
      ] as const)
        assert.equal((await tell({ authorization }, `?ticket=${path}`)).status, status);
      for (const headers of [{ authorization: `SPAuthCookie=${ticket}` }, bearer(token)] as readonly Headers[]) {
        const got = await tell({ ...headers, cookie: `${host}=x; sallyport-account=x` });
        assert.equal(got.status, 200, got.text);
        assert.deepEqual(got.cookies, []);
      }
      // On its way to an application, what is none of ours is the application's, and cookies decide.
      const verified = await ask('/api/auth/verify', { headers: { cookie, authorization: `Bearer ${ticket}` } });
      assert.equal(verified.headers['x-auth-via'], 'session');
      assert.equal((await ask('/api/auth/verify', { headers: { cookie, authorization: dead } })).status, 401);
    });
  });
});
