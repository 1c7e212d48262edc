/**
 * Where a request was really sent to and where it came from, after headers of listed proxies were weighed
 * (3-rules, Addresses, hosts, local). Takes an `Incoming`, gives typed values. Pure.
 * Stops: DNS rebinding, host spellings, forged forwarded hosts.
 */
import type { Address, Origin } from '../types.ts';
import { clientOf, isLoopback, type Client, type ForwardedHeader, type ProxyList } from './address.ts';
import { checkSingleHeaders, header, type Door, type Incoming } from './incoming.ts';
import { hostOf, originOf, type Scheme, schemeOf } from './origin.ts';

/** Where people and proxies reach the doors. */
export interface Places {
  /** The console as browsers reach it, first; then its other names (loopback spellings). */
  readonly console: readonly [Origin, ...Origin[]];
  /** The application behind the built-in proxy; empty without one. */
  readonly application: readonly Origin[];
  /** Hosts behind a reverse proxy whose people sign in here. */
  readonly protectedHosts: readonly Origin[];
  /** Where health and metrics are asked for, when they have a listener of their own. */
  readonly operations?: readonly Origin[];
}

/** Fixed, or as they are at the moment: then another object each time they have changed. */
export type GivenPlaces = Places | (() => Places);

export function placesNow(given: GivenPlaces): () => Places {
  return typeof given === 'function' ? given : () => given;
}

/** What a request's Host stands for. */
export type Place = 'console' | 'application' | 'protected-host' | 'operations';

interface KnownHost {
  readonly origin: Origin;
  readonly place: Place;
}

/** The hosts of one door. A Host that is not among them is 421. */
export interface Hosts {
  find(hostHeader: string): KnownHost | undefined;
}

export interface DoorHosts {
  readonly own: readonly Origin[];
  readonly place: Place;
}

/**
 * A host counts whatever scheme the connection has: the configured origin says what the browser sees, also when TLS
 * ends at a proxy in front. Where both schemes are configured for one host, the first wins.
 */
export function knownHosts(doors: readonly DoorHosts[]): Hosts {
  const known = new Map<string, KnownHost>();
  for (const door of doors) {
    for (const origin of door.own) {
      if (!known.has(hostOf(origin))) known.set(hostOf(origin), { origin, place: door.place });
    }
  }
  return {
    find: (hostHeader) => {
      const exact = known.get(hostHeader);
      if (exact) return exact;
      for (const scheme of ['https', 'http'] as const) {
        const form = originOf(scheme, hostHeader);
        const found = form.kind === 'origin' ? known.get(hostOf(form.origin)) : undefined;
        if (found && schemeOf(found.origin) === scheme) return found;
      }
      return undefined;
    },
  };
}

export interface Arrival {
  readonly kind: 'arrived';
  readonly place: Place;
  /** Origin of the request as the browser sees it. */
  readonly origin: Origin;
  readonly scheme: Scheme;
  /** Peer is a listed proxy: its description of an original request is believed (`verify`). */
  readonly proxied: Client['via'];
  readonly client: () => Client;
  readonly locality: () => Locality;
}

/** `local`: whoever asks is on this machine, or reached a listener that exists for them alone (3-rules, Addresses, hosts, local). */
export type Locality = 'remote' | 'local';

export type Arriving =
  | { readonly kind: 'malformed'; readonly detail: string }
  | { readonly kind: 'too-many-headers' }
  | { readonly kind: 'misdirected' }
  /** Plain HTTP from the network, and not from a listed proxy (3-rules, TLS). */
  | { readonly kind: 'unlisted-peer' }
  /** Plain HTTP on a listener that speaks TLS. `host`: where it was meant for, if that is ours. */
  | { readonly kind: 'in-the-clear'; readonly host: Origin | null }
  | Arrival;

