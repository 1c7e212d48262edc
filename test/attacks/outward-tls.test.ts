/**
 * Somebody else behind the database, Valkey or the mail server: other authority, other name, expired, plain text, old TLS
 * (security: X-10, 12.3). No connection, no credential, a clear line; and the right one is taken again by itself.
 */
import assert from 'node:assert/strict';
import { chmodSync, copyFileSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { createServer, type Socket } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { createServer as createTlsServer } from 'node:tls';
import { outwardTls, towards } from '../../src/crypto/certificates/outward.ts';
import { sessionAt } from '../nodes/stage.ts';
import { type Authority, makeAuthority } from '../support/certificates.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { asAdmin } from '../support/invited.ts';
import { setUp, signInBearer } from '../support/people.ts';
import { sharedPostgres, startPostgres, type TestPostgres } from '../support/postgres.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';
import { type MailServer, startMailServer } from '../support/smtp.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause, settled } from '../support/waiting.ts';

const password = 'test-only-password';
type Env = Readonly<Record<string, string>>;
type Files = { readonly cert: string; readonly key: string };

/** Wrong ones and the right one, for 127.0.0.1; `selfMade` is its own authority. */
async function papers() {
  const folder = await temporaryFolder();
  // Another user's server reads the authority in it.
  chmodSync(folder, 0o755);
  const [right, wrong]: [Authority, Authority] = [
    await makeAuthority(folder, 'right'),
    await makeAuthority(folder, 'wrong'),
  ];
  return {
    folder,
    right,
    wrong,
    good: right.issue('good', 'IP:127.0.0.1'),
    bad: {
      'another authority': wrong.issue('foreign', 'IP:127.0.0.1'),
      'another name': right.issue('elsewhere', 'DNS:db.example'),
      'an expired certificate': right.issue('old', 'IP:127.0.0.1', -1),
      'one that vouches for itself': { cert: wrong.ca, key: join(folder, 'wrong.key') },
    } satisfies Readonly<Record<string, Files>>,
  };
}
type Papers = Awaited<ReturnType<typeof papers>>;

/** What TLS says of each of them. */
const unproven = /certificate|altnames|self-signed|does not support SSL/i;

async function refusedToStart(env: Env, why: RegExp): Promise<void> {
  await assert.rejects(startServer({ env }), (fault: Error) => {
    assert.match(fault.message, /ended with 69/);
    assert.match(fault.message, why);
    assert.doesNotMatch(fault.message, new RegExp(`${password}|PRIVATE KEY`));
    return true;
  });
}

/** Takes what comes on that port, says `answer` to the first of it, and keeps it. */
async function standIn(port: number, answer: string) {
  const heard: Buffer[] = [];
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('error', () => undefined);
    socket.on('data', (bytes) => heard.push(bytes));
    socket.once('data', () => socket.write(answer));
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    heard: () => Buffer.concat(heard),
    connections: () => connections,
    close: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

/** Until it answers so. */
async function until(server: RunningServer, token: string, status: number): Promise<void> {
  for (let tried = 0; tried < 200; tried += 1) {
    if ((await sessionAt(server, token)).status === status) return;
    await pause(100);
  }
  assert.equal((await sessionAt(server, token)).status, status, server.log());
}

describe('X-10: files of authorities and keys', { skip: withoutPackages }, () => {
  let made: Papers;
  before(async () => {
    made = await papers();
  });
  after(() => rmSync(made.folder, { recursive: true, force: true }));

  it('one that says nothing is refused with one line, and never stands for the authorities of the system', async () => {
    const put = (name: string, text: string): string => {
      const path = join(made.folder, name);
      writeFileSync(path, text, { mode: 0o600 });
      return path;
    };
    const good = { ca: made.right.ca, ...made.good };
    const damaged = '-----BEGIN CERTIFICATE-----\nAAAA\n-----END CERTIFICATE-----\n';
    const cases = [
      [{ ...good, ca: put('empty', '') }, /^database-ca-file: .* holds no certificate/],
      [{ ...good, ca: put('words', 'trust me') }, /^database-ca-file: .* holds no certificate/],
      [{ ...good, ca: put('damaged', damaged) }, /^database-ca-file: .* is damaged/],
      [{ ...good, ca: made.good.key }, /^database-ca-file: .* holds no certificate/],
      [{ ...good, ca: join(made.folder, 'none') }, /^database-ca-file: .* cannot be read \(ENOENT\)/],
      [{ ...good, ca: made.folder }, /^database-ca-file: .* cannot be read \(EISDIR\)/],
      [{ ...good, key: made.bad['another name'].key }, /^database-key-file: .* is not the key/],
      [{ ...good, key: made.good.cert }, /^database-key-file: .* holds no private key/],
    ] as const;
    for (const [files, why] of cases) {
      const read = outwardTls('database', files, assert.fail);
      assert.ok(read.kind === 'refused', String(why));
      assert.match(read.why, why);
      assert.doesNotMatch(read.why, /\n|AAAA|trust me/);
    }
    assert.equal(outwardTls('database', good, assert.fail).kind, 'ready');
    const database = { SALLYPORT_DATABASE: `postgres://u:${password}@127.0.0.1:1/d?sslmode=verify-full` };
    await refusedToStart({ ...database, SALLYPORT_DATABASE_CA_FILE: put('empty', '') }, /holds no certificate/);
  });

  it('renewed ones are used by the next connection; while they are no good those before them are', () => {
    const place = (name: string): string => join(made.folder, `live-${name}`);
    const files = { ca: made.right.ca, cert: place('cert'), key: place('key') };
    copyFileSync(made.good.cert, files.cert);
    copyFileSync(made.good.key, files.key);
    const told: string[] = [];
    const read = outwardTls('valkey', files, (what) => told.push(what));
    assert.ok(read.kind === 'ready');
    const first = read.tls.secureContext;
    assert.equal(read.tls.secureContext, first);
    const next = made.right.issue('next', 'DNS:client');
    copyFileSync(next.cert, files.cert);
    // The key has not come yet.
    assert.equal(read.tls.secureContext, first);
    assert.equal(read.tls.secureContext, first);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /^valkey-key-file: .* is not the key .*; what was there before is used on$/);
    copyFileSync(next.key, files.key);
    assert.notEqual(read.tls.secureContext, first);
    assert.equal(told.length, 1);
    chmodSync(files.key, 0o644);
    outwardTls('valkey', files, (what) => told.push(what));
    assert.match(told[1] ?? '', /can be read by everybody/);
  });
});

describe('X-10: the name', { skip: withoutPackages }, () => {
  it('is told to a server that may have several; an address never is', () => {
    const read = outwardTls('valkey', { ca: null, cert: null, key: null }, assert.fail);
    assert.ok(read.kind === 'ready');
    assert.equal(towards('cache.example', read.tls).servername, 'cache.example');
    assert.equal(towards('cache.example', read.tls).secureContext, read.tls.secureContext);
    for (const address of ['127.0.0.1', '::1']) assert.equal(towards(address, read.tls).servername, undefined);
  });
});

describe('X-10: another server behind the database', { skip: withoutPackages }, () => {
  let made: Papers;
  let postgres: TestPostgres;
  before(async () => {
    made = await papers();
    postgres = await startPostgres({ tls: { ...made.good, clientCa: made.right.ca } });
  });
  after(async () => {
    await postgres.remove();
    rmSync(made.folder, { recursive: true, force: true });
  });
  const swap = async ({ cert, key }: Files): Promise<void> => {
    await postgres.stop('fast');
    // The same files, whose owner stays.
    writeFileSync(join(postgres.folder, 'cert.pem'), readFileSync(cert));
    writeFileSync(join(postgres.folder, 'key.pem'), readFileSync(key));
    await postgres.start();
  };
  const settingsOf = async (): Promise<Env> => {
    const client = made.right.issue('client', 'DNS:client');
    return {
      SALLYPORT_DATABASE: `${(await postgres.createDatabase()).url}?sslmode=verify-full`,
      SALLYPORT_DATABASE_CA_FILE: made.right.ca,
      SALLYPORT_DATABASE_CERT_FILE: client.cert,
      SALLYPORT_DATABASE_KEY_FILE: client.key,
      SALLYPORT_DATABASE_TIMEOUT: '2s',
    };
  };

  it('while running: 503, the log says why, no byte in the clear, and back by itself', async () => {
    const env = await settingsOf();
    const server = await startServer({ env });
    try {
      await setUp(server);
      const token = await signInBearer(server);
      for (const [what, files] of Object.entries(made.bad)) {
        const before = server.log().length;
        await swap(files);
        await until(server, token, 503);
        const ready = await send(`${server.console}/readyz`);
        assert.equal(ready.status, 503, what);
        await settled(() => unproven.test(server.log().slice(before)), `${what}: ${server.log()}`, 15_000);
        await swap(made.good);
        await until(server, token, 200);
      }
      await postgres.stop('fast');
      const plain = await standIn(postgres.port, 'N');
      const before = server.log().length;
      try {
        await until(server, token, 503);
        await settled(() => /does not support SSL/.test(server.log().slice(before)), server.log(), 15_000);
        // Asked for TLS each time (eight bytes), and nothing after the answer.
        const heard = plain.heard();
        assert.ok(heard.length > 0 && heard.length % 8 === 0, heard.toString('hex'));
        for (let at = 0; at < heard.length; at += 8)
          assert.equal(heard.subarray(at, at + 8).toString('hex'), '0000000804d2162f');
      } finally {
        await plain.close();
      }
      await postgres.start();
      await until(server, token, 200);
      assert.doesNotMatch(server.log(), new RegExp(`${password}|PRIVATE KEY`));
    } finally {
      await server.remove();
    }
  });

  it('at the start: each is refused, whatever Node is told to let pass', async () => {
    const env: Env = { ...(await settingsOf()), SALLYPORT_ROOT_KEY_FILE: join(made.folder, 'root.key') };
    await (await startServer({ env })).remove();
    for (const files of Object.values(made.bad)) {
      await swap(files);
      await refusedToStart({ ...env, NODE_TLS_REJECT_UNAUTHORIZED: '0' }, unproven);
    }
    // A pinned authority is the only one; without a pin the system's are, and what Node is told beside them.
    await swap(made.bad['another authority']);
    await refusedToStart({ ...env, NODE_EXTRA_CA_CERTS: made.wrong.ca, SSL_CERT_FILE: made.wrong.ca }, unproven);
    await swap(made.good);
    const { SALLYPORT_DATABASE_CA_FILE: _pinned, ...unpinned } = env;
    await refusedToStart(unpinned, unproven);
    await (await startServer({ env: { ...unpinned, SSL_CERT_FILE: made.right.ca } })).remove();
  });

  it('TLS before 1.2 is no TLS', async () => {
    const heard: string[] = [];
    const { cert, key } = made.good;
    const old = createTlsServer(
      {
        cert: readFileSync(cert),
        key: readFileSync(key),
        minVersion: 'TLSv1',
        maxVersion: 'TLSv1.1',
        ciphers: 'ALL:@SECLEVEL=0',
      },
      (socket) => heard.push(socket.getProtocol() ?? ''),
    );
    old.on('tlsClientError', () => heard.push('refused'));
    const front = createServer((socket) => {
      socket.on('error', () => undefined);
      socket.once('data', () => {
        socket.write('S');
        old.emit('connection', socket);
      });
    });
    await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve));
    const address = front.address();
    assert.ok(address !== null && typeof address === 'object');
    try {
      await refusedToStart(
        {
          SALLYPORT_DATABASE: `postgres://u:${password}@127.0.0.1:${address.port}/d?sslmode=verify-full`,
          SALLYPORT_DATABASE_CA_FILE: made.right.ca,
          NODE_OPTIONS: '--tls-min-v1.0 --tls-cipher-list=ALL:@SECLEVEL=0',
        },
        /the database cannot be used/,
      );
      assert.deepEqual([...new Set(heard)], ['refused']);
    } finally {
      front.close();
    }
  });
});

