import assert from 'node:assert/strict';
import { test } from 'node:test';
import { signingKey } from '../crypto/sign.ts';
import type { AuditCheckpoint, AuditHead } from '../store/rows.ts';
import { StoreFault } from '../store/store.ts';
import type { Millis } from '../types.ts';
import { checkCheckpoint, checkpoints, checkpointText, parseCheckpoint } from './checkpoint.ts';

const signer = signingKey('key-1', new Uint8Array(32).fill(7));
const chain = 'ab'.repeat(16);
const hash = 'h'.repeat(43);

/** A store with a chain of any length, a clock that is moved by hand, and what became of it. */
function scene() {
  const at = { number: 0, ms: 0, full: false };
  const kept: AuditCheckpoint[] = [];
  const lines: string[] = [];
  const note = (fields: object): void => void lines.push(JSON.stringify(fields));
  const made = checkpoints({
    store: {
      auditHead: (): Promise<AuditHead> => {
        const lastCheckpoint = kept.at(-1)?.number ?? 0;
        return Promise.resolve({ chain, number: at.number, hash, lastRow: at.number, lastCheckpoint, strays: 0 });
      },
      putCheckpoint: (checkpoint) => {
        if (at.full) return Promise.reject(new StoreFault('the disk is full'));
        kept.push(checkpoint);
        return Promise.resolve({ kind: 'put' });
      },
    },
    signer: () => signer,
    clock: { now: () => at.ms as Millis, monotonic: () => at.ms },
    log: { info: note, warn: note, error: note },
  });
  return { at, kept, lines, made };
}

test('one is made a minute after the last when something is new, and none before', async () => {
  const { at, kept, made } = scene();
  at.number = 5;
  at.ms = 59_999;
  await made.keepUp();
  assert.equal(kept.length, 0);
  at.ms = 60_000;
  await made.keepUp();
  assert.deepEqual(
    kept.map(({ number }) => number),
    [5],
  );
  at.ms = 600_000;
  await made.keepUp();
  assert.equal(kept.length, 1, 'nothing is new');
});

test('one is made after 1000 events, whatever the time', async () => {
  const { at, kept, made } = scene();
  at.number = 999;
  await made.keepUp();
  assert.equal(kept.length, 0);
  at.number = 1000;
  await made.keepUp();
  assert.equal(kept[0]?.number, 1000);
});

test('asked twice at once, one is made; its text is in the log and reads back as it was', async () => {
  const { at, kept, lines, made } = scene();
  at.number = 3;
  await Promise.all([made.make(), made.make()]);
  assert.equal(kept.length, 1);
  const [one] = kept;
  assert.ok(one);
  assert.deepEqual(lines, [JSON.stringify({ checkpoint: checkpointText(one) })]);
  assert.deepEqual(parseCheckpoint(` ${checkpointText(one)}\n`), { kind: 'checkpoint', checkpoint: one });
  assert.equal(checkCheckpoint(one, [signer]).kind, 'right');
  assert.equal(checkCheckpoint({ ...one, number: 4 }, [signer]).kind, 'wrong');
  assert.equal(checkCheckpoint(one, []).kind, 'unknown-key');
});

test('one that cannot be written is a fault, and the next one is made', async () => {
  const { at, kept, lines, made } = scene();
  at.number = 3;
  at.full = true;
  await assert.rejects(made.make(), StoreFault);
  assert.deepEqual(lines, [], 'what is not kept is not told of');
  at.full = false;
  await made.make();
  assert.equal(kept.length, 1);
});

test('a text that is no checkpoint is malformed', () => {
  const good = `v1.${chain}.5.${hash}.7.key-1.${'s'.repeat(86)}`;
  assert.equal(parseCheckpoint(good).kind, 'checkpoint');
  for (const wrong of ['', 'v1', good.replace('v1', 'v2'), `${good}.x`, good.slice(0, -1), good.replace('.5.', '.-5.')])
    assert.equal(parseCheckpoint(wrong).kind, 'malformed', wrong);
});
