/** Certificates that are chosen while the product runs: over HTTP, by commands, found by themselves; and who is told (2-http-api, 7 and 9). */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { type IncomingMessage, request } from 'node:http';
import { request as secureRequest } from 'node:https';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { commandsOf } from '../support/commands.ts';
import { withoutPackages } from '../support/debian.ts';
import { bearer } from '../support/invited.ts';
import { enterApplication, setUp, signInBearer } from '../support/people.ts';
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
import { startStreaming, type Streaming } from '../support/streaming.ts';

const custom = (pair: PairOnDisk): object => ({ source: 'custom', cert_path: pair.cert, key_path: pair.key });

/** The same house, as it is reached while it speaks that. */
function over(scheme: 'http' | 'https', house: SecureHouse): SecureHouse {
  const at = (url: string): string => url.replace(/^https?:/, `${scheme}:`);
  return { ...house, url: at(house.url), console: at(house.console), application: at(house.application) };
}

async function plainRefused(house: SecureHouse): Promise<void> {
  assertProblem(await send(`http://127.0.0.1:${house.port}/api/auth/status`), 403, 'forbidden');
}

describe('chosen over HTTP, on loopback', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let app: Streaming;
  let house: SecureHouse;
  let token = '';
  let pair: PairOnDisk;
  let options: Parameters<typeof startSecure>[0];
  before(async () => {
    workshop = await openWorkshop();
    app = await startStreaming();
    pair = workshop.pair('chosen');
    options = { args: ['--tls-allowed-dirs', workshop.folder], upstream: app.url, data: await temporaryFolder() };
    house = await startSecure(options);
    await setUp(house);
    token = await signInBearer(house);
  });
  after(async () => {
    await house.remove();
    await app.close();
    workshop.remove();
  });

  const ask = (scheme: 'http' | 'https', what: string, body: object): Promise<Got> =>
    send(`${over(scheme, house).console}/api/ssl/${what}`, { headers: bearer(token), body });
  const wrong = (): PairOnDisk => ({ cert: pair.cert, key: workshop.pair('wrong').key });

  const size = 64 * 1024 * 1024;
  /** Begun, and not read any further. */
  const download = async (scheme: 'http' | 'https'): Promise<IncomingMessage> => {
    const { application } = await enterApplication(over(scheme, house));
    const cookie = [...application.cookies].map(([name, value]) => `${name}=${value}`).join('; ');
    const target = new URL(`${over(scheme, house).application}/download?bytes=${size}`);
    const how = { headers: { cookie }, agent: false, rejectUnauthorized: false } as const;
    const asking = (scheme === 'http' ? request : secureRequest)(target, how);
    asking.end();
    const [message] = (await once(asking, 'response')) as [IncomingMessage];
    assert.equal(message.statusCode, 200);
    return message;
  };
  const rest = async (message: IncomingMessage): Promise<number> => {
    let bytes = 0;
    for await (const part of message as AsyncIterable<Buffer>) bytes += part.length;
    return bytes;
  };
  const events = async (name: string): Promise<readonly Readonly<Record<string, unknown>>[]> => {
    const path = `/api/auth/audit?event=${name}&limit=1000`;
    const { json } = await send(`${house.console}${path}`, { headers: bearer(token) });
    return json['events'] as Record<string, unknown>[];
  };

  it('what is no pair is refused, and plain HTTP goes on as it was', async () => {
    const got = await ask('http', 'configure', custom(wrong()));
    assertProblem(got, 400, 'invalid_request');
    assert.equal((await send(`${house.console}/healthz`)).status, 200);
    await assert.rejects(serialAt(house.port));
    assert.equal(existsSync(join(house.data, 'tls/chosen.json')), false);
  });

  it('from HTTP to HTTPS and back, and what is under way is done in the way it was begun', async () => {
    const first = await download('http');
    const got = await ask('http', 'configure', { ...custom(pair), auto_restart: true });
    assert.equal(got.status, 200, got.text);
    assert.deepEqual(
      [got.json['new_protocol'], got.json['restarting'], got.json['source']],
      ['https', false, 'custom'],
    );
    assert.equal(got.json['new_url'], `https://localhost:${house.port}`);
    assert.equal(await serialAt(house.port), serialOf(pair));
    assert.equal(await serialAt(house.applicationPort), serialOf(pair));
    await plainRefused(house);

    const second = await download('https');
    assert.equal(await rest(first), size);
    const bad = await ask('https', 'configure', custom(wrong()));
    assertProblem(bad, 400, 'invalid_request');
    assert.equal(await serialAt(house.port), serialOf(pair));

    const back = await ask('https', 'disable', {});
    assert.equal(back.status, 200, back.text);
    assert.deepEqual([back.json['new_protocol'], back.json['ssl_enabled']], ['http', false]);
    assert.equal(back.json['new_url'], `http://localhost:${house.port}`);
    assert.equal((await send(`${house.console}/healthz`)).status, 200);
    assert.equal(await rest(second), size);
    assert.equal(app.open(), 0);

    // What was refused was not done.
    const { fingerprint } = got.json['cert_info'] as { fingerprint: string };
    for (const name of ['certificate-chosen', 'certificate-dropped']) {
      const [event, ...more] = await events(name);
      assert.deepEqual([event?.['target'], event?.['actor_name'], more], [fingerprint, 'root1', []]);
    }
  });

  it('a restart serves what was chosen, and nothing else once it was dropped', async () => {
    assert.equal((await ask('http', 'configure', custom(pair))).status, 200);
    const chosen = join(house.data, 'tls/chosen.json');
    assert.equal(statSync(chosen).mode & 0o777, 0o600);
    assert.equal(await house.end(), 0);
    house = await startSecure({ ...options, standing: 'set-up' });
    assert.match(house.url, /^https:/);
    assert.equal(await serialAt(house.port), serialOf(pair));
    await plainRefused(house);
    token = await signInBearer(house);
    assert.equal((await tlsStatus(house, token)).json['source'], 'custom');
    assert.equal((await ask('https', 'disable', {})).status, 200);
    assert.equal(existsSync(chosen), false);
    assert.equal(await house.end(), 0);
    house = await startSecure({ ...options, standing: 'set-up' });
    assert.match(house.url, /^http:/);
  });
});

