/**
 * P12: the built-in proxy, with a session, against a bare `node:http` proxy and the application itself. The proxy has the first
 * core to itself; application and load share the second, which must not be the narrow place: see `least core`.
 */

import { type HttpContestant, startServer } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { findLoad, type LoadResult } from './measure/load.ts';
import { BARE_PROXY, UPSTREAM } from './measure/parts.ts';
import { probe } from './measure/probe.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './measure/rounds.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { type Streams, startStreams } from './measure/streams.ts';
import { ratio, table, whole } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';
import { applicationSessionOf, startSallyport, USER } from './sallyport/server.ts';

export const P12_ROUNDS: Rounds = { rounds: 7, seconds: 3, warmUp: 2 };

const STREAM_BYTES = 100_000_000;
const LEAST = 0.75;
const UNDISTURBED = 0.95;

const SHAPES = [
  { id: 'two bytes', label: 'GET, 2 bytes', path: '/', expect: 'ok', more: {} },
  { id: 'page', label: 'GET, 10 KB', path: '/page', expect: 'page page', more: {} },
  { id: 'post', label: 'POST, 64 KB', path: '/take', expect: 'took 65536', more: { postBytes: 65_536 } },
] as const;
const WAYS = ['down', 'up'] as const;

interface Server {
  readonly id: 'direct' | 'bare' | 'ours';
  readonly label: string;
  readonly server: HttpContestant;
  /** Where `least core` means that the proxy was the narrow place. */
  readonly measured: 'alone' | 'beside';
}

/** One shape at one server: what a round measures. */
interface Turn {
  readonly of: Server;
  readonly shape: (typeof SHAPES)[number];
}

export async function p12(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const load = findLoad(cores);
  const streams = await startStreams(cores.load);
  const running: Server[] = [];
  const beside: Cores = { ...cores, server: cores.load };
  const application = await startServer(UPSTREAM, [], beside);
  const upstream = application.target.port;
  try {
    const direct = await startServer(UPSTREAM, [], cores);
    running.push({ id: 'direct', label: 'the application itself', server: direct, measured: 'beside' });
    const bare = await startServer(BARE_PROXY, [String(upstream)], cores);
    running.push({ id: 'bare', label: 'floor: bare node:http proxy', server: bare, measured: 'alone' });
    running.push({
      id: 'ours',
      label: 'Sallyport, known session',
      server: await sallyport(cores, upstream),
      measured: 'alone',
    });

    const turns: Turn[] = SHAPES.flatMap((shape) => running.map((of) => ({ of, shape })));
    const once = ({ of: { server }, shape }: Turn): Promise<LoadResult> => load.run(aimed(server, shape), seconds);
    await interleave(turns, warmUp, once);
    const repeats: Repeats = { count: 0 };
    const results = await interleave(
      turns,
      rounds,
      undisturbed(once, (result) => result.serverBusy, repeats),
    );
    const streamed = await interleave(waysOf(running), rounds, ({ of, way }) => stream(streams, of, way));
    const how = `${load.note}, ${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up; application and load share the second core`;
    const shares = [...results].filter(([turn]) => turn.of.measured === 'alone').flatMap(([, all]) => all.map(busy));
    const least = Math.min(...shares.filter((share) => share !== null));
    const note = disturbance(Number.isFinite(least) ? least : UNDISTURBED, repeats);
    return `${report(running, results, how)}\n\n${streamReport(running, streamed, rounds)}\n${note}`.trimEnd();
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
    await application.stop();
    await streams.stop();
  }
}

function aimed(server: HttpContestant, { path, expect, more }: Turn['shape']): HttpContestant {
  const { port, headers } = server.target;
  const counted = path === '/take' ? { 'x-bytes': '65536' } : {};
  return { ...server, target: { port, path, headers: { ...headers, ...counted }, expect, ...more } };
}

async function sallyport(cores: Cores, upstream: number): Promise<HttpContestant> {
  const server = await startSallyport({
    core: cores.server,
    data: temporaryFolder(),
    upstream: `http://127.0.0.1:${upstream}`,
  });
  const cookie = await applicationSessionOf(server);
  const target = { port: server.applicationPort ?? 0, path: '/who', headers: { cookie }, expect: USER };
  // The application is told who it is, by the very session that the load shows.
  await probe(target);
  return { target, cpuMs: server.cpuMs, stop: server.stop };
}

function waysOf(running: readonly Server[]): { of: Server; way: (typeof WAYS)[number] }[] {
  return WAYS.flatMap((way) => running.map((of) => ({ of, way })));
}

function stream(streams: Streams, { server }: Server, way: (typeof WAYS)[number]): Promise<number> {
  return streams.run({ port: server.target.port, headers: server.target.headers, way, bytes: STREAM_BYTES });
}

function busy(result: LoadResult): number | null {
  return result.serverBusy;
}

function report(running: readonly Server[], results: Map<Turn, LoadResult[]>, how: string): string {
  const of = (id: Server['id'], shape: Turn['shape'], value: (result: LoadResult) => number): Spread => {
    const [, all = []] = [...results].find(([turn]) => turn.of.id === id && turn.shape === shape) ?? [];
    return spread(all.map(value));
  };
  const rows = SHAPES.flatMap((shape) =>
    running.map(({ id, label }) => {
      const rate = of(id, shape, (result) => result.perSecond);
      const floor = of('bare', shape, (result) => result.perSecond).median;
      const goals: Goal[] = [{ what: 'of the bare proxy', value: rate.median / floor, least: LEAST }];
      return [
        `${shape.label}: ${label}`,
        whole(rate.median),
        `${whole(rate.min)}–${whole(rate.max)}`,
        ratio(rate.median / floor),
        of(id, shape, (result) => result.p50Ms).median.toFixed(2),
        of(id, shape, (result) => result.p99Ms).median.toFixed(2),
        of(id, shape, (result) => result.serverBusy ?? NaN).min.toFixed(2),
        id === 'ours' ? goalText(goals) : '',
        id === 'ours' ? verdict(goals) : '',
      ];
    }),
  );
  const head = ['operation', 'median/s', 'min–max', 'of bare', 'p50 ms', 'p99 ms', 'least core', 'goal', 'result'];
  return `P12  built-in proxy (${how})\n\n${table([head, ...rows])}`;
}

function streamReport(
  running: readonly Server[],
  streamed: Map<{ of: Server; way: (typeof WAYS)[number] }, number[]>,
  rounds: number,
): string {
  const of = (id: Server['id'], way: string): Spread => {
    const [, all = []] = [...streamed].find(([turn]) => turn.of.id === id && turn.way === way) ?? [];
    return spread(all);
  };
  const rows = WAYS.flatMap((way) =>
    running.map(({ id, label }) => [
      `${way === 'up' ? 'upload' : 'download'}: ${label}`,
      whole(of(id, way).median),
      `${whole(of(id, way).min)}–${whole(of(id, way).max)}`,
      ratio(of(id, way).median / of('bare', way).median),
    ]),
  );
  return `One stream of ${STREAM_BYTES / 1e6} MB at a time, ${rounds} rounds (no goal)\n\n${table([['operation', 'MB/s', 'min–max', 'of bare'], ...rows])}`;
}
