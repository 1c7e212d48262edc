/** Joins the built-in proxy to the listeners. */
import { type NodeAdapter, write } from '../adapters/node.ts';
import type { Settings } from '../config/schema.ts';
import { systemRandom } from '../crypto/random.ts';
import { refuse } from '../errors.ts';
import { refusalFor } from '../http/proxy/application.ts';
import { proxy } from '../http/proxy/proxy.ts';
import type { Log } from '../record/recorder.ts';
import { parseOrigin } from '../request/origin.ts';
import type { Sallyport } from '../setup.ts';

export function forwarding(parts: {
  readonly settings: Settings;
  readonly sallyport: Sallyport;
  readonly log: Log;
}): Pick<NodeAdapter, 'forward'> & { close(): void } {
  const { settings, sallyport, log } = parts;
  const form = settings.upstream === null ? undefined : parseOrigin(settings.upstream);
  const upstream =
    form?.kind === 'origin' ? proxy({ upstream: form.origin, cookieStem: settings.cookieName, log }) : undefined;
  return {
    forward: (incoming, message, response, identity) => {
      const unreachable = (): void =>
        write(
          response,
          refusalFor(
            { random: systemRandom, consoleOrigin: () => sallyport.places.console[0] },
            refuse('upstream_unreachable'),
            incoming,
          ),
        );
      const arrival = sallyport.arrive(incoming);
      if (upstream === undefined || arrival.kind !== 'arrived') unreachable();
      else upstream.pass(message, response, arrival, identity, unreachable);
    },
    close: () => upstream?.close(),
  };
}
