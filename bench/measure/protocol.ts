/**
 * What the runner and its contestants say to each other over the IPC channel. Every contestant is a process of its own, so
 * that no one runs on code the compiler has already warmed, or spoiled, for somebody else.
 */

export type ToContestant = { readonly kind: 'round'; readonly ms: number };

export interface RoundResult {
  readonly kind: 'result';
  readonly operations: number;
  readonly ms: number;
  /** CPU time the process used meanwhile; far below `ms` means that the round was disturbed by somebody else. */
  readonly cpuMs: number;
}

/** One request that a load repeats, and what a right answer to it shows. */
export interface HttpTarget {
  readonly port: number;
  readonly path: string;
  readonly headers: Readonly<Record<string, string>>;
  /** A file with a Cookie header a line, which requests carry by turns. */
  readonly cookieFile?: string;
  /** Text that the answer (head or body) must hold: a 200 alone does not prove that the session was known. */
  readonly expect: string;
  /** A POST with so many bytes instead of a GET. */
  readonly postBytes?: number;
}

export type FromContestant =
  | { readonly kind: 'failed'; readonly message: string }
  | { readonly kind: 'ready' }
  | { readonly kind: 'listening'; readonly target: HttpTarget }
  | RoundResult;