describe('X-10: another server behind Valkey', { skip: withoutPackages }, () => {
  let made: Papers;
  let valkey: TestValkey;
  let live: Files;
  before(async () => {
    made = await papers();
    live = { cert: join(made.folder, 'live.pem'), key: join(made.folder, 'live.key') };
    copyFileSync(made.good.cert, live.cert);
    copyFileSync(made.good.key, live.key);
    valkey = await startValkey({
      password,
      tls: { ca: made.right.ca, ...live },
      flags: ['--tls-auth-clients', 'optional'],
    });
  });
  after(async () => {
    await valkey.remove();
    rmSync(made.folder, { recursive: true, force: true });
  });
  const limitsOf = async (server: RunningServer): Promise<unknown> =>
    (await send(`${server.console}/readyz`)).json['shared_limits'];
  const stands = async (server: RunningServer, standing: 'away' | 'working'): Promise<void> => {
    for (let tried = 0; tried < 150 && (await limitsOf(server)) !== standing; tried += 1) await pause(100);
    assert.equal(await limitsOf(server), standing, server.log());
  };

  it('while running: away, the log says why, no password to anybody, and back by itself', async () => {
    const server = await startServer({
      env: {
        SALLYPORT_DATABASE: (await (await sharedPostgres()).createDatabase()).url,
        SALLYPORT_VALKEY: valkey.url,
        SALLYPORT_VALKEY_CA_FILE: made.right.ca,
        SALLYPORT_VALKEY_TIMEOUT: '500ms',
      },
    });
    try {
      await setUp(server);
      await stands(server, 'working');
      for (const [what, files] of Object.entries(made.bad)) {
        const before = server.log().length;
        await valkey.stop();
        copyFileSync(files.cert, live.cert);
        copyFileSync(files.key, live.key);
        await valkey.start();
        await stands(server, 'away');
        await settled(() => unproven.test(server.log().slice(before)), `${what}: ${server.log()}`, 10_000);
        await valkey.stop();
        copyFileSync(made.good.cert, live.cert);
        copyFileSync(made.good.key, live.key);
        await valkey.start();
        await stands(server, 'working');
      }
      await valkey.stop();
      const plain = await standIn(valkey.port, '-ERR speak plainly\r\n');
      try {
        await stands(server, 'away');
        await settled(() => plain.connections() > 2, 'it came again', 10_000);
        assert.doesNotMatch(plain.heard().toString('latin1'), new RegExp(`${password}|AUTH|HELLO|CLIENT`));
        assert.equal(plain.heard()[0], 0x16);
      } finally {
        await plain.close();
      }
      await valkey.start();
      await stands(server, 'working');
      assert.doesNotMatch(server.log(), new RegExp(password));
    } finally {
      await server.remove();
    }
  });
});

