/** The failure log: what goes into it, and to which places (3-rules, Logs, audit, metrics). */
import { networkOf } from '../../request/address.ts';
import { narrowNetwork } from '../../throttle/limits.ts';
import type { Address, Clock, Millis } from '../../types.ts';
import { failureText, limitedText, type Named } from './lines.ts';

/** A place that lines go to: a file, a syslog server, the journal. Never blocks, and never makes anybody wait. */
export interface Sink {
  write(at: Millis, text: string): void;
  /** `degraded`: lines are kept back or lost now. */
  standing(): 'working' | 'degraded';
  /** Begins anew with what has the file's name now. */
  reopen(): void;
  /** What is kept back is written, if it can be. */
  close(): Promise<void>;
}

export interface FailureLog {
  /** A guess that was wrong. */
  failed(address: Address, named: Named): void;
  /** A try that a limit refused: told once per network and ten seconds, so that a flood costs no disk. */
  limited(address: Address, retryAfterSeconds: number): void;
  standing(): 'working' | 'degraded';
}

const limitedEveryMs = 10_000;
/** Networks whose last telling is remembered; beyond it the oldest is told again. */
const mostNetworks = 4096;

export function failureLog(sinks: readonly Sink[], clock: Clock): FailureLog {
  const toldAt = new Map<string, number>();
  const write = (text: string): void => {
    const at = clock.now();
    for (const sink of sinks) sink.write(at, text);
  };
  return {
    failed: (address, named) => write(failureText(address, named)),
    limited: (address, retryAfterSeconds) => {
      const network = networkOf(address, narrowNetwork.bits);
      const now = clock.monotonic();
      const last = toldAt.get(network);
      if (last !== undefined && now - last < limitedEveryMs) return;
      toldAt.delete(network);
      toldAt.set(network, now);
      const [oldest] = toldAt.keys();
      if (toldAt.size > mostNetworks && oldest !== undefined) toldAt.delete(oldest);
      write(limitedText(address, retryAfterSeconds));
    },
    standing: () => (sinks.some((sink) => sink.standing() === 'degraded') ? 'degraded' : 'working'),
  };
}
