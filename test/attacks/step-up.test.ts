/**
 * Confirming that it is still the person (security.md 2.3, M-13, M-15; 2-http-api, 4), and what has to be done before anything
 * else: with a session alone nobody disarms an account, and with a password alone nobody who has a second factor.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Username } from '../../src/types.ts';
import { bodyOf, browser, type Got, send, type Sent } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { freePort } from '../support/free-port.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, enterApplication, setUp, signInBearer, wrongPasswordNo } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { assertProblem } from '../support/problem.ts';
import { startServer } from '../support/server.ts';
import {
  assertIn,
  assertWrongCode,
  bearer,
  eventsOf,
  login,
  signedIn,
  stage,
  type Stage,
} from '../support/two-steps.ts';

const minute = 60_000;

describe('confirming with a second factor', () => {
  let at: Stage;
  before(async () => {
    at = await stage();
  });
  after(() => at.house.close());

  const ask = (path: string, body: object, token = at.token): Promise<Got> =>
    send(`${at.house.console}/api/auth/${path}`, { headers: bearer(token), body });
  const keep = (got: Got): void => {
    assert.equal(got.status, 200, got.text);
    at = { ...at, token: String(got.json['token']) };
  };
  const wanted = (got: Got): void => {
    assertProblem(got, 403, 'reauthentication_required');
    assert.deepEqual(got.json['methods'], ['password', 'totp', 'recovery']);
  };
  const failed = (got: Got): void => assertProblem(got, 403, 'reauthentication_failed');

  const guarded: readonly (readonly [string, object])[] = [
    ['totp/setup', {}],
    ['recovery-codes', {}],
    ['passkeys/options', {}],
    ['passkeys', { response: { attestationObject: 'x' } }],
    ['disable', {}],
  ];

  it('M-13: a session older than the window changes no factor, and says what would do', async () => {
    at.house.pass(5 * minute);
    for (const [path, body] of guarded) wanted(await ask(path, body));
    for (const method of ['PATCH', 'DELETE']) {
      const got = await send(`${at.house.console}/api/auth/passkeys/x`, {
        method,
        headers: bearer(at.token),
        body: { name: 'x' },
      });
      wanted(got);
    }
    // The right password alone is not enough, and is not even looked at: a wrong one is told the same.
    for (const password of [admin.password, wrongPasswordNo(1)])
      for (const [path, body] of guarded) wanted(await ask(path, { ...body, password }));
    assert.equal((await eventsOf(at.house, at.token, 'reauthentication-refused')).length, 0);
  });

  it('a password with a code does, in the request itself, and opens no window', async () => {
    const { phone } = at;
    const password = admin.password;
    const made = await ask('totp/setup', { password, totp_code: await phone.next() });
    assert.equal(made.status, 200, made.text);
    wanted(await ask('totp/setup', {}));
    const spent = await phone.next();
    assert.equal((await ask('totp/setup', { password, totp_token: spent })).status, 200);
    failed(await ask('totp/setup', { password, totp_code: spent }));
    assert.equal((await ask('totp/setup', { password, totp_code: at.recoveryCodes.pop() })).status, 200);
    failed(await ask('totp/setup', { password: wrongPasswordNo(2), totp_code: await phone.next() }));
    failed(await ask('totp/setup', { password, totp_code: phone.wrong() }));
    // What was given is always checked, whatever window is open.
    keep(await ask('reauthenticate', { password, totp_code: await phone.next() }));
    failed(await ask('totp/setup', { password: wrongPasswordNo(3), totp_code: await phone.next() }));
    wanted(await ask('totp/setup', { password }));
    assert.equal((await ask('totp/setup', {})).status, 200);
    for (const body of [{ password, totp_code: 123456 }, { password: 7 }, { password, totp_code: ['123456'] }])
      assertProblem(await ask('totp/setup', body), 400, 'invalid_request');
  });

  it('a code that was for confirming is none for signing in, and the other way round', async () => {
    const { phone, house } = at;
    const code = await phone.next();
    keep(await ask('reauthenticate', { password: admin.password, totp_code: code }));
    assertWrongCode(await login(house, { totp_token: code }));
    const other = await phone.next();
    assertIn(await login(house, { totp_token: other }));
    failed(await ask('reauthenticate', { password: admin.password, totp_code: other }));
  });

  it('reauthenticate: both, or nothing', async () => {
    wanted(await ask('reauthenticate', { password: admin.password }));
    assertProblem(await ask('reauthenticate', { totp_code: await at.phone.next() }), 400, 'invalid_request');
    assertProblem(await ask('reauthenticate', {}), 400, 'invalid_request');
    const before = at.token;
    keep(await ask('reauthenticate', { password: admin.password, totp_code: await at.phone.next() }));
    assertProblem(await ask('reauthenticate', { password: admin.password }, before), 401, 'invalid_token');
  });

  it('the fifth wrong code in a row ends the session, as the fifth wrong password would', async () => {
    const token = await signedIn(at);
    const wrong = (): Promise<Got> =>
      ask('reauthenticate', { password: admin.password, totp_code: at.phone.wrong() }, token);
    for (let count = 0; count < 4; count += 1) failed(await wrong());
    const right = { password: admin.password, totp_code: await at.phone.next() };
    const renewed = await ask('reauthenticate', right, token);
    assert.equal(renewed.status, 200, renewed.text);
    const next = String(renewed.json['token']);
    for (let count = 0; count < 5; count += 1)
      failed(await ask('reauthenticate', { password: admin.password, totp_code: 'x' }, next));
    assertProblem(await ask('reauthenticate', right, next), 401, 'invalid_token');
    const ended = await eventsOf(at.house, at.token, 'session-ended');
    assert.equal(ended[0]?.['result'], 'too-many-wrong-passwords');
  });

  it('in a browser the new session comes in its cookie, and the cookie of one that was ended goes', async () => {
    const page = browser(at.house.console);
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    const got = await page.page('/api/auth/login', {
      body: { ...admin, totp_token: await at.phone.next(), login_token: prepared.json['login_token'] },
    });
    assert.equal(got.status, 200, got.text);
    const before = page.cookies.get('sallyport-account');
    const body = { password: admin.password, totp_code: await at.phone.next() };
    const renewed = await page.page('/api/auth/reauthenticate', { body });
    assert.equal(renewed.status, 200, renewed.text);
    assert.notEqual(page.cookies.get('sallyport-account'), before);
    for (let count = 0; count < 5; count += 1)
      failed(await page.page('/api/auth/reauthenticate', { body: { ...body, totp_code: at.phone.wrong() } }));
    assert.ok(!page.cookies.has('sallyport-account'));
  });

  it('PM9: the password is changed with both; one of eight characters will do beside a second factor', async () => {
    const { house, phone } = at;
    const old_password = admin.password;
    const change = async (new_password: string, more: object = {}): Promise<Got> =>
      ask('change-password', { old_password, new_password, totp_code: await phone.next(), ...more });
    wanted(await ask('change-password', { old_password, new_password: 'copper heron dusk 17 ladders' }));
    failed(await change('copper heron dusk 17 ladders', { totp_code: phone.wrong() }));
    failed(await change('copper heron dusk 17 ladders', { old_password: wrongPasswordNo(4) }));
    assertProblem(await change('plum7xq'), 422, 'password_refused');
    // A code is not spent on a password that will not do.
    const code = await phone.next();
    assertProblem(await change('qwertyuiop', { totp_code: code }), 422, 'password_refused');
    keep(await change('plum7xqz', { totp_code: code }));
    const short = 'plum7xqz';
    assertIn(await login(house, { password: short, totp_token: await phone.next() }));
    // The last factor cannot go before the password is long enough to stand alone.
    const off = async (password: string): Promise<Got> =>
      ask('totp/disable', { password, totp_code: await phone.next() });
    assertProblem(await off(short), 409, 'conflict');
    keep(await change(old_password, { old_password: short }));
    assert.equal((await off(old_password)).status, 200);
    assertProblem(await ask('change-password', { old_password, new_password: short }), 422, 'password_refused');
    const { phone: next, recoveryCodes } = await enrol(house.console, at.token, at.watch);
    at = { ...at, phone: next, recoveryCodes: [...recoveryCodes] };
  });

  it('M-15: nothing but the documented way switches a factor off', async () => {
    const { house, phone } = at;
    keep(await ask('reauthenticate', { password: admin.password, totp_code: await phone.next() }));
    const me = { mfa: false, totp_enabled: false, sealedTotp: '', sealed_totp: '', passkeys: 0, second_factor: false };
    for (const [method, path] of [
      ['DELETE', '/api/auth/totp'],
      ['DELETE', '/api/auth/me/totp'],
      ['PATCH', '/api/auth/me'],
      ['PUT', '/api/auth/factors'],
      ['DELETE', '/api/auth/factors'],
      ['GET', '/api/auth/totp/disable'],
      ['DELETE', '/api/auth/totp/disable'],
    ] as const) {
      const got = await send(`${house.console}${path}`, {
        method,
        headers: bearer(at.token),
        ...(method === 'GET' ? {} : { body: me }),
      });
      assert.ok([404, 405].includes(got.status), `${method} ${path}: ${got.text}`);
    }
    // An open window stands in for neither of the two.
    assertProblem(await ask('totp/disable', {}), 400, 'invalid_request');
    assertProblem(await ask('totp/disable', { password: admin.password }), 400, 'invalid_request');
    assertProblem(await ask('totp/disable', { totp_code: await phone.next() }), 400, 'invalid_request');
    failed(await ask('totp/disable', { password: admin.password, totp_code: phone.wrong() }));
    failed(await ask('totp/disable', { password: wrongPasswordNo(5), totp_code: await phone.next() }));
    for (const body of [me, { ...me, password: admin.password, totp_code: await phone.next() }])
      await ask('totp/setup', body);
    const factors = await send(`${house.console}/api/auth/factors`, { headers: bearer(at.token) });
    assert.equal((factors.json['totp'] as { enabled: boolean }).enabled, true);
    assert.equal((await ask('totp/disable', { password: admin.password, totp_code: await phone.next() })).status, 200);
  });
});

describe('switching sign-in on again asks for the second factor', () => {
  it('of an admin who has one', async () => {
    const at = await stage();
    const { house, phone } = at;
    try {
      const off = await send(`${house.console}/api/auth/disable`, {
        headers: bearer(at.token),
        body: { password: admin.password, totp_code: await phone.next() },
      });
      assert.equal(off.status, 200, off.text);
      const on = (body: object): Promise<Got> =>
        send(`${house.console}/api/auth/enable`, { body: { ...admin, ...body } });
      assertWrongCode(await on({}));
      assertWrongCode(await on({ totp_code: phone.wrong() }));
      const wrong = await on({ password: wrongPasswordNo(1), totp_code: await phone.next() });
      assertProblem(wrong, 401, 'invalid_credentials');
      assert.equal(wrong.json['requires_totp'], false);
      const code = await phone.next();
      // Signing in works while it is off, and spends what it is given.
      assertIn(await login(house, { totp_token: code, kind: 'admin' }));
      assertWrongCode(await on({ totp_code: code }));
      assert.equal((await on({ totp_code: await phone.next() })).status, 200);
    } finally {
      await house.close();
    }
  });
});

describe('a second factor that is required', () => {
  let house: Embedded;
  let token: string;
  before(async () => {
    house = await embed({ argv: ['--require-factor', 'admins'] });
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...admin, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
    token = String(got.json['token']);
  });
  after(() => house.close());

  const ask = (path: string, sent: Sent = {}): Promise<Got> =>
    send(`${house.console}${path}`, { ...sent, headers: { ...bearer(token), ...sent.headers } });
  const must = (got: Got): void => {
    assertProblem(got, 403, 'forbidden');
    assert.equal(got.json['must'], 'enrol');
  };

  /** What an account without its factor may: just what it takes. */
  const open: ReadonlySet<string> = new Set([
    'POST /api/auth/logout',
    'POST /api/auth/reauthenticate',
    'POST /api/auth/change-password',
    'GET /api/auth/factors',
    'POST /api/auth/totp/setup',
    'POST /api/auth/totp/enable',
    'POST /api/auth/totp/disable',
    'POST /api/auth/recovery-codes',
    'GET /api/auth/passkeys',
    'POST /api/auth/passkeys/options',
    'POST /api/auth/passkeys',
    'PATCH /api/auth/passkeys/{id}',
    'DELETE /api/auth/passkeys/{id}',
    'GET /api/auth/sessions',
    'GET /api/auth/notices',
    'DELETE /api/auth/notices',
  ]);

  it('every route of the table: what it takes, and nothing else', async () => {
    assert.equal((await ask('/api/auth/status')).json['must'], 'enrol');
    const { paths } = (await ask('/api/auth/openapi.json')).json as {
      paths: Record<string, Record<string, { security: unknown[] }>>;
    };
    let closed = 0;
    for (const [path, methods] of Object.entries(paths)) {
      for (const [method, { security }] of Object.entries(methods)) {
        const name = `${method.toUpperCase()} ${path}`;
        if (security.length === 0 || name === 'POST /api/auth/logout') continue;
        const got = await ask(path.replaceAll(/\{\w+\}/g, 'x'), {
          method: method.toUpperCase(),
          // A number is no field of any of them: what lets it through refuses it for that.
          ...bodyOf(method.toUpperCase(), path, {}, { password: 7, name: 7, token: 7, old_password: 7 }),
        });
        if (open.has(name)) assert.ok(got.json['must'] === undefined, `${name}: ${got.text}`);
        else {
          // In the form of their clients, and the same all the same.
          if (path.startsWith('/api2/')) assert.deepEqual([got.status, got.json['must']], [403, 'enrol'], got.text);
          else must(got);
          closed += 1;
        }
      }
    }
    assert.ok(closed > 8, String(closed));
    for (const kind of ['admin', 'account']) {
      const other = assertIn(await login(house, { kind }));
      must(await send(`${house.console}/api/auth/audit`, { headers: bearer(other) }));
    }
    // Somebody has a duty: that is nothing they tried to get at.
    await enrol(house.console, token, { now: house.now, wait: house.pass });
    assert.equal((await eventsOf(house, token, 'authorisation-refused')).length, 0);
  });

  it('once it is there everything is, and without it nothing again', async () => {
    assert.equal((await ask('/api/auth/status')).json['must'], null);
    assert.equal((await ask('/api/auth/audit')).status, 200);
    assert.equal((await ask('/api/auth/verify')).status, 200);
    const found = await house.sallyport.store.userByName('root1' as Username);
    assert.ok(found.kind === 'found');
    const { user } = found;
    const plain = { ...user, privileges: [] };
    const updated = await house.sallyport.store.updateUser({
      userId: user.id,
      patch: { privileges: plain.privileges },
      adminPrivilege: 'another',
      audit: [],
    });
    assert.equal(updated.kind, 'updated');
    assert.equal((await ask('/api/auth/sessions')).status, 200);
    await house.sallyport.store.resetFactors({
      userId: user.id,
      audit: {
        at: house.now(),
        event: 'factors-reset',
        actor: '',
        address: '',
        peer: '',
        way: 'host',
        target: user.id,
        result: 'ok',
        count: 1,
      },
      notice: { userId: user.id, kind: 'factors-reset', at: house.now(), address: '', detail: '' },
    });
    // It is asked of admins alone.
    token = assertIn(await login(house));
    assert.equal((await ask('/api/auth/status')).json['must'], null);
    assert.equal((await ask('/api/auth/login-attempts')).status, 200);
    await house.sallyport.store.updateUser({
      userId: user.id,
      patch: { privileges: ['admin'] },
      adminPrivilege: 'admin',
      audit: [],
    });
    must(await ask('/api/auth/login-attempts'));
    must(await ask('/api/auth/verify'));
  });
});

