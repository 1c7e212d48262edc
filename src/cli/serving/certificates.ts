/** The certificates of a running server: opened before its listeners, watched while it runs (3-rules, TLS). */
import { hostname, networkInterfaces } from 'node:os';
import { reachOfListener } from '../../config/reach.ts';
import type { Settings } from '../../config/schema.ts';
import { systemRandom } from '../../crypto/random.ts';
import type { Log } from '../../record/recorder.ts';
import type { Places } from '../../request/arrival.ts';
import type { Scheme } from '../../request/origin.ts';
import { systemClock } from '../../setup.ts';
import { chosenIn, readChosen, tlsFolder } from '../../tls/chosen-file.ts';
import { type CertificatesParts, openCertificates, type Opening } from '../../tls/certificates.ts';
import type { Certificates } from '../../tls/contract.ts';
import { type HookSurroundings, tlsHook } from '../../tls/hook.ts';
import { type OwnNames, ownNames } from '../../tls/own-names.ts';
import type { Listener } from '../../config/network-place.ts';

/** A renewed file is served so long after, at the latest; three times as fast as is promised. */
const lookEveryMs = 20_000;

export function machineNames(): OwnNames {
  return ownNames(hostname(), networkInterfaces());
}

/** Listeners where people sign in; those for health and metrics, and unix sockets, stay plain. */
function listenersOf({ listen, appListen, upstream, sharedOrigin }: Settings): readonly Listener[] {
  return upstream === null || sharedOrigin ? [listen] : [listen, appListen];
}

export function certificatesOf(
  settings: Settings,
  log: Log,
  unusable: CertificatesParts['unusable'],
): Promise<Opening> {
  const { tlsCert, tlsKey } = settings;
  const called = [settings.publicUrl, settings.appUrl]
    .flatMap((url) => (url === null ? [] : [new URL(url).hostname]))
    .map(bare);
  const hosts = listenersOf(settings).flatMap((each) => (each.kind === 'tcp' ? [each.host] : []));
  return openCertificates({
    tls: settings.tls === 'off' ? 'off' : 'possible',
    given: tlsCert === null || tlsKey === null ? null : { source: 'settings', certPath: tlsCert, keyPath: tlsKey },
    folders: settings.tlsAllowedDirs,
    folder: tlsFolder(settings.data),
    reaches: listenersOf(settings)
      .filter(({ kind }) => kind === 'tcp')
      .map(reachOfListener),
    names: () => {
      const own = machineNames();
      const others = [...own.names.slice(1), ...own.addresses, ...called, ...hosts];
      return [own.names[0], ...new Set(others.filter((name) => name !== '0.0.0.0' && name !== '::'))];
    },
    called,
    clock: systemClock,
    random: systemRandom,
    log,
    unusable,
  });
}

/** Without the brackets of an IPv6 address. */
function bare(host: string): string {
  return host.replaceAll(/[[\]]/g, '');
}

/** What the console's listener will speak, by what is on disk. */
export function schemeOnceServed({ listen, tls, tlsCert, data }: Settings): Scheme {
  if (tls === 'off' || listen.kind === 'unix') return 'http';
  const chosen = tlsCert !== null || readChosen(chosenIn(tlsFolder(data))).kind === 'chosen';
  return chosen || reachOfListener(listen) === 'network' ? 'https' : 'http';
}

/** What a listener speaks now. */
export function schemeAt(certificates: Pick<Certificates, 'serving'>, at: Listener): Scheme {
  return at.kind === 'tcp' && certificates.serving(reachOfListener(at)).kind === 'tls' ? 'https' : 'http';
}

/** Looks until it is stopped: now and then, and when the operator says so; and tells whoever has to know of a change. */
export function watchCertificates(parts: {
  readonly certificates: Certificates;
  readonly places: () => Places;
  readonly settings: Pick<Settings, 'tlsHook'>;
  readonly look: () => void;
  readonly log: Log;
}): () => void {
  const { certificates, places, log } = parts;
  const look = (): void => {
    parts.look();
    void certificates
      .look()
      .catch((fault: unknown) => log.error({ err: fault }, 'certificates could not be looked at'));
  };
  const timer = setInterval(look, lookEveryMs);
  timer.unref();
  process.on('SIGHUP', look);
  const { tlsHook: command } = parts.settings;
  const surroundings = (): HookSurroundings => ({
    SALLYPORT_URL: places().console[0],
    SALLYPORT_APP_URL: places().application[0] ?? '',
    SALLYPORT_CERTIFICATE_FINGERPRINT: certificates.figures().fingerprint,
  });
  const hook = command === null ? undefined : tlsHook({ command, surroundings, log });
  const stopListening = certificates.onChange(() => void hook?.());
  return () => {
    clearInterval(timer);
    process.off('SIGHUP', look);
    stopListening();
  };
}
