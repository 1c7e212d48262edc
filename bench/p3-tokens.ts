/**
 * P3: a known API token in process, with a scope asked for, an address list and limits: `guard()` against the Map floor and
 * `@better-auth/api-key`. Its limit is on in the row that the goal speaks of, as the limits of ours are.
 */

import { compare, type Contestant, type Rounds } from './measure/compare.ts';
import type { Cores } from './measure/cores.ts';
import { PEER_TOKENS, SALLYPORT } from './measure/parts.ts';

export const P3_ROUNDS: Rounds = { rounds: 9, seconds: 1, warmUp: 8 };

const CONTESTANTS: readonly Contestant[] = [
  {
    id: 'floor',
    label: 'floor: header + SHA-256 + Map',
    file: new URL('./floors/token-floor.ts', import.meta.url),
    args: [],
  },
  { id: 'ours', label: 'Sallyport guard', file: SALLYPORT, args: ['token'], least: { ofFloor: 0.25, timesPeer: 200 } },
  { id: 'peer', label: 'better-auth verifyApiKey', file: PEER_TOKENS, args: ['limited'] },
  { id: 'unlimited', label: 'better-auth verifyApiKey, no limit', file: PEER_TOKENS, args: ['unlimited'] },
  {
    id: 'driver',
    label: 'better-auth verifyApiKey, better-sqlite3',
    file: PEER_TOKENS,
    args: ['limited', 'better-sqlite3'],
  },
  { id: 'in-memory', label: 'better-auth verifyApiKey, keys in a Map', file: PEER_TOKENS, args: ['in-memory'] },
];

export function p3(cores: Cores, rounds: Rounds): Promise<string> {
  return compare({ title: 'P3  API token, in process', contestants: CONTESTANTS }, cores, rounds);
}
