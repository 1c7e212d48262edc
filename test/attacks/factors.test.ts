/** Passkeys and recovery codes as their owner manages them, and as somebody else would like to (security.md M-13, M-15). */
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
import { authenticator, type Authenticator, cbor, type Twist } from '../support/authenticator.ts';
import { browser, type Got } from '../support/client.ts';
import { asAdmin, passwordOf, settle } from '../support/invited.ts';
import { type Embedded, embed } from '../support/library.ts';
import { admin } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';

let house: Embedded;
let origin: string;
let root: Account;
before(async () => {
  house = await embed({ names: ['localhost'] });
  origin = originOf(house, 'localhost');
  root = await firstAccount(house);
});
after(() => house.close());
beforeEach(() => house.pass(61_000));

interface Shown {
  readonly id: string;
  readonly name: string;
}

async function passkeysOf(token: string): Promise<readonly Shown[]> {
  const got = await asking(house, token)('GET', '/api/auth/passkeys');
  assert.equal(got.status, 200, got.text);
  return got.json['passkeys'] as Shown[];
}

const signIn = async (device: Authenticator): Promise<Got> =>
  asking(house)('POST', '/api/auth/login/passkey', device.get(await passkeyOptions(house), origin));

describe('passkeys of an account', () => {
  it('are offered, added, listed, renamed and removed', async () => {
    const anna = await anotherAccount(house, 'anna', { displayName: 'Anna Ñ' });
    const ask = asking(house, anna.token);
    const options = await ask('POST', '/api/auth/passkeys/options', {});
    assert.equal(options.status, 200, options.text);
    const { challenge, ...rest } = options.json;
    assert.equal(Buffer.from(String(challenge), 'base64url').length, 32);
    assert.deepEqual(rest, {
      success: true,
      rp: { name: 'Sallyport (localhost)', id: 'localhost' },
      user: { id: Buffer.from(anna.user.id).toString('base64url'), name: 'anna', displayName: 'Anna Ñ' },
      pubKeyCredParams: [-7, -8, -257].map((alg) => ({ type: 'public-key', alg })),
      timeout: 120_000,
      excludeCredentials: [],
      authenticatorSelection: { residentKey: 'preferred', requireResidentKey: false, userVerification: 'preferred' },
      attestation: 'none',
    });
    const device = authenticator();
    const added = await ask('POST', '/api/auth/passkeys', device.create(options.json, origin));
    assert.equal(added.status, 201, added.text);
    const made = added.json['passkey'] as Record<string, unknown>;
    assert.match(String(made['created_at']), /^\d{4}-.*Z$/);
    assert.deepEqual(
      { ...made, created_at: '' },
      {
        id: device.credentials[0]?.id,
        name: 'Passkey',
        rp_id: 'localhost',
        created_at: '',
        last_used_at: null,
        backed_up: false,
        synced: false,
        flagged: false,
      },
    );
    assert.deepEqual(await passkeysOf(anna.token), [made]);
    const path = `/api/auth/passkeys/${String(made['id'])}`;
    assert.equal((await ask('PATCH', path, { name: '  Schlüssel 🗝 ' })).status, 200);
    assert.deepEqual(
      (await passkeysOf(anna.token)).map(({ name }) => name),
      ['Schlüssel 🗝'],
    );
    const again = await ask('POST', '/api/auth/passkeys/options', {});
    assert.deepEqual(again.json['excludeCredentials'], [
      { id: made['id'], type: 'public-key', transports: ['hybrid', 'internal'] },
    ]);
    const factors = await ask('GET', '/api/auth/factors');
    assert.deepEqual(
      [factors.json['totp'], (factors.json['passkeys'] as Shown[]).map(({ id }) => id), factors.json['recovery_codes']],
      [{ enabled: false, added_at: null, locked: false }, [made['id']], 0],
    );
    const gone = await ask('DELETE', path, {});
    assert.equal(gone.status, 200, gone.text);
    assert.deepEqual(await passkeysOf(anna.token), []);
    assert.equal((await signIn(device)).status, 401);
    assertProblem(await ask('DELETE', path, {}), 404, 'not_found');
    const notices = await house.engine.notices(anna.user.id);
    assert.deepEqual(
      notices.map(({ kind, detail, address }) => [kind, detail, address]),
      [
        ['factor-removed', 'passkey: Schlüssel 🗝', '127.0.0.1'],
        ['factor-added', 'passkey: Passkey', '127.0.0.1'],
      ],
    );
  });

  it('adding and removing one ends every other session; the one that asked goes on', async () => {
    const ben = await anotherAccount(house, 'ben');
    const first = authenticator();
    const other = await anotherSession(house, ben.user);
    await addPasskey(house, ben.token, first);
    assertProblem(await asking(house, other)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    assert.equal((await passkeysOf(ben.token)).length, 1);
    const signedIn = String((await signIn(first)).json['token']);
    const second = authenticator();
    await addPasskey(house, ben.token, second);
    assertProblem(await asking(house, signedIn)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    const third = String((await signIn(second)).json['token']);
    const [{ id } = { id: '' }] = await passkeysOf(ben.token);
    assert.equal((await asking(house, ben.token)('DELETE', `/api/auth/passkeys/${id}`, {})).status, 200);
    assertProblem(await asking(house, third)('GET', '/api/auth/sessions'), 401, 'invalid_token');
    assert.equal((await passkeysOf(ben.token)).length, 1);
    // Another name changes nobody's sessions.
    const fourth = String((await signIn(second)).json['token']);
    const [left = { id: '' }] = await passkeysOf(ben.token);
    assert.equal((await asking(house, fourth)('PATCH', `/api/auth/passkeys/${left.id}`, { name: 'x' })).status, 200);
    assert.equal((await passkeysOf(ben.token)).length, 1);
  });

  it('of somebody else are not there: 404 to rename or remove, and they stay', async () => {
    const cleo = await anotherAccount(house, 'cleo');
    const device = authenticator();
    const { json } = await addPasskey(house, cleo.token, device, { name: 'Mine' });
    const { id } = json['passkey'] as Shown;
    // An admin is somebody else as well.
    for (const thief of [await anotherSession(house, root.user), (await anotherAccount(house, 'dan')).token]) {
      const ask = asking(house, thief);
      assertProblem(await ask('PATCH', `/api/auth/passkeys/${id}`, { name: 'Yours' }), 404, 'not_found');
      assertProblem(await ask('DELETE', `/api/auth/passkeys/${id}`, {}), 404, 'not_found');
    }
    assert.deepEqual(
      (await passkeysOf(cleo.token)).map(({ name }) => name),
      ['Mine'],
    );
    assert.equal((await signIn(device)).status, 200);
  });

  it('have names of 1 to 64 characters, and none that cannot be seen', async () => {
    const eve = await anotherAccount(house, 'eva');
    const device = authenticator();
    const { json } = await addPasskey(house, eve.token, device);
    const path = `/api/auth/passkeys/${(json['passkey'] as Shown).id}`;
    const ask = asking(house, eve.token);
    for (const name of ['', '   ', 'x'.repeat(65), 'a\u0000b', 'a\nb', '\u202Eevil', 'a\u200bb', 7, null, ['x'], {}])
      assertProblem(await ask('PATCH', path, { name }), 400, 'invalid_request');
    assertProblem(await ask('PATCH', path, {}), 400, 'invalid_request');
    for (const name of ['x'.repeat(64), '<img src=x onerror=alert(1)>', 'Bob\'s "key"', '鍵'])
      assert.equal((await ask('PATCH', path, { name })).status, 200, name);
  });

  it('take ids of 1023 bytes, in the path as well', async () => {
    const finn = await anotherAccount(house, 'finn');
    const device = authenticator();
    await addPasskey(house, finn.token, device, { twist: { idBytes: 1023 } });
    const [{ id } = { id: '' }] = await passkeysOf(finn.token);
    assert.equal(id.length, 1364);
    const path = `/api/auth/passkeys/${id}`;
    const ask = asking(house, finn.token);
    assert.equal((await signIn(device)).status, 200);
    assert.equal((await ask('PATCH', path, { name: 'Long' })).status, 200);
    assert.equal((await ask('DELETE', path, {})).status, 200);
    assertProblem(await ask('DELETE', `${path}A`, {}), 404, 'not_found');
  });

  it('are at most 20', async () => {
    const gil = await anotherAccount(house, 'gil');
    const ask = asking(house, gil.token);
    const early = await ask('POST', '/api/auth/passkeys/options', {});
    for (let count = 0; count < 20; count += 1) await addPasskey(house, gil.token, authenticator());
    assertProblem(await ask('POST', '/api/auth/passkeys/options', {}), 409, 'conflict');
    const late = await ask('POST', '/api/auth/passkeys', authenticator().create(early.json, origin));
    assertProblem(late, 409, 'conflict');
    assert.equal((await passkeysOf(gil.token)).length, 20);
  });
});

describe('a registration', () => {
  let hal: Account;
  before(async () => {
    hal = await anotherAccount(house, 'hal');
  });
  beforeEach(async () => {
    hal = { ...hal, token: await anotherSession(house, hal.user) };
  });

  const optionsFor = async (token: string) =>
    (await asking(house, token)('POST', '/api/auth/passkeys/options', {})).json;
  const add = (token: string, body: object): Promise<Got> => asking(house, token)('POST', '/api/auth/passkeys', body);

  it('answers a challenge of that very session, once, within two minutes', async () => {
    const options = await optionsFor(hal.token);
    const other = await anotherSession(house, hal.user);
    assertProblem(await add(other, authenticator().create(options, origin)), 409, 'conflict');
    const thief = await anotherAccount(house, 'ivo');
    assertProblem(await add(thief.token, authenticator().create(options, origin)), 409, 'conflict');
    const created = authenticator().create(options, origin);
    assert.equal((await add(hal.token, created)).status, 201);
    assertProblem(await add(hal.token, created), 409, 'conflict');
    assertProblem(await add(hal.token, authenticator().create(options, origin)), 409, 'conflict');
    const late = authenticator().create(await optionsFor(hal.token), origin);
    house.pass(120_000);
    assertProblem(await add(hal.token, late), 409, 'conflict');
    // A challenge for a sign-in is none for this.
    const foreign = { ...(await optionsFor(hal.token)), challenge: (await passkeyOptions(house))['challenge'] };
    assertProblem(await add(hal.token, authenticator().create(foreign, origin)), 409, 'conflict');
  });

  it('may stand in `passkey`, where an assertion would be a proof', async () => {
    const device = authenticator();
    const added = await add(hal.token, { passkey: device.create(await optionsFor(hal.token), origin), name: 'Inside' });
    assert.equal(added.status, 201, added.text);
    assert.ok((await passkeysOf(hal.token)).some(({ name }) => name === 'Inside'));
    // With the proof beside it, long after the sign-in.
    const fresh = await anotherSession(house, hal.user);
    house.pass(301_000);
    const stale = await asking(house, fresh)('POST', '/api/auth/passkeys/options', {});
    assertProblem(stale, 403, 'reauthentication_required');
    const proof = device.get(await passkeyOptions(house), origin);
    const proven = await asking(house, fresh)('POST', '/api/auth/passkeys/options', { passkey: proof });
    assert.equal(proven.status, 200, proven.text);
    const second = device.get(await passkeyOptions(house), origin);
    const body = { ...authenticator().create(proven.json, origin), passkey: second };
    assert.equal((await add(fresh, body)).status, 201);
    assertProblem(await add(fresh, body), 403, 'reauthentication_failed');
  });

  it('of a passkey that somebody has already is a conflict', async () => {
    const device = authenticator();
    await addPasskey(house, hal.token, device);
    const [credential] = device.credentials;
    assert.ok(credential);
    const id = Buffer.from(credential.id, 'base64url');
    const rename = (data: Buffer): Buffer => Buffer.concat([data.subarray(0, 55), id, data.subarray(55 + 32)]);
    const thief = await anotherAccount(house, 'jan');
    for (const token of [hal.token, thief.token]) {
      const created = authenticator().create(await optionsFor(token), origin, { authenticatorData: rename });
      assertProblem(await add(token, { ...created, id: credential.id, rawId: credential.id }), 409, 'conflict');
    }
    assert.equal((await signIn(device)).status, 200);
  });

  const twists: Readonly<Record<string, Twist>> = {
    'another origin': { clientData: { origin: 'https://evil.test' } },
    'another relying party': { rpId: 'evil.test' },
    'the type of an assertion': { clientData: { type: 'webauthn.get' } },
    'nobody present': { userPresent: false },
    'a frame of another site': { clientData: { crossOrigin: true } },
    'a byte order mark': { clientDataText: (text) => `\u{feff}${text}` },
    'authenticator data cut short': { authenticatorData: (data) => data.subarray(0, 60) },
    // Verifying it would ask the address in it for a revocation list.
    'a certificate': { attestation: { fmt: 'packed', attStmt: new Map([['x5c', [Buffer.alloc(64)]]]) } },
    'an attestation nobody asked for': { attestation: { fmt: 'android-key', attStmt: new Map() } },
    'an attestation that does not exist': { attestation: { fmt: '__proto__', attStmt: new Map() } },
  };
  for (const [what, twist] of Object.entries(twists)) {
    it(`forged is refused: ${what}`, async () => {
      const before = await passkeysOf(hal.token);
      const created = authenticator().create(await optionsFor(hal.token), origin, twist);
      // With a byte order mark there is no challenge to be read at all.
      assertProblem(await add(hal.token, created), 400, 'invalid_request');
      assert.deepEqual(await passkeysOf(hal.token), before);
    });
  }

  it('of any other shape is refused, and never a fault', async () => {
    const good = authenticator().create(await optionsFor(hal.token), origin);
    const inside = (response: object): object => ({ ...good, response: { ...good.response, ...response } });
    const bomb = Buffer.alloc(40_000, 0x81).toString('base64url');
    const lying = cbor(new Map([['fmt', 'none']])).toString('base64url');
    const bodies: readonly object[] = [
      {},
      { response: {} },
      { ...good, id: {} },
      { ...good, response: [] },
      { ...good, name: 7 },
      { passkey: 7 },
      { passkey: null },
      inside({ attestationObject: 7 }),
      inside({ attestationObject: '' }),
      inside({ attestationObject: bomb }),
      inside({ attestationObject: lying }),
      inside({ clientDataJSON: 'e30' }),
      inside({ transports: 'usb' }),
    ];
    for (const body of bodies) {
      const got = await add(hal.token, body);
      assert.ok([201, 400, 403, 409].includes(got.status), `${got.status} ${JSON.stringify(body).slice(0, 80)}`);
    }
  });
});

describe('M-13: without a proof of a moment ago', () => {
  it('nothing that touches factors works; with the password it does', async () => {
    const ask = asking(house, await anotherSession(house, root.user));
    const device = authenticator();
    const { json } = await addPasskey(house, await anotherSession(house, root.user), device, { name: 'Root' });
    const path = `/api/auth/passkeys/${(json['passkey'] as Shown).id}`;
    assert.equal((await ask('GET', '/api/auth/factors')).status, 401, 'ended by the change');
    const old = asking(house, await anotherSession(house, root.user));
    house.pass(301_000);
    const routes: readonly (readonly [string, string, object])[] = [
      ['POST', '/api/auth/passkeys/options', {}],
      [
        'POST',
        '/api/auth/passkeys',
        device.create({ rp: { id: 'localhost' }, user: { id: 'x' }, challenge: 'x' }, origin),
      ],
      ['PATCH', path, { name: 'Thief' }],
      ['DELETE', path, {}],
      ['POST', '/api/auth/totp/setup', {}],
      ['POST', '/api/auth/recovery-codes', {}],
    ];
    device.credentials.pop();
    for (const [method, route, body] of routes) {
      const got = await old(method, route, body);
      assertProblem(got, 403, 'reauthentication_required');
      assert.deepEqual(got.json['methods'], ['password', 'passkey', 'recovery'], route);
      const half = await old(method, route, { ...body, password: admin.password });
      assertProblem(half, 403, 'reauthentication_required');
    }
    const wrong = await old('DELETE', path, {
      passkey: device.get(await passkeyOptions(house), origin, { rpId: 'x' }),
    });
    assertProblem(wrong, 403, 'reauthentication_failed');
    const assertion = device.get(await passkeyOptions(house), origin);
    const right = await old('DELETE', path, { passkey: assertion });
    assert.equal(right.status, 200, right.text);
    assertProblem(
      await old('POST', '/api/auth/recovery-codes', { passkey: assertion }),
      403,
      'reauthentication_failed',
    );
    const renewed = await old('POST', '/api/auth/recovery-codes', { password: admin.password });
    assert.equal(renewed.status, 200, renewed.text);
    assert.equal((renewed.json['backup_codes'] as string[]).length, 10);
  });

  it('M-15: what is no field of ours turns nothing off', async () => {
    const kim = await anotherAccount(house, 'kim');
    const device = authenticator();
    await addPasskey(house, kim.token, device);
    const ask = asking(house, kim.token);
    const [{ id } = { id: '' }] = await passkeysOf(kim.token);
    const path = `/api/auth/passkeys/${id}`;
    const more = { user_id: root.user.id, rp_id: 'evil.test', public_key: 'x', counter: 0, flagged: true };
    assert.equal((await ask('PATCH', path, { name: 'Same', ...more })).status, 200);
    const [shown] = await passkeysOf(kim.token);
    assert.deepEqual([shown?.id, (shown as unknown as { rp_id: string }).rp_id], [id, 'localhost']);
    assert.equal((await signIn(device)).status, 200);
    assertProblem(await ask('PATCH', '/api/auth/factors', { totp: { enabled: false } }), 405, 'method_not_allowed');
  });
});

describe('the last factor of an account with a short password', () => {
  it('cannot go: 409; the one before it can', async () => {
    const lea = await settle(house.console, asAdmin(house.console, await anotherSession(house, root.user)), 'lea');
    const device = authenticator();
    await addPasskey(house, lea.token, device, { name: 'One' });
    await addPasskey(house, lea.token, authenticator(), { name: 'Two' });
    // Short passwords are for those who have a second factor.
    const shortened = await asking(house, lea.token)('POST', '/api/auth/change-password', {
      old_password: passwordOf('lea'),
      new_password: 'kestrel-9 fern',
      passkey: device.get(await passkeyOptions(house), origin),
    });
    assert.equal(shortened.status, 200, shortened.text);
    const token = String(shortened.json['token']);
    const [one, two] = await passkeysOf(token);
    const ask = asking(house, token);
    assert.equal((await ask('DELETE', `/api/auth/passkeys/${one?.id}`, {})).status, 200);
    const last = await ask('DELETE', `/api/auth/passkeys/${two?.id}`, {});
    assertProblem(last, 409, 'conflict');
    assert.match(String(last.json['detail']), /15 characters/);
    assert.equal((await passkeysOf(token)).length, 1);
  });
});

describe('PATCH, like every unsafe method', () => {
  it('asks a cookie for its CSRF token, and for a page of ours', async () => {
    const host = { host: new URL(origin).host, origin };
    const person = browser(house.console);
    const mia = await anotherAccount(house, 'mia');
    const device = authenticator();
    await addPasskey(house, mia.token, device);
    const prepared = await person.page('/api/auth/login/prepare', { method: 'POST', headers: host });
    const signedIn = await person.page('/api/auth/login/passkey', {
      headers: host,
      body: { ...device.get(await passkeyOptions(house), origin), login_token: prepared.json['login_token'] },
    });
    assert.equal(signedIn.status, 200, signedIn.text);
    const path = `/api/auth/passkeys/${device.credentials[0]?.id}`;
    const sent = { method: 'PATCH', body: { name: 'Forged' } };
    assertProblem(await person.send(path, { ...sent, headers: { host: host.host } }), 403, 'csrf_failed');
    const crossSite = { ...host, origin: 'https://evil.test', 'sec-fetch-site': 'cross-site' };
    assertProblem(await person.page(path, { ...sent, headers: crossSite }), 403, 'csrf_failed');
    assert.equal((await person.page(path, { ...sent, body: { name: 'Own' }, headers: host })).status, 200);
    assert.deepEqual(
      (await passkeysOf(mia.token)).map(({ name }) => name),
      ['Own'],
    );
    const plain = { ...host, 'content-type': 'text/plain' };
    const text = await person.page(path, { method: 'PATCH', body: '{"name":"Plain"}', headers: plain });
    assertProblem(text, 415, 'unsupported_media_type');
    const large = await person.page(path, { method: 'PATCH', body: { name: 'x'.repeat(70_000) }, headers: host });
    assertProblem(large, 413, 'payload_too_large');
  });

  it('is named where another method came', async () => {
    const ask = asking(house, root.token);
    const put = await ask('PUT', '/api/auth/passkeys/AAAA', {});
    assertProblem(put, 405, 'method_not_allowed');
    assert.equal(put.headers['allow'], 'PATCH, DELETE');
    assertProblem(await asking(house)('PATCH', '/api/auth/passkeys/AAAA', { name: 'x' }), 401, 'unauthorized');
    assertProblem(await ask('PATCH', '/api/auth/login', {}), 405, 'method_not_allowed');
  });
});
