#!/usr/bin/env node
/** The command line (2-http-api, 9): picks the command; the only place that reads arguments and environment. */
import { audit } from './audit.ts';
import type { Command, Invocation } from './command.ts';
import { config } from './config.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from './exit-codes.ts';
import { key } from './key/key.ts';
import { serve } from './serve.ts';
import { setup } from './setup.ts';
import { ticket } from './ticket/ticket.ts';
import { tls } from './tls/tls.ts';
import { token } from './token/token.ts';
import { user } from './user/user.ts';

const commands: Readonly<Record<string, Command>> = { serve, setup, user, token, key, ticket, tls, audit, config };

const usage = [
  'Usage: sallyport <command> [flags]',
  '',
  ...Object.entries(commands).map(([name, command]) => `  ${name.padEnd(10)} ${command.summary}`),
  '',
  'Each command has --help.',
].join('\n');

async function main(argv: readonly string[], invocation: Omit<Invocation, 'argv'>): Promise<ExitCode> {
  const [name = '', ...rest] = argv;
  const { terminal } = invocation;
  if (name === '--help' || name === 'help') {
    terminal.out(usage);
    return exitCodes.well;
  }
  const command = Object.hasOwn(commands, name) ? commands[name] : undefined;
  if (command === undefined)
    return fail(
      terminal,
      exitCodes.usage,
      name === ''
        ? 'which command? See sallyport --help.'
        : `there is no command "${name.slice(0, 40)}". See sallyport --help.`,
    );
  if (rest.includes('--help')) {
    terminal.out(command.help);
    return exitCodes.well;
  }
  return command.run({ ...invocation, argv: rest });
}

let listening = false;

const terminal: Terminal = {
  out: (line) => void process.stdout.write(`${line}\n`),
  write: (line) =>
    new Promise((resolve, reject) => {
      // Whoever reads may go away in between: the command is told by its own write, and ends in one line.
      if (!listening) process.stdout.on('error', () => undefined);
      listening = true;
      process.stdout.write(`${line}\n`, (fault) => (fault ? reject(fault) : resolve()));
    }),
  err: (line) => void process.stderr.write(`${line}\n`),
  // Back to its beginning, and the rest of it cleared.
  over: process.stderr.isTTY ? (line) => void process.stderr.write(`\r\u001b[K${line}`) : null,
};

/** The one place where the environment is read. */
// oxlint-disable-next-line node/no-process-env
const { env } = process;

async function codeOf(): Promise<ExitCode> {
  try {
    return await main(process.argv.slice(2), { env, terminal });
  } catch (fault) {
    return fail(terminal, exitCodes.fault, fault instanceof Error ? fault.message : String(fault));
  }
}

// Ended here and not by running out of work: on its way out like that, Node takes its signal handlers down first, and a
// second SIGTERM would end the process by itself, without its exit code.
const code = await codeOf();
// What was written to a pipe may still be on its way.
if (process.stdout.writableLength === 0) process.exit(code);
process.stdout.write('', () => process.exit(code));
