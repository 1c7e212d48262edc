/** Password hashing as one process does it: the faster implementation that loads, behind one queue (3-rules, Passwords). */
import { availableParallelism } from 'node:os';
import type { Clock } from '../types.ts';
import { builtInArgon2id, nativeArgon2id } from './argon2.ts';
import { watchEventLoop } from './event-loop.ts';
import { foreignHashes } from './foreign/check-hash.ts';
import { type HashQueue, hashQueue } from './hash-queue.ts';
import { type PasswordHasher, passwordHasher } from './password-hash.ts';
import type { Random } from './random.ts';

export interface Hashing {
  readonly queue: HashQueue;
  readonly hasher: PasswordHasher;
  stop(): void;
}

/** Hashes that may wait for a turn. */
const places = 64;

export async function openHashing(parts: {
  /** Of all hashes that run at once, and of one. */
  readonly memoryBytes: number;
  readonly bytesPerHash: number;
  readonly passes: number;
  readonly clock: Clock;
  readonly random: Random;
  readonly onSlower: (cause: unknown) => void;
}): Promise<Hashing> {
  const { memoryBytes, bytesPerHash, passes, clock, random } = parts;
  const native = await nativeArgon2id();
  if (native.kind === 'missing') parts.onSlower(native.cause);
  const eventLoop = watchEventLoop();
  const queue = hashQueue({ places, memoryBytes, bytesPerHash, cores: availableParallelism() }, eventLoop.state, clock);
  const foreign = foreignHashes({ queue, places, clock });
  const hasher = passwordHasher({
    argon2id: native.kind === 'loaded' ? native.argon2id : builtInArgon2id,
    queue,
    foreign,
    cost: { memoryKiB: Math.floor(bytesPerHash / 1024), passes },
    random,
  });
  const stop = (): void => {
    eventLoop.stop();
    foreign.stop();
  };
  return { queue, hasher, stop };
}
