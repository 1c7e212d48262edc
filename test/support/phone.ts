/**
 * An authenticator application, written without a line of the product's: the codes of a secret as a phone shows them. Each
 * is given out once, as a person uses them, so that a test which signs in often takes the ones before and after, or waits.
 */
import assert from 'node:assert/strict';
import { createHmac } from 'node:crypto';
import { type Got, send } from './client.ts';

export interface Phone {
  readonly secret: string;
  /** The code that is shown now, or so many steps later or earlier. */
  at(steps: number): string;
  /** One that is right and was not given out before. */
  next(): Promise<string>;
  /** Waits for a step that has just begun, none of whose neighbours was given out. */
  settled(): Promise<void>;
  /** No code of this secret that is right now, or nearly. */
  wrong(): string;
}

export interface Watch {
  readonly now: () => number;
  readonly wait: (ms: number) => Promise<void> | void;
}

export const realTime: Watch = {
  now: () => Date.now(),
  wait: (ms) => new Promise((resolve) => setTimeout(resolve, ms)),
};

const stepMs = 30_000;
/** A code of the step before may be too old by the time it arrives. */
const tooLateMs = 5000;

export function phone(secret: string, { now, wait }: Watch = realTime): Phone {
  const key = fromBase32(secret);
  let used = 0;
  const current = (): number => Math.floor(now() / stepMs);
  const earliest = (): number => {
    const sure = now() % stepMs < stepMs - tooLateMs ? current() - 1 : current();
    return Math.max(sure, used + 1);
  };
  return {
    secret,
    at: (steps) => codeOf(key, current() + steps),
    next: async () => {
      if (earliest() > current() + 1) await wait((used - current()) * stepMs - (now() % stepMs) + 100);
      used = earliest();
      return codeOf(key, used);
    },
    settled: async () => {
      const steps = Math.max(current() + 3, used + 2) - current();
      await wait(steps * stepMs - (now() % stepMs) + 100);
    },
    wrong: () => {
      const near = new Set([-3, -2, -1, 0, 1, 2, 3].map((steps) => codeOf(key, current() + steps)));
      let guess = 0;
      while (near.has(String(guess).padStart(6, '0'))) guess += 1;
      return String(guess).padStart(6, '0');
    },
  };
}

function codeOf(key: Buffer, step: number): string {
  const counter = Buffer.alloc(8);
  counter.writeUInt32BE(step, 4);
  const mac = createHmac('sha1', key).update(counter).digest();
  const offset = (mac.at(-1) ?? 0) & 15;
  return String((mac.readUInt32BE(offset) & 0x7fffffff) % 1_000_000).padStart(6, '0');
}

function fromBase32(text: string): Buffer {
  const bits = Array.from(text).map((each) =>
    'ABCDEFGHIJKLMNOPQRSTUVWXYZ234567'.indexOf(each).toString(2).padStart(5, '0'),
  );
  const bytes = bits.join('').match(/.{8}/g) ?? [];
  return Buffer.from(bytes.map((each) => Number.parseInt(each, 2)));
}

export interface Enrolled {
  readonly phone: Phone;
  readonly recoveryCodes: readonly string[];
}

/** Switches codes on for whoever that session belongs to, which has just signed in. */
export async function enrol(console: string, token: string, watch: Watch = realTime): Promise<Enrolled> {
  const ask = (path: string, body: object): Promise<Got> =>
    send(`${console}/api/auth/totp/${path}`, { headers: { authorization: `Bearer ${token}` }, body });
  const begun = await ask('setup', {});
  assert.equal(begun.status, 200, begun.text);
  const own = phone(String(begun.json['secret']), watch);
  const enabled = await ask('enable', { token: await own.next() });
  assert.equal(enabled.status, 200, enabled.text);
  return { phone: own, recoveryCodes: begun.json['backup_codes'] as readonly string[] };
}
