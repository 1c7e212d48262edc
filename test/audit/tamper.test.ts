/**
 * Whoever changes the audit log of a stopped server is found out, and the first bad line is named: each row position, each
 * column; removed, changed, inserted, moved, cut off at either end, computed anew, signed anew.
 */
import assert from 'node:assert/strict';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import type { DatabaseSync } from 'node:sqlite';
import { after, before, describe, it } from 'node:test';
import type { Keyring } from '../../src/crypto/keyring.ts';
import { parseCheckpoint } from '../../src/record/checkpoint.ts';
import type { AuditCheckpoint } from '../../src/store/rows.ts';
import type { Millis } from '../../src/types.ts';
import { send } from '../support/client.ts';
import { admin, setUp, signInBearer } from '../support/people.ts';
import { type RunningServer, runCommand, startServer } from '../support/server.ts';
import { rechain, resign, tampered, verified } from './tampering.ts';

const day = 86_400_000;

describe('tampering with the audit log', () => {
  let server: RunningServer;
  let last = 0;
  let middle = 0;
  /** Numbers that have checkpoints, first to last. */
  let signed: readonly number[] = [];
  let journal: readonly string[] = [];
  before(async () => {
    server = await startServer();
    await setUp(server);
    for (let count = 0; count < 3; count += 1) await signInBearer(server);
    assert.equal(await server.end(), 0);
    const first = server.log();
    server = await startServer({ data: server.data, standing: 'set-up' });
    for (let count = 0; count < 3; count += 1) {
      const token = await signInBearer(server);
      await send(`${server.console}/api/auth/logout`, { headers: { authorization: `Bearer ${token}` }, body: {} });
    }
    assert.equal(await server.end(), 0);
    journal = [...(first + server.log()).matchAll(/"checkpoint":"([^"]+)"/g)].map(([, text]) => text ?? '');
    const whole = await verified(server.data);
    assert.ok(whole.kind === 'whole', JSON.stringify(whole));
    assert.equal(whole.unsigned, 0, 'a stop signs what was not signed yet');
    last = whole.last;
    signed = journal.map((text) => checkpointOf(text).number);
    assert.equal(whole.checkpoints, signed.length);
    assert.ok(signed.length >= 4 && last > 10, `${signed.join()} of ${last}`);
    // Between two checkpoints, with rows of its own on either side.
    middle = (signed[1] ?? 0) + 2;
  });
  after(() => server.remove());

  const checkpointOf = (text: string): AuditCheckpoint => {
    const form = parseCheckpoint(text);
    assert.ok(form.kind === 'checkpoint', text);
    return form.checkpoint;
  };
  /** Where the lines are: the first, one in the middle, the last. */
  const positions = (): readonly number[] => [1, middle, last];

  const named = async (
    number: number,
    why: RegExp,
    change: (db: DatabaseSync, keyring: Keyring) => void,
    given: readonly AuditCheckpoint[] = [],
  ): Promise<void> => {
    const outcome = await tampered(server.data, change, (copy) => verified(copy, given));
    assert.equal(outcome.kind, 'broken', JSON.stringify(outcome));
    if (outcome.kind !== 'broken') return;
    assert.match(outcome.why, why);
    assert.equal(outcome.number, number, outcome.why);
  };

  it('untouched it is whole, and agrees with every checkpoint of the journal', async () => {
    const outcome = await tampered(
      server.data,
      () => undefined,
      (copy) => verified(copy, journal.map(checkpointOf)),
    );
    assert.ok(outcome.kind === 'whole', JSON.stringify(outcome));
    assert.equal(outcome.compared, journal.length);
    assert.equal(outcome.events, last);
  });

  for (const column of [
    'at',
    'event',
    'actor',
    'actor_name',
    'address',
    'peer',
    'way',
    'target',
    'result',
    'count',
    'hash',
  ])
    it(`changed: ${column}, in the first, a middle and the last line`, async () => {
      const numeric = column === 'at' || column === 'count';
      const sql = `UPDATE audit SET ${column} = ${column} ${numeric ? '+ 1' : `|| 'x'`} WHERE number = ?`;
      for (const number of positions())
        await named(number, /hash does not fit/, (db) => void db.prepare(sql).run(number));
    });

  it('removed: the first, a middle and the last line', async () => {
    for (const number of positions())
      await named(number, /removed/, (db) => void db.prepare('DELETE FROM audit WHERE number = ?').run(number));
  });

  it('removed, and the lines behind it moved up', async () => {
    for (const number of [1, middle]) {
      await named(number, /hash does not fit/, (db) => {
        db.prepare('DELETE FROM audit WHERE number = ?').run(number);
        for (let next = number + 1; next <= last; next += 1)
          db.prepare('UPDATE audit SET number = ? WHERE number = ?').run(next - 1, next);
      });
    }
  });

  it('its number changed, or taken away', async () => {
    for (const number of positions()) {
      for (const to of ['number + 1000', 'NULL', '-number'])
        await named(
          number,
          /removed/,
          (db) => void db.prepare(`UPDATE audit SET number = ${to} WHERE number = ?`).run(number),
        );
    }
  });

  it('moved: two neighbours in each other’s place', async () => {
    for (const number of [1, middle, last - 1]) {
      await named(number, /hash does not fit/, (db) => {
        db.prepare('UPDATE audit SET number = -1 WHERE number = ?').run(number);
        db.prepare('UPDATE audit SET number = ? WHERE number = ?').run(number, number + 1);
        db.prepare('UPDATE audit SET number = ? WHERE number = -1').run(number + 1);
      });
    }
  });

  const insertAt = (db: DatabaseSync, number: number | null): void => {
    db.prepare(`INSERT INTO audit (at, event, actor, address, way, target, result, number, hash)
      SELECT at, event, actor, address, way, target, result, ?, hash FROM audit ORDER BY number DESC LIMIT 1`).run(
      number,
    );
  };

  it('inserted: before the first, in the middle, after the last; with no number, and with none that can be', async () => {
    for (const number of [1, middle]) {
      await named(number, /hash does not fit/, (db) => {
        for (let next = last; next >= number; next -= 1)
          db.prepare('UPDATE audit SET number = ? WHERE number = ?').run(next + 1, next);
        insertAt(db, number);
      });
    }
    await named(last + 1, /inserted/, (db) => insertAt(db, last + 1));
    await named(last + 1, /inserted/, (db) => insertAt(db, last + 500));
    await named(last + 1, /without a number were inserted/, (db) => insertAt(db, null));
    await named(last + 1, /without a number were inserted/, (db) => insertAt(db, 0));
  });

  it('cut off at the end: by the head, and with the head set back by the checkpoint', async () => {
    const dropAfter = (db: DatabaseSync, number: number): void => {
      db.prepare('DELETE FROM audit WHERE number > ?').run(number);
    };
    const setBack = (db: DatabaseSync, number: number): void => {
      dropAfter(db, number);
      db.exec('UPDATE audit_head SET (number, hash) = (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)');
    };
    for (const kept of [1, middle, last - 1]) {
      await named(kept + 1, /removed/, (db) => dropAfter(db, kept));
      await named(kept + 1, /removed/, (db) => setBack(db, kept));
    }
  });

  it('cut off at the end with all that tells of it: only the journal still does', async () => {
    const cut = (db: DatabaseSync): void => {
      db.prepare('DELETE FROM audit WHERE number > ?').run(middle);
      db.prepare('DELETE FROM audit_checkpoints WHERE number > ?').run(middle);
      db.exec('UPDATE audit_head SET (number, hash) = (SELECT number, hash FROM audit ORDER BY number DESC LIMIT 1)');
    };
    const alone = await tampered(server.data, cut, (copy) => verified(copy));
    assert.equal(alone.kind, 'whole', 'a chain alone cannot know');
    await named(middle + 1, /checkpoint that was given tells of line/, cut, [checkpointOf(journal.at(-1) ?? '')]);
  });

  it('computed anew: what was signed tells', async () => {
    const next = signed.find((number) => number >= middle) ?? 0;
    await named(next, /is not what was signed/, (db) => {
      db.prepare("UPDATE audit SET address = '198.51.100.1' WHERE number = ?").run(middle);
      rechain(db);
    });
    await named(signed[0] ?? 0, /is not what was signed/, (db) => {
      db.prepare('DELETE FROM audit WHERE number = 1').run();
      db.exec('UPDATE audit SET number = -number');
      db.exec('UPDATE audit SET number = -number - 1');
      rechain(db);
    });
  });

  it('computed and signed anew with the root key: only the journal tells', async () => {
    const rewrite = (db: DatabaseSync, keyring: Keyring): void => {
      db.prepare("UPDATE audit SET address = '198.51.100.1' WHERE number = ?").run(middle);
      rechain(db);
      resign(db, keyring);
    };
    const alone = await tampered(server.data, rewrite, (copy) => verified(copy));
    assert.equal(alone.kind, 'whole', JSON.stringify(alone));
    const after = journal.map(checkpointOf).filter(({ number }) => number >= middle);
    for (const one of after)
      await named(one.number, /not what was signed in the checkpoint that was given/, rewrite, [one]);
    // A checkpoint from before the change agrees: it says nothing about what came later.
    const earlier = journal.map(checkpointOf).filter(({ number }) => number < middle);
    const outcome = await tampered(server.data, rewrite, (copy) => verified(copy, earlier));
    assert.equal(outcome.kind, 'whole');
  });

  it('a checkpoint changed: each column; and by a key that is not in the ring', async () => {
    const number = signed[1] ?? 0;
    const set = (sql: string) => (db: DatabaseSync) =>
      void db.prepare(`UPDATE audit_checkpoints SET ${sql} WHERE number = ?`).run(number);
    await named(number, /signature of the checkpoint/, set('at = at + 1'));
    await named(number, /signature of the checkpoint/, set("hash = '!' || substr(hash, 2)"));
    await named(number, /signature of the checkpoint/, set("chain = '!' || substr(chain, 2)"));
    await named(number, /signature of the checkpoint/, set("signature = 'AAAA' || substr(signature, 5)"));
    await named(number - 1, /signature of the checkpoint/, set('number = number - 1'));
    await named(number, /signed by key "another", which is not in the key ring/, set("key_id = 'another'"));
  });

  it('a checkpoint removed: the rest still proves the log', async () => {
    const outcome = await tampered(
      server.data,
      (db) => void db.prepare('DELETE FROM audit_checkpoints WHERE number = ?').run(signed[1] ?? 0),
      (copy) => verified(copy),
    );
    assert.equal(outcome.kind, 'whole');
  });

  it('cut at the front: at a checkpoint before its time, and anywhere else', async () => {
    const cut = (to: number) => (db: DatabaseSync) => {
      db.prepare('DELETE FROM audit WHERE number <= ?').run(to);
      db.prepare('DELETE FROM audit_checkpoints WHERE number < ?').run(to);
    };
    await named(1, /removed before their time/, cut(signed[1] ?? 0));
    const elsewhere = (signed[2] ?? 0) + 1;
    await named(1, /removed/, cut(elsewhere));
    const late = (Date.now() + 401 * day) as Millis;
    const inTime = await tampered(server.data, cut(signed[1] ?? 0), (copy) => verified(copy, [], late));
    assert.ok(inTime.kind === 'whole', JSON.stringify(inTime));
    assert.equal(inTime.first, (signed[1] ?? 0) + 1);
    const wrong = await tampered(server.data, cut(elsewhere), (copy) => verified(copy, [], late));
    assert.equal(wrong.kind, 'broken');
  });

  it('the head changed', async () => {
    await named(last, /not the one the chain ends with/, (db) => db.exec("UPDATE audit_head SET hash = 'x'"));
    await named(last + 1, /removed/, (db) => db.exec('UPDATE audit_head SET number = number + 1'));
    await named(1, /does not fit|another chain/, (db) => db.exec("UPDATE audit_head SET chain = 'ffff'"));
  });

  it('the command ends with 1 and names the line; untouched with 0, and with the journal', async () => {
    const change = (db: DatabaseSync): void =>
      void db.prepare("UPDATE audit SET result = 'ok' || result WHERE number = ?").run(middle);
    await tampered(server.data, change, async (copy) => {
      const ended = await runCommand(['audit', 'verify', '--data', copy]);
      assert.deepEqual([ended.code, ended.out], [1, '']);
      assert.match(ended.err, new RegExp(`^sallyport: the audit log is broken at line ${middle}: [^\\n]*\\n$`));
      const json = await runCommand(['audit', 'verify', '--json', '--data', copy]);
      assert.equal(json.code, 1);
      assert.deepEqual((JSON.parse(json.out) as { line: number }).line, middle);
    });
    const whole = await runCommand([
      'audit',
      'verify',
      '--data',
      server.data,
      ...journal.flatMap((text) => ['--checkpoint', text]),
    ]);
    assert.equal(whole.code, 0, whole.err);
    assert.match(
      whole.out,
      new RegExp(`^the audit log is whole: ${last} events .*agrees with ${journal.length} given\\n$`),
    );
  });

  it('without its key ring nothing is verified, and nothing is started', async () => {
    await tampered(
      server.data,
      (db) => db.exec("DELETE FROM keys WHERE purpose = 'audit'"),
      async (copy) => {
        const ended = await runCommand(['audit', 'verify', '--data', copy]);
        assert.equal(ended.code, 70);
        assert.match(ended.err, /^sallyport: the key ring is damaged: [^\n]*\n$/);
        const started = await runCommand(['serve', '--data', copy, '--listen', '127.0.0.1:0']);
        assert.equal(started.code, 70, started.err);
        assert.match(started.err, /key ring is damaged/);
      },
    );
  });

  it('an exported file: verified without the database; each change to it is named', async () => {
    const exported = await runCommand(['audit', 'export', '--data', server.data]);
    assert.equal(exported.code, 0, exported.err);
    const lines = exported.out.trimEnd().split('\n');
    const check = async (changed: readonly string[], ...more: readonly string[]) => {
      const path = join(server.data, 'export.ndjson');
      await writeFile(path, changed.map((line) => `${line}\n`).join(''));
      return runCommand(['audit', 'verify', path, ...more]);
    };
    const whole = await check(lines, '--checkpoint', journal.at(-1) ?? '');
    assert.equal(whole.code, 0, whole.err);
    assert.match(whole.out, /agrees with 1 given/);
    const at = lines.findIndex((line) => line.includes(`"line":"event","number":${middle},`));
    const broken: readonly (readonly [readonly string[], number])[] = [
      [lines.with(at, (lines[at] ?? '').replace('"count":1', '"count":2')), middle],
      [lines.toSpliced(at, 1), middle],
      [lines.toSpliced(at, 0, lines[at] ?? ''), middle],
      [lines.with(at, 'no JSON'), middle],
      [lines.slice(0, at), middle],
      [lines.slice(0, -2), last],
      [lines.slice(1), 1],
      [[], 1],
    ];
    for (const [changed, number] of broken) {
      const ended = await check(changed);
      assert.equal(ended.code, 1, `${ended.out}${ended.err}`);
      assert.match(ended.err, new RegExp(`broken at line ${number}:`), ended.err);
    }
    const missing = await runCommand(['audit', 'verify', join(server.data, 'none.ndjson')]);
    assert.equal(missing.code, 70);
    assert.match(missing.err, /^sallyport: [^\n]*ENOENT[^\n]*\n$/);
  });

  it('a server that starts on a log with a gap serves people all the same; the gap stays and is named', async () => {
    // It is `verify` that judges; the server goes on where the head is.
    await tampered(
      server.data,
      (db) => void db.prepare('DELETE FROM audit WHERE number = ?').run(middle),
      async (copy) => {
        const again = await startServer({ data: copy, standing: 'set-up' });
        try {
          assert.equal((await send(`${again.console}/api/auth/login`, { body: admin })).status, 200);
          const ended = await runCommand(['audit', 'verify', '--data', copy]);
          assert.equal(ended.code, 1);
          assert.match(ended.err, new RegExp(`broken at line ${middle}:`));
        } finally {
          assert.equal(await again.end(), 0);
        }
      },
    );
  });
});
