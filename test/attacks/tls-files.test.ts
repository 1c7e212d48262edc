/**
 * Certificate files as they should not be, on the running product: at the start and while it runs (security.md 2.10, X-04),
 * and files that are none of the asker's business (2-http-api, 7).
 */
import assert from 'node:assert/strict';
import { X509Certificate } from 'node:crypto';
import {
  appendFileSync,
  chmodSync,
  copyFileSync,
  mkdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, beforeEach, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { freePort } from '../support/free-port.ts';
import { asAdmin, bearer, settle } from '../support/invited.ts';
import { setUp, signIn, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import {
  layPair,
  openWorkshop,
  type PairOnDisk,
  renewed,
  type SecureHouse,
  serialAt,
  serialOf,
  startSecure,
  tlsStatus,
  until,
  type Workshop,
} from '../support/secure-house.ts';
import { runCommand, temporaryFolder } from '../support/server.ts';
import { askAs, issue } from '../support/tokens.ts';

/** What may be wrong with a pair, and the word for it where it is told to programs. */
const wrongs: Readonly<
  Record<string, { readonly code: string; readonly make: (workshop: Workshop, pair: PairOnDisk) => void }>
> = {
  'a key that everybody may read': { code: 'key-mode', make: (_, pair) => chmodSync(pair.key, 0o644) },
  'a key that its group may change': { code: 'key-mode', make: (_, pair) => chmodSync(pair.key, 0o660) },
  'the key of another, EC for EC': {
    code: 'mismatch',
    make: (workshop, pair) => copyFileSync(workshop.pair('other-ec').key, pair.key),
  },
  'the key of another, RSA for EC': {
    code: 'mismatch',
    make: (workshop, pair) => copyFileSync(workshop.pair('other-rsa', 'rsa').key, pair.key),
  },
  'the key of another, RSA for RSA': {
    code: 'mismatch',
    make: (workshop, pair) => {
      copyFileSync(workshop.pair('first-rsa', 'rsa').cert, pair.cert);
      copyFileSync(workshop.pair('second-rsa', 'rsa').key, pair.key);
    },
  },
  'the certificate cut short': {
    code: 'no-certificate',
    make: (_, pair) => writeFileSync(pair.cert, readFileSync(pair.cert).subarray(0, 400)),
  },
  'the key cut short': {
    code: 'no-key',
    make: (_, pair) => writeFileSync(pair.key, readFileSync(pair.key).subarray(0, 100)),
  },
  'a certificate in DER': {
    code: 'no-certificate',
    make: (_, pair) => writeFileSync(pair.cert, new X509Certificate(readFileSync(pair.cert)).raw),
  },
  'an empty certificate': { code: 'no-certificate', make: (_, pair) => writeFileSync(pair.cert, '') },
  'no certificate': { code: 'missing', make: (_, pair) => rmSync(pair.cert) },
  'no key': { code: 'missing', make: (_, pair) => rmSync(pair.key) },
  'a folder for a key': {
    code: 'unreadable',
    make: (_, pair) => {
      rmSync(pair.key);
      mkdirSync(pair.key);
    },
  },
};

function refused(port: number): Promise<string> {
  return new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1');
    socket.once('connect', () => {
      socket.destroy();
      resolve('connected');
    });
    socket.once('error', (fault: NodeJS.ErrnoException) => resolve(fault.code ?? ''));
  });
}

