/**
 * What is refused before anything is computed: more than 256 MiB, and parameters that take longer than 2 s on the machines
 * this runs on (3-rules, Passwords). The bounds are what a core of the reference machine does in 0.5 to 1.5 s
 * (docs/decisions/0024-foreign-hashes.md); what a slower one does not finish is stopped there.
 */
import type { ForeignHash } from './foreign-hash.ts';

export type HashCostVerdict = { readonly kind: 'bearable' } | { readonly kind: 'too-costly'; readonly why: string };

/** In MiB, as all of these. */
const mostMemory = 256;
/** Memory times passes, or times lanes where these run one after the other. */
const mostArgon2Work = 2048;
const mostScryptWork = 512;
/** What scrypt needs beside its table. */
const mostScryptBlocks = 1;
const mostIterations = 4_000_000;
const mostBcryptCost = 14;
const mostRounds = 1_000_000;

export function judgeCost(hash: ForeignHash): HashCostVerdict {
  switch (hash.scheme) {
    case 'argon2': {
      const memory = hash.memoryKiB / 1024;
      return within([memory, mostMemory, 'MiB of memory'], [memory * hash.passes, mostArgon2Work, 'MiB to go through']);
    }
    case 'scrypt': {
      const perBlock = (128 * hash.blockSize) / 1024 ** 2;
      const table = perBlock * hash.cost;
      return within(
        [table, mostMemory, 'MiB of memory'],
        [perBlock * hash.lanes, mostScryptBlocks, 'MiB of blocks'],
        [table * hash.lanes, mostScryptWork, 'MiB to go through'],
      );
    }
    case 'pbkdf2':
      return within([hash.iterations, mostIterations, 'iterations']);
    case 'bcrypt':
      return within([hash.cost, mostBcryptCost, 'doublings']);
    case 'sha-crypt':
      return within([hash.rounds, mostRounds, 'rounds']);
  }
}

function within(...bounds: readonly (readonly [needed: number, most: number, of: string])[]): HashCostVerdict {
  for (const [needed, most, of] of bounds)
    if (needed > most) return { kind: 'too-costly', why: `needs ${Math.ceil(needed)} ${of}, and the most is ${most}` };
  return { kind: 'bearable' };
}
