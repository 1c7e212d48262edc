/**
 * Tokens whose use is counted here, in a bounded table. One that nothing is counted of any more gives way, then the one used
 * least, but never one at a limit or with a request under way: forgetting that one would be forgiving it. Where nobody looked
 * at can give way newcomers share one, rather than go unlimited.
 */
import type { TokenId } from '../../types.ts';
import { counted, hourWindow, minuteWindow, moveTo, noCounts, type TokenCounts } from './token-windows.ts';

export interface KnownToken<L> {
  readonly counts: TokenCounts;
  readonly lease: L;
  /** As they were at its last use. */
  perMinute: number;
  perHour: number;
  /** Requests that wait for what other nodes count. */
  waiting: number;
}

export interface KnownTokens<L> {
  /** Its counts are moved to now. */
  find(id: TokenId, now: number): KnownToken<L>;
  readonly size: number;
}

/** Looked at per newcomer for one that can give way: a flood of tokens costs constant time each. */
const lookedAt = 64;

const sharedId = '*';

export function knownTokens<L>(parts: { readonly most: number; readonly lease: (id: string) => L }): KnownTokens<L> {
  const { most, lease } = parts;
  const tokens = new Map<string, KnownToken<L>>();
  /** Goes round. What is added meanwhile it comes to as well. */
  let hand = tokens.entries();

  const newToken = (id: string): KnownToken<L> => ({
    counts: noCounts(),
    lease: lease(id),
    perMinute: 0,
    perHour: 0,
    waiting: 0,
  });
  let shared: KnownToken<L> | null = null;

  const givingWay = (now: number): string | null => {
    let least: { readonly id: string; readonly used: number } | null = null;
    for (let looked = 0; looked < Math.min(lookedAt, tokens.size); looked += 1) {
      let next = hand.next();
      if (next.done === true) {
        hand = tokens.entries();
        next = hand.next();
      }
      if (next.done === true) break;
      const [id, { counts, perMinute, perHour, waiting }] = next.value;
      if (waiting > 0) continue;
      moveTo(counts, now);
      const used = counted(counts, hourWindow);
      if (used === 0) return id;
      if (used >= perHour || counted(counts, minuteWindow) >= perMinute) continue;
      if (least === null || used < least.used) least = { id, used };
    }
    return least?.id ?? null;
  };

  const admit = (id: string, now: number): KnownToken<L> => {
    if (tokens.size >= most) {
      const leaving = givingWay(now);
      if (leaving === null) return (shared ??= newToken(sharedId));
      tokens.delete(leaving);
    }
    const token = newToken(id);
    tokens.set(id, token);
    return token;
  };

  return {
    find: (id, now) => {
      const token = tokens.get(id) ?? admit(id, now);
      moveTo(token.counts, now);
      return token;
    },
    get size() {
      return tokens.size;
    },
  };
}
