import assert from 'node:assert/strict';
import { test } from 'node:test';
import * as fc from 'fast-check';
import type { LimitRow } from '../store/rows.ts';
import type { Address, Clock, Millis, Password, UserId } from '../types.ts';
import { counterTable } from './counters.ts';
import { hold } from './hold.ts';
import { type Limiter, limiter as makeLimiter } from './limiter.ts';
import type { Try } from './places.ts';
import { dayMs, hourMs, minuteMs, unknownSecrets as unknownLimit } from './limits.ts';
import { repeats, type WrongSecret } from './repeats.ts';
import { budget, type CountingRule, doublingPause, forgiving, mergedStates, minuteAndDay, sliding } from './rules.ts';
import { unknownSecrets } from './unknown-secrets.ts';

type FakeClock = Clock & { pass(ms: number): void; set(ms: number): void };

function fakeClock(wall = 1_800_000_000_000): FakeClock {
  let now = 1_000_000;
  let skew = wall - now;
  return {
    now: () => (now + skew) as Millis,
    monotonic: () => now,
    pass: (ms) => void (now += ms),
    set: (ms) => void (skew += ms),
  };
}

const address = (text: string): Address => text as Address;
const alice = 'u_alice' as UserId;
const home = address('203.0.113.1');

const attempt = (more: Partial<Try> = {}): Try => ({
  way: 'login',
  address: home,
  standing: { kind: 'stranger', network: 'never-seen' },
  subject: { kind: 'user', userId: alice },
  ...more,
});
/** A way without the window of sign-ins, for nobody's name: networks alone. */
const code = (from: string): Try => attempt({ way: 'setup-code', address: address(from), subject: { kind: 'nobody' } });

const stage = (clock = fakeClock(), remembered: readonly LimitRow[] = []): { clock: FakeClock; limiter: Limiter } => ({
  clock,
  limiter: makeLimiter({ clock, remembered, together: null }),
});

async function fail(limiter: Limiter, tried: Try): Promise<'limited' | 'taken'> {
  const taking = await limiter.take(tried);
  if (taking.kind === 'taken') await taking.settle('failed');
  return taking.kind;
}

async function failures(limiter: Limiter, tries: readonly Try[]): Promise<number> {
  let counted = 0;
  for (const each of tries) counted += (await fail(limiter, each)) === 'taken' ? 1 : 0;
  return counted;
}

const retryAfter = async (limiter: Limiter, tried: Try): Promise<number> => {
  const taking = await limiter.take(tried);
  assert.equal(taking.kind, 'limited');
  return taking.kind === 'limited' ? taking.retryAfterSeconds : 0;
};

test('five failed sign-ins in any five minutes from one address, and no sixth; the oldest leaves first (PM6)', async () => {
  const { clock, limiter } = stage();
  for (let at = 0; at < 5; at += 1) {
    assert.equal(await fail(limiter, attempt({ subject: { kind: 'unknown', pseudonym: `name-${at}` } })), 'taken');
    clock.pass(10_000);
  }
  const other = attempt({ subject: { kind: 'unknown', pseudonym: 'another' } });
  assert.equal(await retryAfter(limiter, other), 250);
  clock.pass(250_000 - 1);
  assert.equal(await retryAfter(limiter, other), 1);
  clock.pass(1);
  assert.equal(await fail(limiter, other), 'taken');
  assert.equal(await retryAfter(limiter, other), 10);
});

test('ten failures a minute from one address, and no eleventh; a refused try does not extend the limit', async () => {
  const { clock, limiter } = stage();
  assert.equal(
    await failures(
      limiter,
      Array.from({ length: 12 }, () => code('203.0.113.1')),
    ),
    10,
  );
  for (let at = 0; at < 59; at += 1) {
    clock.pass(1000);
    assert.equal(await fail(limiter, code('203.0.113.1')), 'limited');
  }
  clock.pass(1000);
  assert.equal(await fail(limiter, code('203.0.113.1')), 'taken');
});

