/**
 * Second factors under attack (security.md 2.3; 3-rules, Second factors): codes that come again, that are raced, guessed,
 * misspelt; a first step that is taken for both.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { readFile } from 'node:fs/promises';
import { bodyOf, browser, send, sendRaw } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { type Enrolled, enrol, phone as makePhone } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { assertProblem } from '../support/problem.ts';
import {
  answer,
  assertHalf,
  assertIn,
  assertWrongCode,
  bearer,
  eventsOf,
  forgive,
  login,
  pending,
  sessionsOf,
  signedIn,
  stage,
  type Stage,
} from '../support/two-steps.ts';

const minute = 60_000;

describe('the running server asks for the second factor', () => {
  let server: RunningServer;
  let echo: Awaited<ReturnType<typeof startEcho>>;
  let own: Enrolled;
  let token: string;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    token = String((await setUp(server)).json['token']);
    own = await enrol(server.console, token);
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  it('PM5: in two steps with cookies: the session is in its cookie alone, the challenge cookie is gone after it', async () => {
    const page = browser(server.console);
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    const first = await page.page('/api/auth/login', { body: { ...admin, login_token: prepared.json['login_token'] } });
    assertHalf(first);
    assert.deepEqual(first.json['methods'], ['totp', 'recovery']);
    assert.equal(first.json['passkey_options'], undefined);
    assert.deepEqual([...page.cookies.keys()], ['sallyport-challenge']);
    const [, line = ''] = first.cookies;
    assert.match(line, /^sallyport-challenge=[A-Za-z0-9_-]{43}; Path=\/; HttpOnly; SameSite=Strict; Max-Age=300$/);
    assert.notEqual(page.cookies.get('sallyport-challenge'), first.json['challenge']);
    const lives = Date.parse(String(first.json['expires_at'])) - Date.now();
    assert.ok(lives > 290_000 && lives <= 300_000, String(lives));
    const second = await page.page('/api/auth/login/verify', {
      body: { challenge: first.json['challenge'], totp_token: await own.phone.next() },
    });
    assert.equal(second.status, 200, second.text);
    assert.equal(second.json['token'], undefined);
    assert.match(String(second.json['csrf_token']), /^[\w-]{43}$/);
    assert.deepEqual([...page.cookies.keys()].toSorted(), ['sallyport-account', 'sallyport-device']);
    const status = await page.page('/api/auth/status');
    const { authenticated, totp_enabled, passkeys, second_factor, must } = status.json;
    assert.deepEqual([authenticated, totp_enabled, passkeys, second_factor, must], [true, true, 0, true, null]);
    const nobody = await send(`${server.console}/api/auth/status`);
    assert.deepEqual([nobody.json['totp_enabled'], nobody.json['second_factor']], [false, undefined]);
  });

  it('PM5: in one request, without cookies; and its wrong twins', async () => {
    const [code = '', other = ''] = own.recoveryCodes;
    assertIn(await login(server, { totp_token: code }));
    assertWrongCode(await login(server, { totp_token: code }));
    assertWrongCode(await login(server, { totp_token: own.phone.wrong() }));
    const wrong = await login(server, { password: wrongPasswordNo(1), totp_token: other });
    assertProblem(wrong, 401, 'invalid_credentials');
    assert.equal(wrong.json['requires_totp'], false);
    // It was not even looked at.
    assertIn(await login(server, { totp_token: other, kind: 'admin' }));
  });

  it('M-02: fifty sign-ins at once with one code are one session', async () => {
    const before = await sessionsOf(server, token);
    const code = await own.phone.next();
    const all = await Promise.all(Array.from({ length: 50 }, () => login(server, { totp_token: code })));
    assert.equal(all.filter((got) => got.status === 200).length, 1);
    for (const got of all) if (got.status !== 200) assert.ok([401, 429].includes(got.status), got.text);
    assert.equal(await sessionsOf(server, token), before + 1);
  });

  it('M-08: a challenge opens nothing, in whatever it is sent', async () => {
    const page = browser(server.console);
    const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
    const first = await page.page('/api/auth/login', {
      body: { ...admin, login_token: prepared.json['login_token'] },
      from: '127.91.0.1',
    });
    assertHalf(first);
    const challenge = String(first.json['challenge']);
    const nonce = page.cookies.get('sallyport-challenge') ?? '';
    const openapi = await send(`${server.console}/api/auth/openapi.json`);
    const table = openapi.json['paths'] as Record<string, Record<string, { security?: unknown[] }>>;
    const routes = Object.entries(table).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security = [] }]) =>
        security.length > 0 ? [{ path: path.replaceAll(/\{\w+\}/g, 'x'), method: method.toUpperCase() }] : [],
      ),
    );
    assert.ok(routes.length > 20, String(routes.length));
    const shown = (value: string): Record<string, string>[] => [
      { authorization: `Bearer ${value}` },
      { authorization: `Token ${value}` },
      { 'x-api-key': value },
      { cookie: `sallyport-account=${value}` },
      { cookie: `sallyport-admin=${value}; sallyport-challenge=${nonce}` },
      { cookie: `sallyport-challenge=${value}`, 'x-csrf-token': value },
    ];
    for (const { path, method } of routes) {
      for (const headers of [challenge, nonce].flatMap(shown)) {
        const got = await send(`${server.console}${path}`, {
          method,
          from: '127.91.0.1',
          ...bodyOf(method, path, headers, { challenge }),
        });
        assert.equal(got.status, 401, `${method} ${path} ${JSON.stringify(headers)}: ${got.text}`);
      }
    }
    for (const value of [challenge, nonce]) {
      for (const headers of [...shown(value), { cookie: `sallyport-app=${value}` }]) {
        const at = await send(`${server.application}/secret`, { headers, from: '127.91.0.2' });
        assert.equal(at.status, 401, at.text);
      }
      const back = await send(`${server.application}/.sallyport/callback?ticket=${value}`, { from: '127.91.0.2' });
      assert.equal(back.status, 401, back.text);
      const { host, port } = new URL(server.application);
      const upgraded = await sendRaw(
        Number(port),
        `GET /socket HTTP/1.1\r\nHost: ${host}\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nOrigin: ${server.application}\r\n` +
          `Cookie: sallyport-app=${value}\r\nSec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n`,
      );
      assert.match(upgraded, /^HTTP\/1\.1 401 /);
    }
    const status = await send(`${server.console}/api/auth/status`, { headers: bearer(challenge) });
    assert.equal(status.json['authenticated'], false);
    assert.deepEqual(echo.seen, []);
    // All that did not spend it: the step it is for still works.
    const second = await page.page('/api/auth/login/verify', {
      body: { challenge, totp_token: own.recoveryCodes[2] },
      from: '127.91.0.1',
    });
    assert.equal(second.status, 200, second.text);
    assert.ok(page.cookies.has('sallyport-account'));
  });

  it('a wrong code is told for fail2ban, and neither it nor a right one is in any log', async () => {
    const [, , , code = ''] = own.recoveryCodes;
    assertIn(await login(server, { totp_token: code }, '127.91.1.1'));
    const guess = own.phone.wrong();
    assertWrongCode(await login(server, { totp_token: guess }, '127.91.1.2'));
    // Whichever node it was tried at.
    const nodes = server.nodes.length === 0 ? [server] : server.nodes;
    const logs = await Promise.all(nodes.map(({ data }) => readFile(`${data}/auth.log`, 'utf8')));
    const lines = logs.join('').split('\n');
    assert.equal(lines.filter((line) => line.endsWith('rhost=127.91.1.2 user=root1')).length, 1);
    assert.equal(lines.filter((line) => line.includes('127.91.1.1')).length, 0);
    const secrets = [code, guess, own.phone.secret, ...own.recoveryCodes];
    for (const text of [...logs, server.log()])
      for (const secret of secrets) assert.ok(!text.includes(secret), `${secret} is in a log`);
    const metrics = await Promise.all(nodes.map(({ console }) => send(`${console}/metrics`)));
    assert.match(
      metrics.map(({ text }) => text).join('\n'),
      /^sallyport_authentication_total\{kind="account",way="password",result="wrong-code"\} /m,
    );
    const attempts = await send(`${server.console}/api/auth/login-attempts`, { headers: bearer(token) });
    const told = (attempts.json['attempts'] as Record<string, unknown>[]).find(
      (each) => each['address'] === '127.91.1.2',
    );
    assert.deepEqual([told?.['way'], told?.['result']], ['password', 'wrong-code']);
  });
});

describe('codes', () => {
  let at: Stage;
  before(async () => {
    at = await stage();
  });
  after(() => at.house.close());

  /** All of it comes from where the owner is known, more than any network may fail. */
  const rested = (): Promise<void> => forgive(at.house, at.token);

  it('M-01: a code works once, in whichever of its forms it comes again', async () => {
    const { house, phone } = at;
    const code = await phone.next();
    assertIn(await login(house, { totp_token: code }));
    assertWrongCode(await login(house, { totp_token: code }));
    assertWrongCode(await answer(house, await pending(house), code));
    const events = await eventsOf(house, at.token, 'code-refused');
    assert.deepEqual(
      events.map((event) => event['result']),
      ['code-used-before', 'code-used-before'],
    );
    await rested();
  });

  it('M-01: nor does the code that switched them on', async () => {
    const { house } = at;
    const token = await signedIn(at);
    const begun = await send(`${house.console}/api/auth/totp/setup`, { headers: bearer(token), body: {} });
    assert.equal(begun.status, 200, begun.text);
    const phone = makePhone(String(begun.json['secret']), at.watch);
    const code = await phone.next();
    const on = await send(`${house.console}/api/auth/totp/enable`, { headers: bearer(token), body: { token: code } });
    assert.equal(on.status, 200, on.text);
    assertWrongCode(await login(house, { totp_token: code }));
    // The old secret and its recovery codes are gone with it.
    assertWrongCode(await login(house, { totp_token: await at.phone.next() }));
    assertWrongCode(await login(house, { totp_token: at.recoveryCodes[0] }));
    assertIn(await login(house, { totp_token: await phone.next() }));
    at = { ...at, token, phone, recoveryCodes: [...(begun.json['backup_codes'] as string[])] };
    await rested();
  });

  it('M-06: the step before, this one, the next; and none below one that was used', async () => {
    const { house, phone } = at;
    await phone.settled();
    for (const steps of [-3, -2, 2, 3]) assertWrongCode(await login(house, { totp_token: phone.at(steps) }));
    await rested();
    assertIn(await login(house, { totp_token: phone.at(-1) }));
    assertIn(await login(house, { totp_token: phone.at(0) }));
    assertWrongCode(await login(house, { totp_token: phone.at(-1) }));
    assertIn(await login(house, { totp_token: phone.at(1) }));
    for (const steps of [-1, 0, 1]) assertWrongCode(await login(house, { totp_token: phone.at(steps) }));
    await rested();
    await phone.settled();
    // F-27: nor when the clock goes back.
    const code = await phone.next();
    assertIn(await login(house, { totp_token: code }));
    house.pass(-10 * minute);
    assertWrongCode(await login(house, { totp_token: code }));
    for (const steps of [-1, 0, 1]) assertWrongCode(await login(house, { totp_token: phone.at(steps) }));
    house.pass(10 * minute);
    await rested();
  });

  it('however they are grouped', async () => {
    const { house, phone, recoveryCodes } = at;
    const grouped = async (group: (code: string) => string): Promise<void> => {
      assertIn(await login(house, { totp_token: group(await phone.next()) }));
      assertIn(await answer(house, await pending(house), group(recoveryCodes.pop() ?? '')));
    };
    await grouped((code) => ` ${code}\n`);
    await grouped((code) => Array.from(code).join(' '));
    await grouped((code) => Array.from(code).join('-').toLowerCase());
    await grouped((code) => `${code.slice(0, 3)}\u00a0${code.slice(3)}`);
    await grouped((code) => `${code.slice(0, 3)}\u2013${code.slice(3)}`);
    const spelt = (recoveryCodes.pop() ?? '').replaceAll('-', '').replaceAll('0', 'o').replaceAll('1', 'l');
    assertIn(await login(house, { totp_token: spelt }));
  });

  it('what is no code is a wrong one; what is no text is no request', async () => {
    const { house, phone } = at;
    const code = await phone.next();
    const arabic = Array.from(code)
      .map((digit) => String.fromCharCode(0x660 + Number(digit)))
      .join('');
    const wide = Array.from(code)
      .map((digit) => String.fromCharCode(0xff10 + Number(digit)))
      .join('');
    const texts = [
      '',
      ' ',
      code.slice(1),
      `${code}0`,
      'abcdef',
      '12345',
      `+${code}`,
      `${code}.0`,
      `0x${code}`,
      `${code}\u0000`,
      arabic,
      wide,
      'x'.repeat(5),
      'x'.repeat(1000),
      '9'.repeat(1024),
      'A'.repeat(25),
      "' OR 1=1 --",
      '__proto__',
    ];
    for (const text of texts) {
      assertWrongCode(await login(house, { totp_token: text }));
      await rested();
      assertWrongCode(await answer(house, await pending(house), text));
      await rested();
    }
    for (const value of [Number(code), null, true, [code], { code }, 0, '9'.repeat(1025)]) {
      assertProblem(await login(house, { totp_token: value }), 400, 'invalid_request');
      assertProblem(await answer(house, await pending(house), value), 400, 'invalid_request');
    }
    const told = await eventsOf(house, at.token, 'code-refused');
    assert.ok(told.some((event) => event['result'] === 'code-unreadable'));
    assertIn(await login(house, { totp_token: await phone.next() }));
  });

  it('M-11: a recovery code works once, of twenty at once as well; its owner is told how many are left', async () => {
    const { house, recoveryCodes } = at;
    const left = async (): Promise<number> =>
      Number((await send(`${house.console}/api/auth/factors`, { headers: bearer(at.token) })).json['recovery_codes']);
    const before = await left();
    const code = recoveryCodes.pop() ?? '';
    const challenges: string[] = [];
    for (let count = 0; count < 20; count += 1) challenges.push(await pending(house));
    const all = await Promise.all(challenges.map((challenge) => answer(house, challenge, code)));
    assert.equal(all.filter((got) => got.status === 200).length, 1);
    assert.equal(all.filter((got) => [401, 429].includes(got.status)).length, 19);
    assert.equal(await left(), before - 1);
    await rested();
    assertWrongCode(await login(house, { totp_token: code }));
    const { store } = house.sallyport;
    const user = await store.userByName('root1' as Parameters<typeof store.userByName>[0]);
    assert.ok(user.kind === 'found');
    const [notice] = (await store.notices(user.user.id)).filter(({ kind }) => kind === 'recovery-code-used');
    assert.equal(notice?.detail, String(before - 1));
    assert.equal((await eventsOf(house, at.token, 'recovery-code-used'))[0]?.['result'], 'ok');
    await rested();
  });

  it('of two recovery codes that answer one challenge at once, one is spent', async () => {
    const { house, recoveryCodes } = at;
    const left = async (): Promise<number> =>
      Number((await send(`${house.console}/api/auth/factors`, { headers: bearer(at.token) })).json['recovery_codes']);
    const before = await left();
    const challenge = await pending(house);
    const all = await Promise.all(recoveryCodes.slice(-2).map((code) => answer(house, challenge, code)));
    assert.deepEqual(
      all.map((got) => got.status).toSorted((a, b) => a - b),
      [200, 401],
    );
    assert.equal(await left(), before - 1);
  });
});
