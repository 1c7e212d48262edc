/**
 * The service key's file over the running product (security.md B-06, B-08): what refuses the start, what is there before the
 * first answer, and what a restart, another version or a crash leaves of it.
 */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { watch } from 'node:fs';
import { chmod, chown, mkdir, readFile, rename, rm, stat, symlink, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { withCopy } from '../support/database.ts';
import { freePort } from '../support/free-port.ts';
import { setUp } from '../support/people.ts';
import { type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';
import { heldIn, serviceKeyFileOf, statusesOf, statusOfUserKey, userKeyAt, usersBy } from '../support/service-key.ts';
import { pause } from '../support/waiting.ts';

const asRoot = process.getuid?.() === 0 ? false : 'files of other users can only be made by root';
const foreign = 'Zm9yZWlnbl9rZXlfb2ZfYW5vdGhlcl9tYWNoaW5lX18';

/** Every row, as text. */
async function rowsOf(data: string): Promise<string> {
  let rows = '';
  await withCopy(data, (db) => {
    for (const table of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all())
      rows += JSON.stringify(db.prepare(`SELECT * FROM ${String(table['name'])}`).all());
  });
  return rows;
}

function inDatabase(data: string, sql: string): void {
  const db = new DatabaseSync(join(data, 'sallyport.db'));
  db.exec(sql);
  db.close();
}

/** Resolves as soon as a file whose name begins so is made, written or moved there. */
function somethingIn(folder: string, name: string): Promise<void> {
  return new Promise((resolve) => {
    const watching = watch(folder, (_, changed) => {
      if (changed?.startsWith(name) !== true) return;
      watching.close();
      resolve();
    });
  });
}

describe('B-06: a file that others may read or put there refuses the start', () => {
  let data: string;
  let file: string;
  before(async () => {
    const server = await startServer();
    await setUp(server);
    ({ data } = server);
    file = serviceKeyFileOf(data);
    assert.equal(await server.end(), 0);
  });
  after(() => rm(data, { recursive: true, force: true }));

  const refused = async (path: string, why: RegExp, ...more: readonly string[]): Promise<void> => {
    const rows = await rowsOf(data);
    const ended = await runCommand(['serve', '--data', data, '--listen', '127.0.0.1:0', ...more]);
    assert.equal(ended.code, 70, ended.err);
    assert.equal(ended.out, '');
    const complaints = ended.err.split('\n').filter((line) => line.startsWith('sallyport: '));
    assert.equal(complaints.length, 1, ended.err);
    assert.ok(
      complaints[0]?.includes(`service key file ${path} `) && complaints[0].includes('mode 640'),
      complaints[0],
    );
    assert.match(complaints[0] ?? '', why);
    assert.ok(!ended.err.includes(foreign), 'what a file holds is not told');
    assert.equal(await rowsOf(data), rows, 'nothing was changed');
  };

  for (const [name, make, why] of [
    ['mode 644', () => chmod(file, 0o644), /its mode is 644/],
    ['mode 660', () => chmod(file, 0o660), /its mode is 660/],
    ['mode 740', () => chmod(file, 0o740), /its mode is 740/],
    ['set-uid', () => chmod(file, 0o4640), /its mode is 4640/],
    ['a folder', () => rm(file).then(() => mkdir(file)), /it is not a file/],
    ['a pipe', () => rm(file).then(() => void execFileSync('mkfifo', ['-m', '640', file])), /it is not a file/],
    [
      'a link to a good one',
      () => rename(file, `${file}.real`).then(() => symlink(`${file}.real`, file)),
      /symbolic link/,
    ],
    ['a link to nowhere', () => rm(file).then(() => symlink(`${file}.none`, file)), /symbolic link/],
  ] as const)
    it(name, async () => {
      await make();
      await refused(file, why);
      await rm(file, { recursive: true, force: true });
      await rm(`${file}.real`, { force: true });
      await writeFile(file, foreign, { mode: 0o640 });
    });

  it('of another user', { skip: asRoot }, async () => {
    await chown(file, 65_534, 65_534);
    await refused(file, /it belongs to another user \(65534\)/);
    await chown(file, 0, 0);
  });

  it('a folder that everybody may write in, or that is not there', async () => {
    const open = await temporaryFolder();
    try {
      const path = join(open, 'api.key');
      for (const mode of [0o777, 0o1777]) {
        await chmod(open, mode);
        await refused(path, /everybody may write in its folder/, '--service-key-file', path);
      }
      const none = join(open, 'none', 'api.key');
      await refused(none, /its folder \S+none is not there/, '--service-key-file', none);
      await assert.rejects(stat(path));
    } finally {
      await rm(open, { recursive: true });
    }
  });

  it('put right, it starts, and the key of another machine that lay there is replaced', async () => {
    await writeFile(file, foreign, { mode: 0o640 });
    const again = await startServer({ data, standing: 'set-up' });
    assert.deepEqual(await statusesOf(again, foreign, heldIn(file)), [401, 200]);
    assert.equal(await again.end(), 0);
  });
});

describe('the service key’s file', () => {
  let server: RunningServer;
  let file: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    file = serviceKeyFileOf(server.data);
  });
  after(() => server.remove());

  const again = async (...args: readonly string[]): Promise<void> => {
    assert.equal(await server.end(), 0);
    server = await startServer({ data: server.data, standing: 'set-up', args });
  };

  it('is there, whole and with its mode, before the first answer', async () => {
    const data = await temporaryFolder();
    const port = await freePort();
    const path = serviceKeyFileOf(data);
    const starting = startServer({ data, listen: `127.0.0.1:${port}` });
    let held: Promise<string> | undefined;
    for (const began = performance.now(); held === undefined && performance.now() - began < 60_000; await pause(2)) {
      const status = await fetch(`http://127.0.0.1:${port}/healthz`).then(
        (answer) => answer.status,
        () => 0,
      );
      // Not listening, and then not ready.
      if (status !== 0 && status !== 503) held = Promise.try(() => heldIn(path));
    }
    const fresh = await starting;
    try {
      await setUp(fresh);
      assert.deepEqual(await statusesOf(fresh, (await held) ?? ''), [200]);
    } finally {
      await fresh.remove();
    }
  });

  it('under any umask of whoever starts it', async () => {
    for (const mask of ['000', '077']) {
      await rm(file, { force: true });
      assert.equal(await server.end(), 0);
      await rm(file, { force: true });
      const through = ['sh', '-c', `umask ${mask}; exec "$0" "$@"`];
      server = await startServer({ data: server.data, standing: 'set-up', through });
      assert.deepEqual(await statusesOf(server, heldIn(file)), [200]);
    }
  });

  it('the same key survives restarts, and a file that holds it is not written again', async () => {
    const held = heldIn(file);
    const userKey = await userKeyAt(server);
    const { ino, mtimeMs } = await stat(file);
    for (let round = 0; round < 2; round += 1) {
      await again();
      assert.equal(heldIn(file), held);
      assert.deepEqual(await statusesOf(server, held), [200]);
      assert.equal(await statusOfUserKey(server, userKey), 200);
    }
    const now = await stat(file);
    assert.deepEqual([now.ino, now.mtimeMs], [ino, mtimeMs]);
  });

  it('a group that somebody gave it stays when the key changes', { skip: asRoot }, async () => {
    await chown(file, 0, 65_534);
    const held = heldIn(file);
    assert.equal((await runCommand(['key', 'rotate', 'service', '--data', server.data])).code, 0);
    assert.notEqual(heldIn(file), held);
    assert.equal((await stat(file)).gid, 65_534);
    await chown(file, 0, 0);
  });

  it('elsewhere: the file is there, with the folder’s group, and the other place stays as it was', async () => {
    const folder = await temporaryFolder();
    try {
      const held = heldIn(file);
      const path = join(folder, 'door.key');
      if (asRoot === false) await chown(folder, 0, 65_534);
      await chmod(folder, 0o2750);
      await rm(file);
      await again('--service-key-file', path);
      assert.equal(heldIn(path), held);
      if (asRoot === false) assert.equal((await stat(path)).gid, 65_534);
      await assert.rejects(stat(file));
      await again();
      assert.equal(heldIn(file), held);
      assert.deepEqual(await statusesOf(server, held), [200]);
    } finally {
      await rm(folder, { recursive: true });
    }
  });

  it('with service-key-renew each start makes another one; the old one is dead, and derived keys with it', async () => {
    let held = heldIn(file);
    for (let round = 0; round < 2; round += 1) {
      const userKey = await userKeyAt(server);
      await again('--service-key-renew', 'true');
      const renewed = heldIn(file);
      assert.notEqual(renewed, held);
      assert.deepEqual(await statusesOf(server, held, renewed), [401, 200]);
      assert.equal(await statusOfUserKey(server, userKey, `127.99.0.${round + 1}`), 401);
      held = renewed;
    }
    const events = await runCommand(['audit', 'list', '--limit', '200', '--json', '--data', server.data]);
    assert.ok(events.out.includes('service-key-replaced'), events.out.slice(0, 300));
    await again();
    assert.equal(heldIn(file), held);
  });

  it('an installation of before there was one gets it at its start', async () => {
    assert.equal(await server.end(), 0);
    const held = heldIn(file);
    inDatabase(server.data, "DELETE FROM keys WHERE purpose = 'service'");
    await rm(file);
    server = await startServer({ data: server.data, standing: 'set-up' });
    const made = heldIn(file);
    assert.notEqual(made, held);
    assert.deepEqual(await statusesOf(server, held, made), [401, 200]);
    await again();
    assert.equal(heldIn(file), made);
  });

  it('a service key that cannot be opened refuses the start, and none is made in its place', async () => {
    assert.equal(await server.end(), 0);
    inDatabase(server.data, "CREATE TABLE kept AS SELECT * FROM keys WHERE purpose = 'service'");
    inDatabase(
      server.data,
      "UPDATE keys SET sealed = (SELECT sealed FROM keys WHERE purpose = 'cookie') WHERE purpose = 'service'",
    );
    const ended = await runCommand(['serve', '--data', server.data, '--listen', '127.0.0.1:0']);
    assert.equal(ended.code, 70, ended.err);
    assert.match(ended.err, /key ring is damaged/);
    inDatabase(server.data, "DELETE FROM keys WHERE purpose = 'service'");
    inDatabase(server.data, 'INSERT INTO keys SELECT * FROM kept');
    inDatabase(server.data, 'DROP TABLE kept');
    server = await startServer({ data: server.data, standing: 'set-up' });
    assert.deepEqual(await statusesOf(server, heldIn(file)), [200]);
  });

  it('killed around a rotation: one key works afterwards, which the one file holds', async () => {
    for (const when of ['on sight', 400, 'on sight', 600, 'on sight', 800, 'on sight'] as const) {
      const held = heldIn(file);
      const rotating = runCommand(['key', 'rotate', 'service', '--data', server.data]);
      if (when === 'on sight') await somethingIn(server.data, 'api.key');
      else await pause(when);
      await server.kill();
      const rotated = await rotating;
      // What a kill between making and moving it leaves.
      await writeFile(`${file}.new-AAAAAAAAAAAAAAAA`, 'part of a k', { mode: 0o640 });
      server = await startServer({ data: server.data, standing: 'set-up' });
      const now = heldIn(file);
      assert.deepEqual(await statusesOf(server, now), [200]);
      if (rotated.code === 0) assert.notEqual(now, held, 'what was answered holds');
      if (now !== held) assert.deepEqual(await statusesOf(server, held), [401]);
    }
    const verified = await runCommand(['audit', 'verify', '--data', server.data]);
    assert.equal(verified.code, 0, verified.err);
  });

  it('wrong ones are wrong: cut short, longer, in another alphabet, of another installation', async () => {
    const held = heldIn(file);
    for (const wrong of [held.slice(1), held.slice(0, -1), `${held}A`, `${held} `, held.toUpperCase(), foreign]) {
      const got = await usersBy(server, wrong);
      assert.deepEqual([got.status, got.json['error_code']], [401, 'invalid_credentials']);
    }
    assert.equal(await readFile(file, 'utf8'), held);
  });
});
