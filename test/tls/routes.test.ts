/**
 * TLS over HTTP (2-http-api, 7; PM12): who is told what, what is refused, and what changes. Against a keeper of certificates
 * that only says what it serves; real files and handshakes are tested where they are.
 */
import assert from 'node:assert/strict';
import { after, before, describe, it } from 'node:test';
import type { Millis } from '../../src/types.ts';
import { type Got, send, type Sent } from '../support/client.ts';
import {
  type FakeCertificates,
  fakeCertificates,
  fingerprintOf,
  goodPair,
  mismatch,
  proxmoxPair,
} from '../support/fake-certificates.ts';
import { asAdmin, bearer, settle } from '../support/invited.ts';
import { embed, type Embedded } from '../support/library.ts';
import { admin, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { basic, heldIn, serviceKeyFileOf } from '../support/service-key.ts';
import { askAs, issue } from '../support/tokens.ts';

const custom = { source: 'custom', cert_path: goodPair.certPath, key_path: goodPair.keyPath };
const statusFields = [
  'alarm',
  'cert_info',
  'cert_path',
  'chain_ok',
  'days_left',
  'detected',
  'key_path',
  'letsencrypt_available',
  'names',
  'not_after',
  'proxmox_available',
  'proxmox_cert',
  'proxmox_key',
  'readable_folders',
  'source',
  'ssl_enabled',
  'success',
  'tls',
  'warnings',
];

async function opened(options: Parameters<typeof embed>[0]): Promise<{ house: Embedded; token: string }> {
  const house = await embed(options);
  const got = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
  assert.equal(got.status, 201, got.text);
  return { house, token: String(got.json['token']) };
}

/** Ninety days and an hour. */
const notAfter = (Date.now() + 90 * 86_400_000 + 3_600_000) as Millis;

describe('TLS over HTTP', () => {
  let house: Embedded;
  let certificates: FakeCertificates;
  let token: string;
  before(async () => {
    certificates = fakeCertificates(notAfter);
    ({ house, token } = await opened({ certificates }));
  });
  after(() => house.close());

  const ask = (path: string, body?: unknown, headers: Sent['headers'] = bearer(token)): Promise<Got> =>
    send(`${house.console}/api/ssl/${path}`, { headers: headers ?? {}, ...(body === undefined ? {} : { body }) });
  const post = (path: string): Promise<Got> =>
    send(`${house.console}/api/ssl/${path}`, { method: 'POST', headers: bearer(token) });
  const whole = async (): Promise<Got['json']> => {
    const got = await ask('status');
    assert.equal(got.status, 200, got.text);
    return got.json;
  };

  it('without TLS: nothing is served, and what was found is told', async () => {
    const got = await whole();
    assert.deepEqual(Object.keys(got).toSorted(), statusFields);
    assert.deepEqual(
      { ...got, detected: null },
      {
        success: true,
        ssl_enabled: false,
        source: 'none',
        cert_path: null,
        key_path: null,
        cert_info: null,
        not_after: null,
        days_left: null,
        names: [],
        chain_ok: null,
        warnings: [],
        tls: 'possible',
        // What somebody put there comes before what the cluster made.
        proxmox_available: true,
        proxmox_cert: proxmoxPair.certPath,
        proxmox_key: proxmoxPair.keyPath,
        letsencrypt_available: false,
        detected: null,
        readable_folders: ['/etc/pve/local', '/etc/ssl/wiki'],
        alarm: null,
      },
    );
    assert.deepEqual((got['detected'] as unknown[])[0], {
      source: 'proxmox',
      cert_path: proxmoxPair.certPath,
      key_path: proxmoxPair.keyPath,
    });
  });

  it('a pair is looked at: 200 either way, and nothing changes', async () => {
    const good = await ask('validate', { cert_path: goodPair.certPath, key_path: goodPair.keyPath });
    assert.equal(good.status, 200, good.text);
    const { message, ...said } = good.json;
    assert.ok(typeof message === 'string');
    assert.deepEqual(said, {
      success: true,
      problems: [],
      cert_info: {
        subject: 'CN=custom.home',
        expires: new Date(notAfter).toISOString(),
        issuer: 'CN=Home CA',
        is_self_signed: false,
        serial: '0A1B',
        fingerprint: fingerprintOf(goodPair),
        key: 'EC P-256',
      },
      not_after: new Date(notAfter).toISOString(),
      days_left: 90,
      names: ['wiki.home', '192.0.2.7'],
      chain_ok: false,
      warnings: [{ code: 'untrusted', message: 'This system does not trust who signed it.' }],
    });
    const bad = await ask('validate', { cert_path: goodPair.certPath, key_path: '/etc/ssl/wiki/other.pem' });
    assert.equal(bad.status, 200, bad.text);
    assert.deepEqual(bad.json, {
      success: false,
      message: 'These files cannot be served: The key is not that of the certificate.',
      problems: [{ code: mismatch.code, message: mismatch.text }],
      warnings: [],
    });
    assert.equal((await whole())['ssl_enabled'], false);
    assert.deepEqual(certificates.choices, []);
  });

  it('paths that are none, and what fits no field, are refused before anything is looked at', async () => {
    const good = { cert_path: '/a', key_path: '/b' };
    for (const path of [
      '',
      'a.pem',
      './a.pem',
      '../a',
      '/a\u0000',
      '/a\nb',
      '/a\u007f',
      `/${'a'.repeat(4096)}`,
      7,
      null,
    ]) {
      for (const body of [
        { ...good, cert_path: path },
        { ...good, key_path: path },
      ]) {
        assertProblem(await ask('validate', body), 400, 'invalid_request');
        assertProblem(await ask('configure', { source: 'custom', ...body }), 400, 'invalid_request');
      }
    }
    for (const body of [{}, { cert_path: '/a' }, { key_path: '/a' }])
      assertProblem(await ask('validate', body), 400, 'invalid_request');
    for (const body of [
      { source: 'custom' },
      { source: 'custom', cert_path: '/a' },
      { source: 'custom', key_path: '/a' },
      { source: 'settings' },
      { source: 'none' },
      { source: 7 },
      { auto_restart: 'yes' },
    ])
      assertProblem(await ask('configure', body), 400, 'invalid_request');
    assertProblem(await ask('disable', { auto_restart: 1 }), 400, 'invalid_request');
    const form = { ...bearer(token), 'content-type': 'application/x-www-form-urlencoded' };
    assertProblem(await ask('configure', 'source=proxmox', form), 415, 'unsupported_media_type');
    assert.deepEqual(certificates.choices, []);
    // The longest that is one.
    const longest = await ask('validate', { cert_path: `/${'a'.repeat(4095)}`, key_path: '/b' });
    assert.deepEqual([longest.status, longest.json['success']], [200, false]);
  });

  it('configured: nothing restarts, and the answer says what is served from now on', async () => {
    const got = await ask('configure', { ...custom, auto_restart: true });
    assert.equal(got.status, 200, got.text);
    const { message, cert_info: info, ...said } = got.json;
    assert.match(String(message), /^HTTPS is served from now on/);
    assert.equal((info as Record<string, unknown>)['fingerprint'], fingerprintOf(goodPair));
    assert.deepEqual(said, {
      success: true,
      restarting: false,
      new_protocol: 'https',
      new_url: house.console,
      ssl_enabled: true,
      source: 'custom',
      cert_path: goodPair.certPath,
      key_path: goodPair.keyPath,
      not_after: new Date(notAfter).toISOString(),
      days_left: 90,
      names: ['wiki.home', '192.0.2.7'],
      chain_ok: false,
      warnings: [{ code: 'untrusted', message: 'This system does not trust who signed it.' }],
    });
    const status = await whole();
    assert.deepEqual(
      ['ssl_enabled', 'source', 'cert_path', 'days_left', 'chain_ok'].map((name) => status[name]),
      [true, 'custom', goodPair.certPath, 90, false],
    );
    assert.ok(!JSON.stringify([got.json, status]).includes('bytes of a key'));
  });

  it('Proxmox is what is meant where nothing is said, with a body and without; paths beside it count for nothing', async () => {
    for (const each of [post('configure'), ask('configure', {}), ask('configure', { ...custom, source: 'proxmox' })]) {
      const got = await each;
      assert.equal(got.status, 200, got.text);
      assert.deepEqual([got.json['source'], got.json['cert_path']], ['proxmox', proxmoxPair.certPath]);
    }
  });

  it('what is unusable, or nowhere, is 400, with everything that is wrong; what was served goes on', async () => {
    const nowhere = await ask('configure', { source: 'letsencrypt' });
    assertProblem(nowhere, 400, 'invalid_request');
    assert.deepEqual(nowhere.json['problems'], [{ code: 'missing', message: nowhere.json['detail'] }]);
    const unusable = await ask('configure', { ...custom, key_path: '/etc/ssl/wiki/other.pem' });
    assertProblem(unusable, 400, 'invalid_request');
    assert.deepEqual(unusable.json['problems'], [{ code: mismatch.code, message: mismatch.text }]);
    assert.equal((await whole())['source'], 'proxmox');
  });

  it('an alarm is told: since when, which files, what is wrong', async () => {
    certificates.put({ alarm: { since: 1000 as Millis, files: goodPair, problems: [mismatch] } });
    assert.deepEqual((await whole())['alarm'], {
      since: '1970-01-01T00:00:01.000Z',
      cert_path: goodPair.certPath,
      problems: [{ code: mismatch.code, message: mismatch.text }],
    });
    certificates.put({ alarm: null });
  });

  it('dropped, with a body and without: the answer says what is served then', async () => {
    for (const each of [post('disable'), ask('disable', {}), ask('disable', { auto_restart: true })]) {
      const got = await each;
      assert.equal(got.status, 200, got.text);
      assert.equal(got.json['message'], 'Plain HTTP is served from now on.');
      assert.deepEqual(
        ['restarting', 'new_protocol', 'new_url', 'ssl_enabled', 'cert_info'].map((name) => got.json[name]),
        [false, 'http', house.console, false, null],
      );
    }
  });

  it('strangers, and whoever does not administer, are told one thing; a wrong header is refused, a dead cookie is none', async () => {
    const root = asAdmin(house.console, token);
    const { token: carol } = await settle(house.console, root, 'carol');
    const asking = askAs(house.console, token);
    const scoped = async (scope: string): Promise<Readonly<Record<string, string>>> =>
      bearer((await issue(asking, { scopes: [scope] })).secret);
    const little = { success: true, ssl_enabled: false };
    for (const headers of [
      {},
      { cookie: `sallyport-account=${'a'.repeat(43)}` },
      bearer(carol),
      await scoped('*'),
      await scoped('admin:credentials'),
      await scoped('sallyport:tokens'),
    ]) {
      const got = await ask('status', undefined, headers);
      assert.equal(got.status, 200, got.text);
      assert.deepEqual(got.json, little);
    }
    for (const headers of [
      await scoped('sallyport:tls'),
      await scoped('sallyport:admin'),
      basic(heldIn(serviceKeyFileOf(house.data))),
      basic(admin.username, admin.password),
    ])
      assert.equal((await ask('status', undefined, headers)).json['source'], 'none');
    assertProblem(await ask('status', undefined, bearer('nonsense')), 401, 'invalid_token');
    assertProblem(await ask('status', undefined, basic(admin.username, wrongPassword)), 401, 'invalid_credentials');
    assertProblem(await ask('status', undefined, { authorization: 'Basic %%%' }), 400, 'invalid_request');
  });

  it('a change is confirmed: by a window, a password in the body, the service key; by no token', async () => {
    const { secret } = await issue(askAs(house.console, token), { scopes: ['admin:credentials'] });
    const reading = await issue(askAs(house.console, token), { scopes: ['sallyport:tls'] });
    house.pass(5 * 60_000 + 1000);
    for (const path of ['configure', 'disable']) {
      assertProblem(await ask(path, {}), 403, 'reauthentication_required');
      assertProblem(await ask(path, {}, bearer(secret)), 403, 'reauthentication_required');
      assertProblem(await ask(path, {}, bearer(reading.secret)), 403, 'insufficient_scope');
      assertProblem(await ask(path, {}, {}), 401, 'unauthorized');
      assertProblem(await ask(path, { password: wrongPassword }), 403, 'reauthentication_failed');
      assert.equal((await ask(path, { password: admin.password })).status, 200);
      assert.equal((await ask(path, {}, basic(heldIn(serviceKeyFileOf(house.data))))).status, 200);
    }
    // Looking changes nothing.
    const looked = await ask('validate', { cert_path: '/a', key_path: '/b' }, bearer(secret));
    assert.deepEqual([looked.status, looked.json['success']], [200, false]);
    assertProblem(
      await ask('validate', { cert_path: '/a', key_path: '/b' }, bearer(reading.secret)),
      403,
      'insufficient_scope',
    );
  });

  it('readiness and figures: silent without TLS; how long it is good for, and the alarm', async () => {
    const ready = async (): Promise<unknown> => (await send(`${house.console}/readyz`)).json['certificate'];
    const figures = async (): Promise<readonly string[]> =>
      (await send(`${house.console}/metrics`)).text
        .split('\n')
        .filter((line) => line.startsWith('sallyport_certificate'));
    certificates.put({ serving: { kind: 'plain' } });
    assert.equal(await ready(), undefined);
    assert.deepEqual(await figures(), ['sallyport_certificate_alarm 0']);
    await ask('configure', { ...custom, password: admin.password });
    assert.equal(await ready(), 'working');
    assert.deepEqual(await figures(), [
      `sallyport_certificate_not_after_seconds ${notAfter / 1000}`,
      'sallyport_certificate_alarm 0',
    ]);
    certificates.put({ alarm: { since: house.now(), files: goodPair, problems: [mismatch] } });
    assert.equal(await ready(), 'alarm');
    assert.deepEqual((await figures()).at(-1), 'sallyport_certificate_alarm 1');
    certificates.put({ alarm: null });
    house.pass(61 * 86_400_000);
    assert.equal(await ready(), 'expires-soon');
    house.pass(30 * 86_400_000);
    assert.equal(await ready(), 'alarm');
    assert.equal((await send(`${house.console}/readyz`)).status, 200);
  });

  it('after its end the days left are below zero', async () => {
    const again = await send(`${house.console}/api/auth/login`, { body: admin });
    token = String(again.json['token']);
    const left = Number((await whole())['days_left']);
    assert.equal(left, Math.floor((notAfter - house.now()) / 86_400_000));
    assert.ok(left < 0);
  });
});

describe('where no listener is ours, or TLS is off', () => {
  let house: Embedded;
  let token: string;
  before(async () => {
    house = await embed();
  });
  after(() => house.close());

  it('before set-up: one thing is told, and nothing can be changed', async () => {
    const got = await send(`${house.console}/api/ssl/status`);
    assert.deepEqual([got.status, got.json], [200, { success: true, ssl_enabled: false }]);
    for (const path of ['validate', 'configure', 'disable'])
      assertProblem(await send(`${house.console}/api/ssl/${path}`, { body: {} }), 503, 'not_configured');
  });

  it('afterwards: it is off, no file is read, and a change is a conflict', async () => {
    const made = await send(`${house.console}/api/auth/setup`, { body: { setup_code: house.setupCode, ...admin } });
    token = String(made.json['token']);
    const ask = (path: string, body?: unknown): Promise<Got> =>
      send(`${house.console}/api/ssl/${path}`, { headers: bearer(token), ...(body === undefined ? {} : { body }) });
    const status = (await ask('status')).json;
    assert.deepEqual([status['tls'], status['readable_folders']], ['off', []]);
    for (const source of ['proxmox', 'letsencrypt']) assertProblem(await ask('configure', { source }), 409, 'conflict');
    assertProblem(await ask('configure', custom), 409, 'conflict');
    assertProblem(await ask('disable', {}), 409, 'conflict');
    const looked = await ask('validate', { cert_path: '/etc/passwd', key_path: '/etc/passwd' });
    assert.deepEqual([looked.status, looked.json['success']], [200, false]);
    const events = (await send(`${house.console}/api/auth/audit`, { headers: bearer(token) })).json['events'];
    assert.ok(!JSON.stringify(events).includes('certificate-'), 'what was refused was not done');
  });

  it('with sign-in switched off nobody is told more for that', async () => {
    const off = await send(`${house.console}/api/auth/disable`, {
      headers: bearer(token),
      body: { password: admin.password },
    });
    assert.equal(off.status, 200, off.text);
    const got = await send(`${house.console}/api/ssl/status`);
    assert.deepEqual([got.status, got.json], [200, { success: true, ssl_enabled: false }]);
    assertProblem(await send(`${house.console}/api/ssl/disable`, { body: {} }), 401, 'unauthorized');
  });
});
