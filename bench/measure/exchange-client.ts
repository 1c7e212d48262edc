/**
 * The load of sign-ins, a process of its own: so many workers, each with one exchange in flight on a connection it keeps, and
 * every answer read in full. An answer that is neither right nor one of those allowed beside it ends the run.
 */

import { connect, type Socket } from 'node:net';
import { createHistogram } from 'node:perf_hooks';
import { setTimeout as delay } from 'node:timers/promises';
import { isWhole } from './http-text.ts';
import type { Exchange, Exchanges, FromClient, ToClient } from './exchanges.ts';

const latency = createHistogram();
let right = 0;
let other = 0;
let since = performance.now();
const state = { running: false };
let workers: Promise<unknown> = Promise.resolve();
let serial = 0;

process.once('disconnect', () => process.exit(0));
process.on('message', (message: ToClient) => {
  switch (message.kind) {
    case 'begin': {
      const { exchanges } = message;
      state.running = true;
      reset();
      workers = Promise.all(exchanges.workers.map((each) => work(each, exchanges))).catch((cause: unknown) => {
        state.running = false;
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
      state.running = false;
      void workers.then(() => say({ kind: 'ended' }));
  }
});
say({ kind: 'ready' });

async function work(exchange: Exchange, { port, status, expect, also, pauseMs }: Exchanges): Promise<void> {
  const ask = connection(port);
  while (state.running) {
    const began = performance.now();
    const answer = await ask(requestText(exchange, port));
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

/**
 * Over a bare socket that is kept: this process shares the cores with what it measures, and must cost next to nothing. All
 * contestants frame their answers by Content-Length or in chunks.
 */
function connection(port: number): (text: string) => Promise<{ status: number; text: string }> {
  let socket: Socket | undefined;
  return (text) =>
    new Promise((resolve, reject) => {
      const open = socket ?? connect(port, '127.0.0.1').setNoDelay(true).setEncoding('latin1');
      socket = open;
      let received = '';
      const settle = (): void => {
        open.removeAllListeners();
        open.on('error', () => undefined);
        if (received === '') reject(new Error('the server closed the connection without an answer'));
        else resolve({ status: Number(received.slice(9, 12)), text: received });
      };
      // `setEncoding` makes every chunk a string.
      open.on('data', (part) => {
        received += String(part);
        if (isWhole(received)) settle();
      });
      open.on('error', reject);
      open.on('close', () => {
        socket = undefined;
        settle();
      });
      open.write(text);
    });
}

function requestText({ path, headers, body }: Exchange, port: number): string {
  serial += 1;
  const filled = (text: string): string => text.replace('{n}', String(serial)).replace('{network}', network(serial));
  const payload = filled(body);
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${filled(value)}\r\n`);
  return `POST ${path} HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Type: application/json\r\nContent-Length: ${payload.length}\r\n${lines.join('')}\r\n${payload}`;
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
