/** Bodies of a hundred megabytes, one at a time, from a process of its own; bytes are counted at both ends. */

import { fork } from 'node:child_process';
import { once } from 'node:events';
import { fileURLToPath } from 'node:url';
import { endWithRunner, stop } from './child.ts';
import { pinned } from './cores.ts';

export interface Streaming {
  readonly port: number;
  readonly headers: Readonly<Record<string, string>>;
  readonly way: 'up' | 'down';
  readonly bytes: number;
}

export type FromStreams =
  | { readonly kind: 'ready' }
  | { readonly kind: 'streamed'; readonly ms: number }
  | { readonly kind: 'failed'; readonly message: string };

export interface Streams {
  /** Megabytes (10⁶) per second. */
  run(streaming: Streaming): Promise<number>;
  stop(): Promise<void>;
}

const ANSWER_MS = 60_000;

export async function startStreams(core: number | null): Promise<Streams> {
  const [command, args] = pinned(core, process.execPath, []);
  const child = fork(fileURLToPath(new URL('./stream-client.ts', import.meta.url)), {
    execPath: command,
    execArgv: args,
    stdio: ['ignore', 'inherit', 'inherit', 'ipc'],
  });
  endWithRunner(child);
  const next = async (): Promise<FromStreams> => {
    const [message] = (await once(child, 'message', { signal: AbortSignal.timeout(ANSWER_MS) })) as [FromStreams];
    return message;
  };
  await next();
  return {
    run: async (streaming) => {
      const answer = next();
      child.send(streaming);
      const message = await answer;
      if (message.kind !== 'streamed') throw new Error(`a stream failed: ${JSON.stringify(message)}`);
      return streaming.bytes / 1e6 / (message.ms / 1000);
    },
    stop: () => stop(child),
  };
}
