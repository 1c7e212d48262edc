/**
 * A database that somebody else holds (F-23), and a data folder that two servers want (F-10): who is known stays known, the
 * others are told 503, and it goes on by itself.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { type Got, send } from '../support/client.ts';
import { startEcho } from '../support/echo.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer, temporaryFolder } from '../support/server.ts';

const bearer = (token: string): { authorization: string } => ({ authorization: `Bearer ${token}` });

const signIn = (server: RunningServer): Promise<Got> => send(`${server.console}/api/auth/login`, { body: admin });
const verify = (server: RunningServer, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/verify`, { headers: bearer(token) });
const readiness = async (server: RunningServer): Promise<number> => (await send(`${server.console}/readyz`)).status;

async function worksAgain(server: RunningServer, token: string): Promise<void> {
  for (let tries = 0; (await readiness(server)) !== 200 && tries < 100; tries += 1) await pause(50);
  assert.equal(await readiness(server), 200);
  assert.equal((await signIn(server)).status, 200);
  const out = await send(`${server.console}/api/auth/logout`, { method: 'POST', headers: bearer(token) });
  assert.equal(out.status, 200, out.text);
  assertProblem(await verify(server, token), 401, 'invalid_token');
}

function integrityOf(data: string): unknown {
  const database = new DatabaseSync(join(data, 'sallyport.db'));
  try {
    return { ...(database.prepare('PRAGMA integrity_check').get() as object) };
  } finally {
    database.close();
  }
}

describe('somebody else at the database', () => {
  it(
    'F-23: a write lock held longer than the busy time is 503, and over when the lock is',
    { timeout: 60_000 },
    async () => {
      const echo = await startEcho();
      const server = await startServer({ upstream: echo.url });
      try {
        const token = String((await setUp(server)).json['token']);
        const held = lockOf(server.data);
        held.begin();
        const began = performance.now();
        const waiting = signIn(server);
        // While the writer waits for its turn, nobody else does.
        assert.equal((await verify(server, token)).status, 200);
        assert.equal((await send(`${server.console}/healthz`)).status, 200);
        assertProblem(await waiting, 503, 'unavailable');
        assert.ok(performance.now() - began >= 4500, 'it waited for the lock first');
        held.end();
        await worksAgain(server, token);
      } finally {
        await server.remove();
        await echo.close();
      }
    },
  );

  it('F-23: a lock that goes in time costs nothing but the wait', async () => {
    const server = await startServer();
    try {
      await setUp(server);
      const held = lockOf(server.data);
      held.begin();
      setTimeout(() => held.end(), 1500);
      assert.equal((await signIn(server)).status, 200);
    } finally {
      await server.remove();
    }
  });

  it('F-23: a reader that never ends does not let the log grow for ever', { timeout: 60_000 }, async () => {
    const server = await startServer();
    try {
      const token = String((await setUp(server)).json['token']);
      const reader = new DatabaseSync(join(server.data, 'sallyport.db'), { readOnly: true });
      reader.exec('BEGIN');
      reader.prepare('SELECT count(*) FROM sessions').get();
      for (let round = 0; round < 15; round += 1)
        await Promise.all(
          Array.from({ length: 5 }, () => signIn(server).then(({ status }) => assert.equal(status, 200))),
        );
      reader.exec('COMMIT');
      reader.close();
      await signInBearer(server);
      assert.equal((await verify(server, token)).status, 200);
      assert.equal(await server.end(), 0);
      assert.deepEqual(integrityOf(server.data), { integrity_check: 'ok' });
    } finally {
      await server.remove();
    }
  });

  it('a second server on the same data ends with 69 and one clear line; the first goes on', async () => {
    const first = await startServer();
    try {
      const child = spawn(
        process.execPath,
        [
          join(import.meta.dirname, '../../src/cli/sallyport.ts'),
          'serve',
          '--data',
          first.data,
          '--listen',
          '127.0.0.1:0',
        ],
        { stdio: ['ignore', 'pipe', 'pipe'] },
      );
      let said = '';
      child.stderr.on('data', (part: Buffer) => (said += part.toString()));
      let out = '';
      child.stdout.on('data', (part: Buffer) => (out += part.toString()));
      const code = await new Promise((resolve) => child.once('exit', resolve));
      assert.equal(code, 69);
      assert.match(said, /^sallyport: [^\n]+\n$/);
      assert.equal(out, '', 'no second setup code');
      await setUp(first);
      assert.equal((await signIn(first)).status, 200);
    } finally {
      await first.remove();
    }
  });

  it('F-10: two that start at once on an empty folder: one owns it, with one setup code', async () => {
    for (let round = 0; round < 5; round += 1) {
      const data = await temporaryFolder();
      const starts = await Promise.allSettled([startServer({ data }), startServer({ data })]);
      const running = starts.filter((each) => each.status === 'fulfilled').map(({ value }) => value);
      assert.equal(
        running.length,
        1,
        starts.map((each) => (each.status === 'rejected' ? String(each.reason) : 'runs')).join(),
      );
      const [server] = running;
      assert.ok(server !== undefined);
      await setUp(server);
      await server.remove();
    }
  });
});

/** Holds the write lock as a backup tool or a curious person would. */
function lockOf(data: string): { begin: () => void; end: () => void } {
  const database = new DatabaseSync(join(data, 'sallyport.db'));
  return {
    begin: () => database.exec('BEGIN IMMEDIATE'),
    end: () => {
      database.exec('ROLLBACK');
      database.close();
    },
  };
}

function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}
