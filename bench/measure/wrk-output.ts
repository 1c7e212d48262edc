import type { LoadReport } from './load.ts';

/** Reads what `wrk --latency` prints; throws when it does not look as expected, so that no figure is ever guessed. */
export function readWrk(output: string): LoadReport {
  return {
    perSecond: number(output, /^Requests\/sec:\s+([\d.]+)/m),
    p50Ms: milliseconds(output, /^\s+50%\s+([\d.]+)(us|ms|s|m) *$/m),
    p99Ms: milliseconds(output, /^\s+99%\s+([\d.]+)(us|ms|s|m) *$/m),
    failed: failures(output),
  };
}

function failures(output: string): number {
  const refused = /^\s+Non-2xx or 3xx responses: (\d+)/m.exec(output)?.[1] ?? '0';
  const broken = /^\s+Socket errors: connect (\d+), read (\d+), write (\d+), timeout (\d+)/m.exec(output) ?? [];
  return [refused, ...broken.slice(1)].reduce((sum, count) => sum + Number(count), 0);
}

function number(output: string, pattern: RegExp): number {
  const found = pattern.exec(output)?.[1];
  if (found === undefined) throw new Error(`wrk printed no ${pattern.source}:\n${output}`);
  return Number(found);
}

function milliseconds(output: string, pattern: RegExp): number {
  const unit = pattern.exec(output)?.[2] ?? '';
  const factor = { us: 0.001, ms: 1, s: 1000, m: 60_000 }[unit] ?? NaN;
  return number(output, pattern) * factor;
}
