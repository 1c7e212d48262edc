/**
 * Interleaved rounds: everybody once per round, so that a machine that grows slower or faster meanwhile does so for all. Who
 * begins moves on each round, so that nobody always follows the same neighbour.
 */
export async function interleave<T, R>(
  contestants: readonly T[],
  rounds: number,
  measure: (contestant: T) => Promise<R>,
): Promise<Map<T, R[]>> {
  const results = new Map<T, R[]>(contestants.map((contestant) => [contestant, []]));
  for (let round = 0; round < rounds; round++) {
    const first = round % contestants.length;
    for (const contestant of [...contestants.slice(first), ...contestants.slice(0, first)]) {
      results.get(contestant)?.push(await measure(contestant));
    }
  }
  return results;
}

/** Below this share of its core a process was not measured alone. */
const UNDISTURBED = 0.95;
const TRIES = 4;

export interface Repeats {
  /** Runs thrown away because somebody else had the core; printed with the result. */
  count: number;
}

/**
 * Runs a measurement again while somebody else has the core, and keeps the run that had most of it. What decides is the
 * share of the core alone, never the rate, so no contestant can gain by it.
 */
export function undisturbed<T, R>(
  measure: (contestant: T) => Promise<R>,
  coreShare: (result: R) => number | null,
  repeats: Repeats,
): (contestant: T) => Promise<R> {
  return async (contestant) => {
    let best = await measure(contestant);
    for (let tries = 1; tries < TRIES && (coreShare(best) ?? 1) < UNDISTURBED; tries++) {
      repeats.count += 1;
      const next = await measure(contestant);
      if ((coreShare(next) ?? 1) > (coreShare(best) ?? 1)) best = next;
    }
    return best;
  };
}

/** A line for the report when even the best runs were shared; empty when all is well. */
export function disturbance(leastShare: number | null, repeats: Repeats): string {
  const repeated =
    repeats.count === 0 ? '' : `\n${repeats.count} runs were repeated because something else had the core.`;
  if (leastShare === null || leastShare >= UNDISTURBED) return repeated;
  return `${repeated}\nDISTURBED: some round had only ${leastShare.toFixed(2)} of its core. Run it again on a quiet machine.`;
}
