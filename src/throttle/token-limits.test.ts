import assert from 'node:assert/strict';
import { mock, test } from 'node:test';
import * as fc from 'fast-check';
import type { Cells, SharedCells } from '../store/shared-cells.ts';
import type { Clock, Millis, TokenId } from '../types.ts';
import { tokenLimits as numbers } from './limits.ts';
import { rateLimitHeaders } from './tokens/rate-limit-headers.ts';
import { type Spending, type TokenAllowance, type TokenLimits, tokenLimits } from './token-limits.ts';
import { count, counted, giveBack, hourWindow, minuteWindow, moveTo, noCounts } from './tokens/token-windows.ts';

const minute = minuteWindow.ms;
const hour = hourWindow.ms;

let time = 1_000_000;
const clock: Clock = { now: () => (1_800_000_000_000 + time) as Millis, monotonic: () => time };

const allowance = (perMinute: number, perHour: number, id = 't_one'): TokenAllowance => ({
  id: id as TokenId,
  perMinute,
  perHour,
});

const single = (remembered?: number): TokenLimits =>
  tokenLimits({ clock, cells: null, ...(remembered === undefined ? {} : { remembered }) });

/** Where nobody else counts no answer is a promise. */
function spend(limits: TokenLimits, token: TokenAllowance): Spending {
  const spending = limits.spend(token);
  assert.ok(!(spending instanceof Promise));
  return spending;
}

/** So many at once. */
const several = (limits: TokenLimits, token: TokenAllowance, many: number): Promise<readonly Spending[]> =>
  Promise.all(Array.from({ length: many }, async () => await limits.spend(token)));

/** What several nodes share; its clock is another one than theirs. */
interface Shared {
  texts: Map<string, { readonly text: string; readonly until: number }>;
  mark: number;
  readonly clock: () => number;
  steps: number;
}

interface View extends SharedCells {
  is: 'away' | 'reachable';
  /** Steps and fillings wait for it. */
  hold: Promise<void>;
}

const nothingShared = (ahead = 4_000_123): Shared => ({
  texts: new Map(),
  mark: 0,
  clock: () => time + ahead,
  steps: 0,
});

/** Each filling of emptied cells is told from those before it. */
let fillings = 0;

function viewOf(shared: Shared): View {
  let filled = 0;
  const run = <T>(keys: readonly string[], decide: (cells: Cells) => T): T => {
    const now = shared.clock();
    return decide({
      now,
      get: (key) => {
        assert.ok(keys.includes(key));
        const found = shared.texts.get(key);
        return found === undefined || found.until <= now ? '' : found.text;
      },
      put: (key, text, lastsMs) => void shared.texts.set(key, { text, until: now + lastsMs }),
    });
  };
  const view: View = {
    is: 'reachable',
    hold: Promise.resolve(),
    step: async (keys, decide) => {
      await view.hold;
      shared.steps += 1;
      if (view.is === 'away') return { kind: 'away' };
      if (filled !== shared.mark || filled === 0) return { kind: 'unfilled' };
      return { kind: 'done', value: run(keys, decide) };
    },
    fill: async () => {
      await view.hold;
      if (view.is === 'away') throw new Error('away');
      if (shared.mark === 0) shared.mark = fillings += 1;
      filled = shared.mark;
    },
    drop: () => assert.fail('nothing is dropped'),
    onReached: () => undefined,
    standing: () => ({ kind: view.is }),
  };
  return view;
}

interface Node {
  readonly cells: View;
  readonly limits: TokenLimits;
}

function nodesOver(shared: Shared, many: number): readonly Node[] {
  return Array.from({ length: many }, () => {
    const cells = viewOf(shared);
    return { cells, limits: tokenLimits({ clock, cells }) };
  });
}

/** Most within any stretch of that length. */
function mostWithin(passed: readonly number[], ms: number): number {
  let most = 0;
  let from = 0;
  passed.forEach((at, index) => {
    while (at - (passed[from] ?? at) > ms) from += 1;
    most = Math.max(most, index - from + 1);
  });
  return most;
}

