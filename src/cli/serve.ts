/** `sallyport serve`: the server from its settings to its end (2-http-api, 1). */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { isatty } from 'node:tty';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { type Forwarding, forwarding } from '../adapters/forwarding.ts';
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine } from '../config/print.ts';
import type { Settings } from '../config/schema.ts';
import { systemRandom } from '../crypto/random.ts';
import { type Pages, readPages } from '../http/pages.ts';
import type { FailureLog } from '../record/failures/failure-log.ts';
import type { Log } from '../record/recorder.ts';
import { failedAnswer, openServer, type OpenServer } from '../server.ts';
import type { SetupCode } from '../actions/signing-in/make-setup-code.ts';
import { createSallyport, type Sallyport, systemClock } from '../setup.ts';
import type { Store } from '../store/store.ts';
import { version } from '../version.ts';
import { announce } from './serving/announce.ts';
import { certificatesOf, watchCertificates } from './serving/certificates.ts';
import { controlAdapter, controlSocket } from './control.ts';
import { connectionsAllowed } from './serving/descriptors.ts';
import { openDoors } from './serving/doors.ts';
import { type ExitCode, exitCodes, fail, type Terminal } from './exit-codes.ts';
import { openFailures } from './serving/failures.ts';
import { journalDestination, standardErrorIs } from './serving/journal.ts';
import { type OpenStore, openStore } from './open-store.ts';
import { ownFolder } from './serving/own-folder.ts';
import type { Invocation } from './command.ts';

export const serve = {
  summary: 'run the server',
  help: [
    'Usage: sallyport serve [--upstream http://127.0.0.1:3000] [settings as flags]',
    '',
    'Settings come from flags over environment (SALLYPORT_…) over <data>/sallyport.toml.',
    'sallyport config --reference lists them all.',
  ].join('\n'),
  async run({ argv, env, terminal }: Invocation): Promise<ExitCode> {
    const loaded = loadSettings({ argv, env, readFile: readSettingsFile });
    if (loaded.kind === 'refused') return fail(terminal, exitCodes.usage, ...loaded.problems.map(noticeLine));
    const { settings } = loaded;
    const standardError = standardErrorIs(env['JOURNAL_STREAM']);
    const log = pino(
      { level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
      standardError === 'journal' ? journalDestination() : pino.destination({ dest: 2, sync: true }),
    );
    for (const warning of loaded.warnings) log.warn(noticeLine(warning));

    // What nobody caught may have left anything half-done: written down, and the next start begins from what is on disk.
    const giveUp = (fault: unknown): void => {
      log.error({ err: fault }, 'a fault that nobody caught');
      process.exit(exitCodes.fault);
    };
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) process.on(event, giveUp);

    // From here on a signal asks for an orderly end, also while the server is still starting.
    const stopAsked = stopSignal();
    // Where a limit on file sizes is hit, the write fails and is answered for; nothing is lost by a signal.
    process.on('SIGXFSZ', () => undefined);

    // Nothing this process makes is for anybody else, whatever the caller's umask was.
    process.umask(0o077);
    const folder = ownFolder(settings.data);
    if (folder.kind === 'refused') return fail(terminal, exitCodes.unavailable, folder.why);
    for (const oddity of folder.oddities) log.warn(oddity);
    const pages = readPages(fileURLToPath(new URL('../../dist/console', import.meta.url)));
    if (pages.kind === 'missing')
      return fail(terminal, exitCodes.fault, `the pages are not built (${pages.folder}): run npm run build.`);
    const opened = await openStore({ settings, log, onDown: giveUp, as: 'server' });
    if (opened.kind === 'refused') return fail(terminal, opened.code, opened.why);
    const { store } = opened;

    const failing = openFailures({ settings, standardError, log });
    if (failing.kind === 'refused') {
      await store.close();
      return fail(terminal, exitCodes.unavailable, failing.why);
    }
    const servers: OpenServer[] = [];
    const end = async (code: ExitCode, ...lines: readonly string[]): Promise<ExitCode> => {
      await Promise.all(servers.map((each) => each.stop()));
      await store.close();
      await failing.close();
      return fail(terminal, code, ...lines);
    };
    try {
      const opening = await open({
        settings,
        opened,
        log,
        terminal,
        pages: pages.pages,
        failures: failing.failures,
        servers,
      });
      if (opening.kind === 'refused') return await end(opening.code, opening.why);
      await stopAsked;
      log.info({}, 'stopping');
      const code = await stop({ ...opening, servers, store, log });
      await failing.close();
      return code;
    } catch (fault) {
      // A file that cannot be written, for one. Listeners that stay open would keep a process that serves nobody.
      return await end(exitCodes.fault, fault instanceof Error ? fault.message : String(fault));
    }
  },
};

