/** Attacks on passkeys as a way in (security.md 2.3: M-16, M-17, M-20, M-21), with an authenticator that lies. */
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
import {
  authenticator,
  type Authenticator,
  newKey,
  type PasskeyOptions,
  type Twist,
} from '../support/authenticator.ts';
import { browser, type Got, send } from '../support/client.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

let house: Embedded;
let origin: string;
let root: Account;
let phone: Authenticator;
let bob: Account;
let key: Authenticator;
before(async () => {
  house = await embed({ names: ['localhost', 'door.localhost'] });
  origin = originOf(house, 'localhost');
  root = await firstAccount(house);
  phone = authenticator();
  await addPasskey(house, root.token, phone, { name: 'Phone' });
  bob = await anotherAccount(house, 'bob');
  key = authenticator();
  await addPasskey(house, bob.token, key, { name: "Bob's key" });
});
after(() => house.close());
// Whatever is charged is forgotten.
beforeEach(() => house.pass(61_000));

const stranger = () => asking(house);

function signIn(device: Authenticator, options: PasskeyOptions, twist: Twist = {}): Promise<Got> {
  return stranger()('POST', '/api/auth/login/passkey', device.get(options, origin, twist));
}

/** The right password, and the challenge that follows. */
async function pending(): Promise<{ readonly challenge: string; readonly options: PasskeyOptions }> {
  const got = await stranger()('POST', '/api/auth/login', admin);
  assert.equal(got.status, 200, got.text);
  assert.deepEqual([got.json['success'], got.json['requires_totp']], [false, true]);
  return { challenge: String(got.json['challenge']), options: got.json['passkey_options'] as PasskeyOptions };
}

function answer(challenge: string, passkey: unknown): Promise<Got> {
  return stranger()('POST', '/api/auth/login/verify', { challenge, passkey });
}

const refused = (got: Got, what = ''): void => {
  assert.equal(got.status, 401, `${what} ${got.text}`);
  assertProblem(got, 401, 'invalid_credentials');
  assert.deepEqual(got.cookies, []);
  assert.ok(!('token' in got.json));
};

