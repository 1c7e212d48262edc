/** One token on many kept connections, asked about again and again at one server: what was answered, and to what was sent when. */
import { Agent, request } from 'node:http';
import { bearer } from './invited.ts';
import type { RunningServer } from './server.ts';
import { pause } from './waiting.ts';

export interface Hammering {
  /** Of all requests sent at that time or later: how many were let in, and how many were answered otherwise. */
  sentSince(time: number): { readonly passed: number; readonly refused: number };
  /** Answers that were given so far. */
  readonly answered: () => number;
  /** Statuses that were seen. */
  readonly statuses: () => ReadonlySet<number>;
  stop(): Promise<void>;
}

/** Between two requests of one connection. */
const restMs = 20;

export function hammer(server: Pick<RunningServer, 'console'>, token: string, connections: number): Hammering {
  const { hostname: host, port } = new URL(server.console);
  const answers: { readonly sentAt: number; readonly status: number }[] = [];
  const going = new AbortController();
  const ask = (agent: Agent): Promise<number> =>
    new Promise((resolve, reject) => {
      request({ host, port, path: '/api/auth/verify', agent, headers: bearer(token) }, (response) => {
        response.resume();
        response.once('end', () => resolve(response.statusCode ?? 0));
      })
        .once('error', reject)
        .end();
    });
  const loops = Array.from({ length: connections }, async () => {
    const agent = new Agent({ keepAlive: true, maxSockets: 1 });
    for (; !going.signal.aborted; await pause(restMs)) {
      const sentAt = performance.now();
      answers.push({ sentAt, status: await ask(agent) });
    }
    agent.destroy();
  });
  return {
    sentSince: (time) => {
      const since = answers.filter(({ sentAt }) => sentAt >= time);
      const passed = since.filter(({ status }) => status === 200).length;
      return { passed, refused: since.length - passed };
    },
    answered: () => answers.length,
    statuses: () => new Set(answers.map(({ status }) => status)),
    stop: async () => {
      going.abort();
      await Promise.all(loops);
    },
  };
}
