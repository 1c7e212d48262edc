/** What this machine is called and where it is: for the certificate that we make, and for hosts (3-rules, TLS). Pure. */
import { isIPv6, SocketAddress } from 'node:net';
import type { NetworkInterfaceInfo } from 'node:os';

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** The last label has a letter in front, or it could be an address. */
const dnsName = new RegExp(`^(?:${label}\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`);

export interface OwnNames {
  /** The machine's own name first, where it has one that DNS can hold. */
  readonly names: readonly [string, ...string[]];
  /** Of loopback, then of its interfaces, canonical. */
  readonly addresses: readonly string[];
}

/** As `os.hostname()` and `os.networkInterfaces()` tell. Link-local addresses are good on one wire only, and left out. */
export function ownNames(
  hostname: string,
  interfaces: Readonly<Record<string, readonly NetworkInterfaceInfo[] | undefined>>,
): OwnNames {
  const name = hostname.toLowerCase().replace(/\.$/, '');
  const named = name !== 'localhost' && name.length <= 253 && dnsName.test(name);
  const found = Object.values(interfaces)
    .flatMap((each) => each ?? [])
    .filter(({ internal, address }) => !internal && !/^fe[89ab][0-9a-f]:|^169\.254\.|%/i.test(address))
    .map(({ address }) => (isIPv6(address) ? new SocketAddress({ address, family: 'ipv6' }).address : address));
  return {
    names: named ? [name, 'localhost'] : ['localhost'],
    addresses: [...new Set(['127.0.0.1', '::1', ...found])],
  };
}
