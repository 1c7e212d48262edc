/**
 * P6: known sessions while 16 attackers try wrong passwords, against floors that hash as much and better-auth.
 *
 * A server that refused every attempt unhashed would pass easily, so the attackers come from networks that no limit has seen,
 * under names that never come twice, and what is hashed per second stands beside what the sessions keep.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { startServer, type HttpContestant } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { type Exchange, type ExchangeClient, startExchanges } from './measure/exchanges.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { findLoad, type Load } from './measure/load.ts';
import { growth, forgetPeak } from './measure/memory.ts';
import { PEER_SIGN_IN, STORM_FLOOR } from './measure/parts.ts';
import { interleave } from './measure/rounds.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { ratio, table, whole } from './measure/table.ts';
import type { Rounds } from './measure/compare.ts';
import { newPassword, sessionOf, startSallyport, USER } from './sallyport/server.ts';
import { temporaryFolder } from './measure/temporary.ts';
import { defaultCost } from './sallyport/users.ts';

export const P6_ROUNDS: Rounds = { rounds: 5, seconds: 4, warmUp: 1 };

const ATTACKERS = 16;
/** Refusals of Sallyport leave at a whole second: so many attempts in flight each keep its queue full all the same. */
const IN_FLIGHT = 10;
/** An attacker who was told `busy` comes back sooner than he was asked to. */
const BUSY_PAUSE_MS = 250;
/** Until the storm is at its height: the first refusals of Sallyport have left. */
const LEAD_MS = 2500;
/** Sessions are being asked for when it comes, and a second later the server has noticed. */
const LEAD_SECONDS = 2;
const MIB = 1024 * 1024;

interface Round {
  readonly calm: number;
  readonly stormy: number;
  readonly calmP99: number;
  readonly stormyP99: number;
  readonly hashes: number;
  readonly refused: number;
  /** Highest resident memory in the storm over that before it; null where the kernel does not tell. */
  readonly memory: number | null;
}

interface Contestant {
  readonly id: 'floor' | 'all' | 'ours' | 'peer' | 'scrypt';
  readonly label: string;
  readonly server: HttpContestant;
  readonly attackers: readonly Exchange[];
  readonly expect: string;
}

export async function p6(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const load = findLoad(cores);
  const client = await startExchanges(cores.load);
  const running: Contestant[] = [];
  const { memoryKiB, passes } = defaultCost();
  const cost = [String(memoryKiB), String(passes)];
  // A hash takes a core of its own where there is one; a server held to one core would share it, and show the scheduler.
  const anywhere: Cores = { ...cores, server: null };
  try {
    running.push(await floor('floor', 'floor: Map, a hash queue of one', ['queue', ...cost], anywhere));
    running.push(await floor('all', 'the same without a queue', ['all', ...cost], anywhere));
    running.push(await sallyport(anywhere));
    running.push(await peer('peer', 'better-auth, same Argon2id', ['argon2id'], cost, anywhere));
    running.push(await peer('scrypt', 'better-auth, as it comes (scrypt)', ['scrypt'], cost, anywhere));
    await interleave(running, warmUp, (one) => round(one, load, client, seconds));
    const results = await interleave(running, rounds, (one) => round(one, load, client, seconds));
    const how = `sessions by ${load.note}, ${ATTACKERS} attackers beside it, ${rounds} rounds of ${seconds} s calm and ${seconds} s of storm each, interleaved, after ${warmUp} to warm up; servers may use every core, the load has one of them`;
    return report(running, results, how);
  } finally {
    await Promise.all(running.map(({ server }) => server.stop()));
    await client.stop();
  }
}

async function round(one: Contestant, load: Load, client: ExchangeClient, seconds: number): Promise<Round> {
  const { server, attackers: workers, expect } = one;
  const calm = await load.run(server, seconds);
  forgetPeak(server.pid);
  client.begin({ port: server.target.port, workers, status: 401, expect, also: [429, 503], pauseMs: BUSY_PAUSE_MS });
  await delay(LEAD_MS);
  await load.run(server, LEAD_SECONDS);
  await client.read();
  const stormy = await load.run(server, seconds);
  const { right, other, ms } = await client.read();
  const memory = growth(server.pid);
  await client.end();
  return {
    calm: calm.perSecond,
    stormy: stormy.perSecond,
    calmP99: calm.p99Ms,
    stormyP99: stormy.p99Ms,
    hashes: (right * 1000) / ms,
    refused: (other * 1000) / ms,
    memory,
  };
}