test('fifty failures a day from one address', async () => {
  const { clock, limiter } = stage();
  for (let at = 0; at < 50; at += 1) {
    assert.equal(await fail(limiter, code('203.0.113.1')), 'taken');
    clock.pass(minuteMs);
  }
  assert.equal(await fail(limiter, code('203.0.113.1')), 'limited');
  clock.pass(dayMs - 50 * minuteMs - 1);
  assert.equal(await fail(limiter, code('203.0.113.1')), 'limited');
  clock.pass(1);
  assert.equal(await fail(limiter, code('203.0.113.1')), 'taken');
});

test('wider networks count together, for those never seen with a success: others among them are not touched', async () => {
  const { limiter } = stage();
  const from = (last: number, third = 113): Try => code(`203.0.${third}.${last}`);
  assert.equal(
    await failures(
      limiter,
      Array.from({ length: 40 }, (_, at) => from(at)),
    ),
    30,
  );
  assert.equal(await fail(limiter, from(64)), 'taken');
  const seen = { ...from(40), standing: { kind: 'stranger', network: 'seen-before' } } as const;
  assert.equal(await fail(limiter, seen), 'taken');
  // The /21 around: ninety, from wherever in it.
  const around = Array.from({ length: 120 }, (_, at) => from(1 + Math.floor(at / 8) * 16, 114 + (at % 6)));
  assert.equal(await failures(limiter, around), 90 - 31);
  assert.equal(await fail(limiter, code('203.0.120.1')), 'taken');
});

test('one IPv6 /64 is one source, however many addresses it has', async () => {
  const { limiter } = stage();
  const from = (text: string): Try => code(text);
  const inside = Array.from({ length: 300 }, (_, at) => from(`2001:db8::${(at + 1).toString(16)}`));
  assert.equal(await failures(limiter, inside), 10);
  assert.equal(await fail(limiter, from('2001:db8:0:1::1')), 'taken');
});

test('a unit given back counts for nothing, and leaves nothing behind', async () => {
  const { limiter } = stage();
  for (let at = 0; at < 100; at += 1) {
    const taking = await limiter.take(attempt());
    assert.ok(taking.kind === 'taken');
    assert.deepEqual(await taking.settle('given-back'), { put: [], drop: [] });
  }
});

test('two hundred parallel wrong tries: five are looked at, the rest wait and are refused', async () => {
  const { limiter } = stage();
  let looked = 0;
  const kinds = await Promise.all(
    Array.from({ length: 200 }, async () => {
      const taking = await limiter.take(attempt());
      if (taking.kind === 'limited') return 'limited';
      looked += 1;
      await new Promise((resolve) => setImmediate(resolve));
      await taking.settle('failed');
      return 'taken';
    }),
  );
  assert.equal(looked, 5);
  assert.equal(kinds.filter((kind) => kind === 'limited').length, 195);
});

test('two hundred parallel right tries all get through: units in flight are waited for', async () => {
  const { limiter } = stage();
  let most = 0;
  let inFlight = 0;
  await Promise.all(
    Array.from({ length: 200 }, async () => {
      const taking = await limiter.take(attempt());
      assert.ok(taking.kind === 'taken');
      inFlight += 1;
      most = Math.max(most, inFlight);
      await new Promise((resolve) => setImmediate(resolve));
      inFlight -= 1;
      await taking.settle('succeeded');
    }),
  );
  assert.equal(most, 5);
});

test('so many may wait for those in flight, and a crowd beyond is refused at once', async () => {
  const { limiter } = stage();
  const permits: (() => Promise<unknown>)[] = [];
  const all = Array.from({ length: 400 }, async () => {
    const taking = await limiter.take(attempt());
    if (taking.kind === 'taken') permits.push(() => taking.settle('succeeded'));
    return taking;
  });
  await new Promise((resolve) => setImmediate(resolve));
  for (; permits.length > 0; await new Promise((resolve) => setImmediate(resolve))) await permits.shift()?.();
  const takings = await Promise.all(all);
  assert.equal(takings.filter((each) => each.kind === 'taken').length, 5 + 256);
  assert.deepEqual(takings.at(-1), { kind: 'limited', retryAfterSeconds: 1 });
});

