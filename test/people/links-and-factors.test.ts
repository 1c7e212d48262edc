/** A reset keeps the second factor (3-rules, Passwords; What ends what): the link sets the password, and lets nobody in alone. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import { codeOf } from '../support/accounts.ts';
import { browser, type Got, send } from '../support/client.ts';
import { type Admin, asAdmin, bearer, login, passwordOf, redeem, secretOf, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin as rootOf, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

const fresh = 'a fresh 77 thistle under snow';
const short = 'k7#mQz!2';

describe('links of accounts with a second factor', () => {
  let house: Embedded;
  let admin: Admin;
  let names = 0;
  before(async () => {
    house = await embed();
    const got = await send(`${house.console}/api/auth/setup`, { body: { ...rootOf, setup_code: house.setupCode } });
    assert.equal(got.status, 201, got.text);
  });
  after(() => house.close());
  beforeEach(async () => {
    house.pass(60_000);
    admin = asAdmin(house.console, await signInBearer({ console: house.console }));
  });

  /** With codes by time, and a session. */
  const withCodes = async () => {
    const username = `user-${(names += 1)}`;
    const { id, token } = await settle(house.console, admin, username);
    const ask = (path: string, body: unknown): Promise<Got> =>
      send(`${house.console}${path}`, { headers: bearer(token), body });
    const setup = await ask('/api/auth/totp/setup', {});
    const { secret, backup_codes: codes } = setup.json as { secret: string; backup_codes: string[] };
    assert.equal((await ask('/api/auth/totp/enable', { token: codeOf(house, secret) })).status, 200);
    house.pass(30_000);
    return { username, id, token, secret, codes };
  };
  const resetOf = async (id: string): Promise<string> => String((await admin.link(id, 'reset')).json['link']);
  const verify = (body: object, headers: Readonly<Record<string, string>> = {}): Promise<Got> =>
    send(`${house.console}/api/auth/login/verify`, { body, headers });
  const alive = async (token: string): Promise<number> =>
    (await send(`${house.console}/api/auth/sessions`, { headers: bearer(token) })).status;

  it('the password is set, and the code is asked for; with it there is a session, and everything else has ended', async () => {
    const { username, id, token, secret } = await withCodes();
    const link = await resetOf(id);
    const looked = await send(`${house.console}/api/auth/link/look`, { body: { link: secretOf(link) } });
    assert.equal(looked.json['second_factor'], true);
    const got = await redeem(house.console, link, fresh);
    assert.equal(got.status, 200, got.text);
    const { challenge, methods, ...said } = got.json;
    assert.deepEqual([said['success'], said['requires_totp'], methods], [false, true, ['totp', 'recovery']]);
    for (const name of ['token', 'csrf_token', 'backup_codes']) assert.equal(said[name], undefined);
    assert.deepEqual(await house.engine.sessionsOf(id as never, house.now()), []);
    assert.equal(await alive(token), 401);
    const attempts = async () =>
      (await house.engine.attempts({ userId: id as never, limit: 2, before: null })).map(
        ({ way, result }) => `${way} ${result}`,
      );
    assert.equal((await attempts())[0], 'link half', 'nobody is in');
    const done = await verify({ challenge, totp_token: codeOf(house, secret) });
    assert.equal(done.status, 200, done.text);
    assert.equal(await alive(String(done.json['token'])), 200);
    // The link is used up, the factor as it was, the new password asks for it.
    assertProblem(await redeem(house.console, link, passwordOf(username)), 403, 'link_invalid');
    const again = await login(house.console, username, fresh);
    assert.deepEqual([again.json['success'], again.json['requires_totp']], [false, true]);
  });

  it('in a browser the code has to come from the same one', async () => {
    const { id, secret } = await withCodes();
    const link = await resetOf(id);
    const person = browser(house.console);
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST' });
    const got = await person.page('/api/auth/link', {
      body: { link: secretOf(link), password: fresh, login_token: prepared.json['login_token'] },
    });
    assert.equal(got.status, 200, got.text);
    assert.ok(person.cookies.has('sallyport-challenge') && !person.cookies.has('sallyport-account'));
    const answer = { challenge: got.json['challenge'], totp_token: codeOf(house, secret) };
    assertProblem(await verify(answer), 401, 'invalid_credentials');
    const done = await person.page('/api/auth/login/verify', { body: answer });
    assert.equal(done.status, 200, done.text);
    assert.ok(person.cookies.has('sallyport-account') && !person.cookies.has('sallyport-challenge'));
  });

  it('whoever has the link alone gets nowhere: wrong codes, and the challenge is over', async () => {
    const { id, secret } = await withCodes();
    const got = await redeem(house.console, await resetOf(id), fresh);
    const { challenge } = got.json;
    for (let count = 0; count < 5; count += 1)
      assertProblem(await verify({ challenge, totp_token: '000000' }), 401, 'invalid_credentials');
    assertProblem(await verify({ challenge, totp_token: codeOf(house, secret) }), 401, 'invalid_credentials');
    assert.deepEqual(await house.engine.sessionsOf(id as never, house.now()), []);
    house.pass(3_600_000);
  });

  it('recovery codes go on working, and are not replaced', async () => {
    const { id, codes } = await withCodes();
    const got = await redeem(house.console, await resetOf(id), fresh);
    const done = await verify({ challenge: got.json['challenge'], totp_token: codes[0] });
    assert.equal(done.status, 200, done.text);
    const factors = await send(`${house.console}/api/auth/factors`, { headers: bearer(String(done.json['token'])) });
    assert.equal(factors.json['recovery_codes'], 9);
  });

  it('eight characters will do, and then the factor cannot go; without a factor they will not', async () => {
    const { id, secret } = await withCodes();
    const link = await resetOf(id);
    assertProblem(await redeem(house.console, link, 'k7#mQz!'), 422, 'password_refused');
    const got = await redeem(house.console, link, short);
    assert.equal(got.status, 200, got.text);
    const done = await verify({ challenge: got.json['challenge'], totp_token: codeOf(house, secret) });
    assert.equal(done.status, 200, done.text);
    const disable = await send(`${house.console}/api/auth/totp/disable`, {
      headers: bearer(String(done.json['token'])),
      body: { password: short, totp_code: codeOf(house, secret, 1) },
    });
    assertProblem(disable, 409, 'conflict');
    const plain = await settle(house.console, admin, `user-${(names += 1)}`);
    assertProblem(await redeem(house.console, await resetOf(plain.id), short), 422, 'password_refused');
  });

  it('dies with every change of factors', async () => {
    const { id, token, secret } = await withCodes();
    const first = await resetOf(id);
    const renewed = await send(`${house.console}/api/auth/recovery-codes`, { headers: bearer(token), body: {} });
    assert.equal(renewed.status, 200, renewed.text);
    assertProblem(await redeem(house.console, first, fresh), 403, 'link_invalid');
    const second = await resetOf(id);
    const disable = await send(`${house.console}/api/auth/totp/disable`, {
      headers: bearer(token),
      body: { password: passwordOf(`user-${names}`), totp_code: codeOf(house, secret) },
    });
    assert.equal(disable.status, 200, disable.text);
    assertProblem(await redeem(house.console, second, fresh), 403, 'link_invalid');
    const third = await resetOf(id);
    const host = await house.sallyport.users({ action: 'reset-factors', username: `user-${names}` });
    assert.equal(host.kind, 'done');
    assertProblem(await redeem(house.console, third, fresh), 403, 'link_invalid');
  });

  it('the host takes the factors away: no code is asked for any more, every session has ended, the owner is told', async () => {
    const { username, token } = await withCodes();
    const reset = await house.sallyport.users({ action: 'reset-factors', username });
    assert.equal(reset.kind, 'done');
    assert.equal(await alive(token), 401);
    const got = await login(house.console, username, passwordOf(username));
    assert.equal(got.status, 200, got.text);
    assert.equal(got.json['success'], true);
    const notices = await send(`${house.console}/api/auth/notices`, { headers: bearer(String(got.json['token'])) });
    const [newest] = notices.json['notices'] as { kind: string; address: string }[];
    assert.deepEqual([newest?.kind, newest?.address], ['factors-reset', '']);
  });

  it('a password that was enough beside a factor is changed first once the host took that away', async () => {
    const { username, id } = await withCodes();
    assert.equal((await redeem(house.console, await resetOf(id), short)).status, 200);
    assert.equal((await house.sallyport.users({ action: 'reset-factors', username })).kind, 'done');
    const headers = bearer(String((await login(house.console, username, short)).json['token']));
    const status = async (as: Readonly<Record<string, string>>): Promise<unknown> =>
      (await send(`${house.console}/api/auth/status`, { headers: as })).json['must'];
    assert.equal(await status(headers), 'change-password');
    assertProblem(await send(`${house.console}/api/auth/sessions`, { headers }), 403, 'forbidden');
    const changed = await send(`${house.console}/api/auth/change-password`, {
      headers,
      body: { old_password: short, new_password: fresh },
    });
    assert.equal(changed.status, 200, changed.text);
    assert.equal(await status(bearer(String(changed.json['token']))), null);
  });

  it('whoever has to do something first reads notices all the same', async () => {
    const strict = await embed({ argv: ['--require-factor', 'everybody'] });
    try {
      const got = await send(`${strict.console}/api/auth/setup`, { body: { ...rootOf, setup_code: strict.setupCode } });
      const headers = bearer(String(got.json['token']));
      assert.equal((await send(`${strict.console}/api/auth/notices`, { headers })).status, 200);
      const dismiss = { method: 'DELETE', headers, body: { up_to: 1 } };
      assert.equal((await send(`${strict.console}/api/auth/notices`, dismiss)).status, 200);
      const users = await send(`${strict.console}/api/auth/users`, { headers });
      assertProblem(users, 403, 'forbidden');
      assert.equal(users.json['must'], 'enrol');
    } finally {
      await strict.close();
    }
  });

  it('unlock lifts the hold that strangers’ wrong codes have on an account, and says so once', async () => {
    const { username, id, codes } = await withCodes();
    const found = await house.engine.userById(id as never);
    assert.ok(found.kind === 'found');
    for (let count = 0; count < 3; count += 1)
      await house.engine.countCodeFailure({
        userId: id as never,
        challenge: null,
        challengeLimit: 5,
        from: 'stranger',
        knownAfter: 10,
        notice: { userId: id as never, kind: 'password-known', at: house.now(), address: '', detail: '' },
        audit: {
          at: house.now(),
          event: 'password-known',
          actor: '',
          address: '',
          peer: '',
          way: 'host',
          target: id,
          result: 'ok',
          count: 1,
        },
      });
    assert.equal((await house.engine.factorsOf(id as never)).strangersFailures, 3);
    const unlocked = await house.sallyport.users({ action: 'unlock', username });
    assert.ok(unlocked.kind === 'done' && unlocked.fields['lifted'] === 1);
    assert.equal((await house.engine.factorsOf(id as never)).strangersFailures, 0);
    const again = await house.sallyport.users({ action: 'unlock', username });
    assert.ok(again.kind === 'done' && again.fields['lifted'] === 0);
    const events = (await admin.ask('/api/auth/audit?event=totp-unlocked')).json['events'] as { target: string }[];
    assert.deepEqual(
      events.map(({ target }) => target),
      [id],
    );
    assert.equal(codes.length, 10);
  });
});
