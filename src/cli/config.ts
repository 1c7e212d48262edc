/** `sallyport config`: what is in force and from where; secrets are never shown. */
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine, printSettings, settingsReference } from '../config/print.ts';
import { type ExitCode, exitCodes, fail } from './exit-codes.ts';
import type { Invocation } from './command.ts';

export const config = {
  summary: 'show the settings in force, and where each comes from',
  help: 'Usage: sallyport config [--json | --reference] [settings as flags]\n\n  --json       machine-readable\n  --reference  every setting there is, as a Markdown table',
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    if (argv.includes('--reference')) {
      terminal.out(settingsReference());
      return exitCodes.well;
    }
    const loaded = loadSettings({ argv: argv.filter((each) => each !== '--json'), env, readFile: readSettingsFile });
    if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
    const printed = printSettings(loaded);
    terminal.out(argv.includes('--json') ? JSON.stringify(printed.data, null, 2) : printed.text);
    return exitCodes.well;
  },
};