test('a name from one network: five in a row for nothing, then pauses that double up to fifteen minutes', async () => {
  const { clock, limiter } = stage();
  const tried = attempt({ way: 'enable', standing: { kind: 'stranger', network: 'seen-before' } });
  for (let at = 0; at < 6; at += 1) assert.equal(await fail(limiter, tried), 'taken');
  for (const pause of [2, 4, 8, 16, 32, 64, 128, 256, 512, 900, 900]) {
    clock.pass(minuteMs); // Nothing but the pause holds any more.
    const left = pause * 1000 - minuteMs;
    if (left > 0) {
      assert.equal(await retryAfter(limiter, tried), left / 1000);
      clock.pass(left - 1);
      assert.equal(await fail(limiter, tried), 'limited');
      clock.pass(1);
    }
    assert.equal(await fail(limiter, tried), 'taken');
  }
});

test('a success ends what its own network has failed in a row, and nothing else', async () => {
  const { clock, limiter } = stage();
  const tried = attempt({ way: 'enable' });
  for (let at = 0; at < 5; at += 1) await fail(limiter, tried);
  const right = await limiter.take(tried);
  assert.ok(right.kind === 'taken');
  assert.deepEqual((await right.settle('succeeded')).drop, ['name-from-network u_alice 203.0.113.1/32']);
  clock.pass(minuteMs);
  for (let at = 0; at < 6; at += 1) assert.equal(await fail(limiter, tried), 'taken');
  assert.equal(await fail(limiter, tried), 'limited');
  // All eleven still count for strangers together.
  const strangers = Array.from({ length: 120 }, (_, at) => attempt({ address: address(`198.${at}.7.1`) }));
  assert.equal(await failures(limiter, strangers), 89);
});

test('a hundred failures from strangers lock strangers out, known or unknown name alike; the owner gets through', async () => {
  const { clock, limiter } = stage();
  for (const subject of [
    { kind: 'user', userId: alice },
    { kind: 'unknown', pseudonym: 'nobody' },
  ] as const) {
    const tries = Array.from({ length: 150 }, (_, at) => attempt({ subject, address: address(`198.${at}.0.1`) }));
    assert.equal(await failures(limiter, tries), 100);
    assert.equal(await retryAfter(limiter, attempt({ subject, address: address('198.200.0.1') })), 3600);
  }
  assert.equal(await fail(limiter, attempt({ standing: { kind: 'known-network' } })), 'taken');
  assert.equal(await fail(limiter, attempt({ standing: { kind: 'holder', holder: 'phone' } })), 'taken');
  clock.pass(hourMs);
  assert.equal(
    await failures(
      limiter,
      [1, 2].map((at) => attempt({ address: address(`198.20${at}.0.1`) })),
    ),
    1,
  );
});

test('a known device pays ten an hour from its own budget, and takes nothing from its network', async () => {
  const { clock, limiter } = stage();
  const tried = attempt({ standing: { kind: 'holder', holder: 'phone' } });
  assert.equal(
    await failures(
      limiter,
      Array.from({ length: 20 }, () => tried),
    ),
    10,
  );
  assert.equal(await fail(limiter, attempt({ standing: { kind: 'holder', holder: 'laptop' } })), 'taken');
  assert.equal(await fail(limiter, attempt()), 'taken');
  clock.pass(hourMs);
  assert.equal(await fail(limiter, tried), 'taken');
});

test('five wrong codes in a row from one network pause TOTP there for a quarter of an hour, and each further one again', async () => {
  const { clock, limiter } = stage();
  const totp = (from = home): Try => attempt({ way: 'totp', address: from });
  assert.equal(await failures(limiter, Array<Try>(5).fill(totp())), 5);
  assert.equal(await retryAfter(limiter, totp()), 900);
  // Another network, another account, and whoever is no stranger: not there.
  assert.equal(await fail(limiter, totp(address('203.0.113.2'))), 'taken');
  const bob = { kind: 'user', userId: 'u_bob' as UserId } as const;
  assert.equal(await fail(limiter, { ...totp(), subject: bob }), 'taken');
  for (const standing of [{ kind: 'holder', holder: 'd' }, { kind: 'known-network' }] as const)
    assert.equal((await limiter.take({ ...totp(), standing })).kind, 'taken');
  clock.pass(15 * minuteMs - 1);
  assert.equal(await retryAfter(limiter, totp()), 1);
  clock.pass(1);
  assert.equal(await fail(limiter, totp()), 'taken');
  assert.equal(await retryAfter(limiter, totp()), 900);
  // A success of whoever comes from there does not clear what strangers failed.
  clock.pass(15 * minuteMs);
  const taking = await limiter.take(totp());
  if (taking.kind === 'taken') await taking.settle('succeeded');
  assert.equal(await fail(limiter, totp()), 'taken');
  assert.equal(await retryAfter(limiter, totp()), 900);
  const [block] = (await limiter.blocks([])).filter(({ userId }) => userId === alice);
  assert.deepEqual([block?.kind, block?.network], ['totp-from-network', '203.0.113.1/32']);
  await limiter.lift({ kind: 'user', userId: alice }, []);
  assert.equal(await fail(limiter, totp()), 'taken');
  clock.pass(dayMs);
  assert.equal(await failures(limiter, Array<Try>(6).fill(totp())), 5);
});

