/**
 * Disks that are full, read-only or broken (security.md F-09, F-12, F-13, F-15; docs/decisions/0012). While nothing can be
 * written: known sessions are answered, nobody new gets in, nothing is granted, whoever ends a session is told 503 and the
 * session is dead all the same, `/readyz` says so; and all of it is over by itself.
 */
import assert from 'node:assert/strict';
import { execFile } from 'node:child_process';
import { rm } from 'node:fs/promises';
import { after, before, describe, it } from 'node:test';
import { setTimeout as pause } from 'node:timers/promises';
import { promisify } from 'node:util';
import { type Got, send } from '../support/client.ts';
import { assertChain, withCopy } from '../support/database.ts';
import { need, withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword } from '../support/people.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { type SmallDisk, smallDisk, withoutSmallDisk } from '../support/small-disk.ts';

const run = promisify(execFile);

const login = (server: RunningServer, password: string = admin.password): Promise<Got> =>
  send(`${server.console}/api/auth/login`, { body: { ...admin, password } });
const bearer = (token: string): Record<string, string> => ({ authorization: `Bearer ${token}` });
const verify = (server: RunningServer, token: string): Promise<Got> =>
  send(`${server.console}/api/auth/verify`, {
    headers: {
      ...bearer(token),
      'x-forwarded-method': 'GET',
      'x-forwarded-uri': '/',
      'x-forwarded-host': new URL(server.console).host,
      'x-forwarded-proto': 'http',
    },
  });

/** While nothing can be written: the documented rule, whatever keeps the disk from it. */
async function assertRefusing(server: RunningServer, kept: string, ending: string): Promise<void> {
  assertProblem(await login(server), 503, 'unavailable');
  // A wrong one is told nothing more than a right one.
  assertProblem(await login(server, wrongPassword), 503, 'unavailable');
  assert.equal((await verify(server, kept)).status, 200);
  assert.equal((await send(`${server.console}/healthz`)).status, 200);
  assertProblem(await send(`${server.console}/readyz`), 503, 'unavailable');
  const change = await send(`${server.console}/api/auth/change-password`, {
    headers: bearer(kept),
    body: { old_password: admin.password, new_password: 'a quite different lantern 77 tonight' },
  });
  assertProblem(change, 503, 'unavailable');
  assert.equal((await verify(server, kept)).status, 200);

  assert.equal((await verify(server, ending)).status, 200);
  const out = await send(`${server.console}/api/auth/logout`, { headers: bearer(ending), body: {} });
  assertProblem(out, 503, 'unavailable');
  assert.equal((await verify(server, ending)).status, 401, 'the session is over here, written or not');
}

/** It works again, by itself; what was ended stays ended, also over a restart. */
async function assertRecovered(server: RunningServer, kept: string, ended: string): Promise<void> {
  const deadline = performance.now() + 5000;
  while ((await send(`${server.console}/readyz`)).status !== 200) {
    assert.ok(performance.now() < deadline, 'not ready again within 5 s');
    await pause(100);
  }
  assert.equal((await login(server)).status, 200);
  assert.equal((await verify(server, kept)).status, 200);
  assert.equal((await verify(server, ended)).status, 401);
  // What was ended meanwhile is written within a second.
  await pause(1500);
  const exited = new Promise((resolve) => server.process.once('exit', resolve));
  server.process.kill('SIGKILL');
  await exited;
  // F-34: the end is in the audit log once, also when it could be written only later; the chain has no gap.
  await withCopy(server.data, (db) => {
    assertChain(db);
    const ends = db.prepare("SELECT count(*) AS ends FROM audit WHERE event = 'signed-out'").get();
    assert.equal(ends?.['ends'], 1);
  });
  const again = await startServer({ data: server.data, standing: 'set-up' });
  try {
    assert.equal((await verify(again, kept)).status, 200);
    assert.equal((await verify(again, ended)).status, 401, 'an ended session is back after a restart');
    const verified = await runCommand(['audit', 'verify', '--data', server.data]);
    assert.equal(verified.code, 0, verified.err);
  } finally {
    assert.equal(await again.end(), 0);
  }
}

