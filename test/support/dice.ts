/**
 * Chance that can be had again: a failing run prints its seed, and `SALLYPORT_TEST_SEED` brings the same throws back
 * (of the order in which a server answers, nobody is master).
 */
export interface Dice {
  readonly seed: number;
  /** A whole number from `least` up to and including `most`. */
  between(least: number, most: number): number;
  pick<T>(from: readonly [T, ...T[]]): T;
  /** Dice of its own for one of several that throw side by side. */
  branch(index: number): Dice;
}

/** Prints its seed, so that a report of a failure holds it. */
export function diceFor(what: string): Dice {
  const given = process.env['SALLYPORT_TEST_SEED'];
  const seed = given === undefined ? Math.floor(Math.random() * 2 ** 32) : Number(given);
  if (!Number.isSafeInteger(seed)) throw new TypeError('SALLYPORT_TEST_SEED is a whole number');
  console.log(`${what}: SALLYPORT_TEST_SEED=${seed}`);
  return dice(seed);
}

/** mulberry32: small, and even enough to choose what happens next. */
export function dice(seed: number): Dice {
  let state = seed >>> 0;
  const next = (): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = state;
    mixed = Math.imul(mixed ^ (mixed >>> 15), mixed | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
  const between = (least: number, most: number): number => least + Math.floor(next() * (most - least + 1));
  return {
    seed,
    between,
    pick: (from) => from[between(0, from.length - 1)] ?? from[0],
    branch: (index) => dice(seed + Math.imul(index + 1, 0x9e3779b1)),
  };
}