test('of two hundred at once exactly the limit passes, and who is refused is told when to come again', () => {
  const limits = single();
  const token = allowance(50, 1000);
  const spendings = Array.from({ length: 200 }, () => spend(limits, token));
  assert.equal(spendings.filter(({ kind }) => kind === 'spent').length, 50);
  const [last] = spendings.slice(-1);
  assert.ok(last?.kind === 'limited');
  assert.equal(last.quota.minute.remaining, 0);
  assert.equal(last.quota.hour.remaining, 950);
  time += last.retryAfterSeconds * 1000;
  const again = Array.from({ length: 200 }, () => spend(limits, token));
  assert.equal(again.filter(({ kind }) => kind === 'spent').length, 50);
});

test('both windows slide, what is refused is not counted, and nobody is refused who has a unit free', () => {
  fc.assert(
    fc.property(
      fc.integer({ min: 1, max: 8 }),
      fc.integer({ min: 1, max: 30 }),
      fc.array(
        fc.oneof(
          { weight: 6, arbitrary: fc.integer({ min: 0, max: 9000 }) },
          { weight: 2, arbitrary: fc.integer({ min: 50_000, max: 70_000 }) },
          { weight: 1, arbitrary: fc.integer({ min: 0, max: 2 * hour }) },
        ),
        { maxLength: 250, size: 'max' },
      ),
      (perMinute, perHour, pauses) => {
        const limits = single();
        const passed: number[] = [];
        const within = (ms: number): number => passed.filter((at) => time - at < ms).length;
        for (const pause of pauses) {
          time += pause;
          const spending = spend(limits, allowance(perMinute, perHour));
          const { quota } = spending;
          if (spending.kind === 'spent') passed.push(time);
          else {
            const full =
              within(minute + minuteWindow.bucketMs) >= perMinute || within(hour + hourWindow.bucketMs) >= perHour;
            assert.ok(full);
            assert.ok(spending.retryAfterSeconds >= 1 && spending.retryAfterSeconds <= 3720);
          }
          assert.ok(quota.minute.remaining <= perMinute - within(minute) && quota.minute.remaining >= 0);
          assert.ok(quota.hour.remaining <= perHour - within(hour) && quota.hour.remaining >= 0);
          assert.ok(quota.minute.resetSeconds >= 0 && quota.minute.resetSeconds <= 60);
          assert.ok(quota.hour.resetSeconds >= 0 && quota.hour.resetSeconds <= 3600);
        }
        assert.ok(mostWithin(passed, minute) <= perMinute);
        assert.ok(mostWithin(passed, hour) <= perHour);
      },
    ),
  );
});

test('whoever comes when told is let through', () => {
  fc.assert(
    fc.property(
      fc.array(fc.integer({ min: 0, max: 200_000 }), { minLength: 20, maxLength: 60, size: 'max' }),
      (pauses) => {
        const limits = single();
        const token = allowance(3, 12);
        for (const pause of pauses) {
          time += pause;
          const spending = spend(limits, token);
          if (spending.kind === 'spent') continue;
          time += spending.retryAfterSeconds * 1000;
          assert.equal(spend(limits, token).kind, 'spent');
        }
      },
    ),
  );
});

test('a changed limit holds at once, a lower one until enough has left', () => {
  const limits = single();
  time += hour * 2;
  for (let at = 0; at < 10; at += 1) assert.equal(spend(limits, allowance(10, 1000)).kind, 'spent');
  assert.equal(spend(limits, allowance(10, 1000)).kind, 'limited');
  assert.equal(spend(limits, allowance(11, 1000)).kind, 'spent');
  const lowered = spend(limits, allowance(2, 1000));
  assert.ok(lowered.kind === 'limited');
  assert.equal(lowered.quota.minute.remaining, 0);
  assert.equal(lowered.quota.minute.limit, 2);
  time += lowered.retryAfterSeconds * 1000;
  assert.equal(spend(limits, allowance(2, 1000)).kind, 'spent');
});

test('tokens do not touch each other', () => {
  const limits = single();
  assert.equal(spend(limits, allowance(1, 5, 't_a')).kind, 'spent');
  assert.equal(spend(limits, allowance(1, 5, 't_a')).kind, 'limited');
  assert.equal(spend(limits, allowance(1, 5, 't_b')).kind, 'spent');
});

