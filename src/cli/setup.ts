/** `sallyport setup --new-code`: a new setup code from the host, through the control socket of the running server. */
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine } from '../config/print.ts';
import { askServer } from './ask-server.ts';
import { type ExitCode, exitCodes, fail } from './exit-codes.ts';
import type { Invocation } from './command.ts';

export const setup = {
  summary: 'make a new setup code while setting up is possible',
  help: 'Usage: sallyport setup --new-code [--json] [--data FOLDER]\n\nAsks the running server for a new setup code; the old one is dead. The server makes one at each start, too.',
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    if (!argv.includes('--new-code'))
      return fail(terminal, exitCodes.usage, 'say what to do: sallyport setup --new-code');
    const own = new Set(['--new-code', '--json']);
    const loaded = loadSettings({ argv: argv.filter((each) => !own.has(each)), env, readFile: readSettingsFile });
    if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
    const answer = await askServer(loaded.settings, '/setup-code');
    switch (answer.kind) {
      case 'not-running':
        return fail(
          terminal,
          exitCodes.unavailable,
          `no server runs on ${loaded.settings.data}; it makes a new setup code when it starts.`,
        );
      case 'unanswered':
        return fail(terminal, exitCodes.unavailable, answer.why);
      case 'answered': {
        const fields = JSON.parse(answer.body) as { readonly setup_link?: string; readonly detail?: string };
        if (answer.status !== 200 || fields.setup_link === undefined)
          return fail(terminal, exitCodes.unavailable, fields.detail ?? 'the server refused.');
        terminal.out(argv.includes('--json') ? answer.body : `setup link: ${fields.setup_link}`);
        return exitCodes.well;
      }
    }
  },
};
