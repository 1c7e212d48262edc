/** The service key's file (security.md B-06): which ones are refused, and what anybody can see of it while it is written. */
import assert from 'node:assert/strict';
import { execFileSync } from 'node:child_process';
import { once } from 'node:events';
import {
  chmodSync,
  chownSync,
  linkSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { createServer } from 'node:net';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { test, type TestContext } from 'node:test';
import { Worker } from 'node:worker_threads';
import { newName, systemRandom } from '../random.ts';
import {
  checkServiceKeyFile,
  keepServiceKeyFile,
  sweepServiceKeyFile,
  unusableServiceKeyFile,
} from './service-key-file.ts';

const asRoot = process.getuid?.() === 0 ? false : 'files of other users can only be made by root';
const one = 'A'.repeat(43);
const other = 'b'.repeat(43);
/** A group that is not our own. */
const otherGroup = 65_534;

function placeFor(context: TestContext): string {
  const folder = mkdtempSync(join(tmpdir(), 'sallyport-key-'));
  context.after(() => rmSync(folder, { recursive: true, force: true }));
  return join(folder, 'api.key');
}

const keep = (path: string, text = one) => keepServiceKeyFile(path, text, systemRandom);
const modeOf = (path: string): number => statSync(path).mode & 0o7777;

function assertRefused(path: string, why: RegExp): void {
  const before = readdirSync(join(path, '..'));
  const [looked, kept] = [checkServiceKeyFile(path), keep(path, other)];
  assert.ok(looked.kind === 'unusable' && kept.kind === 'unusable', `${looked.kind} ${kept.kind}`);
  assert.match(kept.why, why);
  assert.equal(looked.why, kept.why);
  const line = unusableServiceKeyFile(path, kept.why);
  assert.ok(line.includes(`${path} cannot be used: ${kept.why}. `) && line.includes('mode 640 or less'), line);
  assert.deepEqual(readdirSync(join(path, '..')), before, 'nothing was put there');
}

/** Under any umask, which is the whole process's: nothing may wait meanwhile. */
function underUmask(mask: number, what: () => void): void {
  const before = process.umask(mask);
  try {
    what();
  } finally {
    process.umask(before);
  }
}

for (const mask of [0, 0o077, 0o777])
  test(`made with mode 640 and nothing but the key in it, under umask ${mask.toString(8)}`, (context) => {
    const path = placeFor(context);
    assert.deepEqual(checkServiceKeyFile(path), { kind: 'fits' });
    underUmask(mask, () => assert.deepEqual(keep(path), { kind: 'kept' }));
    assert.equal(readFileSync(path, 'utf8'), one);
    assert.equal(modeOf(path), 0o640);
    assert.deepEqual(readdirSync(join(path, '..')), ['api.key']);
  });

for (const mode of [0o640, 0o600, 0o440, 0o400])
  test(`mode ${mode.toString(8)} is accepted, and stays when the key changes`, (context) => {
    const path = placeFor(context);
    keep(path);
    chmodSync(path, mode);
    const { ino } = statSync(path);
    assert.deepEqual(keep(path), { kind: 'kept' });
    assert.deepEqual([statSync(path).ino, modeOf(path)], [ino, mode], 'one that holds the key is left alone');
    assert.deepEqual(keep(path, other), { kind: 'kept' });
    assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path)], [other, mode]);
    assert.notEqual(statSync(path).ino, ino, 'whole, in the place of the old one');
  });

for (const mode of [0o644, 0o660, 0o740, 0o641, 0o604, 0o620, 0o4640, 0o2640, 0o1640, 0o777])
  test(`mode ${mode.toString(8)} is refused, and the file stays as it is`, (context) => {
    const path = placeFor(context);
    keep(path);
    chmodSync(path, mode);
    assertRefused(path, new RegExp(`^its mode is ${mode.toString(8)}$`));
    assert.deepEqual([readFileSync(path, 'utf8'), modeOf(path)], [one, mode]);
  });

test('the file of another user is refused', { skip: asRoot }, (context) => {
  const path = placeFor(context);
  keep(path);
  chownSync(path, 65_534, 0);
  assertRefused(path, /^it belongs to another user \(65534\), and not to ours \(0\)$/);
});

test('a link is refused, wherever it leads; what it leads to stays as it is', (context) => {
  const path = placeFor(context);
  const target = `${path}-elsewhere`;
  writeFileSync(target, 'mine', { mode: 0o600 });
  symlinkSync(target, path);
  assertRefused(path, /^it is a symbolic link/);
  assert.equal(readFileSync(target, 'utf8'), 'mine');
  rmSync(target);
  assertRefused(path, /^it is a symbolic link/);
});

test('another name of a file is given up, and the file stays as it is', (context) => {
  const path = placeFor(context);
  writeFileSync(`${path}-elsewhere`, 'mine', { mode: 0o600 });
  linkSync(`${path}-elsewhere`, path);
  assert.deepEqual(keep(path), { kind: 'kept' });
  assert.deepEqual([readFileSync(path, 'utf8'), readFileSync(`${path}-elsewhere`, 'utf8')], [one, 'mine']);
});

test('what is no file is refused, and nobody waits for it', async (context) => {
  const path = placeFor(context);
  mkdirSync(path, { mode: 0o700 });
  assertRefused(path, /^it is not a file$/);
  rmSync(path, { recursive: true });
  execFileSync('mkfifo', ['-m', '600', path]);
  assertRefused(path, /^it is not a file$/);
  rmSync(path);
  const socket = createServer().listen(path);
  await once(socket, 'listening');
  assertRefused(path, /^it cannot be read \(ENXIO\)$/);
  await new Promise((resolve) => socket.close(resolve));
});