test('the table is bounded: what is not used any more gives way first, then the least used, never one at its limit', () => {
  const limits = single(4);
  const fill = (id: string, times: number): void => {
    for (let at = 0; at < times; at += 1) assert.equal(spend(limits, allowance(3, 100, id)).kind, 'spent');
  };
  const leftOf = (id: string): number => spend(limits, allowance(3, 100, id)).quota.hour.remaining;
  fill('t_old', 3);
  time += hour + hourWindow.bucketMs;
  fill('t_full', 3);
  fill('t_some', 2);
  fill('t_few', 1);
  fill('t_new', 2);
  assert.equal(limits.size, 4);
  assert.equal(spend(limits, allowance(3, 100, 't_full')).kind, 'limited');
  // Of the others the least used one is forgotten.
  fill('t_newest', 3);
  assert.equal(limits.size, 4);
  assert.equal(spend(limits, allowance(3, 100, 't_full')).kind, 'limited');
  assert.equal(leftOf('t_some'), 97);
  assert.equal(leftOf('t_new'), 97);
  // All four are at a limit: newcomers share one.
  fill('t_a', 2);
  fill('t_b', 1);
  assert.equal(spend(limits, allowance(3, 100, 't_c')).kind, 'limited');
  assert.equal(limits.size, 4);
  for (const id of ['t_full', 't_some', 't_new', 't_newest'])
    assert.equal(spend(limits, allowance(3, 100, id)).kind, 'limited');
});

test('a flood of tokens costs little each', () => {
  const limits = single(1000);
  for (let at = 0; at < 20_000; at += 1) assert.equal(spend(limits, allowance(9, 9, `t_${at}`)).kind, 'spent');
  assert.equal(limits.size, 1000);
});

test('counts: what is given back leaves both windows, what has left already does not, and a clock that goes back loses nothing', () => {
  const counts = noCounts();
  moveTo(counts, 1_000_000);
  count(counts, 5);
  giveBack(counts, 1_000_000, 2);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [3, 3]);
  giveBack(counts, 900_000, 2);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [3, 3]);
  moveTo(counts, 1_000_000 + minute + minuteWindow.bucketMs);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [0, 3]);
  giveBack(counts, 1_000_000, 1);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [0, 2]);
  count(counts, 4);
  moveTo(counts, 500_000);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [4, 6]);
  moveTo(counts, 500_000 + hour);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [0, 6]);
  moveTo(counts, 500_000 + hour + hourWindow.bucketMs);
  assert.deepEqual([counted(counts, minuteWindow), counted(counts, hourWindow)], [0, 0]);
});

test('headers say both windows', () => {
  const limits = single();
  time = Math.ceil(time / hourWindow.bucketMs) * hourWindow.bucketMs;
  assert.deepEqual(rateLimitHeaders(spend(limits, allowance(600, 20_000)).quota), [
    'RateLimit-Policy',
    '"minute";q=600;w=60, "hour";q=20000;w=3600',
    'RateLimit',
    '"minute";r=599;t=60, "hour";r=19999;t=3600',
  ]);
});

test('several nodes let the limit through and no more than a slice each beyond it, and nearly all of it when all are busy', async () => {
  const busy = fc.record({
    many: fc.constantFrom(2, 3),
    perMinute: fc.constantFrom(1, 5, 12, 40, 100),
    perHour: fc.constantFrom(30, 150, 100_000),
    bursts: fc.array(
      fc.record({
        pause: fc.oneof(fc.integer({ min: 0, max: 4000 }), fc.integer({ min: 0, max: 70_000 })),
        node: fc.integer({ min: 0, max: 2 }),
        size: fc.integer({ min: 1, max: 40 }),
      }),
      { minLength: 20, maxLength: 80, size: 'max' },
    ),
  });
  await fc.assert(
    fc.asyncProperty(busy, async ({ many, perMinute, perHour, bursts }) => {
      const nodes = nodesOver(nothingShared(), many);
      const token = allowance(perMinute, perHour);
      const passed: number[] = [];
      for (const { pause, node, size } of bursts) {
        time += pause;
        const { limits } = nodes[node % many] ?? assert.fail();
        const spendings = await several(limits, token, size);
        for (const { kind, quota } of spendings) {
          if (kind === 'spent') passed.push(time);
          assert.ok(quota.minute.remaining >= 0 && quota.hour.remaining >= 0);
        }
      }
      const slack = many * Math.max(1, Math.floor(Math.min(perMinute, perHour) / 10));
      assert.ok(mostWithin(passed, minute) <= perMinute + slack);
      assert.ok(mostWithin(passed, hour) <= perHour + slack);
    }),
    { numRuns: 60 },
  );
  for (const many of [2, 3]) {
    const nodes = nodesOver(nothingShared(), many);
    const passed: number[] = [];
    for (let round = 0; round < 300; round += 1) {
      time += 1000;
      for (const { limits } of nodes)
        for (let at = 0; at < 15; at += 1)
          if ((await limits.spend(allowance(600, 1_000_000))).kind === 'spent') passed.push(time);
    }
    assert.ok(mostWithin(passed, minute) <= 600 + many * 60);
    // Five minutes, whose windows are up to a bucket longer.
    assert.ok(passed.length >= (300 / 63) * 600 * 0.9, String(passed.length));
  }
});

