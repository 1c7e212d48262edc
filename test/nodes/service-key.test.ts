/**
 * One service key on all nodes (3-rules, Service key; security.md B-08): the same from the first second on, each node with a file
 * of its own, and one that was replaced at one node is dead at the other within the bounds of What ends what.
 */
import assert from 'node:assert/strict';
import { readFileSync, statSync } from 'node:fs';
import { after, before, describe, it } from 'node:test';
import { withoutPackages } from '../support/debian.ts';
import { setUp } from '../support/people.ts';
import { sharedPostgres } from '../support/postgres.ts';
import { type RunningServer, runCommand } from '../support/server.ts';
import { heldIn, serviceKeyFileOf, statusesOf, statusOfUserKey, userKeyAt, usersBy } from '../support/service-key.ts';
import { startValkey, type TestValkey } from '../support/valkey.ts';
import { pause } from '../support/waiting.ts';
import { type NodesStage, stageNodes } from './stage.ts';

/** Bounds of 3-rules, What ends what. */
const boundMs = 250;
const withoutNewsMs = 5000;

for (const beside of ['the database alone', 'Valkey'] as const) {
  describe(`the service key of two nodes with ${beside}`, { skip: withoutPackages }, () => {
    let valkey: TestValkey | undefined;
    let stage: NodesStage;
    let one: RunningServer;
    let two: RunningServer;
    before(async () => {
      valkey = beside === 'Valkey' ? await startValkey() : undefined;
      stage = await stageNodes(await sharedPostgres(), valkey === undefined ? {} : { SALLYPORT_VALKEY: valkey.url });
      // In the same second, over nothing.
      [one, two] = await Promise.all([stage.start(), stage.start()]);
      await setUp(one);
      await pause(250);
    });
    after(async () => {
      await stage.close();
      await valkey?.remove();
    });

    const fileOf = (node: RunningServer): string => serviceKeyFileOf(node.data);
    const command = async (node: RunningServer, ...words: readonly string[]): Promise<string> => {
      const ran = await runCommand(['key', ...words, '--data', node.data], stage.env);
      assert.equal(ran.code, 0, ran.err);
      return ran.out;
    };
    /** Read by nobody's request: the file is all that is looked at. */
    const fileFollows = async (node: RunningServer, from: string, withinMs: number): Promise<number> => {
      const began = performance.now();
      while (readFileSync(fileOf(node), 'utf8') === from) {
        assert.ok(performance.now() - began < withinMs, `the file still holds the old key after ${withinMs} ms`);
        await pause(5);
      }
      return performance.now() - began;
    };

    it('both started in the same second, and agree on one key; each has a file of its own', async () => {
      const [key, same] = [heldIn(fileOf(one)), heldIn(fileOf(two))];
      assert.equal(key, same);
      assert.notEqual(statSync(fileOf(one)).ino, statSync(fileOf(two)).ino);
      for (const node of [one, two]) assert.deepEqual(await statusesOf(node, key), [200]);
      const lines = (await command(two, 'list')).match(/ service /g);
      assert.equal(lines?.length, 1);
    });

    it('replaced at one: dead there at once, at the other in time, and its file follows without anybody asking it', async (t) => {
      for (const [here, there] of [
        [one, two],
        [two, one],
      ] as const) {
        const old = heldIn(fileOf(here));
        const userKey = await userKeyAt(there);
        for (const node of [here, there]) {
          assert.deepEqual(await statusesOf(node, old), [200]);
          assert.equal(await statusOfUserKey(node, userKey), 200);
        }
        await command(here, 'rotate', 'service');
        assert.deepEqual(await statusesOf(here, old, heldIn(fileOf(here))), [401, 200]);
        t.diagnostic(`followed after ${Math.round(await fileFollows(there, old, boundMs))} ms`);
        assert.deepEqual(await statusesOf(there, old, heldIn(fileOf(there))), [401, 200]);
        assert.equal(heldIn(fileOf(there)), heldIn(fileOf(here)));
        for (const node of [here, there]) assert.equal(await statusOfUserKey(node, userKey, '127.97.1.1'), 401);
        const again = await userKeyAt(here);
        assert.notEqual(again, userKey);
        for (const node of [here, there]) assert.equal(await statusOfUserKey(node, again), 200);
      }
    });

    it('under load at the other node, the old one is refused within the bound and never let in again', async () => {
      const old = heldIn(fileOf(two));
      const over = new AbortController();
      const answers: { readonly at: number; readonly status: number }[] = [];
      const loads = Array.from({ length: 4 }, async () => {
        while (!over.signal.aborted) {
          const { status } = await usersBy(two, old, '127.96.0.1');
          answers.push({ at: performance.now(), status });
        }
      });
      await pause(200);
      await command(one, 'rotate', 'service');
      const replaced = performance.now();
      await pause(boundMs + 300);
      over.abort();
      await Promise.all(loads);
      const late = answers.filter(({ at, status }) => at > replaced + boundMs && status === 200);
      assert.deepEqual(late, []);
      const firstRefusal = answers.find(({ status }) => status === 401)?.at ?? Infinity;
      // Those under way when it was refused first may be told the old answer a moment later.
      assert.deepEqual(
        answers.filter(({ at, status }) => at > firstRefusal + 100 && status === 200),
        [],
      );
    });

    it('replaced at both at once, many times: both go on with the same one', async () => {
      await Promise.all([one, two, one, two, one, two].map((node) => command(node, 'rotate', 'service')));
      await pause(boundMs);
      const key = heldIn(fileOf(one));
      assert.equal(heldIn(fileOf(two)), key);
      for (const node of [one, two]) assert.deepEqual(await statusesOf(node, key), [200]);
    });

    it('replaced by a command beside no node: those that run hear of it as well', async () => {
      assert.equal(await two.end(), 0);
      const old = heldIn(fileOf(one));
      await command(two, 'rotate', 'service');
      await fileFollows(one, old, boundMs);
      assert.deepEqual(await statusesOf(one, old, heldIn(fileOf(one))), [401, 200]);
      assert.equal(heldIn(fileOf(two)), heldIn(fileOf(one)));
      two = await stage.start({ data: two.data });
    });

    it('replaced without any news: both hear of it with the next reading, and their files follow', async () => {
      const { name } = stage.database;
      const postgres = await sharedPostgres();
      const old = heldIn(fileOf(one));
      const [row] = await postgres.sql("SELECT id, sealed, created_at FROM keys WHERE purpose = 'service'", name);
      await command(one, 'rotate', 'service');
      await fileFollows(two, old, boundMs);
      const next = heldIn(fileOf(one));
      // As whoever puts it back behind everybody's back, but for the note that something has changed.
      await postgres.sql(
        `UPDATE keys SET id = '${String(row?.['id'])}', sealed = '${String(row?.['sealed'])}' WHERE purpose = 'service';
         WITH counted AS (UPDATE change_counter SET seq = seq + 1 RETURNING seq)
         INSERT INTO changes (seq, kind, subject) SELECT seq, 'installation', '' FROM counted`,
        name,
      );
      for (const node of [one, two]) {
        await fileFollows(node, next, withoutNewsMs);
        assert.deepEqual(await statusesOf(node, next, old), [401, 200]);
      }
    });

    it('with service-key-renew: a node that joins renews nothing; a start of the installation does', async () => {
      const args = ['--service-key-renew', 'true'];
      const held = heldIn(fileOf(one));
      assert.equal(await two.end(), 0);
      two = await stage.start({ data: two.data, args });
      assert.equal(heldIn(fileOf(two)), held);
      assert.equal(await one.end(), 0);
      one = await stage.start({ data: one.data, args });
      for (const node of [one, two]) {
        assert.equal(heldIn(fileOf(node)), held);
        assert.deepEqual(await statusesOf(node, held), [200]);
      }
      assert.deepEqual(await Promise.all([one.end(), two.end()]), [0, 0]);
      [one, two] = await Promise.all([stage.start({ data: one.data, args }), stage.start({ data: two.data, args })]);
      await pause(boundMs);
      const renewed = heldIn(fileOf(one));
      assert.notEqual(renewed, held);
      assert.equal(heldIn(fileOf(two)), renewed);
      for (const node of [one, two]) assert.deepEqual(await statusesOf(node, held, renewed), [401, 200]);
    });
  });
}