async function floor(id: Contestant['id'], label: string, args: readonly string[], cores: Cores): Promise<Contestant> {
  const server = await startServer(STORM_FLOOR, args, cores);
  const body = JSON.stringify({ username: 'user{n}', password: `${newPassword()}{n}` });
  return {
    id,
    label,
    server,
    attackers: repeated({ path: '/', headers: {}, body }, ATTACKERS),
    expect: 'wrong',
  };
}

async function sallyport(cores: Cores): Promise<Contestant> {
  const settings = { SALLYPORT_TRUSTED_PROXIES: '127.0.0.1' };
  const { port, admin, ...server } = await startSallyport({ core: cores.server, data: temporaryFolder(), settings });
  const cookie = await sessionOf({ port, admin });
  const target = { port, path: '/api/auth/verify', headers: { cookie }, expect: `remote-user\n${USER}\n` };
  const attempt: Exchange = {
    path: '/api/auth/login',
    headers: { 'X-Forwarded-For': '{network}' },
    body: JSON.stringify({ username: 'user{n}', password: `${newPassword()}{n}` }),
  };
  return {
    id: 'ours',
    label: 'Sallyport GET /api/auth/verify',
    server: { ...server, target },
    attackers: repeated(attempt, ATTACKERS * IN_FLIGHT),
    expect: '"error_code":"invalid_credentials"',
  };
}

async function peer(
  id: Contestant['id'],
  label: string,
  how: readonly string[],
  cost: readonly string[],
  cores: Cores,
): Promise<Contestant> {
  const server = await startServer(PEER_SIGN_IN, [...how, newPassword(), '1', ...cost], cores);
  const attempt: Exchange = {
    path: '/api/auth/sign-in/email',
    headers: {},
    body: JSON.stringify({ email: 'user0@example.org', password: `${newPassword()}{n}` }),
  };
  const attackers = repeated(attempt, ATTACKERS);
  return { id, label, server, attackers, expect: 'INVALID_EMAIL_OR_PASSWORD' };
}

function repeated(exchange: Exchange, times: number): readonly Exchange[] {
  return Array.from({ length: times }, () => exchange);
}

function report(running: readonly Contestant[], results: Map<Contestant, Round[]>, how: string): string {
  const of = (one: Contestant, value: (round: Round) => number): Spread => spread((results.get(one) ?? []).map(value));
  const kept = (one: Contestant): Spread => of(one, (each) => each.stormy / each.calm);
  const most = (one: Contestant): number => of(one, (each) => each.memory ?? NaN).max / MIB;
  const goalsOf = (one: Contestant): Goal[] => [
    { what: 'of the calm rate', value: kept(one).median, least: 0.45 },
    { what: 'ms p99', value: of(one, (each) => each.stormyP99).median, most: 10 },
    { what: 'MiB more', value: most(one), most: 128 },
  ];
  const rows = running.map((one) => [
    one.label,
    whole(of(one, (each) => each.calm).median),
    whole(of(one, (each) => each.stormy).median),
    `${ratio(kept(one).median)} (${ratio(kept(one).min)}–${ratio(kept(one).max)})`,
    of(one, (each) => each.calmP99).median.toFixed(2),
    `${of(one, (each) => each.stormyP99).median.toFixed(2)} (${of(one, (each) => each.stormyP99).max.toFixed(2)})`,
    of(one, (each) => each.hashes).median.toFixed(0),
    of(one, (each) => each.refused).median.toFixed(0),
    most(one).toFixed(0),
    one.id === 'ours' ? goalText(goalsOf(one)) : '',
    one.id === 'ours' ? verdict(goalsOf(one)) : '',
  ]);
  const head = [
    'sessions of',
    'calm/s',
    'storm/s',
    'kept (min–max)',
    'p99 ms',
    'p99 in storm (most)',
    'hashes/s',
    'refused/s',
  ];
  const text = table([[...head, 'MiB more', 'goal', 'result'], ...rows]);
  return `P6  sessions during a login storm (${how})\n\n${text}`;
}
