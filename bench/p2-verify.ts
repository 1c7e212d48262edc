/** P2: `GET /api/auth/verify` with a known session over HTTP, against bare `node:http` and better-auth's `get-session`. */

import { startServer, type HttpContestant } from './measure/child.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { PEER_SERVER } from './measure/parts.ts';
import { measureServers, type ServerContestant, type ServersMeasured } from './measure/servers.ts';
import { ratio, table, whole } from './measure/table.ts';
import type { Rounds } from './measure/compare.ts';
import { sessionOf, startSallyport, USER } from './sallyport/server.ts';
import { temporaryFolder } from './measure/temporary.ts';

export const P2_ROUNDS: Rounds = { rounds: 7, seconds: 4, warmUp: 3 };

const BARE = new URL('./floors/bare-http.ts', import.meta.url);

type Id = 'bare' | 'map' | 'ours' | 'peer' | 'cached';

const CONTESTANTS: readonly ServerContestant<Id>[] = [
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

export async function p2(cores: Cores, rounds: Rounds): Promise<string> {
  const measured = await measureServers(CONTESTANTS, cores, rounds);
  return `${report(measured)}\n${measured.disturbance}`.trimEnd();
}

function report({ of, how }: ServersMeasured<Id>): string {
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
