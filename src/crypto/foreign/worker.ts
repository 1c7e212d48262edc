/** The thread that checks one hash at a time, and is ended from outside when that takes too long. */
import { parentPort } from 'node:worker_threads';
import { type Comparison, compareHash } from './compare-hash.ts';
import type { ForeignHash } from './foreign-hash.ts';

export interface Question {
  readonly hash: ForeignHash;
  readonly password: string;
}

/** `ready` comes once, when everything is loaded: the time that a check may take begins after it. */
export type Report = { readonly kind: 'ready' } | Comparison;

const port = parentPort;
if (port !== null) {
  const report = (message: Report): void => port.postMessage(message, []);
  // What is thrown here ends the thread, and its owner hears of it.
  port.on('message', ({ hash, password }: Question) => void compareHash(hash, password).then(report));
  report({ kind: 'ready' });
}
