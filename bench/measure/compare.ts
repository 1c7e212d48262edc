/** Contestants that do one thing in process, one operation after the other: their rates beside the floor's and, where there is one, the peer's. */

import { startGuard, type GuardContestant } from './child.ts';
import type { Cores } from './cores.ts';
import { goalText, verdict, type Goal } from './goals.ts';
import type { RoundResult } from './protocol.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './rounds.ts';
import { spread, type Spread } from './statistics.ts';
import { ratio, table, whole } from './table.ts';

export interface Rounds {
  readonly rounds: number;
  readonly seconds: number;
  /** Rounds run before and thrown away; better-auth is still getting faster after seven seconds. */
  readonly warmUp: number;
}

/** What a contestant has to reach. */
export interface Least {
  readonly ofFloor: number;
  /** Only where there is a peer. */
  readonly timesPeer?: number;
}

export interface Contestant {
  /** `floor` and `peer` are what the goals of others speak of; a peer there need not be. */
  readonly id: string;
  readonly label: string;
  readonly file: URL;
  readonly args: readonly string[];
  /** Without it, it is measured to be looked at. */
  readonly least?: Least;
}

export interface Comparison {
  readonly title: string;
  readonly contestants: readonly Contestant[];
}

export async function compare(
  comparison: Comparison,
  cores: Cores,
  { rounds, seconds, warmUp }: Rounds,
): Promise<string> {
  const running: { id: string; guard: GuardContestant }[] = [];
  try {
    for (const { id, file, args } of comparison.contestants) {
      running.push({ id, guard: await startGuard(file, args, cores) });
    }
    await interleave(running, warmUp, ({ guard }) => guard.round(seconds * 1000));
    const repeats: Repeats = { count: 0 };
    const round = undisturbed(({ guard }: (typeof running)[number]) => guard.round(seconds * 1000), coreShare, repeats);
    const results = await interleave(running, rounds, round);
    const rates = new Map(running.map((one) => [one.id, spread((results.get(one) ?? []).map(perSecond))]));
    const shares = new Map(running.map((one) => [one.id, spread((results.get(one) ?? []).map(coreShare))]));
    const how = `${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up`;
    const least = Math.min(...[...shares.values()].map((share) => share.min));
    return `${report(comparison, rates, shares, how)}\n${disturbance(least, repeats)}`.trimEnd();
  } finally {
    await Promise.all(running.map(({ guard }) => guard.stop()));
  }
}

function report(
  { title, contestants }: Comparison,
  rates: ReadonlyMap<string, Spread>,
  shares: ReadonlyMap<string, Spread>,
  how: string,
): string {
  const median = (id: string): number => rates.get(id)?.median ?? NaN;
  const peer = (cell: string): string[] => (rates.has('peer') ? [cell] : []);
  const goalsOf = (id: string, { ofFloor, timesPeer }: Least): Goal[] => {
    const floor: Goal = { what: 'of the floor', value: median(id) / median('floor'), least: ofFloor };
    return timesPeer === undefined
      ? [floor]
      : [floor, { what: '× the peer', value: median(id) / median('peer'), least: timesPeer }];
  };
  const rows = contestants.map(({ id, label, least }) => {
    const goals = least === undefined ? [] : goalsOf(id, least);
    return [
      label,
      whole(median(id)),
      `${whole(rates.get(id)?.min ?? NaN)}–${whole(rates.get(id)?.max ?? NaN)}`,
      ratio(median(id) / median('floor')),
      ...peer(ratio(median(id) / median('peer'))),
      (shares.get(id)?.min ?? NaN).toFixed(2),
      goalText(goals),
      least === undefined ? '' : verdict(goals),
    ];
  });
  const head = ['operation', 'median/s', 'min–max', 'of floor', ...peer('× peer'), 'least core', 'goal', 'result'];
  return `${title} (${how})\n\n${table([head, ...rows])}`;
}

function perSecond({ operations, ms }: RoundResult): number {
  return (operations * 1000) / ms;
}

function coreShare({ cpuMs, ms }: RoundResult): number {
  return cpuMs / ms;
}
