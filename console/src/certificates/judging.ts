/** Checking a pair before it is used, or only to know: what the server finds, and what is to come of it. */
import { useState } from 'preact/hooks';
import type { Refusal } from '../api/answers.ts';
import { type Certificate, type Choice, type Judged, type Switched, judgePair } from '../api/certificates.ts';

/** A pair that was asked about. */
export interface Candidate {
  readonly certPath: string;
  readonly keyPath: string;
  readonly choice: Choice;
}

export type OnSwitched = (switched: Switched) => void;

export type Wish = 'check' | 'use';

export type Judging =
  | { readonly kind: 'ready' }
  | { readonly kind: 'sending'; readonly wish: Wish; readonly candidate: Candidate }
  | { readonly kind: 'judged'; readonly candidate: Candidate; readonly judged: Judged }
  /** Found good, and asked back before it is used. */
  | { readonly kind: 'asking'; readonly candidate: Candidate; readonly certificate: Certificate }
  | Refusal;

export function useJudging() {
  const [judging, setJudging] = useState<Judging>({ kind: 'ready' });
  const judge = async (candidate: Candidate, wish: Wish): Promise<void> => {
    setJudging({ kind: 'sending', wish, candidate });
    setJudging(judgingOf(await judgePair(candidate.certPath, candidate.keyPath), candidate, wish));
  };
  return { judging, judge, set: setJudging } as const;
}

function judgingOf(outcome: Awaited<ReturnType<typeof judgePair>>, candidate: Candidate, wish: Wish): Judging {
  if (outcome.kind === 'given-up') return { kind: 'ready' };
  if (outcome.kind === 'usable' && wish === 'use')
    return { kind: 'asking', candidate, certificate: outcome.certificate };
  if (outcome.kind === 'usable' || outcome.kind === 'unusable') return { kind: 'judged', candidate, judged: outcome };
  return outcome;
}