describe('X-04: at the start', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let data = '';
  before(async () => {
    workshop = await openWorkshop();
    data = await temporaryFolder();
  });
  after(() => {
    workshop.remove();
    rmSync(data, { recursive: true, force: true });
  });

  for (const [name, { make }] of Object.entries(wrongs))
    it(`${name}: no start, one clear line, and nothing listens`, async () => {
      const pair = workshop.pair('started');
      make(workshop, pair);
      const port = await freePort();
      const named = ['--tls-cert', pair.cert, '--tls-key', pair.key];
      const ran = await runCommand(['serve', '--data', data, '--listen', `127.0.0.1:${port}`, ...named]);
      rmSync(pair.key, { recursive: true, force: true });
      assert.equal(ran.code, 69, ran.err);
      assert.equal(ran.out, '');
      const [line = '', ...more] = ran.err.trimEnd().split('\n');
      assert.deepEqual(more, []);
      assert.ok(line.startsWith(`sallyport: the certificate ${pair.cert} cannot be served: `), line);
      assert.doesNotMatch(line, /BEGIN|MII|error:|\bat \//);
      assert.equal(await refused(port), 'ECONNREFUSED');
    });

  it('the twin: the same pair untouched; a chain that lacks who vouches for it is told and not refused', async () => {
    const pair = workshop.pair('whole');
    const codes = async (house: SecureHouse, token: string): Promise<readonly unknown[]> => {
      const { json } = await tlsStatus(house, token);
      assert.deepEqual([json['ssl_enabled'], json['alarm']], [true, null]);
      return (json['warnings'] as { code: string }[]).map(({ code }) => code);
    };
    const house = await startSecure({ pair });
    try {
      await setUp(house);
      const token = await signInBearer(house);
      const before = await codes(house, token);
      assert.ok(before.includes('chain-incomplete') && before.includes('untrusted'), JSON.stringify(before));
      appendFileSync(pair.cert, readFileSync(workshop.authority.ca));
      house.process.kill('SIGHUP');
      await until(async () => !(await codes(house, token)).includes('chain-incomplete'), 'the chain is whole');
    } finally {
      await house.remove();
    }
  });
});

describe('X-04: while running', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let token = '';
  let place: PairOnDisk;
  let first: PairOnDisk;
  before(async () => {
    workshop = await openWorkshop();
    mkdirSync(workshop.path('live'));
    place = { cert: workshop.path('live/cert.pem'), key: workshop.path('live/key.pem') };
    first = workshop.pair('first');
    layPair(first, place);
    house = await startSecure({ pair: place });
    await setUp(house);
    token = await signInBearer(house);
  });
  beforeEach(async () => {
    rmSync(place.key, { recursive: true, force: true });
    layPair(first, place);
    await renewed(house, first);
    await until(async () => (await standing()).alarm === '0', 'no alarm');
  });
  after(async () => {
    await house.remove();
    workshop.remove();
  });

  const text = async (path: string): Promise<Got> => send(`${house.console}${path}`);
  const standing = async (): Promise<{ alarm: string; ready: unknown; told: Record<string, unknown> | null }> => {
    const metrics = (await text('/metrics')).text;
    const ready = await text('/readyz');
    assert.equal(ready.status, 200, ready.text);
    return {
      alarm: /^sallyport_certificate_alarm (\d)$/m.exec(metrics)?.[1] ?? '',
      ready: ready.json['certificate'],
      told: (await tlsStatus(house, token)).json['alarm'] as Record<string, unknown> | null,
    };
  };
  const events = async (name: string): Promise<readonly Record<string, unknown>[]> => {
    const got = await send(`${house.console}/api/auth/audit?event=${name}&limit=1000`, { headers: bearer(token) });
    assert.equal(got.status, 200, got.text);
    return got.json['events'] as Record<string, unknown>[];
  };
  const fingerprint = (pair: PairOnDisk): string => new X509Certificate(readFileSync(pair.cert)).fingerprint256;

  for (const [name, { code, make }] of Object.entries(wrongs))
    it(`${name}: the pair before goes on, an alarm is everywhere, and is gone when it is put right`, async () => {
      const refusedBefore = (await events('certificate-refused')).length;
      const logBefore = house.log().length;
      make(workshop, place);
      house.process.kill('SIGHUP');
      await until(async () => (await standing()).alarm === '1', 'the alarm');
      const { ready, told } = await standing();
      assert.equal(ready, 'alarm');
      assert.equal(told?.['cert_path'], place.cert);
      const problems = told['problems'] as { code: string; message: string }[];
      assert.ok(
        problems.some((each) => each.code === code),
        JSON.stringify(problems),
      );
      assert.equal(await serialAt(house.port), serialOf(first));
      const lines = house
        .log()
        .slice(logBefore)
        .split('\n')
        .filter((line) => line.includes('cannot be served'));
      assert.equal(lines.length, 1, lines.join('\n'));
      assert.match(lines[0] ?? '', /"level":50/);
      assert.doesNotMatch(house.log().slice(logBefore), /BEGIN|PRIVATE/);

      // Again and again is one alarm and one line.
      house.process.kill('SIGHUP');
      await until(async () => (await events('certificate-refused')).length > refusedBefore, 'it is written down');
      const [newest] = await events('certificate-refused');
      assert.equal((await events('certificate-refused')).length, refusedBefore + 1);
      assert.deepEqual([newest?.['target'], newest?.['result']], [fingerprint(first), problems[0]?.code]);

      const next = workshop.pair('next');
      rmSync(place.key, { recursive: true, force: true });
      layPair(next, place);
      await renewed(house, next);
      await until(async () => (await standing()).alarm === '0', 'the alarm is gone');
      const after = await standing();
      assert.deepEqual([after.ready, after.told], ['expires-soon', null]);
      await until(
        async () => (await events('certificate-replaced'))[0]?.['target'] === fingerprint(next),
        'the other is written down',
      );
    });

  it('the twin: EC for RSA and back, good ones, are served without an alarm', async () => {
    for (const kind of ['rsa', 'ec'] as const) {
      const pair = workshop.pair(`swapped-${kind}`, kind);
      layPair(pair, place);
      await renewed(house, pair);
    }
    assert.equal((await standing()).told, null);
  });
});

