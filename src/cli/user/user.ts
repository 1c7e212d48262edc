/**
 * `sallyport user …`: accounts from the host, with the server running, through its control socket, or on its store when none
 * runs. Everything is written to the audit log as the host's doing.
 */
import { loadSettings, readSettingsFile } from '../../config/load.ts';
import { noticeLine } from '../../config/print.ts';
import type { Settings } from '../../config/schema.ts';
import { type ErrorCode, problems, type Refusal } from '../../errors.ts';
import { askServer } from '../ask-server.ts';
import type { Invocation } from '../command.ts';
import { type ExitCode, exitCodes, fail } from '../exit-codes.ts';
import { openStoppedStore } from '../stopped-store.ts';
import { readUserArguments, type UserArguments } from './arguments.ts';
import { onStoppedStore } from './stopped.ts';
import { told } from './told.ts';

export const user = {
  summary: 'list, make, invite, change, unlock or delete accounts',
  help: [
    'Usage: sallyport user list [--matching TEXT] [--limit N] [--after NAME]',
    '       sallyport user show NAME',
    '       sallyport user add NAME [--email ADDRESS] [--display-name TEXT] [--group G]… [--privilege P]…',
    '       sallyport user invite NAME | reset NAME',
    '       sallyport user enable NAME | disable NAME | delete NAME',
    '       sallyport user grant NAME PRIVILEGE… | revoke NAME PRIVILEGE…',
    '       sallyport user reset-factors NAME | unlock NAME',
    '',
    'All take --json and --data FOLDER, and work with the server running or not.',
    '',
    '  invite         prints a link by which its owner sets the first password: 72 hours, once. With a mail server it is',
    '                 mailed, too, by the running server. For whoever has a password it is the same as reset.',
    '  reset          prints a link by which its owner sets a new password: 1 hour, once. The second factor stays.',
    '  grant, revoke  the privilege "admin" makes an administrator. The last active one stays one.',
    '  reset-factors  takes all second factors and recovery codes away, and ends all sessions.',
    '  unlock         forgets the failed attempts that were counted for that name, from wherever they came. Networks that',
    '                 are blocked stay blocked: lift those in the console, or wait.',
  ].join('\n'),
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    const read = readUserArguments(argv);
    if (read.kind === 'wrong') return fail(terminal, exitCodes.usage, read.why);
    const loaded = loadSettings({ argv: read.settings, env, readFile: readSettingsFile });
    if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
    const answer = await answerOf(loaded.settings, read);
    if (answer.kind === 'failed') return fail(terminal, answer.code, answer.why);
    if (read.json) terminal.out(JSON.stringify({ success: true, ...answer.fields }));
    else for (const line of told(read.command, answer.fields)) terminal.out(line);
    return exitCodes.well;
  },
};

type Answer =
  | { readonly kind: 'failed'; readonly code: ExitCode; readonly why: string }
  | { readonly kind: 'done'; readonly fields: Readonly<Record<string, unknown>> };

async function answerOf(settings: Settings, { command }: UserArguments): Promise<Answer> {
  const asked = await askServer(settings, '/user', command);
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
    const outcome = await onStoppedStore(settings, opened, command);
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
