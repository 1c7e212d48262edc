/**
 * What all nodes share of a token's limits: one cell per token, of which a node leases a slice at a time and spends it
 * without asking. Units are charged when they are leased and void when that charge leaves the minute, so all nodes together
 * let through at most the limit and one slice each. What was leased in vain is given back with the next step.
 *
 * These cells are filled from here, with nothing: each node's own windows bound it whatever they have forgotten.
 */
import { digest } from '../../crypto/digest.ts';
import type { Cells, SharedCells, StepOutcome } from '../../store/shared-cells.ts';
import type { Clock } from '../../types.ts';
import { tokenLimits as numbers } from '../limits.ts';
import { type Allowed, type Charge, grant } from './token-cells.ts';
import { minuteWindow } from './token-windows.ts';

/** What is left of a window in the cell, and when by this node's clock its oldest count leaves. */
export interface SeenWindow {
  readonly remaining: number;
  readonly oldestLeavesAt: number;
}

export interface Seen {
  readonly minute: SeenWindow;
  readonly hour: SeenWindow;
}

export type Leasing =
  /** `left`: leased here and not used yet; the cell counts them as used. */
  | { readonly kind: 'leased'; readonly seen: Seen; readonly left: number }
  | { readonly kind: 'refused'; readonly seen: Seen; readonly freeAt: number }
  /** Too many wait. */
  | { readonly kind: 'crowded' }
  /** Cells are away: this node counts for itself. */
  | { readonly kind: 'alone' };

interface Slice {
  readonly allowed: Allowed;
  readonly seen: Seen;
  readonly size: number;
  left: number;
  readonly leasedAt: number;
  readonly voidAt: number;
  readonly charge: Charge;
}

interface Refusal {
  readonly allowed: Allowed;
  readonly seen: Seen;
  readonly freeAt: number;
  /** Until then it is not asked again. */
  readonly until: number;
}

/** One token's, at this node. */
export interface Lease {
  readonly cell: string;
  want: number;
  slice: Slice | null;
  refusal: Refusal | null;
  asking: 'nothing' | 'in-time' | 'late';
  waiting: { readonly allowed: Allowed; readonly resolve: (leasing: Leasing) => void }[];
}

export interface LeasedSlices {
  lease(id: string): Lease;
  /** `ask`: only the cells can tell. */
  take(lease: Lease, allowed: Allowed, now: number): Leasing | { readonly kind: 'ask' };
  ask(lease: Lease, allowed: Allowed): Promise<Leasing>;
}

/** A slice that is used up sooner was too small. */
const quickMs = minuteWindow.bucketMs;
/** How long what all nodes used up is believed, and a filling that failed is not tried again. */
const restMs = 1000;
/** How often a step is tried again over cells that are begun anew meanwhile. */
const mostFillings = 3;

const ask = { kind: 'ask' } as const;
const alone: Leasing = { kind: 'alone' };
const crowded: Leasing = { kind: 'crowded' };

const sliceOf = ({ perMinute, perHour }: Allowed): number =>
  Math.max(1, Math.floor(Math.min(perMinute, perHour) * numbers.slice));

const differ = (one: Allowed, other: Allowed): 'different' | 'equal' =>
  one.perMinute === other.perMinute && one.perHour === other.perHour ? 'equal' : 'different';

