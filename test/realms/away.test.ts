/**
 * A directory that is another one, is gone, hangs or breaks off: nobody is let in, nobody is told that the password is wrong or
 * charged for it, and everybody else signs in all the same. It is taken again by itself.
 */
import assert from 'node:assert/strict';
import { join } from 'node:path';
import { createServer, type Socket } from 'node:net';
import { after, before, describe, it } from 'node:test';
import { makeAuthority } from '../support/certificates.ts';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { freePort } from '../support/free-port.ts';
import { login } from '../support/invited.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { startSlapd, type TestDirectory } from '../support/slapd.ts';
import { pause } from '../support/waiting.ts';

const password = 'alice reads 17 maps at night';

async function standing(server: RunningServer): Promise<unknown> {
  const got = await send(`${server.console}/readyz`);
  assert.equal(got.status, 200, got.text);
  return (got.json['realms'] as Record<string, unknown>)['corp'];
}

/** Refused as often as it is tried, without a limit; and the admin of this server comes in. */
async function assertAway(server: RunningServer, why: RegExp): Promise<void> {
  for (let times = 0; times < 7; times += 1) {
    const got = await login(server.console, 'alice@corp', password);
    assertProblem(got, 503, 'unavailable');
    assert.doesNotMatch(got.text, /certificate|refused|127\.0/);
  }
  await signInBearer(server);
  assert.equal(await standing(server), 'unreachable');
  const lines = server
    .log()
    .split('\n')
    .filter((line) => line.includes('cannot be asked'));
  assert.match(lines.at(-1) ?? '', why);
}

async function assertIn(server: RunningServer): Promise<void> {
  for (let tried = 0; ; tried += 1) {
    const got = await login(server.console, 'alice@corp', password);
    if (got.status === 503 && tried < 50) await pause(100);
    else {
      assert.equal(got.status, 200, `${got.text}\n${server.log()}`);
      break;
    }
  }
  assert.equal(await standing(server), 'reachable');
}

/** Takes connections and does `then` with each. */
async function standIn(port: number, then: (socket: Socket) => void) {
  const sockets = new Set<Socket>();
  let connections = 0;
  const server = createServer((socket) => {
    connections += 1;
    sockets.add(socket);
    socket.on('close', () => sockets.delete(socket));
    socket.on('error', () => undefined);
    then(socket);
  });
  await new Promise<void>((resolve) => server.listen(port, '127.0.0.1', resolve));
  return {
    open: () => sockets.size,
    connections: () => connections,
    close: async () => {
      for (const each of sockets) each.destroy();
      await new Promise((resolve) => server.close(resolve));
    },
  };
}

