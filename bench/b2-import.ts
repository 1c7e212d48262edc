/**
 * B2: known sessions while an admin imports 10 000 accounts, beside the same without it. The accounts come in one file and are
 * made in parts; every request beside it has to get its turn between them.
 */

import { setTimeout as delay } from 'node:timers/promises';
import { findLoad, type Load } from './measure/load.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import type { Rounds } from './measure/compare.ts';
import { spread, type Spread } from './measure/statistics.ts';
import { table, whole } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import { bearerOf, sessionOf, startSallyport, USER } from './sallyport/server.ts';
import type { HttpContestant } from './measure/child.ts';

/** `seconds` of the calm; beside imports it is measured for as long. */
export const B2_ROUNDS: Rounds = { rounds: 5, seconds: 4, warmUp: 1 };

const ROWS = 10_000;

interface Round {
  readonly calmP99: number;
  readonly calm: number;
  readonly p99: number;
  readonly perSecond: number;
  /** Imports that ended meanwhile, and how long one took. */
  readonly imports: number;
  readonly importMs: number;
}

export async function b2(cores: Cores, { rounds, seconds, warmUp }: Rounds): Promise<string> {
  const load = findLoad(cores);
  const { port, admin, ...server } = await startSallyport({ core: cores.server, data: temporaryFolder() });
  try {
    const cookie = await sessionOf({ port, admin });
    const target = { port, path: '/api/auth/verify', headers: { cookie }, expect: `remote-user\n${USER}\n` };
    const contestant = { ...server, target };
    const token = await bearerOf({ port, admin });
    const results: Round[] = [];
    for (let at = 0; at < warmUp + rounds; at += 1) {
      const result = await round(contestant, load, { port, token, seconds, stem: `r${at}` });
      if (at >= warmUp) results.push(result);
    }
    return report(
      results,
      `sessions by ${load.note}, ${rounds} rounds of ${seconds} s calm and ${seconds} s beside imports of ${ROWS} rows one after another`,
    );
  } finally {
    await server.stop();
  }
}

async function round(
  server: HttpContestant,
  load: Load,
  {
    port,
    token,
    seconds,
    stem,
  }: { readonly port: number; readonly token: string; readonly seconds: number; readonly stem: string },
): Promise<Round> {
  const calm = await load.run(server, seconds);
  const state = { running: true, imports: 0, ms: 0 };
  const importing = (async () => {
    while (state.running) {
      const began = performance.now();
      await importOnce(port, token, `${stem}-${state.imports}`);
      state.imports += 1;
      state.ms += performance.now() - began;
    }
  })();
  await delay(100);
  const beside = await load.run(server, seconds);
  state.running = false;
  await importing;
  return {
    calm: calm.perSecond,
    calmP99: calm.p99Ms,
    perSecond: beside.perSecond,
    p99: beside.p99Ms,
    imports: state.imports,
    importMs: state.ms / state.imports,
  };
}

async function importOnce(port: number, token: string, stem: string): Promise<void> {
  const rows = Array.from(
    { length: ROWS },
    (_, at) => `${stem}-${at},${stem}-${at}@example.org,"Name, ${at}",editor;viewer\r\n`,
  );
  const answer = await fetch(`http://127.0.0.1:${port}/api/auth/users/import-csv`, {
    method: 'POST',
    headers: { authorization: `Bearer ${token}`, 'content-type': 'text/csv' },
    body: `username,email,name,privileges\r\n${rows.join('')}`,
  });
  const told = (await answer.json()) as { readonly applied?: number };
  if (told.applied !== ROWS) throw new Error(`${ROWS} accounts were to be made, and ${told.applied} were`);
}

function report(results: readonly Round[], how: string): string {
  const of = (value: (round: Round) => number): Spread => spread(results.map(value));
  const goals: Goal[] = [{ what: 'ms p99', value: of((each) => each.p99).median, most: 10 }];
  const row = [
    whole(of((each) => each.calm).median),
    whole(of((each) => each.perSecond).median),
    of((each) => each.calmP99).median.toFixed(2),
    `${of((each) => each.p99).median.toFixed(2)} (${of((each) => each.p99).max.toFixed(2)})`,
    of((each) => each.importMs).median.toFixed(0),
    goalText(goals),
    verdict(goals),
  ];
  const head = ['calm/s', 'beside/s', 'p99 ms', 'p99 beside (most)', 'ms an import', 'goal', 'result'];
  return `B2  sessions beside an import (${how})\n\n${table([head, row])}`;
}