describe('pairs that others keep', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let token = '';
  const pve = (name: string): PairOnDisk => ({
    cert: workshop.path(`pve/${name}.pem`),
    key: workshop.path(`pve/${name}.key`),
  });
  /** As certbot does: a new pair in the archive, then links that lead to it. */
  const renew = (number: number, pair: PairOnDisk): void => {
    const archive = (name: string): string => workshop.path(`le/archive/nas.test/${name}${number}.pem`);
    layPair(pair, { cert: archive('fullchain'), key: archive('privkey') });
    for (const name of ['privkey', 'fullchain']) {
      const link = workshop.path(`le/live/nas.test/${name}.pem`);
      rmSync(`${link}.new`, { force: true });
      symlinkSync(`../../archive/nas.test/${name}${number}.pem`, `${link}.new`);
      renameSync(`${link}.new`, link);
    }
  };
  before(async () => {
    workshop = await openWorkshop();
    for (const folder of ['pve', 'le/archive/nas.test', 'le/live/nas.test', 'outside'])
      mkdirSync(workshop.path(folder), { recursive: true });
    house = await startSecure({
      listen: '0.0.0.0:0',
      args: ['--tls-allowed-dirs', `${workshop.path('pve')},${workshop.path('le')}`],
    });
    const got = await send(`${house.console}/api/auth/setup`, {
      tls: { rejectUnauthorized: false },
      body: { username: 'Root1', password: 'violet anchor morning 42 lanterns', setup_code: house.setupCode },
    });
    token = String(got.json['token']);
  });
  after(async () => {
    await house.remove();
    workshop.remove();
  });
  const ask = (what: string, body?: object): Promise<Got> =>
    send(`${house.console}/api/ssl/${what}`, {
      headers: bearer(token),
      tls: { rejectUnauthorized: false },
      ...(body === undefined ? {} : { body }),
    });

  it('where there are none, nothing is found and nothing changes', async () => {
    const before = await serialAt(house.port);
    for (const source of ['proxmox', 'letsencrypt'])
      assertProblem(await ask('configure', { source }), 400, 'invalid_request');
    const { json } = await ask('status');
    assert.deepEqual(
      [json['proxmox_available'], json['letsencrypt_available'], json['source']],
      [false, false, 'self-made'],
    );
    assert.equal(await serialAt(house.port), before);
  });

  it("Proxmox: the cluster's own, and the uploaded one from when it is there", async () => {
    const own = workshop.pair('cluster', 'rsa');
    layPair(own, pve('pve-ssl'));
    const { json } = await ask('status');
    assert.deepEqual([json['proxmox_available'], json['proxmox_cert']], [true, pve('pve-ssl').cert]);
    const got = await ask('configure', {});
    assert.deepEqual([got.status, got.json['source'], got.json['cert_path']], [200, 'proxmox', pve('pve-ssl').cert]);
    assert.equal(await serialAt(house.port), serialOf(own));

    const uploaded = workshop.pair('uploaded');
    layPair(uploaded, pve('pveproxy-ssl'));
    await renewed(house, uploaded);
    const status = (await ask('status')).json;
    assert.deepEqual([status['cert_path'], status['alarm']], [pve('pveproxy-ssl').cert, null]);
    // Half of an upload is no pair: the one before it goes on.
    const next = workshop.pair('half');
    writeFileSync(pve('pveproxy-ssl').cert, readFileSync(next.cert));
    house.process.kill('SIGHUP');
    await until(async () => (await ask('status')).json['alarm'] !== null, 'the alarm');
    assert.equal(await serialAt(house.port), serialOf(uploaded));
    layPair(next, pve('pveproxy-ssl'));
    await renewed(house, next);
    await until(async () => (await ask('status')).json['alarm'] === null, 'no alarm');
  });

  it("Let's Encrypt: by links, as certbot makes them, through a renewal; not by links that lead out", async () => {
    const first = workshop.pair('issued');
    renew(1, first);
    const got = await ask('configure', { source: 'letsencrypt' });
    assert.equal(got.status, 200, got.text);
    assert.equal(got.json['cert_path'], workshop.path('le/live/nas.test/fullchain.pem'));
    assert.equal(await serialAt(house.port), serialOf(first));
    const second = workshop.pair('reissued');
    renew(2, second);
    await renewed(house, second);

    layPair(workshop.pair('of-another'), { cert: workshop.path('outside/c'), key: workshop.path('outside/k') });
    const link = workshop.path('le/live/nas.test/fullchain.pem');
    rmSync(link);
    symlinkSync(workshop.path('outside/c'), link);
    house.process.kill('SIGHUP');
    await until(async () => (await ask('status')).json['alarm'] !== null, 'the alarm');
    const { alarm } = (await ask('status')).json as { alarm: { problems: { code: string }[] } };
    assert.deepEqual(
      alarm.problems.map(({ code }) => code),
      ['not-readable-here'],
    );
    assert.equal(await serialAt(house.port), serialOf(second));
  });

  it('dropped on a network: the self-made one, never plain HTTP', async () => {
    const got = await ask('disable', {});
    assert.deepEqual([got.status, got.json['new_protocol'], got.json['source']], [200, 'https', 'self-made']);
    assert.equal(await serialAt(house.port), serialOf({ cert: join(house.data, 'tls/self-made.crt'), key: '' }));
    await plainRefused(house);
  });
});