interface Opened {
  readonly kind: 'open';
  readonly sallyport: Sallyport;
  readonly forward: Forwarding;
  readonly stopWatching: () => void;
}

interface OpeningParts {
  readonly settings: Settings;
  readonly opened: OpenStore;
  readonly log: Log;
  readonly terminal: Terminal;
  readonly pages: Pages;
  readonly failures: FailureLog;
  /** Whatever was opened is put here, for whoever has to close it. */
  readonly servers: OpenServer[];
}

async function open(
  parts: OpeningParts,
): Promise<{ readonly kind: 'refused'; readonly code: ExitCode; readonly why: string } | Opened> {
  const { settings, opened, log, terminal, pages, failures, servers } = parts;
  const { store, belonging, cells, tokenCells } = opened;
  const certified = await certificatesOf(settings, log, 'refused');
  if (certified.kind === 'refused') return { kind: 'refused', code: exitCodes.unavailable, why: certified.why };
  const { certificates } = certified;
  const doors = await openDoors({ settings, certificates, log, servers });
  if (doors.kind === 'refused') return { kind: 'refused', code: exitCodes.unavailable, why: doors.why };
  const { places } = doors;
  const creation = await createSallyport({
    settings,
    store,
    belonging,
    ...(cells === undefined ? {} : { cells }),
    ...(tokenCells === undefined ? {} : { tokenCells }),
    places,
    certificates,
    pages,
    version,
    log,
    failures,
  });
  if (creation.kind === 'refused') return { kind: 'refused', code: exitCodes.fault, why: creation.why };
  const { sallyport } = creation;
  opened.belongsTo(sallyport.installationId);

  const control = await openServer({
    door: 'control',
    listener: { kind: 'unix', path: join(settings.data, controlSocket) },
    serving: () => ({ kind: 'plain' }),
    mostConnections: connectionsAllowed(settings.maxConnections),
    log,
  });
  if (control.kind === 'refused') return { kind: 'refused', code: exitCodes.unavailable, why: control.why };
  servers.push(control.server);

  const codeFile = join(settings.data, 'setup-code');
  const keepCode = ({ code }: SetupCode): string => {
    // Made anew each time: an old file's mode, or a link in its place, must not decide who reads the code.
    rmSync(codeFile, { force: true });
    writeFileSync(codeFile, `${code}\n`, { mode: 0o600, flag: 'wx' });
    return `${places().console[0]}/auth/setup#code=${encodeURIComponent(code)}`;
  };
  const failed = failedAnswer(log);
  const forward = forwarding({ settings, places, clock: systemClock, random: systemRandom, log });
  doors.serve({ handle: sallyport.handle, forward, failed });
  control.server.serve(controlAdapter({ sallyport, failed, onSetupCode: keepCode }));

  await announce({
    sallyport,
    settings,
    places: places(),
    certificates,
    terminal,
    log,
    keepCode,
    forgetCode: () => rmSync(codeFile, { force: true }),
  });
  const stopWatching = watchCertificates({ certificates, places, settings, look: doors.look, log });
  return { kind: 'open', sallyport, forward, stopWatching };
}

/** What was acknowledged is on disk already; what is left to write is written if it can be. */
async function stop(
  parts: Omit<Opened, 'kind'> & Pick<OpeningParts, 'servers' | 'log'> & { readonly store: Store },
): Promise<ExitCode> {
  const { sallyport, forward, stopWatching, servers, store, log } = parts;
  stopWatching();
  const stopped = Promise.all(servers.map((each) => each.stop()));
  forward.stop();
  await stopped;
  forward.close();
  const closings = [() => sallyport.close(), () => store.close()];
  let code: ExitCode = exitCodes.well;
  for (const close of closings) {
    try {
      await close();
    } catch (fault) {
      log.error({ err: fault }, 'not everything could be written at the end');
      code = exitCodes.fault;
    }
  }
  return code;
}

/** The first signal begins the stop; later ones change nothing. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
    // From a terminal that is gone; for a daemon it means another thing (`serving/failures.ts`).
    process.on('SIGHUP', () => (isatty(0) ? resolve() : undefined));
  });
}
