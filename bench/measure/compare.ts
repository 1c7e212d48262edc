/** Contestants that do one thing in process, one operation after the other: their rates beside the floor's and the peer's. */

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

export interface Contestant {
  /** `floor`, `ours` and `peer` are what the goals speak of. */
  readonly id: string;
  readonly label: string;
  readonly file: URL;
  readonly args: readonly string[];
}

export interface Comparison {
  readonly title: string;
  readonly contestants: readonly Contestant[];
  readonly least: { readonly ofFloor: number; readonly timesPeer: number };
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
  { title, contestants, least }: Comparison,
  rates: ReadonlyMap<string, Spread>,
  shares: ReadonlyMap<string, Spread>,
  how: string,
): string {
  const median = (id: string): number => rates.get(id)?.median ?? NaN;
  const goals: Goal[] = [
    { what: 'of the floor', value: median('ours') / median('floor'), least: least.ofFloor },
    { what: '× the peer', value: median('ours') / median('peer'), least: least.timesPeer },
  ];
  const rows = contestants.map(({ id, label }) => [
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
  return `${title} (${how})\n\n${table([head, ...rows])}`;
}

function perSecond({ operations, ms }: RoundResult): number {
  return (operations * 1000) / ms;
}

function coreShare({ cpuMs, ms }: RoundResult): number {
  return cpuMs / ms;
}
