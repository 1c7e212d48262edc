/** How commands end (2-http-api, 1). */
export const exitCodes = { well: 0, usage: 64, unavailable: 69, fault: 70 } as const;
export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

/** What a command writes to, passed in so that tests can read it. */
export interface Terminal {
  out(line: string): void;
  err(line: string): void;
}

/** One clear line per problem, and the code to end with. */
export function fail(terminal: Terminal, code: ExitCode, ...lines: readonly string[]): ExitCode {
  for (const line of lines) terminal.err(`sallyport: ${line}`);
  return code;
}
