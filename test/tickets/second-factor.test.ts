/** The second factor of a sign-in for a signed ticket (PX4): a partial ticket, or the code beside the password. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { type Account, addPasskey, firstAccount, originOf } from '../support/accounts.ts';
import { authenticator } from '../support/authenticator.ts';
import { type Got, send, type Sent } from '../support/client.ts';
import { asAdmin, passwordOf, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { askForTicket, assertRefused, dataOf, held, ticketPath } from '../support/signed-tickets.ts';
import { answer, bearer, eventsOf, forgive, login, pending, type Stage, stage } from '../support/two-steps.ts';

const minuteMs = 60_000;

/** What a partial ticket says can be answered with. */
const saidBy = (challenge: string): Readonly<Record<string, unknown>> => {
  const text = /^SP:!tfa!([^:]+):[0-9A-F]{8}::[A-Za-z0-9+/]{43}$/.exec(challenge)?.[1] ?? assert.fail(challenge);
  return JSON.parse(decodeURIComponent(text)) as Record<string, unknown>;
};

describe('the second factor of a signed ticket', () => {
  let on: Stage;
  let token: string;
  before(async () => {
    on = await stage();
    ({ token } = on);
    await settle(on.house.console, asAdmin(on.house.console, token), 'bob');
  });
  after(() => on.house.close());

  const begin = async (more: Readonly<Record<string, string>> = {}, sent: Sent = {}): Promise<string> => {
    const got = await askForTicket(on.house, more, sent);
    const data = dataOf(got);
    assert.equal(data['NeedTFA'], 1, got.text);
    assert.deepEqual(got.cookies, []);
    assert.equal(data['CSRFPreventionToken'], 'invalid');
    assert.equal(data['cap'], undefined);
    return String(data['ticket']);
  };
  const reply = (challenge: string, password: string, more: Readonly<Record<string, string>> = {}): Promise<Got> =>
    askForTicket(on.house, { 'tfa-challenge': challenge, password, ...more });
  const wrong = async (got: Promise<Got>): Promise<void> => assertRefused(await got, 401, 'invalid_credentials');

  it('by code: once, by the same user, with the answer in the form that is asked for', async () => {
    const challenge = await begin();
    assert.deepEqual(saidBy(challenge), { totp: true, recovery: Array.from({ length: 10 }, (_, at) => at) });
    await wrong(reply(challenge, `totp:${await on.phone.next()}`, { username: 'bob' }));
    const got = await reply(challenge, `totp:${await on.phone.next()}`, { 'http-only': '1' });
    assert.equal(dataOf(got)['username'], 'root1@local');
    assert.match(got.cookies[0] ?? '', /^__Host-SPAuthCookie=SP:root1@local:/);
    await wrong(reply(challenge, `totp:${await on.phone.next()}`));
    const second = await begin({ 'http-only': '1' });
    held(await reply(second, `totp:${await on.phone.next()}`));
  });

  it('by a recovery code, each once', async () => {
    const code = on.recoveryCodes.shift() ?? assert.fail();
    const challenge = await begin();
    assert.equal((saidBy(challenge)['recovery'] as number[]).length, 10);
    held(await reply(challenge, `recovery:${code}`));
    await wrong(reply(await begin(), `recovery:${code}`));
    assert.equal((saidBy(await begin())['recovery'] as number[]).length, 9);
  });

  it('any byte of it changed is another, and what cannot be read counts as wrong; five wrong ones end it', async () => {
    await forgive(on.house, token);
    const challenge = await begin();
    for (const at of [3, 10, challenge.length - 50, challenge.length - 1]) {
      const other = challenge[at] === 'A' ? 'B' : 'A';
      await wrong(
        reply(`${challenge.slice(0, at)}${other}${challenge.slice(at + 1)}`, `totp:${await on.phone.next()}`),
      );
    }
    for (const text of ['', 'totp:', 'webauthn:{', `recovery:${on.phone.wrong()}`])
      if (text !== '') await wrong(reply(challenge, text));
    await forgive(on.house, token);
    held(await reply(challenge, `totp:${await on.phone.next()}`));
    const spent = await begin();
    for (const text of ['nonsense', 'totp:12345', `totp:${on.recoveryCodes[0]}`, 'u2f:{}', 'webauthn:null'])
      await wrong(reply(spent, text));
    await forgive(on.house, token);
    await wrong(reply(spent, `totp:${await on.phone.next()}`));
  });

  it('for five minutes', async () => {
    const [late, soon] = [await begin(), await begin()];
    on.house.pass(5 * minuteMs - 2000);
    held(await reply(soon, `totp:${await on.phone.next()}`));
    on.house.pass(2000);
    await wrong(reply(late, `totp:${await on.phone.next()}`));
  });

  it('it is no ticket, refreshes nothing, and opens no session; what opens a session opens no ticket', async () => {
    const challenge = await begin();
    const headers = { authorization: `SPAuthCookie=${challenge}` };
    assertRefused(await send(`${on.house.console}/api2/json/version`, { headers }), 401, 'invalid_token');
    await wrong(askForTicket(on.house, { password: challenge }));
    const cookie = { cookie: `__Host-SPAuthCookie=${challenge}`, csrfpreventiontoken: 'invalid' };
    const form = { 'content-type': 'application/x-www-form-urlencoded', ...cookie };
    await wrong(send(`${on.house.console}${ticketPath}`, { method: 'POST', headers: form, body: '' }));
    assertProblem(await answer(on.house, challenge, await on.phone.next()), 401, 'invalid_credentials');
    const secret = Buffer.from(challenge.split('::')[1] ?? '', 'base64').toString('base64url');
    assertProblem(await answer(on.house, secret, await on.phone.next()), 401, 'invalid_credentials');
    const session = await pending(on.house);
    await wrong(reply(session, `totp:${await on.phone.next()}`));
    held(await reply(challenge, `totp:${await on.phone.next()}`));
  });

  it('beside the password, in one step; a wrong one is told like a wrong password, and an empty one is none', async () => {
    held(await askForTicket(on.house, { otp: await on.phone.next() }));
    await wrong(askForTicket(on.house, { otp: on.phone.wrong() }));
    await wrong(askForTicket(on.house, { otp: 'x' }));
    await begin({ otp: '' });
    held(await askForTicket(on.house, { username: 'bob', password: passwordOf('bob'), otp: '123456' }));
    await forgive(on.house, token);
  });

  it('a wrong password is asked for no code', async () => {
    await wrong(askForTicket(on.house, { password: wrongPasswordNo(1) }));
    await wrong(askForTicket(on.house, { password: wrongPasswordNo(2), otp: await on.phone.next() }));
  });

  it('a change of factors ends what is open', async () => {
    const challenge = await begin();
    const codes = await send(`${on.house.console}/api/auth/recovery-codes`, {
      headers: bearer(token),
      body: { password: admin.password, totp_code: await on.phone.next() },
    });
    assert.equal(codes.status, 200, codes.text);
    await wrong(reply(challenge, `totp:${await on.phone.next()}`));
  });

  it('a right password is no failure, and the codes after it are written down', async () => {
    const before = (await eventsOf(on.house, token, 'signed-in')).length;
    const refused = (await eventsOf(on.house, token, 'code-refused')).length;
    const challenge = await begin();
    assert.equal((await eventsOf(on.house, token, 'signed-in')).length, before);
    await wrong(reply(challenge, `totp:${on.phone.wrong()}`));
    held(await reply(challenge, `totp:${await on.phone.next()}`));
    assert.equal((await eventsOf(on.house, token, 'signed-in')).length, before + 1);
    assert.equal((await eventsOf(on.house, token, 'code-refused')).length, refused + 1);
    assertProblem(await login(on.house, { password: wrongPasswordNo(3) }), 401, 'invalid_credentials');
  });
});

