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
import type { Command } from '../command.ts';
import { type ExitCode, exitCodes, fail } from '../exit-codes.ts';
import { openStoppedStore } from '../stopped-store.ts';
import type { Reading } from './arguments.ts';
import type { HostPath } from './served.ts';
import { type StoppedParts, stoppedParts } from './stopped.ts';
import type { Fields } from './table.ts';

export interface HostCommandLine<Asked extends object> {
  readonly summary: string;
  readonly help: string;
  readonly read: (argv: readonly string[]) => Reading<Asked>;
  /** Where the running server takes it. */
  readonly path: HostPath;
  /** How it is done without one. */
  readonly onStopped: (parts: StoppedParts) => (command: Asked) => Promise<Outcome>;
  /** What is said to people. */
  readonly told: (command: Asked, fields: Fields) => readonly string[];
}

export function hostCommand<Asked extends object>(line: HostCommandLine<Asked>): Command {
  return {
    summary: line.summary,
    help: line.help,
    async run({ argv, env, terminal }) {
      const read = line.read(argv);
      if (read.kind === 'wrong') return fail(terminal, exitCodes.usage, read.why);
      const loaded = loadSettings({ argv: read.settings, env, readFile: readSettingsFile });
      if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
      const answer = await answerOf(line, loaded.settings, read.command);
      if (answer.kind === 'failed') return fail(terminal, answer.code, answer.why);
      if (read.json) terminal.out(JSON.stringify({ success: true, ...answer.fields }));
      else for (const each of line.told(read.command, answer.fields)) terminal.out(each);
      return exitCodes.well;
    },
  };
}

type Answer =
  | { readonly kind: 'failed'; readonly code: ExitCode; readonly why: string }
  | { readonly kind: 'done'; readonly fields: Fields };

async function answerOf<Asked extends object>(
  { path, onStopped }: HostCommandLine<Asked>,
  settings: Settings,
  command: Asked,
): Promise<Answer> {
  const asked = await askServer(settings, path, command);
  if (asked.kind === 'answered') {
    const fields = JSON.parse(asked.body) as { readonly detail?: string; readonly error_code?: ErrorCode };
    return asked.status < 300
      ? { kind: 'done', fields }
      : failed(fields.error_code, fields.detail ?? 'the server refused.');
  }
  if (asked.kind === 'unanswered')
    return {
      kind: 'failed',
      code: exitCodes.unavailable,
      why: `${asked.why} Look whether it was done before you repeat it.`,
    };
  const opened = await openStoppedStore(settings);
  if (opened.kind === 'unreadable') return { kind: 'failed', code: opened.code, why: opened.why };
  try {
    const outcome = await onStopped(await stoppedParts(settings, opened))(command);
    if (outcome.kind === 'done') return { kind: 'done', fields: outcome.fields };
    return outcome.kind === 'refused'
      ? failed(outcome.code, detailOf(outcome))
      : { kind: 'failed', code: exitCodes.fault, why: 'that is no answer to a command.' };
  } finally {
    await opened.store.close();
  }
}

/** What was written wrongly is the command line's fault; all else lies with what is there. */
function failed(code: ErrorCode | undefined, why: string): Answer {
  return { kind: 'failed', code: code === 'invalid_request' ? exitCodes.usage : exitCodes.unavailable, why };
}

function detailOf({ code, detail }: Refusal): string {
  return detail ?? problems[code].detail;
}