test('strangers try codes of one account one after the other, from however many networks', async () => {
  const { limiter } = stage();
  let under = 0;
  let most = 0;
  await Promise.all(
    Array.from({ length: 100 }, async (_, at) => {
      const taking = await limiter.take(attempt({ way: 'totp', address: address(`198.51.100.${at}`) }));
      if (taking.kind === 'limited') return;
      under += 1;
      most = Math.max(most, under);
      await new Promise((resolve) => setImmediate(resolve));
      under -= 1;
      const { put } = await taking.settle('failed');
      // Whose turn it was is nothing to remember.
      assert.deepEqual(
        put.map((row) => row.key),
        [`totp-from-network ${alice} 198.51.100.${at}/32`],
      );
    }),
  );
  assert.equal(most, 1);
});

test('a code that came with the password is a failed sign-in; one that came after it is not', async () => {
  for (const [way, counted] of [
    ['login-code', 5],
    ['code', 10],
  ] as const) {
    const { limiter } = stage();
    assert.equal(await failures(limiter, Array<Try>(11).fill(attempt({ way }))), counted);
    assert.equal((await limiter.take(attempt({ way, standing: { kind: 'holder', holder: 'd' } }))).kind, 'taken');
  }
});

test('a way that counts with a holder needs one', async () => {
  await assert.rejects(stage().limiter.take(attempt({ way: 'reauthentication' })), TypeError);
});

test('counters survive a restart, on another machine time, and a clock that was set shuts nobody out', async () => {
  const rows = new Map<string, LimitRow>();
  const failing = async (limiter: Limiter, tried: Try): Promise<'limited' | 'taken'> => {
    const taking = await limiter.take(tried);
    if (taking.kind === 'limited') return taking.kind;
    const { put, drop } = await taking.settle('failed');
    for (const row of put) rows.set(row.key, row);
    for (const key of drop) rows.delete(key);
    return taking.kind;
  };
  const { clock, limiter } = stage();
  for (let at = 0; at < 5; at += 1) assert.equal(await failing(limiter, attempt()), 'taken');
  assert.equal(rows.size, 6);
  const restarted = (ms: number): { clock: FakeClock; limiter: Limiter } =>
    stage(fakeClock(clock.now() + ms), [...rows.values()]);
  assert.equal(await retryAfter(restarted(100_000).limiter, attempt()), 200);
  assert.equal(await fail(restarted(300_000).limiter, attempt()), 'taken');
  const back = restarted(-365 * dayMs);
  // Nobody knows how long ago it was: as long as a pause can be, and no longer.
  assert.equal(await retryAfter(back.limiter, attempt()), 900);
  back.clock.pass(900_000);
  assert.equal(await fail(back.limiter, attempt()), 'taken');
  const damaged = [{ key: 'narrow-v4 203.0.113.1/32', state: '"?"', endsAt: 0 as Millis }];
  assert.equal(
    await fail(stage(clock, [...damaged, { key: 'gone x', state: '[1]', endsAt: 0 as Millis }]).limiter, attempt()),
    'taken',
  );
});

