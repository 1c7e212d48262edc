/** Confirming with a passkey (2-http-api, 4; security.md 2.3, M-13, M-20): alone it stands for both factors, beside a password for the second. */
import assert from 'node:assert/strict';
import { after, before, beforeEach, describe, it } from 'node:test';
import {
  type Account,
  addPasskey,
  anotherAccount,
  anotherSession,
  asking,
  firstAccount,
  originOf,
  passkeyOptions,
} from '../support/accounts.ts';
import { authenticator, type Authenticator, type PasskeyResponse, type Twist } from '../support/authenticator.ts';
import type { Got } from '../support/client.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin, wrongPasswordNo } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

describe('confirming with a passkey', () => {
  let house: Embedded;
  let root: Account;
  let phone: Authenticator;
  let bobs: Authenticator;
  before(async () => {
    house = await embed({ names: ['localhost'] });
    root = await firstAccount(house);
    phone = authenticator();
    await addPasskey(house, root.token, phone);
    const bob = await anotherAccount(house, 'bob');
    bobs = authenticator();
    await addPasskey(house, bob.token, bobs);
  });
  after(() => house.close());
  // The window of the sign-in is over, and whatever was charged is forgotten.
  beforeEach(async () => {
    house.pass(3_600_000);
    root = { ...root, token: await anotherSession(house, root.user) };
    house.pass(6 * 60_000);
  });

  const ask = (path: string, body: object, token = root.token): Promise<Got> =>
    asking(house, token)('POST', `/api/auth/${path}`, body);
  const shown = async (device = phone, twist: Twist = {}): Promise<PasskeyResponse> =>
    device.get(await passkeyOptions(house), originOf(house, 'localhost'), twist);
  const failed = (got: Got): void => assertProblem(got, 403, 'reauthentication_failed');
  const wanted = (got: Got): void => {
    assertProblem(got, 403, 'reauthentication_required');
    assert.deepEqual(got.json['methods'], ['password', 'passkey', 'recovery']);
  };

  it('does in the request itself, once, and opens no window', async () => {
    wanted(await ask('totp/setup', {}));
    const passkey = await shown();
    assert.equal((await ask('totp/setup', { passkey })).status, 200);
    failed(await ask('totp/setup', { passkey }));
    wanted(await ask('totp/setup', {}));
  });

  it('does for reauthenticate: a new session, whose window is open', async () => {
    const got = await ask('reauthenticate', { passkey: await shown() });
    assert.equal(got.status, 200, got.text);
    assertProblem(await ask('totp/setup', {}), 401, 'invalid_token');
    const token = String(got.json['token']);
    assert.equal((await ask('totp/setup', {}, token)).status, 200);
    const audit = await asking(house, token)('GET', '/api/auth/audit?event=reauthenticated');
    assert.equal((audit.json['events'] as Record<string, unknown>[])[0]?.['way'], 'passkey');
    const status = await asking(house, token)('GET', '/api/auth/status');
    assert.deepEqual(
      [status.json['second_factor'], status.json['totp_enabled'], status.json['passkeys']],
      [true, false, 1],
    );
  });

  it('alone it needs an authenticator that knows its person; beside the password it does not', async () => {
    failed(await ask('totp/setup', { passkey: await shown(phone, { userVerified: false }) }));
    const { password } = admin;
    wanted(await ask('totp/setup', { password }));
    const beside = { password, passkey: await shown(phone, { userVerified: false }) };
    assert.equal((await ask('totp/setup', beside)).status, 200);
    failed(await ask('totp/setup', { password: wrongPasswordNo(1), passkey: await shown() }));
    failed(await ask('totp/setup', { ...beside, passkey: await shown(phone, { rpId: 'evil.test' }) }));
  });

  it("M-20: somebody else's is none", async () => {
    failed(await ask('reauthenticate', { passkey: await shown(bobs) }));
    failed(await ask('totp/setup', { password: admin.password, passkey: await shown(bobs) }));
    const handle = Buffer.from(root.user.id).toString('base64url');
    failed(await ask('reauthenticate', { passkey: await shown(bobs, { userHandle: handle }) }));
  });

  it('five wrong ones in a row end the session', async () => {
    for (let count = 0; count < 5; count += 1)
      failed(await ask('reauthenticate', { passkey: await shown(phone, { rpId: 'evil.test' }) }));
    assertProblem(await ask('reauthenticate', { passkey: await shown() }), 401, 'invalid_token');
  });

  it('no assertion at all is no request', async () => {
    for (const passkey of ['x', 7, null, [], {}, { response: 'x' }])
      assertProblem(await ask('reauthenticate', { passkey }), 400, 'invalid_request');
    failed(await ask('reauthenticate', { passkey: { response: {} } }));
  });

  it('the password is changed with one beside the old password, and never without that', async () => {
    const [old_password, new_password] = [admin.password, 'copper heron dusk 17 ladders'];
    wanted(await ask('change-password', { old_password, new_password }));
    assertProblem(await ask('change-password', { new_password, passkey: await shown() }), 400, 'invalid_request');
    failed(await ask('change-password', { old_password: wrongPasswordNo(2), new_password, passkey: await shown() }));
    const changed = await ask('change-password', { old_password, new_password, passkey: await shown() });
    assert.equal(changed.status, 200, changed.text);
  });
});
