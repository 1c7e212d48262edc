import assert from 'node:assert/strict';
import { test } from 'node:test';
import { type EventLoop, type HashQueue, hashQueue, type Lane } from './hash-queue.ts';

const idle: EventLoop = () => 'idle';
const clock = { monotonic: () => performance.now() };

/** A queue whose work ends when the test says so, and the order in which work began. */
function stage(limits: { places?: number; memory?: number; cores?: number } = {}, loop: EventLoop = idle) {
  const queue = hashQueue(
    { places: limits.places ?? 64, memoryBytes: limits.memory ?? 100, bytesPerHash: 1, cores: limits.cores ?? 2 },
    loop,
    clock,
  );
  const began: string[] = [];
  const endings: (() => void)[] = [];
  const run = (name: string, lane: Lane = 'stranger', network = name): ReturnType<HashQueue['run']> =>
    queue.run({ lane, network }, () => {
      began.push(name);
      return new Promise<void>((resolve) => endings.push(resolve));
    });
  const settle = (): Promise<void> => new Promise((resolve) => setImmediate(resolve));
  const endOne = async (): Promise<void> => {
    await settle();
    endings.shift()?.();
    await settle();
  };
  return { queue, began, run, endOne, settle };
}

test('no more hashes at once than cores, nor than the memory holds', async () => {
  for (const [limits, most] of [
    [{ cores: 2, memory: 100 }, 2],
    [{ cores: 8, memory: 3 }, 3],
    [{ cores: 1, memory: 100 }, 1],
  ] as const) {
    const { queue, run, settle } = stage(limits);
    for (let at = 0; at < 10; at += 1) void run(String(at));
    await settle();
    assert.equal(queue.depth().running, most);
    assert.equal(queue.depth().waiting, 10 - most);
  }
});

test('one core is left for requests while the event loop is loaded, but hashing never stops', async () => {
  for (const [cores, most] of [
    [4, 3],
    [2, 1],
    [1, 1],
  ] as const) {
    const { queue, run, settle } = stage({ cores }, () => 'loaded');
    for (let at = 0; at < 8; at += 1) void run(String(at));
    await settle();
    assert.equal(queue.depth().running, most);
  }
});

test('strangers fill at most three quarters of the places; beyond that busy, while known ones still get in', async () => {
  const { queue, run, settle } = stage({ places: 64, cores: 1 });
  const outcomes = Array.from({ length: 60 }, (_, at) => run(String(at)));
  await settle();
  assert.equal(queue.depth().waiting, 48);
  assert.equal((await outcomes[59])?.kind, 'busy');
  for (let at = 0; at < 16; at += 1) void run(`known ${at}`, 'known');
  await settle();
  assert.equal(queue.depth().waiting, 64);
  assert.equal((await run('one more', 'known')).kind, 'busy');
});

test('known ones go first on one core, and strangers hold at most half the slots while they wait', async () => {
  const single = stage({ cores: 1 });
  void single.run('a');
  void single.run('b');
  void single.run('owner', 'known');
  await single.endOne();
  assert.deepEqual(single.began, ['a', 'owner']);

  const four = stage({ cores: 4 });
  for (let at = 0; at < 8; at += 1) void four.run(`stranger ${at}`);
  for (let at = 0; at < 8; at += 1) void four.run(`known ${at}`, 'known');
  for (let at = 0; at < 4; at += 1) await four.endOne();
  const running = four.began.slice(4);
  assert.equal(running.filter((name) => name.startsWith('stranger')).length <= 2, true, running.join());
  assert.ok(running.some((name) => name.startsWith('known')));
});

test('strangers take turns by network', async () => {
  const { began, run, endOne } = stage({ cores: 1 });
  for (let at = 0; at < 5; at += 1) void run(`loud ${at}`, 'stranger', 'loud');
  void run('quiet', 'stranger', 'quiet');
  await endOne();
  await endOne();
  assert.deepEqual(began.slice(0, 3), ['loud 0', 'loud 1', 'quiet']);
});

test('work that fails frees its slot and tells its caller', async () => {
  const queue = hashQueue({ places: 4, memoryBytes: 1, bytesPerHash: 1, cores: 1 }, idle, clock);
  const turn = { lane: 'stranger', network: 'n' } as const;
  await assert.rejects(
    queue.run(turn, () => Promise.reject(new Error('broken'))),
    /broken/,
  );
  assert.deepEqual(await queue.run(turn, () => Promise.resolve(7)), { kind: 'ran', value: 7 });
  assert.deepEqual(queue.depth(), { waiting: 0, running: 0 });
});

test('everything that waits runs in the end', async () => {
  const { queue, run, endOne } = stage({ cores: 2 });
  const all = Array.from({ length: 40 }, (_, at) => run(String(at), at % 3 === 0 ? 'known' : 'stranger', `n${at % 5}`));
  for (let at = 0; at < 40; at += 1) await endOne();
  assert.deepEqual(new Set((await Promise.all(all)).map((slot) => slot.kind)), new Set(['ran']));
  assert.deepEqual(queue.depth(), { waiting: 0, running: 0 });
});
