/**
 * What the doors are as of now: under which names, over what they speak, whom they take. They change while running when
 * another certificate, or none, is served (2-http-api, 7).
 */
import { reachOfListener } from '../../config/reach.ts';
import type { Listener } from '../../config/network-place.ts';
import type { Settings } from '../../config/schema.ts';
import { proxyList } from '../../request/address.ts';
import { type ArrivalRules, knownHosts, type Places } from '../../request/arrival.ts';
import { hostOf } from '../../request/origin.ts';
import type { Certificates } from '../../tls/contract.ts';
import type { Origin } from '../../types.ts';

const halfYearSeconds = 180 * 86_400;

export interface Doors {
  readonly places: Places;
  readonly consoleOrigin: Origin;
  /** Where people may be sent back to. */
  readonly protectedOrigins: ReadonlySet<Origin>;
  /** Hosts of all that is ours, as passwords must not resemble them. */
  readonly hostNames: readonly string[];
  readonly rules: ArrivalRules;
}

export interface DoorsParts {
  readonly settings: Settings;
  readonly places: () => Places;
  readonly certificates: Pick<Certificates, 'serving'>;
}

/** Made once for each standing of the places, which are another object when they are others. */
export function doorsOf(parts: DoorsParts): () => Doors {
  const proxies = proxyList(parts.settings.trustedProxies);
  let known: Doors | undefined;
  return () => {
    const places = parts.places();
    if (known?.places !== places) known = make(parts, places, proxies);
    return known;
  };
}

function make({ settings, certificates }: DoorsParts, places: Places, proxies: ArrivalRules['proxies']): Doors {
  const { console, application, protectedHosts, operations = [] } = places;
  /** Where passwords would cross a network in the clear, only listed proxies are answered; where TLS is spoken, nobody in the clear. */
  const taken = (listener: Listener): ArrivalRules['peers']['console'] => {
    const reach = reachOfListener(listener);
    if (listener.kind === 'tcp' && certificates.serving(reach).kind === 'tls') return 'tls';
    return reach === 'network' ? 'listed' : 'any';
  };
  const promised = (listener: Listener): readonly string[] => {
    const serving = certificates.serving(reachOfListener(listener));
    const trusted = listener.kind === 'tcp' && serving.kind === 'tls' && serving.proven.chain === 'trusted';
    return trusted ? ['strict-transport-security', `max-age=${halfYearSeconds}`] : [];
  };
  return {
    places,
    consoleOrigin: console[0],
    protectedOrigins: new Set([...application, ...protectedHosts, ...(settings.sharedOrigin ? console : [])]),
    hostNames: [...console, ...application, ...protectedHosts].map(hostOf),
    rules: {
      hosts: {
        console: knownHosts([
          { own: console, place: 'console' },
          { own: protectedHosts, place: 'protected-host' },
        ]),
        application: knownHosts([{ own: application, place: 'application' }]),
        control: knownHosts([{ own: console, place: 'console' }]),
        operations: knownHosts([{ own: operations, place: 'operations' }]),
      },
      proxies,
      forwardedHeader: settings.forwardedHeader,
      peers: {
        console: taken(settings.listen),
        application: taken(settings.appListen),
        control: 'any',
        operations: 'any',
      },
      overTls: {
        console: promised(settings.listen),
        application: promised(settings.appListen),
        control: [],
        operations: [],
      },
    },
  };
}