describe('whoever is told of a change', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  before(async () => {
    workshop = await openWorkshop();
    mkdirSync(workshop.path('live'));
  });
  after(() => workshop.remove());

  /** Runs a house with that hook through one renewal; what the hook wrote is in `told/`. */
  const through = async (hook: string, use: (house: SecureHouse, renew: () => Promise<void>) => Promise<void>) => {
    const place = { cert: workshop.path('live/cert.pem'), key: workshop.path('live/key.pem') };
    layPair(workshop.pair('before-it'), place);
    const house = await startSecure({
      pair: place,
      args: ['--tls-hook', hook],
      env: { SECRET_OF_OURS: 'hunter2' },
    });
    try {
      await use(house, async () => {
        const next = workshop.pair('after-it');
        layPair(next, place);
        await renewed(house, next);
      });
    } finally {
      await house.remove();
    }
  };
  const script = (name: string, ...lines: readonly string[]): string => {
    const path = workshop.path(name);
    writeFileSync(path, ['#!/bin/sh', ...lines, ''].join('\n'));
    chmodSync(path, 0o700);
    return path;
  };

  it('is given three names, its own words as they were written, and no shell', async () => {
    const told = workshop.path('told');
    const path = script('hook', `{ env | sort; printf '<%s>\\n' "$@"; } > ${told}.new`, `mv ${told}.new ${told}`);
    const words = [`a; touch ${workshop.path('never')}`, '$(id)', '`id`', '', '"two words"', '*', '--x=$PATH', "it's"];
    await through(JSON.stringify([path, ...words]), async (house, renew) => {
      assert.equal(existsSync(told), false, 'not at the start');
      await renew();
      await until(async () => existsSync(told), 'it ran');
      const lines = readFileSync(told, 'utf8').trimEnd().split('\n');
      assert.deepEqual(
        lines.filter((line) => line.startsWith('<')),
        words.map((word) => `<${word}>`),
      );
      const env = new Map(lines.filter((line) => !line.startsWith('<')).map((line) => [line.split('=', 1)[0], line]));
      // The shell of this script adds its own.
      for (const name of ['PWD', 'OLDPWD', 'SHLVL', '_']) env.delete(name);
      assert.deepEqual(
        new Set(env.keys()),
        new Set(['PATH', 'SALLYPORT_APP_URL', 'SALLYPORT_CERTIFICATE_FINGERPRINT', 'SALLYPORT_URL']),
      );
      assert.equal(env.get('SALLYPORT_URL'), `SALLYPORT_URL=https://localhost:${house.port}`);
      const { json } = await tlsStatus(house, await signInAfterSetUp(house));
      const { fingerprint } = json['cert_info'] as { fingerprint: string };
      assert.equal(env.get('SALLYPORT_CERTIFICATE_FINGERPRINT'), `SALLYPORT_CERTIFICATE_FINGERPRINT=${fingerprint}`);
      // A look that finds nothing new is no change.
      rmSync(told);
      house.process.kill('SIGHUP');
      await signInBearer(house);
      assert.equal(existsSync(told), false);
    });
    assert.equal(existsSync(workshop.path('never')), false);
  });

  it('when it fails, or is none, or does not end, the certificate is served all the same', async () => {
    const hooks = {
      'tls-hook failed': script('failing', 'exit 3'),
      'tls-hook could not be run': workshop.path('is-not-there'),
    };
    for (const [message, hook] of Object.entries(hooks))
      await through(hook, async (house, renew) => {
        await renew();
        await until(async () => house.log().includes(message), message);
        assert.equal((await send(`${house.console}/healthz`)).status, 200);
        assert.doesNotMatch(house.log(), /"level":(?:50|60)/);
      });
    await through(script('waiting', `echo $$ > ${workshop.path('pid')}`, 'exec sleep 300'), async (house, renew) => {
      await renew();
      await until(async () => existsSync(workshop.path('pid')), 'it runs');
      assert.equal((await send(`${house.console}/healthz`)).status, 200);
      process.kill(Number(readFileSync(workshop.path('pid'), 'utf8')), 'SIGKILL');
      await until(async () => house.log().includes('tls-hook failed'), 'it is told');
    });
  });

  async function signInAfterSetUp(house: SecureHouse): Promise<string> {
    await setUp(house);
    return signInBearer(house);
  }
});

