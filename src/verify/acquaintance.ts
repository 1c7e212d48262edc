/**
 * Step 3 for whoever tries a password: is that account used to them? A known device is told by its cookie, a known
 * network by an earlier sign-in, and a recovery code by itself (3-rules, Guessing). None of them lets anybody in; all keep
 * strangers' failures from their owner.
 */
import { digest } from '../crypto/digest.ts';
import { networkOf } from '../request/address.ts';
import type { DeviceRow, NetworkUse } from '../store/rows.ts';
import type { Store } from '../store/store.ts';
import type { Standing } from '../throttle/places.ts';
import { knownNetworks, narrowNetwork } from '../throttle/limits.ts';
import type { Address, Clock, Digest, Millis, UserId } from '../types.ts';

export interface Acquaintance {
  readonly standing: Standing;
  /** Device of that user which showed itself; null without one. */
  readonly device: DeviceRow | null;
}

/** What may make somebody known. */
export interface Shown {
  readonly address: Address;
  /** Value of the device cookie; empty without one. */
  readonly device: string;
  readonly recoveryCode?: Digest | undefined;
}

export interface Acquaintances {
  /** `userId` null: a name that is nobody's, or a secret of nobody's account. */
  of(userId: UserId | null, shown: Shown): Promise<Acquaintance>;
}

export function acquaintances(parts: {
  readonly store: Pick<Store, 'deviceByDigest' | 'networkStanding' | 'recoveryCode'>;
  readonly clock: Clock;
}): Acquaintances {
  const { store, clock } = parts;
  const deviceOf = async (userId: UserId | null, value: string): Promise<DeviceRow | null> => {
    if (value === '') return null;
    const found = await store.deviceByDigest(digest(value), clock.now());
    return found.kind === 'found' && found.device.userId === userId ? found.device : null;
  };
  return {
    of: async (userId, { address, device: cookie, recoveryCode }) => {
      const device = await deviceOf(userId, cookie);
      if (device !== null) return { standing: { kind: 'holder', holder: device.digest }, device };
      if (recoveryCode !== undefined) {
        // Asked of nobody's account as well, so that it costs the same time.
        const held = await store.recoveryCode(userId ?? ('' as UserId), recoveryCode);
        if (held.kind === 'held') return { standing: { kind: 'holder', holder: recoveryCode }, device };
      }
      const known = await store.networkStanding({
        userId,
        network: networkOf(address, narrowNetwork.bits),
        since: (clock.now() - knownNetworks.ms) as Millis,
      });
      return {
        standing: known.kind === 'known' ? { kind: 'known-network' } : { kind: 'stranger', network: known.kind },
        device,
      };
    },
  };
}

/** The network somebody signed in from, for the store to remember. */
export function networkUse(address: Address, clock: Clock): NetworkUse {
  return { network: networkOf(address, narrowNetwork.bits), at: clock.now(), cap: knownNetworks.most };
}
