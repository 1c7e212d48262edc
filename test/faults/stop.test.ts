/**
 * The end under load (F-03), too few descriptors (F-08), faults that nobody caught (F-05): what was begun is finished or
 * refused, what was acknowledged is kept, and the server goes on or ends with a clear word.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { readdirSync } from 'node:fs';
import { rm } from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { describe, it } from 'node:test';
import { createSallyport, loadSettings, openSqliteStore, type Log, type Store } from '../../src/index.ts';
import type { Origin } from '../../src/types.ts';
import { type Got, send } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { rawConnection } from '../support/raw-connection.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });
const noAnswer = (): 'no-answer' => 'no-answer';

/** Sign-ins and questions without end, until the server is gone; what was promised is what is returned. */
async function load(server: RunningServer, token: string): Promise<{ promised: string[]; statuses: Set<number> }> {
  const promised: string[] = [];
  const statuses = new Set<number>();
  const one = async (at: number): Promise<void> => {
    for (;;) {
      const got: Got | 'no-answer' =
        at % 4 === 0
          ? await send(`${server.console}/api/auth/login`, { body: admin }).catch(noAnswer)
          : await send(`${at % 2 === 0 ? server.application : server.console}/api/auth/verify`, {
              headers: bearer(token),
            }).catch(noAnswer);
      if (got === 'no-answer') return;
      statuses.add(got.status);
      if (got.status === 200 && at % 4 === 0) promised.push(String(got.json['token']));
    }
  };
  await Promise.all(Array.from({ length: 12 }, (_, at) => one(at)));
  return { promised, statuses };
}

describe('F-03: told to end', () => {
  for (const signal of ['SIGTERM', 'SIGINT'] as const) {
    it(
      `by ${signal}, twice, under load: ends with 0 in time, and all that was promised is there`,
      { timeout: 60_000 },
      async (context) => {
        const echo = await startEcho();
        // More sessions than sign-ins: the oldest would give way otherwise.
        const first = await startServer({ upstream: echo.url, args: ['--session-account-cap', '10000'] });
        context.after(() => first.remove());
        context.after(() => echo.close());
        const token = String((await setUp(first)).json['token']);
        const working = load(first, token);
        await pause(800);
        const began = performance.now();
        const exited = new Promise((resolve) => first.process.once('exit', resolve));
        first.process.kill(signal);
        await pause(50);
        first.process.kill(signal);
        assert.equal(await exited, 0);
        assert.ok(performance.now() - began < 10_000);
        const { promised, statuses } = await working;
        assert.ok(promised.length > 0, 'there was no load');
        assert.deepEqual(
          [...statuses].filter((status) => status !== 200),
          [],
        );
        assert.equal(
          readdirSync(first.data).includes('sallyport.db-wal'),
          false,
          'the log is written into the database',
        );
        const second = await startServer({ data: first.data, state: 'configured' });
        context.after(() => second.end());
        for (const each of promised)
          assert.equal((await send(`${second.console}/api/auth/verify`, { headers: bearer(each) })).status, 200);
        await second.remove();
        await echo.close();
      },
    );
  }

  it(
    'takes no new connections, finishes a slow answer, and cuts what never ends after its time',
    { timeout: 60_000 },
    async () => {
      const echo = await startEcho();
      const server = await startServer({ upstream: echo.url });
      const token = String((await setUp(server)).json['token']);
      const { host, port } = new URL(server.application);
      const slow = rawConnection(Number(port));
      slow.send(`POST /slow HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 5\r\n\r\n`);
      const never = rawConnection(Number(port));
      never.send(
        `POST /never HTTP/1.1\r\nHost: ${host}\r\nAuthorization: Bearer ${token}\r\nContent-Length: 5\r\n\r\n`,
      );
      await pause(200);
      const exited = new Promise((resolve) => server.process.once('exit', resolve));
      const began = performance.now();
      server.process.kill('SIGTERM');
      await pause(300);
      await assert.rejects(
        new Promise((resolve, reject) =>
          connect(Number(port), '127.0.0.1', () => resolve('connected')).once('error', reject),
        ),
        /ECONNREFUSED/,
      );
      slow.send('hello');
      await slow.until(/^HTTP\/1\.1 200 [\s\S]*"body":"hello"/);
      assert.equal(await exited, 0);
      const took = performance.now() - began;
      assert.ok(took > 8000 && took < 14_000, `it took ${Math.round(took)} ms`);
      await server.remove();
      await echo.close();
    },
  );

  it('`npm start` passes the signal on and ends as the server does', { timeout: 60_000 }, async () => {
    const data = await temporaryFolder();
    const root = join(import.meta.dirname, '../..');
    const child = spawn('npm', ['start', '--', '--data', data, '--listen', '127.0.0.1:0'], {
      cwd: root,
      stdio: ['ignore', 'pipe', 'pipe'],
    });
    let said = '';
    child.stdout.on('data', (part: Buffer) => (said += part.toString()));
    for (let tries = 0; !said.includes('sallyport ready on') && tries < 400; tries += 1) await pause(50);
    assert.match(said, /sallyport ready on/);
    const exited = new Promise((resolve) => child.once('exit', (code, signal) => resolve(code ?? signal)));
    child.kill('SIGTERM');
    assert.equal(await exited, 0);
    await rm(data, { recursive: true, force: true });
  });
});

