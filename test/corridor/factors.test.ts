/** Second factors as a browser manages them, on whatever the product stands on: also with another node for each request. */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import { hotp, readBase32, stepAt } from '../../src/crypto/totp.ts';
import type { Millis } from '../../src/types.ts';
import { authenticator } from '../support/authenticator.ts';
import { browser, type Browser, type Got } from '../support/client.ts';
import { admin, setUp, signIn } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

function codeOf(secret: unknown, later: number): string {
  const read = readBase32(String(secret));
  assert.ok(read.kind === 'bytes');
  return hotp(read.bytes, stepAt(Date.now() as Millis) + later);
}

describe('second factors', () => {
  let server: RunningServer;
  /** Passkeys need a name. */
  let named: { readonly console: string };
  let person: Browser;
  const phone = authenticator();
  before(async () => {
    server = await startServer();
    named = { console: server.url };
    await setUp(server);
    person = await signIn(named);
  });
  after(() => server.remove());

  const prepared = async (by: Browser): Promise<unknown> =>
    (await by.page('/api/auth/login/prepare', { method: 'POST' })).json['login_token'];

  const signInByPasskey = async (): Promise<readonly [Browser, Got]> => {
    const by = browser(named.console);
    const options = await by.page('/api/auth/login/passkey/options', { body: {} });
    const assertion = phone.get(options.json, named.console);
    const body = { ...assertion, login_token: await prepared(by) };
    return [by, await by.page('/api/auth/login/passkey', { body })];
  };

  it('a passkey is added, signs in, and is asked for after the password; other sessions end', async () => {
    const other = await signIn(named);
    const options = await person.page('/api/auth/passkeys/options', { body: {} });
    const created = { ...phone.create(options.json, named.console), name: 'Phone' };
    const added = await person.page('/api/auth/passkeys', { body: created });
    assert.equal(added.status, 201, added.text);
    assertProblem(await person.page('/api/auth/passkeys', { body: created }), 409, 'conflict');
    assertProblem(await other.send('/api/auth/sessions'), 401, 'session_expired');
    assert.equal((await person.send('/api/auth/sessions')).status, 200);

    const [by, got] = await signInByPasskey();
    assert.equal(got.status, 200, got.text);
    assert.equal((await by.send('/api/auth/status')).json['passkeys'], 1);

    const half = browser(named.console);
    const asked = await half.page('/api/auth/login', { body: { ...admin, login_token: await prepared(half) } });
    assert.deepEqual([asked.status, asked.json['success'], asked.json['requires_totp']], [200, false, true]);
    assertProblem(await half.send('/api/auth/sessions'), 401, 'unauthorized');
    const passkey = phone.get(asked.json['passkey_options'] as object as Record<string, unknown>, named.console);
    const body = { challenge: asked.json['challenge'], passkey };
    const whole = await half.page('/api/auth/login/verify', { body });
    assert.equal(whole.status, 200, whole.text);
    assertProblem(await half.page('/api/auth/login/verify', { body }), 401, 'invalid_credentials');
    assert.equal((await half.send('/api/auth/sessions')).status, 200);
  });

  it('one answer of a passkey at many nodes at once opens one session', async () => {
    const by = browser(named.console);
    const options = await by.page('/api/auth/login/passkey/options', { body: {} });
    const body = phone.get(options.json, named.console);
    const race = await Promise.all(Array.from({ length: 20 }, () => by.send('/api/auth/login/passkey', { body })));
    assert.equal(race.filter(({ status }) => status === 200).length, 1, race.map(({ status }) => status).join());
  });

  it('codes are switched on by one of many, and the code that did it is used everywhere', async () => {
    const pending = await person.page('/api/auth/totp/setup', { body: {} });
    assert.equal(pending.status, 200, pending.text);
    const token = codeOf(pending.json['secret'], 0);
    const race = await Promise.all(
      Array.from({ length: 10 }, () => person.page('/api/auth/totp/enable', { body: { token } })),
    );
    const answers = race.map(({ status }) => status);
    assert.deepEqual(
      [200, 409].map((each) => answers.filter((status) => status === each).length),
      [1, 9],
    );
    for (let node = 0; node < 2; node += 1) {
      const used = await person.send('/api/auth/login', { body: { ...admin, totp_token: token } });
      assertProblem(used, 401, 'invalid_credentials');
    }
    const next = { ...admin, totp_token: codeOf(pending.json['secret'], 1) };
    const logins = await Promise.all(Array.from({ length: 10 }, () => person.send('/api/auth/login', { body: next })));
    assert.equal(logins.filter(({ status }) => status === 200).length, 1, logins.map(({ status }) => status).join());

    const factors = await person.send('/api/auth/factors');
    assert.equal((factors.json['totp'] as Record<string, unknown>)['enabled'], true);
    const [passkey] = factors.json['passkeys'] as { readonly id: string; readonly name: string }[];
    const path = `/api/auth/passkeys/${passkey?.id}`;
    assert.equal((await person.page(path, { method: 'PATCH', body: { name: 'Telephone' } })).status, 200);
    const listed = await person.send('/api/auth/passkeys');
    assert.deepEqual(
      (listed.json['passkeys'] as { readonly name: string }[]).map(({ name }) => name),
      ['Telephone'],
    );
    assert.equal((await person.page(path, { method: 'DELETE', body: {} })).status, 200);
    const [, gone] = await signInByPasskey();
    assertProblem(gone, 401, 'invalid_credentials');
  });
});
