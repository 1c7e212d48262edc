/**
 * First answers as they are kept: readable without their secrets, and whole under a seal that opens for the credential that
 * was shown and the Idempotency-Key alone (3-rules, Idempotency). Neither is stored.
 */
import { keyedDigest } from '../../crypto/digest.ts';
import type { Random } from '../../crypto/random.ts';
import { open, seal, type SealingKey } from '../../crypto/seal.ts';
import type { KeptAnswer } from '../../store/rows.ts';
import type { IdempotentRequest } from '../../store/store.ts';

/** Longer ones are not kept: an owner may have a thousand of them. In UTF-16 code units. */
export const mostAnswerLength = 4 * 1_048_576;

/** What an answer is bound to. */
export interface Binding extends IdempotentRequest {
  /** The secret as it was shown; empty where there is none, and then no secret is kept at all. */
  readonly credential: string;
  /** The Idempotency-Key as it came. */
  readonly text: string;
  /** Of the installation: a guessable secret cannot be tried out on what is kept without it. */
  readonly pepper: Uint8Array;
}

/** `secrets`: names of fields, wherever they stand in the value. Throws where the value is none that JSON has, or is too long. */
export function pack(value: unknown, secrets: readonly string[], binding: Binding, random: Random): KeptAnswer {
  const whole = JSON.stringify(value ?? null);
  if (whole.length > mostAnswerLength) throw new RangeError('The answer is too long to be kept.');
  const answer = secrets.length === 0 ? whole : without(new Set(secrets), value);
  if (answer === whole || binding.credential === '') return { answer, sealed: '' };
  return { answer, sealed: seal(sealingKey(binding), place(binding), Buffer.from(whole), random) };
}

/** Without its secrets, unless it is the same credential that asks. */
export function unpack({ answer, sealed }: KeptAnswer, binding: Binding): unknown {
  if (sealed === '' || binding.credential === '') return JSON.parse(answer) as unknown;
  const opened = open(sealingKey(binding), place(binding), sealed);
  return JSON.parse(opened.kind === 'opened' ? opened.bytes.toString('utf8') : answer) as unknown;
}

function without(secrets: ReadonlySet<string>, value: unknown): string {
  return JSON.stringify(value ?? null, function (this: unknown, name: string, inside: unknown) {
    return secrets.has(name) && !Array.isArray(this) ? undefined : inside;
  });
}

function sealingKey({ credential, text, pepper }: Binding): SealingKey {
  const shown = keyedDigest(credential, 'idempotency', text);
  return { id: 'credential', bytes: Buffer.from(keyedDigest(pepper, 'idempotency-seal', shown), 'base64url') };
}

function place({ owner, key }: Binding): readonly string[] {
  return ['idempotency', owner, key];
}
