import assert from 'node:assert/strict';
import { test } from 'node:test';
import type { Random } from '../crypto/random.ts';
import type { LimitRow, LimitsWritten } from '../store/rows.ts';
import type { CellGroup, Cells, SharedCells } from '../store/shared-cells.ts';
import type { Address, Clock, Millis, UserId } from '../types.ts';
import { type Limiter, limiter as makeLimiter } from './limiter.ts';
import type { Try } from './places.ts';

let time = 1_000_000;
const clock: Clock = { now: () => (1_800_000_000_000 + time) as Millis, monotonic: () => time };

/** What several nodes share, whose clock is another one than theirs; a copy of it can be put back. */
interface Shared {
  texts: Map<string, string>;
  mark: number;
}

interface View extends SharedCells {
  /** Loses the connection. */
  leave(): void;
  /** Has another one. */
  reach(): void;
  /** Fillings wait for it. */
  hold: Promise<void>;
}

function viewOf(shared: Shared): View {
  let standing: 'away' | 'reachable' = 'reachable';
  let filled = 0;
  let listener = (): void => undefined;
  const run = <T>(keys: readonly string[], decide: (cells: Cells) => T): T =>
    decide({
      now: time + 4_000_000,
      get: (key) => {
        assert.ok(keys.includes(key));
        return shared.texts.get(key) ?? '';
      },
      put: (key, text, lastsMs) => void (lastsMs > 0 ? shared.texts.set(key, text) : shared.texts.delete(key)),
    });
  const view: View = {
    hold: Promise.resolve(),
    step: (keys, decide) => {
      if (standing === 'away') return Promise.resolve({ kind: 'away' });
      if (filled !== shared.mark || filled === 0) return Promise.resolve({ kind: 'unfilled' });
      return Promise.resolve({ kind: 'done', value: run(keys, decide) });
    },
    fill: async (over, groups: Iterable<CellGroup>) => {
      if (shared.mark === 0 || over === 'nothing') {
        shared.mark += 1;
        shared.texts.clear();
      }
      for (const { keys, decide } of groups) run(keys, decide);
      await view.hold;
      if (standing === 'away') throw new Error('away');
      filled = shared.mark;
    },
    drop: (keys) => {
      if (standing === 'away') return Promise.resolve({ kind: 'away' });
      for (const key of keys) shared.texts.delete(key);
      return Promise.resolve({ kind: 'gone' });
    },
    onReached: (heard) => void (listener = heard),
    standing: () => ({ kind: standing }),
    leave: () => void (standing = 'away'),
    reach: () => {
      standing = 'reachable';
      filled = 0;
      listener();
    },
  };
  return view;
}

/** The database that nodes write limits into. */
type Rows = Map<string, LimitRow>;

interface Node {
  readonly cells: View;
  readonly limiter: Limiter;
  readonly rows: Rows;
}

const nothingShared = (): Shared => ({ texts: new Map(), mark: 0 });

function nodeOver(shared: Shared, name = 0, rows: Rows = new Map()): Node {
  const cells = viewOf(shared);
  let made = name;
  const random: Random = { bytes: (count) => new Uint8Array(count).fill((made += 1)) };
  const remembered = () => Promise.resolve([...rows.values()]);
  return { cells, rows, limiter: makeLimiter({ clock, remembered: [], together: { cells, random, remembered } }) };
}

const code = (address: string): Try => ({
  way: 'setup-code',
  address: address as Address,
  standing: { kind: 'stranger', network: 'never-seen' },
  subject: { kind: 'nobody' },
});
const tried = code('203.0.113.1');
/** From wherever, for one account. */
const atAlice = (at: number): Try => ({
  way: 'login',
  address: `10.${at >> 8}.${at & 255}.1` as Address,
  standing: { kind: 'stranger', network: 'seen-before' },
  subject: { kind: 'user', userId: 'u_alice' as UserId },
});
const atNobody = (address: string): Try => ({
  ...atAlice(0),
  address: address as Address,
  subject: { kind: 'unknown', pseudonym: address },
});

function write(rows: Rows, { put, drop }: LimitsWritten): void {
  for (const key of drop) rows.delete(key);
  for (const row of put) rows.set(row.key, row);
}

async function fail({ limiter, rows }: Node, attempt: Try = tried): Promise<'limited' | 'taken'> {
  const taking = await limiter.take(attempt);
  if (taking.kind === 'taken') write(rows, await taking.settle('failed'));
  return taking.kind;
}

async function lookedAt(node: Node, tries: readonly Try[]): Promise<number> {
  let looked = 0;
  for (const each of tries) looked += (await fail(node, each)) === 'taken' ? 1 : 0;
  return looked;
}

const guesses = (from: number, count: number): Try[] => Array.from({ length: count }, (_, at) => atAlice(from + at));
const settled = (): Promise<void> => new Promise((resolve) => setTimeout(resolve, 5));

