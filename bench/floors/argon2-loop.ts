/**
 * Floor of P5: hash after hash, so many in flight, and nothing else: no HTTP, no look-up, no session. The very function and cost
 * that a sign-in of Sallyport's uses.
 *
 *   argon2-loop.ts IN-FLIGHT MEMORY-KIB PASSES
 */

import { randomBytes } from 'node:crypto';
import { contestInFlight } from '../measure/contestant.ts';
import { argon2idAt } from './argon2id.ts';

const [, , inFlight, memoryKiB, passes] = process.argv;

await contestInFlight(async () => {
  const hash = argon2idAt(Number(memoryKiB), Number(passes));
  const password = randomBytes(18).toString('base64url');
  const salt = randomBytes(16);
  const right = await hash(password, salt);
  return async () => {
    if (!(await hash(password, salt)).equals(right)) throw new Error('a hash came out wrong');
  };
}, Number(inFlight));
