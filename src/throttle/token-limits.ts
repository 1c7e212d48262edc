/**
 * What each API token may do per minute and hour (3-rules, API tokens). Both windows slide, what is refused is not counted,
 * and a changed limit holds from the next request on. This node's own windows always hold and make no promise; where several
 * nodes count together a request needs a leased unit as well, which is at hand unless a slice is used up. While the shared
 * cells are away each node goes by its own windows at the same limits.
 */
import type { SharedCells } from '../store/shared-cells.ts';
import type { Clock, MaybePromise, TokenId } from '../types.ts';
import { knownTokens } from './tokens/known-tokens.ts';
import { type Lease, type Leasing, leasedSlices, type SeenWindow } from './tokens/leased-slices.ts';
import { tokenLimits as numbers } from './limits.ts';
import {
  count,
  counted,
  freeInMs,
  giveBack,
  hourWindow,
  minuteWindow,
  moveTo,
  oldestLeavesInMs,
  type TokenCounts,
  type Window,
} from './tokens/token-windows.ts';

export interface TokenAllowance {
  readonly id: TokenId;
  readonly perMinute: number;
  readonly perHour: number;
}

export interface WindowStanding {
  readonly limit: number;
  readonly remaining: number;
  /** Until the first of what is counted leaves; 0 where nothing is. */
  readonly resetSeconds: number;
}

export interface Quota {
  readonly minute: WindowStanding;
  readonly hour: WindowStanding;
}

export type Spending =
  | { readonly kind: 'limited'; readonly retryAfterSeconds: number; readonly quota: Quota }
  | { readonly kind: 'spent'; readonly quota: Quota };

export interface TokenLimits {
  /** Counts one request, unless it is one too many. */
  spend(token: TokenAllowance): MaybePromise<Spending>;
  /** Tokens that are remembered. */
  readonly size: number;
}

/** As far as this node knows, and at most as much as all together have left. */
function standingOf(
  counts: TokenCounts,
  window: Window,
  limit: number,
  now: number,
  shared: SeenWindow | null,
  leased: number,
): WindowStanding {
  const here = limit - counted(counts, window);
  const together = shared === null ? here : shared.remaining + leased;
  const ms = shared !== null && together < here ? shared.oldestLeavesAt - now : oldestLeavesInMs(counts, window, now);
  return {
    limit,
    remaining: Math.max(0, Math.min(here, together)),
    resetSeconds: Math.ceil(Math.max(0, Math.min(window.ms, ms)) / 1000),
  };
}

function quotaOf(counts: TokenCounts, token: TokenAllowance, now: number, leasing: Leasing | null): Quota {
  const seen = leasing !== null && 'seen' in leasing ? leasing.seen : null;
  const leased = leasing?.kind === 'leased' ? leasing.left : 0;
  return {
    minute: standingOf(counts, minuteWindow, token.perMinute, now, seen?.minute ?? null, leased),
    hour: standingOf(counts, hourWindow, token.perHour, now, seen?.hour ?? null, leased),
  };
}

const limitedFor = (ms: number, quota: Quota): Spending => ({
  kind: 'limited',
  retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)),
  quota,
});

/** `cells`: of their own, since they are filled from here; null where there is one node. */
export function tokenLimits(parts: {
  readonly clock: Clock;
  readonly cells: SharedCells | null;
  readonly remembered?: number;
}): TokenLimits {
  const { clock, cells, remembered = numbers.remembered } = parts;
  const slices = cells === null ? null : leasedSlices({ clock, cells });
  const tokens = knownTokens<Lease | null>({ most: remembered, lease: (id) => slices?.lease(id) ?? null });

  const freeMs = (counts: TokenCounts, { perMinute, perHour }: TokenAllowance, now: number): number =>
    Math.max(freeInMs(counts, minuteWindow, perMinute, now), freeInMs(counts, hourWindow, perHour, now));

  const spent = (counts: TokenCounts, token: TokenAllowance, now: number, leasing: Leasing | null): Spending => {
    count(counts, 1);
    return { kind: 'spent', quota: quotaOf(counts, token, now, leasing) };
  };

  /** Counted before anybody knows what the others count. */
  const settle = (counts: TokenCounts, token: TokenAllowance, countedAt: number, leasing: Leasing): Spending => {
    const now = clock.monotonic();
    moveTo(counts, now);
    giveBack(counts, countedAt, 1);
    const ms = freeMs(counts, token, now);
    if (leasing.kind === 'refused')
      return limitedFor(Math.max(ms, leasing.freeAt - now), quotaOf(counts, token, now, leasing));
    if (leasing.kind === 'crowded' || ms > 0) return limitedFor(ms, quotaOf(counts, token, now, null));
    // It is let through now.
    return spent(counts, token, now, leasing);
  };

  return {
    spend: (token) => {
      const now = clock.monotonic();
      const known = tokens.find(token.id, now);
      const { counts, lease } = known;
      known.perMinute = token.perMinute;
      known.perHour = token.perHour;
      const ms = freeMs(counts, token, now);
      if (ms > 0) return limitedFor(ms, quotaOf(counts, token, now, null));
      if (slices === null || lease === null) return spent(counts, token, now, null);
      const taken = slices.take(lease, token, now);
      if (taken.kind === 'refused') return limitedFor(taken.freeAt - now, quotaOf(counts, token, now, taken));
      if (taken.kind !== 'ask') return spent(counts, token, now, taken);
      count(counts, 1);
      known.waiting += 1;
      return slices.ask(lease, token).then((leasing) => {
        known.waiting -= 1;
        return settle(counts, token, now, leasing);
      });
    },
    get size() {
      return tokens.size;
    },
  };
}
