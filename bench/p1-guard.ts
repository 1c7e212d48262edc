/** P1: a known session and a known ticket in process, `guard()` against the Map floor and better-auth's `api.getSession`. */

import { compare, type Contestant, type Rounds } from './measure/compare.ts';
import type { Cores } from './measure/cores.ts';
import { PEER_GUARD, SALLYPORT } from './measure/parts.ts';

export const P1_ROUNDS: Rounds = { rounds: 9, seconds: 1, warmUp: 8 };

const CONTESTANTS: readonly Contestant[] = [
  {
    id: 'floor',
    label: 'floor: cookie + SHA-256 + Map',
    file: new URL('./floors/map-floor.ts', import.meta.url),
    args: [],
  },
  { id: 'ours', label: 'Sallyport guard', file: SALLYPORT, args: ['guard'], least: { ofFloor: 0.4, timesPeer: 250 } },
  {
    id: 'ticket',
    label: 'Sallyport guard, signed ticket',
    file: SALLYPORT,
    args: ['ticket'],
    least: { ofFloor: 0.4, timesPeer: 250 },
  },
  { id: 'handle', label: 'Sallyport, request to answer', file: SALLYPORT, args: ['handle'] },
  { id: 'peer', label: 'better-auth getSession', file: PEER_GUARD, args: [] },
  { id: 'cached', label: 'better-auth getSession, cookie cache', file: PEER_GUARD, args: ['cached'] },
  {
    id: 'driver',
    label: 'better-auth getSession, better-sqlite3',
    file: PEER_GUARD,
    args: ['plain', 'better-sqlite3'],
  },
];

export function p1(cores: Cores, rounds: Rounds): Promise<string> {
  return compare({ title: 'P1  known session or ticket, in process', contestants: CONTESTANTS }, cores, rounds);
}
