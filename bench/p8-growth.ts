/**
 * P8: what a thousand times as many sessions cost. Known ones over HTTP and in process, first looks against the bare row, bytes
 * in memory, and that memory is bounded.
 */

import { execFile } from 'node:child_process';
import { cpSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { promisify } from 'node:util';
import { startGuard, type GuardContestant, type HttpContestant } from './measure/child.ts';
import { pinned, type Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { findLoad, type LoadResult } from './measure/load.ts';
import type { RoundResult } from './measure/protocol.ts';
import { disturbance, interleave, type Repeats, undisturbed } from './measure/rounds.ts';
import { spread } from './measure/statistics.ts';
import { ratio, table, whole } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';
import { cookiesOf, type ManySessions, manySessions, MOST_KNOWN, OWNERS } from './sallyport/many-sessions.ts';
import { startSallyport } from './sallyport/server.ts';

/** Over HTTP the warm-up also is what makes all of them known. */
export const P8_ROUNDS: Rounds = { rounds: 7, seconds: 4, warmUp: 3 };

const FEW = 1000;
const MANY = 1_000_000;
const GROWTH = new URL('./sallyport/growth.ts', import.meta.url);
const FLOOR = new URL('./floors/look-up-floor.ts', import.meta.url);
const MOST_HELD = 262_144;

export async function p8(cores: Cores, rounds: Rounds): Promise<string> {
  const few = await manySessions(FEW);
  const many = await manySessions(MANY);
  const repeats: Repeats = { count: 0 };
  const inside = await inProcess(cores, rounds, few, many, repeats);
  const weight = await weigh(cores, many);
  const outside = await overHttp(cores, rounds, few, many, repeats);
  const slower = outside.many.p50 / outside.few.p50;
  const looks = inside.first.rate / inside.floor.rate;
  const knownGoal: Goal[] = [{ what: '× the p50 of few', value: slower, most: 1.2 }];
  const firstGoal: Goal[] = [{ what: 'of the floor', value: looks, least: 0.5 }];
  const memoryGoals: Goal[] = [
    { what: 'bytes an entry', value: weight.bytesPerEntry, most: 600 },
    { what: 'entries held', value: weight.kept, most: MOST_HELD },
  ];
  const how = `${rounds.rounds} rounds of ${rounds.seconds} s each, interleaved, after ${rounds.warmUp} to warm up`;
  const rows = [
    ['what', 'few', 'many', 'ratio', 'goal', 'result'],
    [
      'known, over HTTP, p50 ms',
      outside.few.p50.toFixed(2),
      outside.many.p50.toFixed(2),
      ratio(slower),
      goalText(knownGoal),
      verdict(knownGoal),
    ],
    [
      'known, over HTTP, p99 ms',
      outside.few.p99.toFixed(2),
      outside.many.p99.toFixed(2),
      ratio(outside.many.p99 / outside.few.p99),
      '',
      '',
    ],
    [
      'known, in process, /s',
      whole(inside.few.rate),
      whole(inside.many.rate),
      ratio(inside.many.rate / inside.few.rate),
      '',
      '',
    ],
    [
      'first look, /s (beside it: floor)',
      whole(inside.floor.rate),
      whole(inside.first.rate),
      ratio(looks),
      goalText(firstGoal),
      verdict(firstGoal),
    ],
    [
      `held of ${whole(weight.asked)} asked for, bytes each`,
      whole(weight.kept),
      whole(weight.bytesPerEntry),
      '',
      goalText(memoryGoals),
      verdict(memoryGoals),
    ],
  ];
  const least = Math.min(...[inside.few, inside.many, inside.first, inside.floor].map(({ share }) => share));
  return [
    `P8  ${whole(FEW)} sessions and ${whole(MANY)}, of which ${whole(MOST_KNOWN)} are known (${how})`,
    '',
    table(rows),
    disturbance(Math.min(least, outside.least ?? 1), repeats),
  ]
    .join('\n')
    .trimEnd();
}

interface InProcess {
  readonly rate: number;
  /** Least share of its core in any round. */
  readonly share: number;
}

async function inProcess(
  cores: Cores,
  { rounds, seconds, warmUp }: Rounds,
  few: ManySessions,
  many: ManySessions,
  repeats: Repeats,
): Promise<Record<'few' | 'many' | 'first' | 'floor', InProcess>> {
  // A data folder has one owner at a time.
  const copy = { ...many, data: join(temporaryFolder(), 'data') };
  cpSync(many.data, copy.data, { recursive: true });
  const running: { readonly guard: GuardContestant }[] = [];
  const start = async (file: URL, args: readonly string[], of: ManySessions) => {
    const guard = await startGuard(file, [...args, of.data, of.cookie, String(of.count)], cores);
    const contestant = { guard };
    running.push(contestant);
    return contestant;
  };
  try {
    const contestants = {
      few: await start(GROWTH, ['known'], few),
      many: await start(GROWTH, ['known'], copy),
      first: await start(GROWTH, ['first'], many),
      floor: await start(FLOOR, [], many),
    };
    const run = ({ guard }: { readonly guard: GuardContestant }): Promise<RoundResult> => guard.round(seconds * 1000);
    await interleave(running, warmUp, run);
    const results = await interleave(running, rounds, undisturbed(run, coreShare, repeats));
    const of = (contestant: { readonly guard: GuardContestant }): InProcess => {
      const measured = results.get(contestant) ?? [];
      return { rate: spread(measured.map(perSecond)).median, share: Math.min(...measured.map(coreShare)) };
    };
    return {
      few: of(contestants.few),
      many: of(contestants.many),
      first: of(contestants.first),
      floor: of(contestants.floor),
    };
  } finally {
    await Promise.all(running.map(({ guard }) => guard.stop()));
  }
}

interface Weight {
  readonly bytesPerEntry: number;
  readonly asked: number;
  readonly kept: number;
}

async function weigh(cores: Cores, { data, cookie, count }: ManySessions): Promise<Weight> {
  const args = ['--expose-gc', fileURLToPath(GROWTH), 'memory', data, cookie, String(count)];
  const [command, all] = pinned(cores.server, process.execPath, args);
  const { stdout } = await promisify(execFile)(command, all, { timeout: 300_000 });
  return JSON.parse(stdout) as Weight;
}

interface OverHttp {
  readonly p50: number;
  readonly p99: number;
}

async function overHttp(
  cores: Cores,
  { rounds, seconds, warmUp }: Rounds,
  few: ManySessions,
  many: ManySessions,
  repeats: Repeats,
): Promise<{ readonly few: OverHttp; readonly many: OverHttp; readonly least: number | null }> {
  const load = findLoad(cores);
  const running: { readonly server: HttpContestant }[] = [];
  const start = async ({ data, admin, cookie, count }: ManySessions) => {
    const server = await startSallyport({ core: cores.server, data, admin });
    const cookies = cookiesOf(cookie, count, MOST_KNOWN);
    const cookieFile = join(temporaryFolder(), 'cookies');
    writeFileSync(cookieFile, `${cookies.join('\n')}\n`);
    const contestant = {
      server: {
        target: {
          port: server.port,
          path: '/api/auth/verify',
          headers: { cookie: cookies[0] ?? '' },
          cookieFile,
          expect: `remote-user\n${OWNERS}`,
        },
        cpuMs: server.cpuMs,
        stop: server.stop,
      },
    };
    running.push(contestant);
    return contestant;
  };
  try {
    const contestants = { few: await start(few), many: await start(many) };
    const run = ({ server }: { readonly server: HttpContestant }): Promise<LoadResult> => load.run(server, seconds);
    await interleave(running, warmUp, run);
    const results = await interleave(
      running,
      rounds,
      undisturbed(run, ({ serverBusy }) => serverBusy, repeats),
    );
    const of = (contestant: { readonly server: HttpContestant }): OverHttp => {
      const measured = results.get(contestant) ?? [];
      return {
        p50: spread(measured.map(({ p50Ms }) => p50Ms)).median,
        p99: spread(measured.map(({ p99Ms }) => p99Ms)).median,
      };
    };
    const shares = [...results.values()].flat().flatMap(({ serverBusy }) => serverBusy ?? []);
    return {
      few: of(contestants.few),
      many: of(contestants.many),
      least: shares.length === 0 ? null : Math.min(...shares),
    };
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
  }
}

function perSecond({ operations, ms }: RoundResult): number {
  return (operations * 1000) / ms;
}

function coreShare({ cpuMs, ms }: RoundResult): number {
  return cpuMs / ms;
}
