/**
 * Partial tickets under attack (security.md 2.3; seeds-b.md 3.4): a right password that waits for its second factor opens nothing,
 * is answered once, by whoever it is of, and guessing through it counts as at every other way in.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Username } from '../../src/types.ts';
import { addPasskey, anotherAccount, asking, firstAccount, originOf } from '../support/accounts.ts';
import { authenticator, type Authenticator, type PasskeyOptions, type Twist } from '../support/authenticator.ts';
import { hashesOf } from '../support/basic.ts';
import { bodyOf, type Got, send, type Sent } from '../support/client.ts';
import { startEcho, type Echo } from '../support/echo.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, setUp } from '../support/people.ts';
import { enrol } from '../support/phone.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { askForTicket, assertRefused, dataOf, held } from '../support/signed-tickets.ts';
import {
  answer,
  assertHalf,
  assertIn,
  assertWrongCode,
  bearer,
  forgive,
  login,
  pending,
  stage,
  type Stage,
} from '../support/two-steps.ts';

type House = { readonly console: string };

const minute = 60_000;

/** A right password, and what it is answered with. */
async function partialOf(
  house: House,
  fields: Readonly<Record<string, string>> = {},
  more: Sent = {},
): Promise<string> {
  const data = dataOf(await askForTicket(house, fields, more));
  assert.equal(data['NeedTFA'], 1);
  return String(data['ticket']);
}

function respond(
  house: House,
  challenge: string,
  password: string,
  fields: Readonly<Record<string, string>> = {},
  more: Sent = {},
): Promise<Got> {
  return askForTicket(house, { 'tfa-challenge': challenge, password, ...fields }, more);
}

function assertIsIn(got: Got): void {
  assert.equal(held(got).csrf.length > 20, true);
}

function assertOut(got: Got): void {
  assertRefused(got, 401, 'invalid_credentials');
  assert.equal(got.json['requires_totp'], undefined);
  assert.deepEqual(got.cookies, []);
}

