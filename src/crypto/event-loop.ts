/** Whether requests are waiting behind something: decides how many cores hashing may have (3-rules, Passwords). */
import { monitorEventLoopDelay } from 'node:perf_hooks';
import type { EventLoop } from './hash-queue.ts';

export interface EventLoopWatch {
  readonly state: EventLoop;
  stop(): void;
}

const resolutionMs = 10;
const loadedFromMs = 2;
const windowMs = 1000;

/** p99 of the delay over the last full second, beyond the timer's own resolution. */
export function watchEventLoop(): EventLoopWatch {
  const delay = monitorEventLoopDelay({ resolution: resolutionMs });
  delay.enable();
  let state: ReturnType<EventLoop> = 'idle';
  const reading = setInterval(() => {
    state = delay.percentile(99) / 1e6 - resolutionMs < loadedFromMs ? 'idle' : 'loaded';
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
