/**
 * A million failed sign-ins, each from another address and under another name, straight into the limiter: prints how much
 * more the process holds, in bytes, garbage apart. A program of its own, started with --expose-gc.
 */
import { systemRandom } from '../../src/index.ts';
import { limiter as makeLimiter } from '../../src/throttle/limiter.ts';
import { repeats as makeRepeats } from '../../src/throttle/repeats.ts';
import { unknownSecrets } from '../../src/throttle/unknown-secrets.ts';
import type { Address, Millis, Password, UserId } from '../../src/types.ts';

let now = 0;
const clock = { now: () => (1_800_000_000_000 + now) as Millis, monotonic: () => now };
const limiter = makeLimiter({ clock, remembered: [], together: null });
const key = systemRandom.bytes(32);
const repeats = makeRepeats({ clock, keys: () => [key], cells: null });
const unknown = unknownSecrets(clock);

function settledBytes(): number {
  globalThis.gc?.();
  globalThis.gc?.();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

async function flood(from: number, to: number): Promise<number> {
  let looked = 0;
  for (let at = from; at < to; at += 1) {
    now += 1;
    const address = (
      at % 2 === 0
        ? `${1 + (at % 223)}.${(at >> 4) % 256}.${(at >> 12) % 256}.${at % 256}`
        : `2001:${(at % 65_536).toString(16)}:${(at >> 4).toString(16)}::1`
    ) as Address;
    const name = `name-${at}`;
    const pseudonym = `pseudonym-of-${name}`.padEnd(43, '-');
    const taking = await limiter.take({
      way: 'login',
      address,
      standing: { kind: 'stranger', network: 'never-seen' },
      subject: { kind: 'unknown', pseudonym },
    });
    unknown.charge(address);
    if (taking.kind === 'limited') continue;
    looked += 1;
    const recalled = await repeats.recall({
      subject: { kind: 'unknown', id: pseudonym, standing: '' },
      network: address,
      secret: name as Password,
    });
    await recalled.note('unknown-user');
    await taking.settle('failed');
  }
  return looked;
}

// What was blocked before the flood is so after it, for an account and for a network.
const owner = {
  way: 'enable',
  address: '192.0.2.1' as Address,
  standing: { kind: 'stranger', network: 'seen-before' },
  subject: { kind: 'user', userId: 'u_owner' as UserId },
} as const;
for (let at = 0; at < 100; at += 1) {
  const taking = await limiter.take({ ...owner, address: `198.18.${at}.1` as Address });
  if (taking.kind === 'taken') await taking.settle('failed');
}
await flood(0, 5000);
const before = settledBytes();
const looked = await flood(5000, 1_005_000);
const grown = settledBytes() - before;
const still = (await limiter.take(owner)).kind;
process.stdout.write(`${JSON.stringify({ grown, looked, still })}\n`);
