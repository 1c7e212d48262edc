/**
 * Step 2: may it be tried now? One limiter for every secret that can be guessed: what a try is charged with says
 * `charges` in `limits.ts`. A unit is taken before the secret is looked at and given back when it was right, so that
 * parallel guesses cannot pass a limit together; when only units in flight fill it, a try waits for them.
 *
 * Several nodes count together in shared cells. While those are away each counts for itself at the same limits; what is
 * counted together is kept here as well, so that nothing is forgiven by that.
 */
import { newName } from '../crypto/random.ts';
import type { LimitRow, LimitsWritten } from '../store/rows.ts';
import type { Clock, Millis } from '../types.ts';
import { type Outcome, sharedKey } from './counters.ts';
import { type CounterState, mergedStates } from './rules.ts';
import * as shared from './shared-counts.ts';
import { mostWaiting, sharedQueue } from './waiting.ts';
import { stepping, type Together } from './together.ts';
import {
  type Block,
  type Lifting,
  moved,
  nameOf,
  type Place,
  places as makePlaces,
  rowsOf,
  stateOf,
  type Try,
} from './places.ts';

export interface Limited {
  readonly kind: 'limited';
  readonly retryAfterSeconds: number;
}

export interface Permit {
  readonly kind: 'taken';
  /**
   * `failed` keeps the unit, `given-back` frees it, `succeeded` also ends this one's failures in a row. Called exactly
   * once; gives what is to be written down, so that counters survive a restart.
   */
  readonly settle: (result: 'failed' | 'given-back' | 'succeeded') => Promise<LimitsWritten>;
}

export interface Limiter {
  take(attempt: Try): Promise<Limited | Permit>;
  /** Whether a try would be refused now, whoever it is for; takes nothing. */
  standing(attempt: Pick<Try, 'way' | 'address' | 'standing'>): Promise<Limited | { readonly kind: 'open' }>;
  /** Who is limited now, as counted here or written down by any node; names that are no account's are nobody. */
  blocks(written: readonly LimitRow[]): Promise<readonly Block[]>;
  lift(
    lifting: Lifting,
    written: readonly LimitRow[],
  ): Promise<{ readonly lifted: number; readonly written: LimitsWritten }>;
  /** What an operator lifted at another node, as `lift` wrote it. */
  forget(lifted: string): Promise<void>;
}

export interface LimiterParts {
  readonly clock: Clock;
  readonly remembered: readonly LimitRow[];
  /** Null: this process counts for itself. */
  readonly together: Together | null;
}

/** Places asked for in one step. */
const mostAtOnce = 256;

const nothingWritten: LimitsWritten = { put: [], drop: [] };