describe('a directory that cannot be asked', { skip: withoutPackages }, () => {
  let directory: TestDirectory;
  before(async () => {
    directory = await startSlapd();
    await directory.person('alice', password);
  });
  after(() => directory.remove());

  const house = async (
    context: { after: (end: () => Promise<void>) => void },
    env: Readonly<Record<string, string>> = {},
  ) => {
    const server = await startServer({ env: { ...directory.env, ...env } });
    context.after(() => server.remove());
    await setUp(server);
    return server;
  };

  it('over StartTLS it is asked as over TLS, and in the clear on this machine where that is said', async (context) => {
    const url = { SALLYPORT_LDAP_URL: `ldap://localhost:${directory.ports.ldap}` };
    await assertIn(await house(context, url));
    const clear = { ...url, SALLYPORT_LDAP_STARTTLS: 'false', SALLYPORT_LDAP_CA_FILE: '' };
    const { SALLYPORT_LDAP_CA_FILE: _none, ...env } = { ...directory.env, ...clear };
    const server = await startServer({ env });
    context.after(() => server.remove());
    await setUp(server);
    await assertIn(server);
  });

  it('one that is not proven is told nothing: another authority, another name, over TLS and StartTLS', async (context) => {
    const foreign = await makeAuthority(directory.folder, 'foreign-authority');
    const asked = directory.asked('BIND dn="cn=reader');
    const server = await house(context, { SALLYPORT_LDAP_CA_FILE: foreign.ca });
    await assertAway(server, /certificate is not accepted/);
    const late = await house(context, {
      SALLYPORT_LDAP_CA_FILE: foreign.ca,
      SALLYPORT_LDAP_URL: `ldap://127.0.0.1:${directory.ports.ldap}`,
    });
    await assertAway(late, /certificate is not accepted/);
    assert.equal(directory.asked('BIND dn="cn=reader'), asked);

    const right = await house(context);
    await assertIn(right);
    for (const files of [
      directory.authority.issue('elsewhere', 'DNS:ldap.example'),
      directory.authority.issue('expired', 'IP:127.0.0.1', -1),
    ]) {
      await directory.stop();
      await directory.start(files);
      await assertAway(right, /certificate is not accepted/);
    }
    await directory.stop();
    await directory.start();
    await assertIn(right);
  });

  it('one that is gone, and comes back', async (context) => {
    const server = await house(context);
    await assertIn(server);
    await directory.stop();
    await assertAway(server, /cannot be reached \(ECONNREFUSED\)/);
    const lines = server
      .log()
      .split('\n')
      .filter((line) => line.includes('cannot be asked'));
    assert.equal(lines.length, 1);
    await directory.start();
    await assertIn(server);
  });

  it('one that accepts and never answers, in the clear, before TLS, and in the midst of it; no connection is left', async (context) => {
    const port = await freePort();
    const silent = await standIn(port, (socket) => socket.resume());
    context.after(() => silent.close());
    const timeout = { SALLYPORT_LDAP_TIMEOUT: '200ms' };
    for (const url of [`ldaps://127.0.0.1:${port}`, `ldap://127.0.0.1:${port}`]) {
      const server = await house(context, { ...timeout, SALLYPORT_LDAP_URL: url });
      await assertAway(server, /took too long/);
      await server.end();
      assert.equal(silent.open(), 0);
    }
    const server = await house(context, timeout);
    await assertIn(server);
    directory.suspend();
    await assertAway(server, /took too long/);
    directory.resume();
    await assertIn(server);
  });

  it('one that breaks off, and one that says what cannot be read', async (context) => {
    const answers: readonly ((socket: Socket) => void)[] = [
      (socket) => socket.once('data', () => socket.resetAndDestroy()),
      (socket) => socket.once('data', () => socket.end()),
      (socket) => socket.once('data', () => socket.write('HTTP/1.1 400 Bad Request\r\n\r\n')),
      // A length of four gigabytes, and what never fills it.
      (socket) => socket.once('data', () => socket.write(Buffer.from('3084ffffffff02', 'hex'))),
    ];
    for (const answer of answers) {
      const port = await freePort();
      const strange = await standIn(port, answer);
      context.after(() => strange.close());
      const { SALLYPORT_LDAP_CA_FILE: _none, ...env } = directory.env;
      const server = await startServer({
        env: {
          ...env,
          SALLYPORT_LDAP_URL: `ldap://127.0.0.1:${port}`,
          SALLYPORT_LDAP_STARTTLS: 'false',
          SALLYPORT_LDAP_TIMEOUT: '200ms',
        },
      });
      context.after(() => server.remove());
      await setUp(server);
      await assertAway(server, /cannot be asked/);
      await server.end();
      assert.equal(strange.open(), 0);
    }
  });

  it('a service account that is not accepted is no wrong password of anybody', async (context) => {
    const server = await house(context, { SALLYPORT_LDAP_BIND_PASSWORD: 'not-that-one' });
    await assertAway(server, /does not accept ldap\.bind-dn \(code 49\)/);
    assert.doesNotMatch(server.log(), /not-that-one/);
  });

  it('filters that are none, files that are not there, and plain text to the network are told at the start', async () => {
    const cases = [
      [{ SALLYPORT_LDAP_USER_FILTER: '(&(uid={name})(foo))' }, /ldap\.user-filter: it is no filter/],
      [{ SALLYPORT_LDAP_CA_FILE: join(directory.folder, 'none.pem') }, /ldap\.ca-file: .* cannot be read/],
      [
        { SALLYPORT_LDAP_URL: 'ldap://ldap.corp.test', SALLYPORT_LDAP_STARTTLS: 'false' },
        /passwords never cross a network/,
      ],
    ] as const;
    for (const [env, why] of cases)
      await assert.rejects(startServer({ env: { ...directory.env, ...env } }), (fault: Error) => {
        assert.match(fault.message, why);
        return true;
      });
  });

  it('nobody is kept out by it who is not of it', async (context) => {
    const server = await house(context);
    await directory.stop();
    assert.equal((await login(server.console, admin.username, admin.password)).status, 200);
    await directory.start();
  });
});
