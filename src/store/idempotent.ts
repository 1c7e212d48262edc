/** What a request with an Idempotency-Key that was begun before says to whoever asks again: the same in every engine. */
import type { Digest, Millis } from '../types.ts';
import type { KeptAnswer } from './rows.ts';
import type { IdempotentBeginning } from './store.ts';

/** A row that has not ended. */
export interface IdempotentRow {
  readonly fingerprint: Digest;
  readonly leaseUntil: Millis;
  /** Null: none yet. */
  readonly answer: string | null;
  readonly sealed: KeptAnswer['sealed'];
}

export function judged(
  { fingerprint, leaseUntil, answer, sealed }: IdempotentRow,
  asked: { readonly fingerprint: Digest; readonly at: Millis },
): Exclude<IdempotentBeginning, { kind: 'begun' }> {
  if (fingerprint !== asked.fingerprint) return { kind: 'mismatch' };
  if (answer !== null) return { kind: 'kept', answer: { answer, sealed } };
  return { kind: leaseUntil > asked.at ? 'in-progress' : 'unknown' };
}
