/** Two nodes are one system (1-product, BY4, BY9): what one does the other knows, and nobody starts a second one by mistake. */
import assert from 'node:assert/strict';
import { existsSync } from 'node:fs';
import { copyFile, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { after, before, describe, it } from 'node:test';
import { send } from '../support/client.ts';
import { withoutPackages } from '../support/debian.ts';
import { admin, setUp, signIn, signInBearer, wrongPassword, wrongPasswordNo } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { assertProblem } from '../support/problem.ts';
import { type RunningServer, runCommand, temporaryFolder } from '../support/server.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause } from '../support/waiting.ts';
import { bearer, type NodesStage, sessionAt, stageNodes } from './stage.ts';

/** Bounds of 3-rules, What ends what. */
const withBusMs = 250;

for (const beside of ['the database alone', 'Valkey'] as const) {
  describe(`two nodes with ${beside}`, { skip: withoutPackages }, () => {
    let valkey: TestValkey | undefined;
    let stage: NodesStage;
    let one: RunningServer;
    let two: RunningServer;
    before(async () => {
      valkey = beside === 'Valkey' ? await startValkey() : undefined;
      stage = await stageNodes(await sharedPostgres(), valkey === undefined ? {} : { SALLYPORT_VALKEY: valkey.url });
      // In the same second, over nothing: schema, installation, keys and codes are made once.
      [one, two] = await Promise.all([stage.start(), stage.start()]);
    });
    after(async () => {
      await stage.close();
      await valkey?.remove();
    });

    it('each prints a code that works, until somebody is set up at one of them', async () => {
      assert.notEqual(one.setupCode, two.setupCode);
      assertProblem(
        await send(`${one.console}/api/auth/setup`, { body: { ...admin, setup_code: 'AAAA-BBBB-CCCC-DDDD' } }),
        403,
        'setup_code_invalid',
      );
      const [first, second] = await Promise.all(
        [one, two].map((node) =>
          send(`${node.console}/api/auth/setup`, { body: { ...admin, setup_code: two.setupCode } }),
        ),
      );
      assert.deepEqual(new Set([first?.status, second?.status]), new Set([201, 403]));
      await pause(withBusMs);
      for (const node of [one, two]) {
        assert.equal((await send(`${node.console}/api/auth/status`)).json['auth_configured'], true);
        assertProblem(
          await send(`${node.console}/api/auth/setup`, { body: { ...admin, setup_code: node.setupCode } }),
          403,
          'already_configured',
        );
        // The file of the code goes with it, also where somebody else used another one.
        for (let tried = 0; tried < 100 && existsSync(join(node.data, 'setup-code')); tried += 1) await pause(20);
        assert.equal(existsSync(join(node.data, 'setup-code')), false);
      }
    });

    it('a session made at one is good at the other, and its end is felt there', async () => {
      const token = await signInBearer(one);
      for (const node of [two, one, two]) assert.equal((await sessionAt(node, token)).status, 200);
      const ended = await send(`${one.console}/api/auth/logout`, { method: 'POST', headers: bearer(token) });
      assert.equal(ended.status, 200);
      assert.equal((await sessionAt(one, token)).status, 401);
      await pause(withBusMs);
      assert.equal((await sessionAt(two, token)).status, 401);
    });

    it('a new password at one ends the sessions that the other has in memory', async () => {
      const keeping = await signIn(one);
      const others = await Promise.all([signInBearer(one), signInBearer(two), signInBearer(two, { kind: 'admin' })]);
      for (const token of others)
        for (const node of [one, two]) assert.equal((await sessionAt(node, token)).status, 200);
      const password = 'another violet anchor morning';
      assert.equal(
        (
          await keeping.page('/api/auth/change-password', {
            body: { current_password: admin.password, new_password: password },
          })
        ).status,
        200,
      );
      await pause(withBusMs);
      for (const token of others)
        for (const node of [two, one]) assert.equal((await sessionAt(node, token)).status, 401);
      assert.equal((await keeping.page('/api/auth/sessions')).status, 200);
      await signInBearer(two, { password });
      const back = await keeping.page('/api/auth/change-password', {
        body: { current_password: password, new_password: admin.password },
      });
      assert.equal(back.status, 200, back.text);
      await pause(withBusMs);
    });

    it('an admin session is listed, ended and counted wherever it was made', async () => {
      const root = await signInBearer(one, { kind: 'admin' });
      const listed = await sessionAt(two, root);
      const kinds = (listed.json['sessions'] as { kind: string; id: string; current: boolean }[]).filter(
        ({ current }) => current,
      );
      assert.deepEqual(
        kinds.map(({ kind }) => kind),
        ['admin'],
      );
      const other = await signInBearer(two);
      const id = encodeURIComponent(kinds[0]?.id ?? '');
      const gone = await send(`${two.console}/api/auth/sessions/${id}`, { method: 'DELETE', headers: bearer(other) });
      assert.equal(gone.status, 200, gone.text);
      await pause(withBusMs);
      for (const node of [one, two]) assert.equal((await sessionAt(node, root)).status, 401);
    });

    it('five wrong re-authentications in a row end a session, at whichever node they are tried', async () => {
      const root = await signInBearer(one, { kind: 'admin' });
      const wrong = (at: number) =>
        send(`${[one, two][at % 2]?.console}/api/auth/reauthenticate`, {
          headers: bearer(root),
          body: { password: wrongPasswordNo(at) },
        });
      for (let at = 0; at < 5; at += 1) assertProblem(await wrong(at), 403, 'reauthentication_failed');
      await pause(withBusMs);
      for (const node of [one, two]) assert.equal((await sessionAt(node, root)).status, 401);
    });

    it('a rolling restart keeps everybody in; a restart of all ends admin sessions', async () => {
      const durable = await signInBearer(one);
      const root = await signInBearer(two, { kind: 'admin' });
      assert.equal(await one.end(), 0);
      one = await stage.start({ data: one.data });
      for (const token of [durable, root])
        for (const node of [one, two]) assert.equal((await sessionAt(node, token)).status, 200);
      assert.equal(await two.end(), 0);
      two = await stage.start({ data: two.data });
      for (const token of [durable, root])
        for (const node of [one, two]) assert.equal((await sessionAt(node, token)).status, 200);
      assert.deepEqual(await Promise.all([one.end(), two.end()]), [0, 0]);
      one = await stage.start({ data: one.data });
      two = await stage.start({ data: two.data });
      for (const node of [one, two]) {
        assert.equal((await sessionAt(node, durable)).status, 200);
        assert.equal((await sessionAt(node, root)).status, 401);
      }
    });

    it('each writes an audit chain of its own; a change to one is named, and the other is still whole', async () => {
      const verify = (data: string) => runCommand(['audit', 'verify', '--data', data], stage.env);
      const whole = await verify(one.data);
      assert.equal(whole.code, 0, whole.err);
      const chains = [...whole.out.matchAll(/^chain (\S+) is whole: [1-9]/gm)].map(([, chain]) => chain ?? '');
      const names = await Promise.all(
        [one, two].map(async ({ data }) => (await readFile(join(data, 'node'), 'utf8')).trim()),
      );
      assert.deepEqual(chains.toSorted(), names.toSorted());
      const exported = await runCommand(['audit', 'export', '--data', one.data], stage.env);
      const file = join(one.data, 'export.ndjson');
      await writeFile(file, exported.out);
      assert.equal((await runCommand(['audit', 'verify', file])).code, 0);
      const at = exported.out.lastIndexOf('"result":"ok"');
      await writeFile(file, `${exported.out.slice(0, at)}"result":"no"${exported.out.slice(at + 13)}`);
      const tampered = await runCommand(['audit', 'verify', file]);
      assert.equal(tampered.code, 1);
      assert.match(tampered.err, new RegExp(`broken at line \\d+: .*\\(chain ${chains.at(-1)}\\)`));
      const postgres = await sharedPostgres();
      const [row] = await postgres.sql(
        `SELECT max(number) - 1 AS number FROM audit WHERE chain = '${names[1]}'`,
        stage.database.name,
      );
      await postgres.sql(
        `UPDATE audit SET address = 'x' WHERE chain = '${names[1]}' AND number = ${String(row?.['number'])}`,
        stage.database.name,
      );
      const broken = await verify(two.data);
      assert.equal(broken.code, 1);
      assert.match(broken.err, new RegExp(`broken at line ${String(row?.['number'])}: .*\\(chain ${names[1]}\\)`));
    });

    it('what is lifted at one no longer keeps anybody out at the other', async () => {
      const from = '127.44.0.1';
      const wrong = (node: RunningServer, at: number) =>
        send(`${node.console}/api/auth/login`, { body: { ...admin, password: wrongPasswordNo(900 + at) }, from });
      for (let at = 0; at < 12; at += 1) await wrong(two, at);
      assertProblem(await wrong(two, 50), 429, 'rate_limited');
      const root = bearer(await signInBearer(one, { kind: 'admin' }));
      const listed = await send(`${one.console}/api/auth/blocks`, { headers: root });
      assert.ok(
        (listed.json['blocks'] as { network: string | null }[]).some(({ network }) => network === `${from}/32`),
        listed.text,
      );
      const lifted = await send(`${one.console}/api/auth/blocks`, {
        method: 'DELETE',
        headers: root,
        body: { address: from },
      });
      assert.equal(lifted.status, 200, lifted.text);
      await pause(withBusMs);
      assert.equal((await wrong(two, 51)).status, 401);
    });
  });
}

describe('who may join', { skip: withoutPackages }, () => {
  let stage: NodesStage;
  let one: RunningServer;
  before(async () => {
    stage = await stageNodes(await sharedPostgres());
    one = await stage.start();
    await setUp(one);
  });
  after(() => stage.close());
  const refused = async (options: Parameters<NodesStage['start']>[0], why: RegExp): Promise<void> => {
    await assert.rejects(stage.start(options), why);
  };

  it('nobody without the root key, or with another one', async () => {
    const folder = await temporaryFolder();
    await refused(
      { env: { SALLYPORT_ROOT_KEY_FILE: join(folder, 'none.key') } },
      /ended with 70.*root key .*is missing.*copy it from another node/s,
    );
    const other = join(folder, 'other.key');
    await writeFile(other, `${Buffer.alloc(32, 7).toString('base64url')}\n`, { mode: 0o600 });
    await refused({ env: { SALLYPORT_ROOT_KEY_FILE: other } }, /ended with 70.*does not belong to this database/s);
  });

  it('no second server in one folder', async () => {
    await refused({ data: one.data }, /ended with 69.*held by another process/s);
  });

  it('a node whose database is empty or another one makes no new installation', async () => {
    const data = await temporaryFolder();
    const node = await stage.start({ data });
    assert.equal(await node.end(), 0);
    const postgres = await sharedPostgres();
    const empty = await postgres.createDatabase();
    await refused(
      { data, env: { SALLYPORT_DATABASE: empty.url } },
      /ended with 70.*database is empty, and this node belongs to/s,
    );
    // The key alone says nothing: it may have been handed out before the first start.
    const handedOut = await stage.start({ env: { SALLYPORT_DATABASE: empty.url } });
    assert.notEqual(handedOut.setupCode, '');
    assert.equal(await handedOut.end(), 0);
    await refused({ data, env: { SALLYPORT_DATABASE: empty.url } }, /ended with 70.*holds installation .* belongs to/s);
    const back = await stage.start({ data });
    await signInBearer(back);
  });

  it('a database of another program is left alone, and so is one of a newer version', async () => {
    const postgres = await sharedPostgres();
    const other = await postgres.createDatabase();
    await postgres.sql('CREATE TABLE users (id int)', other.name);
    await refused({ env: { SALLYPORT_DATABASE: other.url } }, /ended with 70.*tables of another program/s);
    assert.equal(
      (await postgres.sql(`SELECT 1 FROM pg_tables WHERE tablename = 'sallyport_schema'`, other.name)).length,
      0,
    );
    await postgres.sql('INSERT INTO sallyport_schema (version) VALUES (999)', stage.database.name);
    await refused({}, /ended with 70.*newer version/s);
    await postgres.sql('DELETE FROM sallyport_schema WHERE version = 999', stage.database.name);
  });

  it('a node that lost the mark of its name gets another, and is one more chain', async () => {
    const data = await temporaryFolder();
    await copyFile(join(one.data, 'installation'), join(data, 'installation'));
    await writeFile(join(data, 'node'), 'not a name!\n');
    await refused({ data }, /ended with 70.*does not hold a name/s);
    assertProblem(
      await send(`${one.console}/api/auth/login`, { body: { ...admin, password: wrongPassword } }),
      401,
      'invalid_credentials',
    );
  });
});
