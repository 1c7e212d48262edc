/**
 * Attempts that cost whoever makes them nothing (3-rules, Logs, audit, metrics): whoever is limited, or shows the same wrong
 * secret again, can do so as often as he likes, so they are counted here and written as one row per network and minute. What
 * was counted when the process is killed is lost.
 */
import { networkOf } from '../request/address.ts';
import { type Store, StoreFault } from '../store/store.ts';
import { narrowNetwork } from '../throttle/limits.ts';
import type { Address, Clock, Millis } from '../types.ts';

interface Counted {
  readonly network: string;
  /** Whole minutes since the epoch. */
  readonly minute: number;
  readonly lastAt: Millis;
  readonly count: number;
}

export interface CountedAttempts {
  readonly count: (address: Address) => void;
  readonly settle: (which: 'over' | 'all') => Promise<void>;
}

const minuteMs = 60_000;
/** Networks counted apart at one time; those beyond share a row without an address. */
const mostNetworks = 1024;

export function countedAttempts(parts: {
  readonly event: 'attempts-limited' | 'attempts-repeated';
  readonly result: string;
  readonly store: Pick<Store, 'appendAudit'>;
  readonly clock: Clock;
  readonly log: { warn(fields: object, message: string): void };
}): CountedAttempts {
  const { event, result, store, clock, log } = parts;
  let counted = new Map<string, Counted>();
  let settling: Promise<void> = Promise.resolve();

  const add = (network: string, minute: number, lastAt: Millis, count: number): void => {
    const own = `${minute} ${network}`;
    const place = counted.has(own) || counted.size < mostNetworks ? network : '';
    const key = `${minute} ${place}`;
    const known = counted.get(key);
    counted.set(key, { network: place, minute, lastAt, count: count + (known?.count ?? 0) });
  };

  const write = async (which: 'over' | 'all'): Promise<void> => {
    const thisMinute = Math.floor(clock.now() / minuteMs);
    const due = [...counted.values()].filter(({ minute }) => which === 'all' || minute !== thisMinute);
    if (due.length === 0) return;
    counted = new Map([...counted].filter(([, each]) => !due.includes(each)));
    await Promise.all(
      due.map(async ({ network, minute, lastAt, count }) => {
        try {
          await store.appendAudit({
            at: lastAt,
            event,
            actor: '',
            address: network,
            peer: '',
            way: 'none',
            target: '',
            result,
            count,
          });
        } catch (fault) {
          if (!(fault instanceof StoreFault)) throw fault;
          // Kept for the next time; the log is told by whoever asked for it.
          add(network, minute, lastAt, count);
          log.warn({ event, network, count }, 'counted attempts could not be written to the audit log yet');
        }
      }),
    );
  };

  return {
    count: (address) => {
      const at = clock.now();
      add(networkOf(address, narrowNetwork.bits), Math.floor(at / minuteMs), at, 1);
    },
    settle: (which) => {
      settling = settling.then(
        () => write(which),
        () => write(which),
      );
      return settling;
    },
  };
}
