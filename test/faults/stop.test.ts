/**
 * How it ends (security.md F-03, F-05; 2-http-api, 1): on a signal in order and with 0, whatever is under way; on a fault
 * nobody caught with 70 and one line. What was acknowledged is there at the next start.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { readdir, readFile, rm, writeFile } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { type Got, send } from '../support/client.ts';
import { withCopy } from '../support/database.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { entry, type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const stopMs = 10_000;

/** An answer, or how the connection was turned away: refused, or closed before anything came back. */
async function answerOf(asking: Promise<Got>): Promise<Got | 'turned-away'> {
  try {
    return await asking;
  } catch (fault) {
    const { code = '' } = fault as NodeJS.ErrnoException;
    assert.ok(['ECONNREFUSED', 'ECONNRESET', 'EPIPE'].includes(code), String(fault));
    return 'turned-away';
  }
}

const authenticated = async (server: RunningServer, token: string): Promise<unknown> =>
  (await send(`${server.console}/api/auth/status`, { headers: { authorization: `Bearer ${token}` } })).json[
    'authenticated'
  ];

describe('F-03: a signal under load', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(`${signal} at 200 requests a second: all answered or turned away, 0 within 10 s, nothing acknowledged is lost`, async () => {
      const server = await startServer();
      try {
        await setUp(server);
        const gone = once(server.process, 'exit');
        const asked: Promise<Got | 'turned-away'>[] = [];
        const signIns: Promise<Got | 'turned-away'>[] = [];
        const started = performance.now();
        const loading = setInterval(() => {
          // Timers come late on a busy machine: what is due is sent.
          const due = Math.floor((performance.now() - started) / 5);
          while (asked.length < due) {
            const turn = asked.length % 4;
            const asking =
              turn === 0
                ? answerOf(send(`${server.console}/api/auth/login`, { body: admin }))
                : answerOf(send(`${server.console}/api/auth/status`));
            asked.push(asking);
            if (turn === 0) signIns.push(asking);
          }
        }, 5);
        await pause(1500);
        const before = asked.length;
        server.process.kill(signal);
        const asked2nd = performance.now();
        setTimeout(() => server.process.kill('SIGTERM'), 30);
        setTimeout(() => server.process.kill('SIGINT'), 60);
        const [code] = (await gone) as [number | null];
        const tookMs = performance.now() - asked2nd;
        clearInterval(loading);
        assert.equal(code, 0, server.log());
        assert.ok(tookMs <= stopMs, `${tookMs} ms`);
        assert.ok(before >= 200, `only ${before} requests were sent`);
        await assert.rejects(send(`${server.console}/healthz`), /ECONNREFUSED/);

        const answers = await Promise.all(asked);
        const statuses = new Set(answers.map((each) => (each === 'turned-away' ? 0 : each.status)));
        // 503: a server that is closing, or a hash queue that is full; anything else would be a mistake.
        assert.deepEqual(
          [...statuses].filter((each) => ![0, 200, 503].includes(each)),
          [],
        );
        const tokens = (await Promise.all(signIns)).flatMap((each) =>
          each === 'turned-away' || each.status !== 200 ? [] : [String(each.json['token'])],
        );
        assert.ok(tokens.length > 10, `${tokens.length} sign-ins`);
        const files = await readdir(server.data);
        assert.ok(!files.includes('sallyport.db-wal') && !files.includes('control.sock'), files.join());
        await withCopy(server.data);

        const again = await startServer({ data: server.data, standing: 'set-up' });
        const lived = await Promise.all(tokens.slice(-90).map((token) => authenticated(again, token)));
        assert.deepEqual(
          lived.filter((each) => each !== true),
          [],
          'an acknowledged sign-in is gone',
        );
        assert.equal(await again.end(), 0);
      } finally {
        await server.remove();
      }
    });
  }

  it('with a hash queue full of sign-ins: those that were begun are answered', async () => {
    const server = await startServer();
    try {
      await setUp(server);
      const asked = Array.from({ length: 80 }, (_, index) =>
        answerOf(
          send(`${server.console}/api/auth/login`, {
            body: { username: `nobody${index}`, password: `not the ${index} right one` },
            from: `127.${index + 1}.${index * 3}.7`,
          }),
        ),
      );
      await pause(150);
      const gone = once(server.process, 'exit');
      const began = performance.now();
      server.process.kill('SIGTERM');
      const [code] = (await gone) as [number | null];
      assert.equal(code, 0, server.log());
      assert.ok(performance.now() - began <= stopMs);
      const answers = await Promise.all(asked);
      const statuses = answers.map((each) => (each === 'turned-away' ? 0 : each.status));
      assert.deepEqual(
        // 0: connected, and not yet read.
        statuses.filter((each) => ![0, 401, 429, 503].includes(each)),
        [],
      );
      assert.ok(statuses.includes(401));
    } finally {
      await server.remove();
    }
  });

  it('a request that never ends does not hold up the end for more than 10 s', async () => {
    const server = await startServer();
    try {
      await setUp(server);
      const socket = connect(Number(new URL(server.console).port), '127.0.0.1');
      socket.on('error', () => undefined);
      socket.write(
        'POST /api/auth/login HTTP/1.1\r\nhost: 127.0.0.1\r\ncontent-type: application/json\r\ncontent-length: 90\r\n\r\n{',
      );
      await pause(200);
      const began = performance.now();
      assert.equal(await server.end(), 0);
      assert.ok(performance.now() - began <= stopMs + 2000);
      socket.destroy();
    } finally {
      await server.remove();
    }
  });

  it('while it is still starting: an end with 0, and the next start is well', async () => {
    for (const delayMs of [0, 60, 120, 180]) {
      const data = await temporaryFolder();
      try {
        const child = spawn(process.execPath, [entry, 'serve', '--data', data, '--listen', '127.0.0.1:0'], {
          stdio: 'ignore',
        });
        const gone = once(child, 'exit');
        // Its handlers are there once it has made something; before that Node itself is still starting.
        while (!(await readdir(data)).includes('owner.lock')) await pause(5);
        await pause(delayMs);
        child.kill('SIGTERM');
        assert.deepEqual(await gone, [0, null]);
        const server = await startServer({ data });
        assert.equal((await setUp(server)).status, 201);
        assert.equal(await server.end(), 0);
      } finally {
        await rm(data, { recursive: true, force: true });
      }
    }
  });
});

