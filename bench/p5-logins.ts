/** P5: sign-ins per second while nothing else runs, against a bare loop of the same hash and better-auth. */

import { setTimeout as delay } from 'node:timers/promises';
import { startGuard, startServer } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { type Exchange, type ExchangeClient, startExchanges } from './measure/exchanges.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { HASH_FLOOR, PEER_SIGN_IN } from './measure/parts.ts';
import { interleave } from './measure/rounds.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { ratio, table, whole } from './measure/table.ts';
import type { Rounds } from './measure/compare.ts';
import { newPassword, startSallyport } from './sallyport/server.ts';
import { temporaryFolder } from './measure/temporary.ts';
import { addUsers, defaultCost } from './sallyport/users.ts';

export const P5_ROUNDS: Rounds = { rounds: 7, seconds: 4, warmUp: 1 };

const IN_FLIGHT = 8;
/** Until as many are in flight as will be. */
const LEAD_MS = 300;

interface Round {
  readonly perSecond: number;
  /** Null for the floor, where nobody waits for an answer. */
  readonly p50Ms: number | null;
  readonly p99Ms: number | null;
  readonly cores: number | null;
}

interface Contestant {
  readonly id: 'floor' | 'two' | 'ours' | 'peer' | 'scrypt';
  readonly label: string;
  round(seconds: number): Promise<Round>;
  stop(): Promise<void>;
}

export async function p5(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const running: Contestant[] = [];
  // Hashes take every core in life, and the load is next to nothing: so nobody is pinned.
  const client = await startExchanges(null);
  const anywhere: Cores = { ...cores, server: null, load: null };
  const { memoryKiB, passes } = defaultCost();
  const cost = [String(memoryKiB), String(passes)];
  try {
    running.push(
      await floor('floor', `floor: bare loop of the hash, ${IN_FLIGHT} in flight`, IN_FLIGHT, cost, anywhere),
    );
    running.push(await floor('two', 'the same, 2 in flight', 2, cost, anywhere));
    running.push(await sallyport(client));
    running.push(await peer('peer', 'better-auth sign-in, same Argon2id', ['argon2id'], cost, anywhere, client));
    running.push(await peer('scrypt', 'better-auth sign-in, as it comes (scrypt)', ['scrypt'], cost, anywhere, client));
    await interleave(running, warmUp, (one) => one.round(seconds));
    const results = await interleave(running, rounds, (one) => one.round(seconds));
    const how = `${IN_FLIGHT} in flight, Argon2id ${memoryKiB / 1024} MiB × ${passes}, ${rounds} rounds of ${seconds} s each, interleaved, after ${warmUp} to warm up; not pinned: every contestant has all cores`;
    return report(running, results, how);
  } finally {
    await Promise.all(running.map((one) => one.stop()));
    await client.stop();
  }
}

async function floor(
  id: Contestant['id'],
  label: string,
  inFlight: number,
  cost: readonly string[],
  cores: Cores,
): Promise<Contestant> {
  const loop = await startGuard(HASH_FLOOR, [String(inFlight), ...cost], cores);
  return {
    id,
    label,
    round: async (seconds) => {
      const { operations, ms, cpuMs } = await loop.round(seconds * 1000);
      return { perSecond: (operations * 1000) / ms, p50Ms: null, p99Ms: null, cores: cpuMs / ms };
    },
    stop: () => loop.stop(),
  };
}

/** One user per worker: equal checks in flight share one hash, which would be a figure of something else. */
async function sallyport(client: ExchangeClient): Promise<Contestant> {
  const data = temporaryFolder();
  const first = await startSallyport({ core: null, data });
  await first.stop();
  const users = await addUsers(data, IN_FLIGHT);
  const server = await startSallyport({ core: null, data, admin: first.admin });
  const workers = users.map((user) => ({ path: '/api/auth/login', headers: {}, body: JSON.stringify(user) }));
  return {
    id: 'ours',
    label: 'Sallyport POST /api/auth/login',
    round: (seconds) => logins(client, server, workers, '"token":"sps_', seconds),
    stop: () => server.stop(),
  };
}

async function peer(
  id: Contestant['id'],
  label: string,
  how: readonly string[],
  cost: readonly string[],
  cores: Cores,
  client: ExchangeClient,
): Promise<Contestant> {
  const password = newPassword();
  const server = await startServer(PEER_SIGN_IN, [...how, password, String(IN_FLIGHT), ...cost], cores);
  const workers = Array.from({ length: IN_FLIGHT }, (_, at) => ({
    path: '/api/auth/sign-in/email',
    headers: {},
    body: JSON.stringify({ email: `user${at}@example.org`, password: `${password}${at}` }),
  }));
  const at = { port: server.target.port, cpuMs: () => server.cpuMs() };
  return {
    id,
    label,
    round: (seconds) => logins(client, at, workers, '"token":"', seconds),
    stop: () => server.stop(),
  };
}

async function logins(
  client: ExchangeClient,
  server: { readonly port: number; cpuMs(): number | null },
  workers: readonly Exchange[],
  expect: string,
  seconds: number,
): Promise<Round> {
  client.begin({ port: server.port, workers, status: 200, expect, also: [], pauseMs: 0 });
  await delay(LEAD_MS);
  await client.read();
  const before = server.cpuMs();
  await delay(seconds * 1000);
  const after = server.cpuMs();
  const { right, ms, p50Ms, p99Ms } = await client.read();
  await client.end();
  const cores = before === null || after === null ? null : (after - before) / ms;
  return { perSecond: (right * 1000) / ms, p50Ms, p99Ms, cores };
}

function report(running: readonly Contestant[], results: Map<Contestant, Round[]>, how: string): string {
  const figures = (one: Contestant, of: (round: Round) => number | null): Spread | null => {
    const values = (results.get(one) ?? []).map(of).filter((value) => value !== null);
    return values.length === 0 ? null : spread(values);
  };
  const rate = (id: Contestant['id']): number => {
    const one = running.find((each) => each.id === id);
    return (one && figures(one, (round) => round.perSecond)?.median) ?? NaN;
  };
  const goals: Goal[] = [{ what: 'of the floor', value: rate('ours') / rate('floor'), least: 0.92 }];
  const rows = running.map((one) => {
    const perSecond = figures(one, (round) => round.perSecond);
    const ms = (of: (round: Round) => number | null): string => figures(one, of)?.median.toFixed(1) ?? '';
    return [
      one.label,
      perSecond?.median.toFixed(1) ?? '?',
      `${whole(perSecond?.min ?? NaN)}–${whole(perSecond?.max ?? NaN)}`,
      ratio(rate(one.id) / rate('floor')),
      ratio(rate(one.id) / rate('peer')),
      ms((round) => round.p50Ms),
      ms((round) => round.p99Ms),
      figures(one, (round) => round.cores)?.median.toFixed(2) ?? '?',
      one.id === 'ours' ? goalText(goals) : '',
      one.id === 'ours' ? verdict(goals) : '',
    ];
  });
  const head = [
    'operation',
    'median/s',
    'min–max',
    'of floor',
    '× peer',
    'p50 ms',
    'p99 ms',
    'cores used',
    'goal',
    'result',
  ];
  return `P5  sign-ins, nothing else running (${how})\n\n${table([head, ...rows])}`;
}
