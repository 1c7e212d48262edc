/**
 * Places on the network that an operator names: where to listen, under which origin to be reached, whom to believe
 * (2-http-api, 1. Starting; 3-rules, Addresses, hosts, local). Canonical once, here. Pure.
 * Stops: one place under two spellings, wildcards and paths that look as if they meant something.
 */
import { BlockList, isIP, SocketAddress } from 'node:net';
import { accepted, type Parsed, refused, type ValueKind } from './value-kind.ts';

export type Listener =
  | { readonly kind: 'unix'; /** Absolute path of the socket. */ readonly path: string }
  | {
      readonly kind: 'tcp';
      /** IP address without brackets, or a name, in lower case. */ readonly host: string;
      /** 0: any free one. */ readonly port: number;
    };

/** As `BlockList.addSubnet` takes it. A single address has the full prefix. */
export interface Network {
  readonly address: string;
  readonly prefix: number;
  readonly family: 'ipv4' | 'ipv6';
}

const label = '[a-z0-9](?:[a-z0-9-]{0,61}[a-z0-9])?';
/** The last label has a letter in front: `127.1` is neither an address nor a name. */
const hostName = new RegExp(`^(?:${label}\\.)*[a-z](?:[a-z0-9-]{0,61}[a-z0-9])?$`);

/** Longest path that fits a socket address on Linux, in bytes. */
const longestSocketPath = 107;

function parsePort(text: string): Parsed<number> {
  return /^(?:0|[1-9]\d{0,4})$/.test(text) && Number(text) <= 65_535
    ? accepted(Number(text))
    : refused('the port is not 0 to 65535');
}

function parseTcp(text: string): Parsed<Listener> {
  const colon = text.lastIndexOf(':');
  if (colon === -1) return refused('it has no port');
  const written = text.slice(0, colon).toLowerCase();
  const port = parsePort(text.slice(colon + 1));
  if (port.kind === 'refused') return port;
  if (written === '') return refused('it has no host');
  const bracketed = written.startsWith('[') && written.endsWith(']');
  const bare = bracketed ? written.slice(1, -1) : written;
  if (bare.includes('%')) return refused('an address with a zone');
  if (isIP(bare) === 6) {
    if (!bracketed) return refused('an IPv6 address stands in brackets');
    return accepted({
      kind: 'tcp',
      host: new SocketAddress({ address: bare, family: 'ipv6' }).address,
      port: port.value,
    });
  }
  const known = !bracketed && (isIP(bare) === 4 || (bare.length <= 253 && hostName.test(bare)));
  return known
    ? accepted({ kind: 'tcp', host: bare, port: port.value })
    : refused('the host is neither an address nor a name');
}

/** `host:port`, `[::1]:port`, `unix:/path`. */
export const listener: ValueKind<Listener> = {
  writing: 'text',
  suffix: '',
  form: 'an address to listen on: `host:port`, `[IPv6 address]:port` or `unix:/path`',
  parse: (text) => {
    if (!text.startsWith('unix:')) return parseTcp(text);
    const path = text.slice(5);
    if (!path.startsWith('/') || path.endsWith('/') || path.includes('\0'))
      return refused('the path of a socket starts with / and names a file');
    if (Buffer.byteLength(path) > longestSocketPath)
      return refused(`the path of a socket has at most ${longestSocketPath} bytes`);
    return accepted({ kind: 'unix', path });
  },
  format: (value) => {
    if (value.kind === 'unix') return `unix:${value.path}`;
    return value.host.includes(':') ? `[${value.host}]:${value.port}` : `${value.host}:${value.port}`;
  },
};

const loopback = new BlockList();
loopback.addSubnet('127.0.0.0', 8, 'ipv4');
loopback.addAddress('::1', 'ipv6');

