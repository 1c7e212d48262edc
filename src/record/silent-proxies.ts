/**
 * Listed proxies that do not say for whom they ask: everybody behind one is a single client then, for limits and lists
 * (3-rules, Addresses, hosts, local). Told in the log, at most once an hour each, and in `/readyz`.
 */
import type { Clock } from '../types.ts';
import type { Log } from './recorder.ts';

export interface SilentProxies {
  /** A request came from that peer without the header. */
  note(peer: string): void;
  /** Whether one was seen within the last hour. */
  standing(): 'all-speak' | 'one-is-silent';
}

const hourMs = 3_600_000;
/** Peers told of apart; beyond that the oldest may be told of again. */
const mostPeers = 100;

export function silentProxies({ clock, log, header }: { clock: Clock; log: Log; header: string }): SilentProxies {
  const toldAt = new Map<string, number>();
  let lastSeen = Number.NEGATIVE_INFINITY;
  return {
    note: (peer) => {
      const now = clock.monotonic();
      lastSeen = now;
      if (now - (toldAt.get(peer) ?? Number.NEGATIVE_INFINITY) < hourMs) return;
      toldAt.delete(peer);
      toldAt.set(peer, now);
      const [oldest] = toldAt.keys();
      if (toldAt.size > mostPeers && oldest !== undefined) toldAt.delete(oldest);
      log.warn({ peer, header }, 'a trusted proxy does not send its header: everybody behind it is one client');
    },
    standing: () => (clock.monotonic() - lastSeen < hourMs ? 'one-is-silent' : 'all-speak'),
  };
}
