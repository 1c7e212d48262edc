/**
 * B1: Basic on the hot path. A password that is known, a user key and the service key beside a known session cookie: `guard()`
 * at one gate of our own, in process; and `GET /api/auth/status` of the real server, over HTTP.
 */

import type { HttpContestant } from './measure/child.ts';
import { compare, type Contestant, type Rounds } from './measure/compare.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { ADMITTING } from './measure/parts.ts';
import { measureServers, type ServerContestant, type ServersMeasured } from './measure/servers.ts';
import { ratio, table, whole } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import { startSallyport } from './sallyport/server.ts';
import { type Way, WAYS, wayIn } from './sallyport/ways-in.ts';

export const B1_ROUNDS: Rounds = { rounds: 7, seconds: 2, warmUp: 4 };

const LEAST = 0.8;

const LABELS: Readonly<Record<Way, string>> = {
  session: 'session cookie',
  basic: 'Basic, known password',
  'user-key': 'Basic, user key',
  'service-key': 'Basic, service key',
};

const INSIDE: readonly Contestant[] = WAYS.map((way) =>
  way === 'session'
    ? { id: 'floor', label: `floor: ${LABELS[way]}`, file: ADMITTING, args: [way] }
    : { id: way, label: LABELS[way], file: ADMITTING, args: [way], least: { ofFloor: LEAST } },
);

const OUTSIDE: readonly ServerContestant<Way>[] = WAYS.map((way) => ({
  id: way,
  label: LABELS[way],
  start: (cores) => serverFor(way, cores),
}));

/** Pages of others: only our own are handed a CSRF token, and only with a session, which would pay for it. */
const NO_PAGE = { 'sec-fetch-site': 'same-site' };

async function serverFor(way: Way, cores: Cores): Promise<HttpContestant> {
  const data = temporaryFolder();
  const server = await startSallyport({ core: cores.server, data });
  const { headers } = await wayIn(way, server, data);
  const expect = `"via":"${way}"`;
  const target = { port: server.port, path: '/api/auth/status', headers: { ...headers, ...NO_PAGE }, expect };
  return { target, cpuMs: server.cpuMs, stop: server.stop };
}

export async function b1(cores: Cores, rounds: Rounds): Promise<string> {
  const title = 'B1  Basic on the hot path, in process';
  const inside = await compare({ title, contestants: INSIDE }, cores, rounds);
  const outside = await measureServers(OUTSIDE, cores, rounds);
  return `${inside}\n\n${report(outside)}\n${outside.disturbance}`.trimEnd();
}

function report({ of, how }: ServersMeasured<Way>): string {
  const rows = OUTSIDE.map(({ id, label }) => {
    const { rate, p50, p99, busy } = of(id);
    const share = rate.median / of('session').rate.median;
    const goals: Goal[] = id === 'session' ? [] : [{ what: 'of the session’s rate', value: share, least: LEAST }];
    return [
      label,
      whole(rate.median),
      `${whole(rate.min)}–${whole(rate.max)}`,
      ratio(share),
      p50.median.toFixed(2),
      `${p99.median.toFixed(2)} (${p99.min.toFixed(2)}–${p99.max.toFixed(2)})`,
      busy?.toFixed(2) ?? '?',
      goalText(goals),
      id === 'session' ? '' : verdict(goals),
    ];
  });
  const head = ['GET /api/auth/status with', 'median/s', 'min–max', 'of session', 'p50 ms', 'p99 ms', 'least core'];
  return `B1  Basic on the hot path, over HTTP (${how})\n\n${table([[...head, 'goal', 'result'], ...rows])}`;
}
