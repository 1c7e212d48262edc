/** P2: `GET /api/auth/verify` with a known session over HTTP, against bare `node:http` and better-auth's `get-session`. */

import { startServer, type HttpContestant } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { findLoad, type LoadResult } from './measure/load.ts';
import { PEER_SERVER } from './measure/parts.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './measure/rounds.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { ratio, table, whole } from './measure/table.ts';
import type { Rounds } from './measure/compare.ts';
import { sessionOf, startSallyport, USER } from './sallyport/server.ts';
import { temporaryFolder } from './measure/temporary.ts';

export const P2_ROUNDS: Rounds = { rounds: 7, seconds: 4, warmUp: 3 };

const BARE = new URL('./floors/bare-http.ts', import.meta.url);

type Id = 'bare' | 'map' | 'ours' | 'peer' | 'cached';

interface Contestant {
  readonly id: Id;
  readonly label: string;
  readonly start: (cores: Cores) => Promise<HttpContestant>;
}

const CONTESTANTS: readonly Contestant[] = [
  { id: 'bare', label: 'floor: bare node:http, 2 bytes', start: (cores) => startServer(BARE, [], cores) },
  { id: 'map', label: 'the same + cookie + SHA-256 + Map', start: (cores) => startServer(BARE, ['map'], cores) },
  { id: 'ours', label: 'Sallyport GET /api/auth/verify', start: sallyport },
  { id: 'peer', label: 'better-auth get-session', start: (cores) => startServer(PEER_SERVER, [], cores) },
  {
    id: 'cached',
    label: 'better-auth get-session, cookie cache',
    start: (cores) => startServer(PEER_SERVER, ['cached'], cores),
  },
];

async function sallyport(cores: Cores): Promise<HttpContestant> {
  const server = await startSallyport({ core: cores.server, data: temporaryFolder() });
  const cookie = await sessionOf(server);
  const target = { port: server.port, path: '/api/auth/verify', headers: { cookie }, expect: `remote-user\n${USER}\n` };
  return { target, cpuMs: server.cpuMs, stop: server.stop };
}

interface Measured {
  readonly rate: Spread;
  readonly p50: Spread;
  readonly p99: Spread;
  /** Least share of its core that the server used in any round; null where the kernel does not tell. */
  readonly busy: number | null;
}

export async function p2(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const load = findLoad(cores);
  const running: { id: Id; server: HttpContestant }[] = [];
  try {
    for (const { id, start } of CONTESTANTS) running.push({ id, server: await start(cores) });
    await interleave(running, warmUp, ({ server }) => load.run(server, seconds));
    const repeats: Repeats = { count: 0 };
    const round = undisturbed(
      ({ server }: (typeof running)[number]) => load.run(server, seconds),
      (result) => result.serverBusy,
      repeats,
    );
    const results = await interleave(running, rounds, round);
    const measured = new Map(running.map((one) => [one.id, summary(results.get(one) ?? [])]));
    const how = `${load.note}, ${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up`;
    const shares = [...measured.values()].map(({ busy }) => busy).filter((share) => share !== null);
    const least = shares.length === 0 ? null : Math.min(...shares);
    return `${report(measured, how)}\n${disturbance(least, repeats)}`.trimEnd();
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

function report(measured: Map<Id, Measured>, how: string): string {
  const of = (id: Id): Measured => {
    const found = measured.get(id);
    if (found === undefined) throw new Error(`${id} was not measured`);
    return found;
  };
  const over = (id: Id, base: Id): number => of(id).rate.median / of(base).rate.median;
  const slower = (id: Id): number => of(id).p99.median / of('bare').p99.median;
  const goals: Goal[] = [
    { what: 'of the floor', value: over('ours', 'bare'), least: 0.6 },
    { what: '× the peer', value: over('ours', 'peer'), least: 30 },
    { what: '× the floor’s p99', value: slower('ours'), most: 2 },
  ];
  const rows = CONTESTANTS.map(({ id, label }) => [
    label,
    whole(of(id).rate.median),
    `${whole(of(id).rate.min)}–${whole(of(id).rate.max)}`,
    ratio(over(id, 'bare')),
    ratio(over(id, 'peer')),
    of(id).p50.median.toFixed(2),
    `${of(id).p99.median.toFixed(2)} (${of(id).p99.min.toFixed(2)}–${of(id).p99.max.toFixed(2)})`,
    ratio(slower(id)),
    of(id).busy?.toFixed(2) ?? '?',
    id === 'ours' ? goalText(goals) : '',
    id === 'ours' ? verdict(goals) : '',
  ]);
  const head = ['operation', 'median/s', 'min–max', 'of floor', '× peer', 'p50 ms', 'p99 ms', '× floor', 'least core'];
  return `P2  known session, over HTTP (${how})\n\n${table([[...head, 'goal', 'result'], ...rows])}`;
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