test('small limits are exact on several nodes, and all that may pass at once does', async () => {
  const nodes = nodesOver(nothingShared(), 3);
  const token = allowance(9, 100);
  const spendings = await Promise.all(
    Array.from({ length: 200 }, async (_, at) => await (nodes[at % 3] ?? assert.fail()).limits.spend(token)),
  );
  assert.equal(spendings.filter(({ kind }) => kind === 'spent').length, 9);
  for (const spending of spendings)
    if (spending.kind === 'limited')
      assert.ok(spending.retryAfterSeconds >= 57 && spending.retryAfterSeconds <= 63, 'as the windows say');
  time += minute + minuteWindow.bucketMs;
  assert.equal((await nodes[0]?.limits.spend(token))?.kind, 'spent');
});

test('one request a minute passes all day where six hundred an hour may, after a burst as well', async () => {
  const [node, other] = nodesOver(nothingShared(), 2);
  const token = allowance(600, 600);
  for (let at = 0; at < 200; at += 1) assert.equal((await node?.limits.spend(token))?.kind, 'spent');
  for (let at = 0; at < 24 * 60; at += 1) {
    time += minute;
    const spending = await (at % 5 === 0 ? other : node)?.limits.spend(token);
    assert.equal(spending?.kind, 'spent', `after ${at} minutes`);
  }
});

test('bursts that end lose no units of the hour: what was leased in vain is given back', async () => {
  const [node] = nodesOver(nothingShared(), 1);
  const token = allowance(600, 3000);
  let refused = 0;
  // Just below what an hour and a bucket let through.
  for (let round = 0; round < 180; round += 1) {
    time += minute;
    for (let at = 0; at < 45; at += 1) {
      time += 20;
      if ((await node?.limits.spend(token))?.kind !== 'spent') refused += 1;
    }
    time -= 45 * 20 - 900;
  }
  assert.equal(refused, 0);
});

test('a busy client asks once in some seconds, and what it is told comes at once', async () => {
  const shared = nothingShared();
  const [node] = nodesOver(shared, 1);
  const token = allowance(600, 20_000);
  let atOnce = 0;
  for (let at = 0; at < 1000; at += 1) {
    time += 110;
    const spending = node?.limits.spend(token);
    if (!(spending instanceof Promise)) atOnce += 1;
    assert.equal((await spending)?.kind, 'spent');
  }
  assert.ok(shared.steps < 60, String(shared.steps));
  assert.ok(atOnce > 900);
});

test('what is left is what all have left, and other tokens of one node do not wait for it', async () => {
  const [one, two] = nodesOver(nothingShared(), 2);
  const token = allowance(20, 1000);
  for (let at = 0; at < 10; at += 1) await one?.limits.spend(token);
  const { quota } = (await two?.limits.spend(token)) ?? assert.fail();
  assert.ok(quota.minute.remaining <= 9 && quota.minute.remaining >= 7, String(quota.minute.remaining));
  assert.ok(quota.minute.resetSeconds > 0);
});

test('what all have used up is not asked for again and again, and a higher limit holds at once', async () => {
  const shared = nothingShared();
  const [one, two] = nodesOver(shared, 2);
  for (let at = 0; at < 5; at += 1) assert.equal((await one?.limits.spend(allowance(5, 100)))?.kind, 'spent');
  assert.equal((await two?.limits.spend(allowance(5, 100)))?.kind, 'limited');
  const before = shared.steps;
  for (let at = 0; at < 100; at += 1) {
    const refused = await two?.limits.spend(allowance(5, 100));
    assert.ok(refused?.kind === 'limited');
    assert.deepEqual(refused.quota.minute.remaining, 0);
    assert.ok(refused.quota.minute.resetSeconds > 0);
  }
  assert.equal(shared.steps, before);
  assert.equal((await two?.limits.spend(allowance(6, 100)))?.kind, 'spent');
});

