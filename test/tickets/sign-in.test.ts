/** Signed tickets as clients of Proxmox products get, show and drop them (PX1, PX2, PX5, PX7; 2-http-api, 8). */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Got, send, type Sent } from '../support/client.ts';
import { type Admin, asAdmin, bearer, passwordOf, settle } from '../support/invited.ts';
import { admin, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askForTicket, assertRefused, dataOf, held, inForm, ticketOf, ticketPath } from '../support/signed-tickets.ts';
import { askAs, issue, makeTicket } from '../support/tokens.ts';

const extjsPath = ticketPath.replace('json', 'extjs');
const failure = 'authentication failure';
let wrongs = 0;
/** Nobody's limits are anybody else's. */
const somewhere = (): Sent => ({ from: `127.90.0.${(wrongs += 1)}` });

describe('signed tickets', () => {
  let server: RunningServer;
  let house: Admin;
  let root: string;
  before(async () => {
    server = await startServer({ args: ['--ticket-prefix', 'PVE'] });
    root = String((await setUp(server)).json['token']);
    house = asAdmin(server.console, root);
    await settle(server.console, house, 'bob');
  });
  after(() => server.remove());

  const bob = { username: 'bob', password: passwordOf('bob') } as const;
  const at = (path: string, sent: Sent = {}): Promise<Got> => send(`${server.console}${path}`, sent);
  const version = (headers: Readonly<Record<string, string>>): Promise<Got> => at('/api2/json/version', { headers });
  const works = async (ticket: string): Promise<number> =>
    (await version({ cookie: `PVEAuthCookie=${ticket}` })).status;

  describe('asked for', () => {
    it('in a form, with the realm in the name, beside it, by its other name, or left out', async () => {
      for (const [fields, name] of [
        [{ username: 'bob@local' }, 'bob@local'],
        [{ username: 'Bob@PVE' }, 'bob@pve'],
        [{ username: 'bob', realm: 'local' }, 'bob@local'],
        [{ username: 'bob', realm: 'pve' }, 'bob@pve'],
        [{ username: 'bob@pve', realm: 'pve' }, 'bob@pve'],
        [{ username: 'bob@local', realm: 'pve' }, 'bob@local'],
        [{ username: 'bob', 'new-format': '1' }, 'bob@local'],
        [{}, 'bob@local'],
      ] as const) {
        const got = await askForTicket(server, { ...bob, ...fields });
        const data = dataOf(got);
        assert.equal(data['username'], name);
        assert.match(String(data['ticket']), new RegExp(`^PVE:${name}:[0-9A-F]{8}::[A-Za-z0-9+/]+$`));
        assert.match(String(data['CSRFPreventionToken']), /^[0-9A-F]{8}:[\w-]{43}$/);
        assert.deepEqual(data['cap'], { '/': {} });
        assert.deepEqual(got.cookies, []);
        assert.equal(await works(String(data['ticket'])), 200);
      }
    });

    it('in JSON, in both forms of the answer', async () => {
      const json = await at(ticketPath, { body: { ...bob, realm: 'pve' } });
      assert.deepEqual(Object.keys(json.json).toSorted(), ['data', 'success']);
      const extjs = await at(extjsPath, { body: { ...bob, realm: 'pve' } });
      assert.deepEqual([extjs.json['success'], extjs.json['status']], [true, 200]);
      for (const got of [json, extjs]) assert.equal(await works(held(got).ticket), 200);
      const data = dataOf(await at(ticketPath, { body: admin }));
      assert.deepEqual(data['cap'], { '/': { admin: 1 } });
    });

    it('for a cookie: the ticket is nowhere else, and goes when it is over', async () => {
      for (const [path, sent] of [
        [ticketPath, inForm({ ...bob, 'http-only': '1' })],
        [ticketPath, { body: { ...bob, 'http-only': true } }],
        [extjsPath, { body: { ...bob, 'http-only': 1 } }],
      ] as const) {
        const got = await at(path, sent);
        const data = dataOf(got);
        assert.deepEqual(Object.keys(data).toSorted(), ['CSRFPreventionToken', 'ticket-info', 'username']);
        assert.equal(got.json['status'], 200);
        assert.match(String(data['ticket-info']), /^PVE:bob@local:[0-9A-F]{8}::ticketinfo$/);
        assert.equal(got.cookies.length, 1);
        const [line = ''] = got.cookies;
        const [pair = '', ...attributes] = line.split('; ');
        assert.match(pair, /^__Host-PVEAuthCookie=PVE:bob@local:/);
        assert.deepEqual(attributes.slice(0, -1).toSorted(), ['HttpOnly', 'Path=/', 'SameSite=Lax', 'Secure']);
        const left = Date.parse(attributes.at(-1)?.replace('Expires=', '') ?? '') - Date.now();
        assert.ok(left > 7_100_000 && left <= 7_200_000, line);
        assert.equal((await version({ cookie: pair })).status, 200);
        assert.ok(!got.text.includes(pair.split('::')[1] ?? ''), 'the ticket is in the body');
        // What scripts may see opens nothing.
        assert.equal((await version({ cookie: `__Host-PVEAuthCookie=${String(data['ticket-info'])}` })).status, 401);
      }
      for (const no of [{ 'http-only': '0' }, { 'http-only': 'false' }])
        assert.deepEqual((await askForTicket(server, { ...bob, ...no })).cookies, []);
    });

    it('what is wrong is one answer, whatever it is, and a real hash later', async () => {
      await settle(server.console, house, 'dave').then(({ id }) => house.patch(id, { active: false }));
      const answers: Got[] = [];
      for (const fields of [
        { username: 'bob', password: wrongPasswordNo(1) },
        { username: 'nobody', password: wrongPasswordNo(2) },
        { username: 'dave', password: passwordOf('dave') },
        { username: 'bob@nowhere', password: bob.password },
        { username: 'bob', realm: 'pam', password: bob.password },
        { username: 'bob', password: `PVE:bob@pve:6B0A977D::${'A'.repeat(164)}` },
        { username: 'bob', password: 'PVE:!tfa!{}:6B0A977D::AAAA' },
        { username: 'bob', password: `spp_${'A'.repeat(43)}` },
        { username: 'bob', password: 'totp:123456', 'tfa-challenge': 'PVE:!tfa!{}:6B0A977D::AAAA' },
        { username: 'bob', password: `spp_${'A'.repeat(43)}`, path: '/vms/1', privs: 'reader' },
        { username: 'bob', password: bob.password, path: '/vms/1', privs: 'reader' },
      ])
        answers.push(await askForTicket(server, fields, somewhere()));
      const shape = ({ status, reason, headers, json, cookies }: Got) => {
        const { date, 'content-length': _length, ...rest } = headers;
        assert.ok(date);
        return { status, reason, cookies, headers: rest, json: { ...json, request_id: '' } };
      };
      const [first] = answers.map(shape);
      for (const got of answers) {
        assertRefused(got, 401, 'invalid_credentials');
        assert.equal(got.reason, failure);
        assert.deepEqual(shape(got), first);
      }
      const extjs = await at(extjsPath, { body: { ...bob, password: wrongPasswordNo(3) }, ...somewhere() });
      assert.deepEqual([extjs.status, extjs.reason], [200, 'OK']);
      const { data, success, status, errors } = extjs.json;
      assert.deepEqual({ data, success, status, errors }, { data: null, success: false, status: 401, errors: {} });
    });

    it('what cannot be meant is told at once, by field', async () => {
      for (const [field, sent] of [
        ['username', inForm({ username: 'a:b', password: 'x' })],
        ['username', inForm({ username: 'a/b', password: 'x' })],
        ['username', inForm({ username: '@pve', password: 'x' })],
        ['username', inForm({ password: 'x' })],
        ['password', inForm({ username: 'bob' })],
        ['password', inForm({ username: 'bob', 'tfa-challenge': 'x' })],
        ['otp', inForm({ ...bob, otp: '1', 'tfa-challenge': 'x' })],
        ['privs', inForm({ ...bob, path: '/x' })],
        ['privs', inForm({ ...bob, privs: 'x' })],
        ['port', inForm({ ...bob, port: '1' })],
        ['port', inForm({ ...bob, path: '/x', privs: 'x', port: '70000' })],
        ['username', { body: { ...bob, username: 7 } }],
        ['password', { body: { ...bob, password: ['x'] } }],
        ['otp', { body: { ...bob, otp: 123456 } }],
        ['http-only', { body: { ...bob, 'http-only': 'perhaps' } }],
      ] as const) {
        const got = await at(ticketPath, sent);
        assertRefused(got, 400, 'invalid_request');
        assert.deepEqual(Object.keys(got.json['errors'] as object), [field], got.text);
        const extjs = await at(extjsPath, sent);
        assert.deepEqual([extjs.status, extjs.json['status'], extjs.json['success']], [200, 400, false], extjs.text);
        assert.deepEqual(Object.keys(extjs.json['errors'] as object), [field]);
      }
      const form = inForm({});
      assertRefused(await at(ticketPath, { ...form, body: 'username=bob&username=eve' }), 400, 'invalid_request');
      assertRefused(
        await at(ticketPath, { ...form, body: '{', headers: { 'content-type': 'application/json' } }),
        400,
        'invalid_request',
      );
      assertRefused(
        await at(ticketPath, { method: 'POST', headers: { 'content-type': 'text/plain' }, body: 'x' }),
        415,
        'unsupported_media_type',
      );
      assertRefused(await at(ticketPath, { method: 'PUT', body: {} }), 405, 'method_not_allowed');
      // Nothing is read from the query.
      const query = new URLSearchParams(bob).toString();
      assertRefused(await at(`${ticketPath}?${query}`, inForm({ username: 'bob' })), 400, 'invalid_request');
    });

    it('a page of somebody else cannot sign anybody in, and whatever else comes along is not read', async () => {
      for (const foreign of [{ origin: 'https://evil.test' }, { 'sec-fetch-site': 'same-site' }] as const)
        assertRefused(await askForTicket(server, bob, { headers: foreign }), 403, 'csrf_failed');
      const own = { origin: server.url, 'sec-fetch-site': 'same-origin' };
      held(await askForTicket(server, bob, { headers: own }));
      const { ticket } = await ticketOf(server);
      for (const headers of [
        { cookie: `__Host-PVEAuthCookie=${ticket}` },
        { cookie: '__Host-PVEAuthCookie=dead' },
        { authorization: 'Bearer dead' },
        bearer(root),
      ])
        assert.equal(dataOf(await askForTicket(server, bob, { headers }))['username'], 'bob@local');
      const asRoot = { headers: { cookie: `__Host-PVEAuthCookie=${ticket}` }, ...somewhere() };
      const got = await askForTicket(server, { username: admin.username, password: wrongPasswordNo(4) }, asRoot);
      assertRefused(got, 401, 'invalid_credentials');
      assert.deepEqual(got.cookies, []);
    });

    it('guesses are counted as anywhere else, and waiting is asked for', async () => {
      const from = { from: '127.91.0.1' };
      for (let tries = 0; tries < 10; tries += 1)
        assertRefused(
          await askForTicket(server, { username: `no-${tries}`, password: wrongPasswordNo(tries) }, from),
          401,
          'invalid_credentials',
        );
      const got = await askForTicket(server, { username: 'no-10', password: wrongPasswordNo(10) }, from);
      assertRefused(got, 429, 'rate_limited');
      assert.match(got.headers['retry-after'] ?? '', /^\d+$/);
      const elsewhere = await send(`${server.console}/api/auth/login`, {
        body: { username: 'x', password: 'yyyyyyyyyy' },
        ...from,
      });
      assertProblem(elsewhere, 429, 'rate_limited');
    });
  });

  describe('shown', () => {
    it('in either cookie and in the header; the bare cookie by programs alone', async () => {
      const { ticket } = await ticketOf(server, bob);
      const escaped = encodeURIComponent(ticket);
      for (const headers of [
        { cookie: `PVEAuthCookie=${ticket}` },
        { cookie: `PVEAuthCookie=${escaped}` },
        { cookie: `__Host-PVEAuthCookie=${ticket}` },
        { cookie: `__Host-PVEAuthCookie=${ticket}`, 'sec-fetch-site': 'same-origin' },
        { authorization: `PVEAuthCookie=${ticket}` },
      ])
        assert.equal((await version(headers)).status, 200, JSON.stringify(headers));
      for (const [headers, code, reason] of [
        [{}, 'unauthorized', 'No ticket'],
        [{ cookie: `PVEAuthCookie=${ticket}`, 'sec-fetch-site': 'none' }, 'unauthorized', 'No ticket'],
        [{ cookie: 'PVEAuthCookie=x' }, 'session_expired', 'permission denied - invalid PVE ticket'],
        [{ authorization: 'PVEAuthCookie=x' }, 'invalid_token', 'permission denied - invalid PVE ticket'],
        [
          { cookie: `__Host-PVEAuthCookie=${ticket}; __Host-PVEAuthCookie=${ticket}` },
          'session_expired',
          'permission denied - invalid PVE ticket',
        ],
      ] as const)
        for (const base of ['/api2/json', '/api2/extjs']) {
          const got = await at(`${base}/version`, { headers });
          assertRefused(got, 401, code);
          assert.equal(got.reason, reason);
        }
    });

    it('a dead cookie goes with the answer', async () => {
      const got = await version({ cookie: '__Host-PVEAuthCookie=x' });
      assert.equal(got.cookies.length, 1);
      assert.match(got.cookies[0] ?? '', /^__Host-PVEAuthCookie=; Path=\/; HttpOnly; SameSite=Lax; Secure; Max-Age=0$/);
      assert.match((await version({ cookie: 'PVEAuthCookie=x' })).cookies[0] ?? '', /^PVEAuthCookie=;.*Max-Age=0/);
    });

    it('on our other routes as its user, with its own CSRF token, and never for what has to be confirmed', async () => {
      const { ticket, csrf } = await ticketOf(server);
      const cookie = { cookie: `__Host-PVEAuthCookie=${ticket}` };
      const status = await at('/api/auth/status', { headers: cookie });
      assert.deepEqual([status.json['username'], status.json['via']], ['root1', 'ticket']);
      assert.equal(status.json['csrf_token'], csrf);
      const end = (headers: Readonly<Record<string, string>>): Promise<Got> =>
        at('/api/auth/notices', { method: 'DELETE', headers, body: { up_to: 0 } });
      assertProblem(await end(cookie), 403, 'csrf_failed');
      const other = await ticketOf(server);
      assertProblem(await end({ ...cookie, csrfpreventiontoken: other.csrf }), 403, 'csrf_failed');
      assertProblem(
        await end({ ...cookie, csrfpreventiontoken: csrf, origin: 'https://evil.test' }),
        403,
        'csrf_failed',
      );
      for (const name of ['csrfpreventiontoken', 'x-csrf-token'])
        assert.equal((await end({ ...cookie, [name]: csrf })).status, 200);
      assert.equal((await end({ authorization: `PVEAuthCookie=${ticket}` })).status, 200);
      const asked = await at('/api/auth/users', {
        headers: { authorization: `PVEAuthCookie=${ticket}` },
        body: { username: 'zoe', password: admin.password },
      });
      assertProblem(asked, 403, 'reauthentication_required');
      assert.deepEqual(asked.json['methods'], []);
    });
  });

  describe('dropped', () => {
    const drop = (headers: Readonly<Record<string, string>>, path = ticketPath): Promise<Got> =>
      at(path, { method: 'DELETE', headers });
    const gone = /^__Host-PVEAuthCookie=; .*Secure; Max-Age=0$/;

    it('from the cookie with its CSRF token, from the header without, by our own sign-out: dead everywhere', async () => {
      for (const out of [
        (ticket: string, csrf: string) =>
          drop({ cookie: `__Host-PVEAuthCookie=${ticket}`, csrfpreventiontoken: csrf, origin: server.url }),
        (ticket: string) => drop({ authorization: `PVEAuthCookie=${ticket}` }, extjsPath),
        (ticket: string, csrf: string) =>
          at('/api/auth/logout', {
            method: 'POST',
            headers: { cookie: `PVEAuthCookie=${ticket}`, 'x-csrf-token': csrf },
          }),
      ]) {
        const { ticket, csrf } = await ticketOf(server, bob);
        const got = await out(ticket, csrf);
        assert.equal(got.status, 200, got.text);
        assert.ok(
          got.cookies.some((line) => gone.test(line)),
          got.cookies.join(),
        );
        assert.equal(await works(ticket), 401);
        assert.equal((await version({ authorization: `PVEAuthCookie=${ticket}` })).status, 401);
        assertRefused(await askForTicket(server, { ...bob, password: ticket }), 401, 'invalid_credentials');
      }
    });

    it('not by a page of somebody else, nor without the token', async () => {
      const { ticket, csrf } = await ticketOf(server, bob);
      const cookie = `__Host-PVEAuthCookie=${ticket}`;
      for (const headers of [
        { cookie },
        { cookie, csrfpreventiontoken: 'x' },
        { cookie, csrfpreventiontoken: csrf, origin: 'https://evil.test' },
      ])
        assertRefused(await drop(headers), 403, 'csrf_failed');
      assert.equal(await works(ticket), 200);
    });

    it('a session beside it is not asked, and stays', async () => {
      const { ticket, csrf } = await ticketOf(server, bob);
      const session = await signInBearer(server, bob);
      const headers = { cookie: `__Host-PVEAuthCookie=${ticket}`, csrfpreventiontoken: csrf, ...bearer(session) };
      assert.equal((await drop(headers)).status, 200);
      assert.equal(await works(ticket), 401);
      const got = await at('/api/auth/status', { headers: bearer(session) });
      assert.equal(got.json['authenticated'], true);
    });

    it('without a living one there is nothing but the cookie to take away', async () => {
      for (const headers of [{}, { cookie: '__Host-PVEAuthCookie=x' }, bearer(root)] as const) {
        const got = await drop(headers);
        assert.deepEqual([got.status, got.json], [200, { success: true, data: {}, status: 200 }]);
        assert.ok(
          got.cookies.some((line) => gone.test(line)),
          got.cookies.join(),
        );
      }
      assert.equal((await at('/api/auth/status', { headers: bearer(root) })).json['authenticated'], true);
    });
  });

  it('what is open to everybody: a look at the route, and the realms', async () => {
    const look = await at(ticketPath);
    assert.deepEqual([look.status, look.json], [200, { success: true, data: null }]);
    const realms = (await at('/api2/extjs/access/domains')).json['data'];
    assert.deepEqual(realms, [{ realm: 'local', type: 'local', comment: 'Accounts of this server', default: true }]);
    assertRefused(await at('/api2/json/access/nothing'), 404, 'not_found');
    assertProblem(await at('/api2/xml/access/ticket'), 404, 'not_found');
  });

  describe('named API tokens', () => {
    it('in every form of the header; nobody else’s, and under no other name', async () => {
      const ask = askAs(server.console, root);
      const { secret } = await issue(ask, { token_name: 'my backup!x', scope: 'full_admin' });
      const name = encodeURIComponent('my backup!x');
      for (const text of [
        `PVEAPIToken=root1@pve!my backup!x=${secret}`,
        `PVEAPIToken=Root1@local!${name}=${secret}`,
        `PVEAPIToken root1@pve!${name}:${secret}`,
        `PVEAPIToken=root1!${name}:${encodeURIComponent(secret)}`,
        `PVEAPIToken=${encodeURIComponent('root1@pve')}!${name}=${secret}`,
      ]) {
        const got = await version({ authorization: text });
        assert.equal(got.status, 200, `${text} ${got.text}`);
      }
      for (const text of [
        `PVEAPIToken=root1@pve!other=${secret}`,
        `PVEAPIToken=bob@pve!${name}=${secret}`,
        `PVEAPIToken=root1@pam!${name}=${secret}`,
        `PVEAPIToken=root1@pve!${name}=${secret.slice(0, -1)}`,
        `PVEAPIToken=root1@pve=${secret}`,
        `PVEAPIToken=${secret}`,
        'PVEAPIToken=',
        `PBSAPIToken=root1@pve!${name}=${secret}`,
      ])
        assertRefused(await version({ authorization: text }), 401, 'invalid_token');
    });
  });

  describe('tickets for a path', () => {
    const question = { path: '/vms/100', privs: 'admin', port: '5900' } as const;
    const made = (more: Readonly<Record<string, unknown>> = {}): Promise<string> =>
      makeTicket(server, root, '/vms/100', { ttl_seconds: 60, privileges: ['admin'], port: 5900, ...more });
    const ask = (ticket: string, more: Readonly<Record<string, string>> = {}): Promise<Got> =>
      askForTicket(server, { username: 'root1@pve', password: ticket, ...question, ...more }, somewhere());

    it('good once, for its owner, path, port and privileges; asked about for anything else it is not spent', async () => {
      const ticket = await made();
      for (const other of [{ path: '/vms/101' }, { port: '5901' }, { privs: 'admin,reader' }])
        assertRefused(await ask(ticket, other), 401, 'invalid_credentials');
      const data = dataOf(await ask(ticket));
      assert.deepEqual(data, { username: 'root1@pve', cap: { '/': { admin: 1 } } });
      assertRefused(await ask(ticket), 401, 'invalid_credentials');
      assertRefused(await ask(await made(), { username: 'bob' }), 401, 'invalid_credentials');
      const inCookie = await ask(await made(), { 'http-only': '1' });
      assert.deepEqual(inCookie.json, { success: true, data: { username: 'root1@pve' }, status: 200 });
      assert.deepEqual(inCookie.cookies, []);
      const url = `${server.console}/vms/100?ticket=${await made()}`;
      assert.notEqual((await send(url)).status, 200);
    });

    it('under its other name, without a word', async () => {
      const path = ticketPath.replace('/ticket', '/vncticket');
      const fields = (ticket: string) => ({ authid: 'root1@pve', vncticket: ticket, ...question });
      const ticket = await made();
      const got = await at(path, inForm(fields(ticket)));
      assert.deepEqual([got.status, got.json], [200, { success: true, data: null }]);
      assertRefused(await at(path, inForm(fields(ticket))), 401, 'invalid_credentials');
      assertRefused(await at(path, { body: { ...fields(ticket), authid: 'a:b', port: 5900 } }), 400, 'invalid_request');
      assertRefused(await at(path, { body: { authid: 'root1' } }), 400, 'invalid_request');
    });

    it('with NUL in what is asked it is a malformed question, whatever the store makes of such texts', async () => {
      const ticket = `spp_${'x'.repeat(43)}`;
      for (const more of [
        { path: '/vms/7\0', privs: 'admin' },
        { path: '/vms/7', privs: 'adm\0in' },
      ]) {
        const asked = await askForTicket(server, { password: ticket, ...more });
        assertRefused(asked, 400, 'invalid_request');
        const console = ticketPath.replace('/ticket', '/vncticket');
        const got = await send(`${server.console}${console}`, inForm({ authid: 'root1', vncticket: ticket, ...more }));
        assertRefused(got, 400, 'invalid_request');
      }
    });

    it('only for privileges that whoever asks for it holds, then and now', async () => {
      const asBob = askAs(server.console, await signInBearer(server, bob));
      const wanted = { path: '/vms/100', privileges: ['admin'] };
      assertProblem(await asBob('POST', '/api/auth/tickets', wanted), 403, 'forbidden');
      assert.equal((await asBob('POST', '/api/auth/tickets', { path: '/vms/100' })).status, 201);
      for (const port of [0, 65_536, '1'])
        assertProblem(await asBob('POST', '/api/auth/tickets', { path: '/x', port }), 400, 'invalid_request');
      const { secret } = await issue(askAs(server.console, root), { scope: 'read_only' });
      assertProblem(await askAs(server.console, secret)('POST', '/api/auth/tickets', wanted), 403, 'forbidden');
      const { id, token } = await settle(server.console, house, 'mallory', { privileges: ['reader'] });
      const held = await makeTicket(server, token, '/vms/100', { ttl_seconds: 60, privileges: ['reader'] });
      assert.equal((await house.patch(id, { privileges: [] })).status, 200);
      const got = await askForTicket(server, {
        username: 'mallory',
        password: held,
        path: '/vms/100',
        privs: 'reader',
      });
      assertRefused(got, 401, 'invalid_credentials');
    });
  });
});
