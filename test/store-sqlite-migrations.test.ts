/** The SQLite engine's schema as it grows: a copy first, whole or not at all, and nothing lost of what was there. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { chmodSync, existsSync, mkdirSync, readFileSync, rmSync } from 'node:fs';
import { DatabaseSync } from 'node:sqlite';
import { describe, test } from 'node:test';
import { linkHash } from '../src/store/audit-chain.ts';
import { shippedMigrations } from '../src/store/migrations.ts';
import { openSqliteStore } from '../src/store/sqlite/open.ts';
import type { UserId } from '../src/types.ts';
import { audit, digestOf } from './store-contract.ts';
import { creating, token, tokenId } from './store-contract-tokens.ts';
import { beginning } from './store-contract-writes.ts';
import { type Place, placeFor, opened, filled, refused, mode, otherProcess, said } from './support/sqlite-place.ts';

describe('sqlite: migrations', () => {
  const shipped = shippedMigrations('sqlite').length;
  const version = shipped + 1;
  const next = { version, sql: `ALTER TABLE users ADD COLUMN note TEXT; PRAGMA user_version = ${version};` };
  const copyName = `before-${String(version).padStart(4, '0')}`;
  const copyOf = (place: Place): string => `${place.path}.${copyName}`;

  test('copy a database with content before they run, and not an empty one', async (context) => {
    const place = placeFor(context);
    await filled(place);
    assert.ok(!existsSync(`${place.path}.before-0001`));
    const migrated = await openSqliteStore({ ...place, migrations: [...shippedMigrations('sqlite'), next] });
    assert.equal(migrated.kind, 'opened');
    if (migrated.kind === 'opened') {
      assert.equal((await migrated.store.userById('u_7' as UserId)).kind, 'found');
      await migrated.store.close();
    }
    assert.equal(mode(copyOf(place)), 0o600);
    assert.ok(!existsSync(`${copyOf(place)}.part`));
    await refused(
      place,
      'newer-schema',
      new RegExp(`newer version \\(schema ${version}, this one knows ${shipped}\\)`),
    );
    const copy = await opened({ ...place, path: copyOf(place) });
    assert.equal((await copy.userById('u_399' as UserId)).kind, 'found');
    await copy.close();
  });

  test('events from before the chain become its beginning, in their order, once', async (context) => {
    const place = placeFor(context);
    const [first] = shippedMigrations('sqlite');
    assert.ok(first);
    const old = new DatabaseSync(place.path);
    old.exec(first.sql);
    old.exec(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
      credential_generation, created_at) VALUES ('u_ada', 'ada', 'Ada', '', '[]', '[]', 1, 'x', 1, 0)`);
    const insert = old.prepare(
      "INSERT INTO audit (at, event, actor, address, way, target, result) VALUES (?, 'old', ?, '', 'host', '', 'ok')",
    );
    for (let index = 0; index < 2500; index += 1) insert.run(index, index % 2 === 0 ? 'u_ada' : '');
    old.close();
    chmodSync(place.path, 0o600);
    const store = await opened(place);
    await store.appendAudit(audit('new'));
    const head = await store.auditHead();
    assert.deepEqual([head.number, head.strays], [2501, 0]);
    const { events } = await store.auditPage({ chain: head.chain, after: 0, upTo: 2501, limit: 3000 });
    assert.deepEqual(
      events.map((row) => row.at as number),
      [...Array.from({ length: 2500 }, (_, index) => index), audit().at],
    );
    assert.deepEqual([events[0]?.actorName, events[1]?.actorName], ['ada', '']);
    let previous = '';
    for (const row of events) {
      assert.equal(row.hash, linkHash(head.chain, previous, row));
      previous = row.hash;
    }
    await store.close();
    // Events that an older version writes from now on stay outside the chain.
    const again = new DatabaseSync(place.path);
    again.exec(
      "INSERT INTO audit (at, event, actor, address, way, target, result) VALUES (1, 'x', '', '', '', '', '')",
    );
    again.close();
    const later = await opened(place);
    assert.deepEqual([(await later.auditHead()).number, (await later.auditHead()).strays], [2501, 1]);
    await later.close();
  });

  test('accounts from before second factors have none; the version before still writes its own', async (context) => {
    const place = placeFor(context);
    const old = new DatabaseSync(place.path);
    for (const { sql } of shippedMigrations('sqlite').slice(0, 3)) old.exec(sql);
    const write = (db: DatabaseSync, name: string): void =>
      db.exec(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
        credential_generation, created_at) VALUES ('u_${name}', '${name}', '${name}', '', '[]', '[]', 1, 'x', 1, 0)`);
    write(old, 'ada');
    old.close();
    chmodSync(place.path, 0o600);
    await (await opened(place)).close();
    const between = new DatabaseSync(place.path);
    write(between, 'bob');
    between.close();
    const store = await opened(place);
    for (const id of ['u_ada', 'u_bob'] as UserId[]) {
      const lookup = await store.userById(id);
      assert.ok(lookup.kind === 'found');
      const { sealedTotp, passkeys, passwordLength, passwordStanding } = lookup.user;
      assert.deepEqual([sealedTotp, passkeys, passwordLength, passwordStanding], ['', 0, 'full', 'own']);
      const failures = { strangersFailures: 0, knownNetworkFailures: 0 };
      const none = { totpAddedAt: null, ...failures, passkeys: [], recoveryCodes: 0 };
      assert.deepEqual(await store.factorsOf(id), none);
    }
    await store.close();
  });

  test('tokens come to a database from before them; the version before still takes them along with their owner', async (context) => {
    const place = placeFor(context);
    const old = new DatabaseSync(place.path);
    for (const { sql } of shippedMigrations('sqlite').slice(0, 4)) old.exec(sql);
    old.exec(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
      credential_generation, created_at) VALUES ('u_ada', 'ada', 'Ada', '', '[]', '[]', 1, 'x', 1, 0)`);
    old.close();
    chmodSync(place.path, 0o600);
    const store = await opened(place);
    assert.deepEqual(await store.tokens({ userId: null, before: null, limit: 9 }), []);
    assert.deepEqual(await store.createToken(creating(token('one'), { fromGeneration: 1 })), { kind: 'created' });
    assert.equal((await store.tokenByDigest(digestOf('one'))).kind, 'found');
    await store.close();
    const between = new DatabaseSync(place.path);
    between.exec("DELETE FROM users WHERE id = 'u_ada'");
    between.close();
    const again = await opened(place);
    assert.deepEqual(await again.tokenById(tokenId('one')), { kind: 'unknown' });
    await again.close();
  });

  test('requests come to a database from before them; those the version before leaves behind end by themselves', async (context) => {
    const place = placeFor(context);
    const old = new DatabaseSync(place.path);
    for (const { sql } of shippedMigrations('sqlite').slice(0, 5)) old.exec(sql);
    old.exec(`INSERT INTO users (id, username, display_name, email, privileges, groups, active, sealed_password,
      credential_generation, created_at) VALUES ('u_ada', 'ada', 'Ada', '', '[]', '[]', 1, 'x', 1, 0)`);
    old.close();
    chmodSync(place.path, 0o600);
    const store = await opened(place);
    assert.deepEqual(await store.beginIdempotent(beginning()), { kind: 'begun' });
    await store.close();
    const between = new DatabaseSync(place.path);
    between.exec("DELETE FROM users WHERE id = 'u_ada'");
    between.close();
    const again = await opened(place);
    assert.deepEqual(await again.beginIdempotent(beginning()), { kind: 'in-progress' });
    await again.sweep(beginning().endsAt);
    assert.deepEqual(await again.beginIdempotent(beginning()), { kind: 'begun' });
    await again.close();
  });

  test('do not run when the copy before them cannot be made: the database stays as it is, and is named', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const before = readFileSync(place.path);
    const migrations = [...shippedMigrations('sqlite'), next];
    const inTheWay = async (path: string): Promise<void> => {
      mkdirSync(path);
      const opening = await openSqliteStore({ ...place, migrations });
      if (opening.kind === 'opened') await opening.store.close();
      assert.equal(opening.kind, 'unreadable');
      assert.match(
        opening.kind === 'unreadable' ? opening.detail : '',
        new RegExp(`the copy could not be made: .*${copyName}`),
      );
      rmSync(path, { recursive: true });
      assert.ok(!existsSync(`${copyOf(place)}.part`), 'half a copy does not stay');
      assert.ok(readFileSync(place.path).equals(before), 'nothing was changed');
    };
    await inTheWay(copyOf(place));
    await inTheWay(`${copyOf(place)}.part`);
    // No room for it: the database itself would still fit.
    const body = `
      process.on('SIGXFSZ', () => undefined);
      const migrations = [...place.migrations, { version: ${version}, sql: ${JSON.stringify(next.sql)} }];
      const { kind, detail } = await openSqliteStore({ ...place, migrations });
      told(kind + ': ' + detail);`;
    const child = otherProcess(context, place, body);
    execFileSync('prlimit', ['--pid', String(child.pid), `--fsize=${before.length - 8192}`]);
    assert.match(String(await said(child)), /^unreadable: .*the copy could not be made/);
    assert.ok(readFileSync(place.path).equals(before));
    assert.ok(!existsSync(copyOf(place)) && !existsSync(`${copyOf(place)}.part`));
    // Nothing in the way any more: it runs.
    const migrated = await openSqliteStore({ ...place, migrations });
    assert.equal(migrated.kind, 'opened');
    if (migrated.kind === 'opened') await migrated.store.close();
    assert.ok(existsSync(copyOf(place)));
  });

  test('happen whole or not at all', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const broken = {
      version,
      sql: `ALTER TABLE users ADD COLUMN note TEXT; INSERT INTO nowhere VALUES (1); PRAGMA user_version = ${version};`,
    };
    const dangling = {
      version,
      sql: `INSERT INTO recovery_codes (user_id, digest) VALUES ('u_nobody', 'd'); PRAGMA user_version = ${version};`,
    };
    const unnumbered = { version, sql: 'ALTER TABLE users ADD COLUMN note TEXT;' };
    for (const bad of [broken, dangling, unnumbered]) {
      const opening = await openSqliteStore({ ...place, migrations: [...shippedMigrations('sqlite'), bad] });
      assert.equal(opening.kind, 'unreadable');
    }
    const store = await opened(place);
    assert.equal((await store.userById('u_0' as UserId)).kind, 'found');
    await store.close();
  });

  test('a newer schema is refused and left as it was', async (context) => {
    const place = placeFor(context);
    await filled(place);
    const db = new DatabaseSync(place.path);
    db.exec('PRAGMA journal_mode = DELETE; PRAGMA user_version = 9');
    db.close();
    const before = readFileSync(place.path);
    await refused(place, 'newer-schema', /schema 9/);
    assert.ok(readFileSync(place.path).equals(before));
  });
});