describe('a passkey alone', () => {
  it('signs in, whoever it says it is, and opens the window for what needs a proof', async () => {
    const got = await signIn(phone, await passkeyOptions(house));
    assert.equal(got.status, 200, got.text);
    const ask = asking(house, String(got.json['token']));
    const status = await ask('GET', '/api/auth/status');
    assert.deepEqual([status.json['username'], status.json['passkeys']], ['root1', 1]);
    assert.equal((await ask('POST', '/api/auth/passkeys/options', {})).status, 200);
  });

  it('signs a browser in only with a login token of the same browser', async () => {
    const person = browser(house.console);
    const host = { host: new URL(origin).host, origin };
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST', headers: host });
    const login_token = prepared.json['login_token'];
    const body = async () => ({ ...phone.get(await passkeyOptions(house), origin), login_token });
    assertProblem(await stranger()('POST', '/api/auth/login/passkey', await body()), 403, 'login_token_invalid');
    const got = await person.page('/api/auth/login/passkey', { body: await body(), headers: host });
    assert.equal(got.status, 200, got.text);
    assert.ok(person.cookies.has('sallyport-account') && person.cookies.has('sallyport-device'));
    const foreign = await person.send('/api/auth/login/passkey', {
      body: await body(),
      headers: { ...host, 'sec-fetch-site': 'cross-site', origin: 'https://evil.test' },
    });
    assertProblem(foreign, 403, 'csrf_failed');
  });

  it('M-16: is good once, for two minutes, for the challenge that was asked for', async () => {
    const options = await passkeyOptions(house);
    const assertion = phone.get(options, origin);
    const post = (body: unknown): Promise<Got> => stranger()('POST', '/api/auth/login/passkey', body);
    assert.equal((await post(assertion)).status, 200);
    refused(await post(assertion), 'again');
    // A new challenge does not make it fresh.
    await passkeyOptions(house);
    refused(await post(assertion), 'with a new challenge about');
    refused(await signIn(phone, options), 'another assertion for the challenge that is spent');
    const late = await passkeyOptions(house);
    house.pass(120_000);
    refused(await signIn(phone, late), 'late');
    const made = Buffer.alloc(32, 5).toString('base64url');
    refused(await signIn(phone, { ...options, challenge: made }), 'a challenge of their own');
    // A forged answer spends nothing: whoever has nothing genuine makes no rows.
    const tried = await passkeyOptions(house);
    refused(await signIn(phone, tried, { key: newKey('ES256').key }));
    assert.equal((await signIn(phone, tried)).status, 200);
    refused(await signIn(phone, tried), 'after the genuine one');
  });

  it('M-16: of many at once one wins', async () => {
    const assertion = phone.get(await passkeyOptions(house), origin);
    const race = await Promise.all(
      Array.from({ length: 20 }, () => stranger()('POST', '/api/auth/login/passkey', assertion)),
    );
    assert.equal(race.filter(({ status }) => status === 200).length, 1);
    assert.equal(race.filter(({ status }) => status === 401).length, 19);
  });

  it('needs an authenticator that knows its person', async () => {
    refused(await signIn(phone, await passkeyOptions(house), { userVerified: false }));
    refused(await signIn(phone, await passkeyOptions(house), { userPresent: false }));
  });

  it('M-20: without a user handle, or with that of somebody else, it is nobody', async () => {
    refused(await signIn(phone, await passkeyOptions(house), { userHandle: null }));
    const handle = (who: Account): string => Buffer.from(who.user.id).toString('base64url');
    refused(await signIn(key, await passkeyOptions(house), { userHandle: handle(root) }));
    refused(await signIn(phone, await passkeyOptions(house), { userHandle: handle(bob) }));
    refused(await signIn(phone, await passkeyOptions(house), { userHandle: 'AAAA' }));
    assert.equal((await signIn(key, await passkeyOptions(house))).status, 200);
  });

  it('of somebody disabled is refused like any other', async () => {
    const carol = await anotherAccount(house, 'carol');
    const device = authenticator();
    await addPasskey(house, carol.token, device);
    assert.equal((await signIn(device, await passkeyOptions(house))).status, 200);
    await house.sallyport.store.updateUser({
      userId: carol.user.id,
      patch: { active: false },
      adminPrivilege: 'admin',
      audit: [],
    });
    const disabled = await signIn(device, await passkeyOptions(house));
    refused(disabled);
    const unknown = authenticator();
    unknown.create({ rp: { id: 'localhost' }, user: { id: 'dV94' }, challenge: 'x' }, origin);
    const other = await signIn(unknown, await passkeyOptions(house));
    refused(other);
    const shown = ({ json, status }: Got) => ({ ...json, request_id: '', status });
    assert.deepEqual(shown(disabled), shown(other));
  });
});