describe('X-10: another server behind the mail server', { skip: withoutPackages }, () => {
  let made: Papers;
  before(async () => {
    made = await papers();
  });
  const mailServers: MailServer[] = [];
  after(async () => {
    await Promise.all(mailServers.map((each) => each.close()));
    rmSync(made.folder, { recursive: true, force: true });
  });
  const mailServer = async (...options: Parameters<typeof startMailServer>): Promise<MailServer> => {
    const mail = await startMailServer(...options);
    mailServers.push(mail);
    return mail;
  };

  /** Makes a link for somebody; gives whether it was mailed, and the server's log. */
  const mailed = async (mail: MailServer, scheme: 'smtp' | 'smtps'): Promise<string> => {
    const query = scheme === 'smtp' ? '?starttls=required' : '';
    const server = await startServer({
      env: {
        SALLYPORT_SMTP: `${scheme}://u:${password}@127.0.0.1:${mail.port}${query}`,
        SALLYPORT_MAIL_FROM: 'sallyport@nas.home',
        SALLYPORT_SMTP_CA_FILE: made.right.ca,
      },
    });
    try {
      await setUp(server);
      const token = await signInBearer(server);
      const admin = asAdmin(server.console, token);
      const id = await admin.create({ username: 'alice', email: 'alice@example.org' });
      await admin.link(id, 'invite');
      await settled(
        () => mail.mails.length > 0 || /a mail was not taken|a mail could not be sent/.test(server.log()),
        server.log(),
        10_000,
      );
      // What waits for another try is given up, and written down, at the stop.
      await server.end();
      const audit = await runCommand(['audit', 'export', '--data', server.data]);
      assert.match(audit.out, mail.mails.length > 0 ? /mail-sent/ : /mail-failed/, audit.err);
      assert.doesNotMatch(server.log(), new RegExp(password));
      return server.log();
    } finally {
      await server.remove();
    }
  };
  const secured = (from: 'start' | 'starttls', { cert, key }: Files): Promise<MailServer> =>
    mailServer({ tls: { cert: readFileSync(cert, 'utf8'), key: readFileSync(key, 'utf8'), from } });

  for (const [from, scheme] of [
    ['start', 'smtps'],
    ['starttls', 'smtp'],
  ] as const)
    it(`${scheme}: the right one gets the mail; any other no mail and no password`, async () => {
      const right = await secured(from, made.good);
      await mailed(right, scheme);
      assert.deepEqual([right.mails[0]?.tls, right.mails[0]?.auth], ['on', `u:${password}`]);
      for (const [what, files] of Object.entries(made.bad)) {
        const other = await secured(from, files);
        const log = await mailed(other, scheme);
        assert.match(log, /-certificate/, what);
        assert.match(log, /a mail could not be sent/, what);
        assert.deepEqual(other.mails, [], what);
        assert.doesNotMatch(other.said.join('\n'), /AUTH|MAIL/, what);
      }
    });

  it('one that does not offer STARTTLS, though it could, gets nothing', async () => {
    const plain = await mailServer();
    const log = await mailed(plain, 'smtp');
    assert.match(log, /etls/);
    assert.match(log, /a mail could not be sent/);
    assert.deepEqual(plain.mails, []);
    assert.doesNotMatch(plain.said.join('\n'), /AUTH|MAIL/);
  });
});