describe('npm start', () => {
  const npmStart = (...args: string[]) =>
    spawn('npm', ['start', '--silent', '--', ...args], {
      cwd: fileURLToPath(new URL('../..', import.meta.url)),
      stdio: ['ignore', 'pipe', 'pipe'],
    });

  it('is ended by SIGTERM like the server itself: 0, and all is on disk', async () => {
    const data = await temporaryFolder();
    try {
      const child = npmStart('--data', data, '--listen', '127.0.0.1:0');
      const gone = once(child, 'exit');
      const ready = new Promise<string>((resolve) =>
        createInterface({ input: child.stdout }).on('line', (line) => {
          const url = /^sallyport ready on (\S+)$/.exec(line)?.[1];
          if (url !== undefined) resolve(url);
        }),
      );
      const url = await ready;
      while (!(await readdir(data)).includes('setup-code')) await pause(20);
      const code = (await readFile(join(data, 'setup-code'), 'utf8')).trim();
      const made = await send(`${url.replace('localhost', '127.0.0.1')}/api/auth/setup`, {
        body: { setup_code: code, ...admin },
      });
      assert.equal(made.status, 201, made.text);
      child.kill('SIGTERM');
      assert.deepEqual(await gone, [0, null]);
      assert.ok(!(await readdir(data)).includes('sallyport.db-wal'));
      await withCopy(data, (db) => {
        assert.equal(db.prepare('SELECT count(*) AS users FROM users').get()?.['users'], 1);
      });
    } finally {
      await rm(data, { recursive: true, force: true });
    }
  });

  it("ends with the server's own code when that refuses to start", async () => {
    const child = npmStart('--listen', 'nowhere');
    const [code] = (await once(child, 'exit')) as [number | null];
    assert.equal(code, 64);
  });
});

describe('F-05: a fault that nobody caught', () => {
  /** Something in the process goes wrong at a signal: in a timer, in a promise, in the thread that writes. */
  const preload = `
    import { isMainThread, threadName } from 'node:worker_threads';
    import { existsSync } from 'node:fs';
    if (isMainThread) {
      process.on('SIGUSR2', () => setImmediate(() => { throw new Error('forced in a timer'); }));
      process.on('SIGHUP', () => void Promise.reject(new Error('forced in a promise')));
    } else {
      setInterval(() => { if (existsSync(process.env.BREAK_WRITER)) throw new Error('forced in a thread'); }, 20).unref();
    }`;
  const startBreakable = async (data?: string): Promise<RunningServer & { marker: string }> => {
    const folder = data ?? (await temporaryFolder());
    const marker = join(folder, 'break-writer');
    const server = await startServer({
      data: folder,
      env: { NODE_OPTIONS: `--import=data:text/javascript,${encodeURIComponent(preload)}`, BREAK_WRITER: marker },
    });
    return { ...server, marker };
  };
  const lines = (server: RunningServer): string[] =>
    server
      .log()
      .split('\n')
      .filter((line) => line.includes('a fault that nobody caught'));

  for (const [name, signal, told] of [
    ['exception in a timer', 'SIGUSR2', /forced in a timer/],
    ['rejected promise', 'SIGHUP', /forced in a promise/],
  ] as const) {
    it(`${name}: 70, one line, and the next start has everything`, async () => {
      const server = await startBreakable();
      try {
        await setUp(server);
        const token = await signInBearer(server);
        assert.equal(await authenticated(server, token), true);
        const gone = once(server.process, 'exit');
        server.process.kill(signal);
        assert.deepEqual(await gone, [70, null]);
        assert.equal(lines(server).length, 1, server.log());
        assert.match(lines(server)[0] ?? '', told);
        assert.ok(!server.log().includes(token) && !server.log().includes(admin.password));
        await withCopy(server.data);
        const again = await startServer({ data: server.data, standing: 'set-up' });
        assert.equal(await authenticated(again, token), true);
        assert.equal(await again.end(), 0);
      } finally {
        await server.remove();
      }
    });
  }

  it('in the thread that writes: 70 rather than a server that can write no more', async () => {
    const server = await startBreakable();
    try {
      await setUp(server);
      const token = await signInBearer(server);
      const gone = once(server.process, 'exit');
      await writeFile(server.marker, '');
      assert.deepEqual(await gone, [70, null]);
      assert.equal(lines(server).length, 1, server.log());
      await rm(server.marker);
      const again = await startServer({ data: server.data, standing: 'set-up' });
      assert.equal(await authenticated(again, token), true);
      assert.equal(await again.end(), 0);
    } finally {
      await server.remove();
    }
  });
});
