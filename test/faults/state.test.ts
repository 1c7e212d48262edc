/**
 * State that is gone, damaged or half-written refuses to start (security.md F-16, F-30, F-31; 3-rules, Setup states): it is
 * never taken for "no authentication", nor for a first run.
 */
import assert from 'node:assert/strict';
import { spawn } from 'node:child_process';
import {
  chmod,
  copyFile,
  mkdir,
  open,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  symlink,
  truncate,
  writeFile,
} from 'node:fs/promises';
import { connect } from 'node:net';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { admin, setUp } from '../support/people.ts';
import { entry, type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';

const serve = (data: string, ...more: string[]) =>
  runCommand(['serve', '--data', data, '--listen', '127.0.0.1:0', '--app-listen', '127.0.0.1:0', ...more]);

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  try {
    const { size } = await file.stat();
    const bytes = Buffer.alloc(Math.min(64, size - at));
    await file.read(bytes, 0, bytes.length, at);
    await file.write(
      bytes.map((byte) => byte ^ 0xff),
      0,
      bytes.length,
      at,
    );
  } finally {
    await file.close();
  }
}

describe('a set-up installation whose state was touched', () => {
  let data: string;
  let kept: string;
  before(async () => {
    const server = await startServer();
    await setUp(server);
    await server.end();
    data = server.data;
    kept = await temporaryFolder();
    for (const name of await readdir(data)) await copyFile(join(data, name), join(kept, name));
  });
  after(async () => {
    await rm(data, { recursive: true, force: true });
    await rm(kept, { recursive: true, force: true });
  });
  const restore = async (): Promise<void> => {
    await rm(data, { recursive: true, force: true });
    await mkdir(data, { mode: 0o700 });
    for (const name of await readdir(kept)) await copyFile(join(kept, name), join(data, name));
  };

  const database = (): string => join(data, 'sallyport.db');
  const key = (): string => join(data, 'root.key');

  for (const [name, damage, told] of [
    ['the database is gone', () => rm(database()), /not a first run/],
    ['the database is empty', () => truncate(database(), 0), /not a first run/],
    ['the database is cut short', () => truncate(database(), 9000), /sallyport\.db|damaged/i],
    ["the database's header is damaged", () => flip(database(), 0), /sallyport\.db|database/i],
    ['a page of the database is damaged', () => flip(database(), 4096 * 2), /sallyport\.db|damaged/i],
    ['the database is something else', () => writeFile(database(), 'x'.repeat(9000)), /sallyport\.db|database/i],
    ['the root key is gone', () => rm(key()), /missing/],
    ['the root key is empty', () => truncate(key(), 0), /root\.key/],
    ['the root key is cut short', () => truncate(key(), 20), /root\.key/],
    [
      'the root key is another one',
      () => writeFile(key(), `${Buffer.alloc(32, 7).toString('base64url')}\n`),
      /does not belong/,
    ],
    ['the root key may be read by others', () => chmod(key(), 0o644), /mode is 644/],
    ['the root key may be read by the group', () => chmod(key(), 0o640), /mode is 640/],
    [
      'the root key is a folder',
      async () => {
        await rm(key());
        await mkdir(key(), { mode: 0o700 });
      },
      /not a file/,
    ],
    [
      'a pending key lies beside a missing one',
      async () => {
        await rm(key());
        await writeFile(`${key()}.pending`, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
      },
      /does not belong/,
    ],
  ] as const) {
    it(`refuses to start when ${name}, and says which file`, async () => {
      await restore();
      await damage();
      const before = (await readdir(data)).filter((each) => !/-wal|-shm|owner/.test(each)).sort();
      const ended = await serve(data);
      assert.ok(ended.code === 69 || ended.code === 70, `${ended.code} ${ended.out} ${ended.err}`);
      assert.equal(ended.out, '');
      assert.match(ended.err, told);
      assert.doesNotMatch(ended.err, /at .*\.ts:\d+/);
      assert.deepEqual(
        (await readdir(data)).filter((each) => !/-wal|-shm|owner/.test(each)).sort(),
        before,
        'nothing was made anew',
      );
    });
  }

  it('starts again once everything is back, with the same admin and no set-up', async () => {
    await restore();
    const server = await startServer({ data });
    try {
      assert.equal(server.setupCode, '');
      assert.equal((await send(`${server.console}/api/auth/login`, { body: admin })).status, 200);
    } finally {
      await server.end();
    }
  });

  it('a symlink in place of the database is refused', async () => {
    await restore();
    await rename(database(), join(data, 'elsewhere.db'));
    await symlink(join(data, 'elsewhere.db'), database());
    const ended = await serve(data);
    assert.ok(ended.code === 69 || ended.code === 70, `${ended.code}`);
  });
});

describe('first runs that were cut short', () => {
  for (const [name, prepare] of [
    [
      'only the pending key',
      (data: string) =>
        writeFile(join(data, 'root.key.pending'), `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 }),
    ],
    ['only an empty database', (data: string) => writeFile(join(data, 'sallyport.db'), '', { mode: 0o600 })],
    [
      'a half-written pending key',
      (data: string) => writeFile(join(data, 'root.key.pending'), 'AAAA', { mode: 0o600 }),
    ],
  ] as const) {
    it(`${name}: the next start begins again`, async () => {
      const data = await temporaryFolder();
      await prepare(data);
      const server = await startServer({ data });
      try {
        assert.notEqual(server.setupCode, '');
        assert.equal((await setUp(server)).status, 201);
      } finally {
        await server.remove();
      }
    });
  }

  it('the database made and its key still pending: the next start finishes', async () => {
    const first = await startServer();
    await first.end();
    await rename(join(first.data, 'root.key'), join(first.data, 'root.key.pending'));
    const second = await startServer({ data: first.data });
    try {
      assert.equal((await setUp(second)).status, 201);
      assert.equal((await stat(join(first.data, 'root.key'))).mode & 0o777, 0o600);
    } finally {
      await second.remove();
    }
  });

  it('ended with kill -9 at any moment of its first second, it starts again', async () => {
    for (let round = 0; round < 8; round += 1) {
      const data = await temporaryFolder();
      const child = spawn(process.execPath, [entry, 'serve', '--data', data, '--listen', '127.0.0.1:0'], {
        stdio: 'ignore',
        env: {},
      });
      await new Promise((resolve) => setTimeout(resolve, 120 + round * 40));
      const exited = new Promise((resolve) => child.once('exit', resolve));
      child.kill('SIGKILL');
      await exited;
      const again = await startServer({ data });
      assert.equal((await setUp(again)).status, 201);
      await again.remove();
    }
  });
});

describe('files and modes', () => {
  let server: RunningServer;
  before(async () => {
    server = await startServer();
    await setUp(server);
  });
  after(() => server.remove());

  it('ST-06: the folder is ours alone, and every file in it; the service key may be handed to a group', async () => {
    assert.equal((await stat(server.data)).mode & 0o777, 0o700);
    for (const name of await readdir(server.data)) {
      const about = await stat(join(server.data, name));
      const mode = (about.mode & 0o777).toString(8);
      if (name === 'api.key') assert.equal(mode, '640');
      else assert.equal(about.mode & 0o077, 0, `${name} ${mode}`);
    }
  });

  it('connections that never asked anything do not hold up the end', async () => {
    const other = await startServer();
    const silent = connect(Number(new URL(other.console).port), '127.0.0.1');
    await new Promise((resolve) => silent.once('connect', resolve));
    silent.on('error', () => undefined);
    const closed = new Promise((resolve) => silent.once('close', resolve));
    assert.equal(
      await Promise.race([other.end(), new Promise((resolve) => setTimeout(resolve, 8000, 'still there').unref())]),
      0,
    );
    await closed;
    await other.remove();
  });

  it('SIGTERM ends it with 0 and everything on disk; a second one changes nothing', async () => {
    server.process.kill('SIGTERM');
    server.process.kill('SIGTERM');
    assert.equal(await server.end(), 0);
    assert.equal((await readdir(server.data)).includes('sallyport.db-wal'), false);
  });
});

describe('starting wrong', () => {
  it('lists every problem at once and ends with 64', async () => {
    const ended = await runCommand(
      [
        'serve',
        '--listen',
        'nowhere',
        '--session-account-idle',
        '24',
        '--no-such-flag',
        '--upstream',
        'ftp://x',
        '--setup-code',
        'short',
      ],
      {},
    );
    assert.equal(ended.code, 64);
    for (const name of ['--listen', '--session-account-idle', '--no-such-flag', '--upstream', '--setup-code'])
      assert.ok(ended.err.includes(name), name);
    assert.doesNotMatch(ended.err, /\bshort\b(?!er)/);
  });
  it('an unknown command is 64, help is 0', async () => {
    assert.equal((await runCommand(['nothing'])).code, 64);
    assert.equal((await runCommand([])).code, 64);
    for (const args of [['--help'], ['serve', '--help'], ['setup', '--help'], ['config', '--help']])
      assert.equal((await runCommand(args)).code, 0, args.join(' '));
  });
  it('F-37: a plain file where a socket should be stays what it is; a dead socket is taken over, a living one is not', async () => {
    const folder = await temporaryFolder();
    const file = join(folder, 'note.txt');
    await writeFile(file, 'precious');
    const refused = await runCommand([
      'serve',
      '--data',
      join(folder, 'data'),
      '--listen',
      `unix:${file}`,
      '--public-url',
      'https://sign-in.test',
    ]);
    assert.equal(refused.code, 69, refused.err);
    assert.equal(await readFile(file, 'utf8'), 'precious');

    const data = join(folder, 'other');
    const first = await startServer({ data });
    const second = await runCommand([
      'serve',
      '--data',
      join(folder, 'third'),
      '--listen',
      `unix:${join(data, 'control.sock')}`,
      '--public-url',
      'https://sign-in.test',
    ]);
    assert.equal(second.code, 69, second.err);
    first.process.kill('SIGKILL');
    await new Promise((resolve) => first.process.once('exit', resolve));
    const again = await startServer({ data });
    assert.equal(await again.end(), 0);
    await rm(folder, { recursive: true, force: true });
  });
  it('a port in use is one clear line and 69', async () => {
    const first = await startServer();
    const data = await temporaryFolder();
    try {
      const ended = await serve(data, '--upstream', 'http://127.0.0.1:9', '--app-listen', new URL(first.console).host);
      assert.equal(ended.code, 64, ended.err);
      const clash = await runCommand(['serve', '--data', data, '--listen', new URL(first.console).host]);
      assert.equal(clash.code, 69);
      assert.match(clash.err, /something else listens there/);
    } finally {
      await first.remove();
      await rm(data, { recursive: true, force: true });
    }
  });
});