test('a folder where everybody may write is refused, with or without the file; so is none', (context) => {
  const path = placeFor(context);
  const folder = join(path, '..');
  for (const mode of [0o777, 0o1777, 0o702]) {
    chmodSync(folder, mode);
    assertRefused(path, new RegExp(`^everybody may write in its folder ${folder}$`));
    if (mode === 0o702) continue;
    chmodSync(folder, 0o750);
    keep(path);
    chmodSync(folder, mode);
    assertRefused(path, /everybody may write/);
    rmSync(path);
  }
  const none = join(folder, 'none', 'api.key');
  const looked = checkServiceKeyFile(none);
  assert.ok(looked.kind === 'unusable');
  assert.match(looked.why, /^its folder .+none is not there$/);
  assert.deepEqual(keep(none), looked);
});

test('a folder where nothing can be written: said, and nothing is left behind', (context) => {
  if (process.getuid?.() === 0) {
    // Root writes anywhere but into what is no file system for files.
    const kept = keep('/proc/self/api.key');
    assert.ok(kept.kind === 'unusable');
    assert.match(kept.why, /^it cannot be written \(ENOENT\)$/);
    return;
  }
  const path = placeFor(context);
  chmodSync(join(path, '..'), 0o500);
  const kept = keep(path);
  assert.ok(kept.kind === 'unusable');
  assert.match(kept.why, /^it cannot be written \(EACCES\)$/);
});

test('the group that somebody gave it stays; without a file it is that of the folder', { skip: asRoot }, (context) => {
  const path = placeFor(context);
  keep(path);
  chownSync(path, 0, otherGroup);
  assert.deepEqual(keep(path, other), { kind: 'kept' });
  assert.deepEqual([statSync(path).gid, modeOf(path), readFileSync(path, 'utf8')], [otherGroup, 0o640, other]);
  rmSync(path);
  keep(path);
  assert.notEqual(statSync(path).gid, otherGroup);
  // What passes its group on.
  rmSync(path);
  chownSync(join(path, '..'), 0, otherGroup);
  chmodSync(join(path, '..'), 0o2750);
  for (const text of [one, other]) {
    assert.deepEqual(keep(path, text), { kind: 'kept' });
    assert.deepEqual([statSync(path).gid, modeOf(path)], [otherGroup, 0o640]);
  }
});

test('whatever else it held is replaced: another key, a line end, nothing, something long', (context) => {
  const path = placeFor(context);
  for (const text of [other, `${one}\n`, '', 'x'.repeat(100_000), one.slice(1)]) {
    writeFileSync(path, text, { mode: 0o640 });
    assert.deepEqual(keep(path), { kind: 'kept' });
    assert.equal(readFileSync(path, 'utf8'), one);
  }
});

test('what a crash left beside it is taken away, and nothing else', (context) => {
  const path = placeFor(context);
  const stay = ['api.key', 'api.key.bak', 'api.key.pub.old', 'xapi.key.new-x', 'api.keys'];
  for (const name of [...stay, `api.key.new-${newName(systemRandom)}`, `api.key.new-${newName(systemRandom)}`])
    writeFileSync(join(path, '..', name), '');
  sweepServiceKeyFile(path);
  assert.deepEqual(readdirSync(join(path, '..')).sort(), stay.toSorted());
});

interface Seen {
  readonly looks: number;
  /** What was seen that nobody may see. */
  readonly wrong: readonly string[];
  /** Files that were not in place yet. */
  readonly unfinished: number;
}

/** Looks at everything in the folder, as fast as it can, until `stop` is 1. */
const watcher = `
  const { closeSync, constants, fstatSync, openSync, readdirSync, readFileSync } = require('node:fs');
  const { join } = require('node:path');
  const { parentPort, workerData: { folder, stop, whole } } = require('node:worker_threads');
  const wrong = new Set();
  let looks = 0;
  let unfinished = 0;
  parentPort.postMessage('begun');
  while (Atomics.load(stop, 0) === 0) {
    for (const name of readdirSync(folder)) {
      let file;
      try { file = openSync(join(folder, name), constants.O_RDONLY | constants.O_NONBLOCK); } catch { continue; }
      looks += 1;
      if (name !== 'api.key') unfinished += 1;
      const text = readFileSync(file, 'utf8');
      const mode = fstatSync(file).mode & 0o7777;
      closeSync(file);
      if ((mode & ~0o640) !== 0) wrong.add(name.slice(0, 8) + ' had mode ' + mode.toString(8));
      if (name === 'api.key' && (!whole.includes(text) || mode !== 0o640))
        wrong.add('in place, with mode ' + mode.toString(8) + ': ' + text);
    }
  }
  parentPort.postMessage({ looks, unfinished, wrong: [...wrong] });
`;

for (const mask of [0, 0o077])
  test(`watched while it is written again and again under umask ${mask.toString(8)}: never wider, never a part`, async (context) => {
    const path = placeFor(context);
    const stop = new Int32Array(new SharedArrayBuffer(4));
    const worker = new Worker(watcher, {
      eval: true,
      workerData: { folder: join(path, '..'), stop, whole: [one, other] },
    });
    await once(worker, 'message');
    underUmask(mask, () => {
      const began = performance.now();
      for (let round = 0; round < 200 || performance.now() - began < 700; round += 1) {
        if (round % 7 === 0) rmSync(path, { force: true });
        assert.deepEqual(keep(path, round % 2 === 0 ? one : other), { kind: 'kept' });
      }
    });
    Atomics.store(stop, 0, 1);
    const [seen] = (await once(worker, 'message')) as [Seen];
    assert.deepEqual(seen.wrong, []);
    assert.ok(seen.looks > 50, `${seen.looks} looks`);
    context.diagnostic(`${seen.looks} looks, ${seen.unfinished} before it was in place`);
    await worker.terminate();
  });
