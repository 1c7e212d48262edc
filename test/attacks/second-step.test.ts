/**
 * The second step under attack (security.md 2.3): challenges that are shown elsewhere, later, again or after the account has
 * changed; codes guessed by whoever has the password.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { UserRow } from '../../src/store/rows.ts';
import type { Username } from '../../src/types.ts';
import { browser, type Browser, type Got, send } from '../support/client.ts';
import { admin, wrongPasswordNo } from '../support/people.ts';
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
  signedIn,
  stage,
  type Stage,
} from '../support/two-steps.ts';

const minute = 60_000;

async function userOf({ house }: Stage): Promise<UserRow> {
  const found = await house.sallyport.store.userByName('root1' as Username);
  assert.ok(found.kind === 'found');
  return found.user;
}

/** The first step in a browser. */
async function pendingIn(page: Browser, more: Readonly<Record<string, unknown>> = {}): Promise<string> {
  const prepared = await page.page('/api/auth/login/prepare', { method: 'POST' });
  const got = await page.page('/api/auth/login', {
    body: { ...admin, login_token: prepared.json['login_token'], ...more },
  });
  assertHalf(got);
  return String(got.json['challenge']);
}

describe('challenges', () => {
  let at: Stage;
  before(async () => {
    at = await stage();
  });
  after(() => at.house.close());

  const code = (): string => at.recoveryCodes.pop() ?? assert.fail('there are no recovery codes left');
  const ended = (got: Got): void => {
    assertWrongCode(got);
    assert.equal(got.json['challenge_ended'], true);
  };

  it('one that was never made, was used, or has ended is one answer, and costs nobody anything', async () => {
    const { house } = at;
    const used = await pending(house);
    assertIn(await answer(house, used, code()));
    const late = await pending(house);
    house.pass(5 * minute);
    const [other = ''] = at.recoveryCodes;
    const all = [
      await answer(house, used, other),
      await answer(house, late, other),
      await answer(house, 'x', other),
      await answer(house, '', other),
      await answer(house, 'A'.repeat(43), other),
      await answer(house, "' OR 1=1 --", other),
      await answer(house, `${used}=`, other),
    ];
    for (const got of all) ended(got);
    const shape = (got: Got): string => JSON.stringify({ ...got.json, request_id: '' });
    assert.equal(new Set(all.map(shape)).size, 1);
    // The code was not looked at, no account was charged for it, and no network.
    for (let count = 0; count < 30; count += 1) await answer(house, 'x', other);
    assertIn(await login(house, { totp_token: code() }));
  });

  it('in time it works until its last moment', async () => {
    const { house } = at;
    const challenge = await pending(house);
    house.pass(5 * minute - 5000);
    assertIn(await answer(house, challenge, code()));
  });

  it('in browsers it belongs to one: without its cookie it is as unknown as any other, and stays open', async () => {
    const { house } = at;
    const [victim, attacker] = [browser(house.console), browser(house.console)];
    const challenge = await pendingIn(victim);
    const own = await pendingIn(attacker);
    const [right = ''] = at.recoveryCodes;
    const body = { challenge, totp_token: right };
    ended(await send(`${house.console}/api/auth/login/verify`, { body }));
    ended(await attacker.page('/api/auth/login/verify', { body }));
    const cookie = `sallyport-challenge=${victim.cookies.get('sallyport-challenge')}`;
    for (const headers of [
      { cookie: `${cookie}; ${cookie}` },
      { cookie: `${cookie}A` },
      { cookie: `sallyport-challenge=${challenge}` },
      { cookie: 'sallyport-challenge=' },
      { cookie: `__Host-${cookie}` },
    ])
      ended(await send(`${house.console}/api/auth/login/verify`, { body, headers }));
    // Nor with the challenge of one and the cookie of the other.
    ended(await victim.page('/api/auth/login/verify', { body: { challenge: own, totp_token: right } }));
    // L-18: nor from another site, whatever cookies come along.
    const foreign = { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    assertProblem(await victim.page('/api/auth/login/verify', { body, headers: foreign }), 403, 'csrf_failed');
    const got = await victim.page('/api/auth/login/verify', { body: { challenge, totp_token: code() } });
    assert.equal(got.status, 200, got.text);
    assert.ok(victim.cookies.has('sallyport-account') && !victim.cookies.has('sallyport-challenge'));
  });

  it('mode and kind are those of its first step, whatever the second one says', async () => {
    const { house } = at;
    const page = browser(house.console);
    const challenge = await pendingIn(page, { kind: 'admin' });
    const got = await page.page('/api/auth/login/verify', {
      body: { challenge, totp_token: code(), kind: 'account', login_token: 'x', username: 'ghost' },
    });
    assert.equal(got.status, 200, got.text);
    assert.equal(got.json['token'], undefined);
    assert.ok(page.cookies.has('sallyport-admin') && !page.cookies.has('sallyport-account'));
    // Without cookies there is none to come with it, and none is given.
    const plain = await answer(house, await pending(house), code());
    assertIn(plain);
    assert.deepEqual(plain.cookies, []);
    // Wi-Fi to mobile must work.
    assertIn(await answer(house, await pending(house, {}, '127.60.0.1'), code(), '127.61.0.1'));
  });

  it('needs one answer, of one kind', async () => {
    const { house } = at;
    const challenge = await pending(house);
    const ask = (body: object): Promise<Got> => send(`${house.console}/api/auth/login/verify`, { body });
    for (const body of [
      {},
      { challenge },
      { totp_token: '123456' },
      { challenge, totp_token: '123456', passkey: { response: {} } },
      { challenge, passkey: 'x' },
      { challenge, passkey: null },
      { challenge: [challenge], totp_token: '123456' },
      { challenge: 'x'.repeat(1025), totp_token: '123456' },
    ])
      assertProblem(await ask(body), 400, 'invalid_request');
    // An account without passkeys has none that is right.
    const response = { clientDataJSON: 'e30', authenticatorData: 'AA', signature: 'AA' };
    const passkey = { id: 'AA', rawId: 'AA', type: 'public-key', clientExtensionResults: {}, response };
    assertProblem(await ask({ challenge, passkey }), 409, 'conflict');
    assertIn(await answer(house, challenge, await at.phone.next()));
  });

  it('of two right answers at once one is a session', async () => {
    const { house } = at;
    const challenge = await pending(house);
    const codes = [await at.phone.next(), ...at.recoveryCodes.slice(-2)];
    const all = await Promise.all(codes.map((each) => answer(house, challenge, each)));
    assert.deepEqual(
      all.map((got) => got.status).toSorted((a, b) => a - b),
      [200, 401, 401],
    );
    at.recoveryCodes.splice(-2);
  });

  it('dies after five wrong answers, and not before', async () => {
    const { house, phone } = at;
    const page = browser(house.console);
    const challenge = await pendingIn(page);
    const wrong = (totp_token: string): Promise<Got> =>
      page.page('/api/auth/login/verify', { body: { challenge, totp_token } });
    for (const text of [phone.wrong(), 'x', '', phone.at(-9)]) {
      const got = await wrong(text);
      assertWrongCode(got);
      assert.equal(got.json['challenge_ended'], false);
      assert.ok(page.cookies.has('sallyport-challenge'));
    }
    const fifth = await wrong('A'.repeat(25));
    ended(fifth);
    assert.match(fifth.cookies.join(), /^sallyport-challenge=; .*Max-Age=0/);
    assert.ok(!page.cookies.has('sallyport-challenge'));
    await forgive(house, at.token);
    ended(await wrong(await phone.next()));
  });

  it('twenty are open at once, and the oldest gives way', async () => {
    const { house } = at;
    const first = await pending(house);
    const second = await pending(house);
    for (let count = 0; count < 19; count += 1) await pending(house);
    ended(await answer(house, first, at.recoveryCodes.at(-1)));
    assertIn(await answer(house, second, await at.phone.next()));
  });

  it('dies with a changed password, a changed factor, and a disabled account', async () => {
    const { house } = at;
    const change = async (path: string, body: object): Promise<void> => {
      const got = await send(`${house.console}${path}`, { headers: bearer(at.token), body });
      assert.equal(got.status, 200, got.text);
      if (typeof got.json['token'] === 'string') at = { ...at, token: got.json['token'] };
      if (Array.isArray(got.json['backup_codes'])) at = { ...at, recoveryCodes: got.json['backup_codes'] as string[] };
    };
    const next = 'copper heron dusk 17 ladders';
    let challenge = await pending(house);
    await change('/api/auth/change-password', {
      old_password: admin.password,
      new_password: next,
      totp_code: await at.phone.next(),
    });
    ended(await answer(house, challenge, await at.phone.next()));
    await change('/api/auth/change-password', {
      old_password: next,
      new_password: admin.password,
      totp_code: await at.phone.next(),
    });

    challenge = await pending(house);
    await change('/api/auth/recovery-codes', { password: admin.password, totp_code: await at.phone.next() });
    ended(await answer(house, challenge, await at.phone.next()));

    challenge = await pending(house);
    const user = await userOf(at);
    const set = async (active: boolean): Promise<void> => {
      const updated = await house.sallyport.store.updateUser({
        userId: user.id,
        patch: { active },
        adminPrivilege: 'another',
        audit: [],
      });
      assert.equal(updated.kind, 'updated');
    };
    await set(false);
    ended(await answer(house, challenge, await at.phone.next()));
    await set(true);
    ended(await answer(house, challenge, await at.phone.next()));
    at = { ...at, token: await signedIn(at) };

    challenge = await pending(house);
    await change('/api/auth/totp/disable', { password: admin.password, totp_code: await at.phone.next() });
    ended(await answer(house, challenge, await at.phone.next()));
    // Without a factor the password is all there is to it; a code that comes along means nothing.
    assertIn(await login(house));
    assertIn(await login(house, { totp_token: 'x' }));
    assertIn(await login(house, { totp_token: '' }));
  });
});

describe('guessing codes with the right password', () => {
  let at: Stage;
  before(async () => {
    at = await stage('--trusted-proxies', '127.0.0.1');
  });
  after(() => at.house.close());

  const from = (address: string) => ({ 'x-forwarded-for': address });
  const first = (address: string, more: object = {}): Promise<Got> =>
    send(`${at.house.console}/api/auth/login`, { headers: from(address), body: { ...admin, ...more } });
  const second = (address: string, challenge: string, totp_token: string): Promise<Got> =>
    send(`${at.house.console}/api/auth/login/verify`, { headers: from(address), body: { challenge, totp_token } });
  const begin = async (address: string): Promise<string> => {
    const got = await first(address);
    assertHalf(got);
    return String(got.json['challenge']);
  };
  /** Read from the log itself: whoever has to change their password first sees nothing of it. */
  const results = async (): Promise<Readonly<Record<string, number>>> => {
    const filter = { event: 'code-refused', user: null, since: null, until: null };
    const { events } = await at.house.sallyport.audit.newest(filter, null, 1000);
    const counts: Record<string, number> = {};
    for (const { result } of events) counts[result] = (counts[result] ?? 0) + 1;
    return counts;
  };

  it('five wrong from one network pause codes there: the right one is not looked at, a recovery code works', async () => {
    const { phone } = at;
    const away = '198.51.100.1';
    const challenge = await begin(away);
    for (let count = 0; count < 4; count += 1) assertWrongCode(await second(away, challenge, phone.wrong()));
    assertWrongCode(await second(away, challenge, 'unreadable'));
    at.house.pass(minute);
    const right = await phone.next();
    const again = await begin(away);
    assertWrongCode(await second(away, again, right));
    assert.deepEqual(await results(), { 'wrong-code': 4, 'code-unreadable': 1, 'totp-paused': 1 });
    // Where it does not pause, that code is still good: nobody looked at it. Where it does, something stronger is.
    assertIn(await first('198.51.100.99', { totp_token: right }));
    assertIn(await second(away, again, at.recoveryCodes.pop() ?? ''));
    // That network is known from now on, so strangers' pauses are not its own.
    assertIn(await first(away, { totp_token: await phone.next() }));
  });

  it('a pause is over after a quarter of an hour, and one more wrong code begins the next', async () => {
    const { phone } = at;
    const away = '198.51.100.2';
    const challenge = await begin(away);
    for (let count = 0; count < 5; count += 1) assertWrongCode(await second(away, challenge, phone.wrong()));
    at.house.pass(15 * minute);
    assertWrongCode(await second(away, await begin(away), phone.wrong()));
    const paused = await begin(away);
    assertWrongCode(await second(away, paused, await phone.next()));
    at.house.pass(15 * minute);
    assertIn(await second(away, await begin(away), await phone.next()));
  });

  it('ten after a right password: it counts as known to others, and is changed before anything else', async () => {
    const { house, phone } = at;
    const user = await userOf(at);
    assert.equal(user.passwordStanding, 'known-to-others');
    // The session that was there has to change it as well.
    const there = await send(`${house.console}/api/auth/sessions`, { headers: bearer(at.token) });
    assertProblem(there, 403, 'forbidden');
    const told = (await house.sallyport.store.notices(user.id)).map(({ kind }) => kind);
    assert.equal(told.filter((kind) => kind === 'password-known').length, 1);
    const token = assertIn(await first('198.51.100.1', { totp_token: await phone.next() }));
    const ask = (path: string, sent: object = {}): Promise<Got> =>
      send(`${house.console}${path}`, { headers: bearer(token), ...sent });
    assert.equal((await ask('/api/auth/status')).json['must'], 'change-password');
    for (const path of ['/api/auth/sessions', '/api/auth/factors', '/api/auth/audit', '/api/auth/verify']) {
      const got = await ask(path);
      assertProblem(got, 403, 'forbidden');
      assert.equal(got.json['must'], 'change-password');
    }
    const same = await ask('/api/auth/change-password', {
      body: { old_password: admin.password, new_password: admin.password, totp_code: await phone.next() },
    });
    assertProblem(same, 422, 'password_refused');
    const changed = await ask('/api/auth/change-password', {
      body: {
        old_password: admin.password,
        new_password: 'copper heron dusk 17 ladders',
        totp_code: await phone.next(),
      },
    });
    assert.equal(changed.status, 200, changed.text);
    at = { ...at, token: String(changed.json['token']) };
    const status = await send(`${house.console}/api/auth/status`, { headers: bearer(at.token) });
    assert.equal(status.json['must'], null);
    const [known] = await eventsOf(house, at.token, 'password-known');
    assert.deepEqual([known?.['actor'], known?.['target'], known?.['way']], ['', user.id, 'password']);
  });

  it('M-04: three hundred networks at once: a hundred wrong codes are looked at, then codes by time are locked', async () => {
    const { house, phone } = at;
    const password = 'copper heron dusk 17 ladders';
    const before = await results();
    // It is counted on from what strangers failed since the last recovery code.
    const already = 6;
    let looked = 0;
    for (let turn = 0; turn < 8; turn += 1) {
      const all = await Promise.all(
        Array.from({ length: 40 }, (_, place) =>
          first(`203.${turn}.${place}.1`, { password, totp_token: phone.wrong() }),
        ),
      );
      for (const got of all) if (got.status === 401) looked += 1;
    }
    const after = await results();
    const of = (name: string): number => (after[name] ?? 0) - (before[name] ?? 0);
    assert.equal(of('wrong-code'), 100 - already);
    assert.ok(of('totp-locked') > 100, JSON.stringify(after));
    assert.equal(looked, of('wrong-code') + of('totp-locked'));
    // From nowhere, not even for a session that is open, until something stronger comes.
    const owner = '198.51.100.1';
    assertWrongCode(await first(owner, { password, totp_token: await phone.next() }));
    const confirming = await send(`${house.console}/api/auth/reauthenticate`, {
      headers: bearer(at.token),
      body: { password, totp_code: await phone.next() },
    });
    assertProblem(confirming, 403, 'reauthentication_failed');
    const factors = await send(`${house.console}/api/auth/factors`, { headers: bearer(at.token) });
    assertProblem(factors, 403, 'forbidden');
    assertIn(await first(owner, { password, totp_token: at.recoveryCodes.pop() }));
    assertIn(await first(owner, { password, totp_token: await phone.next() }));
  });

  it('whoever has no password gets nowhere near: nothing of it is counted', async () => {
    const before = await results();
    for (let count = 0; count < 5; count += 1) {
      const got = await first(`192.0.2.${count}`, { password: wrongPasswordNo(count), totp_token: at.phone.wrong() });
      assertProblem(got, 401, 'invalid_credentials');
      assert.equal(got.json['requires_totp'], false);
    }
    assert.deepEqual(await results(), before);
  });

  it('a valid recovery code gets its owner through to the check, whatever strangers have failed', async () => {
    const password = 'copper heron dusk 17 ladders';
    for (let turn = 0; turn < 4; turn += 1)
      await Promise.all(
        Array.from({ length: 30 }, (_, place) =>
          first(`204.${turn}.${place}.1`, { password: wrongPasswordNo(100 * turn + place) }),
        ),
      );
    const away = '205.0.0.1';
    const [code = '', other = ''] = at.recoveryCodes.slice(-2);
    assertProblem(await first(away, { password }), 429, 'rate_limited');
    assertProblem(await first(away, { password, totp_token: await at.phone.next() }), 429, 'rate_limited');
    assertProblem(await first(away, { password, totp_token: 'A'.repeat(25) }), 429, 'rate_limited');
    assertProblem(await first(away, { username: 'ghost', password, totp_token: code }), 401, 'invalid_credentials');
    // It opens the check, and nothing beyond it: a wrong password is one, and the code is not spent on it.
    assertProblem(await first(away, { password: wrongPasswordNo(1), totp_token: code }), 401, 'invalid_credentials');
    assertIn(await first(away, { password, totp_token: code }));
    at.recoveryCodes.splice(at.recoveryCodes.indexOf(code), 1);
    // Ten wrong passwords an hour, as from a known device.
    const elsewhere = '206.0.0.1';
    for (let count = 0; count < 10; count += 1)
      assertProblem(
        await first(elsewhere, { password: wrongPasswordNo(2000 + count), totp_token: other }),
        401,
        'invalid_credentials',
      );
    assertProblem(await first(elsewhere, { password, totp_token: other }), 429, 'rate_limited');
    at.house.pass(60 * minute);
    assertIn(await first(elsewhere, { password, totp_token: other }));
  });
});
