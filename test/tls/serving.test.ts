/** Certificates of the running product: the one that it makes, those that are renewed, and what it says over them (3-rules, TLS). */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { X509Certificate } from 'node:crypto';
import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs';
import { Agent } from 'node:https';
import { hostname, networkInterfaces } from 'node:os';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { promisify } from 'node:util';
import { systemRandom } from '../../src/crypto/random.ts';
import { makeSelfMade } from '../../src/crypto/certificates/self-made.ts';
import type { Millis } from '../../src/types.ts';
import { send } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { bearer } from '../support/invited.ts';
import { admin, setUp, signIn, signInBearer } from '../support/people.ts';
import {
  layPair,
  openWorkshop,
  type PairOnDisk,
  portOf,
  renewed,
  type SecureHouse,
  serialAt,
  serialOf,
  startSecure,
  tlsStatus,
  until,
  type Workshop,
} from '../support/secure-house.ts';
import { startServer, temporaryFolder } from '../support/server.ts';
import { secured } from '../support/tls-door.ts';

const run = promisify(execFile);
const unchecked = { rejectUnauthorized: false };
const day = 86_400_000;

describe('the self-made certificate', { skip: withoutPackages }, () => {
  let data = '';
  const own = (): PairOnDisk => ({ cert: join(data, 'tls/self-made.crt'), key: join(data, 'tls/self-made.key') });
  const start = (): Promise<SecureHouse> => startSecure({ listen: '0.0.0.0:0', data });
  /** What is served by a server that is started and ended. */
  const served = async (): Promise<string> => {
    const house = await start();
    const serial = await serialAt(house.port);
    assert.equal(await house.end(), 0);
    return serial;
  };
  before(async () => {
    data = await temporaryFolder();
  });
  after(() => rmSync(data, { recursive: true, force: true }));

  it('is made for all that this machine is called, for this file alone, and taken by whoever trusts it', async () => {
    const house = await start();
    try {
      assert.equal(statSync(own().key).mode & 0o777, 0o600);
      const { subjectAltName = '', publicKey, fingerprint256 } = new X509Certificate(readFileSync(own().cert));
      assert.equal(publicKey.asymmetricKeyDetails?.namedCurve, 'prime256v1');
      const addresses = Object.values(networkInterfaces())
        .flatMap((each) => each ?? [])
        .filter(({ internal, family }) => !internal && family === 'IPv4')
        .map(({ address }) => `IP Address:${address}`);
      // Some machines are called what no name in DNS can be.
      const called = /^[a-z][a-z0-9-]*$/i.test(hostname()) ? [hostname().toLowerCase()] : [];
      const names = [...called, 'localhost'].map((name) => `DNS:${name}`);
      for (const name of [...names, 'IP Address:127.0.0.1', ...addresses])
        assert.ok(subjectAltName.split(', ').includes(name), `${name} in ${subjectAltName}`);

      const curl = await need('curl', 'curl');
      const named = ['--resolve', `${hostname()}:${house.port}:127.0.0.1`];
      for (const host of ['127.0.0.1', 'localhost', ...called]) {
        const url = `https://${host}:${house.port}/healthz`;
        const { stdout } = await run(curl, ['-sS', '--fail', '--cacert', own().cert, ...named, url]);
        assert.match(stdout, /"success":true/);
        await assert.rejects(run(curl, ['-sS', ...named, url]), /certificate/);
      }
      const other = ['--resolve', `other.test:${house.port}:127.0.0.1`, `https://other.test:${house.port}/healthz`];
      await assert.rejects(run(curl, ['-sS', '--cacert', own().cert, ...other]), /SSL|certificate/);

      // What happened is written down, and nobody promises what a warning would break.
      const asked = { tls: unchecked, headers: { host: new URL(house.url).host } };
      const got = await send(`${house.console}/api/auth/setup`, {
        ...asked,
        body: { ...admin, setup_code: house.setupCode },
      });
      assert.equal(got.status, 201, got.text);
      assert.equal(got.headers['strict-transport-security'], undefined);
      const headers = { ...asked.headers, ...bearer(String(got.json['token'])) };
      const told = async (): Promise<readonly unknown[]> => {
        const path = '/api/auth/audit?event=certificate-made';
        const { json } = await send(`${house.console}${path}`, { ...asked, headers });
        return (json['events'] as Record<string, unknown>[]).map(({ target, way }) => [target, way]);
      };
      await until(async () => (await told()).length > 0, 'it is written down');
      assert.deepEqual(await told(), [[fingerprint256, 'none']]);
    } finally {
      await house.end();
    }
  });

  it('stays over a restart', async () => {
    const before = serialOf(own());
    assert.equal(await served(), before);
    assert.equal(await served(), before);
  });

  const others: Readonly<Record<string, () => Promise<void>>> = {
    'is over': () => put(Date.now() - 400 * day, ownNames()),
    'is nearly over': () => put(Date.now() - 340 * day, ownNames()),
    'is for a machine that was called otherwise': () => put(Date.now(), ['old-name.test', 'localhost']),
    'is damaged': async () => writeFileSync(own().cert, 'nonsense'),
    'is cut short': async () => writeFileSync(own().cert, readFileSync(own().cert).subarray(0, 300)),
    'lost its key': async () => rmSync(own().key),
    'has the key of another': async () => writeFileSync(own().key, (await made(Date.now(), ['localhost'])).keyPem),
  };
  for (const [name, spoil] of Object.entries(others))
    it(`one that ${name} gives way to another, which stays`, async () => {
      await spoil();
      const before = (() => {
        try {
          return serialOf(own());
        } catch {
          return '';
        }
      })();
      const serial = await served();
      assert.notEqual(serial, before);
      assert.equal(serial, serialOf(own()));
      assert.equal(await served(), serial);
      assert.equal(statSync(own().key).mode & 0o777, 0o600);
    });

  it('the twin: one that was made lately for those names, by whomever, is served', async () => {
    await put(Date.now() - 10 * day, ownNames());
    const before = serialOf(own());
    assert.equal(await served(), before);
  });

  function ownNames(): [string, ...string[]] {
    const found = new X509Certificate(readFileSync(own().cert)).subjectAltName ?? '';
    const [first = '', ...rest] = found.split(', ').map((each) => each.replace(/^(?:DNS|IP Address):/, ''));
    return [first, ...rest];
  }
  function made(at: number, names: readonly [string, ...string[]]): ReturnType<typeof makeSelfMade> {
    return makeSelfMade(names, at as Millis, systemRandom);
  }
  async function put(at: number, names: readonly [string, ...string[]]): Promise<void> {
    const { certPem, keyPem } = await made(at, names);
    writeFileSync(own().cert, certPem);
    writeFileSync(own().key, keyPem, { mode: 0o600 });
  }
});

