/** What several writes in one transaction come to: the same in every engine. */
import type { Write, WriteOutcome } from './store.ts';

export type Together =
  /** The transaction takes back what was made. */
  | { readonly kind: 'taken-back'; readonly outcomes: readonly WriteOutcome[] }
  | { readonly kind: 'made'; readonly outcomes: readonly WriteOutcome[] };

/** By their outcomes, each of which was made or refused in the transaction. */
export function concluded(outcomes: readonly WriteOutcome[], which: 'each' | 'all'): Together {
  const standings = outcomes.map(standing);
  if (which === 'each' || !standings.includes('refused')) return { kind: 'made', outcomes };
  const undone = { kind: 'undone' } as const;
  return { kind: 'taken-back', outcomes: outcomes.map((each, at) => (standings[at] === 'made' ? undone : each)) };
}

function standing({ kind }: WriteOutcome): 'made' | 'refused' {
  return kind === 'created' || kind === 'updated' || kind === 'deleted' ? 'made' : 'refused';
}

/** The operations that are written together, by their names. */
export type Single<Before extends readonly unknown[], Made> = {
  readonly [K in Write['write']]: (...given: [...Before, Extract<Write, { write: K }>['given']]) => Made;
};
