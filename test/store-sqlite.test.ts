/** The SQLite engine: the store's contract, and what only an engine with files, threads and a disk can get wrong. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  cpSync,
  existsSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  symlinkSync,
  truncateSync,
  writeFileSync,
} from 'node:fs';
import { join } from 'node:path';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { type SqliteOpening } from '../src/store/sqlite/open.ts';
import { startWriter } from '../src/store/sqlite/writer-line.ts';
import { type Store, StoreFault } from '../src/store/store.ts';
import type { UserId, Username } from '../src/types.ts';
import {
  attempt,
  audit,
  digestOf,
  idOf,
  initialise,
  later,
  type OpenedStore,
  opening,
  session,
  storeContract,
  user,
} from './store-contract.ts';
import { factorContract } from './store-contract-factors.ts';
import { keyContract } from './store-contract-keys.ts';
import { signedTicketContract } from './store-contract-signed-tickets.ts';
import { tokenContract } from './store-contract-tokens.ts';
import { writesContract } from './store-contract-writes.ts';
import {
  type Place,
  newPlace,
  placeFor,
  opened,
  filled,
  refused,
  modes,
  otherProcess,
  said,
} from './support/sqlite-place.ts';

const anyStore = async (): Promise<OpenedStore> => {
  const place = newPlace();
  const store = await opened(place);
  return {
    store,
    discard: async () => {
      await store.close();
      rmSync(place.folder, { recursive: true });
    },
  };
};
storeContract('sqlite', anyStore);
factorContract('sqlite', anyStore);
tokenContract('sqlite', anyStore);
signedTicketContract('sqlite', anyStore);
writesContract('sqlite', anyStore);
keyContract('sqlite', anyStore);

describe('sqlite: one owner', () => {
  test('whoever was at an idempotent request when the process ended is gone: a start knows that', async (context) => {
    const place = placeFor(context);
    const request = { owner: 'u_ada', fingerprint: digestOf('request'), holder: 'process-1', cap: 9 };
    const times = { at: later(0), leaseUntil: later(15_000), endsAt: later(99_000) };
    const begin = async (store: Store, name: string): Promise<string> =>
      (await store.beginIdempotent({ ...request, ...times, key: digestOf(name) })).kind;
    const before = await opened(place);
    await initialise(before);
    for (const name of ['answered', 'under-way']) assert.equal(await begin(before, name), 'begun');
    const { owner, holder } = request;
    const answer = { answer: '{}', sealed: '' };
    await before.keepAnswer({ owner, holder, key: digestOf('answered'), answer });
    await before.close();
    const store = await opened(place);
    assert.equal(await begin(store, 'under-way'), 'in-progress');
    await store.beginBoot('boot-2', later(1));
    await store.renewIdempotent({ holder, at: later(1), leaseUntil: later(20_000) });
    assert.deepEqual([await begin(store, 'under-way'), await begin(store, 'answered')], ['unknown', 'kept']);
    await store.close();
  });

  test('a second owner is refused in the same process, and may come after the first has closed', async (context) => {
    const place = placeFor(context);
    const store = await opened(place);
    await initialise(store);
    await refused(place, 'locked', /held by another process/);
    await refused(place, 'locked', /held by another process/);
    await store.close();
    await (await opened(place)).close();
  });

  test('a second owner is refused while another process lives, and may come when that was killed', async (context) => {
    const place = placeFor(context);
    const body = `
      const { store } = await openSqliteStore(place);
      await initialise(store);
      told('open');
      setInterval(() => store, 1000);`;
    const child = otherProcess(context, place, body);
    assert.equal(await said(child), 'open');
    await refused(place, 'locked', /held by another process/);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await opened(place);
    assert.equal((await store.installation()).kind, 'found');
    await store.close();
  });
});

describe('sqlite: files that cannot be believed', () => {
  /** Refused, and every byte as it was. */
  async function leftAlone(place: Place, kind: SqliteOpening['kind'], detail: RegExp): Promise<void> {
    const before = readFileSync(place.path);
    await refused(place, kind, detail);
    assert.ok(readFileSync(place.path).equals(before));
  }

  test('a damaged header', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const bytes = readFileSync(place.path);
    bytes.fill(0x58, 0, 16);
    writeFileSync(place.path, bytes);
    await leftAlone(place, 'damaged', /not a database/);
  });

  test('a damaged page anywhere, and a file cut short', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const whole = readFileSync(place.path);
    const pages = whole.length / 4096;
    assert.ok(pages > 20);
    for (let page = 1; page < pages; page += 1) {
      const bytes = Buffer.from(whole);
      bytes.fill(0xff, page * 4096, page * 4096 + 64);
      writeFileSync(place.path, bytes);
      await leftAlone(place, 'damaged', /damaged/);
    }
    writeFileSync(place.path, whole);
    truncateSync(place.path, whole.length - 4096);
    await leftAlone(place, 'damaged', /damaged/);
  });

  test('a row that points nowhere', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const db = new DatabaseSync(place.path, { enableForeignKeyConstraints: false });
    db.exec(`INSERT INTO recovery_codes (user_id, digest) VALUES ('u_nobody', 'd')`);
    db.close();
    await leftAlone(place, 'damaged', /point to rows that are gone/);
  });

  test('a text, and the database of another program', async (context) => {
    const place = placeFor(context);
    writeFileSync(place.path, 'This is not a database at all, but long enough to be looked at.\n'.repeat(100));
    await leftAlone(place, 'damaged', /not a database/);
    rmSync(place.path);
    const other = new DatabaseSync(place.path);
    other.exec('CREATE TABLE moz_cookies (id INTEGER PRIMARY KEY)');
    other.close();
    await leftAlone(place, 'unreadable', /another program/);
  });

  test('a write-ahead log whose database is gone', async (context) => {
    const place = placeFor(context);
    const store = await opened(place);
    await initialise(store);
    const copy = join(place.folder, 'copy');
    cpSync(`${place.path}-wal`, copy);
    await store.close();
    renameSync(copy, `${place.path}-wal`);
    rmSync(place.path);
    await refused(place, 'damaged', /write-ahead log/);
    assert.ok(!existsSync(place.path));
    assert.ok(statSync(`${place.path}-wal`).size > 0);
  });

  test('links, folders, and a lock file that is something else', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const real = join(place.folder, 'real.db');
    renameSync(place.path, real);
    symlinkSync(real, place.path);
    await refused(place, 'unreadable', /symbolic link/);
    await refused({ ...place, path: place.folder }, 'unreadable', /not a file/);
    await refused({ ...place, path: join(real, 'below.db') }, 'unreadable', /ENOTDIR/);
    await refused({ ...place, path: join(place.folder, 'missing', 'x.db') }, 'unreadable', /ENOENT/);
    await refused({ ...place, path: real, ownerPath: place.path }, 'unreadable', /symbolic link/);
    writeFileSync(join(place.folder, 'text'), 'no lock, but long enough to be looked at\n'.repeat(100));
    await refused({ ...place, path: real, ownerPath: join(place.folder, 'text') }, 'damaged', /not a database/);
    await (await opened({ ...place, path: real })).close();
  });

  test('a folder and a file that may not be written', async (context) => {
    const place = placeFor(context);
    await filled(place);
    rmSync(place.ownerPath, { force: true });
    chmodSync(place.path, 0o444);
    chmodSync(place.folder, 0o555);
    const elsewhere = placeFor(context);
    chmodSync(elsewhere.folder, 0o777);
    // To root every folder is open: the other process steps down first.
    const body = `
      if (process.geteuid() === 0) process.seteuid(65534);
      const own = await openSqliteStore(place);
      const ownerPath = ${JSON.stringify(elsewhere.ownerPath)};
      const file = await openSqliteStore({ ...place, ownerPath });
      const made = await openSqliteStore({ ...place, path: place.path + '.new', ownerPath });
      told([own, file, made].map(({ kind, detail }) => kind + ': ' + detail));`;
    const answers = (await said(otherProcess(context, place, body))) as string[];
    chmodSync(place.folder, 0o700);
    assert.match(String(answers[0]), /^unreadable: .*owner.*EACCES/);
    assert.match(String(answers[1]), /^unreadable: .*sallyport\.db/);
    assert.match(String(answers[2]), /^unreadable: .*\.new.*EACCES/);
  });
});