test('what two nodes count together is listed by each of them, also where another one counted the last of it', async () => {
  const shared = nothingShared();
  const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  assert.equal(await fail(one), 'taken');
  assert.deepEqual(await one.limiter.blocks([]), []);
  while ((await fail(two)) === 'taken');
  const [block, ...others] = await one.limiter.blocks([]);
  assert.deepEqual([block?.kind, block?.network, others], ['network', '203.0.113.1/32', []]);
  // The address, and the two wider networks around it.
  assert.equal((await one.limiter.lift({ kind: 'all' }, [])).lifted, 3);
  await two.limiter.forget(JSON.stringify({ kind: 'all' }));
  assert.deepEqual(await two.limiter.blocks([]), []);
  assert.equal(await fail(two), 'taken');
});

test('while the shared counts are away a node lists what it knows', async () => {
  const shared = nothingShared();
  const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  await fail(one);
  while ((await fail(two)) === 'taken');
  one.cells.leave();
  two.cells.leave();
  assert.deepEqual(await one.limiter.blocks([]), []);
  assert.equal((await two.limiter.blocks([])).length, 1);
});

test('who is blocked where nodes count together stays blocked, however many newcomers a full table lets in', async () => {
  const node = nodeOver(nothingShared());
  const held = '198.51.100.1';
  await fail(node, atNobody(held));
  const newcomer = (at: number): Try => atNobody(`10.0.${at >> 8}.${at & 255}`);
  for (let at = 0; at < 8191; at += 1) await fail(node, newcomer(at));
  for (let at = 1; at < 5; at += 1) assert.equal(await fail(node, atNobody(held)), 'taken');
  for (let at = 0; at < 200; at += 1) {
    await fail(node, newcomer(8191 + at));
    assert.equal(await fail(node, atNobody(held)), 'limited', `after ${at} newcomers`);
  }
  assert.ok(node.rows.has(`sign-in-v4 ${held}/32`));
});

test('who gives way at one node stays blocked by what another one counted, there and in what is written down', async () => {
  const shared = nothingShared();
  const rows: Rows = new Map();
  const [one, two] = [nodeOver(shared, 0, rows), nodeOver(shared, 100, rows)];
  const held = '198.51.100.1';
  await fail(one, atNobody(held));
  for (let at = 1; at < 5; at += 1) assert.equal(await fail(two, atNobody(held)), 'taken');
  for (let made = 0; made < 8300; made += 1) await fail(one, atNobody(`10.0.${made >> 8}.${made & 255}`));
  assert.equal(await fail(one, atNobody(held)), 'limited');
  assert.equal(await fail(two, atNobody(held)), 'limited');
  assert.ok(rows.has(`sign-in-v4 ${held}/32`));
});

test('what a node counted alone counts on when the others are reached again: a hundred in all', async () => {
  const shared = nothingShared();
  const rows: Rows = new Map();
  const [one, two] = [nodeOver(shared, 0, rows), nodeOver(shared, 100, rows)];
  assert.equal(await lookedAt(one, guesses(0, 50)), 50);
  one.cells.leave();
  assert.equal(await lookedAt(one, guesses(50, 30)), 30);
  one.cells.reach();
  await settled();
  // Its own, and what nobody asked it for since.
  assert.equal(await lookedAt(two, guesses(80, 40)), 20);
  assert.equal(await lookedAt(one, guesses(120, 40)), 0);
  two.cells.leave();
  assert.equal(await lookedAt(two, guesses(160, 40)), 0);
});

test('a try that began alone and ended together counts there', async () => {
  const shared = nothingShared();
  const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  one.cells.leave();
  const taking = await one.limiter.take(tried);
  one.cells.reach();
  await settled();
  assert.ok(taking.kind === 'taken');
  await taking.settle('failed');
  assert.equal(
    await lookedAt(
      two,
      Array.from({ length: 12 }, () => tried),
    ),
    9,
  );
});

test('cells that come back as they were a while ago are told what they have lost', async () => {
  const shared = nothingShared();
  const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  assert.equal(await lookedAt(one, guesses(0, 40)), 40);
  const copy = new Map(shared.texts);
  assert.equal(await lookedAt(one, guesses(40, 60)), 60);
  for (const { cells } of [one, two]) cells.leave();
  shared.texts = copy;
  for (const { cells } of [one, two]) cells.reach();
  await settled();
  assert.equal(await fail(two, atAlice(100)), 'limited');
});

test('cells that lose some of theirs take nothing from what a node knows', async () => {
  const shared = nothingShared();
  const node = nodeOver(shared);
  assert.equal(await lookedAt(node, guesses(0, 99)), 99);
  shared.texts.clear();
  assert.equal(await fail(node, atAlice(100)), 'taken');
  node.cells.leave();
  assert.equal(await lookedAt(node, guesses(101, 40)), 1);
});

