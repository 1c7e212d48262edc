/**
 * L2: can accounts be told from names that are nobody's by the time of a refusal? Wrong passwords for both, interleaved, from
 * networks that no limit has counted yet; a rank test of the two lots of times (security: enumeration by time, L-02).
 */

import { once } from 'node:events';
import { Agent, request, type IncomingMessage } from 'node:http';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { spread } from './measure/statistics.ts';
import { table } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';
import { newPassword, startSallyport } from './sallyport/server.ts';
import { addUsers } from './sallyport/users.ts';

/** A round is a run of 400 attempts, half of them for accounts; `seconds` means nothing here. */
export const L2_ROUNDS: Rounds = { rounds: 3, seconds: 0, warmUp: 0 };

const ATTEMPTS = 400;
/** Strangers have a hundred failures a name: so many names share a run's two hundred. */
const NAMES = 8;
const IN_FLIGHT = 4;

export async function l2(_cores: Cores, { rounds }: Rounds): Promise<string> {
  const data = temporaryFolder();
  const first = await startSallyport({ core: null, data });
  await first.stop();
  const accounts = await addUsers(data, NAMES);
  const settings = { SALLYPORT_TRUSTED_PROXIES: '127.0.0.1' };
  const server = await startSallyport({ core: null, data, admin: first.admin, settings });
  const agent = new Agent({ keepAlive: true, maxSockets: IN_FLIGHT });
  try {
    const rows: string[][] = [];
    const areas: number[] = [];
    for (let run = 0; run < rounds; run += 1) {
      const { known, unknown } = await attempts(
        server.port,
        accounts.map((each) => each.username),
        run,
        agent,
      );
      const area = areaUnderCurve(known, unknown);
      areas.push(area);
      const gap = spread(known).median - spread(unknown).median;
      rows.push([
        String(run + 1),
        area.toFixed(3),
        spread(known).median.toFixed(2),
        spread(unknown).median.toFixed(2),
        gap.toFixed(2),
      ]);
    }
    const goals: readonly Goal[] = [
      { what: 'between AUC and 0.5, in two of three runs', value: secondLeast(areas), most: 0.05 },
    ];
    return [
      `L2  refusals of wrong passwords for accounts and for nobody (${ATTEMPTS} attempts a run, interleaved, ${IN_FLIGHT} in flight, ${rounds} runs)`,
      '',
      table([['run', 'AUC', 'account p50 ms', 'nobody p50 ms', 'gap ms'], ...rows]),
      '',
      `${goalText(goals)}  ${verdict(goals)}`,
    ].join('\n');
  } finally {
    agent.destroy();
    await server.stop();
  }
}

async function attempts(
  port: number,
  accounts: readonly string[],
  run: number,
  agent: Agent,
): Promise<{ readonly known: readonly number[]; readonly unknown: readonly number[] }> {
  const known: number[] = [];
  const unknown: number[] = [];
  let next = 0;
  const one = async (): Promise<void> => {
    while (next < ATTEMPTS) {
      const at = next;
      next += 1;
      const place = Math.floor(at / 2) % NAMES;
      const forAccount = at % 2 === 0;
      // A network of its own each time, however wide one looks.
      const name = forAccount ? (accounts[place] ?? '') : `ghost${place}`;
      const ms = await refusal(port, name, `${11 + run * 2 + Math.floor(at / 250)}.${at % 250}.0.1`, agent);
      (forAccount ? known : unknown).push(ms);
    }
  };
  await Promise.all(Array.from({ length: IN_FLIGHT }, one));
  return { known, unknown };
}

/** From the last byte of the request to the first of the answer, in milliseconds. */
async function refusal(port: number, username: string, from: string, agent: Agent): Promise<number> {
  const body = JSON.stringify({ username, password: newPassword() });
  const headers = { 'content-type': 'application/json', 'content-length': body.length, 'x-forwarded-for': from };
  const asking = request({ host: '127.0.0.1', port, path: '/api/auth/login', method: 'POST', headers, agent });
  const began = performance.now();
  asking.end(body);
  const [answer] = (await once(asking, 'response')) as [IncomingMessage];
  const ms = performance.now() - began;
  answer.resume();
  await once(answer, 'end');
  if (answer.statusCode !== 401) throw new Error(`an attempt was answered ${answer.statusCode}, not 401`);
  return ms;
}

/** How often one of the first lot is slower than one of the second; 0.5: nobody can tell. */
function areaUnderCurve(first: readonly number[], second: readonly number[]): number {
  let slower = 0;
  for (const a of first) for (const b of second) slower += a > b ? 1 : a === b ? 0.5 : 0;
  return slower / (first.length * second.length);
}

/** One run in seventy strays by chance: the second best counts. */
function secondLeast(areas: readonly number[]): number {
  const off = areas.map((area) => Math.abs(area - 0.5)).toSorted((a, b) => a - b);
  return off[Math.min(1, off.length - 1)] ?? 1;
}
