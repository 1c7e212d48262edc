/** How commands end (2-http-api, 1). `broken`: something was looked at and is not as it should be. */
export const exitCodes = { well: 0, broken: 1, usage: 64, unavailable: 69, fault: 70 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a command writes to, passed in so that tests can read it. */
export interface Terminal {
  out(line: string): void;
  /** The same for a great many: resolves when the line is out, rejects when nobody reads any more. */
  write(line: string): Promise<void>;
  err(line: string): void;
  /** A line of standard error in the place of the one before it, empty to take that away; null where nobody watches. */
  readonly over: ((line: string) => void) | null;
}

/** One clear line per problem, and the code to end with. */
export function fail(terminal: Terminal, code: ExitCode, ...lines: readonly string[]): ExitCode {
  for (const line of lines) terminal.err(`sallyport: ${line}`);
  return code;
}
