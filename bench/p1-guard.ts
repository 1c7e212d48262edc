/** P1: a known session in process, `guard()` against the Map floor and better-auth's `api.getSession`. */

import { startGuard, type GuardContestant } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { PEER_GUARD, SALLYPORT } from './measure/parts.ts';
import type { RoundResult } from './measure/protocol.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './measure/rounds.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { ratio, table, whole } from './measure/table.ts';

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  /** Rounds run before and thrown away; better-auth is still getting faster after seven seconds. */
  readonly warmUp: number;
}

export const P1_ROUNDS: Rounds = { rounds: 9, seconds: 1, warmUp: 8 };

const CONTESTANTS = [
  {
    id: 'floor',
    label: 'floor: cookie + SHA-256 + Map',
    file: new URL('./floors/map-floor.ts', import.meta.url),
    args: [],
  },
  { id: 'ours', label: 'Sallyport guard', file: SALLYPORT, args: ['guard'] },
  { id: 'handle', label: 'Sallyport, request to answer', file: SALLYPORT, args: ['handle'] },
  { id: 'peer', label: 'better-auth getSession', file: PEER_GUARD, args: [] },
  { id: 'cached', label: 'better-auth getSession, cookie cache', file: PEER_GUARD, args: ['cached'] },
  {
    id: 'driver',
    label: 'better-auth getSession, better-sqlite3',
    file: PEER_GUARD,
    args: ['plain', 'better-sqlite3'],
  },
] as const;

type Id = (typeof CONTESTANTS)[number]['id'];

export async function p1(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const running: { id: Id; label: string; guard: GuardContestant }[] = [];
  try {
    for (const { id, label, file, args } of CONTESTANTS) {
      running.push({ id, label, guard: await startGuard(file, args, cores) });
    }
    await interleave(running, warmUp, ({ guard }) => guard.round(seconds * 1000));
    const repeats: Repeats = { count: 0 };
    const round = undisturbed(({ guard }: (typeof running)[number]) => guard.round(seconds * 1000), coreShare, repeats);
    const results = await interleave(running, rounds, round);
    const rates = new Map(running.map((one) => [one.id, spread((results.get(one) ?? []).map(perSecond))]));
    const shares = new Map(running.map((one) => [one.id, spread((results.get(one) ?? []).map(coreShare))]));
    const how = `${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up`;
    const least = Math.min(...[...shares.values()].map((share) => share.min));
    return `${report(rates, shares, how)}\n${disturbance(least, repeats)}`.trimEnd();
  } finally {
    await Promise.all(running.map(({ guard }) => guard.stop()));
  }
}

function report(rates: Map<Id, Spread>, shares: Map<Id, Spread>, how: string): string {
  const median = (id: Id): number => rates.get(id)?.median ?? NaN;
  const goals: Goal[] = [
    { what: 'of the floor', value: median('ours') / median('floor'), least: 0.4 },
    { what: '× the peer', value: median('ours') / median('peer'), least: 250 },
  ];
  const rows = CONTESTANTS.map(({ id, label }) => [
    label,
    whole(median(id)),
    `${whole(rates.get(id)?.min ?? NaN)}–${whole(rates.get(id)?.max ?? NaN)}`,
    ratio(median(id) / median('floor')),
    ratio(median(id) / median('peer')),
    (shares.get(id)?.min ?? NaN).toFixed(2),
    id === 'ours' ? goalText(goals) : '',
    id === 'ours' ? verdict(goals) : '',
  ]);
  const head = ['operation', 'median/s', 'min–max', 'of floor', '× peer', 'least core', 'goal', 'result'];
  return `P1  known session, in process (${how})\n\n${table([head, ...rows])}`;
}

function perSecond({ operations, ms }: RoundResult): number {
  return (operations * 1000) / ms;
}

function coreShare({ cpuMs, ms }: RoundResult): number {
  return cpuMs / ms;
}