describe('applications wait for a factor that is required', () => {
  it('through our own proxy and through others; a person is led to where it is added', async () => {
    const echo = await startEcho();
    const server = await startServer({ upstream: echo.url, args: ['--require-factor', 'everybody'] });
    try {
      const token = String((await setUp(server)).json['token']);
      const navigation = { accept: 'text/html', 'sec-fetch-mode': 'navigate', 'sec-fetch-site': 'none' };
      const page = browser(server.url);
      const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
      const got = await page.page('/api/auth/login', {
        body: { ...admin, login_token: prepared.json['login_token'] },
      });
      assert.equal(got.status, 200, got.text);
      // No ticket is made for an application that would not let them in.
      const back = encodeURIComponent(`${server.application}/`);
      const led = await page.send(`/auth/sign-in?return_to=${back}&state=${'A'.repeat(43)}`, { headers: navigation });
      assert.deepEqual([led.status, led.headers['location']], [302, '/auth/account']);
      const refused = await send(`${server.application}/secret`, { headers: bearer(token) });
      assertProblem(refused, 403, 'forbidden');
      assert.equal(refused.json['must'], 'enrol');
      const person = await send(`${server.application}/secret`, { headers: { ...bearer(token), ...navigation } });
      assert.deepEqual([person.status, person.headers['location']], [302, `${server.url}/auth/account`]);
      assertProblem(await send(`${server.console}/api/auth/verify`, { headers: bearer(token) }), 403, 'forbidden');
      const asked = await send(`${server.console}/api/auth/verify?redirect=1`, {
        headers: { ...bearer(token), ...navigation },
      });
      assert.deepEqual([asked.status, asked.headers['location']], [302, `${server.url}/auth/account`]);
      assert.deepEqual(echo.seen, []);
      await enrol(server.console, token);
      const through = await send(`${server.application}/secret`, { headers: bearer(token) });
      assert.equal(through.status, 200, through.text);
      // The other session ended with the change, as every other one does.
      assertProblem(await page.page('/api/auth/sessions'), 401, 'session_expired');
    } finally {
      await server.remove();
      await echo.close();
    }
  });

  it('an application that is in use is left when the duty comes', async () => {
    const echo = await startEcho();
    const listen = `127.0.0.1:${await freePort()}`;
    const appListen = `127.0.0.1:${await freePort()}`;
    const server = await startServer({ upstream: echo.url, listen, appListen });
    try {
      await setUp(server);
      const { application, console } = await enterApplication(server);
      assert.equal((await application.page('/in')).status, 200);
      assert.equal(await server.end(), 0);
      const again = await startServer({
        data: server.data,
        standing: 'set-up',
        upstream: echo.url,
        listen,
        appListen,
        args: ['--require-factor', 'everybody'],
      });
      try {
        assertProblem(await application.page('/in'), 403, 'forbidden');
        assert.equal((await console.page('/api/auth/status')).json['must'], 'enrol');
        // Nothing keeps anybody from signing out.
        const out = await application.page('/.sallyport/sign-out', { method: 'POST' });
        assert.equal(out.status, 302, out.text);
        assert.equal((await console.page('/api/auth/status')).json['authenticated'], false);
        assert.equal((await signInBearer(again)).startsWith('sps_'), true);
      } finally {
        await again.end();
      }
    } finally {
      await server.remove();
      await echo.close();
    }
  });
});
