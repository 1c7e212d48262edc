/**
 * P7: from the start of the process to its first answer over HTTP, and the memory it then rests at. Each round starts every
 * contestant once, on data that is there already; the first run, which makes keys and database, is a row of its own.
 */

import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { existsSync, readFileSync } from 'node:fs';
import { get } from 'node:http';
import { createServer, type AddressInfo } from 'node:net';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { fileURLToPath } from 'node:url';
import { endWithRunner, stop } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { type Goal, goalText, verdict } from './measure/goals.ts';
import { spread } from './measure/statistics.ts';
import { ratio, table } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';

/** `seconds`: how long a process rests before its memory is read. */
export const P7_ROUNDS: Rounds = { rounds: 9, seconds: 3, warmUp: 1 };

const START_MS = 30_000;
const POLL_MS = 2;

interface Contestant {
  readonly name: string;
  readonly path: string;
  /** What `node` is given. */
  readonly command: (port: number) => readonly string[];
}

interface Started {
  readonly ms: number;
  readonly restMiB: number;
}

const file = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const published = file('../dist/server/sallyport.js');

export async function p7(_cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  if (!existsSync(published)) throw new Error('the published form is not built: npm run build');
  const peerData = join(temporaryFolder(), 'auth.db');
  const serve = (entry: string, data: () => string): Contestant['command'] => {
    return (port) => [entry, 'serve', '--data', data(), '--listen', `127.0.0.1:${port}`];
  };
  const kept = (): (() => string) => {
    const folder = join(temporaryFolder(), 'data');
    return () => folder;
  };
  const peer = (...more: string[]): Contestant['command'] => {
    return (port) => [file('./peers/start.ts'), peerData, String(port), ...more];
  };
  const floor: Contestant = {
    name: 'floor: bare node:http',
    path: '/',
    command: (port) => [file('./floors/bare-start.ts'), String(port)],
  };
  const ours: Contestant = { name: 'Sallyport, published form', path: '/healthz', command: serve(published, kept()) };
  const theirs: Contestant = { name: 'better-auth', path: '/api/auth/ok', command: peer() };
  const contestants: readonly Contestant[] = [
    floor,
    ours,
    {
      name: 'the same, first run (makes keys and database)',
      path: '/healthz',
      command: serve(published, () => join(temporaryFolder(), 'data')),
    },
    { name: 'Sallyport from source', path: '/healthz', command: serve(file('../src/cli/sallyport.ts'), kept()) },
    theirs,
  ];
  await start({ ...theirs, command: peer('migrate') }, 0);
  const results = new Map<Contestant, Started[]>(contestants.map((each) => [each, []]));
  for (let round = -warmUp; round < rounds; round++) {
    // Another one first each time.
    const turn = Math.abs(round) % contestants.length;
    for (const contestant of [...contestants.slice(turn), ...contestants.slice(0, turn)]) {
      const started = await start(contestant, seconds);
      if (round >= 0) results.get(contestant)?.push(started);
    }
  }
  return report(results, { floor, ours, theirs }, rounds, seconds);
}

async function start({ name, path, command }: Contestant, restSeconds: number): Promise<Started> {
  const port = await freePort();
  const began = performance.now();
  const child = spawn(process.execPath, command(port), {
    stdio: ['ignore', 'ignore', 'inherit'],
    env: { ...process.env, NODE_ENV: 'production', SALLYPORT_LOG_LEVEL: 'error' },
  });
  endWithRunner(child);
  try {
    while ((await statusOf(port, path)) !== 200) {
      if (child.exitCode !== null) throw new Error(`${name} did not start`);
      if (performance.now() - began > START_MS) throw new Error(`${name} did not answer in time`);
      await pause(POLL_MS);
    }
    const ms = performance.now() - began;
    await pause(restSeconds * 1000);
    return { ms, restMiB: residentMiB(child.pid) };
  } finally {
    await stop(child);
  }
}

function statusOf(port: number, path: string): Promise<number | undefined> {
  return new Promise((resolve) => {
    const asked = get({ host: '127.0.0.1', port, path, agent: false }, (answer) => {
      answer.resume();
      answer.once('end', () => resolve(answer.statusCode));
    });
    asked.once('error', () => resolve(undefined));
  });
}

function residentMiB(pid: number | undefined): number {
  const status = readFileSync(`/proc/${pid}/status`, 'latin1');
  return Number(/^VmRSS:\s+(\d+) kB$/m.exec(status)?.[1] ?? Number.NaN) / 1024;
}

async function freePort(): Promise<number> {
  const server = createServer().listen(0, '127.0.0.1');
  await once(server, 'listening');
  const { port } = server.address() as AddressInfo;
  server.close();
  await once(server, 'close');
  return port;
}

function report(
  results: ReadonlyMap<Contestant, readonly Started[]>,
  { floor, ours, theirs }: Readonly<Record<'floor' | 'ours' | 'theirs', Contestant>>,
  rounds: number,
  seconds: number,
): string {
  const times = (who: Contestant) => spread((results.get(who) ?? []).map(({ ms }) => ms));
  const rest = (who: Contestant) => spread((results.get(who) ?? []).map(({ restMiB }) => restMiB));
  const rows = [...results.keys()].map((who) => {
    const [time, memory] = [times(who), rest(who)];
    const goals: readonly Goal[] =
      who === ours
        ? [
            { what: '× the peer’s time', value: time.median / times(theirs).median, most: 0.7 },
            { what: '× its memory', value: memory.median / rest(theirs).median, most: 0.85 },
          ]
        : [];
    return [
      who.name,
      time.median.toFixed(0),
      `${time.min.toFixed(0)}–${time.max.toFixed(0)}`,
      ratio(time.median / times(floor).median),
      ratio(time.median / times(theirs).median),
      memory.median.toFixed(0),
      ratio(memory.median / rest(theirs).median),
      goalText(goals),
      goals.length === 0 ? '' : verdict(goals),
    ];
  });
  const head = [
    'from start to first answer',
    'median ms',
    'min–max',
    '× floor',
    '× peer',
    'MiB at rest',
    '× peer',
    'goal',
    'result',
  ];
  return [
    `P7  start and memory (${rounds} starts each, interleaved; memory after ${seconds} s at rest; every core)`,
    table([head, ...rows]),
  ].join('\n\n');
}