describe('sqlite: private files', () => {
  test('are for their owner only from the first byte, whatever the umask', async (context) => {
    for (const umask of ['0o000', '0o777']) {
      const place = placeFor(context);
      const body = `
        process.umask(${umask});
        const { store } = await openSqliteStore(place);
        await initialise(store);
        told('open');
        process.on('message', async () => { await store.close(); told('closed'); process.disconnect(); });`;
      const child = otherProcess(context, place, body);
      assert.equal(await said(child), 'open');
      const found = modes(place.folder);
      assert.ok(Object.keys(found).includes('sallyport.db-wal') && Object.keys(found).includes('sallyport.db-shm'));
      for (const [name, bits] of Object.entries(found)) assert.equal(bits, '600', name);
      child.send('close');
      assert.equal(await said(child), 'closed');
      for (const [name, bits] of Object.entries(modes(place.folder))) assert.equal(bits, '600', name);
      assert.ok(!existsSync(`${place.path}-wal`));
    }
  });

  test('that others could read are closed to them', async (context) => {
    const place = placeFor(context);
    await filled(place);
    chmodSync(place.path, 0o664);
    chmodSync(place.ownerPath, 0o644);
    const store = await opened(place);
    for (const [name, bits] of Object.entries(modes(place.folder))) assert.equal(bits, '600', name);
    await store.close();
  });
});