describe('files that are nobody’s business', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let token = '';
  let inside: PairOnDisk;
  /** As it is written: `join` would take ways up out of it. */
  const readable = (name: string): string => `${workshop.folder}/readable/${name}`;
  const secret = 'hunter2-in-a-file-outside';
  before(async () => {
    workshop = await openWorkshop();
    mkdirSync(workshop.path('readable'));
    mkdirSync(workshop.path('outside'));
    inside = { cert: readable('cert.pem'), key: readable('key.pem') };
    layPair(workshop.pair('inside'), inside);
    layPair(workshop.pair('of-another'), {
      cert: workshop.path('outside/cert.pem'),
      key: workshop.path('outside/key.pem'),
    });
    writeFileSync(workshop.path('outside/secret'), secret, { mode: 0o600 });
    writeFileSync(workshop.path('outside/closed'), secret, { mode: 0o000 });
    house = await startSecure({ args: ['--tls-allowed-dirs', workshop.path('readable')] });
    await setUp(house);
    token = await signInBearer(house);
  });
  after(async () => {
    await house.remove();
    workshop.remove();
  });

  const ask = (what: string, body: object, headers: Readonly<Record<string, string>> = bearer(token)): Promise<Got> =>
    send(`${house.console}/api/ssl/${what}`, { headers, body });
  const custom = (pair: PairOnDisk): object => ({ source: 'custom', cert_path: pair.cert, key_path: pair.key });
  /** All that was said, but for what is another each time. */
  const said = ({ status, headers, text }: Got): string =>
    JSON.stringify([
      status,
      Object.entries(headers).filter(([name]) => name !== 'date'),
      text.replace(/"request_id":"[^"]+"/, ''),
    ]);

  it('the twin: a pair in the folder is good, and what is wrong with others there is told', async () => {
    const good = await ask('validate', { cert_path: inside.cert, key_path: inside.key });
    assert.equal(good.json['success'], true, good.text);
    const missing = await ask('validate', { cert_path: readable('nothing'), key_path: inside.key });
    assert.deepEqual((missing.json['problems'] as { code: string }[])[0]?.code, 'missing');
  });

  it('there or not, file or folder, closed or open, by whichever way: one answer', async () => {
    const link = (name: string, to: string): string => {
      symlinkSync(to, readable(name));
      return readable(name);
    };
    const paths = [
      workshop.path('outside/cert.pem'),
      workshop.path('outside/key.pem'),
      workshop.path('outside/secret'),
      workshop.path('outside/closed'),
      workshop.path('outside'),
      workshop.path('outside/nothing'),
      workshop.path('outside/secret/below'),
      workshop.path('nothing/at/all'),
      workshop.path('readable'),
      `${workshop.path('readable')}-alike/cert.pem`,
      '/proc/self/environ',
      '/proc/self/fd/0',
      '/etc/shadow',
      '/etc/passwd',
      '/dev/zero',
      '/dev/tty',
      '/',
      `/${'a'.repeat(4000)}`,
      `/${'a/'.repeat(2000)}`,
      readable('../outside/secret'),
      readable('../outside/nothing'),
      readable('..//readable/cert.pem'),
      readable('x/../cert.pem'),
      `${workshop.path('readable')}/./../outside/secret`,
      join(house.data, 'root.key'),
      join(house.data, 'nothing'),
      link('to-secret', '../outside/secret'),
      link('to-nothing', '../outside/nothing'),
      link('to-folder', '../outside'),
      readable('to-folder/secret'),
      readable('to-folder/nothing'),
      link('to-shadow', '/etc/shadow'),
      link('to-link', 'to-secret'),
      link('to-proc', '/proc/self/environ'),
    ];
    for (const [role, body] of [
      ['certificate', (path: string) => ({ cert_path: path, key_path: inside.key })],
      ['key', (path: string) => ({ cert_path: inside.cert, key_path: path })],
      ['both', (path: string) => ({ cert_path: path, key_path: path })],
    ] as const)
      for (const what of ['validate', 'configure']) {
        const answers = new Map<string, string>();
        for (const path of paths) {
          const got = await ask(what, { source: 'custom', ...body(path) });
          answers.set(said(got), path);
          assert.equal(got.status, what === 'validate' ? 200 : 400, path);
          assert.ok(!got.text.includes(secret) && !got.text.includes('root:') && !got.text.includes('PATH='));
          const codes = (got.json['problems'] as { code: string }[]).map(({ code }) => code);
          assert.deepEqual(codes, Array(role === 'both' ? 2 : 1).fill('not-readable-here'), path);
        }
        assert.equal(answers.size, 1, [...answers].join('\n'));
      }
    assert.equal((await tlsStatus(house, token)).json['ssl_enabled'], false);
  });

  it('what can be no path is one answer as well, there or not', async () => {
    const answers = new Set<string>();
    for (const path of [
      `${inside.cert}\0`,
      `${workshop.path('outside/secret')}\0.pem`,
      `${workshop.path('outside/nothing')}\0.pem`,
      `${workshop.path('outside/secret')}\n`,
    ])
      answers.add(said(await ask('validate', { cert_path: path, key_path: inside.key })));
    assert.equal(answers.size, 1, [...answers].join('\n'));
    for (const path of ['outside/secret', '../../etc/shadow', '', `/${'a'.repeat(5000)}`])
      assertProblem(await ask('validate', { cert_path: path, key_path: inside.key }), 400, 'invalid_request');
  });

  it('what is in a file of the folder is never told', async () => {
    writeFileSync(readable('words'), `-----BEGIN ${secret}-----\n${secret}\n`);
    writeFileSync(readable('block'), `-----BEGIN CERTIFICATE-----\n${btoa(secret)}\n-----END CERTIFICATE-----\n`);
    for (const name of ['words', 'block'])
      for (const body of [
        { cert_path: readable(name), key_path: inside.key },
        { cert_path: inside.cert, key_path: readable(name) },
      ]) {
        const got = await ask('validate', body);
        assert.equal(got.json['success'], false);
        assert.ok(!got.text.includes(secret) && !got.text.includes(btoa(secret)), got.text);
        assert.ok(!house.log().includes(secret));
      }
  });

  it('strangers, members, tokens without the scope and forged pages change nothing and look at nothing', async () => {
    const root = asAdmin(house.console, token);
    const member = await settle(house.console, root, 'maria');
    const reading = await issue(askAs(house.console, token), { scopes: ['sallyport:tls', 'read:*'] });
    const writing = await issue(askAs(house.console, token), { scopes: ['admin:credentials'] });
    const page = await signIn(house);
    const path = (what: string): string => `/api/ssl/${what}`;
    for (const what of ['validate', 'configure', 'disable']) {
      const body = what === 'disable' ? {} : custom(inside);
      assertProblem(await ask(what, body, {}), 401, 'unauthorized');
      assertProblem(await ask(what, body, bearer(member.token)), 403, 'forbidden');
      assertProblem(await ask(what, body, bearer(reading.secret)), 403, 'insufficient_scope');
      // Cookies alone: a page of somebody else's.
      assertProblem(await page.send(path(what), { body, headers: {} }), 403, 'csrf_failed');
      assertProblem(
        await page.send(path(what), {
          body,
          headers: { origin: 'https://evil.test', 'sec-fetch-site': 'cross-site', 'x-csrf-token': page.csrf },
        }),
        403,
        'csrf_failed',
      );
    }
    assertProblem(await ask('configure', custom(inside), bearer(writing.secret)), 403, 'reauthentication_required');
    assertProblem(await ask('disable', {}, bearer(writing.secret)), 403, 'reauthentication_required');
    assert.equal((await tlsStatus(house, token)).json['ssl_enabled'], false);
    // The twins.
    const looked = await ask('validate', custom(inside), bearer(writing.secret));
    assert.equal(looked.json['success'], true, looked.text);
    const sent = await page.page(path('configure'), { body: custom(inside) });
    assert.equal(sent.status, 200, sent.text);
    assert.equal(await serialAt(house.port), serialOf(inside));
  });
});
