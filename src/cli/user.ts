/** `sallyport user unlock`: lifts what keeps somebody out, with the server running or not (3-rules, Guessing). */
import { unlock } from '../actions/blocks.ts';
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine } from '../config/print.ts';
import { systemRandom } from '../crypto/random.ts';
import { problems } from '../errors.ts';
import { failureLog } from '../record/failures/failure-log.ts';
import { metrics } from '../record/metrics.ts';
import { recorder } from '../record/recorder.ts';
import { systemClock } from '../setup.ts';
import { limiter } from '../throttle/limiter.ts';
import { askServer } from './ask-server.ts';
import type { Invocation } from './command.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from './exit-codes.ts';
import { openStoppedStore, type StoppedStore } from './stopped-store.ts';

export const user = {
  summary: 'unlock a user whom failed attempts keep out',
  help: [
    'Usage: sallyport user unlock NAME [--json] [--data FOLDER]',
    '',
    'Forgets the failed attempts that were counted for that name, from wherever they came. Networks that are',
    'blocked stay blocked: lift those in the console, or wait.',
  ].join('\n'),
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    const [action, name, ...rest] = argv;
    if (action !== 'unlock' || name === undefined || name.startsWith('--'))
      return fail(terminal, exitCodes.usage, 'say whom: sallyport user unlock NAME');
    const loaded = loadSettings({ argv: rest.filter((each) => each !== '--json'), env, readFile: readSettingsFile });
    if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
    const { settings } = loaded;
    const told = (lifted: number): ExitCode => {
      terminal.out(rest.includes('--json') ? JSON.stringify({ success: true, lifted }) : liftedText(name, lifted));
      return exitCodes.well;
    };
    const answer = await askServer(settings, `/unlock?username=${encodeURIComponent(name)}`);
    if (answer.kind === 'answered') {
      const fields = JSON.parse(answer.body) as { readonly lifted?: number; readonly detail?: string };
      return fields.lifted === undefined
        ? fail(terminal, exitCodes.unavailable, fields.detail ?? 'the server refused.')
        : told(fields.lifted);
    }
    const opened = await openStoppedStore(settings);
    if (opened.kind === 'unreadable') return fail(terminal, opened.code, opened.why);
    try {
      return await unlockIn(opened, name, terminal, told);
    } finally {
      await opened.store.close();
    }
  },
};

async function unlockIn(
  { store, cells }: Pick<Extract<StoppedStore, { kind: 'open' }>, 'store' | 'cells'>,
  name: string,
  terminal: Terminal,
  told: (lifted: number) => ExitCode,
): Promise<ExitCode> {
  const silent = { info: () => undefined, warn: () => undefined, error: () => undefined };
  const remembered = () => store.limits(systemClock.now());
  const parts = {
    store,
    clock: systemClock,
    limiter: limiter({
      clock: systemClock,
      remembered: await remembered(),
      together: cells === undefined ? null : { cells, random: systemRandom, remembered },
    }),
    recorder: recorder({
      store,
      clock: systemClock,
      log: silent,
      metrics: metrics(),
      failures: failureLog([], systemClock),
    }),
  };
  const outcome = await unlock(parts, name);
  if (outcome.kind === 'refused')
    return fail(terminal, exitCodes.unavailable, outcome.detail ?? problems[outcome.code].detail);
  return told(outcome.kind === 'done' ? Number(outcome.fields['lifted']) : 0);
}

function liftedText(name: string, lifted: number): string {
  return lifted === 0 ? `nothing kept ${name} out` : `${name} is unlocked`;
}
