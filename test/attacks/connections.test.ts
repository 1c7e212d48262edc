/**
 * Slow, idle, endless and malformed connections (security.md 2.9 P-20, 2.11, 2.12 D-01, D-02, D-04, D-05, D-10, D-15): on
 * the console and on the application's listener, with the real server and, where a tool exists, the real tool.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { after, before, describe, it } from 'node:test';
import { send, sendRaw } from '../support/client.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { type Echo, startEcho } from '../support/echo.ts';
import { framings } from '../support/framings.ts';
import { setUp } from '../support/people.ts';
import { handshake, rawConnection, type RawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer } from '../support/server.ts';
import { pause, settled } from '../support/waiting.ts';
import { descriptors, residentMiB } from '../support/process-figures.ts';

/** Whoever sends slowly is rid of by then (D-01, D-02). */
const slowEndsWithin = 15_000;

describe('connections', () => {
  let server: RunningServer;
  let echo: Echo;
  let token: string;
  let doors: Readonly<Record<'console' | 'application', { readonly port: number; readonly host: string }>>;
  before(async () => {
    echo = await startEcho();
    server = await startServer({ upstream: echo.url });
    token = String((await setUp(server)).json['token']);
    const door = (url: string): { port: number; host: string } => {
      const { port, host } = new URL(url);
      return { port: Number(port), host };
    };
    doors = { console: door(server.console), application: door(server.application) };
  });
  after(async () => {
    await server.remove();
    await echo.close();
  });

  const alive = async (): Promise<void> => {
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
  };

  for (const door of ['console', 'application'] as const) {
    describe(door, () => {
      const as = (lines: readonly string[]): string => {
        const { host } = doors[door];
        const path = door === 'console' ? '/api/auth/login' : '/page';
        return [`POST ${path} HTTP/1.1`, `Host: ${host}`, `Authorization: Bearer ${token}`, ...lines, '', ''].join(
          '\r\n',
        );
      };
      const hidden = (): string =>
        `GET /hidden HTTP/1.1\r\nHost: ${doors[door].host}\r\nAuthorization: Bearer ${token}\r\n\r\n`;

      for (const { name, headers, body } of framings) {
        it(`P-20: ${name}: refused with one answer, closed, and nothing behind it is read`, async () => {
          const before = echo.seen.length;
          const connection = rawConnection(doors[door].port);
          connection.send(Buffer.from(as(headers) + body + hidden(), 'latin1'));
          await connection.closed(5000);
          assert.match(connection.text(), /^HTTP\/1\.1 (400|413|415) /);
          assert.equal(connection.text().split(/HTTP\/1\.1 \d/).length, 2, connection.text());
          assert.deepEqual(
            echo.seen.slice(before).filter(({ target }) => target !== '/page'),
            [],
          );
        });
      }

      it('P-20: a request line with something before or behind it is refused', async () => {
        for (const line of ['GET /page HTTP/1.1 x', ' GET /page HTTP/1.1']) {
          const text = await sendRaw(doors[door].port, `${line}\r\nHost: ${doors[door].host}\r\n\r\n`, 1500);
          assert.match(text, /^HTTP\/1\.1 400 /, line);
        }
      });

      it('garbage behind a request that is under way is never answered in its place', async () => {
        const connection = rawConnection(doors[door].port);
        const wrong = JSON.stringify({ username: 'nobody', password: 'nobody has this one' });
        connection.send(
          as([`Content-Length: ${wrong.length}`, 'Content-Type: application/json']) + wrong + 'garbage\r\n\r\n',
        );
        await connection.closed(5000);
        assert.doesNotMatch(connection.text(), /^HTTP\/1\.1 400/);
        assert.ok(connection.text().split(/HTTP\/1\.1 \d/).length <= 2, connection.text());
      });

      it(
        'D-01: headers that never end are given up in time, and nobody waits for them',
        { timeout: 60_000 },
        async () => {
          const slow = many(100, () => {
            const connection = rawConnection(doors[door].port);
            connection.send(`GET /page HTTP/1.1\r\nHost: ${doors[door].host}\r\n`);
            drip(connection, 'X-A: b\r\n');
            return connection;
          });
          const silent = many(20, () => rawConnection(doors[door].port));
          await alive();
          const ended = await Promise.all([...slow, ...silent].map((each) => each.closed(slowEndsWithin)));
          assert.ok(Math.max(...ended) < slowEndsWithin);
          assert.match(slow[0]?.text() ?? '', /^HTTP\/1\.1 408 [\s\S]*request_timeout/);
        },
      );

      it('D-04: more than 200 headers, or more than 16 KiB of them, are 431, and the connection is closed', async () => {
        for (const headers of [
          Array.from({ length: 201 }, (_, at) => `X-${at}: b`),
          Array.from({ length: 3000 }, () => 'a:b'),
          [`X-Long: ${'b'.repeat(65_536)}`],
          [`Cookie: ${'c=d; '.repeat(4000)}`],
          [`X${'y'.repeat(20_000)}: b`],
        ]) {
          const connection = rawConnection(doors[door].port);
          connection.send(as([...headers, 'Content-Length: 0']));
          await connection.until(/^HTTP\/1\.1 431 [\s\S]*headers_too_large/);
          await connection.closed();
        }
        const path = rawConnection(doors[door].port);
        path.send(`GET /${'p'.repeat(65_536)} HTTP/1.1\r\nHost: ${doors[door].host}\r\n\r\n`);
        await path.until(/^HTTP\/1\.1 431 /);
      });

      it('CONNECT and TRACE are refused, and never reach the application', async () => {
        const before = echo.seen.length;
        for (const line of [
          'CONNECT 127.0.0.1:22 HTTP/1.1',
          'CONNECT /page HTTP/1.1',
          'TRACE /page HTTP/1.1',
          'TRACE * HTTP/1.1',
        ]) {
          const connection = rawConnection(doors[door].port);
          connection.send(`${line}\r\nHost: ${doors[door].host}\r\nAuthorization: Bearer ${token}\r\n\r\nSSH-2.0`);
          await connection.until(/^HTTP\/1\.1 40[045] [\s\S]*problem\+json/);
          connection.socket.destroy();
        }
        assert.equal(echo.seen.length, before);
      });

      it('a thousand requests sent at once on one connection are answered in order, each with its own', async () => {
        const connection = rawConnection(doors[door].port);
        const ask = (at: number): string =>
          door === 'console'
            ? `GET /api/auth/nothing-${at} HTTP/1.1\r\nHost: ${doors[door].host}\r\n\r\n`
            : `GET /page-${at} HTTP/1.1\r\nHost: ${doors[door].host}\r\nAuthorization: Bearer ${at % 2 === 0 ? token : 'none'}\r\n\r\n`;
        connection.send(Array.from({ length: 1000 }, (_, at) => ask(at)).join(''));
        await settled(() => (connection.text().match(/HTTP\/1\.1 \d/g) ?? []).length === 1000, 'all answers', 20_000);
        const statuses = [...connection.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => Number(status));
        if (door === 'application') {
          assert.deepEqual(
            statuses,
            Array.from({ length: 1000 }, (_, at) => (at % 2 === 0 ? 200 : 401)),
          );
          const targets = [...connection.text().matchAll(/"target":"\/page-(\d+)"/g)].map(([, at]) => Number(at));
          assert.deepEqual(
            targets,
            Array.from({ length: 500 }, (_, at) => at * 2),
          );
        } else assert.deepEqual([...new Set(statuses)], [404]);
        connection.socket.destroy();
      });
    });
  }

  it('D-02: a body that never ends is 408 and closed in time', { timeout: 60_000 }, async () => {
    const slow = many(50, () => {
      const connection = rawConnection(doors.console.port);
      connection.send(
        `POST /api/auth/login HTTP/1.1\r\nHost: ${doors.console.host}\r\nContent-Type: application/json\r\nContent-Length: 1000\r\n\r\n{`,
      );
      drip(connection, ' ');
      return connection;
    });
    await alive();
    const ended = await Promise.all(slow.map((each) => each.closed(slowEndsWithin)));
    assert.ok(Math.max(...ended) < slowEndsWithin);
    assert.match(slow[0]?.text() ?? '', /^HTTP\/1\.1 408 [\s\S]*request_timeout/);
  });

  it('D-05: 10 MB to every route: refused after the limit, told by length, in chunks, or when asked first', async () => {
    const much = Buffer.alloc(10_000_000, ' ');
    for (const path of [
      '/api/auth/login',
      '/api/auth/setup',
      '/api/auth/logout',
      '/api/auth/login/prepare',
      '/api/auth/nothing',
      '/auth/',
    ]) {
      const url = `${server.console}${path}`;
      const headers = { 'content-type': 'application/json' };
      const refused = /^(4(00|01|03|04|05|13|15))$/;
      assert.match(
        String((await send(url, { method: 'POST', headers, body: much }).catch(gone)).status),
        refused,
        path,
      );
      assert.match(
        String(
          (
            await send(url, {
              method: 'POST',
              headers: { ...headers, 'transfer-encoding': 'chunked' },
              body: much,
            }).catch(gone)
          ).status,
        ),
        refused,
        path,
      );
      const asking = rawConnection(doors.console.port);
      asking.send(
        `POST ${path} HTTP/1.1\r\nHost: ${doors.console.host}\r\nContent-Type: application/json\r\nContent-Length: 10000000\r\nExpect: 100-continue\r\n\r\n`,
      );
      await asking.until(/^HTTP\/1\.1 4\d\d /);
      await asking.closed();
      assert.doesNotMatch(asking.text(), /100 Continue/, path);
    }
    const login = await send(`${server.console}/api/auth/login`, {
      headers: { 'content-type': 'application/json', 'transfer-encoding': 'chunked' },
      body: much,
    });
    assert.equal(login.json['error_code'], 'payload_too_large');
  });

  it('a body that is welcome is asked for', async () => {
    const body = JSON.stringify({ username: 'nobody' });
    const connection = rawConnection(doors.console.port);
    connection.send(
      `POST /api/auth/login HTTP/1.1\r\nHost: ${doors.console.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\nExpect: 100-continue\r\nConnection: close\r\n\r\n`,
    );
    await connection.until(/^HTTP\/1\.1 100 Continue\r\n\r\n/);
    connection.send(body);
    await connection.until(/HTTP\/1\.1 400 [\s\S]*invalid_request/);
  });

  it(
    'endless pipelining behind an answer that is not ready stays small, and harms nobody',
    { timeout: 60_000 },
    async () => {
      const before = residentMiB(server);
      const wrong = JSON.stringify({ username: 'nobody', password: 'nobody has this one' });
      const { port, host } = doors.console;
      const flood = many(5, () => {
        const connection = rawConnection(port);
        connection.send(
          `POST /api/auth/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${wrong.length}\r\n\r\n${wrong}`,
        );
        // Tiny ones, so that each read brings as many as it can; nobody reads the answers.
        connection.socket.pause();
        for (let at = 0; at < 100; at += 1) connection.send(`GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`.repeat(2000));
        return connection;
      });
      const waits: number[] = [];
      for (let round = 0; round < 20; round += 1) {
        const began = performance.now();
        await alive();
        waits.push(performance.now() - began);
        await pause(50);
      }
      assert.ok(Math.max(...waits) < 2000, `somebody waited ${Math.round(Math.max(...waits))} ms`);
      assert.ok(residentMiB(server) - before < 300, `it grew by ${Math.round(residentMiB(server) - before)} MiB`);
      for (const each of flood) each.socket.destroy();
      const guesses = rawConnection(port);
      guesses.send(
        `POST /api/auth/login HTTP/1.1\r\nHost: ${host}\r\nContent-Type: application/json\r\nContent-Length: ${wrong.length}\r\n\r\n${wrong}`.repeat(
          1000,
        ),
      );
      await pause(1500);
      const answers = (guesses.text().match(/HTTP\/1\.1 \d/g) ?? []).length;
      assert.ok(answers > 0 && answers < 20, `${answers} guesses on one connection in a second and a half`);
      guesses.socket.destroy();
    },
  );

  describe('upgrades behind something else', () => {
    const stranger = (): string => `GET /x HTTP/1.1\r\nHost: ${doors.application.host}\r\n\r\n`;
    const connectTo = 'CONNECT 127.0.0.1:22 HTTP/1.1\r\nHost: 127.0.0.1:22\r\n\r\n';
    const login = (): string => {
      const body = JSON.stringify({ username: 'nobody', password: 'nobody has this one' });
      return `POST /api/auth/login HTTP/1.1\r\nHost: ${doors.console.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
    };
    for (const [name, door, first, second] of [
      ['a WebSocket behind a refusal', 'application', stranger, () => handshake(doors.application.host, '/ws')],
      ['a CONNECT behind a refusal', 'application', stranger, () => connectTo],
      ['a CONNECT behind a sign-in', 'console', login, () => connectTo],
      ['two CONNECTs', 'console', () => connectTo, () => connectTo],
      [
        'a WebSocket behind a WebSocket',
        'application',
        () => handshake(doors.application.host, '/a'),
        () => handshake(doors.application.host, '/b'),
      ],
      [
        'h2c behind a refusal',
        'application',
        stranger,
        () => handshake(doors.application.host, '/c', { Upgrade: 'h2c' }),
      ],
    ] as const) {
      it(`${name}, in one packet: the process lives, and there is at most one answer each`, async () => {
        const connection = rawConnection(doors[door].port);
        connection.send(first() + second());
        await connection.closed();
        assert.ok((connection.text().match(/HTTP\/1\.1 \d/g) ?? []).length <= 2, connection.text());
        await alive();
      });
    }

    it('what was sent behind a switch that does not happen is no request', async () => {
      const before = echo.seen.length;
      const { port, host } = doors.application;
      const connection = rawConnection(port);
      const auth = `Host: ${host}\r\nAuthorization: Bearer ${token}\r\n`;
      const hidden = `GET /hidden HTTP/1.1\r\n${auth}\r\n`;
      connection.send(
        `GET /first HTTP/1.1\r\n${auth}Connection: Upgrade\r\nUpgrade: h2c\r\n\r\nPOST /second HTTP/1.1\r\n${auth}Content-Length: ${hidden.length}\r\n\r\n`,
      );
      await pause(100);
      connection.send(hidden);
      await connection.closed();
      const targets = echo.seen.slice(before).map(({ target }) => target);
      assert.deepEqual(targets, ['/first']);
    });

    it('garbage behind answers that were given at once is answered in nobody’s place', async () => {
      const connection = rawConnection(doors.application.port);
      connection.send(`${stranger().repeat(3)}garbage\r\n\r\n`);
      await connection.closed();
      const statuses = [...connection.text().matchAll(/HTTP\/1\.1 (\d+)/g)].map(([, status]) => status);
      assert.deepEqual(statuses, ['401', '401', '401']);
    });
  });

  it('answers that nobody reads are given up, and those who read slowly get theirs', { timeout: 60_000 }, async () => {
    const { port, host } = doors.console;
    const before = await quietDescriptors(server);
    const ask = `GET /api/auth/openapi.json HTTP/1.1\r\nHost: ${host}\r\n\r\n`;
    const deaf = many(20, () => {
      const connection = rawConnection(port);
      connection.socket.pause();
      for (let at = 0; at < 60; at += 1) connection.send(ask.repeat(50));
      return connection;
    });
    const slow = rawConnection(port);
    slow.send(ask.repeat(200));
    const reading = setInterval(() => {
      slow.socket.resume();
      setTimeout(() => slow.socket.pause(), 20);
    }, 500);
    try {
      await settled(() => descriptors(server) >= before + 20, 'they are all there', 5000);
      await settled(() => descriptors(server) <= before + 2, 'they are given up', 30_000);
      clearInterval(reading);
      slow.socket.resume();
      await settled(() => (slow.text().match(/HTTP\/1\.1 200/g) ?? []).length === 200, 'the slow one has all', 10_000);
    } finally {
      clearInterval(reading);
      for (const each of [...deaf, slow]) each.socket.destroy();
    }
  });

  it('D-15: connections that come and go in thousands leave nothing behind', async () => {
    const before = await quietDescriptors(server);
    const body = JSON.stringify({ username: 'nobody', password: 'nobody has this one' });
    for (let round = 0; round < 40; round += 1) {
      const batch = many(50, () => rawConnection(doors[round % 2 === 0 ? 'console' : 'application'].port));
      for (const [at, each] of batch.entries()) {
        each.send(
          [
            'GET /pa',
            `POST /api/auth/login HTTP/1.1\r\nHost: ${doors.console.host}\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body.slice(0, 10)}`,
            `GET /page HTTP/1.1\r\nHost: ${doors.application.host}\r\nAuthorization: Bearer ${token}\r\n\r\n`,
          ][at % 3] ?? '',
        );
      }
      await pause(5);
      for (const each of batch) each.socket.resetAndDestroy();
    }
    await settled(() => descriptors(server) <= before + 5, 'descriptors are given back', 15_000);
    await alive();
  });

  it(
    'D-01, D-02 with slowhttptest: a thousand slow connections, and people are served',
    { timeout: 120_000, skip: withoutPackages },
    async (context) => {
      const tool = await need('slowhttptest', 'slowhttptest');
      for (const mode of ['-H', '-B']) {
        const child = spawn(
          tool,
          [
            '-c',
            '1000',
            mode,
            '-i',
            '5',
            '-r',
            '500',
            '-l',
            '12',
            '-u',
            `${server.console}/api/auth/login`,
            '-x',
            '24',
            '-p',
            '3',
          ],
          { stdio: 'ignore' },
        );
        const ended = new Promise((resolve) => child.once('close', resolve));
        const waits: number[] = [];
        for (let round = 0; round < 40; round += 1) {
          const began = performance.now();
          assert.equal((await send(`${server.console}/api/auth/status`)).status, 200);
          waits.push(performance.now() - began);
          await pause(200);
        }
        context.diagnostic(`${mode}: slowest of 40 requests ${Math.round(Math.max(...waits))} ms`);
        child.kill();
        await ended;
      }
      await alive();
    },
  );
});

describe('few descriptors', () => {
  it('D-10: idle connections beyond the limit shut nobody out', { timeout: 60_000 }, async (context) => {
    const limited = await startServer({ through: ['prlimit', '--nofile=256'] });
    try {
      const { port } = new URL(limited.console);
      const idle = many(1000, () => rawConnection(Number(port)));
      await pause(300);
      let served = 0;
      for (let round = 0; round < 30; round += 1) {
        const got = await send(`${limited.console}/healthz`).catch(gone);
        if (got.status === 200) served += 1;
        await pause(50);
      }
      context.diagnostic(`${served} of 30 served while 1 000 idle connections pressed on`);
      assert.ok(served >= 25, `${served} of 30`);
      // Half a request behind a whole one holds a place as well, and gives way as well.
      const half = many(300, () => {
        const connection = rawConnection(Number(port));
        const head = `GET /healthz HTTP/1.1\r\nHost: ${new URL(limited.console).host}\r\n`;
        connection.send(`${head}\r\n${head}`);
        return connection;
      });
      await pause(300);
      let through = 0;
      for (let round = 0; round < 20; round += 1) {
        // From another address, and in no hurry.
        const person = rawConnection(Number(port), '127.0.0.7');
        await pause(100);
        person.send(`GET /healthz HTTP/1.1\r\nHost: ${new URL(limited.console).host}\r\n\r\n`);
        await person.until(/^HTTP\/1\.1 200 /).then(
          () => (through += 1),
          () => undefined,
        );
        person.socket.destroy();
        for (const each of many(5, () => rawConnection(Number(port)))) half.push(each);
      }
      assert.equal(through, 20, 'somebody was shut out');
      for (const each of half) each.socket.destroy();
      // Kept connections that asked once and hold on give way as well.
      const kept = many(300, () => {
        const connection = rawConnection(Number(port));
        connection.send(`GET /healthz HTTP/1.1\r\nHost: ${new URL(limited.console).host}\r\n\r\n`);
        return connection;
      });
      await pause(300);
      assert.equal((await send(`${limited.console}/healthz`)).status, 200);
      for (const each of [...idle, ...kept]) each.socket.destroy();
    } finally {
      await limited.remove();
    }
  });
});

function many<T>(count: number, make: () => T): T[] {
  return Array.from({ length: count }, make);
}

/** A little at a time, so that nobody could call the connection idle. */
function drip(connection: RawConnection, bytes: string): void {
  const timer = setInterval(() => connection.send(bytes), 1000);
  connection.socket.once('close', () => clearInterval(timer));
}

/** Once those of earlier tests are closed. */
async function quietDescriptors(server: RunningServer): Promise<number> {
  for (let last = descriptors(server); ;) {
    await pause(300);
    const now = descriptors(server);
    if (now === last) return now;
    last = now;
  }
}

const gone = (): { status: number } => ({ status: 0 });
