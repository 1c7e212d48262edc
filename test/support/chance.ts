/** Chance that can be repeated: the seed is printed, and `SALLYPORT_TEST_SEED` gives it back. */
export interface Chance {
  readonly seed: number;
  /** A whole number from 0 to one less than `most`. */
  readonly below: (most: number) => number;
  readonly pick: <T>(from: readonly T[]) => T;
}

export function chance(): Chance {
  const seed = Number(process.env['SALLYPORT_TEST_SEED'] ?? Math.floor(Math.random() * 2 ** 32));
  let state = seed >>> 0;
  // Mulberry32: short, and good enough to choose moments.
  const below = (most: number): number => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), state | 1);
    mixed ^= mixed + Math.imul(mixed ^ (mixed >>> 7), mixed | 61);
    return ((mixed ^ (mixed >>> 14)) >>> 0) % most;
  };
  return {
    seed,
    below,
    pick: (from) => {
      const one = from[below(from.length)];
      if (one === undefined) throw new Error('nothing to pick from');
      return one;
    },
  };
}
