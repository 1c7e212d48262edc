/**
 * The load of sign-ins, a process of its own: so many workers, each with one exchange in flight on a connection it keeps, and
 * every answer read in full. An answer that is neither right nor one of those allowed beside it ends the run.
 */

import { Agent, type IncomingMessage, request } from 'node:http';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import type { Exchange, Exchanges, FromClient, ToClient } from './exchanges.ts';

const agent = new Agent({ keepAlive: true });
const latency = createHistogram();
let right = 0;
let other = 0;
let since = performance.now();
let running = false;
let workers: Promise<unknown> = Promise.resolve();
let serial = 0;

process.once('disconnect', () => process.exit(0));
process.on('message', (message: ToClient) => {
  switch (message.kind) {
    case 'begin': {
      const { exchanges } = message;
      running = true;
      reset();
      workers = Promise.all(exchanges.workers.map((each) => work(each, exchanges))).catch((cause: unknown) => {
        running = false;
        say({ kind: 'failed', message: String(cause) });
      });
      return;
    }
    case 'read': {
      const ms = performance.now() - since;
      const p50Ms = latency.percentile(50) / 1e6;
      say({ kind: 'counts', right, other, ms, p50Ms, p99Ms: latency.percentile(99) / 1e6 });
      reset();
      return;
    }
    case 'end':
      running = false;
      void workers.then(() => say({ kind: 'ended' }));
  }
});
say({ kind: 'ready' });

async function work(exchange: Exchange, { port, status, expect, also, pauseMs }: Exchanges): Promise<void> {
  while (running) {
    const began = performance.now();
    const answer = await send(port, exchange);
    if (answer.status === status && answer.text.includes(expect)) {
      right += 1;
      // Nanoseconds; a histogram takes no zero.
      latency.record(Math.max(1, Math.round((performance.now() - began) * 1e6)));
    } else if (also.includes(answer.status)) {
      other += 1;
      await delay(pauseMs);
    } else throw new Error(`${exchange.path} answered ${answer.status}: ${answer.text.slice(0, 400)}`);
  }
}

function send(port: number, { path, headers, body }: Exchange): Promise<{ status: number; text: string }> {
  serial += 1;
  const filled = (text: string): string => text.replace('{n}', String(serial)).replace('{network}', network(serial));
  const sent = Object.fromEntries(Object.entries(headers).map(([name, value]) => [name, filled(value)]));
  const payload = Buffer.from(filled(body));
  return new Promise((resolve, reject) => {
    const asking = request(
      {
        agent,
        host: '127.0.0.1',
        port,
        path,
        method: 'POST',
        headers: { 'content-type': 'application/json', 'content-length': payload.length, ...sent },
      },
      (answer: IncomingMessage) => {
        let text = '';
        answer.setEncoding('utf8');
        answer.on('data', (part: string) => (text += part));
        answer.on('end', () => resolve({ status: answer.statusCode ?? 0, text }));
        answer.on('error', reject);
      },
    );
    asking.on('error', reject);
    asking.end(payload);
  });
}

/** Each in a /21 of its own, the widest network that limits count by: 16.0.0.0 to 127.255.248.0, in turn. */
function network(n: number): string {
  const value = (n % ((112 * 2 ** 24) / 2048)) * 2048 + 16 * 2 ** 24 + 1;
  return [24, 16, 8, 0].map((shift) => (value >>> shift) & 255).join('.');
}

function reset(): void {
  right = 0;
  other = 0;
  since = performance.now();
  latency.reset();
}

function say(message: FromClient): void {
  process.send?.(message);
}
