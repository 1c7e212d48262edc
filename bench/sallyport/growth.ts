/**
 * Sallyport in process over very many sessions, as P8's contestant: `growth.ts known|first DATA COOKIE COUNT`; and
 * `growth.ts memory …`, which prints what its memory of sessions holds and weighs.
 */

import { contest, type Operation } from '../measure/contestant.ts';
import { bySession, guarding, open } from './in-process.ts';
import { cookiesOf, MOST_KNOWN, OWNERS } from './many-sessions.ts';

const [, , what = '', data = '', name = '', countText = ''] = process.argv;
const count = Number(countText);

interface Walk {
  readonly operation: Operation;
  readonly sessions: () => number;
}

/** Through the same sessions over and over, in the same order. */
async function walk(wanted: number): Promise<Walk> {
  const cookies = cookiesOf(name, count, wanted);
  const { sallyport, settings, close } = await open(data);
  let at = 0;
  const next = (): string => {
    const cookie = cookies[at] ?? '';
    at = at + 1 === cookies.length ? 0 : at + 1;
    return cookie;
  };
  const operation = { batch: guarding(sallyport, settings.cookieName, bySession(next, OWNERS)), close };
  return { operation, sessions: () => sallyport.memory.figures().sessions };
}

async function known(): Promise<Operation> {
  const { operation, sessions } = await walk(MOST_KNOWN);
  await operation.batch(Math.min(MOST_KNOWN, count));
  if (sessions() !== Math.min(MOST_KNOWN, count)) throw new Error(`only ${sessions()} sessions are known`);
  return operation;
}

/** All of them by turns, far more than memory holds: when one comes again it is not known any more. */
async function first(): Promise<Operation> {
  return (await walk(count)).operation;
}

async function weigh(): Promise<void> {
  const { operation, sessions } = await walk(count);
  const before = heldBytes();
  await operation.batch(Math.min(MOST_KNOWN, count));
  const few = sessions();
  const bytes = (heldBytes() - before) / few;
  await operation.batch(count - few);
  console.log(JSON.stringify({ bytesPerEntry: bytes, known: few, asked: count, kept: sessions() }));
  await operation.close?.();
}

function heldBytes(): number {
  if (globalThis.gc === undefined) throw new Error('start it with --expose-gc');
  globalThis.gc();
  const { heapUsed, external } = process.memoryUsage();
  return heapUsed + external;
}

if (what === 'memory') await weigh();
else await contest(what === 'known' ? known : first);