test('a lower limit makes slices void that were leased under the higher one, and what is left of them is given back', async () => {
  const [one, two] = nodesOver(nothingShared(), 2);
  const spendOn = async (node: Node | undefined, token: TokenAllowance, times: number): Promise<number> => {
    let passed = 0;
    for (let at = 0; at < times; at += 1) if ((await node?.limits.spend(token))?.kind === 'spent') passed += 1;
    return passed;
  };
  const high = allowance(600, 20_000);
  // Slices double, so both have some left.
  assert.equal(await spendOn(one, high, 33), 33);
  assert.equal(await spendOn(two, high, 10), 10);
  const low = allowance(43, 20_000);
  assert.equal((await spendOn(one, low, 20)) + (await spendOn(two, low, 20)), 0);
  const between = allowance(50, 20_000);
  assert.equal((await spendOn(one, between, 20)) + (await spendOn(two, between, 20)), 7);
});

test('whoever has become slow leases little again: the rest is free for other nodes', async () => {
  const [one, two] = nodesOver(nothingShared(), 2);
  const token = allowance(600, 20_000);
  for (let at = 0; at < 300; at += 1) await one?.limits.spend(token);
  for (let at = 0; at < 10; at += 1) {
    time += minute + minuteWindow.bucketMs;
    await one?.limits.spend(token);
  }
  let passed = 0;
  for (let at = 0; at < 700; at += 1) if ((await two?.limits.spend(token))?.kind === 'spent') passed += 1;
  assert.ok(passed >= 597 && passed <= 599, String(passed));
});

test('while the cells are away each node goes by its own windows at once', async () => {
  const [one, two] = nodesOver(nothingShared(), 2);
  const token = allowance(10, 100);
  for (const node of [one, two]) {
    assert.ok(node !== undefined);
    await node.limits.spend(token);
    node.cells.is = 'away';
    time += minute * 2;
    const spendings = Array.from({ length: 20 }, () => spend(node.limits, token));
    assert.equal(spendings.filter(({ kind }) => kind === 'spent').length, 10);
  }
});

test('a step that fails, or a filling, counts as away', async () => {
  const failing: SharedCells = {
    ...viewOf(nothingShared()),
    step: () => Promise.reject(new Error('broken')),
  };
  const unfilled: SharedCells = {
    ...viewOf(nothingShared()),
    step: () => Promise.resolve({ kind: 'unfilled' }),
    fill: () => Promise.reject(new Error('no room')),
  };
  for (const cells of [failing, unfilled]) {
    const limits = tokenLimits({ clock, cells });
    const spendings = await several(limits, allowance(10, 100), 20);
    assert.equal(spendings.filter(({ kind }) => kind === 'spent').length, 10);
  }
});

test('cells that hang: a second is waited, then this node counts for itself, at once for whoever comes', async (context) => {
  mock.timers.enable({ apis: ['setTimeout'] });
  context.after(() => mock.timers.reset());
  const shared = nothingShared();
  const [node] = nodesOver(shared, 1);
  assert.ok(node !== undefined);
  const token = allowance(10, 100);
  await node.limits.spend(token);
  const held = Promise.withResolvers<void>();
  node.cells.hold = held.promise;
  const waiting = several(node.limits, token, 2);
  mock.timers.tick(numbers.patienceMs);
  for (const spending of await waiting) assert.equal(spending.kind, 'spent');
  for (let at = 0; at < 7; at += 1) assert.equal(spend(node.limits, token).kind, 'spent');
  assert.equal(spend(node.limits, token).kind, 'limited');
  // It answers after all: the next ones are counted together again.
  held.resolve();
  node.cells.hold = Promise.resolve();
  await new Promise(setImmediate);
  time += 2 * minute;
  const before = shared.steps;
  assert.equal((await node.limits.spend(token)).kind, 'spent');
  assert.equal(shared.steps, before + 1);
});

