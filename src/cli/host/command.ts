/**
 * Commands about what an installation holds: carried out by its server, asked through the control socket, or on its store
 * when none runs. Everything is written to the audit log as the host's doing.
 */
import type { Outcome } from '../../actions/call.ts';
import { loadSettings, readSettingsFile } from '../../config/load.ts';
import { noticeLine } from '../../config/print.ts';
import type { Settings } from '../../config/schema.ts';
import { type ErrorCode, problems, type Refusal } from '../../errors.ts';
import { askServer } from '../ask-server.ts';
import type { Command, Invocation } from '../command.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from '../exit-codes.ts';
import { openStoppedStore } from '../stopped-store.ts';
import type { Reading } from './arguments.ts';
import type { HostPath } from './served.ts';
import { type StoppedParts, stoppedParts } from './stopped.ts';
import type { Fields } from './table.ts';

/** How a noun's commands are read, and where they are carried out. */
export interface HostLine<Asked extends object, Sent extends object = Asked> {
  readonly read: (argv: readonly string[]) => Reading<Asked>;
  /** Where the running server takes them. */
  readonly path: HostPath;
  /** How they are done without one. */
  readonly onStopped: (parts: StoppedParts) => (command: Sent) => Promise<Outcome>;
}

export interface HostCommandLine<Asked extends object> extends HostLine<Asked> {
  readonly summary: string;
  readonly help: string;
  /** What is said to people. */
  readonly told: (command: Asked, fields: Fields) => readonly string[];
}

export type Answer =
  | { readonly kind: 'failed'; readonly code: ExitCode; readonly why: string }
  | { readonly kind: 'done'; readonly fields: Fields };

/** The running server, or the store where none runs. */
export interface Host<Sent> {
  ask(command: Sent): Promise<Answer>;
}

/** A command line as it was read, and all it may need. */
export interface Use<Asked, Sent> {
  readonly command: Asked;
  readonly host: Host<Sent>;
  readonly json: boolean;
  readonly terminal: Terminal;
}

export function hostCommand<Asked extends object>(line: HostCommandLine<Asked>): Command {
  return {
    summary: line.summary,
    help: line.help,
    run: (invocation) => withHost(invocation, line, (use) => askOnce(use, line.told)),
  };
}

export async function askOnce<Asked>(
  { command, host, json, terminal }: Use<Asked, Asked>,
  told: (command: Asked, fields: Fields) => readonly string[],
): Promise<ExitCode> {
  const answer = await host.ask(command);
  if (answer.kind === 'failed') return fail(terminal, answer.code, answer.why);
  if (json) terminal.out(JSON.stringify({ success: true, ...answer.fields }));
  else for (const each of told(command, answer.fields)) terminal.out(each);
  return exitCodes.well;
}

export async function withHost<Asked extends object, Sent extends object>(
  { argv, env, terminal }: Invocation,
  line: HostLine<Asked, Sent>,
  carryOut: (use: Use<Asked, Sent>) => Promise<ExitCode>,
): Promise<ExitCode> {
  const read = line.read(argv);
  if (read.kind === 'wrong') return fail(terminal, exitCodes.usage, read.why);
  const loaded = loadSettings({ argv: read.settings, env, readFile: readSettingsFile });
  if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
  const { host, close } = openHost(line, loaded.settings);
  try {
    return await carryOut({ command: read.command, host, json: read.json, terminal });
  } finally {
    await close();
  }
}

/** A store that was opened for one question is there for the next. */
function openHost<Sent extends object>(
  { path, onStopped }: Pick<HostLine<object, Sent>, 'path' | 'onStopped'>,
  settings: Settings,
): { readonly host: Host<Sent>; readonly close: () => Promise<void> } {
  let open: { close(): Promise<void> } | undefined;
  let carryOut: ((command: Sent) => Promise<Outcome>) | undefined;

  const ask = async (command: Sent): Promise<Answer> => {
    if (carryOut === undefined) {
      const asked = await askServer(settings, path, command);
      if (asked.kind === 'answered') return answerOf(asked);
      if (asked.kind === 'unanswered')
        return {
          kind: 'failed',
          code: exitCodes.unavailable,
          why: `${asked.why} Look whether it was done before you repeat it.`,
        };
      const opened = await openStoppedStore(settings);
      if (opened.kind === 'unreadable') return { kind: 'failed', code: opened.code, why: opened.why };
      open = opened.store;
      carryOut = onStopped(await stoppedParts(settings, opened));
    }
    const outcome = await carryOut(command);
    if (outcome.kind === 'done') return { kind: 'done', fields: outcome.fields };
    return outcome.kind === 'refused'
      ? failed(outcome.code, detailOf(outcome))
      : { kind: 'failed', code: exitCodes.fault, why: 'that is no answer to a command.' };
  };

  return { host: { ask }, close: async () => open?.close() };
}

function answerOf({ status, body }: { readonly status: number; readonly body: string }): Answer {
  const fields = JSON.parse(body) as { readonly detail?: string; readonly error_code?: ErrorCode };
  return status < 300 ? { kind: 'done', fields } : failed(fields.error_code, fields.detail ?? 'the server refused.');
}

/** What was written wrongly is the command line's fault; all else lies with what is there. */
function failed(code: ErrorCode | undefined, why: string): Answer {
  return { kind: 'failed', code: code === 'invalid_request' ? exitCodes.usage : exitCodes.unavailable, why };
}

function detailOf({ code, detail }: Refusal): string {
  return detail ?? problems[code].detail;
}
