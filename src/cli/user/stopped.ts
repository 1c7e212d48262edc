/** Commands about accounts where no server runs: the same actions, on the store itself. Nothing is mailed from here. */
import { type HostCommand, hostUsers } from '../../actions/people/host.ts';
import type { Outcome } from '../../actions/call.ts';
import type { Settings } from '../../config/schema.ts';
import { systemRandom } from '../../crypto/random.ts';
import { outbox } from '../../mail/outbox.ts';
import { failureLog } from '../../record/failures/failure-log.ts';
import { metrics } from '../../record/metrics.ts';
import { type Log, recorder as makeRecorder } from '../../record/recorder.ts';
import { systemClock } from '../../setup.ts';
import { limiter } from '../../throttle/limiter.ts';
import { placesOf } from '../serving/places.ts';
import type { StoppedStore } from '../stopped-store.ts';

const silent: Log = { info: () => undefined, warn: () => undefined, error: () => undefined };

export async function onStoppedStore(
  settings: Settings,
  { store, cells }: Extract<StoppedStore, { kind: 'open' }>,
  command: HostCommand,
): Promise<Outcome> {
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
  const [consoleOrigin] = placesOf(settings, { at: settings.listen }, undefined, undefined).console;
  const users = hostUsers({
    store,
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
  });
  return users(command);
}