export function limiter({ clock, remembered, together }: LimiterParts): Limiter {
  const places = makePlaces();
  const { tables, endedBySuccess } = places;
  const waiting = sharedQueue(clock);

  /** Where each place is counted now: the table may have no room of its own for it. */
  const resolved = (all: readonly Place[]): readonly Place[] => {
    const now = clock.monotonic();
    return all.map(({ table, key }) => ({ table, key: table.resolve(key, now) }));
  };

  const blockedHere = (all: readonly Place[]): Limited | { readonly kind: 'open' } => {
    const now = clock.monotonic();
    return standingAfter(Math.max(0, ...all.map(({ table, key }) => table.rule.blockedMs(table.state(key), now))));
  };

  /** Room in the tables for a try that is let through. Tells what had to give way. */
  const begin = (all: readonly Place[]): readonly Place[] => {
    const now = clock.monotonic();
    return all.flatMap(({ table, key }) => {
      const begun = table.begin(key, now);
      return begun.kind === 'gave-way' ? [{ table, key: begun.key }] : [];
    });
  };

  const written = (
    all: readonly Place[],
    gaveWay: readonly Place[],
    outcomeAt: (place: Place) => Outcome,
  ): LimitsWritten => {
    // What all newcomers share is about nobody, and begins anew with each process.
    const own = all.filter(({ key }) => key !== sharedKey);
    const having = (outcome: Outcome) => own.filter((place) => outcomeAt(place) === outcome);
    const [put, cleared] = [rowsOf(having('failed'), clock), having('cleared')];
    return put.length + cleared.length + gaveWay.length === 0
      ? nothingWritten
      : { put, drop: [...gaveWay, ...cleared].map(nameOf) };
  };

  const outcomesOf = (result: Parameters<Permit['settle']>[0]) => {
    const clears = (place: Place) => result === 'succeeded' && endedBySuccess.has(place.table);
    return (place: Place): Outcome => (result === 'failed' ? 'failed' : clears(place) ? 'cleared' : 'given-back');
  };

  const settleHere = (
    all: readonly Place[],
    gaveWay: readonly Place[],
    result: Parameters<Permit['settle']>[0],
  ): LimitsWritten => {
    const now = clock.monotonic();
    const wanted = outcomesOf(result);
    const known = new Map(
      all.map((place) => {
        const empty = place.table.state(place.key).length === 0;
        const outcome = wanted(place);
        return [place, outcome === 'cleared' && empty ? 'given-back' : outcome] as const;
      }),
    );
    for (const [{ table, key }, outcome] of known) table.end(key, outcome, now);
    countedHere(all.filter((place) => wanted(place) === 'failed'));
    endedHere(all.filter((place) => wanted(place) === 'cleared'));
    // What gives way here may be blocked by what another node counts, and has written down.
    return written(all, together === null ? gaveWay : [], (place) => known.get(place) ?? 'given-back');
  };

  const restore = (row: LimitRow): void => {
    const place = places.named(row.key);
    if (place === undefined) return;
    const { table, key } = place;
    const now = clock.monotonic();
    const state = stateOf(table.rule, row, clock.now(), now);
    if (state === undefined || table.rule.lastsMs(state, now) <= 0) return;
    table.restore(key, mergedStates(table.rule, table.state(key), state, now), 'known');
  };

  for (const row of remembered) restore(row);

  const { step, countedHere, endedHere, lift: liftThere } = stepping(together, { clock, places, restore });

  /**
   * What is counted together is known here, too. It can be less than what is known only where a success ended it at
   * another node; what an operator lifted there is told to this one.
   */
  const mirror = ({ table, key }: Place, there: CounterState, outcome: Outcome, now: number): void => {
    if (key === sharedKey) return;
    const known = endedBySuccess.has(table) ? [] : table.state(key);
    const state = mergedStates(table.rule, known, there, now);
    if (state.length === 0) table.clear(key, now);
    else table.restore(key, state, outcome === 'failed' ? 'failed' : 'known');
  };

  /** `unit`: by which it is known where all nodes count; empty where it was taken here alone. */
  const permit = (all: readonly Place[], unit: string): Permit => {
    const gaveWay = begin(all);
    return {
      kind: 'taken',
      settle: async (result) => {
        const outcomeAt = outcomesOf(result);
        const done = await step([...all, ...gaveWay], (cells) => ({
          gone: gaveWay.filter((place) => shared.giveWay(cells, place) === 'gone'),
          counted: shared.settle(cells, all, unit, outcomeAt),
        }));
        // A unit of it lapses there as a failure.
        if (done.kind === 'away') return settleHere(all, gaveWay, result);
        const now = clock.monotonic();
        const { gone, counted } = done.value;
        all.forEach((place, at) => {
          const { table, key } = place;
          mirror(place, moved(table.rule, counted.states[at] ?? [], now - counted.now), outcomeAt(place), now);
          table.end(key, 'given-back', now);
        });
        return written(all, gone, outcomeAt);
      },
    };
  };

  /** `away`: it cannot be told. */
  const takeTogether = async (all: readonly Place[]): Promise<Limited | Permit | { readonly kind: 'away' }> => {
    if (together === null) return { kind: 'away' };
    const unit = newName(together.random);
    const queue = waiting.join();
    for (;;) {
      const taking = await step(all, (cells) => shared.take(cells, all, unit));
      if (taking.kind === 'away') return taking;
      switch (taking.value.kind) {
        case 'blocked':
          return limited(taking.value.ms);
        case 'taken':
          return permit(all, unit);
        case 'full':
          if ((await queue.wait(taking.value)).kind === 'gave-up') return { kind: 'limited', retryAfterSeconds: 1 };
      }
    }
  };

  const takeHere = async (attempted: readonly Place[]): Promise<Limited | Permit> => {
    for (;;) {
      const all = resolved(attempted);
      const standing = blockedHere(all);
      if (standing.kind === 'limited') return standing;
      const now = clock.monotonic();
      const full = all.find(({ table, key }) => table.inFlight(key) >= table.rule.room(table.state(key), now));
      if (full === undefined) return permit(all, '');
      // Each end wakes all who wait for it: a crowd would cost more than it is worth.
      if (full.table.waiting(full.key) >= mostWaiting) return { kind: 'limited', retryAfterSeconds: 1 };
      await full.table.nextEnd(full.key);
    }
  };

  const lift: Limiter['lift'] = async (lifting, rows) => {
    const now = clock.monotonic();
    const here = tables.flatMap((table) =>
      [...table.keys()].filter((key) => table.state(key).length > 0).map((key): Place => ({ table, key })),
    );
    const elsewhere = rows.flatMap(({ key }) => places.named(key) ?? []);
    const meant = new Map(
      [...elsewhere, ...here]
        .filter((place) => places.isAbout(lifting, place) === 'meant')
        .map((place) => [nameOf(place), place]),
    );
    for (const { table, key } of meant.values()) table.clear(key, now);
    await liftThere([...meant.values()]);
    return {
      lifted: meant.size,
      written: { put: [], drop: [...meant.keys()], lifted: JSON.stringify(lifting) },
    };
  };

  return {
    take: async (attempt) => {
      const attempted = places.of(attempt);
      const taken = await takeTogether(resolved(attempted));
      return taken.kind === 'away' ? takeHere(attempted) : taken;
    },

    standing: async (attempt) => {
      const all = resolved(places.of({ ...attempt, subject: { kind: 'nobody' } }));
      const known = await step(all, (cells) => shared.blockedMs(cells, all));
      return known.kind === 'away' ? blockedHere(all) : standingAfter(known.value);
    },

    blocks: async (rows) => {
      const now = clock.monotonic();
      const wall = clock.now();
      const msAt = new Map<string, { readonly place: Place; readonly ms: number }>();
      const note = (place: Place, state: CounterState): void => {
        if (place.key === sharedKey || state.length === 0) return;
        const ms = place.table.rule.blockedMs(state, now);
        if (ms >= (msAt.get(nameOf(place))?.ms ?? 0)) msAt.set(nameOf(place), { place, ms });
      };
      for (const row of rows) {
        const place = places.named(row.key);
        if (place) note(place, stateOf(place.table.rule, row, wall, now) ?? []);
      }
      for (const table of tables) for (const key of table.keys()) note({ table, key }, table.state(key));
      const all = [...msAt.values()];
      const blocks: Block[] = [];
      for (let from = 0; from < all.length; from += mostAtOnce) {
        const part = all.slice(from, from + mostAtOnce);
        // What is written down and what this node has seen may be behind by what another one counts just now.
        const known = await step(
          part.map(({ place }) => place),
          (cells) => part.map(({ place }) => shared.blockedMs(cells, [place])),
        );
        for (const [at, { place, ms: here }] of part.entries()) {
          const ms = known.kind === 'away' ? here : (known.value[at] ?? here);
          const about = places.about(place);
          if (ms > 0 && about !== 'nobody') blocks.push({ ...about, until: Math.ceil(wall + ms) as Millis });
        }
      }
      return blocks;
    },

    lift,
    forget: async (lifted) => void (await lift(JSON.parse(lifted) as Lifting, [])),
  };
}

function limited(ms: number): Limited {
  return { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)) };
}

function standingAfter(ms: number): Limited | { readonly kind: 'open' } {
  return ms > 0 ? limited(ms) : { kind: 'open' };
}
