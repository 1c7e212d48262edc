/**
 * The hashing queue (3-rules, Passwords). A hash costs 19 MiB and milliseconds of a core, so a login storm could take
 * the machine down; here it can only make logins slow. Two lanes: browsers and networks known to the account, and
 * strangers. Strangers never fill the waiting room, never hold more than half the slots while the other lane waits, and
 * take turns by network, so that one loud network does not starve a quiet one.
 */
import type { Clock } from '../types.ts';

export type Lane = 'known' | 'stranger';

export interface HashTurn {
  readonly lane: Lane;
  /** Strangers take turns by this: a /32 or /64. */
  readonly network: string;
}

export type Slot<T> = { readonly kind: 'busy' } | { readonly kind: 'ran'; readonly value: T };

export interface HashQueueLimits {
  /** Waiting places in all; strangers hold at most three quarters of them. */
  readonly places: number;
  /** Bytes all hashes at once may take. */
  readonly memoryBytes: number;
  readonly bytesPerHash: number;
  readonly cores: number;
}

export interface HashQueue {
  /** Runs the work when it is its turn, or says `busy` at once when no place is free. */
  run<T>(turn: HashTurn, work: () => Promise<T>): Promise<Slot<T>>;
  /** For metrics and tests. */
  depth(): { readonly waiting: number; readonly running: number };
  /** Since it was made. */
  totals(): { readonly ran: number; readonly refused: number; readonly waitedMs: number };
}

/** What the event loop is doing: `idle` lets hashing have every core, `loaded` leaves one for requests. */
export type EventLoop = () => 'idle' | 'loaded';

export function hashQueue(limits: HashQueueLimits, eventLoop: EventLoop, clock: Pick<Clock, 'monotonic'>): HashQueue {
  const strangerPlaces = Math.floor((limits.places * 3) / 4);
  const byMemory = Math.max(1, Math.floor(limits.memoryBytes / limits.bytesPerHash));
  const known: (() => void)[] = [];
  /** Strangers by network, in the order in which networks get their next turn. */
  const strangers = new Map<string, (() => void)[]>();
  let strangersWaiting = 0;
  let running = 0;
  let strangersRunning = 0;
  const totals = { ran: 0, refused: 0, waitedMs: 0 };

  const slots = (): number => {
    const byCores = eventLoop() === 'idle' ? limits.cores : limits.cores - 1;
    return Math.max(1, Math.min(byMemory, byCores));
  };

  const nextStranger = (): (() => void) | undefined => {
    const [network, waiting] = strangers.entries().next().value ?? [];
    if (network === undefined || waiting === undefined) return undefined;
    const start = waiting.shift();
    strangers.delete(network);
    if (waiting.length > 0) strangers.set(network, waiting);
    strangersWaiting -= 1;
    return start;
  };

  const startNext = (): void => {
    const free = slots();
    for (let opened = running; opened < free; opened += 1) {
      const strangersTurn =
        known.length === 0 ||
        (strangersRunning < Math.floor(free / 2) && running - strangersRunning >= Math.ceil(free / 2));
      const start = strangersTurn ? (nextStranger() ?? known.shift()) : known.shift();
      if (!start) return;
      start();
    }
  };

  const waitForTurn = (turn: HashTurn): Promise<void> | 'busy' => {
    if (known.length + strangersWaiting >= limits.places) return 'busy';
    if (turn.lane === 'stranger' && strangersWaiting >= strangerPlaces) return 'busy';
    return new Promise((resolve) => {
      const start = (): void => {
        running += 1;
        if (turn.lane === 'stranger') strangersRunning += 1;
        resolve();
      };
      if (turn.lane === 'known') known.push(start);
      else {
        const waiting = strangers.get(turn.network);
        if (waiting) waiting.push(start);
        else strangers.set(turn.network, [start]);
        strangersWaiting += 1;
      }
      startNext();
    });
  };

  return {
    run: async (turn, work) => {
      const asked = clock.monotonic();
      const place = waitForTurn(turn);
      if (place === 'busy') {
        totals.refused += 1;
        return { kind: 'busy' };
      }
      await place;
      totals.waitedMs += clock.monotonic() - asked;
      totals.ran += 1;
      try {
        return { kind: 'ran', value: await work() };
      } finally {
        running -= 1;
        if (turn.lane === 'stranger') strangersRunning -= 1;
        startNext();
      }
    },
    totals: () => ({ ...totals }),
    depth: () => ({ waiting: known.length + strangersWaiting, running }),
  };
}
