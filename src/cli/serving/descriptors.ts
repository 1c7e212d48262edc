/** How many files and connections the system lets this process have open. */
import { readFileSync } from 'node:fs';

/** Kept for the database, its threads, logs and what comes unasked. */
const reserve = 96;
const least = 16;

/**
 * Connections each listener may hold: what is set, as far as the system's limit allows. A connection that is passed on
 * takes two descriptors, and there are two listeners.
 */
export function connectionsAllowed(wanted: number): number {
  const limit = openFilesLimit();
  return limit === 'unknown' ? wanted : Math.min(wanted, Math.max(least, Math.floor((limit - reserve) / 3)));
}

/** The limit in force; Node has raised it to the hard one when it started. Only Linux tells it without a child process. */
function openFilesLimit(): number | 'unknown' {
  try {
    const [, soft = 'unlimited'] =
      /^Max open files\s+(\d+|unlimited)/m.exec(readFileSync('/proc/self/limits', 'utf8')) ?? [];
    return soft === 'unlimited' ? 'unknown' : Number(soft);
  } catch {
    return 'unknown';
  }
}
