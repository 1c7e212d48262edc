/**
 * Networks that a credential may be used from (3-rules, API tokens). Pure.
 * Stops: one network under many spellings, and a list that cannot be read and so is none.
 */
import { network } from '../../config/network-place.ts';
import type { Address } from '../../types.ts';
import { type Cidr, networkOf, proxyList } from '../address.ts';

export type NetworksForm =
  | { readonly kind: 'malformed'; readonly entry: string; readonly reason: string }
  /** As they are kept: canonical, each once. */
  | { readonly kind: 'networks'; readonly networks: readonly string[] };

export const mostNetworks = 64;

export function parseNetworks(texts: readonly string[]): NetworksForm {
  const networks = new Set<string>();
  for (const entry of texts) {
    const parsed = network.parse(entry.trim());
    if (parsed.kind === 'refused') return { kind: 'malformed', entry, reason: parsed.reason };
    networks.add(network.format(withoutHost(parsed.value)));
  }
  return { kind: 'networks', networks: [...networks] };
}

/** Bits beyond the prefix say nothing: `10.0.0.7/8` is `10.0.0.0/8`. */
function withoutHost({ address, prefix, family }: Cidr): Cidr {
  const [first = address] = networkOf(address as Address, { v4: prefix, v6: prefix }).split('/');
  return { address: first, prefix, family };
}

export interface AddressList {
  standing(address: Address): 'unlisted' | 'listed';
}

const anywhere: AddressList = { standing: () => 'listed' };

/** An empty list is anywhere. What was kept and cannot be read is a fault: nobody is let in by half a list. */
export function addressList(networks: readonly string[]): AddressList {
  if (networks.length === 0) return anywhere;
  const list = proxyList(
    networks.map((each): Cidr => {
      const parsed = network.parse(each);
      if (parsed.kind === 'refused') throw new TypeError('Cannot read a list of networks that was kept');
      return parsed.value;
    }),
  );
  /** Programs mostly come from one place: the look at the list is for the first time. */
  let last: Address | '' = '';
  let standing: 'unlisted' | 'listed' = 'unlisted';
  return {
    standing: (address) => {
      if (address !== last) {
        standing = list.standing(address);
        last = address;
      }
      return standing;
    },
  };
}

export type Containment = 'contained' | 'wider';

/** Whether all that the first list takes, the second takes as well. Lists of one family and length are compared entry by entry. */
export function compareNetworks(inner: readonly string[], outer: readonly string[]): Containment {
  if (outer.length === 0) return 'contained';
  if (inner.length === 0) return 'wider';
  return inner.every((each) => outer.some((around) => covers(around, each))) ? 'contained' : 'wider';
}

/** Pure predicate on two canonical networks. */
function covers(outer: string, inner: string): boolean {
  const [around, within] = [network.parse(outer), network.parse(inner)];
  if (around.kind === 'refused' || within.kind === 'refused') return false;
  if (around.value.family !== within.value.family || around.value.prefix > within.value.prefix) return false;
  const first = within.value.address as Address;
  return proxyList([around.value]).standing(first) === 'listed';
}
