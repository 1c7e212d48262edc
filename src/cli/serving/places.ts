/** Where the doors are reached, once it is known which ports they got and what they speak (2-http-api, 1 and 7). */
import { isIPv4 } from 'node:net';
import { type Listener, reachOf } from '../../config/network-place.ts';
import type { Settings } from '../../config/schema.ts';
import type { OwnNames } from '../../tls/own-names.ts';
import { parseOrigin, type Scheme } from '../../request/origin.ts';
import type { Places } from '../../request/arrival.ts';
import type { Origin } from '../../types.ts';

export interface Door {
  readonly at: Listener;
  readonly scheme: Scheme;
}

export interface DoorsOpen {
  readonly console: Door;
  readonly application?: Door;
  readonly operations?: Door;
}

const loopbackNames = ['localhost', '127.0.0.1', '[::1]'] as const;

/** `own`: what this machine is called, for listeners on all its addresses. */
export function placesOf(settings: Settings, doors: DoorsOpen, own: OwnNames): Places {
  const consoleNames = namesOf(doors.console, own);
  // Passkeys need a name, so the console on loopback is `localhost`; the application stays at its address, which keeps
  // the two on hosts of their own: cookies do not tell ports apart.
  const near = doors.console.at.kind === 'tcp' && reachOf(doors.console.at.host) === 'machine';
  const consoleOwn =
    publicUrl(settings.publicUrl, doors.console) ??
    (near ? consoleNames.find((name) => /^https?:\/\/localhost:/.test(name)) : undefined) ??
    consoleNames[0] ??
    'http://localhost';
  const [first, ...rest] = unique([consoleOwn, ...consoleNames]);
  const { application, operations } = doors;
  const appUrl = application === undefined ? null : publicUrl(settings.appUrl, application);
  return {
    console: [first ?? origin(consoleOwn), ...rest],
    application:
      application === undefined ? [] : unique([...(appUrl === null ? [] : [appUrl]), ...namesOf(application, own)]),
    protectedHosts: unique(settings.protectedHosts),
    ...(operations === undefined ? {} : { operations: namesOf(operations, own).map(origin) }),
  };
}

/** A plain URL was for the plain listener of this machine: nothing is served under it once that speaks TLS. */
function publicUrl(url: string | null, { scheme }: Door): string | null {
  if (url === null || scheme === 'http' || url.startsWith('https:')) return url;
  // Its port stays what it was, also where it was none that is written.
  return `https:${url.slice('http:'.length)}${/:\d+$/.test(url) ? '' : ':80'}`;
}

/** Every spelling of a listener's own address; a unix socket has none. */
function namesOf({ at, scheme }: Door, own: OwnNames): readonly string[] {
  if (at.kind === 'unix') return [];
  const { host, port } = at;
  const urls = (hosts: readonly string[]): readonly string[] => hosts.map((each) => `${scheme}://${each}:${port}`);
  const spelt = host.includes(':') ? `[${host}]` : host;
  if (reachOf(host) === 'machine') return urls([spelt, ...loopbackNames]);
  // In the clear only a reverse proxy is answered, which knows the public URL.
  if (scheme === 'http') return urls([spelt]);
  if (host !== '0.0.0.0' && host !== '::') return urls([spelt, ...own.names]);
  // The address first: whether others know the machine's name is not sure.
  const addresses = own.addresses.filter((each) => reachOf(each) === 'network' && (host === '::' || isIPv4(each)));
  return urls([...addresses.map((each) => (isIPv4(each) ? each : `[${each}]`)), ...own.names, ...loopbackNames]);
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
