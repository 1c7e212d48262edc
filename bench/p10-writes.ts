/**
 * P10: what a million requests of one session, and of one API token, make the server write. They come evenly over the time
 * measured, in process; every write that the store was asked for meanwhile counts, whatever it was for. What is left is written
 * when the server stops, and then the token's count must be right: writing less is no use if something is lost.
 */

import { setTimeout as pause } from 'node:timers/promises';
import type { Store } from '../src/index.ts';
import type { TokenId } from '../src/types.ts';
import type { Rounds } from './measure/compare.ts';
import type { Cores } from './measure/cores.ts';
import { goalText, verdict, type Goal } from './measure/goals.ts';
import { table, whole } from './measure/table.ts';
import { temporaryFolder } from './measure/temporary.ts';
import { bySession, byToken, guarding, open } from './sallyport/in-process.ts';
import { sessionOf, startSallyport, USER } from './sallyport/server.ts';
import { tokenOf } from './sallyport/token.ts';

/** `seconds` is how long the requests are spread over. */
export const P10_ROUNDS: Rounds = { rounds: 1, seconds: 90, warmUp: 0 };

const REQUESTS = 1_000_000;
const EVERY_MS = 30_000;
const TURN_MS = 10;

const shown = { session: 'a session', token: 'an API token' } as const;
type What = keyof typeof shown;

interface Written {
  readonly writes: number;
  readonly ms: number;
}

export async function p10(_cores: Cores, { rounds, seconds }: Rounds): Promise<string> {
  const rows: string[][] = [];
  for (let round = 0; round < rounds; round += 1) {
    for (const what of Object.keys(shown) as What[]) {
      const { writes, ms } = await written(what, seconds * 1000);
      const stretches = Math.ceil(ms / EVERY_MS);
      const goals: Goal[] = [{ what: `a ${EVERY_MS / 1000} s`, value: writes / stretches, most: 1 }];
      rows.push([
        shown[what],
        whole(REQUESTS),
        (ms / 1000).toFixed(1),
        String(writes),
        (writes / stretches).toFixed(2),
        goalText(goals),
        verdict(goals),
      ]);
    }
  }
  const head = ['requests of', 'requests', 'seconds', 'writes', 'a 30 s, begun', 'goal', 'result'];
  return `P10  writes that requests cause (evenly over ${seconds} s, in process)\n\n${table([head, ...rows])}`;
}

async function written(what: What, ms: number): Promise<Written> {
  const data = temporaryFolder();
  const server = await startSallyport({ core: null, data });
  const cookie = await sessionOf(server);
  await server.stop();
  const { sallyport, settings, closeStore } = await open(data);
  const { store } = sallyport;
  try {
    const token = await tokenOf(store, settings.tokenPrefix, USER);
    const showing = what === 'token' ? byToken(token.authorization, USER) : bySession(() => cookie, USER);
    const batch = guarding(sallyport, settings.cookieName, showing);
    // Known from here on.
    await batch(1);
    const before = store.figures().writes;
    const began = performance.now();
    for (let done = 1; done < REQUESTS;) {
      await pause(TURN_MS);
      const due = Math.min(REQUESTS, Math.ceil((REQUESTS * (performance.now() - began)) / ms));
      if (due > done) await batch(due - done);
      done = Math.max(done, due);
    }
    const took = performance.now() - began;
    // Writes that were asked for just now are on their way to disk.
    await pause(TURN_MS);
    const writes = store.figures().writes - before;
    await sallyport.close();
    if (what === 'token') await countedAll(store, token.id);
    return { writes, ms: took };
  } finally {
    await closeStore();
  }
}

async function countedAll(store: Store, id: TokenId): Promise<void> {
  const found = await store.tokenById(id);
  const counted = found.kind === 'found' ? found.token.useCount : 0;
  if (counted !== REQUESTS) throw new Error(`${REQUESTS} uses of the token were to be written, but ${counted} were`);
}
