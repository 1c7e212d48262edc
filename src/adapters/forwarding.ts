/** Joins the built-in proxy to listeners: what the guard admits goes on to the application, what fails there is told as we tell it. */
import type { Settings } from '../config/schema.ts';
import type { Random } from '../crypto/random.ts';
import { refuse, type Refusal } from '../errors.ts';
import { dialectsOf } from '../http/dialects/dialect.ts';
import { refusalFor } from '../http/proxy/application.ts';
import { proxy } from '../http/proxy/proxy.ts';
import type { Passing } from '../http/proxy/upstream.ts';
import type { Log } from '../record/recorder.ts';
import { type GivenPlaces, placesNow } from '../request/arrival.ts';
import type { Incoming } from '../request/incoming.ts';
import { parseOrigin } from '../request/origin.ts';
import type { Clock } from '../types.ts';
import { type Forwarder, write } from './node.ts';

export interface Forwarding extends Forwarder {
  /** WebSockets end; requests under way go on. */
  stop(): void;
  close(): void;
}

/** Without an `upstream` in the settings everything is answered 502. */
export function forwarding(parts: {
  readonly settings: Settings;
  readonly places: GivenPlaces;
  readonly clock: Clock;
  readonly random: Random;
  readonly log: Log;
}): Forwarding {
  const { settings, clock, random, log } = parts;
  const places = placesNow(parts.places);
  const form = settings.upstream === null ? undefined : parseOrigin(settings.upstream);
  const upstream =
    form?.kind === 'origin'
      ? proxy({
          upstream: form.origin,
          cookieStem: settings.cookieName,
          tokenPrefix: settings.tokenPrefix,
          ticketPrefix: settings.ticketPrefix,
          limits: settings.proxy,
          monotonic: () => clock.monotonic(),
          log,
        })
      : undefined;
  const dialects = dialectsOf(settings.ticketPrefix);
  const pages = { random, dialects, consoleOrigin: () => places().console[0] };
  /** Refusals on the way leave as those of the guard do: a page for people, a problem answer for programs. */
  const refusing =
    ({ response, answer }: Pick<Passing, 'response' | 'answer'>, incoming: Incoming) =>
    (refusal: Refusal): void =>
      write(response, refusalFor(pages, { ...refusal, headers: answer.headers }, incoming));
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
