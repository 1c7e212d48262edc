/** Where the doors are reached, once it is known which ports they got (2-http-api, 1). */
import { type Listener, reachOf } from '../../config/network-place.ts';
import type { Settings } from '../../config/schema.ts';
import { parseOrigin } from '../../request/origin.ts';
import type { OpenServer } from '../../server.ts';
import type { Places } from '../../request/arrival.ts';
import type { Origin } from '../../types.ts';

type At = Pick<OpenServer, 'at'>;

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'] as const;

export function placesOf(
  settings: Settings,
  console: At | undefined,
  application: At | undefined,
  operations: At | undefined,
): Places {
  const consoleNames = namesOf(console?.at);
  // Passkeys need a name, so the console on loopback is `localhost`; the application stays at its address, which keeps
  // the two on hosts of their own: cookies do not tell ports apart.
  const consoleOwn =
    settings.publicUrl ??
    consoleNames.find((name) => name.startsWith('http://localhost:')) ??
    consoleNames[0] ??
    'http://localhost';
  const [first, ...rest] = unique([consoleOwn, ...consoleNames]);
  const applicationNames = application === undefined ? [] : namesOf(application.at);
  return {
    console: [first ?? origin(consoleOwn), ...rest],
    application:
      application === undefined
        ? []
        : unique([...(settings.appUrl === null ? [] : [settings.appUrl]), ...applicationNames]),
    protectedHosts: unique(settings.protectedHosts),
    ...(operations === undefined ? {} : { operations: namesOf(operations.at).map(origin) }),
  };
}

/** Every spelling of a listener's own address; a unix socket has none. */
function namesOf(listener: Listener | undefined): readonly string[] {
  if (listener === undefined || listener.kind === 'unix') return [];
  const { host, port } = listener;
  const own = `http://${host.includes(':') ? `[${host}]` : host}:${port}`;
  if (reachOf(host) === 'network') return [own];
  return [own, ...loopbackNames.map((name) => `http://${name}:${port}`)];
}

function unique(texts: readonly string[]): Origin[] {
  return [...new Set(texts.map(origin))];
}

/** Settings and listeners were parsed already; what does not parse here is a mistake of ours. */
function origin(text: string): Origin {
  const form = parseOrigin(text);
  if (form.kind === 'malformed') throw new TypeError(`Cannot use "${text}" as an origin`);
  return form.origin;
}
