/** Joins the built-in proxy to the listeners. */
import { type Forwarder, write } from '../adapters/node.ts';
import type { Settings } from '../config/schema.ts';
import { systemRandom } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import { refusalFor } from '../http/proxy/application.ts';
import { proxy } from '../http/proxy/proxy.ts';
import type { Passing } from '../http/proxy/upstream.ts';
import type { Log } from '../record/recorder.ts';
import type { Incoming } from '../request/incoming.ts';
import { parseOrigin } from '../request/origin.ts';
import { type Sallyport, systemClock } from '../setup.ts';

export interface Forwarding extends Forwarder {
  /** WebSockets end; requests under way go on. */
  stop(): void;
  close(): void;
}

export function forwarding(parts: {
  readonly settings: Settings;
  readonly sallyport: Sallyport;
  readonly log: Log;
}): Forwarding {
  const { settings, sallyport, log } = parts;
  const form = settings.upstream === null ? undefined : parseOrigin(settings.upstream);
  const upstream =
    form?.kind === 'origin'
      ? proxy({
          upstream: form.origin,
          cookieStem: settings.cookieName,
          limits: settings.proxy,
          monotonic: () => systemClock.monotonic(),
          log,
        })
      : undefined;
  const pages = { random: systemRandom, consoleOrigin: () => sallyport.places.console[0] };
  /** Refusals on the way leave as those of the guard do: a page for people, a problem answer for programs. */
  const refusing =
    ({ response }: Pick<Passing, 'response'>, incoming: Incoming) =>
    (refusal: Refusal): void =>
      write(response, refusalFor(pages, refusal, incoming));
  return {
    pass: (passing, incoming) => {
      const refused = refusing(passing, incoming);
      if (upstream === undefined) refused(refuse('upstream_unreachable'));
      else upstream.pass({ ...passing, refuse: refused });
    },
    join: (joining, incoming) => {
      const refused = refusing(joining, incoming);
      if (upstream === undefined) refused(refuse('upstream_unreachable'));
      else upstream.join({ ...joining, refuse: refused });
    },
    stop: () => upstream?.stop(),
    close: () => upstream?.close(),
  };
}
