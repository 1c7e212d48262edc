/** The runner's side: starts contestants on their core, asks for rounds, ends them by their own handle. */

import { spawn, type ChildProcess } from 'node:child_process';
import { once } from 'node:events';
import { readFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { pinned, type Cores } from './cores.ts';
import type { FromContestant, HttpTarget, RoundResult, ToContestant } from './protocol.ts';

const START_MS = 60_000;
const STOP_MS = 15_000;
const ROUND_SLACK_MS = 30_000;

export interface GuardContestant {
  round(ms: number): Promise<RoundResult>;
  stop(): Promise<void>;
}

export interface HttpContestant {
  readonly target: HttpTarget;
  readonly pid?: number | undefined;
  /** CPU time used so far, or null where the kernel does not tell. */
  cpuMs(): number | null;
  stop(): Promise<void>;
}

export async function startGuard(file: URL, args: readonly string[], cores: Cores): Promise<GuardContestant> {
  const child = startNode(file, args, cores);
  await answer(child, 'ready', START_MS);
  return {
    round: (ms) => {
      const result = answer(child, 'result', ms + ROUND_SLACK_MS);
      child.send({ kind: 'round', ms } satisfies ToContestant);
      return result;
    },
    stop: () => stop(child),
  };
}

export async function startServer(file: URL, args: readonly string[], cores: Cores): Promise<HttpContestant> {
  const child = startNode(file, args, cores);
  const { target } = await answer(child, 'listening', START_MS);
  return { target, pid: child.pid, cpuMs: () => cpuMs(child), stop: () => stop(child) };
}

/** Ends with the runner whatever way the runner ends. */
export function endWithRunner(child: ChildProcess): void {
  const kill = (): void => void child.kill('SIGKILL');
  process.once('exit', kill);
  child.once('exit', () => process.off('exit', kill));
}

export async function stop(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return;
  const ended = once(child, 'exit');
  if (child.connected) child.disconnect();
  else child.kill('SIGTERM');
  const timer = setTimeout(() => child.kill('SIGKILL'), STOP_MS);
  await ended;
  clearTimeout(timer);
}

export function cpuMs(child: ChildProcess): number | null {
  try {
    // The command name may hold spaces and brackets; fields are counted from behind it. Ticks are 10 ms on Linux.
    const fields = readFileSync(`/proc/${child.pid}/stat`, 'latin1')
      .replace(/^.*\) /s, '')
      .split(' ');
    return (Number(fields[11]) + Number(fields[12])) * 10;
  } catch {
    return null;
  }
}

function startNode(file: URL, args: readonly string[], cores: Cores): ChildProcess {
  const [command, all] = pinned(cores.server, process.execPath, [fileURLToPath(file), ...args]);
  const child = spawn(command, all, {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    env: { ...process.env, NODE_ENV: 'production' },
  });
  endWithRunner(child);
  return child;
}

function answer<K extends FromContestant['kind']>(
  child: ChildProcess,
  kind: K,
  ms: number,
): Promise<Extract<FromContestant, { kind: K }>> {
  const { promise, resolve, reject } = Promise.withResolvers<Extract<FromContestant, { kind: K }>>();
  const onMessage = (message: FromContestant): void => {
    if (message.kind === kind) resolve(message as Extract<FromContestant, { kind: K }>);
    else if (message.kind === 'failed') reject(new Error(`contestant failed: ${message.message}`));
  };
  const onExit = (): void => reject(new Error('contestant ended before it answered'));
  const timer = setTimeout(() => reject(new Error(`contestant did not answer within ${ms} ms`)), ms);
  child.on('message', onMessage);
  child.once('exit', onExit);
  child.once('error', reject);
  return promise.finally(() => {
    clearTimeout(timer);
    child.off('message', onMessage);
    child.off('exit', onExit);
    child.off('error', reject);
  });
}