describe('by a passkey', () => {
  let house: Embedded;
  let owner: Account;
  const device = authenticator();
  before(async () => {
    house = await embed({ names: ['localhost'] });
    owner = await firstAccount(house);
    await addPasskey(house, owner.token, device);
  });
  after(() => house.close());

  it('on the host that it was made for, once, and by no other challenge', async () => {
    const sent = { headers: { host: new URL(originOf(house, 'localhost')).host } };
    const challenge = String(dataOf(await askForTicket(house, {}, sent))['ticket']);
    const said = saidBy(challenge);
    assert.equal(said['totp'], false);
    const { publicKey } = said['webauthn'] as { publicKey: Record<string, unknown> };
    const shown = async (options: Record<string, unknown>): Promise<Got> => {
      const signed = JSON.stringify(device.get(options, originOf(house, 'localhost')));
      return askForTicket(house, { 'tfa-challenge': challenge, password: `webauthn:${signed}` }, sent);
    };
    const elsewhere = { ...publicKey, challenge: 'A'.repeat(43) };
    assertRefused(await shown(elsewhere), 401, 'invalid_credentials');
    held(await shown(publicKey));
    assertRefused(await shown(publicKey), 401, 'invalid_credentials');
  });

  it('under an address none is asked for, and none is taken', async () => {
    const challenge = String(dataOf(await askForTicket(house))['ticket']);
    assert.equal(saidBy(challenge)['webauthn'], undefined);
    const answered = { 'tfa-challenge': challenge, password: 'webauthn:{}' };
    for (let tries = 0; tries < 6; tries += 1)
      assertRefused(await askForTicket(house, answered), 401, 'invalid_credentials');
  });
});