export function leasedSlices({ clock, cells }: { readonly clock: Clock; readonly cells: SharedCells }): LeasedSlices {
  let filling: Promise<void> | null = null;
  let restUntil = 0;

  const fill = async (): Promise<void> => {
    try {
      await cells.fill('what-is-there', []);
    } catch {
      restUntil = clock.monotonic() + restMs;
    } finally {
      filling = null;
    }
  };

  const step = async <T>(cell: string, decide: (cells: Cells) => T): Promise<StepOutcome<T>> => {
    for (let filled = 0; filled <= mostFillings; filled += 1) {
      const outcome = await cells.step([cell], decide);
      if (outcome.kind !== 'unfilled') return outcome;
      if (filling === null && clock.monotonic() < restUntil) break;
      filling ??= fill();
      await filling;
    }
    return { kind: 'away' };
  };

  /** Slow clients lease what they use; fast ones ask once in some seconds. */
  const adapt = (lease: Lease, most: number, now: number): void => {
    const { slice } = lease;
    if (slice === null) return;
    if (slice.left === 0 && now - slice.leasedAt < quickMs) lease.want *= 2;
    if (slice.left > slice.size / 2) lease.want = Math.floor(lease.want / 2);
    lease.want = Math.max(1, Math.min(most, lease.want));
  };

  const renew = async (lease: Lease, allowed: Allowed): Promise<'away' | 'done'> => {
    const askedAt = clock.monotonic();
    const most = sliceOf(allowed);
    adapt(lease, most, askedAt);
    const want = Math.min(most, Math.max(lease.want, lease.waiting.length));
    const back = lease.slice === null ? null : { charge: lease.slice.charge, units: lease.slice.left };
    // Whether it was given back is not known when no answer comes: never twice.
    lease.slice = null;
    const away = { kind: 'away' } as const;
    const outcome = await step(lease.cell, (shared) => grant(shared, lease.cell, { allowed, want, back })).catch(
      () => away,
    );
    if (outcome.kind !== 'done') return 'away';
    const { charge, units, freeMs, voidMs, minute, hour } = outcome.value;
    const now = clock.monotonic();
    const seen: Seen = {
      minute: { remaining: minute.remaining, oldestLeavesAt: now + minute.oldestLeavesMs },
      hour: { remaining: hour.remaining, oldestLeavesAt: now + hour.oldestLeavesMs },
    };
    if (units > 0) {
      lease.refusal = null;
      // It was granted after it was asked for: never void too late.
      lease.slice = { allowed, seen, size: units, left: units, charge, leasedAt: now, voidAt: askedAt + voidMs };
    } else lease.refusal = { allowed, seen, freeAt: now + freeMs, until: now + Math.min(restMs, freeMs) };
    return 'done';
  };

  const take: LeasedSlices['take'] = (lease, allowed, now) => {
    const { slice, refusal } = lease;
    if (slice !== null && slice.left > 0 && now < slice.voidAt && differ(slice.allowed, allowed) === 'equal') {
      slice.left -= 1;
      return { kind: 'leased', seen: slice.seen, left: slice.left };
    }
    if (lease.asking === 'late' || cells.standing().kind === 'away') return alone;
    if (refusal !== null && now < refusal.until && differ(refusal.allowed, allowed) === 'equal')
      return { kind: 'refused', seen: refusal.seen, freeAt: refusal.freeAt };
    return ask;
  };

  /** Each in turn, until one needs another step. */
  const serve = (lease: Lease): void => {
    for (let [first] = lease.waiting; first !== undefined; [first] = lease.waiting) {
      const taken = take(lease, first.allowed, clock.monotonic());
      if (taken.kind === 'ask') return;
      lease.waiting.shift();
      first.resolve(taken);
    }
  };

  const releaseAll = (lease: Lease): void => {
    for (const { resolve } of lease.waiting.splice(0)) resolve(alone);
  };

  /** One step at a time, as long as somebody waits for one. */
  const run = async (lease: Lease): Promise<void> => {
    for (let [first] = lease.waiting; first !== undefined; [first] = lease.waiting) {
      lease.asking = 'in-time';
      const late = setTimeout(() => {
        lease.asking = 'late';
        releaseAll(lease);
      }, numbers.patienceMs);
      const outcome = await renew(lease, first.allowed);
      clearTimeout(late);
      lease.asking = 'in-time';
      if (outcome === 'away') releaseAll(lease);
      else serve(lease);
    }
    lease.asking = 'nothing';
  };

  return {
    lease: (id) => ({
      cell: digest(`token-limit ${id}`),
      want: 1,
      slice: null,
      refusal: null,
      asking: 'nothing',
      waiting: [],
    }),
    take,
    ask: (lease, allowed) => {
      if (lease.waiting.length >= numbers.waiting) return Promise.resolve(crowded);
      const { promise, resolve } = Promise.withResolvers<Leasing>();
      lease.waiting.push({ allowed, resolve });
      if (lease.asking === 'nothing') void run(lease);
      return promise;
    },
  };
}