test('who is limited is listed, and lifted: by user, by address, by network, all', async () => {
  const { clock, limiter } = stage();
  for (let at = 0; at < 6; at += 1) await fail(limiter, attempt({ way: 'enable' }));
  assert.deepEqual(await limiter.blocks([]), [
    { kind: 'name-from-network', network: '203.0.113.1/32', userId: alice, until: clock.now() + 2000 },
  ]);
  assert.equal((await limiter.lift({ kind: 'user', userId: 'u_other' as UserId }, [])).lifted, 0);
  const lifted = await limiter.lift({ kind: 'user', userId: alice }, []);
  assert.deepEqual(lifted.written.drop.toSorted(), ['name-from-network u_alice 203.0.113.1/32', 'strangers u_alice']);
  assert.deepEqual(await limiter.blocks([]), []);

  const blockTwo = async (): Promise<void> => {
    for (let at = 0; at < 10; at += 1)
      for (const from of ['198.51.100.9', '192.0.2.9']) await fail(limiter, code(from));
  };
  await blockTwo();
  assert.deepEqual((await limiter.blocks([])).map((each) => each.network).toSorted(), [
    '192.0.2.9/32',
    '198.51.100.9/32',
  ]);
  await limiter.lift({ kind: 'address', address: address('198.51.100.9') }, []);
  await limiter.lift({ kind: 'network', network: '192.0.2.9/32' }, []);
  assert.deepEqual(await limiter.blocks([]), []);
  await blockTwo();
  assert.equal((await limiter.blocks([])).length, 2);
  await limiter.lift({ kind: 'all' }, []);
  assert.deepEqual(await limiter.blocks([]), []);
  assert.equal(await fail(limiter, code('198.51.100.9')), 'taken');
});

test('a table gives way to newcomers from its oldest end, never to who is blocked; when all are, newcomers share one', () => {
  const clock = fakeClock();
  const table = counterTable({ name: 't', rule: budget({ most: 2, ms: minuteMs }), most: 3 });
  const failing = (key: string): string => {
    const now = clock.monotonic();
    const counted = table.resolve(key, now);
    table.begin(counted, now);
    table.end(counted, 'failed', now);
    return counted;
  };
  for (const key of ['a', 'a', 'b', 'c', 'd']) assert.equal(failing(key), key);
  assert.deepEqual([...table.keys()].toSorted(), ['a', 'c', 'd']);
  for (const key of ['c', 'd']) failing(key);
  assert.deepEqual([failing('e'), failing('f'), failing('a')], ['*', '*', 'a']);
  const now = clock.monotonic();
  assert.ok(table.rule.blockedMs(table.state(table.resolve('g', now)), now) > 0);
  clock.pass(minuteMs);
  assert.equal(failing('e'), 'e');
});

test('a flood of addresses and names: what is remembered stays within its bounds, and who was blocked stays blocked', async () => {
  const { limiter } = stage();
  for (let at = 0; at < 10; at += 1) await fail(limiter, code('203.0.113.1'));
  for (let at = 0; at < 6; at += 1) await fail(limiter, attempt({ way: 'enable', address: address('192.0.2.1') }));
  let kept = 0;
  for (let at = 0; at < 20_000; at += 1) {
    const from = address(`${10 + (at % 89)}.${(at >> 6) % 256}.${(at >> 14) % 256}.${at % 256}`);
    const taking = await limiter.take(attempt({ address: from, subject: { kind: 'unknown', pseudonym: `n${at}` } }));
    if (taking.kind === 'limited') continue;
    const { put, drop } = await taking.settle('failed');
    kept += put.length - drop.length;
  }
  // Rows of one counter are written again and again, so this is a bound, and the real number smaller.
  assert.ok(kept < 5 * 20_000, String(kept));
  assert.equal(await fail(limiter, code('203.0.113.1')), 'limited');
  assert.equal(await fail(limiter, attempt({ way: 'enable', address: address('192.0.2.1') })), 'limited');
});