describe('sqlite: the writer', () => {
  test('dies: whoever waits is told, whoever comes later too, and nothing hangs', async () => {
    const lines = {
      ends: `import { parentPort } from 'node:worker_threads';
        parentPort.postMessage({ kind: 'open' }); parentPort.on('message', () => process.exit(0));`,
      throws: `import { parentPort } from 'node:worker_threads';
        parentPort.postMessage({ kind: 'open' }); parentPort.on('message', () => { throw new Error('broken'); });`,
    };
    for (const program of Object.values(lines)) {
      const started = await startWriter({
        path: 'unused',
        onChanges: () => assert.fail('nothing changed'),
        program: new URL(`data:text/javascript,${encodeURIComponent(program)}`),
      });
      if (started.kind !== 'started') assert.fail(started.detail);
      const { line } = started;
      const waiting = await Promise.allSettled(
        Array.from({ length: 250 }, () => line.write('recordAttempt', attempt())),
      );
      for (const outcome of waiting) assert.ok(outcome.status === 'rejected' && outcome.reason instanceof StoreFault);
      assert.equal(line.standing().kind, 'down');
      await assert.rejects(line.write('recordAttempt', attempt()), StoreFault);
      await line.close();
      await line.close();
    }
    const program = new URL(`data:text/javascript,${encodeURIComponent('throw new Error("never starts")')}`);
    assert.equal((await startWriter({ path: 'unused', onChanges: () => undefined, program })).kind, 'unreadable');
  });

  test('outlives a disk that refuses: nothing is reported done, reads go on, and it works again afterwards', async (context) => {
    const place = placeFor(context);
    const body = `
      const { store } = await openSqliteStore(place);
      await initialise(store);
      const changes = [];
      store.onChange((told) => changes.push(...told));
      const add = (name) => store.createUser(user('u_' + name, { username: name }), audit());
      const set = (name) => store.updateUser({ userId: 'u_' + name, patch: { groups: [] }, adminPrivilege: 'admin', audit: [audit()] });
      process.on('message', async (name) => {
        const before = changes.length;
        const outcomes = await Promise.allSettled([add(name), add(name + '2'), set('early')]);
        const found = await store.userById('u_' + name);
        told({
          outcomes: outcomes.map(({ status, reason }) => reason?.name ?? status),
          found: found.kind,
          ready: (await store.ready()).kind,
          changes: changes.length - before,
        });
      });
      await add('early');
      told('open');`;
    const child = otherProcess(context, place, body);
    assert.equal(await said(child), 'open');
    const limit = (size: string): unknown =>
      execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${size}:unlimited`]);
    const tell = async (name: string): Promise<unknown> => {
      child.send(name);
      return said(child);
    };
    const works = { outcomes: ['fulfilled', 'fulfilled', 'fulfilled'], found: 'found', ready: 'ready', changes: 1 };
    const fails = {
      outcomes: ['StoreFault', 'StoreFault', 'StoreFault'],
      found: 'unknown',
      ready: 'unready',
      changes: 0,
    };
    assert.deepEqual(await tell('one'), works);
    limit('0');
    assert.deepEqual(await tell('two'), fails);
    assert.deepEqual(await tell('three'), fails);
    limit('unlimited');
    assert.deepEqual(await tell('four'), works);
    assert.deepEqual(await tell('two'), works);
    child.kill('SIGKILL');
    await once(child, 'exit');
    const store = await opened(place);
    const kinds = await Promise.all(
      ['one', 'two', 'three', 'four'].map((name) => store.userById(`u_${name}` as UserId)),
    );
    assert.deepEqual(
      kinds.map((each) => each.kind),
      ['found', 'found', 'unknown', 'found'],
    );
    await store.close();
  });

  test('loses nothing that was acknowledged, however often the process is killed', async (context) => {
    const place = placeFor(context);
    const acknowledged: number[] = [];
    const body = `
      const opened = await openSqliteStore(place);
      if (opened.kind !== 'opened') throw new Error(opened.detail);
      const { store } = opened;
      const write = async (index) => {
        await store.createUser(user('u_' + index, { username: 'user' + index }), audit());
        told(index);
        await write(index + 16);
      };
      for (let index = first; index < first + 16; index += 1) void write(index);`;
    for (let round = 0; round < 20; round += 1) {
      const child = otherProcess(context, place, `const first = ${round * 1_000_000};\n${body}`);
      child.on('message', (index) => acknowledged.push(Number(index)));
      await said(child);
      await new Promise((resolve) => setTimeout(resolve, 3 + round * 5));
      child.kill('SIGKILL');
      await once(child, 'close');
    }
    assert.ok(acknowledged.length > 500, `${acknowledged.length} writes`);
    const store = await opened(place);
    for (const index of acknowledged)
      assert.equal((await store.userById(`u_${index}` as UserId)).kind, 'found', `u_${index}`);
    await store.close();
  });
});

describe('sqlite: rows', () => {
  test('the audit log is written in the same step as what it tells of, and only then', async (context) => {
    const place = placeFor(context);
    const store = await opened(place);
    await initialise(store);
    await store.createUser(user(), audit('user-created'));
    await store.createUser(user('u_other' as UserId, { username: 'ada' as Username }), audit('not-created'));
    await store.openSession(opening(session('one')));
    await store.openSession(opening(session('two', { credentialGeneration: 0 })));
    await assert.rejects(store.openSession(opening(session('three', { digest: digestOf('one') }))), StoreFault);
    await store.endSession({ id: idOf('none'), userId: user().id, audit: audit('not-ended') });
    const of = { id: idOf('one'), userId: user().id, digest: digestOf('one') };
    const wrong = { ...of, limit: 2, audit: audit('ended-by-failures') };
    await store.countReauthenticationFailure(wrong);
    await store.appendAudit(audit('appended'));
    await store.countReauthenticationFailure(wrong);
    await store.close();
    const db = new DatabaseSync(place.path);
    const events = db
      .prepare('SELECT event FROM audit ORDER BY id')
      .all()
      .map((row) => row['event']);
    db.close();
    assert.deepEqual(events, ['keys-made', 'user-created', 'signed-in', 'appended', 'ended-by-failures']);
  });

  // ST-07: stopped at every statement that writes, nothing is half done: what works once still works, and the chain has no gap.
  const first = {
    codeDigest: digestOf('code'),
    user: user(),
    recoveryCodes: [digestOf('recovery')],
    session: { session: session('one'), cap: 1 },
    network: { network: '203.0.113.7/32', at: later(0), cap: 1 },
    device: {
      digest: digestOf('device'),
      userId: user().id,
      createdAt: later(0),
      usedAt: later(0),
      expiresAt: later(9),
    },
    audit: audit('setup'),
    at: later(0),
  };
  for (const statement of [
    'INSERT ON users',
    'INSERT ON recovery_codes',
    'INSERT ON sessions',
    'INSERT ON devices',
    'INSERT ON known_networks',
    'DELETE ON setup_code',
    'UPDATE ON installation',
    'UPDATE ON change_counter',
    'INSERT ON changes',
    'INSERT ON audit',
    'UPDATE ON audit_head',
  ])
    test(`ST-07: a set-up stopped at ${statement} is none, and the code still works`, async (context) => {
      const place = placeFor(context);
      const filling = await opened(place);
      await initialise(filling);
      await filling.putSetupCode({
        digest: digestOf('code'),
        expiresAt: later(9),
        replacing: 'all',
        audit: audit('setup-code-made'),
      });
      const head = await filling.auditHead();
      await filling.close();
      const change = (sql: string): void => {
        const db = new DatabaseSync(place.path);
        db.exec(sql);
        db.close();
      };
      change(`CREATE TRIGGER stopped BEFORE ${statement} BEGIN SELECT RAISE(ABORT, 'stopped here'); END`);
      const stopped = await opened(place);
      await assert.rejects(stopped.createFirstAdmin(first), /stopped here/);
      assert.equal((await stopped.setupCode(digestOf('code'), later(1))).kind, 'valid');
      assert.equal((await stopped.userById(user().id)).kind, 'unknown');
      assert.deepEqual(await stopped.auditHead(), head);
      await stopped.close();
      change('DROP TRIGGER stopped');
      const again = await opened(place);
      assert.deepEqual(await again.createFirstAdmin(first), { kind: 'created' });
      assert.deepEqual(await again.createFirstAdmin(first), { kind: 'already-configured' });
      assert.equal((await again.auditHead()).number, head.number + 1);
      await again.close();
    });

  for (const statement of [
    'DELETE ON links',
    'UPDATE ON users',
    'DELETE ON sessions',
    'DELETE ON challenges',
    'DELETE ON recovery_codes',
    'INSERT ON recovery_codes',
    'INSERT ON sessions',
    'INSERT ON attempts',
    'INSERT ON notices',
    'INSERT ON changes',
    'INSERT ON audit',
  ])
    test(`ST-07: a link whose redemption stopped at ${statement} still works, and nothing is changed`, async (context) => {
      const place = placeFor(context);
      const redemption = {
        digest: digestOf('link'),
        at: later(1),
        sealedPassword: 'new',
        passwordLength: 'full',
        recoveryCodes: [digestOf('recovery')],
        session: { session: session('by-link'), cap: 9 },
        device: null,
        network: first.network,
        attempt: attempt({ way: 'link' }),
        audit: audit('password-set-by-link'),
        notice: { userId: user().id, kind: 'password-reset', at: later(1), address: '', detail: '' },
      } as const;
      const bound = { userId: user().id, credentialGeneration: 1, expiresAt: later(9) };
      const filling = await opened(place);
      await initialise(filling);
      await filling.createUser(user(), audit());
      // There before, so that whatever deletes has something to delete.
      await filling.openSession(opening(session('open')));
      await filling.putLink({ ...bound, digest: digestOf('before'), purpose: 'reset' }, audit());
      await filling.redeemLink({ ...redemption, digest: digestOf('before') });
      const now = { ...bound, credentialGeneration: 2 };
      await filling.putLink({ ...now, digest: digestOf('link'), purpose: 'reset' }, audit());
      const asked = {
        kind: 'account',
        transport: 'cookie',
        binding: null,
        address: attempt().address,
        from: 'owner',
      } as const;
      await filling.openChallenge({ ...now, ...asked, digest: digestOf('asked') }, 9);
      const standing = async (store: Store) => [
        await store.link(digestOf('link'), later(1)),
        await store.challenge(digestOf('asked'), later(1)),
        await store.userById(user().id),
        await store.sessionsOf(user().id, later(1)),
        await store.factorsOf(user().id),
        await store.notices(user().id),
        await store.auditHead(),
      ];
      const before = await standing(filling);
      await filling.close();
      const change = (sql: string): void => {
        const db = new DatabaseSync(place.path);
        db.exec(sql);
        db.close();
      };
      change(`CREATE TRIGGER stopped BEFORE ${statement} BEGIN SELECT RAISE(ABORT, 'stopped here'); END`);
      const next = { ...redemption, session: { session: session('next'), cap: 9 } };
      const stopped = await opened(place);
      await assert.rejects(stopped.redeemLink(next), /stopped here/);
      assert.deepEqual(await standing(stopped), before);
      await stopped.close();
      change('DROP TRIGGER stopped');
      const again = await opened(place);
      assert.equal((await again.redeemLink(next)).kind, 'redeemed');
      assert.equal((await again.redeemLink(next)).kind, 'invalid');
      await again.close();
    });

  test('the setup code is gone once it was used', async (context) => {
    const place = placeFor(context);
    const store = await opened(place);
    await initialise(store);
    await store.putSetupCode({
      digest: digestOf('code'),
      expiresAt: later(1),
      replacing: 'all',
      audit: audit('setup-code-made'),
    });
    const first = {
      codeDigest: digestOf('code'),
      user: user(),
      recoveryCodes: [],
      session: { session: session('one'), cap: 1 },
      network: { network: '203.0.113.7/32', at: later(0), cap: 1 },
    };
    await store.createFirstAdmin({ ...first, device: null, audit: audit(), at: later(0) });
    await store.close();
    const db = new DatabaseSync(place.path);
    assert.equal(db.prepare('SELECT * FROM setup_code').get(), undefined);
    db.close();
  });

  test('a sweep does a bounded amount, and keeps the newest 100 000 attempts', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const db = new DatabaseSync(place.path);
    db.exec(`
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 101499)
      INSERT INTO attempts (user_id, address, way, result, day, first_at, last_at, count) SELECT '', i, 'w', 'r', 0, ${later(0)} + i, ${later(0)} + i, 1 FROM n;
      WITH RECURSIVE n (i) AS (SELECT 0 UNION ALL SELECT i + 1 FROM n WHERE i < 1499)
      INSERT INTO claims (purpose, digest, expires_at) SELECT 'login-token', i, i FROM n;`);
    db.close();
    const count = (table: 'attempts' | 'claims'): number => {
      const reader = new DatabaseSync(place.path, { readOnly: true });
      const row = reader
        .prepare(table === 'claims' ? 'SELECT count(*) AS count FROM claims' : 'SELECT count(*) AS count FROM attempts')
        .get();
      reader.close();
      return Number(row?.['count']);
    };
    const store = await opened(place);
    await store.sweep(later(0));
    const [oldest] = (await store.attempts({ userId: null, limit: 1, before: later(1001) })).map((row) => row.lastAt);
    await store.sweep(later(0));
    await store.sweep(later(0));
    assert.equal(oldest, later(1000));
    assert.equal((await store.attempts({ userId: null, limit: 1, before: later(1501) })).length, 1);
    assert.equal((await store.attempts({ userId: null, limit: 1, before: later(1500) })).length, 0);
    await store.close();
    assert.equal(count('attempts'), 100_000);
    assert.equal(count('claims'), 0);
  });
});
