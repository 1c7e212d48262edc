/**
 * Files that are not what they were (security.md F-10, F-16, F-24, F-30, F-31, F-37): what holds secrets or state refuses
 * to start and is named, everything else is put right with a warning; nothing is ever made anew in its place, and a
 * running server keeps what it has loaded.
 */
import assert from 'node:assert/strict';
import { type ChildProcess, spawn } from 'node:child_process';
import { once } from 'node:events';
import {
  chmod,
  chown,
  copyFile,
  lstat,
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
import { createServer } from 'node:http';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { withCopy } from '../support/database.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { entry, type RunningServer, runCommand, startServer, temporaryFolder } from '../support/server.ts';

const asRoot = process.getuid?.() === 0 ? false : 'files of other users can only be made by root';
const serve = (data: string, ...more: string[]) =>
  runCommand(['serve', '--data', data, '--listen', '127.0.0.1:0', ...more]);

async function killed(server: RunningServer): Promise<void> {
  const exited = once(server.process, 'exit');
  server.process.kill('SIGKILL');
  await exited;
}

async function copyFolder(from: string, to: string): Promise<void> {
  await rm(to, { recursive: true, force: true });
  await mkdir(to, { mode: 0o700 });
  for (const name of await readdir(from)) {
    if ((await lstat(join(from, name))).isFile()) await copyFile(join(from, name), join(to, name));
  }
}

async function flip(path: string, at: number): Promise<void> {
  const file = await open(path, 'r+');
  const bytes = Buffer.alloc(64);
  const { bytesRead } = await file.read(bytes, 0, 64, at);
  assert.ok(bytesRead > 0);
  await file.write(
    bytes.subarray(0, bytesRead).map((byte) => byte ^ 0xff),
    0,
    bytesRead,
    at,
  );
  await file.close();
}

/**
 * Every file's name and bytes; what SQLite locks and maps is not state. Of a database that had to be opened to see that
 * the key is not its own, every row: opening takes in what a crash left in the log.
 */
async function contents(data: string, database: 'bytes' | 'rows'): Promise<Record<string, string>> {
  const found: Record<string, string> = {};
  if (database === 'rows') {
    await withCopy(data, (db) => {
      for (const table of db.prepare("SELECT name FROM sqlite_schema WHERE type = 'table' ORDER BY name").all()) {
        const name = String(table['name']);
        found[name] = JSON.stringify(db.prepare(`SELECT * FROM ${name}`).all());
      }
    });
  }
  for (const name of (await readdir(data)).sort()) {
    if (/-shm$|^owner\.lock/.test(name) || (database === 'rows' && name.startsWith('sallyport.db'))) continue;
    const about = await lstat(join(data, name));
    found[name] = about.isFile() ? (await readFile(join(data, name))).toString('base64') : 'no file';
  }
  return found;
}

/** One clear line, no set-up, and every byte as it was. */
async function assertRefuses(data: string, told: RegExp, database: 'bytes' | 'rows' = 'bytes'): Promise<void> {
  const before = await contents(data, database);
  const ended = await serve(data);
  assert.ok(ended.code === 69 || ended.code === 70, `${ended.code} ${ended.out} ${ended.err}`);
  assert.equal(ended.out, '', 'neither ready nor a setup link');
  const complaint = ended.err.split('\n').filter((line) => line.startsWith('sallyport: '));
  assert.equal(complaint.length, 1, ended.err);
  assert.match(complaint[0] ?? '', told);
  assert.doesNotMatch(ended.err, /\.ts:\d+/);
  assert.deepEqual(await contents(data, database), before, 'nothing is touched');
}

describe('F-16, F-30: state that was damaged while the server was down', () => {
  let kept: string;
  let data: string;
  before(async () => {
    const server = await startServer();
    await setUp(server);
    for (let count = 0; count < 20; count += 1) await signInBearer(server);
    // Struck down, so that what was written last is in the write-ahead log alone.
    await killed(server);
    kept = server.data;
    data = await temporaryFolder();
    assert.ok((await stat(join(kept, 'sallyport.db-wal'))).size > 100_000);
  });
  after(async () => {
    await rm(kept, { recursive: true, force: true });
    await rm(data, { recursive: true, force: true });
  });

  const at = (name: string): string => join(data, name);
  for (const [name, damage, told] of [
    ['the header of the log', () => flip(at('sallyport.db-wal'), 8), /sallyport\.db-wal is damaged/],
    ['the first frame of the log', () => flip(at('sallyport.db-wal'), 32 + 24 + 100), /sallyport\.db-wal is damaged/],
    [
      'a frame in the middle',
      () => flip(at('sallyport.db-wal'), 32 + 4120 * 12 + 24 + 9),
      /sallyport\.db-wal is damaged/,
    ],
    [
      'the head of a frame in the middle',
      () => flip(at('sallyport.db-wal'), 32 + 4120 * 12),
      /sallyport\.db-wal is damaged/,
    ],
    ['the database gone, its log there', () => rm(at('sallyport.db')), /sallyport\.db/],
    ['the database empty, its log there', () => truncate(at('sallyport.db'), 0), /sallyport\.db/],
    [
      'the database a folder',
      async () => {
        await rm(at('sallyport.db'));
        await mkdir(at('sallyport.db'));
      },
      /sallyport\.db is not a file/,
    ],
    [
      "the database another program's",
      async () => {
        for (const ending of ['', '-wal', '-shm']) await rm(at(`sallyport.db${ending}`));
        const other = new DatabaseSync(at('sallyport.db'));
        other.exec('CREATE TABLE bookmarks (id INTEGER PRIMARY KEY)');
        other.close();
      },
      /sallyport\.db is the database of another program/,
    ],
    [
      'the database and its log gone',
      async () => {
        for (const ending of ['', '-wal', '-shm']) await rm(at(`sallyport.db${ending}`));
      },
      /not a first run.*sallyport\.db is gone/,
    ],
    [
      'the database empty',
      async () => {
        for (const ending of ['-wal', '-shm']) await rm(at(`sallyport.db${ending}`));
        await truncate(at('sallyport.db'), 0);
      },
      /not a first run.*sallyport\.db is empty/,
    ],
    ['the root key with a flipped byte', () => flip(at('root.key'), 0), /root\.key cannot be used/],
    ['the root key empty', () => truncate(at('root.key'), 0), /root\.key cannot be used/],
    ['the root key cut short', () => truncate(at('root.key'), 30), /root\.key cannot be used/],
    ['the root key missing', () => rm(at('root.key')), /root\.key is missing/],
    [
      'the root key of another installation',
      () => writeFile(at('root.key'), `${Buffer.alloc(32, 9).toString('base64url')}\n`),
      /root\.key does not belong to this database/,
    ],
    [
      'a link in place of the root key',
      async () => {
        await rename(at('root.key'), at('moved.key'));
        await symlink(at('moved.key'), at('root.key'));
      },
      /root\.key cannot be used: it is a symbolic link/,
    ],
    [
      'a link to nowhere in place of the root key',
      async () => {
        await rm(at('root.key'));
        await symlink(at('nowhere'), at('root.key'));
      },
      /root\.key cannot be used: it is a symbolic link/,
    ],
    [
      'a folder in place of the lock',
      async () => {
        await rm(at('owner.lock'), { force: true });
        await mkdir(at('owner.lock'));
      },
      /owner\.lock is not a file/,
    ],
  ] as const) {
    it(`${name}: refuses to start`, async () => {
      await copyFolder(kept, data);
      await damage();
      await assertRefuses(
        data,
        told,
        name.includes('missing') || name.includes('another installation') ? 'rows' : 'bytes',
      );
    });
  }

  it('untouched, the same folder starts with all that was acknowledged', async () => {
    await copyFolder(kept, data);
    const server = await startServer({ data, standing: 'set-up' });
    assert.equal(server.setupCode, '');
    const got = await send(`${server.console}/api/auth/login-attempts`, {
      headers: { authorization: `Bearer ${await signInBearer(server)}` },
    });
    const [row] = got.json['attempts'] as { count: number }[];
    assert.equal(row?.count, 21);
    assert.equal(await server.end(), 0);
  });

  it('a log that a crash cut short, in its last group alone, is no damage', async () => {
    for (const cut of [1, 100, 4120, 4121]) {
      await copyFolder(kept, data);
      const { size } = await stat(at('sallyport.db-wal'));
      await truncate(at('sallyport.db-wal'), size - cut);
      const server = await startServer({ data, standing: 'set-up' });
      await signInBearer(server);
      assert.equal(await server.end(), 0);
    }
    await copyFolder(kept, data);
    const { size } = await stat(at('sallyport.db-wal'));
    await flip(at('sallyport.db-wal'), size - 64);
    const server = await startServer({ data, standing: 'set-up' });
    await signInBearer(server);
    assert.equal(await server.end(), 0);
  });
});

describe('F-30: keys that are lost while the server runs', () => {
  it('the server keeps the key it has; the next start refuses and makes none', async () => {
    const server = await startServer();
    try {
      await setUp(server);
      const token = await signInBearer(server);
      await writeFile(join(server.data, 'root.key'), `${Buffer.alloc(32, 9).toString('base64url')}\n`);
      assert.ok((await signInBearer(server)).length > 20);
      await rm(join(server.data, 'root.key'));
      const changed = await send(`${server.console}/api/auth/change-password`, {
        headers: { authorization: `Bearer ${token}` },
        body: { old_password: admin.password, new_password: 'orchard 19 follows the slow tram' },
      });
      assert.equal(changed.status, 200, changed.text);
      assert.equal(await server.end(), 0);
      await assertRefuses(server.data, /root\.key is missing/);
    } finally {
      await server.remove();
    }
  });
});

describe('F-31: modes and owners', () => {
  let server: RunningServer;
  let data: string;
  before(async () => {
    server = await startServer();
    await setUp(server);
    await server.end();
    ({ data } = server);
  });
  after(() => server.remove());

  const started = async (): Promise<string> => {
    const again = await startServer({ data, standing: 'set-up' });
    assert.equal(await again.end(), 0);
    return again.log();
  };
  const warnings = (log: string): string[] => log.split('\n').filter((line) => line.includes('"level":40'));

  it('as it should be, there is nothing to warn of', async () => {
    assert.deepEqual(warnings(await started()), []);
  });

  for (const [name, mode, wanted] of [
    ['sallyport.db', 0o664, 0o600],
    ['owner.lock', 0o666, 0o600],
    ['', 0o755, 0o700],
  ] as const) {
    it(`${name || 'the data folder'} open to others: a warning with its name, and closed to them`, async () => {
      const path = join(data, name);
      await chmod(path, mode);
      const told = warnings(await started());
      assert.equal(told.length, 1, told.join('\n'));
      assert.ok(told[0]?.includes(`${path.replace(/\/$/, '')} was open to others (mode ${mode.toString(8)})`), told[0]);
      assert.equal((await stat(path)).mode & 0o777, wanted);
    });
  }

  it('sallyport.toml that others may write or read: a warning with its name', async () => {
    const path = join(data, 'sallyport.toml');
    await writeFile(path, '[session.account]\nidle = "12h"\n');
    await chmod(path, 0o666);
    const told = warnings(await started());
    await rm(path);
    assert.equal(told.length, 1);
    assert.match(told[0] ?? '', /sallyport\.toml was open to others \(mode 666\)/);
  });

  for (const mode of [0o644, 0o640, 0o604, 0o620]) {
    it(`root.key with mode ${mode.toString(8)}: refuses`, async () => {
      await chmod(join(data, 'root.key'), mode);
      await assertRefuses(data, new RegExp(`root\\.key cannot be used: its mode is ${mode.toString(8)}`));
      await chmod(join(data, 'root.key'), 0o600);
    });
  }

  it('root.key of another user: refuses', { skip: asRoot }, async () => {
    await chown(join(data, 'root.key'), 65_534, 65_534);
    await assertRefuses(data, /root\.key cannot be used: it belongs to another user \(65534\)/);
    await chown(join(data, 'root.key'), 0, 0);
    assert.deepEqual(warnings(await started()), []);
  });

  it('the database and the folder of another user: a warning for each', { skip: asRoot }, async () => {
    for (const name of ['sallyport.db', '']) await chown(join(data, name), 65_534, 65_534);
    const told = warnings(await started());
    for (const name of ['sallyport.db', '']) await chown(join(data, name), 0, 0);
    assert.equal(told.length, 2, told.join('\n'));
    assert.ok(told.every((line) => line.includes('belongs to another user (65534)')));
  });

  it('the root key of a running server is not looked at again: a mode that was opened refuses at the next start', async () => {
    const again = await startServer({ data, standing: 'set-up' });
    await chmod(join(data, 'root.key'), 0o644);
    assert.ok((await signInBearer(again)).length > 20);
    assert.equal(await again.end(), 0);
    await assertRefuses(data, /mode is 644/);
    await chmod(join(data, 'root.key'), 0o600);
  });

  it('something in place of setup-code: a first start says so and ends; taken away, it starts', async () => {
    const fresh = await temporaryFolder();
    try {
      await mkdir(join(fresh, 'setup-code'));
      const ended = await serve(fresh);
      assert.equal(ended.code, 70, ended.err);
      assert.match(ended.err, /setup-code/);
      await rm(join(fresh, 'setup-code'), { recursive: true });
      // A link in its place is replaced, and what it points to stays as it was.
      await writeFile(join(fresh, 'elsewhere'), 'mine');
      await symlink(join(fresh, 'elsewhere'), join(fresh, 'setup-code'));
      const first = await startServer({ data: fresh });
      assert.equal(await readFile(join(fresh, 'elsewhere'), 'utf8'), 'mine');
      const about = await lstat(join(fresh, 'setup-code'));
      assert.ok(about.isFile());
      assert.equal(about.mode & 0o777, 0o600);
      assert.equal((await setUp(first)).status, 201);
      assert.equal(await first.end(), 0);
    } finally {
      await rm(fresh, { recursive: true, force: true });
    }
  });
});

describe('F-10: several instances at once on a first run', () => {
  it('one owns the folder, the others end with 69 and one line; one setup code works, once', async () => {
    for (let round = 0; round < 4; round += 1) {
      const data = await temporaryFolder();
      const ports = [0, 1, 2];
      const children = ports.map(() =>
        spawn(process.execPath, [entry, 'serve', '--data', data, '--listen', '127.0.0.1:0'], {
          stdio: ['ignore', 'pipe', 'pipe'],
        }),
      );
      const outcomes = await Promise.all(children.map(outcomeOf));
      const owners = outcomes.filter((each) => each.kind === 'ready');
      assert.equal(owners.length, 1, JSON.stringify(outcomes));
      for (const each of outcomes) {
        if (each.kind === 'ready') continue;
        assert.equal(each.code, 69, each.err);
        const lines = each.err.split('\n').filter((line) => line.startsWith('sallyport: '));
        assert.equal(lines.length, 1, each.err);
        assert.match(lines[0] ?? '', /owner\.lock is held by another process/);
      }
      const [owner] = owners;
      assert.ok(owner?.kind === 'ready');
      assert.equal((await readFile(join(data, 'setup-code'), 'utf8')).trim(), owner.code);
      const made = await Promise.all(
        ['one', 'two', 'three'].map((username) =>
          send(`${owner.console}/api/auth/setup`, {
            body: { setup_code: owner.code, username, password: admin.password },
          }),
        ),
      );
      assert.deepEqual(
        made.map((each) => each.status).sort((one, other) => one - other),
        [201, 403, 403],
      );
      const running = children.filter((child) => child.exitCode === null);
      const gone = Promise.all(running.map((child) => once(child, 'exit')));
      for (const child of running) child.kill('SIGTERM');
      await gone;
      await withCopy(data, (db) => {
        assert.equal(db.prepare('SELECT count(*) AS users FROM users').get()?.['users'], 1);
      });
      await rm(data, { recursive: true });
    }
  });
});

type StartOutcome =
  | { readonly kind: 'ready'; readonly console: string; readonly code: string }
  | { readonly kind: 'ended'; readonly code: number | null; readonly err: string };

function outcomeOf(child: ChildProcess): Promise<StartOutcome> {
  return new Promise((resolve) => {
    let out = '';
    let err = '';
    child.stderr?.on('data', (part: Buffer) => (err += part.toString()));
    child.stdout?.on('data', (part: Buffer) => {
      out += part.toString();
      const ready = /^sallyport ready on (\S+)\nsetup link: \S+#code=(\S+)\n/m.exec(out);
      if (ready === null) return;
      const console = (ready[1] ?? '').replace('localhost', '127.0.0.1');
      resolve({ kind: 'ready', console, code: decodeURIComponent(ready[2] ?? '') });
    });
    child.once('close', (code) => resolve({ kind: 'ended', code, err }));
  });
}

describe('F-24: a copy of the data folder', () => {
  it('made after a stop under load starts, with everybody signed in', async () => {
    const server = await startServer();
    const copy = await temporaryFolder();
    try {
      await setUp(server);
      const load = { over: false };
      const tokens: string[] = [];
      const loading = Promise.all(
        Array.from({ length: 8 }, async () => {
          while (!load.over) {
            const got = await send(`${server.console}/api/auth/login`, { body: admin }).catch(() => undefined);
            if (got === undefined) return;
            if (got.status === 200) tokens.push(String(got.json['token']));
          }
        }),
      );
      await new Promise((resolve) => setTimeout(resolve, 700));
      assert.equal(await server.end(), 0);
      load.over = true;
      await loading;
      await copyFolder(server.data, copy);
      // The original must not be in the way of its copy.
      await server.remove();
      const again = await startServer({ data: copy, standing: 'set-up' });
      assert.ok(tokens.length > 10);
      const lived = await Promise.all(
        tokens
          .slice(-90)
          .map((token) => send(`${again.console}/api/auth/status`, { headers: { authorization: `Bearer ${token}` } })),
      );
      assert.ok(lived.every((each) => each.json['authenticated'] === true));
      assert.equal(await again.end(), 0);
    } finally {
      await rm(copy, { recursive: true, force: true });
    }
  });
});

describe('F-37: places to listen', () => {
  it('a port in use, and an address this machine has not: 69 and a clear line; the folder stays startable', async () => {
    const other = createServer();
    await new Promise<void>((resolve) => other.listen(0, '127.0.0.1', resolve));
    const taken = other.address();
    assert.ok(taken !== null && typeof taken === 'object');
    const data = await temporaryFolder();
    try {
      const inUse = await runCommand(['serve', '--data', data, '--listen', `127.0.0.1:${taken.port}`]);
      assert.equal(inUse.code, 69, inUse.err);
      assert.ok(inUse.err.includes(`127.0.0.1:${taken.port}: something else listens there already`), inUse.err);
      const app = ['--upstream', 'http://127.0.0.1:9', '--app-listen', `127.0.0.1:${taken.port}`];
      const second = await serve(data, ...app);
      assert.equal(second.code, 69, second.err);
      const absent = ['--listen', '192.0.2.77:8420', '--tls', 'off', '--trusted-proxies', '192.0.2.1'];
      const nowhere = await runCommand(['serve', '--data', data, ...absent, '--public-url', 'https://auth.test']);
      assert.equal(nowhere.code, 69, nowhere.err);
      assert.match(nowhere.err, /192\.0\.2\.77:8420: this machine has no such address/);
      const server = await startServer({ data });
      assert.equal((await setUp(server)).status, 201);
      assert.equal(await server.end(), 0);
    } finally {
      await rm(data, { recursive: true, force: true });
      other.close();
    }
  });

  it('sockets that a crash left behind are taken over; a living one never', async () => {
    const folder = await temporaryFolder();
    const path = join(folder, 'console.sock');
    const startOn = (data: string): ChildProcess =>
      spawn(process.execPath, [entry, 'serve', '--data', data, '--listen', `unix:${path}`], {
        stdio: ['ignore', 'pipe', 'pipe'],
      });
    const ready = (child: ChildProcess): Promise<unknown> =>
      Promise.race([
        new Promise((resolve) =>
          child.stdout?.on('data', (part: Buffer) => (String(part).includes('sallyport ready on') ? resolve(0) : 0)),
        ),
        once(child, 'exit').then(([code]) => assert.fail(`ended with ${String(code)}`)),
      ]);
    const data = join(folder, 'data');
    try {
      const first = startOn(data);
      await ready(first);
      first.kill('SIGKILL');
      await once(first, 'exit');
      const left = await Promise.all([lstat(path), lstat(join(data, 'control.sock'))]);
      assert.ok(
        left.every((each) => each.isSocket()),
        'the crash left its sockets behind',
      );

      const second = startOn(data);
      await ready(second);
      assert.equal((await lstat(path)).mode & 0o777, 0o600);
      const code = await runCommand(['setup', '--new-code', '--data', data]);
      assert.equal(code.code, 0, code.err);

      const third = await runCommand(['serve', '--data', join(folder, 'other'), '--listen', `unix:${path}`]);
      assert.equal(third.code, 69);
      assert.match(third.err, /something else listens there already/);
      const still = await runCommand(['setup', '--new-code', '--data', data]);
      assert.equal(still.code, 0, 'the living one was not disturbed');
      const gone = once(second, 'exit');
      second.kill('SIGTERM');
      assert.deepEqual(await gone, [0, null]);
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});
