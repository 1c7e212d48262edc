/**
 * An embedded house in a process of its own, which stops for good at one operation of its store, before it or after it, once
 * that is asked for by the file `stop` in its folder: whoever kills it then knows where. Told as JSON in `HOUSE`.
 */
import { type ChildProcess, spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { fileURLToPath } from 'node:url';
import type { Store } from '../../src/index.ts';
import { embed } from './library.ts';
import type { TestDatabase } from './postgres.ts';
import { openNode } from './store-node.ts';

export interface StoppingAt {
  readonly operation: 'beginIdempotent' | 'createToken' | 'keepAnswer';
  readonly when: 'before' | 'after';
}

interface Told extends StoppingAt {
  readonly data: string;
  /** Empty: SQLite, and a key of its own. */
  readonly rootKey: string;
  readonly place: TestDatabase['place'] | null;
}

export interface StoppingHouse {
  readonly console: string;
  readonly setupCode: string;
  /** It stops at that operation from now on. */
  arm(): Promise<void>;
  /** It stands there. */
  readonly stopped: Promise<void>;
  /** SIGKILL; resolves when it is gone. */
  kill(): Promise<void>;
}

export async function startStoppingHouse(told: Told): Promise<StoppingHouse> {
  const child = spawn(process.execPath, [fileURLToPath(import.meta.url)], {
    stdio: ['ignore', 'pipe', 'inherit'],
    env: { PATH: process.env['PATH'] ?? '', HOUSE: JSON.stringify(told) },
  });
  const exited = new Promise<void>((resolve) => child.once('exit', () => resolve()));
  const lines = linesOf(child);
  const ready = JSON.parse(await lines('ready')) as Pick<StoppingHouse, 'console' | 'setupCode'>;
  return {
    ...ready,
    arm: () => writeFile(join(told.data, 'stop'), ''),
    stopped: lines('stopped').then(() => undefined),
    kill: async () => {
      child.kill('SIGKILL');
      await exited;
    },
  };
}

function linesOf(child: ChildProcess): (word: string) => Promise<string> {
  const waiting = new Map<string, PromiseWithResolvers<string>>();
  const of = (word: string): PromiseWithResolvers<string> => {
    const known = waiting.get(word) ?? Promise.withResolvers<string>();
    waiting.set(word, known);
    return known;
  };
  if (child.stdout !== null)
    createInterface({ input: child.stdout }).on('line', (line) => {
      const [word = '', ...rest] = line.split(' ');
      of(word).resolve(rest.join(' '));
    });
  return (word) => of(word).promise;
}

async function serve({ data, rootKey, place, operation, when }: Told): Promise<void> {
  const stopHere = async (at: StoppingAt['when']): Promise<void> => {
    if (at !== when || !existsSync(join(data, 'stop'))) return;
    console.log('stopped');
    await new Promise(() => undefined);
  };
  const around = (store: Store): Store => {
    const whole = store[operation].bind(store) as (given: never) => Promise<unknown>;
    const stopping = async (given: never): Promise<unknown> => {
      await stopHere('before');
      const came = await whole(given);
      await stopHere('after');
      return came;
    };
    return { ...store, [operation]: stopping };
  };
  const house = await embed({
    data,
    around,
    ...(rootKey === '' ? {} : { argv: ['--root-key-file', rootKey] }),
    ...(place === null ? {} : { node: await openNode({ place } as TestDatabase, { node: 'stopping-house' }) }),
  });
  console.log(`ready ${JSON.stringify({ console: house.console, setupCode: house.setupCode })}`);
}

const told = process.env['HOUSE'];
if (told !== undefined) await serve(JSON.parse(told) as Told);
