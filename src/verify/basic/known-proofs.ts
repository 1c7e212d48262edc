/**
 * Passwords and keys that were proven over Basic (3-rules, Passwords): the next request with the same header costs no
 * hash. What is kept is a keyed digest of the header and of the address it came from, under a key of this process; never
 * anything of what was wrong.
 *
 * It spares the hash and never the limit. As soon as anything else is tried from a network, by whatever way in, what is known
 * from there goes through the limits again before it is believed: else whoever shares an address with a mail client could guess
 * its password for nothing, wrong ones refused by a limit and the right one let in past it.
 */
import { networkOf } from '../../request/address.ts';
import { narrowNetwork } from '../../throttle/limits.ts';
import type { Address, Clock, Digest } from '../../types.ts';
import type { BasicHolder, ServiceHolder } from '../holders.ts';
import { oldestOut } from '../known/known-entries.ts';

/** Whom a proof is of. */
export type ProofHolder = BasicHolder | ServiceHolder;

export type ProofRecall =
  | { readonly kind: 'not-known' }
  /** Proven before; the limits have to be asked. */
  | { readonly kind: 'proven'; readonly holder: ProofHolder }
  | { readonly kind: 'known'; readonly holder: ProofHolder };

export interface KnownProofs {
  keyOf(encoded: string, address: Address): Digest;
  recall(key: Digest, address: Address): ProofRecall;
  /** Something that is not known is tried from there, or from a neighbour that the same limits count. */
  tried(address: Address): void;
  /** Counts tries, for `keep`. */
  moment(): number;
  /** `moment`: when the walk began that proved it, or let it through the limits again. */
  keep(key: Digest, holder: ProofHolder, moment: number): void;
  forget(key: Digest): void;
  /** How many are known. */
  readonly size: number;
}

interface Entry {
  readonly holder: ProofHolder;
  /** The limits were last asked then. */
  checked: number;
  readonly until: number;
}

const notKnown: ProofRecall = { kind: 'not-known' };

/** A password is hashed again after so long, and the use of it written down again. */
const keptMs = 3_600_000;
const mostProofs = 65_536;
const mostNetworks = 16_384;

export function knownProofs(parts: {
  readonly mac: (text: string) => Digest;
  readonly clock: Pick<Clock, 'monotonic'>;
}): KnownProofs {
  const { mac, clock } = parts;
  const entries = new Map<Digest, Entry>();
  const oldestEntryOut = oldestOut(entries);
  /** Of a network, when something was last tried from there. */
  const tries = new Map<string, number>();
  const oldestTryOut = oldestOut(tries);
  let moment = 0;
  /** Of networks that are not remembered: it may have been as late as this. */
  let forgotten = 0;

  return {
    // An address has no space in it.
    keyOf: (encoded, address) => mac(`${address} ${encoded}`),
    recall: (key, address) => {
      const entry = entries.get(key);
      if (entry === undefined) return notKnown;
      const { holder } = entry;
      const changed = holder.kind === 'basic' && !holder.user.current;
      if (changed || clock.monotonic() >= entry.until) {
        entries.delete(key);
        return notKnown;
      }
      return (tries.get(networkAround(address)) ?? forgotten) > entry.checked
        ? { kind: 'proven', holder }
        : { kind: 'known', holder };
    },
    tried: (address) => {
      moment += 1;
      const network = networkAround(address);
      tries.delete(network);
      if (tries.size >= mostNetworks) forgotten = Math.max(forgotten, oldestTryOut() ?? 0);
      tries.set(network, moment);
    },
    moment: () => moment,
    keep: (key, holder, checked) => {
      const known = entries.get(key);
      if (known?.holder === holder) {
        known.checked = checked;
        return;
      }
      if (known === undefined && entries.size >= mostProofs) oldestEntryOut();
      entries.set(key, { holder, checked, until: clock.monotonic() + keptMs });
    },
    forget: (key) => void entries.delete(key),
    get size() {
      return entries.size;
    },
  };
}

/** What is counted as one where guesses are. */
function networkAround(address: Address): string {
  return address.includes(':') ? networkOf(address, narrowNetwork.bits) : address;
}