describe('M-17: forged in any field', () => {
  const twists: Readonly<Record<string, Twist>> = {
    'another origin': { clientData: { origin: 'https://evil.test' } },
    'the origin with TLS': { clientData: { origin: 'https://localhost' } },
    'another port': { clientData: { origin: 'http://localhost:1' } },
    'a host below ours': { clientData: { origin: 'http://door.localhost' } },
    'no origin': { clientData: { origin: undefined } },
    'another relying party': { rpId: 'evil.test' },
    'the relying party of a host below ours': { rpId: 'door.localhost' },
    'the type of a registration': { clientData: { type: 'webauthn.create' } },
    'no type': { clientData: { type: undefined } },
    'the signature of another key': { key: newKey('ES256').key },
    'the signature of a key of another kind': { key: newKey('RS256').key },
    'a signature cut short': { signature: (bytes) => bytes.subarray(0, -1) },
    'a signature with a bit changed': { signature: flipped },
    'authenticator data cut short': { authenticatorData: (data) => data.subarray(0, 30) },
    'a byte order mark': { clientDataText: (text) => `\u{feff}${text}` },
    'a key twice': { clientDataText: (text) => text.replace('"type"', '"type":"webauthn.get","type"') },
    'a frame of another site': { clientData: { crossOrigin: true } },
    'client data that is a list': { clientDataText: (text) => `[${text}]` },
  };

  for (const [what, twist] of Object.entries(twists)) {
    it(`${what}: no way in, alone or after the password`, async () => {
      refused(await signIn(phone, await passkeyOptions(house), twist), what);
      const { challenge, options } = await pending();
      refused(await answer(challenge, phone.get(options, origin, twist)), what);
      // What was refused did not end it for its owner.
      assert.equal((await answer(challenge, phone.get(options, origin))).status, 200);
    });
  }

  it('the challenge of somebody else, or of another purpose', async () => {
    const mine = await pending();
    const other = await pending();
    refused(await answer(mine.challenge, phone.get(other.options, origin)), 'of another pending sign-in');
    refused(
      await answer(mine.challenge, phone.get(await passkeyOptions(house), origin)),
      'of a sign-in without password',
    );
    refused(await signIn(phone, mine.options), 'of a pending one, for a sign-in without password');
    const enrolling = await asking(house, root.token)('POST', '/api/auth/passkeys/options', {});
    refused(await signIn(phone, { ...mine.options, challenge: enrolling.json['challenge'] }), 'of a registration');
  });

  it('whatever else is posted is refused, and never a fault', async () => {
    const good = phone.get(await passkeyOptions(house), origin);
    const bodies: readonly unknown[] = [
      {},
      { passkey: {} },
      { passkey: { response: {} } },
      { ...good, id: 7 },
      { ...good, rawId: null },
      { ...good, type: ['public-key'] },
      { ...good, response: { ...good.response, signature: 'A'.repeat(60_000) } },
      { ...good, response: { ...good.response, clientDataJSON: 'A'.repeat(60_000) } },
      { ...good, response: { ...good.response, authenticatorData: '' } },
      { ...good, response: { ...good.response, userHandle: {} } },
      { ...good, response: JSON.stringify(good.response) },
      { ...good, response: { __proto__: good.response } },
    ];
    for (const body of bodies) {
      const got = await stranger()('POST', '/api/auth/login/passkey', body);
      assert.ok([400, 401].includes(got.status), `${got.status} ${JSON.stringify(body).slice(0, 100)} ${got.text}`);
      const { challenge } = await pending();
      const second = await answer(challenge, body);
      assert.ok([400, 401].includes(second.status), `${second.status} ${second.text}`);
    }
    assertProblem(
      await stranger()('POST', '/api/auth/login/passkey', { x: 'A'.repeat(70_000) }),
      413,
      'payload_too_large',
    );
  });

  it('so many that do not exist protect the store, and charge nobody', async () => {
    const options = await passkeyOptions(house);
    const from = '127.44.0.1';
    let limited = 0;
    for (let at = 0; at < 610; at += 1) {
      const body = phone.get({ ...options, challenge: Buffer.alloc(32, at).toString('base64url') }, origin);
      const got = await stranger()('POST', '/api/auth/login/passkey', body, { from });
      if (got.status === 429) limited += 1;
      else refused(got);
    }
    assert.ok(limited > 0 && limited < 20, String(limited));
    // Somebody else, and the same one with a password, come in.
    assert.equal((await signIn(phone, await passkeyOptions(house))).status, 200);
    const password = await stranger()('POST', '/api/auth/login', admin, { from });
    assert.equal(password.status, 200, password.text);
    // And with their passkey, alone or to confirm: it is refused for nobody's failures.
    const genuine = async () => phone.get(await passkeyOptions(house), origin);
    const got = await stranger()('POST', '/api/auth/login/passkey', await genuine(), { from });
    assert.equal(got.status, 200, got.text);
    const session = asking(house, String(got.json['token']));
    // A session that was seen before: looking for others is what that budget is for.
    assert.equal((await session('GET', '/api/auth/sessions')).status, 200);
    const confirmed = await session('POST', '/api/auth/reauthenticate', { passkey: await genuine() }, { from });
    assert.equal(confirmed.status, 200, confirmed.text);
    // What is forged is looked at, and leaves a line for each no longer.
    const logged = async (): Promise<number> => {
      const filter = { event: 'sign-in-refused', user: null, since: null, until: null };
      return (await house.sallyport.audit.newest(filter, null, 1000)).events.length;
    };
    const before = await logged();
    for (let count = 0; count < 5; count += 1) {
      const forged = phone.get(await passkeyOptions(house), origin, { key: newKey('ES256').key });
      refused(await stranger()('POST', '/api/auth/login/passkey', forged, { from }));
    }
    assert.equal(await logged(), before);
  });

  it('what is refused has spent no login token, and of two that show one token the first signs in', async () => {
    const host = { host: new URL(origin).host, origin };
    const person = browser(house.console);
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST', headers: host });
    const { login_token } = prepared.json;
    const cookie = `sallyport-login=${person.cookies.get('sallyport-login')}`;
    const post = (body: object, at: object = host): Promise<Got> =>
      send(`${house.console}/api/auth/login/passkey`, { body: { ...body, login_token }, headers: { ...at, cookie } });
    const address = { host: new URL(house.console).host, origin: house.console };
    assertProblem(await post(phone.get(await passkeyOptions(house), origin), address), 409, 'conflict');
    for (const twist of [{ key: newKey('ES256').key }, { rpId: 'evil.test' }, { userVerified: false }] as const) {
      const got = await post(phone.get(await passkeyOptions(house), origin, twist));
      assertProblem(got, 401, 'invalid_credentials');
    }
    assertProblem(await post({ id: 'x' }), 401, 'invalid_credentials');
    const [one, two] = [await passkeyOptions(house), await passkeyOptions(house)];
    const race = await Promise.all([post(phone.get(one, origin)), post(phone.get(two, origin))]);
    const statuses = race.map(({ status }) => status).toSorted((a, b) => a - b);
    assert.deepEqual(statuses, [200, 403], race.map(({ text }) => text).join());
  });
});