describe('F-12: the disk is full', { skip: await withoutSmallDisk() }, () => {
  let disk: SmallDisk;
  before(async () => {
    disk = await smallDisk();
  });
  after(() => disk.remove());

  it('nothing is granted, known sessions are answered, ended ones are over; then all works again', async () => {
    const server = await startServer({ data: disk.data });
    await setUp(server);
    const kept = await signInBearer(server);
    const ending = await signInBearer(server);
    await verify(server, kept);
    await disk.fill();
    await assertRefusing(server, kept, ending);
    assert.match(server.log(), /disk is full/);
    await disk.free();
    await assertRecovered(server, kept, ending);
  });

  it('ends all others: told 503, over at once; the one that asked goes on', async () => {
    const server = await startServer({ data: disk.data, standing: 'set-up' });
    try {
      const kept = await signInBearer(server);
      const other = await signInBearer(server);
      await verify(server, other);
      await disk.fill();
      const all = await send(`${server.console}/api/auth/sessions`, { method: 'DELETE', headers: bearer(kept) });
      assertProblem(all, 503, 'unavailable');
      assert.equal((await verify(server, other)).status, 401);
      assert.equal((await verify(server, kept)).status, 200);
      await disk.free();
      await pause(1500);
      assert.equal((await verify(server, other)).status, 401);
      assert.equal((await verify(server, kept)).status, 200);
      assert.equal((await verify(server, await signInBearer(server))).status, 200);
    } finally {
      await disk.free();
      assert.equal(await server.end(), 0);
    }
  });

  it('stops in order while it is full, and loses nothing', async () => {
    const server = await startServer({ data: disk.data, standing: 'set-up' });
    const kept = await signInBearer(server);
    await disk.fill();
    assert.equal(await server.end(), 0);
    await disk.free();
    const again = await startServer({ data: disk.data, standing: 'set-up' });
    assert.equal((await verify(again, kept)).status, 200);
    assert.equal(await again.end(), 0);
  });

  it('started while it is full: refused in a line that says so, and nothing is changed', async () => {
    await disk.fill();
    const ended = await runCommand(['serve', '--data', disk.data, '--listen', '127.0.0.1:0']);
    assert.ok(ended.code === 69 || ended.code === 70, `${ended.code} ${ended.err}`);
    assert.equal(ended.out, '');
    assert.match(ended.err, /disk is full|ENOSPC/);
    await disk.free();
    await withCopy(disk.data);
    const server = await startServer({ data: disk.data, standing: 'set-up' });
    assert.equal(server.setupCode, '');
    assert.equal((await login(server)).status, 200);
    assert.equal(await server.end(), 0);
  });

  it('a first run on a full disk makes nothing that a later one stumbles over', async () => {
    await rm(disk.data, { recursive: true });
    await disk.fill();
    const ended = await runCommand(['serve', '--data', disk.data, '--listen', '127.0.0.1:0']);
    assert.ok(ended.code === 69 || ended.code === 70, `${ended.code} ${ended.err}`);
    await disk.free();
    const server = await startServer({ data: disk.data });
    assert.equal((await setUp(server)).status, 201);
    assert.equal(await server.end(), 0);
  });

  it('F-13: a read-only file system refuses to start and names the file; writable again, it starts', async () => {
    await disk.turn('ro');
    try {
      const ended = await runCommand(['serve', '--data', disk.data, '--listen', '127.0.0.1:0']);
      assert.ok(ended.code === 69 || ended.code === 70, `${ended.code} ${ended.err}`);
      assert.equal(ended.out, '');
      assert.ok(ended.err.includes(disk.data), ended.err);
      assert.doesNotMatch(ended.err, /at .*\.ts:\d+/);
    } finally {
      await disk.turn('rw');
    }
    const server = await startServer({ data: disk.data, standing: 'set-up' });
    assert.equal((await login(server)).status, 200);
    assert.equal(await server.end(), 0);
  });
});