/** Who can get at a host: only this machine, or the network too. Of names only `localhost` and what is under it are sure. */
export function reachOf(host: string): 'machine' | 'network' {
  switch (isIP(host)) {
    case 4:
      return loopback.check(host, 'ipv4') ? 'machine' : 'network';
    case 6:
      return loopback.check(host, 'ipv6') ? 'machine' : 'network';
    default:
      return host === 'localhost' || host.endsWith('.localhost') ? 'machine' : 'network';
  }
}

/** The names `request/origin.ts` knows too; no wildcards, no percent signs. */
const originHost = /^(?:\[[0-9a-f:.]+\]|[a-z0-9_](?:[a-z0-9._-]{0,251}[a-z0-9_])?)$/;

/** `https://host[:port]` and nothing after it; canonical: lower case, no default port, no trailing dot or slash. */
export const origin: ValueKind<string> = {
  writing: 'text',
  suffix: '',
  form: 'an origin: `http://host[:port]` or `https://host[:port]`, nothing after it',
  parse: (text) => {
    if (text.includes('@')) return refused('it has a user name or password in it');
    if (!/^https?:\/\/[^/?#\\\s%]+\/?$/i.test(text) || !URL.canParse(text)) return refused();
    const url = new URL(text);
    const host = url.hostname.replace(/\.$/, '');
    if (!originHost.test(host)) return refused('the host is neither an address nor a name');
    if (url.port === '0') return refused('the port is 0');
    return accepted(`${url.protocol}//${host}${url.port === '' ? '' : `:${url.port}`}`);
  },
  format: String,
};

/** Where to send a copy of log lines. */
export interface SyslogServer {
  readonly protocol: 'udp' | 'tcp';
  readonly host: string;
  readonly port: number;
}

export const syslogServer: ValueKind<SyslogServer> = {
  writing: 'text',
  suffix: '',
  form: '`udp://host:port` or `tcp://host:port`',
  parse: (text) => {
    const [, protocol, place] = /^(udp|tcp):\/\/([^/?#@\s]+)$/i.exec(text) ?? [];
    if (protocol === undefined || place === undefined) return refused();
    const listening = parseTcp(place);
    if (listening.kind === 'refused') return listening;
    const { value } = listening;
    if (value.kind === 'unix') return refused();
    if (value.port === 0) return refused('the port is 0');
    return accepted({
      protocol: protocol.toLowerCase() === 'udp' ? 'udp' : 'tcp',
      host: value.host,
      port: value.port,
    } as const);
  },
  format: ({ protocol, host, port }) => `${protocol}://${host.includes(':') ? `[${host}]` : host}:${port}`,
};

const families = { 4: { family: 'ipv4', bits: 32 }, 6: { family: 'ipv6', bits: 128 } } as const;
const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/;

/** `10.0.0.0/8`, `fd00::/8`, or one address. IPv4 written as IPv6 (`::ffff:10.0.0.1`) is folded to IPv4. */
export const network: ValueKind<Network> = {
  writing: 'text',
  suffix: '',
  form: 'an address or a network in CIDR form (192.0.2.7, 10.0.0.0/8, fd00::/8)',
  parse: (text) => {
    const [written = '', prefixText, ...rest] = text.split('/');
    const version = isIP(written);
    if (rest.length > 0 || (version !== 4 && version !== 6)) return refused();
    if (written.includes('%')) return refused('an address with a zone');
    const { family, bits } = families[version];
    if (prefixText !== undefined && !/^(?:0|[1-9]\d{0,2})$/.test(prefixText)) return refused();
    const prefix = prefixText === undefined ? bits : Number(prefixText);
    if (prefix > bits) return refused(`the prefix is longer than ${bits}`);
    const { address } = new SocketAddress({ address: written, family });
    const folded = mapped.exec(address)?.[1];
    if (folded === undefined) return accepted({ address, prefix, family });
    return prefix < 96
      ? refused('a network that is partly IPv4')
      : accepted({ address: folded, prefix: prefix - 96, family: 'ipv4' });
  },
  format: ({ address, prefix, family }) =>
    prefix === (family === 'ipv4' ? 32 : 128) ? address : `${address}/${prefix}`,
};
