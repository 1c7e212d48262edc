/** Whether requests are waiting behind something: decides how many cores hashing may have (3-rules, Passwords). */
import { monitorEventLoopDelay, performance } from 'node:perf_hooks';
import type { EventLoop } from './hash-queue.ts';

export interface EventLoopWatch {
  readonly state: EventLoop;
  stop(): void;
}

export interface LoopReading {
  /** 99th percentile of how late the loop was, in milliseconds. */
  readonly lateMs: number;
  /** Share of the time in which it had something to do. */
  readonly busy: number;
}

const resolutionMs = 10;
const lateFromMs = 2;
const busyFrom = 0.5;
const windowMs = 1000;

/**
 * Both must be: hashes on every core, ours or a neighbour's, make a loop late that nobody waits for, and a busy one that
 * is never late is not in anybody's way.
 */
export function stateOf({ lateMs, busy }: LoopReading): ReturnType<EventLoop> {
  return lateMs >= lateFromMs && busy >= busyFrom ? 'loaded' : 'idle';
}

/** Judged anew each second, by that second; lateness beyond the timer's own resolution. */
export function watchEventLoop(): EventLoopWatch {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let state: ReturnType<EventLoop> = 'idle';
  let before = performance.eventLoopUtilization();
  const reading = setInterval(() => {
    const now = performance.eventLoopUtilization();
    const { utilization } = performance.eventLoopUtilization(now, before);
    before = now;
    state = stateOf({ lateMs: delay.percentile(99) / 1e6 - resolutionMs, busy: utilization });
    delay.reset();
  }, windowMs);
  reading.unref();
  return {
    state: () => state,
    stop: () => {
      clearInterval(reading);
      delay.disable();
    },
  };
}
