/** Contestants that are servers under the same load: their rates, times and shares of the core, in interleaved rounds. */

import type { HttpContestant } from './child.ts';
import type { Rounds } from './compare.ts';
import type { Cores } from './cores.ts';
import { findLoad, type LoadResult } from './load.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './rounds.ts';
import { spread, type Spread } from './statistics.ts';

export interface ServerContestant<Id extends string> {
  readonly id: Id;
  readonly label: string;
  readonly start: (cores: Cores) => Promise<HttpContestant>;
}

export interface Measured {
  readonly rate: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
  /** Least share of its core that the server used in any round; null where the kernel does not tell. */
  readonly busy: number | null;
}

export interface ServersMeasured<Id extends string> {
  readonly of: (id: Id) => Measured;
  /** By what load, and in how many rounds. */
  readonly how: string;
  /** A line for the end of the report; empty when nothing else had the cores. */
  readonly disturbance: string;
}

export async function measureServers<Id extends string>(
  contestants: readonly ServerContestant<Id>[],
  cores: Cores,
  { rounds, seconds, warmUp }: Rounds,
): Promise<ServersMeasured<Id>> {
  const load = findLoad(cores);
  const running: { id: Id; server: HttpContestant }[] = [];
  try {
    for (const { id, start } of contestants) running.push({ id, server: await start(cores) });
    await interleave(running, warmUp, ({ server }) => load.run(server, seconds));
    const repeats: Repeats = { count: 0 };
    const round = undisturbed(
      ({ server }: (typeof running)[number]) => load.run(server, seconds),
      (result) => result.serverBusy,
      repeats,
    );
    const results = await interleave(running, rounds, round);
    const measured = new Map(running.map((one) => [one.id, summary(results.get(one) ?? [])]));
    const shares = [...measured.values()].map(({ busy }) => busy).filter((share) => share !== null);
    return {
      of: (id) => {
        const found = measured.get(id);
        if (found === undefined) throw new Error(`${id} was not measured`);
        return found;
      },
      how: `${load.note}, ${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up`,
      disturbance: disturbance(shares.length === 0 ? null : Math.min(...shares), repeats),
    };
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

function summary(results: readonly LoadResult[]): Measured {
  const busy = results.map((result) => result.serverBusy).filter((share) => share !== null);
  return {
    rate: spread(results.map((result) => result.perSecond)),
    p50: spread(results.map((result) => result.p50Ms)),
    p99: spread(results.map((result) => result.p99Ms)),
    busy: busy.length === 0 ? null : Math.min(...busy),
  };
}
