/**
 * The runner's side of `exchange-client.ts`: sign-ins in flight against one server, right ones or wrong ones, counted by how
 * they were answered.
 */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithRunner, stop } from './child.ts';
import { pinned } from './cores.ts';

/** One kind of request. `{n}` becomes a number that never comes twice, `{network}` an address in a network of its own. */
export interface Exchange {
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

export interface Exchanges {
  readonly port: number;
  /** One worker each, with one exchange in flight; the next begins when the answer has been read. */
  readonly workers: readonly Exchange[];
  /** The status meant, and text that its body must hold. */
  readonly status: number;
  readonly expect: string;
  /** Other statuses that are no mistake, and how long a worker that got one waits. */
  readonly also: readonly number[];
  readonly pauseMs: number;
}

export interface ExchangeCounts {
  /** Answers with the status meant since the last reading. */
  readonly right: number;
  /** Answers with one of the other statuses. */
  readonly other: number;
  readonly ms: number;
  readonly p50Ms: number;
  readonly p99Ms: number;
}

export type ToClient = { readonly kind: 'begin'; readonly exchanges: Exchanges } | { readonly kind: 'read' | 'end' };

export type FromClient =
  | { readonly kind: 'ready' | 'ended' }
  | { readonly kind: 'failed'; readonly message: string }
  | ({ readonly kind: 'counts' } & ExchangeCounts);

export interface ExchangeClient {
  /** Starts the workers; they go on until `end`. */
  begin(exchanges: Exchanges): void;
  /** Counts since the last reading, or since the beginning. */
  read(): Promise<ExchangeCounts>;
  /** No new exchanges; resolves when the last has been answered, so that the server is at rest again. */
  end(): Promise<void>;
  stop(): Promise<void>;
}

const ANSWER_MS = 60_000;

export async function startExchanges(core: number | null): Promise<ExchangeClient> {
  const [command, args] = pinned(core, process.execPath, []);
  const child = fork(fileURLToPath(new URL('./exchange-client.ts', import.meta.url)), {
    execPath: command,
    execArgv: args,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  endWithRunner(child);
  let failure: string | undefined;
  child.on('message', (message: FromClient) => {
    if (message.kind === 'failed') failure = `the load failed: ${message.message}`;
  });
  const said = async <K extends FromClient['kind']>(kind: K): Promise<Extract<FromClient, { kind: K }>> => {
    const signal = AbortSignal.timeout(ANSWER_MS);
    for (;;) {
      if (failure !== undefined) throw new Error(failure);
      const [message] = (await once(child, 'message', { signal })) as [FromClient];
      if (message.kind === kind) return message as Extract<FromClient, { kind: K }>;
    }
  };
  const tell = (message: ToClient): void => void child.send(message);
  await said('ready');
  return {
    begin: (exchanges) => tell({ kind: 'begin', exchanges }),
    read: () => {
      const counts = said('counts');
      tell({ kind: 'read' });
      return counts;
    },
    end: async () => {
      const ended = said('ended');
      tell({ kind: 'end' });
      await ended;
    },
    stop: () => stop(child),
  };
}
