/** The failure log under attack and in bad hands (security.md O-03, O-08, D-12, F-34). */
import assert from 'node:assert/strict';
import { createSocket } from 'node:dgram';
import { once } from 'node:events';
import {
  chmodSync,
  existsSync,
  mkdirSync,
  readFileSync,
  renameSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { rm } from 'node:fs/promises';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { admin, setUp, wrongPasswordNo } from '../support/people.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';
import { settled } from '../support/waiting.ts';

const trusting = ['--trusted-proxies', '127.0.0.1'];
let number = 0;
const address = (): string => {
  number += 1;
  return `10.${Math.floor(number / 200)}.${number % 200}.1`;
};

const fail = (server: Pick<RunningServer, 'console'>, from = address(), username = 'nobody') =>
  send(`${server.console}/api/auth/login`, {
    headers: { 'x-forwarded-for': from },
    body: { username, password: wrongPasswordNo((number += 1)) },
  });

const linesOf = (path: string): readonly string[] =>
  existsSync(path)
    ? readFileSync(path, 'utf8')
        .split('\n')
        .filter((line) => line !== '')
    : [];

async function withServer(
  options: Parameters<typeof startServer>[0],
  act: (server: RunningServer) => Promise<void>,
): Promise<void> {
  const server = await startServer({ args: [...trusting, ...(options?.args ?? [])], ...without(options) });
  try {
    await setUp(server);
    await act(server);
  } finally {
    await server.remove();
  }
}

function without({ args: _args, ...rest }: NonNullable<Parameters<typeof startServer>[0]> = {}): object {
  return rest;
}

describe('the failure log', () => {
  it('O-08: nobody else can read it, whatever the umask was or the file before', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'auth.log');
    writeFileSync(path, '');
    chmodSync(path, 0o666);
    await withServer(
      { args: ['--auth-log', path], through: ['sh', '-c', 'umask 000; exec "$@"', 'sh'] },
      async (server) => {
        await fail(server);
        await settled(() => linesOf(path).length === 1, 'it is written', 5000);
        assert.equal(statSync(path).mode & 0o137, 0);
        assert.ok(!existsSync(join(server.data, 'auth.log')));
      },
    );
    await rm(folder, { recursive: true });
  });

  it('O-08: a link, a folder and a pipe in its place refuse to start, in one line', async () => {
    const folder = await temporaryFolder();
    const target = join(folder, 'target');
    writeFileSync(target, 'precious\n');
    symlinkSync(target, join(folder, 'link'));
    mkdirSync(join(folder, 'folder'));
    for (const [name, why] of [
      ['link', /link is a symbolic link/],
      ['folder', /folder/],
      ['no/where', /no such file/],
    ] as const)
      await assert.rejects(
        startServer({ args: ['--auth-log', join(folder, name)] }),
        (fault: Error) =>
          /ended with 69: sallyport: the failure log cannot be used: /.test(fault.message) && why.test(fault.message),
      );
    assert.equal(readFileSync(target, 'utf8'), 'precious\n');
    await assert.rejects(startServer({ args: ['--auth-log-tag', 'a b'] }), /ended with 64/);
    await assert.rejects(startServer({ args: ['--auth-syslog', 'http://127.0.0.1:514'] }), /ended with 64/);
    await rm(folder, { recursive: true });
  });

  it('O-08: renamed and told so in the midst of it, no line is lost and none is there twice', async () => {
    await withServer({}, async (server) => {
      const path = join(server.data, 'auth.log');
      const load = Promise.all(Array.from({ length: 40 }, () => fail(server)));
      for (const turn of [1, 2, 3]) {
        await settled(() => linesOf(path).length >= 4, `lines before turn ${turn}`, 10_000);
        renameSync(path, `${path}.turn${turn}`);
        server.process.kill('SIGHUP');
        await settled(() => existsSync(path), 'it is made anew', 5000);
        await fail(server);
        for (let at = 0; at < 5; at += 1) await fail(server);
      }
      const statuses = (await load).map((got) => got.status);
      const wanted = statuses.filter((status) => status === 401).length + 18;
      const all = (): readonly string[] =>
        [1, 2, 3].flatMap((turn) => linesOf(`${path}.turn${turn}`)).concat(linesOf(path));
      await settled(() => all().length >= wanted, 'all lines are there', 5000);
      assert.equal(all().length, wanted);
      assert.equal(new Set(all().map((line) => /rhost=(\S+)/.exec(line)?.[1])).size, wanted);
    });
  });

  it('O-08: cut off by somebody else, it goes on at the beginning', async () => {
    await withServer({}, async (server) => {
      const path = join(server.data, 'auth.log');
      await fail(server);
      await settled(() => linesOf(path).length === 1, 'the first', 5000);
      truncateSync(path, 0);
      await fail(server, '10.250.0.1');
      await settled(() => linesOf(path).length === 1, 'the second', 5000);
      assert.match(readFileSync(path, 'utf8'), /^20\S+ \S+ sallyport: authentication failure; rhost=10\.250\.0\.1 /);
    });
  });

  it('F-34: when it cannot be written sign-in goes on, /readyz says so, and what was kept is written when it can be', async () => {
    const folder = join(await temporaryFolder(), 'logs');
    mkdirSync(folder);
    const path = join(folder, 'auth.log');
    await withServer({ args: ['--auth-log', path] }, async (server) => {
      await fail(server);
      await settled(() => linesOf(path).length === 1, 'the first', 5000);
      const ready = async () => (await send(`${server.console}/readyz`)).json;
      assert.equal((await ready())['auth_log'], undefined);
      await rm(folder, { recursive: true });
      server.process.kill('SIGHUP');
      await fail(server, '10.251.0.1');
      for (let tries = 0; (await ready())['auth_log'] !== 'degraded'; tries += 1) assert.ok(tries < 500, 'it is told');
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
      assert.equal((await send(`${server.console}/api/auth/login`, { body: admin })).status, 200);
      assert.match(server.log(), /the failure log cannot be written; sign-in goes on/);
      mkdirSync(folder);
      await settled(() => linesOf(path).length === 1, 'what was kept is written', 10_000);
      assert.match(readFileSync(path, 'utf8'), /rhost=10\.251\.0\.1 /);
      for (let tries = 0; (await ready())['auth_log'] !== undefined; tries += 1)
        assert.ok(tries < 500, 'it is well again');
    });
  });

  it('D-12: a flood of refused tries is a line each ten seconds, not one each', async () => {
    await withServer({}, async (server) => {
      const from = '10.252.0.1';
      const path = join(server.data, 'auth.log');
      const statuses: number[] = [];
      for (let batch = 0; batch < 20; batch += 1)
        statuses.push(
          ...(await Promise.all(Array.from({ length: 50 }, () => fail(server, from)))).map((got) => got.status),
        );
      assert.equal(statuses.filter((status) => status === 429).length, 995);
      await settled(() => linesOf(path).length >= 6, 'lines', 5000);
      const limited = linesOf(path).filter((line) => line.includes('login rate limit exceeded; rhost=10.252.0.1 '));
      assert.ok(limited.length >= 1 && limited.length <= 3, String(limited.length));
    });
  });

  it('O-03: what was typed as a name or a password is not in it; an account is named, others by a digest that stays', async () => {
    await withServer({}, async (server) => {
      const path = join(server.data, 'auth.log');
      await fail(server, '10.253.0.1', 'my secret pass phrase');
      await fail(server, '10.253.0.2', 'my secret pass phrase');
      await fail(server, '10.253.0.3', 'ROOT1');
      await fail(server, '10.253.0.4', '');
      await settled(() => linesOf(path).length === 4, 'lines', 5000);
      const users = linesOf(path).map((line) => /user=(.*)$/.exec(line)?.[1] ?? '');
      assert.match(users[0] ?? '', /^~[0-9a-f]{8}$/);
      assert.deepEqual(users, [users[0], users[0], 'root1', 'unknown']);
      assert.doesNotMatch(readFileSync(path, 'utf8'), /secret|wrong-pw/);
    });
  });

  it('syslog gets the same, over UDP and over TCP with its length in front; one that is away is nobody’s trouble', async () => {
    const udp = createSocket('udp4');
    udp.bind(0, '127.0.0.1');
    await once(udp, 'listening');
    const datagrams: string[] = [];
    udp.on('message', (bytes) => void datagrams.push(bytes.toString()));
    await withServer(
      { args: ['--auth-syslog', `udp://127.0.0.1:${udp.address().port}`, '--auth-log-tag', 'door'] },
      async (server) => {
        await fail(server, '10.254.0.1');
        await settled(() => datagrams.length === 1, 'a datagram', 5000);
        assert.match(
          datagrams[0] ?? '',
          /^<84>1 \d{4}-\d\d-\d\dT\S+Z \S+ door \d+ - - authentication failure; rhost=10\.254\.0\.1 user=~[0-9a-f]{8}$/,
        );
      },
    );
    udp.close();

    let received = '';
    const tcp = createServer((socket) => socket.on('data', (part) => (received += String(part))));
    tcp.listen(0, '127.0.0.1');
    await once(tcp, 'listening');
    const { port } = tcp.address() as AddressInfo;
    await withServer({ args: ['--auth-syslog', `tcp://127.0.0.1:${port}`] }, async (server) => {
      await fail(server, '10.254.0.2');
      await fail(server, '10.254.0.3');
      await settled(() => received.includes('10.254.0.3'), 'both', 5000);
      const [, length = '', body = ''] = /^(\d+) (<84>1 .*)$/s.exec(received) ?? [];
      assert.match(body.slice(0, Number(length)), /rhost=10\.254\.0\.2 user=~[0-9a-f]{8}$/);
      assert.match(body.slice(Number(length)), /^\d+ <84>1 /);
    });
    await new Promise((resolve) => tcp.close(resolve));

    await withServer({ args: ['--auth-syslog', `tcp://127.0.0.1:${port}`] }, async (server) => {
      assert.equal((await fail(server, '10.254.0.4')).status, 401);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
      assert.equal(await server.end(), 0);
    });
  });
});
