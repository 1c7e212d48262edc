/**
 * Too few descriptors, and a database that another program holds (security.md F-08, F-23): refused within a bound, the
 * process lives, and it is over by itself.
 */
import assert from 'node:assert/strict';
import { stat } from 'node:fs/promises';
import { connect, type Socket } from 'node:net';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { type Got, send } from '../support/client.ts';
import { withCopy } from '../support/database.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, startServer } from '../support/server.ts';

const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const login = (server: RunningServer): Promise<Got> => send(`${server.console}/api/auth/login`, { body: admin });
const status = (server: RunningServer, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/status`, { headers: bearer(token) });

describe('F-08: 64 descriptors', { skip: process.platform === 'linux' ? false : 'needs prlimit' }, () => {
  it('300 connections at once: the process lives, and everybody is served again when they are gone', async () => {
    const server = await startServer({ through: ['prlimit', '--nofile=64:64'] });
    try {
      await setUp(server);
      const token = await signInBearer(server);
      const crowd: Socket[] = [];
      for (let count = 0; count < 300; count += 1) {
        const socket = connect(Number(new URL(server.console).port), '127.0.0.1');
        socket.on('error', () => undefined);
        socket.write('GET /api/auth/status HTTP/1.1\r\nhost: 127.0.0.1\r\n');
        crowd.push(socket);
      }
      await pause(500);
      const during = await Promise.allSettled(Array.from({ length: 20 }, () => login(server)));
      for (const each of during) if (each.status === 'fulfilled') assert.ok([200, 503].includes(each.value.status));
      assert.equal(server.process.exitCode, null, server.log());
      for (const socket of crowd) socket.destroy();
      await pause(300);
      assert.equal((await status(server, token)).json['authenticated'], true);
      assert.equal((await login(server)).status, 200);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
      // What goes wrong is written down, but not over and over.
      assert.ok(server.log().length < 200_000, `${server.log().length} characters of log`);
      assert.equal(await server.end(), 0);
      await withCopy(server.data);
    } finally {
      await server.remove();
    }
  });

  it('and a load that fits is served as if there were no limit', async () => {
    const server = await startServer({ through: ['prlimit', '--nofile=64:64'] });
    try {
      await setUp(server);
      for (let round = 0; round < 10; round += 1) {
        const got = await Promise.all(Array.from({ length: 8 }, () => login(server)));
        assert.deepEqual(new Set(got.map((each) => each.status)), new Set([200]));
      }
    } finally {
      await server.remove();
    }
  });
});

describe('F-23: another program and the database', () => {
  it('holds the write lock: 503 after 5 s for everybody in line, known sessions are answered, then all works', async () => {
    const server = await startServer();
    const other = new DatabaseSync(join(server.data, 'sallyport.db'));
    try {
      await setUp(server);
      const token = await signInBearer(server);
      other.exec('BEGIN IMMEDIATE');
      const began = performance.now();
      const asked: Promise<{ got: Got; afterMs: number }>[] = [];
      for (let count = 0; count < 6; count += 1) {
        asked.push(login(server).then((got) => ({ got, afterMs: performance.now() - began })));
        assert.equal((await status(server, token)).json['authenticated'], true);
        await pause(500);
      }
      const answers = await Promise.all(asked);
      for (const { got, afterMs } of answers) {
        assertProblem(got, 503, 'unavailable');
        // Whoever came later stood in line behind the first, and does not wait another time-out.
        assert.ok(afterMs >= 4500 && afterMs < 9000, `after ${afterMs} ms`);
      }
      assertProblem(await send(`${server.console}/readyz`), 503, 'unavailable');
      other.exec('ROLLBACK');
      assert.equal((await login(server)).status, 200);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
    } finally {
      other.close();
      await server.remove();
    }
  });

  it('holds it for a moment: nobody notices', async () => {
    const server = await startServer();
    const other = new DatabaseSync(join(server.data, 'sallyport.db'));
    try {
      await setUp(server);
      other.exec('BEGIN IMMEDIATE');
      const asked = login(server);
      await pause(800);
      other.exec('ROLLBACK');
      assert.equal((await asked).status, 200);
    } finally {
      other.close();
      await server.remove();
    }
  });

  it('reads for a long time: the log grows by what is written; afterwards it is used again from its start', async () => {
    const server = await startServer({ args: ['--session-account-cap', '10000'] });
    const reader = new DatabaseSync(join(server.data, 'sallyport.db'), { readOnly: true });
    const log = join(server.data, 'sallyport.db-wal');
    const write = async (rounds: number): Promise<void> => {
      for (let round = 0; round < rounds; round += 1) {
        const got = await Promise.all(Array.from({ length: 20 }, () => login(server)));
        assert.deepEqual(new Set(got.map((each) => each.status)), new Set([200]));
      }
    };
    try {
      await setUp(server);
      reader.exec('BEGIN');
      reader.prepare('SELECT count(*) FROM users').get();
      // Far more than the 1000 pages after which the log is taken into the database.
      while ((await stat(log)).size < 8 * 1024 * 1024) await write(5);
      reader.exec('COMMIT');
      await write(1);
      const grown = (await stat(log)).size;
      await write(40);
      assert.ok((await stat(log)).size <= grown + 65_536, `${(await stat(log)).size} after ${grown}`);
      assert.equal(await server.end(), 0);
      await withCopy(server.data);
    } finally {
      reader.close();
      await server.remove();
    }
  });
});
