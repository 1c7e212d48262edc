/** `sallyport serve`: the server from its settings to its end (2-http-api, 1). */
import { rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { fileURLToPath } from 'node:url';
import pino from 'pino';
import { forwarding } from '../adapters/forwarding.ts';
import { loadSettings, readSettingsFile } from '../config/load.ts';
import { noticeLine } from '../config/print.ts';
import { systemRandom } from '../crypto/random.ts';
import { readPages } from '../http/pages.ts';
import { checkBeforeOpening } from '../open-installation.ts';
import { failedAnswer, openServer, type OpenServer } from '../server.ts';
import { createSallyport, type SetupCode, systemClock } from '../setup.ts';
import { openSqliteStore } from '../store/sqlite/open.ts';
import { version } from '../version.ts';
import { announce } from './announce.ts';
import { controlAdapter, controlSocket } from './control.ts';
import { connectionsAllowed } from './descriptors.ts';
import { type ExitCode, exitCodes, fail } from './exit-codes.ts';
import { ownFolder } from './own-folder.ts';
import { placesOf } from './places.ts';
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
    const log = pino(
      { level: settings.logLevel, base: null, timestamp: pino.stdTimeFunctions.isoTime },
      pino.destination({ dest: 2, sync: true }),
    );
    for (const warning of loaded.warnings) log.warn(noticeLine(warning));

    // What nobody caught may have left anything half-done: written down, and the next start begins from what is on disk.
    for (const event of ['uncaughtException', 'unhandledRejection'] as const) {
      process.on(event, (fault: unknown) => {
        log.error({ err: fault }, 'a fault that nobody caught');
        process.exit(exitCodes.fault);
      });
    }

    // Nothing this process makes is for anybody else, whatever the caller's umask was.
    process.umask(0o077);
    const folder = ownFolder(settings.data);
    if (folder !== undefined) return fail(terminal, exitCodes.unavailable, folder);
    const pages = readPages(fileURLToPath(new URL('../../dist/console', import.meta.url)));
    if (pages.kind === 'missing')
      return fail(terminal, exitCodes.fault, `the pages are not built (${pages.folder}): run npm run build.`);
    const databaseFile = join(settings.data, 'sallyport.db');
    const fit = checkBeforeOpening({ databaseFile, rootKeyFile: settings.rootKeyFile });
    if (fit.kind === 'refused') return fail(terminal, exitCodes.fault, fit.why);
    const opened = await openSqliteStore({ path: databaseFile, ownerPath: join(settings.data, 'owner.lock') });
    if (opened.kind !== 'opened')
      return fail(terminal, opened.kind === 'locked' ? exitCodes.unavailable : exitCodes.fault, opened.detail);
    const { store } = opened;

    const servers: OpenServer[] = [];
    const end = async (code: ExitCode, ...lines: readonly string[]): Promise<ExitCode> => {
      await Promise.all(servers.map((each) => each.stop()));
      await store.close();
      return fail(terminal, code, ...lines);
    };
    const doors =
      settings.upstream === null || settings.sharedOrigin
        ? (['console'] as const)
        : (['console', 'application'] as const);
    const mostConnections = connectionsAllowed(settings.maxConnections);
    const bound: Partial<Record<'console' | 'application', OpenServer>> = {};
    for (const door of doors) {
      const opening = await openServer({
        door,
        listener: door === 'console' ? settings.listen : settings.appListen,
        mostConnections,
        log,
      });
      if (opening.kind === 'refused') return end(exitCodes.unavailable, opening.why);
      servers.push(opening.server);
      bound[door] = opening.server;
    }
    const places = placesOf(settings, bound.console, bound.application);
    const creation = await createSallyport({ settings, store, places, pages: pages.pages, version, log });
    if (creation.kind === 'refused') return end(exitCodes.fault, creation.why);
    const { sallyport } = creation;

    const control = await openServer({
      door: 'control',
      listener: { kind: 'unix', path: join(settings.data, controlSocket) },
      mostConnections,
      log,
    });
    if (control.kind === 'refused') return end(exitCodes.unavailable, control.why);
    servers.push(control.server);

    const codeFile = join(settings.data, 'setup-code');
    const keepCode = ({ code }: SetupCode): string => {
      // Made anew each time: an old file's mode, or a link in its place, must not decide who reads the code.
      rmSync(codeFile, { force: true });
      writeFileSync(codeFile, `${code}\n`, { mode: 0o600, flag: 'wx' });
      return `${places.console[0]}/auth/setup#code=${encodeURIComponent(code)}`;
    };
    const failed = failedAnswer(log);
    const forward = forwarding({ settings, places, clock: systemClock, random: systemRandom, log });
    bound.console?.serve({ handle: sallyport.handle, forward, failed });
    bound.application?.serve({ handle: sallyport.handle, forward, failed });
    control.server.serve(controlAdapter({ sallyport, failed, onSetupCode: keepCode }));

    await announce({
      sallyport,
      settings,
      places,
      terminal,
      log,
      keepCode,
      forgetCode: () => rmSync(codeFile, { force: true }),
    });
    await stopSignal();
    log.info({}, 'stopping');
    const stopped = Promise.all(servers.map((each) => each.stop()));
    forward.stop();
    await stopped;
    forward.close();
    await sallyport.close();
    await store.close();
    // At once: while Node takes itself down it no longer listens for signals, and a second SIGTERM would be the end that is told.
    process.exit(exitCodes.well);
  },
};

/** The first signal begins the stop; later ones change nothing. */
function stopSignal(): Promise<void> {
  return new Promise((resolve) => {
    for (const signal of ['SIGTERM', 'SIGINT'] as const) process.on(signal, () => resolve());
  });
}