test('rules: whatever happens, no more failures pass in a window than it allows, and every block ends', () => {
  const rules = [
    // A window begins with its first failure, so that two of them can meet.
    { rule: budget({ most: 3, ms: 1000 }), most: 5, ms: 1000 },
    { rule: sliding({ most: 3, ms: 1000 }), most: 3, ms: 1000 },
    { rule: minuteAndDay({ perMinute: 3, perDay: 5 }), most: 5, ms: dayMs },
    { rule: doublingPause({ free: 2, firstMs: 100, longestMs: 800, forgottenAfterMs: 5000 }), most: 3, ms: 100 },
    { rule: forgiving({ most: 3, forgivenEveryMs: 1000 }), most: 4, ms: 1000 },
  ];
  for (const { rule, most, ms } of rules) {
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 60 }), (pauses) => {
        let state: readonly number[] = [];
        const passed: number[] = [];
        let now = 5_000_000;
        for (const pause of pauses) {
          now += pause;
          const blocked = rule.blockedMs(state, now);
          assert.ok(blocked >= 0 && (blocked === 0 || rule.blockedMs(state, now + blocked) === 0));
          if (blocked > 0) continue;
          assert.ok(rule.room(state, now) >= 1);
          state = rule.fail(state, now);
          assert.ok(state.length <= rule.width);
          passed.push(now);
          assert.ok(rule.lastsMs(state, now) > 0);
          assert.ok(passed.filter((at) => now - at < ms).length <= most);
          for (const place of rule.times.places) assert.ok((state[place] ?? 0) <= now + rule.times.aheadMs);
        }
        assert.equal(rule.lastsMs(state, now + 10 * dayMs), 0);
      }),
    );
  }
});

test('rules: what two counted apart lets nothing through that one of them would not, and is the same in any order', () => {
  const rules: readonly CountingRule[] = [
    budget({ most: 3, ms: 1000 }),
    sliding({ most: 3, ms: 1000 }),
    minuteAndDay({ perMinute: 3, perDay: 5 }),
    doublingPause({ free: 2, firstMs: 100, longestMs: 800, forgottenAfterMs: 5000 }),
    forgiving({ most: 3, forgivenEveryMs: 1000 }),
  ];
  const start = 5_000_000;
  const counted = (rule: CountingRule, pauses: readonly number[]): { state: readonly number[]; now: number } => {
    let state: readonly number[] = [];
    let now = start;
    for (const pause of pauses) {
      now += pause;
      if (rule.blockedMs(state, now) === 0) state = rule.fail(state, now);
    }
    return { state, now };
  };
  const pauses = fc.array(fc.integer({ min: 0, max: 1500 }), { maxLength: 20 });
  for (const rule of rules)
    fc.assert(
      fc.property(pauses, pauses, fc.nat(6000), (here, there, later) => {
        const [one, other] = [counted(rule, here), counted(rule, there)];
        const now = Math.max(one.now, other.now) + later;
        const both = mergedStates(rule, one.state, other.state, now);
        assert.ok(both.length <= rule.width);
        for (const state of [one.state, other.state]) {
          assert.ok(rule.lastsMs(both, now) >= rule.lastsMs(state, now));
          for (let at = now; at < now + 8000; at += 250) {
            assert.ok(rule.blockedMs(both, at) >= rule.blockedMs(state, at));
            if (rule.blockedMs(both, at) === 0) assert.ok(rule.room(both, at) <= rule.room(state, at));
          }
        }
        assert.equal(rule.blockedMs(both, now + rule.blockedMs(both, now)), 0);
        for (const again of [mergedStates(rule, both, one.state, now), mergedStates(rule, other.state, one.state, now)])
          for (let at = now; at < now + 8000; at += 250)
            assert.deepEqual(
              [rule.blockedMs(again, at), rule.room(again, at)],
              [rule.blockedMs(both, at), rule.room(both, at)],
            );
      }),
    );
});

test('rules: of two states that end together the greater one, from its first number on, counts more', () => {
  const now = 5_000_000;
  for (const rule of [budget({ most: 30, ms: hourMs }), minuteAndDay({ perMinute: 20, perDay: 30 })]) {
    let state = rule.fail([], now);
    for (let at = 1; at < 12; at += 1) {
      const more = rule.fail(state, now + at * 10_000);
      const first = more.findIndex((value, place) => value !== state[place]);
      assert.ok((more[first] ?? 0) > (state[first] ?? 0));
      assert.equal(rule.lastsMs(more, now), rule.lastsMs(state, now));
      state = more;
    }
  }
});