describe('a passkey after the password', () => {
  it('M-16: is good once', async () => {
    const { challenge, options } = await pending();
    const assertion = phone.get(options, origin);
    const race = await Promise.all(Array.from({ length: 10 }, () => answer(challenge, assertion)));
    assert.equal(race.filter(({ status }) => status === 200).length, 1, race.map(({ text }) => text).join('\n'));
    refused(await answer(challenge, assertion));
    refused(await answer((await pending()).challenge, assertion), 'in the next sign-in');
  });

  it('may come from a security key that tells no user and asks no PIN', async () => {
    const { challenge, options } = await pending();
    const got = await answer(challenge, phone.get(options, origin, { userHandle: null, userVerified: false }));
    assert.equal(got.status, 200, got.text);
  });

  it('M-20: is of the account whose password was given', async () => {
    const { challenge, options } = await pending();
    assert.deepEqual(
      (options['allowCredentials'] as { id: string }[]).map(({ id }) => id),
      phone.credentials.map(({ id }) => id),
    );
    const foreign = { ...options, allowCredentials: [] };
    refused(await answer(challenge, key.get(foreign, origin)), 'a genuine one of somebody else');
    const handle = Buffer.from(root.user.id).toString('base64url');
    refused(await answer(challenge, key.get(foreign, origin, { userHandle: handle })), 'that says it is hers');
    assert.equal((await answer(challenge, phone.get(options, origin))).status, 200);
  });

  it('dies with the fifth wrong answer, and after five minutes', async () => {
    const { challenge, options } = await pending();
    for (let count = 0; count < 5; count += 1)
      refused(await answer(challenge, phone.get(options, origin, { rpId: 'evil.test' })));
    refused(await answer(challenge, phone.get(options, origin)), 'the right one after that');
    const late = await pending();
    house.pass(300_000);
    refused(await answer(late.challenge, phone.get(late.options, origin)), 'late');
  });
});