describe('chosen by commands', { skip: withoutPackages }, () => {
  let workshop: Workshop;
  let house: SecureHouse;
  let place: PairOnDisk;
  let data = '';
  before(async () => {
    workshop = await openWorkshop();
    data = await temporaryFolder();
    // Commands and server read the same file.
    writeFileSync(join(data, 'sallyport.toml'), `tls-allowed-dirs = [${JSON.stringify(workshop.folder)}]\n`, {
      mode: 0o600,
    });
    mkdirSync(workshop.path('live'));
    place = { cert: workshop.path('live/cert.pem'), key: workshop.path('live/key.pem') };
    house = await startSecure({ data });
    await setUp(house);
  });
  after(async () => {
    await house.remove();
    workshop.remove();
  });
  const { well, json, fails } = commandsOf('tls', () => data);
  const start = async (): Promise<SecureHouse> => startSecure({ data, standing: 'set-up' });

  const whole = async (running: boolean): Promise<void> => {
    const pair = workshop.pair(`by-command-${running}`);
    await fails(69, /not/, 'use', pair.cert, workshop.pair('some-other').key);
    assert.equal((await json('status'))['ssl_enabled'], false);
    const used = await json('use', pair.cert, pair.key);
    assert.deepEqual([used['server_running'], used['new_protocol'], used['source']], [running, 'https', 'custom']);
    const status = await json('status');
    assert.deepEqual([status['ssl_enabled'], status['cert_path'], status['alarm']], [true, pair.cert, null]);
    assert.match(await well('status'), /^served +/);
    if (!running) house = await start();
    assert.equal(await serialAt(house.port), serialOf(pair));
    if (!running) await house.end();
    const dropped = await json('self-signed');
    assert.deepEqual([dropped['server_running'], dropped['new_protocol']], [running, 'http']);
    if (!running) house = await start();
    assert.equal((await send(`http://127.0.0.1:${house.port}/healthz`)).status, 200);
  };

  it('of the running server: at once', () => whole(true));

  it('of the stopped one: from its next start on', async () => {
    assert.equal(await house.end(), 0);
    await whole(false);
  });

  it('a chosen pair that has become bad keeps it from starting, and there is a way out', async () => {
    layPair(workshop.pair('good-once'), place);
    await well('use', place.cert, place.key);
    assert.equal(await house.end(), 0);
    writeFileSync(place.cert, 'nonsense');
    const ran = await runCommand(['serve', '--data', data, '--listen', '127.0.0.1:0']);
    assert.deepEqual([ran.code, ran.out], [69, '']);
    assert.match(ran.err, /cannot be served: .+ "sallyport tls self-signed" drops it\.\n$/);
    assert.equal(ran.err.trimEnd().split('\n').length, 1);
    const { alarm, ssl_enabled: enabled } = await json('status');
    assert.deepEqual([enabled, (alarm as { cert_path: string }).cert_path], [false, place.cert]);
    const next = workshop.pair('good-instead');
    await well('use', next.cert, next.key);
    writeFileSync(next.cert, 'nonsense');
    await well('self-signed');
    house = await start();
    assert.match(house.url, /^http:/);
    assert.equal((await send(`${house.console}/healthz`)).status, 200);
  });
});
