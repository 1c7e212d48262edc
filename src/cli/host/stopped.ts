/** What commands on the host are carried out with where no server runs: the store itself. Nothing is mailed from here. */
import type { HostTicketParts } from '../../actions/access/host.ts';
import type { HostKeyParts } from '../../actions/keys/host.ts';
import type { HostParts } from '../../actions/people/host.ts';
import type { TlsParts } from '../../actions/tls/configure.ts';
import type { TokenParts } from '../../actions/tokens/making.ts';
import type { Settings } from '../../config/schema.ts';
import { systemRandom } from '../../crypto/random.ts';
import { keepServiceKeyFile } from '../../crypto/key-files/service-key-file.ts';
import { outbox } from '../../mail/outbox.ts';
import { openRealms } from '../../realm/open-realms.ts';
import { failureLog } from '../../record/failures/failure-log.ts';
import { metrics } from '../../record/metrics.ts';
import { type Log, recorder as makeRecorder } from '../../record/recorder.ts';
import { systemClock } from '../../setup.ts';
import { limiter } from '../../throttle/limiter.ts';
import type { Certificates } from '../../tls/contract.ts';
import { serviceKeyText } from '../../verify/basic/service-key.ts';
import { certificatesOf, machineNames, schemeOnceServed } from '../serving/certificates.ts';
import { placesOf } from '../serving/places.ts';
import type { StoppedStore } from '../stopped-store.ts';

export type StoppedParts = HostParts &
  TokenParts &
  HostKeyParts &
  HostTicketParts &
  Omit<TlsParts, 'certificates'> & {
    /** For commands about them alone: where there is none of our own yet, opening them makes one. */
    readonly openCertificates: () => Promise<Certificates>;
  };

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function stoppedParts(
  settings: Settings,
  { store, keyring, cells }: Extract<StoppedStore, { kind: 'open' }>,
): Promise<StoppedParts> {
  const clock = systemClock;
  const random = systemRandom;
  const remembered = () => store.limits(clock.now());
  const recorder = makeRecorder({
    store,
    clock,
    log: silent,
    metrics: metrics(),
    failures: failureLog([], clock),
  });
  // Where the console will be once the server runs.
  const [consoleOrigin] = placesOf(
    settings,
    { console: { at: settings.listen, scheme: schemeOnceServed(settings) } },
    machineNames(),
  ).console;
  const made = await openRealms({ settings, given: [], onTrouble: () => undefined });
  if (made.kind === 'refused') throw new Error(made.why);
  return {
    store,
    realms: made.realms,
    recorder,
    clock,
    random,
    limiter: limiter({
      clock,
      remembered: await remembered(),
      together: cells === undefined ? null : { cells, random, remembered },
    }),
    outbox: outbox({ mailer: null, store, recorder, log: silent, random, wait: () => Promise.resolve() }),
    consoleOrigin: () => consoleOrigin,
    tokenPrefix: settings.tokenPrefix,
    ticketPrefix: settings.ticketPrefix,
    // Whoever counted uses wrote them when it stopped.
    tokenUses: { unwritten: () => undefined },
    keyring,
    openCertificates: async () => {
      const opening = await certificatesOf(settings, silent, 'told');
      if (opening.kind === 'refused') throw new Error(opening.why);
      return opening.certificates;
    },
    rootKeyFile: settings.rootKeyFile,
    serviceKeyFile: {
      path: settings.serviceKeyFile,
      keep: async () => {
        const opened = keyring.serviceKey(await store.keys());
        return opened.kind === 'damaged'
          ? { kind: 'unusable', why: opened.why }
          : keepServiceKeyFile(settings.serviceKeyFile, serviceKeyText(opened.bytes), random);
      },
    },
  };
}
