/**
 * Small texts that all nodes share and that several of them change at once, kept where nothing is durable. A step reads
 * some, decides, and writes: as if nobody else did anything meanwhile. What it is made of may be away, be emptied, or come
 * back as it was a while ago.
 */

/** The cells a step was asked for, as they are at its moment. */
export interface Cells {
  /** Milliseconds of one clock, the same for every node. */
  readonly now: number;
  /** Empty where there is nothing. */
  get(key: string): string;
  /** Forgotten after `lastsMs`; with 0 at once. */
  put(key: string, text: string, lastsMs: number): void;
}

export type StepOutcome<T> =
  | { readonly kind: 'away' }
  /** It was reached anew, or begun anew, since this node filled it: what is known here is to be put there first. */
  | { readonly kind: 'unfilled' }
  | { readonly kind: 'done'; readonly value: T };

/** Some cells, and what each of them is to be. */
export interface CellGroup {
  readonly keys: readonly string[];
  readonly decide: (cells: Cells) => void;
}

export interface SharedCells {
  /** `decide` may run more than once; only its last run counts. */
  step<T>(keys: readonly string[], decide: (cells: Cells) => T): Promise<StepOutcome<T>>;
  /**
   * Puts what is known here; this node's steps are taken from then on. `nothing`: whatever was there is forgotten, and
   * the other nodes fill it, too. Rejects when it was not all put.
   */
  fill(over: 'what-is-there' | 'nothing', groups: Iterable<CellGroup>): Promise<void>;
  /** Nothing is there any more, filled or not. */
  drop(keys: readonly string[]): Promise<{ readonly kind: 'away' } | { readonly kind: 'gone' }>;
  /** Called whenever it is reached anew. */
  onReached(listener: () => void): void;
  standing(): { readonly kind: 'away' } | { readonly kind: 'reachable' };
}
