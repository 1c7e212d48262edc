/**
 * Small texts that all nodes share and that several of them change at once, kept where nothing is durable. A step reads
 * some, decides, and writes: as if nobody else did anything meanwhile. What it is made of may be away, or be emptied.
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
  /** Since somebody last filled it, it was emptied: what is known elsewhere is to be put there first. */
  | { readonly kind: 'emptied' }
  | { readonly kind: 'done'; readonly value: T };

export interface SharedCells {
  /** `decide` may run more than once; only its last run counts. */
  step<T>(keys: readonly string[], decide: (cells: Cells) => T): Promise<StepOutcome<T>>;
  /** Puts what is known, where nothing is yet; steps are taken from then on. */
  fill(
    known: (now: number) => readonly { readonly key: string; readonly text: string; readonly lastsMs: number }[],
  ): Promise<void>;
  standing(): { readonly kind: 'away' } | { readonly kind: 'reachable' };
}