export interface ArrivalRules {
  readonly hosts: Readonly<Record<Door, Hosts>>;
  readonly proxies: ProxyList;
  readonly forwardedHeader: ForwardedHeader;
  /**
   * `listed`: everybody else is refused, since what they send crosses the network in the clear. `tls`: the listener speaks
   * TLS, and whoever does not is refused, listed proxies among them.
   */
  readonly peers: Readonly<Record<Door, 'any' | 'listed' | 'tls'>>;
  /**
   * Header names and values for answers to whoever came over TLS of ours: that browsers never come in the clear again
   * (RFC 6797). Only where the certificate is trusted: there is no way past a warning then.
   */
  readonly overTls: Readonly<Record<Door, readonly string[]>>;
}

/** More than any client sends; each costs a look wherever headers are read. */
const mostHeaders = 200;

/** `ignoreForwardedHost`: the forwarded host describes another request (forward-auth), not this one. */
export function arrive(incoming: Incoming, rules: ArrivalRules, ignoreForwardedHost: 'read' | 'ignore'): Arriving {
  if (incoming.rawHeaders.length > mostHeaders * 2) return { kind: 'too-many-headers' };
  const singles = checkSingleHeaders(incoming.rawHeaders);
  if (singles.kind === 'repeated')
    return { kind: 'malformed', detail: `The header "${singles.name}" came more than once.` };
  const coding = header(incoming.headers, 'transfer-encoding');
  // Node reads any list that ends in chunked; the next hop may read it otherwise (RFC 9112 section 6.1).
  if (coding !== undefined && coding.toLowerCase() !== 'chunked')
    return { kind: 'malformed', detail: 'The only transfer coding is chunked.' };
  const host = header(incoming.headers, 'host');
  if (host === undefined) return { kind: 'malformed', detail: 'The Host header is missing.' };
  const peers = rules.peers[incoming.door];
  // Also on a connection from before the listener spoke TLS. What proxies say of the host counts for nothing here.
  if (peers === 'tls' && incoming.transport === 'plain')
    return { kind: 'in-the-clear', host: rules.hosts[incoming.door].find(host)?.origin ?? null };
  const believing = rules.proxies.size > 0;
  const early = believing ? clientOf(incoming.peer, incoming.headers, rules.proxies, rules.forwardedHeader) : undefined;
  if (peers === 'listed' && incoming.transport === 'plain' && early?.via !== 'proxy') return { kind: 'unlisted-peer' };
  const forwarded =
    early?.via === 'proxy' && ignoreForwardedHost === 'read' ? header(incoming.headers, 'x-forwarded-host') : undefined;
  const known = rules.hosts[incoming.door].find(forwarded ?? host);
  if (!known) return { kind: 'misdirected' };
  return {
    kind: 'arrived',
    place: known.place,
    origin: known.origin,
    scheme: schemeOf(known.origin),
    proxied: early?.via ?? 'direct',
    client: () => early ?? clientOf(incoming.peer, incoming.headers, rules.proxies, rules.forwardedHeader),
    locality: () => localityOf(incoming, host),
  };
}

const forwarding = [
  'forwarded',
  'via',
  'x-forwarded-for',
  'x-forwarded-host',
  'x-forwarded-proto',
  'x-real-ip',
] as const;

/** A proxy on this machine passes strangers on from a loopback address: its headers, or the name it is asked by, give it away. */
function localityOf({ door, peer, headers }: Incoming, host: string): Locality {
  if (door === 'control' || door === 'operations') return 'local';
  const named = /^(localhost|127\.\d+\.\d+\.\d+|\[::1\])(:\d+)?$/.test(host.toLowerCase());
  const near = peer !== '' && isLoopback(peer) === 'loopback';
  return named && near && forwarding.every((name) => headers[name] === undefined) ? 'local' : 'remote';
}

/** The canonical client address of an arrival, for limits, lists and logs. */
export function addressOf(arrival: Arrival): Address {
  return arrival.client().address;
}