test('who waits is counted when let through, and what is refused after waiting is not counted', async () => {
  const [one, two] = nodesOver(nothingShared(), 2);
  assert.ok(one !== undefined && two !== undefined);
  const token = allowance(10, 100);
  for (let at = 0; at < 10; at += 1) await one.limits.spend(token);
  const held = Promise.withResolvers<void>();
  two.cells.hold = held.promise;
  const waiting = several(two.limits, token, 10);
  // Its own window is taken by those that wait.
  assert.equal(spend(two.limits, token).kind, 'limited');
  held.resolve();
  for (const spending of await waiting) assert.equal(spending.kind, 'limited');
  two.cells.is = 'away';
  time += 1500;
  for (let at = 0; at < 10; at += 1) assert.equal(spend(two.limits, token).kind, 'spent');

  const [third] = nodesOver(nothingShared(), 1);
  assert.ok(third !== undefined);
  const later = Promise.withResolvers<void>();
  third.cells.hold = later.promise;
  const slow = several(third.limits, token, 10);
  time += 30_000;
  later.resolve();
  for (const spending of await slow) assert.equal(spending.kind, 'spent');
  third.cells.is = 'away';
  time += minute - 1000;
  assert.equal(spend(third.limits, token).kind, 'limited');
});

test('so many wait and no more', async () => {
  const [node] = nodesOver(nothingShared(), 1);
  assert.ok(node !== undefined);
  const held = Promise.withResolvers<void>();
  node.cells.hold = held.promise;
  const token = allowance(100_000, 1_000_000);
  const waiting = several(node.limits, token, numbers.waiting);
  const beyond = await node.limits.spend(token);
  assert.ok(beyond.kind === 'limited');
  assert.equal(beyond.retryAfterSeconds, 1);
  held.resolve();
  for (const spending of await waiting) assert.equal(spending.kind, 'spent');
  assert.equal((await node.limits.spend(token)).quota.minute.remaining, 100_000 - numbers.waiting - 1);
});

test('emptied cells are filled again, and each node is bounded by its own windows meanwhile', async () => {
  const shared = nothingShared();
  const nodes = nodesOver(shared, 2);
  const token = allowance(100, 1000);
  const passed: number[] = [];
  for (let round = 0; round < 4; round += 1) {
    for (let at = 0; at < 100; at += 1)
      for (const { limits } of nodes) if ((await limits.spend(token)).kind === 'spent') passed.push(time);
    shared.texts.clear();
    shared.mark = 0;
    time += 1000;
  }
  assert.ok(mostWithin(passed, minute) <= 200, String(passed.length));
  time += 2 * minute;
  let after = 0;
  for (let at = 0; at < 100; at += 1)
    for (const { limits } of nodes) if ((await limits.spend(token)).kind === 'spent') after += 1;
  assert.ok(after <= 100 && after >= 90, String(after));
});

test('units of a cell that was forgotten are not given back to the one in its place', async () => {
  const shared = nothingShared();
  const [one, two] = nodesOver(shared, 2);
  const token = allowance(600, 600);
  for (let at = 0; at < 64; at += 1) await one?.limits.spend(token);
  shared.texts.clear();
  time += 5;
  let passed = 0;
  for (let at = 0; at < 700; at += 1) if ((await two?.limits.spend(token))?.kind === 'spent') passed += 1;
  assert.equal(passed, 600);
  time += minute + minuteWindow.bucketMs;
  // The hour is used up by the other node; what this one never used belonged to another cell.
  assert.equal((await one?.limits.spend(token))?.kind, 'limited');
  assert.equal((await two?.limits.spend(token))?.kind, 'limited');
});

test('a clock of the cells that goes back stops nobody for longer than the window', async () => {
  let ahead = 4_000_000;
  const shared: Shared = { ...nothingShared(), clock: () => time + ahead };
  const [node] = nodesOver(shared, 1);
  const token = allowance(10, 1000);
  for (let at = 0; at < 10; at += 1) assert.equal((await node?.limits.spend(token))?.kind, 'spent');
  ahead -= 1_800_000;
  time += minute + minuteWindow.bucketMs;
  await node?.limits.spend(token);
  time += minute + minuteWindow.bucketMs;
  for (let at = 0; at < 10; at += 1) assert.equal((await node?.limits.spend(token))?.kind, 'spent');
});
