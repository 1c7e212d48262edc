/** Switching codes on and off, in the hands of the owner and of others (security.md M-01, M-02, M-13, M-15). */
import assert from 'node:assert/strict';
import { afterEach, beforeEach, describe, it } from 'node:test';
import { anotherAccount, anotherSession, asking, codeOf, firstAccount } from '../support/accounts.ts';
import type { Got } from '../support/client.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import type { UserRow } from '../../src/store/rows.ts';

const step = 30_000;
const quarter = 15 * 60_000;

let house: Embedded;
let root: UserRow;
let token: string;
/** Each test begins with an account that has a password and the recovery codes of its set-up, and nothing else. */
let firstCodes: readonly string[];
beforeEach(async () => {
  house = await embed({ names: ['localhost'] });
  ({ user: root, token } = await firstAccount(house));
  firstCodes = (await ask('POST', '/api/auth/recovery-codes', {})).json['backup_codes'] as string[];
});
afterEach(() => house.close());

const ask = (method: string, path: string, body?: unknown): Promise<Got> => asking(house, token)(method, path, body);
const signIn = (more: object = {}): Promise<Got> => asking(house)('POST', '/api/auth/login', { ...admin, ...more });

async function begin(by = token): Promise<Readonly<Record<string, unknown>>> {
  const got = await asking(house, by)('POST', '/api/auth/totp/setup', {});
  assert.equal(got.status, 200, got.text);
  return got.json;
}

async function enrol(): Promise<{ readonly secret: string; readonly codes: readonly string[] }> {
  const pending = await begin();
  const got = await ask('POST', '/api/auth/totp/enable', { token: codeOf(house, pending['secret']) });
  assert.equal(got.status, 200, got.text);
  return { secret: String(pending['secret']), codes: pending['backup_codes'] as string[] };
}

async function factors(): Promise<{ totp: { enabled: boolean; added_at: string | null }; recovery_codes: number }> {
  const got = await ask('GET', '/api/auth/factors');
  assert.equal(got.status, 200, got.text);
  return got.json as unknown as Awaited<ReturnType<typeof factors>>;
}

describe('setting codes up', () => {
  it('gives a secret in every form, and changes nothing', async () => {
    const pending = await begin();
    const secret = String(pending['secret']);
    assert.match(secret, /^[A-Z2-7]{32}$/);
    const url = new URL(String(pending['otpauth_url']));
    assert.deepEqual([url.protocol, url.host], ['otpauth:', 'totp']);
    assert.equal(decodeURIComponent(url.pathname), '/Sallyport (localhost):root1');
    assert.deepEqual(Object.fromEntries(url.searchParams), {
      secret,
      issuer: 'Sallyport (localhost)',
      algorithm: 'SHA1',
      digits: '6',
      period: '30',
    });
    assert.doesNotMatch(url.href, /\+/);
    const [head, picture = ''] = String(pending['qr_code']).split(',');
    assert.equal(head, 'data:image/svg+xml;base64');
    const svg = Buffer.from(picture, 'base64').toString();
    assert.match(svg, /^<svg xmlns="http:\/\/www\.w3\.org\/2000\/svg"/);
    assert.doesNotMatch(svg, /script|href|on\w+=/i);
    const codes = pending['backup_codes'] as string[];
    assert.equal(new Set(codes).size, 10);
    for (const code of codes) assert.match(code, /^([0-9A-HJKMNP-TV-Z]{5}-){4}[0-9A-HJKMNP-TV-Z]{5}$/);
    assert.equal(
      Date.parse(String(pending['expires_at'])) - house.now() > quarter - 10_000,
      true,
      'a quarter of an hour',
    );
  });

  it('left half-way changes nothing: the password is enough, the old recovery codes hold, sessions live on', async () => {
    const other = await anotherSession(house, root);
    const pending = await begin();
    assert.deepEqual((await factors()).totp, { enabled: false, added_at: null, locked: false });
    assert.equal((await factors()).recovery_codes, 10);
    assert.equal((await signIn()).json['success'], true);
    assert.equal((await asking(house, other)('GET', '/api/auth/sessions')).status, 200);
    const { json } = await ask('GET', '/api/auth/status');
    assert.deepEqual([json['totp_enabled'], json['second_factor']], [false, false]);
    // Nor does it come to life by itself, or later.
    house.pass(quarter);
    assertProblem(
      await ask('POST', '/api/auth/totp/enable', { token: codeOf(house, pending['secret']) }),
      409,
      'conflict',
    );
    assert.equal((await factors()).totp.enabled, false);
    assert.deepEqual(
      (await house.engine.notices(root.id)).map(({ kind }) => kind),
      ['recovery-codes-renewed'],
    );
  });

  it('can be finished by the session that began it alone', async () => {
    const pending = await begin();
    const code = codeOf(house, pending['secret']);
    const other = asking(house, await anotherSession(house, root));
    assertProblem(await other('POST', '/api/auth/totp/enable', { token: code }), 409, 'conflict');
    const stranger = await anotherAccount(house, 'mallory');
    assertProblem(
      await asking(house, stranger.token)('POST', '/api/auth/totp/enable', { token: code }),
      409,
      'conflict',
    );
    assert.equal((await ask('POST', '/api/auth/totp/enable', { token: code })).status, 200);
  });

  it('begun anew, or in another session, the last one counts', async () => {
    const first = await begin();
    const second = await begin();
    const stale = await ask('POST', '/api/auth/totp/enable', { token: codeOf(house, first['secret']) });
    assertProblem(stale, 403, 'reauthentication_failed');
    const other = await anotherSession(house, root);
    const third = await begin(other);
    assertProblem(
      await ask('POST', '/api/auth/totp/enable', { token: codeOf(house, second['secret']) }),
      409,
      'conflict',
    );
    const got = await asking(house, other)('POST', '/api/auth/totp/enable', { token: codeOf(house, third['secret']) });
    assert.equal(got.status, 200, got.text);
    assertProblem(await ask('GET', '/api/auth/factors'), 401, 'invalid_token');
  });
});