describe('F-08: 64 descriptors', () => {
  it('are enough to refuse the crowd, to log, and to go on at once when it has gone', { timeout: 60_000 }, async () => {
    const server = await startServer({ through: ['prlimit', '--nofile=64'] });
    try {
      const token = String((await setUp(server)).json['token']);
      const crowd = Array.from({ length: 300 }, () => rawConnection(Number(new URL(server.console).port)));
      await pause(500);
      assert.equal(server.process.exitCode, null);
      for (const each of crowd) each.socket.destroy();
      await pause(200);
      assert.equal((await send(`${server.console}/api/auth/verify`, { headers: bearer(token) })).status, 200);
      await signInBearer(server);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
      assert.equal(await server.end(), 0);
    } finally {
      await server.remove();
    }
  });
});

describe('F-05: faults that nobody foresaw', () => {
  it('in the store: 500 without a word of the cause, logged once, and the next request works', async () => {
    const data = await temporaryFolder();
    const loaded = loadSettings({ argv: ['--data', data], env: {}, readFile: () => ({ kind: 'missing' }) });
    assert.ok(loaded.kind === 'settings');
    const opened = await openSqliteStore({ path: join(data, 'sallyport.db'), ownerPath: join(data, 'owner.lock') });
    assert.ok(opened.kind === 'opened');
    let broken = false;
    const store = new Proxy(opened.store, {
      get: (target, name: keyof Store) =>
        broken && name === 'userByName'
          ? () => Promise.reject(new TypeError('the secret cause'))
          : (target[name] as (...given: unknown[]) => unknown).bind(target),
    });
    const lines: string[] = [];
    const note = (fields: object, message: string): void => void lines.push(`${message} ${Object.keys(fields).join()}`);
    const log: Log = { info: () => undefined, warn: note, error: note };
    const console = 'http://127.0.0.1:1' as Origin;
    const creation = await createSallyport({
      settings: loaded.settings,
      store,
      places: { console: [console], application: [], protectedHosts: [] },
      pages: {
        shell: (status) => ({ kind: 'written', status, headers: [], body: '' }),
        asset: () => ({ kind: 'none' }),
      },
      version: '0',
      log,
    });
    assert.ok(creation.kind === 'created');
    const { sallyport } = creation;
    const made = await sallyport.newSetupCode();
    assert.ok(made.kind === 'made');
    const post = async (path: string, body: object): Promise<{ status: number; text: string }> => {
      const bytes = Buffer.from(JSON.stringify(body));
      const answer = await sallyport.handle({
        door: 'console',
        method: 'POST',
        target: path,
        headers: { host: '127.0.0.1:1', 'content-type': 'application/json', 'content-length': String(bytes.length) },
        rawHeaders: ['Host', '127.0.0.1:1', 'Content-Type', 'application/json', 'Content-Length', String(bytes.length)],
        peer: '127.0.0.1',
        body: (async function* () {
          yield bytes;
        })(),
      });
      assert.ok(answer.kind === 'written');
      return { status: answer.status, text: String(answer.body) };
    };
    assert.equal((await post('/api/auth/setup', { setup_code: made.code, ...admin })).status, 201);
    broken = true;
    const failed = await post('/api/auth/login', admin);
    assert.equal(failed.status, 500);
    assert.match(failed.text, /"error_code":"internal"/);
    assert.doesNotMatch(failed.text, /secret cause|TypeError|userByName/);
    assert.equal(lines.filter((line) => line.startsWith('request failed')).length, 1);
    broken = false;
    assert.equal((await post('/api/auth/login', admin)).status, 200);
    await sallyport.close();
    await opened.store.close();
    await rm(data, { recursive: true, force: true });
  });

  it('a request that cannot be read is told so, and the process lives', async (context) => {
    const server = await startServer();
    context.after(() => server.remove());
    await setUp(server);
    assertProblem(
      await send(`${server.console}/api/auth/login`, {
        body: '\u0000',
        headers: { 'content-type': 'application/json' },
      }),
      400,
      'invalid_request',
    );
    assert.equal((await send(`${server.console}/healthz`)).status, 200);
  });
});

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