describe('a pair that is renewed', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let place: PairOnDisk;
  let pairs: readonly [PairOnDisk, PairOnDisk];
  before(async () => {
    workshop = await openWorkshop();
    mkdirSync(workshop.path('live'));
    place = { cert: workshop.path('live/cert.pem'), key: workshop.path('live/key.pem') };
    pairs = [workshop.pair('one'), workshop.pair('two', 'rsa')];
    layPair(pairs[0], place);
    house = await startSecure({ pair: place });
    await setUp(house);
  });
  after(async () => {
    await house.remove();
    workshop.remove();
  });

  it('a hundred times under load: nobody fails, on new connections and on those that are kept', async () => {
    const load = { going: true };
    const answers = { fresh: 0, kept: 0 };
    const client = async (kind: 'fresh' | 'kept'): Promise<void> => {
      const agent = kind === 'kept' ? new Agent({ keepAlive: true, maxSockets: 1 }) : false;
      while (load.going) {
        const got = await send(`${house.console}/api/auth/status`, { agent });
        assert.equal(got.status, 200, got.text);
        answers[kind] += 1;
      }
      if (agent !== false) agent.destroy();
    };
    const clients = [
      ...Array.from({ length: 4 }, () => client('fresh')),
      ...Array.from({ length: 4 }, () => client('kept')),
    ];
    const failed = Promise.all(clients);
    for (let at = 1; at <= 100; at += 1) {
      const pair = pairs[at % 2] ?? assert.fail();
      layPair(pair, place);
      await Promise.race([renewed(house, pair), failed]);
    }
    load.going = false;
    await failed;
    assert.ok(answers.fresh > 100 && answers.kept > 100, JSON.stringify(answers));
    assert.equal((await send(`${house.console}/readyz`)).json['status'], 'ready');
  });

  it('who came before goes on with the one before, who comes after sees the next', async () => {
    const [, next] = pairs;
    const first = await secured({ port: house.port }, unchecked);
    assert.equal(first.getPeerX509Certificate()?.serialNumber, serialOf(place));
    layPair(next, place);
    await renewed(house, next);
    let text = '';
    first.on('data', (part: Buffer) => (text += part.toString('latin1')));
    first.write(`GET /healthz HTTP/1.1\r\nHost: 127.0.0.1:${house.port}\r\nConnection: close\r\n\r\n`);
    await new Promise((resolve) => first.once('close', resolve));
    assert.match(text, /^HTTP\/1\.1 200 /);
    assert.equal(await serialAt(house.port), serialOf(next));
  });

  it('without anybody saying so it is served within a minute', async () => {
    const next = workshop.pair('by-itself');
    layPair(next, place);
    await until(async () => (await serialAt(house.port)) === serialOf(next), 'it was seen', 60_000);
  });
});

