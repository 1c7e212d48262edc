/** What every command of the command line is, and what it is given. */
import type { ExitCode, Terminal } from './exit-codes.ts';

export interface Invocation {
  /** Without the command's name. */
  readonly argv: readonly string[];
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly terminal: Terminal;
}

export interface Command {
  readonly summary: string;
  readonly help: string;
  run(invocation: Invocation): Promise<ExitCode>;
}