describe('M-21: a counter that goes back', () => {
  it('locks nobody out; its owner and the log are told', async () => {
    const dora = await anotherAccount(house, 'dora');
    const device = authenticator();
    await addPasskey(house, dora.token, device, { name: 'Copied' });
    const flagged = async (): Promise<unknown> => {
      const listed = await asking(house, dora.token)('GET', '/api/auth/passkeys');
      return (listed.json['passkeys'] as { flagged: boolean }[]).map((each) => each.flagged);
    };
    assert.equal((await signIn(device, await passkeyOptions(house), { counter: 10 })).status, 200);
    assert.deepEqual(await flagged(), [false]);
    assert.equal((await signIn(device, await passkeyOptions(house), { counter: 9 })).status, 200);
    assert.deepEqual(await flagged(), [true]);
    const notices = await house.engine.notices(dora.user.id);
    assert.deepEqual(
      notices.map(({ kind, detail }) => [kind, detail]),
      [
        ['passkey-copied', 'Copied'],
        ['factor-added', 'passkey: Copied'],
      ],
    );
    const audit = await asking(house, root.token)('GET', '/api/auth/audit?event=passkey-copied');
    assert.equal((audit.json['events'] as unknown[]).length, 1);
  });

  it('none at all, as synchronised passkeys have it, is no going back', async () => {
    const erin = await anotherAccount(house, 'erin');
    const device = authenticator();
    await addPasskey(house, erin.token, device, { twist: { synced: true, counter: 0 } });
    for (let count = 0; count < 2; count += 1)
      assert.equal((await signIn(device, await passkeyOptions(house), { counter: 0, synced: true })).status, 200);
    const listed = await asking(house, erin.token)('GET', '/api/auth/passkeys');
    const [passkey] = listed.json['passkeys'] as Record<string, unknown>[];
    assert.deepEqual(
      [passkey?.['flagged'], passkey?.['synced'], passkey?.['backed_up'], typeof passkey?.['last_used_at']],
      [false, true, true, 'string'],
    );
  });

  it('two at once both get in', async () => {
    const [first, second] = [await passkeyOptions(house), await passkeyOptions(house)];
    const got = await Promise.all([signIn(phone, first, { counter: 500 }), signIn(phone, second, { counter: 501 })]);
    assert.deepEqual(
      got.map(({ status }) => status),
      [200, 200],
    );
  });
});

describe('two names of one console', () => {
  beforeEach(async () => {
    root = { ...root, token: await anotherSession(house, root.user) };
  });

  it('a passkey works at the one it was made on', async () => {
    const elsewhere = originOf(house, 'door.localhost');
    const options = await passkeyOptions(house, 'door.localhost');
    assert.equal(options['rpId'], 'door.localhost');
    // As a browser would not do it: the passkey of the other name, with all that can be made to fit.
    const assertion = phone.get({ ...options, rpId: 'localhost' }, elsewhere, { rpId: 'door.localhost' });
    refused(await asking(house, '', 'door.localhost')('POST', '/api/auth/login/passkey', assertion));
    const asked = await asking(house, '', 'door.localhost')('POST', '/api/auth/login', admin);
    assert.deepEqual(asked.json['methods'], ['recovery']);
    assert.ok(!('passkey_options' in asked.json));

    const second = authenticator();
    await addPasskey(house, root.token, second, { name: 'There', host: 'door.localhost' });
    const fresh = await passkeyOptions(house, 'door.localhost');
    const got = await asking(house, '', 'door.localhost')(
      'POST',
      '/api/auth/login/passkey',
      second.get(fresh, elsewhere),
    );
    assert.equal(got.status, 200, got.text);
    const listed = await asking(house, String(got.json['token']))('GET', '/api/auth/passkeys');
    assert.deepEqual(
      (listed.json['passkeys'] as Record<string, unknown>[]).map((each) => [each['name'], each['rp_id']]),
      [
        ['Phone', 'localhost'],
        ['There', 'door.localhost'],
      ],
    );
    // An answer for one name, posted at the other.
    const crossed = second.get(await passkeyOptions(house, 'door.localhost'), elsewhere);
    refused(await stranger()('POST', '/api/auth/login/passkey', crossed));
  });

  it('an address is no name: 409, and nothing is spent', async () => {
    const at = asking(house, root.token, '127.0.0.1');
    assertProblem(await at('POST', '/api/auth/passkeys/options', {}), 409, 'conflict');
    assertProblem(await at('POST', '/api/auth/login/passkey/options', {}), 409, 'conflict');
    const assertion = phone.get(await passkeyOptions(house), origin);
    assertProblem(await at('POST', '/api/auth/login/passkey', assertion), 409, 'conflict');
    assert.equal((await stranger()('POST', '/api/auth/login/passkey', assertion)).status, 200);
  });
});

function flipped(bytes: Buffer): Buffer {
  const changed = Buffer.from(bytes);
  changed[changed.length - 1] = (changed.at(-1) ?? 0) ^ 1;
  return changed;
}