describe('what is said over TLS', { skip: withoutPackages }, () => {
  const host = 'nas.test';
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop();
  });
  after(() => workshop.remove());

  /** Answers of every kind: an answer, a page, a redirect, a refusal, nothing there. */
  const promises = async (house: SecureHouse, name: string): Promise<readonly (string | undefined)[]> => {
    const headers = { host: name, accept: 'text/html' };
    const asked = ['/healthz', '/auth/sign-in', '/', '/api/auth/sessions', '/api/nothing', '/nothing/there'];
    const got = await Promise.all(asked.map((path) => send(`${house.console}${path}`, { headers, tls: unchecked })));
    const kinds = new Set(got.map(({ status }) => Math.floor(status / 100)));
    assert.deepEqual(kinds, new Set([2, 3, 4, 5]));
    return got.map((each) => each.headers['strict-transport-security']);
  };

  it('HSTS: with a certificate that the system trusts, and not for localhost', async () => {
    const house = await startSecure({
      pair: workshop.pair('trusted', 'ec', `DNS:${host}`),
      args: ['--public-url', `https://${host}:1`],
      env: { NODE_EXTRA_CA_CERTS: workshop.authority.ca },
    });
    try {
      const port = await portOf(house);
      const at = { ...house, console: `https://127.0.0.1:${port}` };
      for (const each of await promises(at, `${host}:1`)) assert.match(each ?? '', /^max-age=\d{7,}$/);
      for (const each of await promises(at, `127.0.0.1:${port}`)) assert.equal(each, undefined);
      const clear = await send(`http://127.0.0.1:${port}/`, { headers: { host: `${host}:1`, accept: 'text/html' } });
      assert.deepEqual([clear.status, clear.headers['strict-transport-security']], [308, undefined]);
    } finally {
      await house.remove();
    }
  });

  it('HSTS: not with one that it does not trust, and not in the clear', async () => {
    const house = await startSecure({
      pair: workshop.pair('untrusted', 'ec', `DNS:${host}`),
      args: ['--public-url', `https://${host}:1`],
    });
    try {
      const at = { ...house, console: `https://127.0.0.1:${await portOf(house)}` };
      for (const each of await promises(at, `${host}:1`)) assert.equal(each, undefined);
    } finally {
      await house.remove();
    }
    const plain = await startServer();
    try {
      const got = await send(`${plain.console}/healthz`);
      assert.deepEqual([got.status, got.headers['strict-transport-security']], [200, undefined]);
    } finally {
      await plain.remove();
    }
  });

  it('cookies are for HTTPS and this host alone; in the clear on this machine they are called otherwise', async () => {
    const house = await startSecure({ pair: workshop.pair('cookies') });
    try {
      await setUp(house);
      const prepared = await send(`${house.console}/api/auth/login/prepare`, {
        method: 'POST',
        headers: { origin: house.console, 'sec-fetch-site': 'same-origin', 'sec-fetch-mode': 'cors' },
      });
      assert.ok(prepared.cookies.length > 0);
      const person = await signIn(house);
      assert.ok(person.cookies.size > 0);
      for (const name of person.cookies.keys()) assert.match(name, /^__Host-/);
      for (const line of prepared.cookies) {
        assert.match(line, /^__Host-[^;]+;/);
        assert.match(line, /; Secure/i);
        assert.match(line, /; HttpOnly/i);
        assert.match(line, /; Path=\/(?:;|$)/i);
        assert.doesNotMatch(line, /Domain=/i);
      }
      assert.equal((await person.page('/api/auth/sessions')).status, 200);
      const token = await signInBearer(house);
      assert.equal((await tlsStatus(house, token)).json['ssl_enabled'], true);
    } finally {
      await house.remove();
    }
    const plain = await startServer();
    try {
      await setUp(plain);
      const person = await signIn(plain);
      for (const name of person.cookies.keys()) assert.doesNotMatch(name, /^__Host-/);
    } finally {
      await plain.remove();
    }
  });
});