describe('disks that fail under a running server', { skip: withoutPackages }, () => {
  let fiu: string;
  let control: string;
  before(async () => {
    fiu = await need('fiu-run', 'fiu-utils');
    control = await need('fiu-ctrl', 'fiu-utils');
  });
  const start = (data?: string): Promise<RunningServer> =>
    startServer({ through: [fiu, '-x'], ...(data === undefined ? {} : { data }) });
  /** Errors that the system gives: EIO 5, EMFILE 24, EROFS 30. */
  const fail = (server: RunningServer, what: string, errno: number): Promise<unknown> =>
    run(control, ['-c', `enable name=posix/io/${what},failinfo=${errno}`, String(server.process.pid)]);
  const mend = (server: RunningServer, what: string): Promise<unknown> =>
    run(control, ['-c', `disable name=posix/io/${what}`, String(server.process.pid)]);

  for (const [name, call, errno] of [
    ['F-13: the file system turns read-only', 'rw/pwrite', 30],
    ['F-15: writes fail (EIO)', 'rw/pwrite', 5],
    ['F-15: nothing can be flushed (EIO)', 'sync/fsync', 5],
  ] as const) {
    it(`${name}: nothing is granted, known sessions are answered; then all works again`, async () => {
      const server = await start();
      try {
        await setUp(server);
        const kept = await signInBearer(server);
        const ending = await signInBearer(server);
        await verify(server, kept);
        await fail(server, call, errno);
        await assertRefusing(server, kept, ending);
        await mend(server, call);
        await assertRecovered(server, kept, ending);
      } finally {
        await server.remove();
      }
    });
  }

  it('F-15: reads fail: whoever is not known yet is refused, and nobody is taken for somebody', async () => {
    const first = await start();
    await setUp(first);
    const kept = await signInBearer(first);
    await first.end();
    const server = await start(first.data);
    try {
      // Big enough that pages have to be read: nothing of this session is in memory after the restart.
      await fail(server, 'rw/pread', 5);
      const got = await verify(server, kept);
      assert.ok(got.status === 503 || got.status === 200, got.text);
      assertProblem(await login(server), 503, 'unavailable');
      assert.notEqual((await verify(server, `sps_${'a'.repeat(36)}`)).status, 200);
      await mend(server, 'rw/pread');
      assert.equal((await verify(server, kept)).status, 200);
      assert.equal((await login(server)).status, 200);
    } finally {
      await server.remove();
    }
  });

  it('F-15: a failed flush ends that connection to the database: the next write opens another', async () => {
    const server = await start();
    try {
      await setUp(server);
      assert.equal((await login(server)).status, 200);
      // As long as all is well no file is opened for a write: that opening fails is not even noticed.
      await fail(server, 'oc/open', 24);
      assert.equal((await login(server)).status, 200);
      await mend(server, 'oc/open');
      await fail(server, 'sync/fsync', 5);
      assertProblem(await login(server), 503, 'unavailable');
      await mend(server, 'sync/fsync');
      await fail(server, 'oc/open', 24);
      assertProblem(await login(server), 503, 'unavailable');
      assert.match(server.log(), /unable to open database file/);
      await mend(server, 'oc/open');
      assert.equal((await login(server)).status, 200);
      await withCopy(server.data);
    } finally {
      await server.remove();
    }
  });
});

describe('F-09: a limit on the size of files', { skip: process.platform === 'linux' ? false : 'needs prlimit' }, () => {
  it('is hit: writes are refused, the process lives; lifted, all works again', async () => {
    const server = await startServer({ through: ['prlimit', `--fsize=${600 * 1024}:`] });
    try {
      await setUp(server);
      const kept = await signInBearer(server);
      const ending = await signInBearer(server);
      await verify(server, kept);
      let last = await login(server);
      for (let tries = 0; last.status === 200 && tries < 500; tries += 1) last = await login(server);
      assertProblem(last, 503, 'unavailable');
      // A refusal writes less than a sign-in: it may fit once more where that did not.
      for (let tries = 0; (await login(server, wrongPassword)).status === 401; tries += 1) assert.ok(tries < 4);
      await assertRefusing(server, kept, ending);
      await run('prlimit', [`--pid=${server.process.pid}`, '--fsize=unlimited']);
      await assertRecovered(server, kept, ending);
    } finally {
      await server.remove();
    }
  });

  it('not hit, it changes nothing', async () => {
    const server = await startServer({ through: ['prlimit', `--fsize=${64 * 1024 * 1024}:`] });
    try {
      await setUp(server);
      const person = await signIn(server);
      assert.equal((await person.send('/api/auth/sessions')).status, 200);
      assert.equal((await send(`${server.console}/readyz`)).status, 200);
    } finally {
      await server.remove();
    }
  });
});