describe('confirming by a first code', () => {
  it('switches on: other sessions end, this one goes on; the owner is told', async () => {
    const other = await anotherSession(house, root);
    const { secret } = await enrol();
    assertProblem(await asking(house, other)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    const now = await factors();
    assert.deepEqual([now.totp.enabled, typeof now.totp.added_at, now.recovery_codes], [true, 'string', 10]);
    const status = await ask('GET', '/api/auth/status');
    assert.deepEqual([status.json['totp_enabled'], status.json['second_factor']], [true, true]);
    const [notice] = await house.engine.notices(root.id);
    assert.deepEqual([notice?.kind, notice?.detail, notice?.address], ['factor-added', 'totp', '127.0.0.1']);
    const stored = JSON.stringify(await house.engine.userById(root.id));
    assert.ok(!stored.includes(secret), 'sealed at rest');
  });

  it('M-01: the code that confirmed is used: it signs nobody in, nor does an older one', async () => {
    const pending = await begin();
    const code = codeOf(house, pending['secret']);
    assert.equal((await ask('POST', '/api/auth/totp/enable', { token: code })).status, 200);
    for (const used of [code, codeOf(house, pending['secret'], -1)]) {
      const got = await signIn({ totp_token: used });
      assertProblem(got, 401, 'invalid_credentials');
      assert.equal(got.json['requires_totp'], true);
    }
    house.pass(step);
    const next = await signIn({ totp_token: codeOf(house, pending['secret']) });
    assert.equal(next.status, 200, next.text);
  });

  it('a pending sign-in of before dies with it', async () => {
    await enrol();
    const asked = await signIn();
    assert.equal(asked.json['requires_totp'], true);
    house.pass(step);
    const { secret } = await enrol();
    house.pass(step);
    const got = await asking(house)('POST', '/api/auth/login/verify', {
      challenge: asked.json['challenge'],
      totp_token: codeOf(house, secret),
    });
    assertProblem(got, 401, 'invalid_credentials');
  });

  it('its recovery codes take the place of those before, each good once', async () => {
    const { codes } = await enrol();
    for (const old of firstCodes.slice(0, 2))
      assertProblem(await signIn({ totp_token: old }), 401, 'invalid_credentials');
    const got = await signIn({ totp_token: codes[0]?.toLowerCase().replaceAll('-', ' ') });
    assert.equal(got.status, 200, got.text);
    assertProblem(await signIn({ totp_token: codes[0] }), 401, 'invalid_credentials');
    assert.equal((await factors()).recovery_codes, 9);
  });

  it('a wrong one is 403, charged to the session, and the fifth in a row ends it', async () => {
    const pending = await begin();
    const wrong = ['000000', '12345', '1234567', '١٢٣٤٥٦', firstCodes[0] ?? ''];
    for (const [at, code] of wrong.entries()) {
      const right = codeOf(house, pending['secret']);
      const got = await ask('POST', '/api/auth/totp/enable', { token: code === right ? '000001' : code });
      assertProblem(got, 403, 'reauthentication_failed');
      assert.match(String(got.json['detail']), /code/);
      const alive = (await ask('GET', '/api/auth/sessions')).status;
      assert.equal(alive, at < 4 ? 200 : 401, `after ${at + 1}`);
    }
    assert.equal((await signIn()).json['success'], true);
    token = await anotherSession(house, root);
    const audit = await ask('GET', '/api/auth/audit?event=reauthentication-refused');
    assert.deepEqual(
      (audit.json['events'] as { result: string }[]).map(({ result }) => result),
      Array.from({ length: 5 }, () => 'wrong-code'),
    );
    assert.ok(!audit.text.includes(String(pending['secret'])));
  });

  it('what is no text is 400, what nobody would type as well', async () => {
    await begin();
    for (const code of [123_456, null, ['123456'], { $ne: '' }, true, '1'.repeat(1025)])
      assertProblem(await ask('POST', '/api/auth/totp/enable', { token: code }), 400, 'invalid_request');
    assertProblem(await ask('POST', '/api/auth/totp/enable', {}), 400, 'invalid_request');
    assertProblem(
      await ask('POST', '/api/auth/totp/enable', { token: '1'.repeat(1000) }),
      403,
      'reauthentication_failed',
    );
    assertProblem(await asking(house)('POST', '/api/auth/totp/enable', { token: '123456' }), 401, 'unauthorized');
  });

  it('with nothing pending is a conflict, and charges nobody', async () => {
    for (let count = 0; count < 6; count += 1)
      assertProblem(await ask('POST', '/api/auth/totp/enable', { token: '123456' }), 409, 'conflict');
    assert.equal((await ask('GET', '/api/auth/sessions')).status, 200);
  });

  it('M-02: of many at once one wins', async () => {
    const pending = await begin();
    const code = codeOf(house, pending['secret']);
    const race = await Promise.all(
      Array.from({ length: 20 }, () => ask('POST', '/api/auth/totp/enable', { token: code })),
    );
    assert.equal(race.filter(({ status }) => status === 200).length, 1);
    assert.equal(race.filter(({ status }) => status === 409).length, 19, race.map(({ status }) => status).join());
    const notices = await house.engine.notices(root.id);
    assert.equal(notices.filter(({ kind }) => kind === 'factor-added').length, 1);
  });
});

describe('a new secret where there is one', () => {
  it('leaves the old one in force until it is proven', async () => {
    const { secret: old } = await enrol();
    const pending = await begin();
    house.pass(step);
    assert.equal((await signIn({ totp_token: codeOf(house, old) })).status, 200);
    assertProblem(await signIn({ totp_token: codeOf(house, pending['secret']) }), 401, 'invalid_credentials');
    const got = await ask('POST', '/api/auth/totp/enable', { token: codeOf(house, pending['secret']) });
    assert.equal(got.status, 200, got.text);
    house.pass(step);
    assertProblem(await signIn({ totp_token: codeOf(house, old) }), 401, 'invalid_credentials');
    assert.equal((await signIn({ totp_token: codeOf(house, pending['secret']) })).status, 200);
  });
});

describe('switching codes off', () => {
  const off = (body: object): Promise<Got> => ask('POST', '/api/auth/totp/disable', body);

  it('takes password and code, both, in an open window as well', async () => {
    const { secret } = await enrol();
    house.pass(step);
    const { password } = admin;
    const totp_code = codeOf(house, secret);
    for (const body of [{}, { password }, { totp_code }, { password, totp_code: 123_456 }])
      assertProblem(await off(body), 400, 'invalid_request');
    assertProblem(await off({ password, totp_code: '000000' }), 403, 'reauthentication_failed');
    assertProblem(await off({ password: `${password}!`, totp_code }), 403, 'reauthentication_failed');
    const other = await anotherSession(house, root);
    const got = await off({ password, totp_code });
    assert.equal(got.status, 200, got.text);
    assertProblem(await asking(house, other)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    assert.equal((await factors()).totp.enabled, false);
    assert.equal((await signIn()).json['success'], true);
    const [notice] = await house.engine.notices(root.id);
    assert.deepEqual([notice?.kind, notice?.detail], ['factor-removed', 'totp']);
    assertProblem(await off({ password, totp_code: codeOf(house, secret, 1) }), 409, 'conflict');
  });

  it('five wrong codes in a row end the session', async () => {
    await enrol();
    for (let count = 0; count < 5; count += 1)
      assertProblem(
        await off({ password: admin.password, totp_code: `00000${count}` }),
        403,
        'reauthentication_failed',
      );
    assertProblem(await off({ password: admin.password, totp_code: '000009' }), 401, 'invalid_token');
    token = await anotherSession(house, root);
    assert.equal((await factors()).totp.enabled, true);
  });

  it('a recovery code will do, and is used by it', async () => {
    const { codes } = await enrol();
    const got = await off({ password: admin.password, totp_code: codes[3] });
    assert.equal(got.status, 200, got.text);
    assert.equal((await factors()).recovery_codes, 9);
  });

  it('is refused while the password is too short to stand alone', async () => {
    const { secret } = await enrol();
    house.pass(step);
    const changed = await ask('POST', '/api/auth/change-password', {
      old_password: admin.password,
      new_password: 'kq7 zebu!',
      totp_code: codeOf(house, secret),
    });
    assert.equal(changed.status, 200, changed.text);
    token = String(changed.json['token']);
    house.pass(step);
    const got = await off({ password: 'kq7 zebu!', totp_code: codeOf(house, secret) });
    assertProblem(got, 409, 'conflict');
    assert.match(String(got.json['detail']), /15 characters/);
    assert.equal((await factors()).totp.enabled, true);
  });
});

describe('recovery codes', () => {
  it('are renewed with a proof of a moment ago: the old ones are void, other sessions end, the owner is told', async () => {
    const { secret, codes } = await enrol();
    const other = await anotherSession(house, root);
    const renewed = await ask('POST', '/api/auth/recovery-codes', {});
    const fresh = renewed.json['backup_codes'] as string[];
    assert.equal(new Set([...fresh, ...codes]).size, 20);
    assertProblem(await asking(house, other)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    assertProblem(await signIn({ totp_token: codes[0] }), 401, 'invalid_credentials');
    assert.equal((await signIn({ totp_token: fresh[0] })).status, 200);
    assert.ok((await house.engine.notices(root.id)).some(({ kind }) => kind === 'recovery-codes-renewed'));
    house.pass(301_000);
    const late = await ask('POST', '/api/auth/recovery-codes', {});
    assertProblem(late, 403, 'reauthentication_required');
    assert.deepEqual(late.json['methods'], ['password', 'totp', 'recovery']);
    assertProblem(await ask('POST', '/api/auth/totp/setup', {}), 403, 'reauthentication_required');
    const half = await ask('POST', '/api/auth/recovery-codes', { password: admin.password });
    assertProblem(half, 403, 'reauthentication_required');
    const whole = { password: admin.password, totp_token: codeOf(house, secret) };
    assert.equal((await ask('POST', '/api/auth/recovery-codes', whole)).status, 200);
    assertProblem(await ask('POST', '/api/auth/recovery-codes', whole), 403, 'reauthentication_failed');
  });

  it('M-24: are in no answer but the one that made them', async () => {
    const { secret, codes } = await enrol();
    for (const path of ['status', 'factors', 'sessions', 'audit', 'login-attempts', 'passkeys', 'blocks']) {
      const got = await ask('GET', `/api/auth/${path}`);
      assert.equal(got.status, 200, path);
      for (const hidden of [secret, ...codes]) assert.ok(!got.text.includes(hidden), path);
    }
    assert.ok(!house.lines.some((line) => line.includes(secret) || codes.some((code) => line.includes(code))));
  });
});
