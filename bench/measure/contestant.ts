/** The contestant's side of a measurement: runs rounds in process, or tells where its server listens. */

import { setImmediate as nextTurn, setTimeout as delay } from 'node:timers/promises';
import type { FromContestant, HttpTarget, RoundResult, ToContestant } from './protocol.ts';

export interface Operation {
  /** Runs the operation `count` times and throws when one of them is not what it should be. */
  batch(count: number): void | Promise<void>;
  close?(): void | Promise<void>;
}

/** Long enough that reading the clock costs nothing, short enough that timers (freshness, flushes) run as they do in life. */
const TURN_MS = 10;

export async function contest(prepare: () => Operation | Promise<Operation>): Promise<void> {
  try {
    const operation = await prepare();
    let count = 1;
    const close = async (): Promise<void> => {
      await operation.close?.();
      process.exit(0);
    };
    process.once('disconnect', () => void close());
    process.on('message', (message: ToContestant) => {
      const round = async (): Promise<void> => {
        try {
          const [result, next] = await run(operation, message.ms, count);
          count = next;
          say(result);
        } catch (cause) {
          fail(cause);
        }
      };
      void round();
    });
    say({ kind: 'ready' });
  } catch (cause) {
    fail(cause);
  }
}

/** For an operation that waits for other threads: so many of it in flight; what is in flight at the end does not count. */
export async function contestInFlight(prepare: () => Promise<() => Promise<void>>, inFlight: number): Promise<void> {
  try {
    const operation = await prepare();
    process.once('disconnect', () => process.exit(0));
    process.on('message', (message: ToContestant) => {
      const began = performance.now();
      const cpuBefore = process.cpuUsage();
      const ends = began + message.ms;
      let operations = 0;
      const work = async (): Promise<void> => {
        while (performance.now() < ends) {
          await operation();
          if (performance.now() <= ends) operations += 1;
        }
      };
      // Threads are busy for a little longer than the round; its share of the cores is measured while it lasts.
      const measured = delay(message.ms).then(() => ({
        cpu: process.cpuUsage(cpuBefore),
        ms: performance.now() - began,
      }));
      const workers = Promise.all(Array.from({ length: inFlight }, work));
      void Promise.all([measured, workers])
        .then(([{ cpu, ms }]) => say({ kind: 'result', operations, ms, cpuMs: (cpu.user + cpu.system) / 1000 }))
        .catch(fail);
    });
    say({ kind: 'ready' });
  } catch (cause) {
    fail(cause);
  }
}

/** For a contestant that is a server; it lives until the runner lets go of the channel. */
export function announce(target: HttpTarget): void {
  process.once('disconnect', () => process.exit(0));
  say({ kind: 'listening', target });
}

export function fail(cause: unknown): void {
  say({ kind: 'failed', message: cause instanceof Error ? (cause.stack ?? cause.message) : String(cause) });
  process.exitCode = 1;
}

/** Batches grow until one fills a turn; the size found is handed on to the next round. */
async function run(operation: Operation, ms: number, firstCount: number): Promise<[RoundResult, number]> {
  let count = firstCount;
  let operations = 0;
  const cpuBefore = process.cpuUsage();
  const started = performance.now();
  let now = started;
  while (now - started < ms) {
    const pending = operation.batch(count);
    // Awaited only when there is something to wait for: a synchronous operation is not charged for a promise.
    if (pending !== undefined) await pending;
    operations += count;
    const ended = performance.now();
    if (ended - now < TURN_MS / 2) count *= 2;
    else if (ended - now > TURN_MS * 2 && count > 1) count = Math.ceil(count / 2);
    await nextTurn();
    now = performance.now();
  }
  const cpu = process.cpuUsage(cpuBefore);
  return [{ kind: 'result', operations, ms: now - started, cpuMs: (cpu.user + cpu.system) / 1000 }, count];
}

function say(message: FromContestant): void {
  if (process.send === undefined) throw new Error('a contestant is started by bench/run.ts, not by hand');
  process.send(message);
}
