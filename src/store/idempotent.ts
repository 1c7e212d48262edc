/** What a request with an Idempotency-Key that was begun before says to whoever asks again: the same in every engine. */
import type { Digest, Millis } from '../types.ts';
import type { KeptAnswer } from './rows.ts';
import type { IdempotentBeginning, Store } from './store.ts';

/** A row that has not ended. */
export interface IdempotentRow {
  readonly key: Digest;
  readonly fingerprint: Digest;
  readonly leaseUntil: Millis;
  /** Null: none yet. */
  readonly answer: string | null;
  readonly sealed: KeptAnswer['sealed'];
}

export function judged(
  { key, fingerprint, leaseUntil, answer, sealed }: IdempotentRow,
  asked: Pick<Parameters<Store['beginIdempotent']>[0], 'key' | 'fingerprint' | 'others' | 'at'>,
): Exclude<IdempotentBeginning, { kind: 'begun' }> {
  const same = [asked, ...(asked.others ?? [])].some((each) => each.key === key && each.fingerprint === fingerprint);
  if (!same) return { kind: 'mismatch' };
  if (answer !== null) return { kind: 'kept', key, answer: { answer, sealed } };
  return { kind: leaseUntil > asked.at ? 'in-progress' : 'unknown' };
}
