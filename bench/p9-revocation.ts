/**
 * P9: how long after the answer to a sign-out another node still takes the session, which it has in memory and is asked for
 * all the time. With each bus, and with all messages lost: then the reading of every second is all there is.
 */

import { Agent, request, type IncomingMessage } from 'node:http';
import { once } from 'node:events';
import { join } from 'node:path';
import { setTimeout as pause } from 'node:timers/promises';
import { startPostgres } from '../test/support/postgres.ts';
import { startValkey } from '../test/support/valkey.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { spread } from './measure/statistics.ts';
import { table } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import type { Rounds } from './measure/compare.ts';
import { type SallyportServer, startSallyport } from './sallyport/server.ts';

/** A round is a number of revocations with each bus; `seconds` means nothing here. */
export const P9_ROUNDS: Rounds = { rounds: 3, seconds: 0, warmUp: 0 };

const revocations = {
  'Valkey and the database': 100,
  'the database': 100,
  'nothing: every message is lost': 10,
} as const;
type Bus = keyof typeof revocations;

/** A function of that name in front of the server's own: what is told is told to nobody. */
const deafen = (role: string): string => `
  CREATE FUNCTION public.pg_notify(text, text) RETURNS void LANGUAGE sql AS 'SELECT';
  ALTER ROLE ${role} SET search_path = public, pg_catalog`;

export async function p9(_cores: Cores, { rounds }: Rounds): Promise<string> {
  const rows: string[][] = [];
  const worst: Record<Bus, number> = {
    'Valkey and the database': 0,
    'the database': 0,
    'nothing: every message is lost': 0,
  };
  const p99s: Record<Bus, number[]> = {
    'Valkey and the database': [],
    'the database': [],
    'nothing: every message is lost': [],
  };
  for (const bus of Object.keys(revocations) as Bus[]) {
    const delays = await withTwoNodes(bus, async (one, two) => {
      const all: number[][] = [];
      for (let round = 0; round < rounds; round += 1) {
        const some: number[] = [];
        for (let at = 0; at < revocations[bus]; at += 1) some.push(await revocation(one, two));
        all.push(some);
      }
      return all;
    });
    for (const [round, some] of delays.entries()) {
      const sorted = some.toSorted((a, b) => a - b);
      const p99 = sorted[Math.ceil(sorted.length * 0.99) - 1] ?? Number.NaN;
      p99s[bus].push(p99);
      worst[bus] = Math.max(worst[bus], ...some);
      rows.push([
        bus,
        String(round + 1),
        String(some.length),
        ...[spread(some).median, p99, spread(some).max].map((ms) => ms.toFixed(1)),
      ]);
    }
  }
  const goals: readonly Goal[] = [
    { what: 'ms p99 with Valkey', value: spread(p99s['Valkey and the database']).median, most: 250 },
    { what: 'ms p99 by the database alone', value: spread(p99s['the database']).median, most: 250 },
    { what: 'ms at most when all messages are lost', value: worst['nothing: every message is lost'], most: 5000 },
  ];
  return [
    'P9  a session that another node has in memory, from the answer to its sign-out to the first 401 there',
    '',
    table([['bus', 'round', 'times', 'p50 ms', 'p99 ms', 'max ms'], ...rows]),
    '',
    `${goalText(goals)}  ${verdict(goals)}`,
  ].join('\n');
}

async function withTwoNodes<T>(bus: Bus, run: (one: SallyportServer, two: SallyportServer) => Promise<T>): Promise<T> {
  const postgres = await startPostgres();
  const valkey = bus === 'Valkey and the database' ? await startValkey() : undefined;
  const started: SallyportServer[] = [];
  try {
    const database = await postgres.createDatabase();
    if (bus === 'nothing: every message is lost') await postgres.sql(deafen(database.name), database.name);
    const data = temporaryFolder();
    const settings = {
      SALLYPORT_DATABASE: database.url,
      SALLYPORT_ROOT_KEY_FILE: join(data, 'root.key'),
      ...(valkey === undefined ? {} : { SALLYPORT_VALKEY: valkey.url }),
    };
    const one = await startSallyport({ core: null, data, settings });
    started.push(one);
    const two = await startSallyport({ core: null, data: temporaryFolder(), settings, admin: one.admin });
    started.push(two);
    return await run(one, two);
  } finally {
    await Promise.all(started.map((each) => each.stop()));
    await valkey?.remove();
    await postgres.remove();
  }
}

const agent = new Agent({ keepAlive: true });

async function revocation(one: SallyportServer, two: SallyportServer): Promise<number> {
  const signedIn = await ask(one, 'POST', '/api/auth/login', { body: one.admin });
  const { token } = JSON.parse(signedIn.text) as { token: string };
  const headers = { authorization: `Bearer ${token}` };
  const known = await ask(two, 'GET', '/api/auth/verify', { headers });
  if (known.status !== 200) throw new Error(`the other node answered ${known.status}: ${known.text}`);
  const ended = await ask(one, 'POST', '/api/auth/logout', { headers });
  if (ended.status !== 200) throw new Error(`signing out was answered ${ended.status}: ${ended.text}`);
  const began = performance.now();
  while ((await ask(two, 'GET', '/api/auth/verify', { headers })).status !== 401) {
    if (performance.now() - began > 20_000) throw new Error('the other node never heard of it');
    // Not without pause: nodes, database and whoever asks share two cores.
    await pause(1);
  }
  return performance.now() - began;
}

async function ask(
  server: SallyportServer,
  method: string,
  path: string,
  sent: { readonly headers?: Readonly<Record<string, string>>; readonly body?: unknown },
): Promise<{ readonly status: number; readonly text: string }> {
  const body = sent.body === undefined ? '' : JSON.stringify(sent.body);
  const asking = request({
    host: '127.0.0.1',
    port: server.port,
    method,
    path,
    agent,
    headers: {
      ...sent.headers,
      ...(body === '' ? {} : { 'content-type': 'application/json' }),
      'content-length': String(Buffer.byteLength(body)),
    },
  });
  asking.end(body);
  const [response] = (await once(asking, 'response')) as [IncomingMessage];
  let text = '';
  for await (const part of response.setEncoding('utf8')) text += String(part);
  return { status: response.statusCode ?? 0, text };
}
