/**
 * Client addresses: one parser for limits, lists and logs (3-rules, Addresses). Pure.
 * Stops: one client seen under many spellings, and forwarded headers believed from whoever sends them.
 */
import { BlockList, isIP, isIPv4 } from 'node:net';
import type { Address } from '../types.ts';
import type { HeaderMap } from './incoming.ts';

export type AddressForm = { readonly kind: 'malformed' } | { readonly kind: 'address'; readonly address: Address };

/** Mapped IPv4 is folded to IPv4, zones are dropped, IPv6 is written as RFC 5952 says. */
export function parseAddress(text: string): AddressForm {
  const zone = text.indexOf('%');
  const bare = zone === -1 ? text : text.slice(0, zone);
  switch (isIP(bare)) {
    case 4:
      return { kind: 'address', address: bare as Address };
    case 6: {
      const groups = groupsOf(bare);
      const mapped = groups.slice(0, 5).every((group) => group === 0) && groups[5] === 0xffff;
      const [high = 0, low = 0] = groups.slice(6);
      return {
        kind: 'address',
        address: (mapped ? [high >> 8, high & 255, low >> 8, low & 255].join('.') : formatGroups(groups)) as Address,
      };
    }
    default:
      return { kind: 'malformed' };
  }
}

/** The network an address lies in, as text: `203.0.113.0/26`, `2001:db8::/48`. */
export function networkOf(address: Address, bits: { readonly v4: number; readonly v6: number }): string {
  if (isIPv4(address)) {
    const value = address.split('.').reduce((sum, part) => sum * 256 + Number(part), 0);
    const kept = bits.v4 === 0 ? 0 : Math.floor(value / 2 ** (32 - bits.v4)) * 2 ** (32 - bits.v4);
    return `${[24, 16, 8, 0].map((shift) => Math.floor(kept / 2 ** shift) % 256).join('.')}/${bits.v4}`;
  }
  const groups = groupsOf(address).map((group, place) => {
    const keep = Math.min(16, Math.max(0, bits.v6 - place * 16));
    return keep === 0 ? 0 : group & ((0xffff << (16 - keep)) & 0xffff);
  });
  return `${formatGroups(groups)}/${bits.v6}`;
}

/** A network in a list, as configuration gives it. */
export interface Cidr {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

export type ForwardedHeader = 'x-forwarded-for' | 'x-real-ip' | 'forwarded';

export interface ProxyList {
  /** `listed`: a proxy whose headers are believed. */
  standing(address: Address): 'unlisted' | 'listed';
  readonly size: number;
}

export function proxyList(networks: readonly Cidr[]): ProxyList {
  // One for each family: a `BlockList` takes an IPv4 address for its IPv6 form, which lies in `::/0`.
  const lists = { ipv4: new BlockList(), ipv6: new BlockList() };
  for (const each of networks) lists[each.family].addSubnet(each.address, each.prefix, each.family);
  return {
    size: networks.length,
    standing: (address) => {
      const family = isIPv4(address) ? 'ipv4' : 'ipv6';
      return lists[family].check(address, family) ? 'listed' : 'unlisted';
    },
  };
}

/** An address of this machine's own: nobody else can send from one. */
export function isLoopback(peer: string): 'elsewhere' | 'loopback' {
  const form = parseAddress(peer);
  if (form.kind === 'malformed') return 'elsewhere';
  return form.address === '::1' || form.address.startsWith('127.') ? 'loopback' : 'elsewhere';
}

export interface Client {
  readonly address: Address;
  /** The peer is a listed proxy, so that its forwarded scheme and host are believed too. */
  readonly via: 'direct' | 'proxy';
}

/** Stands for the peer of a unix socket: whoever may open the socket file is on this machine. */
const localAddress = '127.0.0.1' as Address;

/** Canonical address of whoever the connection came from, as the socket gives it; empty for a unix socket. */
export function peerAddress(peer: string): Address {
  if (peer === '') return localAddress;
  const parsed = parseAddress(peer);
  if (parsed.kind === 'malformed') throw new TypeError(`Cannot read the address of the connection: "${peer}"`);
  return parsed.address;
}

/**
 * The peer, unless it is a listed proxy; then the header is walked from the right to the first address that is not
 * listed. All listed: the left-most. An entry that cannot be read: the last good one. No header: the proxy itself.
 */
export function clientOf(peer: string, headers: HeaderMap, proxies: ProxyList, believed: ForwardedHeader): Client {
  const address = peerAddress(peer);
  if (proxies.size === 0 || proxies.standing(address) === 'unlisted') return { address, via: 'direct' };
  const value = headers[believed];
  const text = typeof value === 'string' ? value : value?.join(',');
  if (text === undefined) return { address, via: 'proxy' };
  const chain = believed === 'forwarded' ? forwardedFor(text) : text.split(',').map((entry) => entry.trim());
  let client = address;
  for (const entry of chain.toReversed()) {
    const hop = parseAddress(withoutPort(entry));
    if (hop.kind === 'malformed') break;
    client = hop.address;
    if (proxies.standing(client) === 'unlisted') break;
  }
  return { address: client, via: 'proxy' };
}

/** The `for=` of each element of RFC 7239 section 4; an element without one is unreadable, which ends the walk. */
function forwardedFor(text: string): string[] {
  return text.split(',').map((element) => {
    for (const pair of element.split(';')) {
      const [name = '', value = ''] = pair.split('=', 2);
      if (name.trim().toLowerCase() === 'for') return value.trim().replace(/^"|"$/g, '');
    }
    return '';
  });
}

/** `192.0.2.1:80` and `[2001:db8::1]:80` are written by some proxies; a bare IPv6 address has no port to lose. */
function withoutPort(entry: string): string {
  if (entry.startsWith('[')) return entry.slice(1, Math.max(1, entry.indexOf(']')));
  const colon = entry.indexOf(':');
  return colon !== -1 && colon === entry.lastIndexOf(':') ? entry.slice(0, colon) : entry;
}

/** Eight 16-bit groups of a valid IPv6 text. */
function groupsOf(text: string): number[] {
  const dotted = text.lastIndexOf(':') + 1;
  const tail = text.slice(dotted);
  const plain = tail.includes('.')
    ? text.slice(0, dotted) +
      tail
        .split('.')
        .map(Number)
        .reduce<string[]>(
          (groups, octet, place, all) =>
            place % 2 === 0 ? [...groups, (octet * 256 + (all[place + 1] ?? 0)).toString(16)] : groups,
          [],
        )
        .join(':')
    : text;
  const [left = '', right] = plain.split('::', 2);
  const read = (part: string): number[] =>
    part === '' ? [] : part.split(':').map((group) => Number.parseInt(group, 16));
  const head = read(left);
  if (right === undefined) return head;
  const end = read(right);
  return [...head, ...Array<number>(8 - head.length - end.length).fill(0), ...end];
}

/** RFC 5952: lower case, the longest run of two or more zero groups shortened, the first of equals. */
function formatGroups(groups: readonly number[]): string {
  let best = { start: -1, length: 1 };
  for (let start = 0; start < groups.length; start += 1) {
    let length = 0;
    while (groups[start + length] === 0) length += 1;
    if (length > best.length) best = { start, length };
  }
  const text = (part: readonly number[]): string => part.map((group) => group.toString(16)).join(':');
  if (best.start === -1) return text(groups);
  return `${text(groups.slice(0, best.start))}::${text(groups.slice(best.start + best.length))}`;
}
