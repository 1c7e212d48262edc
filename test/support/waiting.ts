/** Waiting in tests: for a while, or until something is so. */
import assert from 'node:assert/strict';

export function pause(ms: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, ms));
}

/** Looks again and again; fails with `what` when it has not come by then. */
export async function settled(reached: () => boolean, what: string, ms = 3000): Promise<void> {
  for (const began = performance.now(); !reached(); await pause(10)) assert.ok(performance.now() - began < ms, what);
}