test('emptied cells are filled by every node, and from rows that a node has no room for', async () => {
  const shared = nothingShared();
  const rows: Rows = new Map();
  const [one, two] = [nodeOver(shared, 0, rows), nodeOver(shared, 100, rows)];
  assert.equal(await fail(two, atAlice(0)), 'taken');
  const crowd = nodeOver(nothingShared(), 200, rows);
  for (let made = 0; made < 8192; made += 1) await fail(one, atNobody(`10.0.${made >> 8}.${made & 255}`));
  for (let at = 0; at < 5; at += 1) await fail(crowd, atNobody('198.51.100.1'));
  shared.texts.clear();
  shared.mark = 0;
  assert.equal(await fail(one, atNobody('198.51.100.1')), 'limited');
  assert.equal(await fail(two, atNobody('198.51.100.1')), 'limited');
});

test('what a success ended at another node does not come back with a new connection', async () => {
  const shared = nothingShared();
  const rows: Rows = new Map();
  const [one, two] = [nodeOver(shared, 0, rows), nodeOver(shared, 100, rows)];
  const phone: Try = { ...atAlice(0), standing: { kind: 'holder', holder: 'phone' } };
  for (let at = 0; at < 9; at += 1) assert.equal(await fail(one, phone), 'taken');
  const right = await two.limiter.take(phone);
  assert.ok(right.kind === 'taken');
  write(rows, await right.settle('succeeded'));
  one.cells.leave();
  one.cells.reach();
  await settled();
  for (let at = 0; at < 10; at += 1) assert.equal(await fail(one, phone), 'taken');
  assert.equal(await fail(two, phone), 'limited');
});

test('what is lifted or ended while the cells are away stays so when they are back, for a few and for many', async () => {
  for (const many of [0, 5000]) {
    const shared = nothingShared();
    const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
    for (let made = 0; made < many; made += 1) await fail(one, code(`10.${made >> 5}.${(made & 31) << 3}.1`));
    while ((await fail(one)) === 'taken');
    for (const { cells } of [one, two]) cells.leave();
    const { lifted, written } = await one.limiter.lift({ kind: 'all' }, []);
    assert.ok(many === 0 || lifted > 4096);
    await two.limiter.forget(written.lifted ?? '');
    assert.equal(await fail(one), 'taken');
    for (const { cells } of [two, one]) cells.reach();
    await settled();
    assert.equal(
      await lookedAt(
        two,
        Array.from({ length: 12 }, () => tried),
      ),
      9,
    );
  }
});

test('while a filling takes long, tries are counted here, within the limit, and there as soon as it is done', async () => {
  const shared = nothingShared();
  const [one, two] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  const held = Promise.withResolvers<void>();
  one.cells.hold = held.promise;
  const began = performance.now();
  const all = Array.from({ length: 12 }, () => fail(one));
  assert.equal((await Promise.all(all)).filter((kind) => kind === 'taken').length, 10);
  assert.ok(performance.now() - began < 5000);
  assert.equal((await two.limiter.take(tried)).kind, 'taken');
  held.resolve();
  await settled();
  assert.equal(await fail(one), 'limited');
  assert.equal(await fail(two), 'limited');
});

test('units of a node that is gone are waited for a few seconds, by so many per name', async () => {
  const shared = nothingShared();
  const [gone, node] = [nodeOver(shared, 0), nodeOver(shared, 100)];
  const [here, there] = [tried, code('198.51.100.1')];
  for (let at = 0; at < 10; at += 1) assert.equal((await gone.limiter.take(here)).kind, 'taken');
  const began = time;
  const ticking = setInterval(() => (time += 50), 10);
  const waiting = Array.from({ length: 300 }, () => node.limiter.take(here));
  // A crowd at one door takes no place at another.
  const units = await Promise.all(Array.from({ length: 10 }, () => node.limiter.take(there)));
  const next = node.limiter.take(there);
  assert.equal(await Promise.race([next, settled()]), undefined);
  for (const unit of units) if (unit.kind === 'taken') await unit.settle('given-back');
  assert.equal((await next).kind, 'taken');
  for (const got of await Promise.all(waiting)) assert.deepEqual(got, { kind: 'limited', retryAfterSeconds: 1 });
  clearInterval(ticking);
  assert.ok(time - began >= 3000 && time - began < 15_000);
});

test('right tries at both nodes all get through: units that end are waited for', async () => {
  const shared = nothingShared();
  const nodes = [nodeOver(shared, 0), nodeOver(shared, 100)];
  let inFlight = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 60 }, async (_, at) => {
      const taking = await nodes[at % 2]?.limiter.take(tried);
      assert.ok(taking?.kind === 'taken');
      inFlight += 1;
      most = Math.max(most, inFlight);
      await settled();
      inFlight -= 1;
      await taking.settle('succeeded');
    }),
  );
  assert.equal(most, 10);
});