describe('partial tickets', () => {
  let at: Stage;
  before(async () => {
    at = await stage();
  });
  after(() => at.house.close());

  const code = (): string => at.recoveryCodes.pop() ?? assert.fail('there are no recovery codes left');
  const renewCodes = async (): Promise<void> => {
    at = { ...at, token: assertIn(await login(at.house, { totp_token: await at.phone.next() })) };
    const got = await send(`${at.house.console}/api/auth/recovery-codes`, {
      headers: bearer(at.token),
      body: { password: admin.password, totp_code: await at.phone.next() },
    });
    assert.equal(got.status, 200, got.text);
    at = { ...at, recoveryCodes: [...(got.json['backup_codes'] as string[])] };
    at.house.pass(minute);
  };

  it('says what it waits for, and is no ticket: no cookie, no CSRF token, no privileges', async () => {
    const { house } = at;
    for (const form of ['0', '1']) {
      const got = await askForTicket(house, { 'http-only': form });
      const data = dataOf(got);
      assert.deepEqual(Object.keys(data).sort(), ['CSRFPreventionToken', 'NeedTFA', 'ticket', 'username']);
      assert.equal(data['CSRFPreventionToken'], 'invalid');
      assert.deepEqual(got.cookies, []);
      assert.match(String(data['ticket']), /^SP:!tfa!%7B[^:]+%7D:[0-9A-F]{8}::[A-Za-z0-9+/]{43}$/);
    }
    const partial = await partialOf(house);
    assertIsIn(await respond(house, partial, `totp:${await at.phone.next()}`));
  });

  it('with any character changed, dropped or doubled it is another, which nobody waits for', async () => {
    const { house } = at;
    const partial = await partialOf(house);
    const right = code();
    const changed = Array.from(partial).flatMap((sign, place) => [
      partial.slice(0, place) + (sign === 'A' ? 'B' : 'A') + partial.slice(place + 1),
      partial.slice(0, place) + partial.slice(place + 1),
      partial.slice(0, place) + sign + partial.slice(place),
    ]);
    const spelled = [
      `${partial}=`,
      ` ${partial}`,
      `${partial}\n`,
      decodeURIComponent(partial),
      encodeURIComponent(partial),
      partial.toLowerCase(),
      partial.replace(/^SP/, 'PVE'),
      partial.split('::')[1] ?? '',
      '',
      'x',
      'SP:!tfa!::',
      "' OR 1=1 --",
    ];
    for (const [place, text] of [...changed, ...spelled].entries()) {
      if (place % 300 === 0) house.pass(minute);
      assertOut(await respond(house, text, `recovery:${right}`));
    }
    // Nothing was guessed at: neither name nor network was charged, the code is not spent, and it still waits.
    house.pass(minute);
    assertIsIn(await respond(house, partial, `recovery:${right}`));
    assertOut(await respond(house, partial, `recovery:${code()}`));
  });

  it('M-11: of many right answers at once one makes a ticket, and the codes of the others are not spent', async () => {
    await renewCodes();
    const { house } = at;
    const same = await partialOf(house);
    const one = code();
    const twenty = await Promise.all(Array.from({ length: 20 }, () => respond(house, same, `recovery:${one}`)));
    assert.equal(twenty.filter(({ status }) => status === 200).length, 1);
    const other = await partialOf(house);
    const codes = at.recoveryCodes.splice(0, 8);
    const answers = await Promise.all(codes.map((each) => respond(house, other, `recovery:${each}`)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    const unspent = codes.filter((_, place) => answers[place]?.status !== 200);
    for (const each of unspent.slice(0, 3))
      assertIsIn(await respond(house, await partialOf(house), `recovery:${each}`));
  });

  it('M-02: one code opens one of twenty, whichever way they go', async () => {
    await renewCodes();
    const { house, phone } = at;
    const [tickets, challenges] = [
      await Promise.all(Array.from({ length: 10 }, () => partialOf(house))),
      await Promise.all(Array.from({ length: 10 }, () => pending(house))),
    ];
    const right = await phone.next();
    const answers = await Promise.all([
      ...tickets.map((each) => respond(house, each, `totp:${right}`)),
      ...challenges.map((each) => answer(house, each, right)),
      askForTicket(house, { otp: right }),
      login(house, { totp_token: right }),
    ]);
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
    await forgive(house, at.token);
    house.pass(5 * minute);
  });

  it('five wrong answers end it, and what cannot be read counts', async () => {
    await renewCodes();
    const { house, phone } = at;
    const rounds = [
      [`totp:${phone.wrong()}`, 'x', '', 'totp:', 'recovery:AAAAA-AAAAA-AAAAA-AAAAA-AAAAA'],
      ['webauthn', 'WEBAUTHN:{}', ' webauthn:{}', 'u2f:{}', 'yubico:cccccccccccc'],
      [phone.at(0), 'totp', ':', `TOTP:${phone.at(0)}`, 'totp:１２３４５６'],
      [`recovery:${phone.at(0)}`, `totp:${at.recoveryCodes[0]}`, `sms:${phone.at(0)}`, `x:${phone.at(0)}`, '\u{1f600}'],
    ];
    for (const wrong of rounds) {
      assert.equal(wrong.length, 5);
      const four = await partialOf(house);
      for (const text of wrong.slice(1)) assertOut(await respond(house, four, text));
      assertIsIn(await respond(house, four, `recovery:${code()}`));
      const five = await partialOf(house);
      for (const text of wrong) assertOut(await respond(house, five, text));
      assertOut(await respond(house, five, `recovery:${at.recoveryCodes[0]}`));
      await forgive(house, at.token);
      house.pass(minute);
    }
    await renewCodes();
  });

  it('belongs to one account, and somebody else who shows it does not use it up', async () => {
    const { house } = at;
    await anotherAccount(house, 'bob');
    const partial = await partialOf(house);
    const right = `recovery:${code()}`;
    for (const username of ['bob', 'bob@local', 'nobody', 'root1@pve', 'root1@local@pve', 'ｒoot1@pve'])
      for (let count = 0; count < 6; count += 1) assertOut(await respond(house, partial, right, { username }));
    assertIsIn(await respond(house, partial, right, { username: 'ROOT1', realm: 'sp' }));
  });

  it('is good for five minutes, and not beyond a change of what it hangs on', async () => {
    const { house } = at;
    let partial = await partialOf(house);
    house.pass(5 * minute - 5000);
    assertIsIn(await respond(house, partial, `totp:${await at.phone.next()}`));
    partial = await partialOf(house);
    house.pass(5 * minute);
    assertOut(await respond(house, partial, `totp:${await at.phone.next()}`));

    const next = 'copper heron dusk 17 ladders';
    const change = async (from: string, to: string): Promise<void> => {
      const got = await send(`${house.console}/api/auth/change-password`, {
        headers: bearer(at.token),
        body: { old_password: from, new_password: to, totp_code: await at.phone.next() },
      });
      assert.equal(got.status, 200, got.text);
      at = { ...at, token: String(got.json['token']) };
    };
    at = { ...at, token: assertIn(await login(house, { totp_token: await at.phone.next() })) };
    partial = await partialOf(house);
    await change(admin.password, next);
    assertOut(await respond(house, partial, `totp:${await at.phone.next()}`));
    await change(next, admin.password);

    partial = await partialOf(house);
    const found = await house.sallyport.store.userByName('root1' as Username);
    assert.ok(found.kind === 'found');
    const set = async (active: boolean): Promise<void> => {
      const patch = { userId: found.user.id, patch: { active }, adminPrivilege: 'another', audit: [] };
      assert.equal((await house.sallyport.store.updateUser(patch)).kind, 'updated');
    };
    await set(false);
    assertOut(await respond(house, partial, `totp:${await at.phone.next()}`));
    await set(true);
    assertOut(await respond(house, partial, `totp:${await at.phone.next()}`));
    at = { ...at, token: assertIn(await login(house, { totp_token: await at.phone.next() })) };
    assertIsIn(await respond(house, await partialOf(house), `totp:${await at.phone.next()}`));
  });

  it('and a challenge of another way in are not each other, and neither is used up by that', async () => {
    const { house } = at;
    const [partial, challenge] = [await partialOf(house), await pending(house)];
    const right = code();
    const secret = partial.split('::')[1] ?? '';
    for (const text of [partial, secret, Buffer.from(secret, 'base64').toString('base64url')])
      assertWrongCode(await answer(house, text, right));
    const inForm = `SP:!tfa!%7B%7D:00000000::${Buffer.from(challenge, 'base64url').toString('base64').replaceAll('=', '')}`;
    for (const text of [challenge, inForm]) assertOut(await respond(house, text, `recovery:${right}`));
    assertIsIn(await respond(house, partial, `recovery:${right}`));
    assertIn(await answer(house, challenge, code()));
    // Nor is a full ticket a challenge.
    const full = held(await respond(house, await partialOf(house), `totp:${await at.phone.next()}`));
    assertOut(await respond(house, full.ticket, `recovery:${at.recoveryCodes[0]}`));
    assertIsIn(await askForTicket(house, { password: full.ticket }));
  });

  it('is no password, and nobody hashes it; a password does not answer it', async () => {
    const { house } = at;
    const partial = await partialOf(house);
    const before = await hashesOf(house);
    for (const text of [partial, `${partial}x`]) assertOut(await askForTicket(house, { password: text }));
    assert.equal(await hashesOf(house), before);
    assertOut(await respond(house, partial, admin.password));
    assertOut(await respond(house, partial, partial));
    // A code beside a challenge is none: it has one place.
    const both = await respond(house, partial, 'x', { otp: at.phone.at(0) });
    assertRefused(both, 400, 'invalid_request');
    assertIsIn(await respond(house, partial, `recovery:${code()}`));
  });
});

describe('M-08: a partial ticket opens nothing', () => {
  let server: RunningServer;
  let echo: Echo;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  it('on any route, as a cookie, in a header or as a token; and then it is still good for what it is for', async () => {
    const token = String((await setUp(server)).json['token']);
    const { recoveryCodes } = await enrol(server.console, token);
    const partial = await partialOf(server);
    const openapi = await send(`${server.console}/api/auth/openapi.json`);
    const table = openapi.json['paths'] as Record<string, Record<string, { security?: unknown[] }>>;
    const routes = Object.entries(table).flatMap(([path, methods]) =>
      Object.entries(methods).flatMap(([method, { security = [] }]) =>
        security.length > 0 && !path.endsWith('/access/ticket')
          ? [{ path: path.replaceAll(/\{\w+\}/g, 'x'), method: method.toUpperCase() }]
          : [],
      ),
    );
    assert.ok(routes.length > 20, String(routes.length));
    const encoded = encodeURIComponent(partial);
    const ways: readonly Readonly<Record<string, string>>[] = [
      { authorization: `Bearer ${partial}` },
      { authorization: `SPAuthCookie=${partial}` },
      { authorization: `SPAuthCookie=${encoded}` },
      { authorization: `SPAPIToken=root1@local!x=${partial}` },
      { 'x-api-key': partial },
      { cookie: `__Host-SPAuthCookie=${partial}`, csrfpreventiontoken: 'invalid' },
      { cookie: `__Host-SPAuthCookie=${encoded}` },
      { cookie: `SPAuthCookie=${partial}` },
      { cookie: `sallyport-account=${partial.split('::')[1]}` },
    ];
    for (const [at, headers] of ways.entries())
      for (const { path, method } of routes) {
        const got = await send(`${server.console}${path}`, {
          method,
          from: `127.92.${at}.1`,
          ...bodyOf(method, path, headers, { 'tfa-challenge': partial }),
        });
        assert.equal(got.status, 401, `${method} ${path} ${JSON.stringify(headers)}: ${got.text}`);
      }
    for (const headers of ways) {
      const got = await send(`${server.application}/secret`, { headers, from: '127.93.0.1' });
      assert.equal(got.status, 401, got.text);
    }
    assert.deepEqual(echo.seen, []);
    const status = await send(`${server.console}/api/auth/status`, { headers: ways[5] ?? {} });
    assert.equal(status.json['authenticated'], false);
    const got = await respond(server, partial, `recovery:${recoveryCodes[1]}`);
    assert.equal(dataOf(got)['username'], 'root1@local');
    assert.ok(!server.log().includes(partial.slice(-40)), 'the log has it');
  });
});

describe('M-04, M-10: guessing codes, by all ways at once', () => {
  let at: Stage;
  before(async () => {
    at = await stage('--trusted-proxies', '127.0.0.1');
  });
  after(() => at.house.close());

  const from = (address: string): Sent => ({ headers: { 'x-forwarded-for': address } });
  const whole = (address: string, text: string): Promise<Got> => askForTicket(at.house, { otp: text }, from(address));
  const partially = async (address: string, text: string): Promise<Got> =>
    respond(at.house, await partialOf(at.house, {}, from(address)), `totp:${text}`, {}, from(address));
  const atLogin = async (address: string, text: string): Promise<Got> => {
    const first = await send(`${at.house.console}/api/auth/login`, { ...from(address), body: admin });
    assertHalf(first);
    return send(`${at.house.console}/api/auth/login/verify`, {
      ...from(address),
      body: { challenge: first.json['challenge'], totp_token: text },
    });
  };
  const ways = [whole, partially, atLogin];

  it('five wrong ones from a strange network, whichever way, pause codes there for all of them', async () => {
    const { phone, house } = at;
    const away = '198.51.100.1';
    for (const way of [partially, whole, partially, atLogin, partially])
      assert.equal((await way(away, phone.wrong())).status, 401);
    house.pass(minute);
    const right = await phone.next();
    for (const way of ways) assert.equal((await way(away, right)).status, 401);
    // It was not looked at: elsewhere it is right.
    assertIsIn(await partially('198.51.100.77', right));
    const partial = await partialOf(house, {}, from(away));
    assertIsIn(await respond(house, partial, `recovery:${at.recoveryCodes.pop()}`, {}, from(away)));
  });

  it('a hundred lock them, whichever way, until something stronger says otherwise', async () => {
    const { phone, house } = at;
    for (let number = 0; number < 105; number += 1) {
      const way = ways[number % 3] ?? whole;
      const got = await way(`203.0.${Math.floor(number / 4)}.${number % 4}`, phone.wrong());
      assert.ok([401, 429].includes(got.status), got.text);
      if (number % 10 === 0) house.pass(minute);
    }
    house.pass(15 * minute);
    for (const [number, way] of ways.entries())
      assert.equal((await way(`192.0.2.${number}`, await phone.next())).status, 401);
    const partial = await partialOf(house, {}, from('192.0.2.9'));
    assertIsIn(await respond(house, partial, `recovery:${at.recoveryCodes.pop()}`, {}, from('192.0.2.9')));
    assertIsIn(await whole('192.0.2.9', await phone.next()));
  });

  it('a wrong code looks like a wrong password, at the same moment of a second', async () => {
    const { phone } = at;
    const told = ({ status, json, headers }: Got): string =>
      JSON.stringify({ status, ...json, request_id: '', headers: { ...headers, date: '' } });
    const answers = [
      await whole('192.0.2.21', phone.wrong()),
      await partially('192.0.2.22', phone.wrong()),
      await askForTicket(at.house, { password: 'wrong-pw-again-entirely' }, from('192.0.2.23')),
      await askForTicket(at.house, { username: 'ghost', password: 'x y z and more' }, from('192.0.2.24')),
      await respond(at.house, 'SP:!tfa!x', 'totp:123456', {}, from('192.0.2.25')),
    ];
    assert.equal(new Set(answers.map(told)).size, 1, answers.map(told).join('\n'));
  });
});

describe('M-16, M-17, M-20: passkeys that answer a partial ticket', () => {
  let house: Embedded;
  let origin: string;
  let phone: Authenticator;
  let bobs: Authenticator;
  before(async () => {
    house = await embed({ names: ['localhost'] });
    origin = originOf(house, 'localhost');
    const root = await firstAccount(house);
    phone = authenticator();
    await addPasskey(house, root.token, phone, { name: 'Phone' });
    const bob = await anotherAccount(house, 'bob');
    bobs = authenticator();
    await addPasskey(house, bob.token, bobs);
  });
  after(() => house.close());

  const ask = (fields: object): Promise<Got> =>
    asking(house)('POST', '/api2/json/access/ticket', { ...admin, ...fields });
  const waiting = async (): Promise<{ readonly partial: string; readonly options: PasskeyOptions }> => {
    house.pass(61_000);
    const partial = String(dataOf(await ask({}))['ticket']);
    const said = JSON.parse(decodeURIComponent(partial.split(':')[1]?.replace('!tfa!', '') ?? '')) as {
      readonly webauthn: { readonly publicKey: PasskeyOptions };
    };
    return { partial, options: said.webauthn.publicKey };
  };
  const show = (partial: string, response: unknown): Promise<Got> =>
    ask({ 'tfa-challenge': partial, password: `webauthn:${JSON.stringify(response)}` });

  it('M-16: an answer is good once, for the sign-in that asked for it', async () => {
    const { partial, options } = await waiting();
    const other = await waiting();
    const response = phone.get(options, origin);
    assertOut(await show(other.partial, response));
    assertIsIn(await show(partial, response));
    assertOut(await show(partial, response));
    assertOut(await show((await waiting()).partial, response));
    assertIsIn(await show(other.partial, phone.get(other.options, origin)));
    const late = await waiting();
    house.pass(5 * minute);
    assertOut(await show(late.partial, phone.get(late.options, origin)));
    // Twenty of the same at once.
    const race = await waiting();
    const racing = phone.get(race.options, origin);
    const answers = await Promise.all(Array.from({ length: 20 }, () => show(race.partial, racing)));
    assert.equal(answers.filter(({ status }) => status === 200).length, 1);
  });

  it('M-17, M-20: forged in any field, or of somebody else, it is a wrong answer', async () => {
    const twists: readonly Twist[] = [
      { clientData: { origin: 'https://evil.test' } },
      { clientData: { origin: origin.replace('http:', 'https:') } },
      { clientData: { type: 'webauthn.create' } },
      { clientData: { challenge: 'AAAA' } },
      { clientDataText: (text) => `\ufeff${text}` },
      { rpId: 'evil.test' },
      { userPresent: false },
      { signature: (signature) => signature.fill(1, 8, 9) },
    ];
    for (const twist of twists) {
      const { partial, options } = await waiting();
      assertOut(await show(partial, phone.get(options, origin, twist)));
      assertIsIn(await show(partial, phone.get(options, origin)));
    }
    const { partial, options } = await waiting();
    const { allowCredentials: _, ...anyKey } = options;
    assertOut(await show(partial, bobs.get(anyKey, origin)));
    const stolen = bobs.get(anyKey, origin, { userHandle: phone.credentials[0]?.userHandle ?? '' });
    assertOut(await show(partial, stolen));
    assertOut(await show(partial, { ...phone.get(options, origin), id: bobs.credentials[0]?.id }));
    assertIsIn(await show(partial, phone.get(options, origin)));
  });

  it('five that are none end it', async () => {
    const { partial, options } = await waiting();
    const shown = ['{', 'null', '[]', '"x"'].map((text) => `webauthn:${text}`);
    for (const password of shown) assertOut(await ask({ 'tfa-challenge': partial, password }));
    assertIsIn(await show(partial, phone.get(options, origin)));
    const five = await waiting();
    for (const password of [...shown, 'webauthn:']) assertOut(await ask({ 'tfa-challenge': five.partial, password }));
    assertOut(await show(five.partial, phone.get(five.options, origin)));
    // Under an address no passkey is asked for, and what is sent for one says nothing about the account.
    const { publicKey } = { publicKey: phone.get(five.options, origin) };
    const address = await partialOf(house);
    assert.ok(!decodeURIComponent(address).includes('webauthn'));
    assertOut(await respond(house, address, `webauthn:${JSON.stringify(publicKey)}`));
  });
});
