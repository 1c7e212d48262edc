/**
 * Sessions, tokens and tickets that do not exist: nobody guesses 128 bits, but each question costs a look into the store.
 * Known ones are answered from memory and never come here (3-rules, Guessing).
 */
import { isIPv4 } from 'node:net';
import { networkOf } from '../request/address.ts';
import type { Address, Clock } from '../types.ts';
import { counterTable } from './counters.ts';
import type { Limited } from './limiter.ts';
import { minuteMs, narrowNetwork, unknownSecrets as limit } from './limits.ts';
import { budget } from './rules.ts';

export interface UnknownSecrets {
  standing(address: Address): Limited | { readonly kind: 'open' };
  /** There was no such secret. */
  charge(address: Address): void;
}

export function unknownSecrets(clock: Clock): UnknownSecrets {
  const rule = budget({ most: limit.perMinute, ms: minuteMs });
  const tables = {
    v4: counterTable({ name: 'unknown-secrets-v4', rule, most: limit.remembered }),
    v6: counterTable({ name: 'unknown-secrets-v6', rule, most: limit.remembered }),
  };
  const placeOf = (address: Address, now: number) => {
    const table = tables[isIPv4(address) ? 'v4' : 'v6'];
    return { table, key: table.resolve(networkOf(address, narrowNetwork.bits), now) };
  };
  return {
    standing: (address) => {
      const now = clock.monotonic();
      const { table, key } = placeOf(address, now);
      const ms = rule.blockedMs(table.state(key), now);
      return ms > 0 ? { kind: 'limited', retryAfterSeconds: Math.max(1, Math.ceil(ms / 1000)) } : { kind: 'open' };
    },
    charge: (address) => {
      const now = clock.monotonic();
      const { table, key } = placeOf(address, now);
      table.begin(key, now);
      table.end(key, 'failed', now);
    },
  };
}