test('a full table takes what is known of a row it has, and lets it stay like one that failed there', () => {
  const clock = fakeClock();
  const now = clock.monotonic();
  const rule = budget({ most: 2, ms: minuteMs });
  const table = counterTable({ name: 't', rule, most: 3 });
  for (const key of ['a', 'b', 'c']) table.restore(key, [1, now + minuteMs], 'known');
  table.restore('a', [2, now + minuteMs], 'known');
  table.restore('b', [1, now + minuteMs], 'failed');
  table.restore('d', [2, now + minuteMs], 'failed');
  assert.deepEqual(table.state('a'), [2, now + minuteMs]);
  assert.deepEqual(table.state('d'), []);
  assert.deepEqual(table.begin('e', now), { kind: 'gave-way', key: 'c' });
});

test('the same wrong secret for the same name from one network is told, eight per name, for a day', async () => {
  const clock = fakeClock();
  const told = repeats({ clock, keys: () => [new Uint8Array(32)], cells: null });
  const tried = (secret: string, more: Partial<WrongSecret> = {}): WrongSecret => ({
    subject: { kind: 'user', id: alice, standing: '1 active' },
    network: '203.0.113.1/32',
    secret: secret as Password,
    ...more,
  });
  assert.equal((await told.recall(tried('a'))).before, null);
  assert.equal((await (await told.recall(tried('a'))).note('wrong')).kind, 'new');
  assert.equal((await told.recall(tried('a'))).before, 'wrong');
  assert.equal((await (await told.recall(tried('a'))).note('wrong')).kind, 'repeated');
  for (const other of [
    tried('b'),
    tried('a', { network: '203.0.113.2/32' }),
    tried('a', { subject: { kind: 'user', id: alice, standing: '2 active' } }),
    tried('a', { subject: { kind: 'user', id: alice, standing: '1 disabled' } }),
    tried('a', { subject: { kind: 'user', id: 'u_bob', standing: '1 active' } }),
    tried('a', { subject: { kind: 'unknown', id: alice, standing: '1 active' } }),
  ])
    assert.equal((await told.recall(other)).before, null);
  for (let at = 0; at < 7; at += 1) await (await told.recall(tried(`more ${at}`))).note('wrong');
  assert.equal((await told.recall(tried('a'))).before, 'wrong');
  await (await told.recall(tried('the ninth'))).note('wrong');
  assert.equal((await told.recall(tried('a'))).before, null);
  clock.pass(dayMs);
  assert.equal((await told.recall(tried('the ninth'))).before, null);
});

test('secrets that do not exist: six hundred a minute from one network, and others are not touched', () => {
  const clock = fakeClock();
  const unknown = unknownSecrets(clock);
  for (let at = 0; at < unknownLimit.perMinute; at += 1) {
    assert.equal(unknown.standing(home).kind, 'open');
    unknown.charge(home);
  }
  assert.deepEqual(unknown.standing(home), { kind: 'limited', retryAfterSeconds: 60 });
  assert.equal(unknown.standing(address('203.0.113.2')).kind, 'open');
  clock.pass(minuteMs);
  assert.equal(unknown.standing(home).kind, 'open');
});

test('hold: refusals leave at a whole second after arrival', async () => {
  const clock = fakeClock();
  const waited: number[] = [];
  const holding = hold(clock, (ms) => {
    waited.push(ms);
    return Promise.resolve();
  });
  const arrivedAt = clock.monotonic();
  for (const [spent, rest] of [
    [0, 1000],
    [1, 999],
    [999, 1],
    [1000, 0],
    [1001, 999],
  ] as const) {
    const late = hold({ ...clock, monotonic: () => arrivedAt + spent }, (ms) => {
      waited.push(ms);
      return Promise.resolve();
    });
    assert.equal((await late.untilWholeSecond(arrivedAt)).kind, 'held');
    assert.equal(waited.pop(), rest);
  }
  assert.equal((await holding.untilWholeSecond(arrivedAt)).kind, 'held');
});

test('hold: at most 512 at once, the next is told so', async () => {
  const releases: (() => void)[] = [];
  const holding = hold(fakeClock(), () => new Promise((resolve) => releases.push(resolve)));
  const held = Array.from({ length: 512 }, () => holding.untilWholeSecond(0));
  assert.equal((await holding.untilWholeSecond(0)).kind, 'crowded');
  for (const release of releases) release();
  assert.deepEqual(new Set((await Promise.all(held)).map((each) => each.kind)), new Set(['held']));
  releases.length = 0;
  const again = holding.untilWholeSecond(0);
  releases[0]?.();
  assert.equal((await again).kind, 'held');
});
