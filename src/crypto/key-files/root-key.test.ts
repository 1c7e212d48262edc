/** The root key's file while it takes its place: whoever looks finds it, under the one name or the other. */
import assert from 'node:assert/strict';
import { once } from 'node:events';
import { existsSync, mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test } from 'node:test';
import { Worker } from 'node:worker_threads';
import { systemRandom } from '../random.ts';
import { makePendingRootKey, pendingRootKey, readRootKeyInPlaceOrPending, settleRootKey } from './root-key.ts';

/** Puts each key in its place, one after the other, as other nodes do. */
const settler = `
  const { renameSync } = require('node:fs');
  const { parentPort, workerData } = require('node:worker_threads');
  const { moves, at } = workerData;
  parentPort.postMessage('ready');
  Atomics.wait(at, 0, 0);
  for (const [from, to] of moves) renameSync(from, to);
  parentPort.postMessage('done');
`;

test('another node puts it in its place meanwhile', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-root-key-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const paths = Array.from({ length: 300 }, (_, index) => join(folder, `root-${index}.key`));
  for (const path of paths) await makePendingRootKey(path, systemRandom);
  const at = new Int32Array(new SharedArrayBuffer(4));
  const worker = new Worker(settler, {
    eval: true,
    workerData: { moves: paths.map((path) => [pendingRootKey(path), path]), at },
  });
  await once(worker, 'message');
  const done = once(worker, 'message');
  Atomics.store(at, 0, 1);
  Atomics.notify(at, 0);
  let pending = 0;
  for (const path of paths)
    for (;;) {
      const found = readRootKeyInPlaceOrPending(path);
      assert.equal(found.kind, 'read', path);
      if (existsSync(path)) break;
      pending += 1;
    }
  await done;
  context.diagnostic(`${pending} looks before it was in place`);
  await worker.terminate();
});

test('neither is there, and one that is there already', async (context) => {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-root-key-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  const path = join(folder, 'root.key');
  assert.deepEqual(readRootKeyInPlaceOrPending(path), { kind: 'absent' });
  const root = await makePendingRootKey(path, systemRandom);
  assert.deepEqual(readRootKeyInPlaceOrPending(path), { kind: 'read', root: { bytes: Buffer.from(root.bytes) } });
  settleRootKey(path);
  assert.deepEqual(readRootKeyInPlaceOrPending(path), { kind: 'read', root: { bytes: Buffer.from(root.bytes) } });
});
